//! The actions, by area: one idempotent SDK call each (but for resubmissions in `training`), legal from one state only. What is already so, or gone, is success.

pub(crate) mod cost_tags;
pub(crate) mod jobs;
pub(crate) mod notebooks;
pub(crate) mod studio;
pub(crate) mod tags;
pub(crate) mod training;

#[cfg(test)]
mod tests;
