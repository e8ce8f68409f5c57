//! What is printed, on literals.

use cost_rules::{
    facts::Unread,
    rehearsal::{After, LeftOut, Mails, NotRehearsed, Rehearsal, Stop, Use, Used, WhyLeftOut},
    resource::{Ownership, Resource, Tags},
};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::dec;

use super::{
    shown::{self, Rehearsed},
    status,
};

fn at(time: &str) -> Timestamp {
    format!("2026-11-{time}:00Z").parse().unwrap()
}

fn stop(name: &str, wrong: Option<Use>) -> Stop {
    Stop {
        at: at("09T18:30"),
        resource: Resource {
            id: format!("notebook-instance/{name}"),
            arn: None,
            name: name.to_owned(),
            tags: Tags::Known([].into()),
            ownership: Ownership::default(),
        },
        rules: vec!["notebook-off-hours"],
        action: "stop-notebook-instance",
        reason: "it is on".to_owned(),
        owner: Some("ann@example.com".to_owned()),
        team: None,
        zone: TimeZone::UTC,
        after: After::StillOn,
        wrong,
        saved_until: at("10T18:30"),
        saved_usd: Some(dec!(5.52)),
    }
}

fn rehearsed(stops: Vec<Stop>) -> Rehearsed {
    let of = Rehearsal {
        from: at("01T00:00"),
        until: at("11T00:00"),
        looked_at: 3,
        stops,
        warnings: 4,
        mails: [("ann@example.com".to_owned(), Mails { at_once: 2, regular: 1 })].into(),
        not_rehearsed: vec![NotRehearsed { rules: vec!["notebook-idle"], why: "Nobody knows." }],
        unjudged: vec![Unread::new("notebook-off-hours: 1 resource not judged (x)", "its tag cannot be read")],
        ..Rehearsal::default()
    };
    let (account, region) = ("123456789012".to_owned(), "eu-central-1".to_owned());
    Rehearsed { account, region, of, unread: vec![], left_out: vec![left_out("notebook-instance/old", WhyLeftOut::DeletedNow)], metrics: 0 }
}

fn left_out(id: &str, why: WhyLeftOut) -> LeftOut {
    LeftOut { id: id.to_owned(), from: None, why }
}

