//! Rules about notebook instances.

use jiff::Timestamp;

use crate::{
    facts::Notebook,
    rules::{context::judged_run, verdict::Verdict},
};

pub mod notebook_always_on;
pub mod notebook_forgotten;
pub mod notebook_idle;
pub mod notebook_off_hours;
pub mod notebook_stuck;

impl Notebook {
    /// The start of the current run. `Err`: the verdict on a notebook that is not running.
    pub(crate) fn judged_run(&self) -> Result<Timestamp, Verdict> {
        judged_run(self.state, self.since)
    }
}
