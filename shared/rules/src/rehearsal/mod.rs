//! What a policy would have done over the last days: an account's history, judged and planned again by the same rules, at each time at which a function would have run. Pure.

pub use self::{
    calls::{Call, Did, Runs, Today, UnknownRun, uses},
    history::{Ending, History, LeftOut, Past, Run, RunEnd, USE_LOOKED_BACK, Use, Used, WhyLeftOut, uses_measured},
    outcome::{After, Mails, Rehearsal, Stop},
    replay::rehearse,
    scope::{NotRehearsed, OF_ENDPOINTS, OF_NOTEBOOKS_AND_APPS},
};

mod calls;
mod course;
mod guard;
mod history;
mod outcome;
mod replay;
mod scope;

#[cfg(test)]
mod tests;
