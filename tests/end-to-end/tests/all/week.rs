//! The demo's week: a smaller bill, and not one wrong stop.

use end_to_end::week::{Happening, live};
use rust_decimal::Decimal;

#[tokio::test]
async fn a_week_ends_with_a_smaller_bill_and_without_a_wrong() {
    let week = live(|_| {}).await.unwrap();
    assert_eq!(week.wrongs, Vec::<String>::new());
    let total = |bill: &std::collections::BTreeMap<String, simulator::BillLine>| bill.values().filter_map(|line| line.usd).sum::<Decimal>();
    let (with, without) = (total(&week.guarded), total(&week.unguarded));
    assert!(with * Decimal::from(4) < without * Decimal::from(3), "{with} of {without}");
    assert!(60 <= week.resources, "{}", week.resources);
    let stopped: Vec<&str> = week
        .moments
        .iter()
        .filter_map(|moment| if let Happening::Done(_, name) = &moment.what { Some(name.as_str()) } else { None })
        .collect();
    for never in [
        "prod-etl",
        "prod-scoring",
        "prod-monitor",
        "churn-typo",
        "forecast-typo",
        "vision-paper",
        "churn-night",
        "nlp-doomed",
        "broken-capacity",
    ] {
        assert!(!stopped.contains(&never), "{never} was stopped");
    }
    for must in ["Churn-EDA", "nlp-embeddings", "nlp-long-run", "nlp-deadline", "test-1", "elena-lab JupyterLab default"] {
        assert!(stopped.contains(&must), "{must} was not stopped");
    }
    let (Some((_, all, tagged)), Some((_, last_all, last_tagged))) = (week.coverage.first(), week.coverage.last()) else {
        panic!("no coverage")
    };
    assert!(tagged * last_all < last_tagged * all, "{:?}", week.coverage);
    assert_eq!(week.mendable, 0, "what can be mended is mended");
    let done = |action: &str, stem: &str| {
        week.moments.iter().any(|moment| matches!(&moment.what, Happening::Done(did, name) if *did == action && name.starts_with(stem)))
    };
    for (action, stem) in [
        ("resubmit-as-spot", "churn-train-"),
        ("resubmit-as-spot", "nlp-finetune-"),
        ("resubmit-as-spot", "robotics-fragile-"),
        ("stop-training-job", "vision-resnet-"),
        ("add-tags", "churn-scorer"),
        ("add-tags", "vision-try"),
        ("stop-tuning-job", "churn-hpo-"),
    ] {
        assert!(done(action, stem), "{action} of {stem}…");
    }
    assert!(!done("stop-tuning-job", "nlp-hpo-"), "it has asked for Spot");
    // Each of these reasons and remedies is in at least one mail.
    for says in [
        "use_spot_instances=True",
        "it writes no checkpoints, so an interruption starts training from zero",
        "warm pools of the last",
        "its time limit is 5d, but the longest",
        "in place of robotics-fragile-",
        "it asked for managed Spot, but AWS runs",
        "it ran on demand (",
        "Its code must write checkpoints to /opt/ml/checkpoints, and load them from there",
        "Ask the team that runs your ML platform why it is not given",
        "Failed: Your Spot quota for ml.g5.12xlarge is 0, and can be raised in Service Quotas. In full: CreateTrainingJob nlp-finetune-",
        "  Loses: its training, except what its own code saves",
        "  Lost:  its training, except what its own code saves",
        "  Saves: up to $7.98 of $8.87 an hour.",
        "a month if left on every night and weekend (",
        "a month if left on day and night (",
        ", still on when working hours began on ",
        "No report and no stop until the end of ",
        "         Correct that: aws sagemaker add-tags",
    ] {
        // What was found on Friday is in the mail of the Monday after.
        let told = week.mails.iter().chain(&week.next_monday).filter(|mail| mail.message.contains(says)).count();
        assert!(0 < told, "no mail says: {says}");
    }
    // A job was refused on Tuesday and resubmitted a quarter of an hour later.
    let summary = week.next_monday.iter().find(|mail| mail.attributes["owner"].1 == "platform").unwrap();
    assert!(!summary.subject.contains("failed") && !summary.message.contains("\nFAILED\n"), "{}", summary.message);
    assert!(
        summary.message.contains("\nNo longer so: 1 failure of training-job-spot-enforcer (last on Tue 2026-11-24 13:15)"),
        "{}",
        summary.message
    );
    // Two functions tell of this session of Canvas, and neither knows its price.
    let of_canvas = |mail: &simulator::Mail| -> Vec<String> {
        mail.message.split("\n\n").filter(|part| part.starts_with("* Studio app deepak Canvas")).map(str::to_owned).collect()
    };
    let parts: Vec<String> = week.mails.iter().flat_map(of_canvas).collect();
    assert!(2 <= parts.len() && parts.iter().all(|part| part.contains("  Costs: price not known")), "{parts:?}");
    for mail in &week.mails {
        assert!(mail.subject.len() <= 99 && mail.subject.is_ascii(), "{}", mail.subject);
        for attribute in ["function", "severity", "team", "owner"] {
            assert!(!mail.attributes[attribute].1.is_empty());
        }
    }
}
