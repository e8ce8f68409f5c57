//! The tests of whole functions, but for that of the currency, which is the process's. One program holds them all: linked one by one, with the AWS SDK in each, they would take gigabytes and minutes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod binary;
mod budgets;
mod cost_report;
mod endpoint_month;
mod endpoint_scaling;
mod endpoints;
mod events;
mod field;
mod flow;
mod heard;
mod hibernation;
mod inference;
mod month;
mod platform;
mod regular_mails;
mod rehearse;
mod roles;
mod savings_plans;
mod scan;
mod tags;
mod training;
mod upgrade;
mod week;
