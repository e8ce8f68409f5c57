//! What really happened to people, by public bug reports and recordings of real accounts. Each test is named after it.

mod attaching;
mod audit;
mod bills;
mod budgets;
mod exempt;
mod guard_tags;
mod holidays;
mod hostile;
mod interrupted;
mod jobs;
mod leaving;
mod newer;
mod notices;
mod owners;
mod passing;
mod scaling;
mod stuck;
mod workflows;

use simulator::Simulator;

/// How many calls stopped something.
fn stop_calls(account: &Simulator) -> u64 {
    account.calls().into_iter().filter(|(call, _)| call.contains(":Stop")).map(|(_, count)| count).sum()
}
