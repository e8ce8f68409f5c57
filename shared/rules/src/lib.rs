//! Facts in, findings and a plan out: the cost rules. Pure: no AWS, no async, no clock, no environment.
//!
//! [`facts::Facts`] → [`policy::Policy::evaluate`] → [`finding::Judgement`] → [`plan::plan`] → [`plan::Plan`] → [`mail::digests`].

pub mod budgets;
pub mod coverage;
pub mod duration;
pub mod facts;
pub mod finding;
pub mod mail;
pub mod plan;
pub mod policy;
pub mod price;
pub mod resubmission;
pub mod rules;
pub mod schedule;
pub mod spikes;
pub mod tagging;
