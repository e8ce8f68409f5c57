//! The checks of `doctor`.

use std::{collections::BTreeSet, path::Path};

use cost_aws::{caller::Caller, denied_operation};
use cost_rules::{price::Prices, text::one_line};

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
pub(super) fn policy(file: Option<&Path>) -> Check {
    let Some(file) = file else { return Check::fine("policy", "the built-in one, which only reports") };
    match crate::policy_of(file) {
        Ok((_, rulebook)) if rulebook.enforces() => {
            Check::fine("policy", format!("{}: it enforces, which needs a deployment with AllowEnforcement = yes", file.display()))
        }
        Ok(_) => Check::fine("policy", format!("{}: it only reports", file.display())),
        Err(error) => Check::problem("policy", format!("{error:#}"), format!("cost-guard check-policy {}", file.display())),
    }
}

/// What could not be read, by what to do about it.
pub(super) fn reading(found: &Found) -> Vec<Check> {
    let operations: BTreeSet<&str> = found.unread.iter().filter_map(denied).collect();
    let others: Vec<&Unread> = found.unread.iter().filter(|one| denied(one).is_none()).collect();
    let (bill, others): (Vec<&Unread>, Vec<&Unread>) = others.into_iter().partition(|one| is_about_bill(one));
    let mut checks = vec![permissions(&operations)];
    checks.push(match bill.first() {
        None if operations.iter().any(|operation| operation.starts_with("ce:")) => {
            Check::unknown("Cost Explorer", "whether it is enabled: its permissions are missing")
        }
        None => Check::fine("Cost Explorer", "is enabled, and answers"),
        Some(one) if one.why.contains("DataUnavailable") || one.why.contains("not enabled") => {
            let to_do = "open Cost Explorer once in the billing console of the account (of the management account, in an organization); it answers a day later";
            Check::problem("Cost Explorer", one.why.clone(), to_do)
        }
        Some(one) => Check::problem("Cost Explorer", format!("{}: {}", one.what, one.why), TRY_AGAIN),
    });
    checks.push(cost_allocation_tags(found, &operations));
    let mut told = BTreeSet::new();
    let others = others.into_iter().filter(|one| told.insert(one.why.as_str())).take(NAMED);
    checks.extend(others.map(|one| Check::problem("reading", format!("{}: {}", one.what, one.why), TRY_AGAIN)));
    checks
}

/// The operation that AWS denied.
fn denied(one: &Unread) -> Option<&str> {
    denied_operation(&one.what, &one.why)
}

fn permissions(denied: &BTreeSet<&str>) -> Check {
    if denied.is_empty() {
        return Check::fine("permissions", "everything could be read");
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

fn cost_allocation_tags(found: &Found, denied: &BTreeSet<&str>) -> Check {
    const OF: &str = "cost allocation tags";
    let inactive: Vec<&str> =
        found.findings.iter().filter(|one| one.of.rule == "inactive-cost-allocation-tag").map(|one| one.of.name.as_str()).collect();
    if denied.contains("ce:ListCostAllocationTags") {
        return Check::unknown(OF, "whether the tags of teams are active: ce:ListCostAllocationTags is denied");
    }
    if inactive.is_empty() {
        return Check::fine(OF, "all tag keys that the policy needs are active");
    }
    let says = format!("{} not active: what teams cost is not on the bill", inactive.join(", "));
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
        assert_eq!(health_of(&denied, "cost allocation tags")[0].0, Health::Unknown);
        let not_enabled = reading(&found(&[("the bill", "ce:GetCostAndUsage: DataUnavailableException: Data is not available")]));
        assert_eq!(health_of(&not_enabled, "Cost Explorer")[0].0, Health::Problem);
        assert_eq!(health_of(&not_enabled, "permissions")[0].0, Health::Fine);
        let slow = reading(&found(&[
            ("endpoints", "sagemaker:ListEndpoints: no answer in time"),
            ("models", "sagemaker:ListModels: no answer in time"),
        ]));
        assert_eq!(health_of(&slow, "reading").len(), 2);
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
