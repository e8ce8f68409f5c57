//! What an event asks a function for, and where the function is: events of another Region or account are refused.

use std::collections::BTreeMap;

use anyhow::bail;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::{facts::Creator, resource::Arn, scope::Scope};

use crate::context::Context;

/// What an invocation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Do everything but act, mail and write the ledger.
    pub dry_run: bool,
    /// What woke the function.
    pub trigger: Trigger,
}

/// What woke the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// A schedule, or a person who names nothing: everything is looked at.
    #[default]
    Schedule,
    /// A schedule that looks only at what was warned of and is due, or at what broke off.
    Due,
    /// A person who names resources: ids, with the names as they are spelt, where that is known.
    Asked(BTreeMap<String, Option<String>>),
    /// A resource changed its state: it is judged as in any run.
    Changed(String, Option<String>),
    /// A resource changed its state: what that ends is closed, and nothing is started.
    Ended(String, Option<String>),
    /// A resource was created, by a person or by nobody who is known (an empty name).
    Created(String, Option<String>, Creator),
    /// An event of nothing that the function looks at.
    Nothing,
    /// AWS Budgets tells of these budgets, by name.
    Budgets(Vec<String>),
}

impl Request {
    /// What to look at.
    pub fn scope(&self) -> Scope {
        match &self.trigger {
            Trigger::Schedule | Trigger::Due | Trigger::Budgets(_) => Scope::Everything,
            Trigger::Asked(named) => Scope::Only(named.clone()),
            Trigger::Changed(id, name) | Trigger::Created(id, name, _) => Scope::Only([(id.clone(), name.clone())].into()),
            Trigger::Ended(id, name) => Scope::Changed(id.clone(), name.clone()),
            Trigger::Nothing => Scope::Only(BTreeMap::new()),
        }
    }

    /// Whether the run looks at everything that there is.
    pub const fn is_whole(&self) -> bool {
        matches!(self.trigger, Trigger::Schedule | Trigger::Budgets(_))
    }

    /// Whether an event of a resource woke the function.
    pub const fn is_by_event(&self) -> bool {
        matches!(self.trigger, Trigger::Changed(..) | Trigger::Ended(..) | Trigger::Created(..) | Trigger::Nothing)
    }

    /// Who created a resource, by its id, if an event tells.
    pub const fn creator(&self) -> Option<(&String, &Creator)> {
        match &self.trigger {
            Trigger::Created(id, _, creator) => Some((id, creator)),
            _ => None,
        }
    }

    /// The budgets that AWS Budgets tells of, by name.
    pub fn budgets(&self) -> &[String] {
        match &self.trigger {
            Trigger::Budgets(names) => names,
            _ => &[],
        }
    }
}

/// Where a function is: events of elsewhere are not for it.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// Its Region.
    pub region: &'a str,
    /// Its account, where it is known.
    pub account: Option<&'a str>,
}

impl Home<'_> {
    /// Whether something is here. A budget is in no Region, and with the account everywhere.
    pub(super) fn has(self, arn: Arn<'_>) -> bool {
        (arn.region == self.region || arn.region.is_empty()) && self.account.is_none_or(|own| own == arn.account)
    }
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
