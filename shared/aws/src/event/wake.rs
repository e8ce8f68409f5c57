//! What an event asks a function for, and where the function is: events of another Region or account are refused.

use anyhow::bail;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::{facts::Creator, scope::Scope};

use crate::context::Context;

/// What an invocation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// Do everything but act, mail and write the ledger.
    pub dry_run: bool,
    /// Look only at what is due.
    pub due_only: bool,
    /// What to look at.
    pub scope: Scope,
    /// Whether an event of a resource woke the function.
    pub by_change: bool,
    /// The budgets that AWS Budgets tells of, by name.
    pub budgets: Vec<String>,
    /// Who created a resource, by its id; an empty name: nobody who is known.
    pub creator: Option<(String, Creator)>,
}

/// Where a function is: events of elsewhere are not for it.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// Its Region.
    pub region: &'a str,
    /// Its account, where it is known.
    pub account: Option<&'a str>,
}

impl Context {
    /// Where the function is.
    pub fn home(&self) -> Home<'_> {
        Home { region: &self.clients.region, account: self.account().ok() }
    }
}

/// Refuses an event of another Region or account.
pub(super) fn at_home(event: &EventBridgeEvent, home: Home<'_>) -> anyhow::Result<()> {
    if let Some(of) = event.region.as_deref().filter(|of| *of != home.region) {
        bail!("an event of {of}, but this function looks after {}: deploy one function per Region", home.region);
    }
    if let Some((of, own)) = event.account.as_deref().zip(home.account).filter(|(of, own)| of != own) {
        bail!("an event of account {of}, but this function looks after {own}: deploy one function per account");
    }
    Ok(())
}
