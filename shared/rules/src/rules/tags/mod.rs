//! Rules about tags.

pub(crate) mod fill;
pub mod inactive_cost_allocation_tag;
pub mod invalid_tag_value;
pub mod missing_tag;
pub mod untagged_spend;