#[test]
fn each_stop_is_told_with_what_came_after_it_and_the_sums() {
    let opened = Use { at: at("09T18:50"), what: Used::Opened, by: Some("ann".into()) };
    let text = shown::table(&rehearsed(vec![stop("wrong", Some(opened)), stop("right", None)]));
    for line in [
        "Account 123456789012, eu-central-1, 10 days until 2026-11-11T00:00:00Z: this policy would have stopped something 2 times (2 resources of 3 that were on), once wrongly, and saved at most about $11.04.",
        "2026-11-09T18:30+00:00  wrong (notebook-instance), ann@example.com: $5.52 saved",
        "    WRONG: opened by ann at Mon 2026-11-09 18:50 UTC",
        "    Then: on until now, and not known to be used",
        "* ann@example.com: 2, and 1 entry of regular mails",
        "* notebook-idle: Nobody knows.",
        "* notebook-off-hours: 1 resource not judged (x): its tag cannot be read",
        "* Not rehearsed (1), notebooks and apps that are deleted now, and no event says what they were: notebook-instance/old",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let sums = text.lines().find(|line| line.starts_with("wrong stops")).unwrap();
    assert!(sums.starts_with("wrong stops (used within an hour after)") && sums.ends_with(" 1"), "{sums}");
}

#[test]
fn numbers_are_in_words() {
    for (number, expected) in [(0, "never"), (1, "once"), (2, "2 times"), (10, "10 times"), (20, "20 times")] {
        assert_eq!(shown::times(number), expected);
    }
    for (number, expected) in [(0, "0 entries"), (1, "1 entry"), (2, "2 entries")] {
        assert_eq!(shown::counted(number, "entry", "entries"), expected);
    }
    let text = shown::table(&rehearsed(vec![stop("x", None)]));
    assert!(text.contains("stopped something once (1 resource of 3 that were on), never wrongly,"), "{text}");
}

#[test]
fn what_is_left_out_has_one_short_line_for_each_reason() {
    let endpoints = (0..12).map(|number| left_out(&format!("endpoint/e{number:02}"), WhyLeftOut::DeletedEndpoint));
    let run = LeftOut { from: Some(at("03T08:00")), ..left_out("app/a", WhyLeftOut::EndNotKnown) };
    let rehearsed = Rehearsed { left_out: endpoints.chain([run]).collect(), ..rehearsed(vec![]) };
    let text = shown::table(&rehearsed);
    for line in [
        "* Not rehearsed (1), runs that ended without a call, so that nothing says when: app/a (begun 2026-11-03T08:00:00Z)",
        "* Not rehearsed (12), endpoints that are deleted now, so that nothing says what they ran on: endpoint/e00, endpoint/e01, endpoint/e02, endpoint/e03, endpoint/e04 \
         and 7 more (--format json has all)",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&shown::json(&rehearsed).unwrap()).unwrap();
    assert_eq!((json["left-out"].as_array().unwrap().len(), &json["left-out"][12]["from"]), (13, &"2026-11-03T08:00:00Z".into()));
}

#[test]
fn a_wiki_gets_the_same_lists_as_a_terminal() {
    let mut rehearsed = rehearsed(vec![stop("x", None)]);
    rehearsed.unread.push(Unread::new("apps  in two columns", "* denied"));
    let (table, markdown) = (shown::table(&rehearsed), shown::markdown(&rehearsed));
    for title in ["Mails at once, by owner:", "Could not be read, so more may have been stopped:", "Not known:"] {
        assert!(table.lines().any(|line| line == title) && markdown.lines().any(|line| line == title), "{title}\n{table}\n{markdown}");
    }
    assert!(
        table.contains("\n* apps  in two columns: * denied\n") && markdown.contains("\n* apps  in two columns: \\* denied\n"),
        "{markdown}"
    );
    let items = |text: &str| text.lines().filter(|line| line.starts_with("* ")).count();
    // The sums are a table in a terminal, and a list in a wiki.
    assert_eq!(items(&markdown) - items(&table), 4, "{markdown}");
}

#[test]
fn where_nothing_was_on_there_is_nothing_to_rehearse() {
    let mut none = rehearsed(vec![]);
    assert!(shown::table(&none).contains("this policy would have stopped nothing of 3 that were on."));
    none.of.looked_at = 0;
    assert!(shown::table(&none).contains("endpoint was on as far as is known, so there is nothing to rehearse."));
    none.left_out.clear();
    assert!(shown::table(&none).contains("no notebook instance, Studio app or endpoint was on, so there is nothing to rehearse."));
    none.unread.push(Unread::new("CloudTrail's events", "AccessDeniedException: no"));
    let text = shown::table(&none);
    assert!(text.contains("was on as far as is known") && text.contains("* CloudTrail's events: AccessDeniedException: no"), "{text}");
}

#[test]
fn exit_statuses_are_those_of_scan() {
    assert_eq!((status(&rehearsed(vec![])), status(&rehearsed(vec![stop("x", None)]))), (0, 1));
    let unread = vec![Unread::new("x", "y")];
    assert_eq!(status(&Rehearsed { unread, ..rehearsed(vec![stop("x", None)]) }), 2);
}

#[test]
fn names_of_strangers_stay_text() {
    let strange = rehearsed(vec![stop("=cmd|'/c calc'!A1 | <b>\n**x**", None)]);
    let csv = shown::csv(&strange).unwrap();
    assert!(csv.contains(",'=cmd|") && !csv.contains(",=cmd"), "{csv}");
    let markdown = shown::markdown(&strange);
    let row = markdown.lines().find(|line| line.contains("calc")).unwrap();
    assert!(row.contains(r"\| \<b\> \*\*x\*\*"), "{row}");
    assert!(markdown.lines().any(|line| line == "* warnings: 4") && markdown.lines().any(|line| line == "* saved: $5.52"), "{markdown}");
}

#[test]
fn programs_get_numbers_and_times_with_their_offset() {
    let text = shown::json(&rehearsed(vec![stop("x", None)])).unwrap();
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let first = &told["stops"][0];
    assert_eq!(
        (&first["at"], &first["saved-usd"], &first["wrong"]),
        (&"2026-11-09T18:30+00:00".into(), &5.52.into(), &serde_json::Value::Null)
    );
    assert_eq!((&told["sums"]["saved-usd"], &told["sums"]["warnings"]), (&5.52.into(), &4.into()));
}
