//! The checks of `doctor`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cost_aws::{caller::Caller, denied_operation};
use cost_rules::{facts::TagKeyStatus, price::Prices, rulebook::Rulebook, text::one_line};

use crate::scan::found::{Found, Unread};

/// How many of several things are named.
const NAMED: usize = 8;

const TRY_AGAIN: &str = "try again; if it stays, a deployed guard could not read it either";

/// Whether something works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It works.
    Fine,
    /// It would not work.
    Problem,
    /// It is not known.
    Unknown,
}

/// A thing that was checked.
pub(super) struct Check {
    /// What: `credentials`.
    of: &'static str,
    pub(super) health: Health,
    /// What was seen.
    says: String,
    /// What to do about it.
    to_do: Option<String>,
}

impl Check {
    fn fine(of: &'static str, says: impl Into<String>) -> Self {
        Self { of, health: Health::Fine, says: says.into(), to_do: None }
    }

    pub(super) fn unknown(of: &'static str, says: impl Into<String>) -> Self {
        Self { of, health: Health::Unknown, says: says.into(), to_do: None }
    }

    pub(super) fn problem(of: &'static str, says: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self { of, health: Health::Problem, says: says.into(), to_do: Some(to_do.into()) }
    }

    /// For people: one line, and one for what to do.
    pub(super) fn shown(&self) -> String {
        let health = match self.health {
            Health::Fine => "ok",
            Health::Problem => "problem",
            Health::Unknown => "not known",
        };
        let to_do = self.to_do.as_ref().map_or_else(String::new, |to_do| format!("{:38}To do: {}\n", "", one_line(to_do)));
        format!("{health:10} {:26} {}\n{to_do}", self.of, one_line(&self.says))
    }
}

pub(super) fn no_credentials(error: &anyhow::Error) -> Check {
    Check::problem("credentials", format!("{error:#}"), "set this right first: without it nothing else can be checked")
}

pub(super) fn credentials(caller: &Caller) -> Check {
    Check::fine("credentials", format!("{}, account {}", caller.arn, caller.account))
}

/// Whether prices of a Region are known.
pub(super) fn region(region: &str) -> Check {
    if Prices::regions().iter().any(|known| known == region) {
        return Check::fine("prices", format!("of {region} are known"));
    }
    let to_do = "write those of your instances into the policy: [prices] hourly = { \"ml.m5.xlarge\" = 0.23 }";
    Check::problem("prices", format!("of {region} are not known: findings there have no costs"), to_do)
}

/// Whether a policy can be used.
pub(super) fn policy(file: Option<&Path>, read: &anyhow::Result<Rulebook>) -> Check {
    let Some(file) = file else { return Check::fine("policy", "the built-in one, which only reports") };
    let file = file.display();
    match read {
        Ok(rulebook) if rulebook.enforces() => {
            Check::fine("policy", format!("{file}: it enforces, which needs a deployment with AllowEnforcement = yes"))
        }
        Ok(_) => Check::fine("policy", format!("{file}: it only reports")),
        Err(error) => {
            let errors = format!("{error:#}").lines().count();
            let first = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
            let more = if 1 < errors { format!(" (and {} more)", errors - 1) } else { String::new() };
            Check::problem("policy", format!("{first}{more}"), format!("cost-guard check-policy {file}"))
        }
    }
}

/// What could not be read, by what to do about it.
pub(super) fn reading(found: &Found) -> Vec<Check> {
    if found.was_interrupted {
        return vec![Check::problem("reading", format!("interrupted before {}", found.not_looked_at.join(", ")), "start it once more")];
    }
    let (not_enabled, others): (Vec<&Unread>, Vec<&Unread>) = found.unread.iter().partition(|one| is_not_enabled(one));
    let operations: BTreeSet<&str> = others.iter().copied().filter_map(denied).collect();
    let others: Vec<&Unread> = others.into_iter().filter(|one| denied(one).is_none()).collect();
    let (bill, others): (Vec<&Unread>, Vec<&Unread>) = others.into_iter().partition(|one| is_about_bill(one));
    let mut checks = vec![permissions(&operations, found.unread.is_empty())];
    checks.push(cost_explorer(&not_enabled, &bill, &operations));
    checks.extend(by_reason(&others));
    checks
}

