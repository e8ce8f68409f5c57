//! What a rule can judge.

use jiff::Timestamp;

use crate::{facts::Facts, vocabulary::resource::Resource};

/// What a rule can look at.
pub trait Subject: Sized + 'static {
    /// All of them.
    fn all(facts: &Facts) -> impl Iterator<Item = &Self>;
    /// What it has in common with the others.
    fn resource(&self) -> &Resource;
    /// Since when it runs, if it does.
    fn run(&self) -> Option<Timestamp>;
    /// The id of the series that it is one of.
    fn series(&self) -> Option<String> {
        None
    }
}
