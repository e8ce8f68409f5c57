//! The page of a scan.

use cost_page::scan::{Finding, OfRule, Scan, Unread, scan_page};

use crate::{samples::strange, text};

pub(crate) fn scan() -> Scan {
    let finding = |what: &str, usd: Option<&str>| Finding {
        what: what.to_owned(),
        region: "eu-central-1".to_owned(),
        owner: "ann@example.com".to_owned(),
        team: Some("churn".to_owned()),
        why: "nobody called it for 14 days".to_owned(),
        rule: "endpoint-idle",
        to_do: "delete the endpoint, or let the guard hibernate it",
        usd_per_month: usd.map(str::to_owned),
    };
    Scan {
        account: "123456789012".to_owned(),
        place: "eu-central-1, us-east-1".to_owned(),
        as_of: "2026-11-29T03:00:00Z".parse().unwrap(),
        usd_per_month: "$1,028.93".to_owned(),
        rules: vec![OfRule { name: "endpoint-idle", findings: 2, usd_per_month: "$1,028.93".to_owned(), without_price: 1, is_waste: true }],
        findings: vec![finding("endpoint forgotten", Some("$1,028.93")), finding("endpoint fraud-detector-with-a-long-name", None)],
        left_alone: 3,
        unread: vec![Unread {
            what: "Studio apps".to_owned(),
            place: "notebook-stopper, us-east-1".to_owned(),
            why: "sagemaker:ListApps: AccessDeniedException: User is not authorized".to_owned(),
        }],
        unjudged: vec![Unread {
            what: "notebook-off-hours for churn".to_owned(),
            place: "notebook-stopper, eu-central-1".to_owned(),
            why: "its tag cost-guard:schedule cannot be read".to_owned(),
        }],
        not_looked_at: vec!["tag-auditor in us-east-1".to_owned()],
        reading_cost: Some("$0.23".to_owned()),
    }
}

/// The same with everything that people write being hostile.
pub(crate) fn hostile_scan() -> Scan {
    let mut scan = scan();
    let some = |number: usize| [strange(number), strange(number + 1), strange(number + 2), strange(number + 3)];
    for (number, one) in scan.findings.iter_mut().enumerate() {
        let [what, owner, team, why] = some(4 * number);
        *one = Finding { what, owner, team: Some(team), why, ..scan_finding() };
    }
    let [what, place, why, account] = some(5);
    let [other, elsewhere, reason, _] = some(6);
    scan.unread = vec![Unread { what, place, why }];
    scan.unjudged = vec![Unread { what: other, place: elsewhere, why: reason }];
    scan.not_looked_at = (0..9).map(strange).collect();
    Scan { account, ..scan }
}

fn scan_finding() -> Finding {
    scan().findings.swap_remove(0)
}

#[test]
fn a_scans_page_begins_with_the_sum_and_says_what_was_not_looked_at() {
    let page = text::of(&scan_page(&scan()).unwrap());
    for words in [
        "2 findings: about $1,028.93 a month is wasted.",
        "Not everything was looked at",
        "What could not be judged",
        "Delete the endpoint, or let the guard hibernate it. Nobody called it for 14 days. · endpoint-idle",
        "Studio apps (notebook-stopper, us-east-1): sagemaker:ListApps: AccessDeniedException",
        "The scan was interrupted before these: tag-auditor in us-east-1.",
        "3 left alone",
        "AWS charges about $0.23",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let nothing = Scan { account: "1".to_owned(), ..Scan::default() };
    let page = text::of(&scan_page(&nothing).unwrap());
    assert!(page.contains("Nothing was found.") && !page.contains("By rule") && !page.contains("not looked at"), "{page}");
}

#[test]
fn what_strangers_write_stays_text_in_a_scans_page() {
    let page = scan_page(&hostile_scan()).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img"), "markup of strangers");
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    assert!(!page.contains(|c: char| "\u{202e}\u{2066}\u{200b}\u{7}".contains(c)), "characters that cannot be seen");
}

#[test]
fn a_scans_page_lists_500_findings_and_says_how_many_more_there_are() {
    let scan = Scan { findings: (0..700).map(|_| scan_finding()).collect(), ..scan() };
    let page = scan_page(&scan).unwrap();
    assert!(page.len() <= 600_000, "{} bytes", page.len());
    assert!(text::of(&page).contains("And 200 more, none of which costs more than these"));
}
