//! What happens over time, by itself and by people: jobs, resources of all kinds, what they cost, who is told of it.

pub(crate) mod billing;
pub(crate) mod inventory;
pub(crate) mod jobs;
pub(crate) mod kinds;
pub(crate) mod order;
pub(crate) mod prices;
pub(crate) mod trail;
