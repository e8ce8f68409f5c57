//! Rules about resources of many kinds, as tag-auditor lists them.

pub mod resource_stuck;
