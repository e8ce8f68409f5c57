//! What is printed, on literals.

use cost_aws::report::ReportedFinding;
use rust_decimal::dec;

use super::{
    found::{Found, Unread},
    shown,
};

fn finding(rule: &'static str, name: &str, usd: Option<f64>) -> ReportedFinding {
    ReportedFinding {
        rule,
        resource: format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"),
        name: name.to_owned(),
        owner: Some("ann@example.com".to_owned()),
        team: None,
        reason: "it runs".to_owned(),
        monthly_cost_usd: usd,
        remedy: "none",
        state: "reported",
    }
}

fn found(findings: Vec<ReportedFinding>) -> Found {
    let mut found = Found::new("123456789012".to_owned(), vec!["eu-central-1".to_owned()], "2026-11-23T08:00:00Z".parse().unwrap());
    found.add("eu-central-1", "notebook-stopper", findings);
    found.sort();
    found
}

#[test]
fn the_most_expensive_is_first_and_a_resource_counts_once() {
    let exempt = ReportedFinding { state: "exempt", ..finding("notebook-idle", "kept", Some(7.0)) };
    let found = found(vec![
        finding("notebook-forgotten", "cheap", None),
        finding("notebook-idle", "dear", Some(12.5)),
        finding("notebook-always-on", "dear", Some(20.0)),
        exempt,
    ]);
    assert_eq!((found.usd_per_month, found.exempt, found.findings.len()), (dec!(20), 1, 3));
    let text = shown::table(&found);
    let place = |text: &str, what: &str| text.find(what).unwrap_or_else(|| panic!("{what}: {text}"));
    assert!(text.starts_with("Account 123456789012, eu-central-1: 3 findings, about $20.00 a month wasted. 1 left alone"), "{text}");
    assert!(place(&text, "$20.00 a month  dear") < place(&text, "$12.50 a month  dear"), "{text}");
    assert!(place(&text, "$12.50 a month  dear") < place(&text, "no price known  cheap"), "{text}");
    assert!(text.contains("To do: "), "{text}");
}

#[test]
fn what_only_lacks_a_tag_is_not_counted_as_waste() {
    let one = found(vec![finding("missing-tag", "plain", Some(167.9))]);
    assert_eq!((one.usd_per_month, one.rules[0].usd_per_month, one.rules[0].is_waste), (dec!(0), dec!(167.9), false));
    assert!(shown::table(&one).contains("1 finding, none of which is waste by itself."), "{}", shown::table(&one));
    let both = found(vec![finding("missing-tag", "plain", Some(167.9)), finding("notebook-idle", "plain", Some(12.5))]);
    let text = shown::table(&both);
    assert!(text.contains("about $12.50 a month wasted.") && text.contains("$167.90  not waste by itself, and not in the sum"), "{text}");
    assert!(!text.contains("A resource counts once"), "{text}");
}

#[test]
fn what_could_not_be_read_and_what_was_interrupted_is_said() {
    let mut found = found(vec![]);
    assert!(found.is_whole());
    found.unread.push(Unread::new("notebook-stopper", "eu-central-1", "notebooks", "AccessDeniedException: no"));
    found.not_looked_at.push("tag-auditor in eu-central-1".to_owned());
    found.was_interrupted = true;
    let text = shown::table(&found);
    for line in [
        "Account 123456789012, eu-central-1: nothing found.",
        "Interrupted. Not looked at: tag-auditor in eu-central-1.",
        "* notebooks (notebook-stopper, eu-central-1): AccessDeniedException: no",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!found.is_whole());
}

#[test]
fn what_a_rule_cannot_judge_is_told_and_everything_was_read_all_the_same() {
    let mut found = found(vec![]);
    found.unjudged.push(Unread::new("notebook-stopper", "eu-central-1", "notebook-off-hours for churn", "its tag cannot be read"));
    let text = shown::table(&found);
    assert!(text.contains("\nCould not be judged:\n* notebook-off-hours for churn") && found.is_whole(), "{text}");
}

#[test]
fn names_of_strangers_stay_text() {
    let found = found(vec![finding("notebook-idle", "=cmd|'/c calc'!A1 | <b>\n**x**", Some(1.0))]);
    let csv = shown::csv(&found).unwrap();
    assert!(csv.contains(",'=cmd|"), "{csv}");
    let markdown = shown::markdown(&found);
    assert!(markdown.contains(r"\| \<b\> \*\*x\*\*") && markdown.lines().count() == 5, "{markdown}");
}
