//! The only crate that knows the AWS SDK. Its modules are the stations of a run: settings, gather, (the rules decide), act, ledger, notify, report.

pub mod act;
mod clients;
mod context;
pub mod coverage;
pub mod event;
pub mod gather;
pub mod ledger;
pub mod log;
pub mod notify;
pub mod policy;
pub mod report;
mod resubmit;
pub mod run;
pub mod settings;
#[cfg(test)]
mod testing;
pub mod tightenings;

pub use clients::{Clients, Lazily};
pub use context::{Context, serve};
