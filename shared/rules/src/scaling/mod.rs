//! Auto scaling of endpoints, worked out from their traffic: [`Traffic`] → [`replay`] of a [`Setting`] → [`propose`] the best one.

mod by_hours;
mod days;
mod hours;
mod lines;
mod load;
mod need;
mod outlook;
mod propose;
mod replay;
mod search;
mod setting;
mod traffic;

pub use self::{
    days::{Days, Scheduled},
    load::Load,
    outlook::Doubt,
    propose::{Advice, MINUTES_PER_MONTH, Proposal, Question, propose},
    replay::{billed_by_minute, dearer, replay},
    setting::{Replayed, ScaleIn, Setting, Terms},
    traffic::{Missing, Traffic},
};
