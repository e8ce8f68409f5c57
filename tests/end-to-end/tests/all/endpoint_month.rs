//! The demo's month of endpoints: each ends as a good engineer would have set it, and nobody who calls it notices.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::ServiceNamespace;
use end_to_end::endpoint_month::live;
use rust_decimal::{Decimal, dec};

#[tokio::test]
async fn six_endpoints_end_as_a_good_engineer_would_have_set_them() {
    let month = live().await.unwrap();
    assert_eq!(month.wrongs, Vec::<String>::new());
    for mail in &month.mails {
        println!("{} {} {}", mail.at, mail.attributes["owner"].1, mail.subject);
    }
    for (name, one) in &month.endpoints {
        println!("{name}: {one:?}");
    }
    let clients = end_to_end::clients(&month.account);
    let targets = clients.autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker).send().await.unwrap();
    let least: BTreeMap<String, i32> = targets.scalable_targets().iter().map(|one| (one.resource_id.clone(), one.min_capacity)).collect();
    let ids: Vec<&str> = least.keys().map(String::as_str).collect();
    let [production, queue, bursty] = ["checkout", "documents", "recommender"].map(|name| format!("endpoint/{name}/variant/AllTraffic"));
    assert_eq!(ids, [production.as_str(), &queue, &bursty, "inference-component/llm"]);
    assert!((least[&queue], least["inference-component/llm"]) == (0, 0) && 2 <= least[&production], "{least:?}");
    let nights = |name: &str, action: &str| month.done.iter().filter(|(_, done, of)| *done == action && of == name).count();
    assert!(15 <= nights("back-office", "hibernate-endpoint"), "{:?}", month.done);
    assert!(nights("back-office", "restore-endpoint").abs_diff(nights("back-office", "hibernate-endpoint")) <= 1);
    assert_eq!((nights("hackathon-2025", "hibernate-endpoint"), nights("hackathon-2025", "restore-endpoint")), (1, 1));
    for (name, one) in &month.endpoints {
        assert!(one.with < one.without, "{name}: {one:?}");
        assert!(one.short <= one.requests * 0.01, "{name}: {one:?}");
        assert!(one.lost <= 0.0, "{name}: {one:?}");
    }
    let total = |of: fn(&end_to_end::endpoint_month::EndpointsMonth) -> Decimal| month.endpoints.values().map(of).sum::<Decimal>();
    assert!(total(|one| one.with) < total(|one| one.without) * dec!(0.6));
    let mut mails: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in &month.mails {
        *mails.entry(mail.attributes["owner"].1.as_str()).or_default() += 1;
    }
    assert!(mails.values().all(|count| *count <= 9), "{mails:?}");
    let count = |subject: &str| month.mails.iter().filter(|mail| mail.subject.contains(subject)).count();
    assert_eq!((count("back-office will be hibernated"), count("hackathon-2025 could not be created again")), (1, 1));
    assert!(
        month.mails.iter().all(|mail| !mail.message.contains("which was to be")),
        "what was given auto scaling by another rule was not spared"
    );
    let summaries = |owner: &str| {
        let of = month.mails.iter().filter(|mail| mail.attributes["owner"].1 == owner && mail.subject.contains("your week:"));
        of.filter(|mail| mail.subject.contains("saved")).count()
    };
    for owner in ["ann", "bob", "carol", "dan", "fred"] {
        assert_eq!(summaries(&format!("{owner}@example.com")), 3, "{owner}: what was attached or done goes on saving");
    }
    if let Some(folder) = std::env::var_os("COST_GUARD_MAILS") {
        let texts = month.mails.iter().map(|mail| format!("{}\n{}\n{}\n{}\n", "-".repeat(100), mail.at, mail.subject, mail.message));
        std::fs::write(std::path::Path::new(&folder).join("mails.txt"), texts.collect::<String>()).unwrap();
    }
    let asleep = month.mails.iter().find(|mail| mail.message.contains("endpoint hackathon-2025: hibernated since")).unwrap();
    assert!(asleep.message.contains("Wake it: aws sagemaker create-endpoint"), "{}", asleep.message);
}
