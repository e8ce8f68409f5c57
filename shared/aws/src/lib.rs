//! The only crate that uses the AWS SDK. Its modules follow the steps of a run: event, gather, (the rules decide), act, ledger, notify, report.

mod act;
pub mod area;
mod bucket;
pub mod caller;
mod clients;
mod context;
pub mod cost_report;
pub mod coverage;
pub mod detach;
pub mod event;
pub mod gather;
pub mod hibernation;
pub mod ledger;
mod mailer;
pub mod regular_mails;
pub mod report;
mod serve;
pub mod settle;
pub mod subscriptions;
#[cfg(test)]
mod testing;

pub use clients::{Clients, Lazily, trail::Trail, why::denied_operation};
pub use context::{Context, settings};
pub use serve::{leave_trouble, serve};