fn cost_explorer(not_enabled: &[&Unread], others: &[&Unread], denied: &BTreeSet<&str>) -> Check {
    const OF: &str = "Cost Explorer";
    if let Some(one) = not_enabled.first() {
        let to_do = "open Cost Explorer once in the billing console of the account (of the management account, in an organization); it answers a day later";
        return Check::problem(OF, one.why.clone(), to_do);
    }
    match others.first() {
        Some(one) => Check::problem(OF, format!("{}: {}", one.what, one.why), TRY_AGAIN),
        None if denied.iter().any(|operation| operation.starts_with("ce:")) => {
            Check::unknown(OF, "whether it is enabled: its permissions are missing")
        }
        None => Check::fine(OF, "is enabled, and answers"),
    }
}

/// What else could not be read: one line for each reason.
fn by_reason(unread: &[&Unread]) -> Vec<Check> {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in unread {
        reasons.entry(&one.why).or_default().push(&one.what);
    }
    let line = |(why, what): (&str, Vec<&str>)| {
        let more = if 1 < what.len() { format!(" and {} more", what.len() - 1) } else { String::new() };
        Check::problem("reading", format!("{}{more}: {why}", what.first().unwrap_or(&"")), TRY_AGAIN)
    };
    reasons.into_iter().take(NAMED).map(line).collect()
}

/// The operation that AWS denied.
fn denied(one: &Unread) -> Option<&str> {
    denied_operation(&one.what, &one.why)
}

/// Whether Cost Explorer was never opened in the account, or not long enough ago.
fn is_not_enabled(one: &Unread) -> bool {
    ["DataUnavailable", "not enabled for cost explorer"].iter().any(|text| one.why.contains(text))
}

fn permissions(denied: &BTreeSet<&str>, is_whole: bool) -> Check {
    match denied.is_empty() {
        true if is_whole => return Check::fine("permissions", "everything could be read"),
        true => return Check::unknown("permissions", "nothing was denied, but not everything could be read: see below"),
        false => {}
    }
    let named: Vec<&str> = denied.iter().copied().take(NAMED).collect();
    let more = if NAMED < denied.len() { format!(" and {} more", denied.len() - NAMED) } else { String::new() };
    let to_do = "attach the IAM policy that `cost-guard doctor --print-permissions` prints to who you are here";
    Check::problem("permissions", format!("AWS denies {}{more}", named.join(", ")), to_do)
}

/// Whether something that could not be read is on the bill.
fn is_about_bill(one: &Unread) -> bool {
    let names_it = |text: &str| {
        text.split([' ', '(']).any(|word| ["ce:", "budgets:", "billing:", "savingsplans:"].iter().any(|service| word.starts_with(service)))
    };
    names_it(&one.what) || names_it(&one.why)
}

/// Whether the tag keys that the policy needs are active.
pub(super) fn cost_allocation_tags(read: Result<BTreeMap<String, TagKeyStatus>, String>) -> Check {
    const OF: &str = "cost allocation tags";
    let statuses = match read {
        Ok(statuses) => statuses,
        Err(why) => return Check::unknown(OF, format!("whether those that the policy needs are active: {why}")),
    };
    if statuses.values().any(|status| *status == TagKeyStatus::NotThePayer) {
        return Check::unknown(OF, "whether those that the policy needs are active: only the management account can tell");
    }
    let inactive: Vec<&str> = statuses.iter().filter(|(_, status)| **status != TagKeyStatus::Active).map(|(key, _)| key.as_str()).collect();
    if inactive.is_empty() {
        return Check::fine(OF, "all tag keys that the policy needs are active");
    }
    let says = format!("not active: {}. The bill cannot be split by them", inactive.join(", "));
    Check::problem(
        OF,
        says,
        "activate them in the billing console (management account), under cost allocation tags; a day later the bill has them",
    )
}

