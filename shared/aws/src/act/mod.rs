//! The actions, by area. Each is one idempotent SDK call (except for resubmissions in `training` and for endpoints), allowed in one state only. A resource that is already
//! stopped, or gone, counts as success.

pub(crate) mod completing;
pub(crate) mod cost_tags;
pub(crate) mod endpoints;
pub(crate) mod hibernate;
pub(crate) mod jobs;
pub(crate) mod notebooks;
pub(crate) mod recreate;
pub(crate) mod studio;
pub(crate) mod tags;
pub(crate) mod training;
pub(crate) mod wake;

#[cfg(test)]
mod tests;
