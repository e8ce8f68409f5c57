//! The cost rules: they turn facts into findings and a plan. Pure: no AWS, no async, no clock, no environment.
//!
//! [`facts::Facts`] → [`rulebook::Rulebook::evaluate`] → [`rulebook::Judgement`] → [`plan::plan`] → [`plan::Plan`] → [`mail::digests`].

pub mod cases;
pub mod coverage;
pub mod events;
pub mod facts;
pub mod inference;
pub mod mail;
pub mod plan;
pub mod policy;
pub mod rehearsal;
pub mod remedy;
pub mod report;
pub mod rulebook;
pub mod rules;
pub mod savings_plan;
pub mod scaling;
pub mod vocabulary;

#[cfg(test)]
mod floors;
#[cfg(test)]
pub(crate) mod samples;

pub use vocabulary::{currency, duration, owners, period, price, resource, schedule, scope, text, time_zone, timed_text, working_time};
