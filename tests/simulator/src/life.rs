//! What happens over time: jobs, resources of all kinds, what they cost, and who created them.

pub(crate) mod alarms;
pub(crate) mod billing;
pub(crate) mod hosting;
pub(crate) mod inventory;
pub(crate) mod jobs;
pub(crate) mod kinds;
pub(crate) mod order;
pub(crate) mod prices;
pub(crate) mod scaling;
pub(crate) mod trail;
