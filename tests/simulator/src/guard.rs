//! The guard as it is deployed: its template, the roles of its functions, and their triggers.

pub(crate) mod deployment;
pub(crate) mod roles;
pub(crate) mod schedule;
pub(crate) mod stack;
pub(crate) mod template;