/// Whether anybody gets the mails of a deployed guard.
pub(super) fn topic(topic: &str, confirmed: anyhow::Result<Option<u64>>) -> Check {
    const OF: &str = "mails";
    match confirmed {
        Ok(Some(0)) => Check::problem(
            OF,
            format!("nobody has confirmed a subscription to {topic}: every mail is lost"),
            "open the link in the mail \"AWS Notification - Subscription Confirmation\", or subscribe somebody",
        ),
        Ok(Some(confirmed)) => Check::fine(OF, format!("{confirmed} confirmed subscriptions to {topic}")),
        Ok(None) => Check::unknown(OF, format!("SNS does not say how many subscriptions to {topic} are confirmed")),
        Err(error) => Check::problem(OF, format!("{error:#}"), "give the stack's output TopicArn"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn found(unread: &[(&str, &str)]) -> Found {
        let mut found = Found::new("123456789012".to_owned(), vec!["eu-central-1".to_owned()], Timestamp::UNIX_EPOCH);
        found.unread = unread.iter().map(|(what, why)| Unread::new("tag-auditor", "eu-central-1", what, why)).collect();
        found
    }

    fn health_of<'a>(checks: &'a [Check], of: &str) -> Vec<(Health, &'a str)> {
        checks.iter().filter(|check| check.of == of).map(|check| (check.health, check.says.as_str())).collect()
    }

    #[test]
    fn what_could_not_be_read_is_told_by_what_to_do() {
        let whole = reading(&found(&[]));
        assert!(whole.iter().all(|check| check.health == Health::Fine && check.to_do.is_none()), "{}", whole.len());
        let denied = reading(&found(&[
            ("Studio apps (sagemaker:ListApps)", "AccessDeniedException: User is not authorized"),
            ("Studio apps", "sagemaker:ListApps: AccessDeniedException: User is not authorized"),
            ("the bill", "ce:GetCostAndUsage: AccessDeniedException: denied"),
            ("tag keys", "ce:ListCostAllocationTags: AccessDeniedException: denied"),
        ]));
        let expected = "AWS denies ce:GetCostAndUsage, ce:ListCostAllocationTags, sagemaker:ListApps";
        assert_eq!(health_of(&denied, "permissions"), [(Health::Problem, expected)]);
        assert_eq!(health_of(&denied, "Cost Explorer")[0].0, Health::Unknown);
        let not_enabled = reading(&found(&[("the bill", "ce:GetCostAndUsage: DataUnavailableException: Data is not available")]));
        assert_eq!(health_of(&not_enabled, "Cost Explorer")[0].0, Health::Problem);
        let never =
            reading(&found(&[("the bill", "ce:GetCostAndUsage: AccessDeniedException: User not enabled for cost explorer access")]));
        assert!(never.iter().any(|check| check.to_do.as_ref().is_some_and(|to_do| to_do.starts_with("open Cost Explorer once"))));
        assert_eq!(health_of(&not_enabled, "permissions")[0].0, Health::Unknown);
        let slow = reading(&found(&[("endpoints", "no answer in time"), ("models", "no answer in time")]));
        let told = health_of(&slow, "reading").into_iter().map(|(_, says)| says).collect::<Vec<_>>();
        assert_eq!(told, ["endpoints and 1 more: no answer in time"]);
        let interrupted = reading(&Found { was_interrupted: true, not_looked_at: vec!["tag-auditor".to_owned()], ..found(&[]) });
        assert_eq!(health_of(&interrupted, "reading"), [(Health::Problem, "interrupted before tag-auditor")]);
        assert_eq!(interrupted.len(), 1, "nothing is said to be fine");
    }

    #[test]
    fn tags_that_are_not_active_or_not_known_are_told() {
        let statuses = |status| Ok(BTreeMap::from([("Owner".to_owned(), TagKeyStatus::Active), ("Team".to_owned(), status)]));
        for (read, health) in [
            (statuses(TagKeyStatus::Active), Health::Fine),
            (statuses(TagKeyStatus::Inactive), Health::Problem),
            (statuses(TagKeyStatus::NeverSeen), Health::Problem),
            (statuses(TagKeyStatus::NotThePayer), Health::Unknown),
            (Err("ce:ListCostAllocationTags: AccessDeniedException".to_owned()), Health::Unknown),
        ] {
            assert_eq!(cost_allocation_tags(read).health, health);
        }
    }

    #[test]
    fn nobody_who_gets_the_mails_is_a_problem() {
        let arn = "arn:aws:sns:eu-central-1:123456789012:guard";
        for (confirmed, health) in [
            (Ok(Some(0)), Health::Problem),
            (Ok(Some(2)), Health::Fine),
            (Ok(None), Health::Unknown),
            (Err(anyhow::anyhow!("x")), Health::Problem),
        ] {
            assert_eq!(topic(arn, confirmed).health, health);
        }
    }

    #[test]
    fn a_check_is_one_line_and_what_to_do_another() {
        let text = Check::problem("prices", "of mars-1\nare not known", "write them").shown();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.starts_with("problem    prices") && text.ends_with("To do: write them\n"), "{text}");
    }
}
