//! Studio: its apps, and what its domains, user profiles and spaces say of idle shutdown.

pub(super) mod apps;
pub(super) mod idle_shutdowns;
