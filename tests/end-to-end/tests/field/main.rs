//! What really happened to people, by public bug reports and recordings of real accounts. Each test is named after it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod bills;
mod exempt;
mod guard_tags;
mod holidays;
mod jobs;
mod leaving;
mod owners;
mod stuck;
mod workflows;
