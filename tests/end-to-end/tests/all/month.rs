//! The demo's month of budgets: exactly the expected mails, each with the true cause.

use end_to_end::{month::live, project_file};
use rust_decimal::dec;
use simulator::Mail;

#[tokio::test]
async fn a_month_of_budgets_sends_the_mails_that_a_person_would_want() {
    let month = live().await.unwrap();
    assert_eq!(month.wrongs, Vec::<String>::new());
    let of_budgets: Vec<&Mail> = month.mails.iter().filter(|mail| mail.attributes["function"].1 == "budget-alerter").collect();
    let told: Vec<String> = of_budgets
        .iter()
        .map(|mail| {
            let words: Vec<&str> = mail.subject.split_whitespace().skip(2).collect();
            format!("{} {} {}: {}", mail.at.strftime("%d"), mail.attributes["owner"].1, mail.attributes["severity"].1, words.join(" "))
        })
        .collect();
    let expected = [
        // The budget filters by a tag that no spend has.
        ("01", "unowned", "warning", "budget ml-churn does not watch the spend", "AWS wants user:Team$churn"),
        // The notebook was started on the 9th.
        ("10", "unowned", "warning", "SageMaker cost", "Notebk:ml.g5.4xlarge, team nlp: $35.42, all of it new"),
        ("15", "ann@example.com", "info", "budget ml-nlp: $", "Notebk:ml.g5.4xlarge, team nlp:"),
        (
            "17",
            "ann@example.com",
            "warning",
            "budget ml-nlp heads for $",
            "notebook instance nlp-finetune-lab (1 x ml.g5.4xlarge), ann@example.com: $2.54 an hour",
        ),
        // Another spike, while the first one continues.
        ("19", "unowned", "warning", "SageMaker cost", "Train:ml.p4d.24xlarge, team vision: $"),
        ("20", "ann@example.com", "warning", "budget ml-nlp: $", "Notebk:ml.g5.4xlarge, team nlp:"),
        (
            "22",
            "ann@example.com",
            "critical",
            "budget ml-nlp is used up: $",
            "Next:  until Tue 2026-12-01 01:00, notebooks and Studio apps of team nlp are stopped",
        ),
        // The finding has been open for a month.
        ("01", "unowned", "warning", "budget ml-churn does not watch the spend", "open since"),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for ((mail, told), (day, owner, severity, subject, says)) in of_budgets.iter().zip(&told).zip(expected) {
        assert!(told.starts_with(&format!("{day} {owner} {severity}: {subject}")), "{told}: expected {day} {owner} {severity}: {subject}");
        assert!(mail.message.contains(says), "{says}: {}", mail.message);
        assert_eq!(mail.attributes["team"].1, if owner == "unowned" { mail.attributes["team"].1.as_str() } else { "nlp" });
    }
    let causes: Vec<&str> = of_budgets.iter().filter_map(|mail| mail.message.split("Cause:").nth(1)?.lines().nth(1)).collect();
    let (spikes, budgets): (Vec<&str>, Vec<&str>) = causes.iter().partition(|cause| cause.contains("p4d"));
    assert!(
        spikes.len() == 1 && budgets.len() == 5 && budgets.iter().all(|cause| cause.contains("Notebk:ml.g5.4xlarge, team nlp")),
        "{causes:?}"
    );

    // The sample mail in the guide is this one.
    let guide = std::fs::read_to_string(project_file("docs/budgets.md")).unwrap_or_default();
    let sample = guide.split("* budget ml-nlp\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let critical = of_budgets.iter().find(|mail| mail.attributes["severity"].1 == "critical").map_or("", |mail| mail.message.as_str());
    for line in sample.lines().filter(|line| line.trim() != "…") {
        assert!(critical.lines().any(|told| told == line), "docs/budgets.md has a line that the mail has not: {line}\n{critical}");
    }
    assert!(5 < sample.lines().count(), "docs/budgets.md has no sample: {sample}");

    // The budget is used up: the notebook that was left on is stopped in the evening, and nothing of another team is.
    assert_eq!(month.stopped.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["nlp-finetune-lab"]);
    let warned = month.mails.iter().find(|mail| mail.subject.contains("nlp-finetune-lab will be stopped")).unwrap();
    assert!(warned.message.contains("because the budget ml-nlp is used up"), "{}", warned.message);
    // Three requests a day and those of the report, and the guard reports all of them.
    assert_eq!(month.cost.0, month.cost.1);
    assert!(month.cost.0 <= dec!(1), "{:?}", month.cost);

    // The report comes on the day that docs/cost-report.md names, when November's days are final. November's budget is closed by then, and still is to decide on.
    assert!(month.page.contains("made 4 December 2026, 08:00 UTC"), "{}", month.page);
    assert!(month.page.contains("None of the days on the bill is estimated."), "{}", month.page);
    let (first, _) = month.page.split_once("<nav").unwrap();
    assert!(first.contains("<b><bdi>budget ml-nlp</bdi></b>"), "{first}");
    // What it rose by has a name and an action, as far as these are known.
    for words in [
        "None of it after Wed 18 November: ask team vision whether it comes again; if so, on managed Spot.",
        "known of these: notebook instance nlp-finetune-lab (ann@example.com), which the guard stopped on Sun 22 November; since then it has cost no more than usual",
        "Let it filter by user:Team$churn instead of Team$churn, in the AWS Budgets console or where it is deployed from (`TagKeyValue` in its `CostFilters`).",
        "Since 23 November it cost $37.86 a day; October cost $36.28 a day.",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    assert!(4 <= month.messages, "AWS Budgets told {} times", month.messages);
}
