//! What an event asks of a function, and where the function is: events of another Region or account are refused.

use std::collections::BTreeMap;

use anyhow::bail;
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::{
    facts::{Creator, Unread},
    report::ReportPeriod,
    resource::Arn,
    scope::Scope,
};

use crate::context::Context;

/// What an invocation asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Dry run: do everything except acting, mailing and writing the ledger.
    pub dry_run: bool,
    /// What woke the function.
    pub trigger: Trigger,
}

/// What woke the function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// A schedule, or a person who names no resources: everything is looked at.
    #[default]
    Schedule,
    /// A schedule that looks only at what is due: warnings whose time has come, and what an interrupted run left.
    Due,
    /// A person who wants everything mailed that waits.
    MailNow,
    /// A person who wants the cost report of a period.
    Period(ReportPeriod),
    /// A person who orders something for the endpoint of this name.
    Ordered(Order, String),
    /// A person who names resources: ids, with the exact spelling of the name, where it is known.
    Asked(BTreeMap<String, Option<String>>),
    /// A resource (id, name) changed its state. It is judged as in any run.
    Changed(String, Option<String>),
    /// A resource (id, name) changed its state. Findings that this ends are closed, and nothing else is done.
    Ended(String, Option<String>),
    /// A resource (id, name) was created. The creator's name is empty if it is not known.
    Created(String, Option<String>, Creator),
    /// A resource was created by this call, and the event does not say which.
    CreatedUnnamed(String),
    /// An event about nothing that the function looks at.
    Nothing,
    /// AWS Budgets sent a message. The budgets that it names, which may be none.
    Budgets(Vec<String>),
}

/// What a person can order for an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Take back the auto scaling that the guard attached.
    Detach,
    /// Delete it, to be created again as it was.
    Hibernate,
    /// Create it again after it was hibernated.
    Restore,
}

impl Request {
    /// Which resources to look at.
    pub fn scope(&self) -> Scope {
        match &self.trigger {
            Trigger::Schedule | Trigger::Due | Trigger::MailNow | Trigger::Budgets(_) => Scope::Everything,
            Trigger::Asked(named) => Scope::Only(named.clone()),
            Trigger::Changed(id, name) | Trigger::Created(id, name, _) => Scope::Only([(id.clone(), name.clone())].into()),
            Trigger::Ended(id, name) => Scope::Changed(id.clone(), name.clone()),
            Trigger::CreatedUnnamed(_) | Trigger::Ordered(..) | Trigger::Period(_) | Trigger::Nothing => Scope::Only(BTreeMap::new()),
        }
    }

    /// Whether this is a complete run, which looks at everything.
    pub const fn is_whole(&self) -> bool {
        matches!(self.trigger, Trigger::Schedule | Trigger::Budgets(_))
    }

    /// Whether an event about a resource woke the function.
    pub const fn is_by_event(&self) -> bool {
        matches!(
            self.trigger,
            Trigger::Changed(..) | Trigger::Ended(..) | Trigger::Created(..) | Trigger::CreatedUnnamed(_) | Trigger::Nothing
        )
    }

    /// The id and the creator of a resource, if the event is about its creation.
    pub const fn creator(&self) -> Option<(&String, &Creator)> {
        match &self.trigger {
            Trigger::Created(id, _, creator) => Some((id, creator)),
            _ => None,
        }
    }

    /// What the event should have said and does not.
    pub fn unread(&self) -> Option<Unread> {
        let Trigger::CreatedUnnamed(call) = &self.trigger else { return None };
        Some(Unread::new(
            "who created a resource",
            format!(
                "CloudTrail left out the response of {call}, and the request does not identify the resource: if its owner matters, tag it"
            ),
        ))
    }

    /// The names of the budgets that AWS Budgets sent a message about; empty for other events.
    pub fn budgets(&self) -> &[String] {
        match &self.trigger {
            Trigger::Budgets(names) => names,
            _ => &[],
        }
    }
}

/// The Region and account of a function. Events from elsewhere are refused.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// Its Region.
    pub region: &'a str,
    /// Its account. `None`: not known.
    pub account: Option<&'a str>,
}

impl Home<'_> {
    /// Whether a resource is in this Region and account. Budgets have no Region: only the account counts.
    pub(super) fn has(self, arn: Arn<'_>) -> bool {
        (arn.region == self.region || arn.region.is_empty()) && self.account.is_none_or(|own| own == arn.account)
    }
}

impl Context {
    /// The function's Region and account.
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
