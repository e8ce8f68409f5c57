//! Events against the real client with stubbed answers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use aws_sdk_eventbridge::operation::put_events::{PutEventsError, PutEventsOutput};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use cost_rules::{
    currency::Currency,
    events::{Detail, What},
    plan::State,
};

use super::*;
use crate::{clients::Clients, testing};

fn event(number: usize) -> Event {
    let name = format!("nb-{number}");
    let detail = Detail {
        version: "1",
        key: format!("key-{number}"),
        function: "a-function".into(),
        rule: "notebook-idle".into(),
        id: format!("notebook-instance/{name}"),
        resource: Some(testing::arn(&format!("notebook-instance/{name}"))),
        name,
        kind: Some("notebook-instance"),
        owner: None,
        team: None,
        reason: None,
        state: State::Reported,
        state_before: None,
        usd_per_hour: None,
        usd_per_month: None,
        currency: Currency::Usd,
        first_seen: "2026-11-24T12:00:00Z".parse().unwrap(),
        act_after: None,
        action: None,
        outcome: None,
        outcome_detail: None,
    };
    Event { detail_type: What::Opened, detail }
}

async fn put(rules: &[&Rule], events: usize) -> Option<String> {
    let eventbridge = mock_client!(aws_sdk_eventbridge, RuleMode::MatchAny, rules).into();
    let mut context = testing::context(Clients { eventbridge, ..testing::clients() });
    context.settings.event_bus = Some("finops".into());
    let rulebook = Rulebook::from_toml("").unwrap();
    let events: Vec<Event> = (0..events).map(event).collect();
    Publisher::of(&context, &rulebook).expect("a bus").put(&events).await
}

fn taken() -> PutEventsResultEntry {
    PutEventsResultEntry::builder().event_id("id").build()
}

fn failed() -> PutEventsResultEntry {
    PutEventsResultEntry::builder().error_code("ThrottlingException").error_message("Rate exceeded").build()
}

fn answer(entries: Vec<PutEventsResultEntry>) -> PutEventsOutput {
    let failed = entries.iter().filter(|entry| entry.event_id().is_none()).count();
    PutEventsOutput::builder().failed_entry_count(failed.try_into().unwrap()).set_entries(Some(entries)).build()
}

#[tokio::test]
async fn an_event_is_put_with_its_envelope_and_ten_at_a_time() {
    let ten = mock!(aws_sdk_eventbridge::Client::put_events)
        .match_requests(|request| {
            let entry = &request.entries()[0];
            let detail: serde_json::Value = serde_json::from_str(entry.detail().unwrap()).unwrap();
            request.entries().len() == 10
                && (entry.source(), entry.detail_type(), entry.event_bus_name()) == (Some(SOURCE), Some("Finding Opened"), Some("finops"))
                && entry.resources() == [detail["resource"].as_str().unwrap()]
                && detail["version"] == "1"
        })
        .then_output(|| answer(vec![taken(); 10]));
    let two = mock!(aws_sdk_eventbridge::Client::put_events)
        .match_requests(|request| request.entries().len() == 2)
        .then_output(|| answer(vec![taken(); 2]));
    assert_eq!(put(&[&ten, &two], 22).await, None);
    assert_eq!((ten.num_calls(), two.num_calls()), (2, 1));
    assert_eq!(put(&[], 0).await, None, "nothing is put where nothing happened");
}

#[tokio::test]
async fn what_the_bus_did_not_take_is_put_once_more_and_then_it_is_a_failure() {
    let first = mock!(aws_sdk_eventbridge::Client::put_events)
        .match_requests(|request| request.entries().len() == 3)
        .then_output(|| answer(vec![taken(), failed(), failed()]));
    let keys = |request: &aws_sdk_eventbridge::operation::put_events::PutEventsInput| -> Vec<bool> {
        ["key-1", "key-2"].iter().zip(request.entries()).map(|(key, entry)| entry.detail().unwrap().contains(key)).collect()
    };
    for (again, failure) in [
        (vec![taken(), taken()], None),
        (
            vec![taken(), failed()],
            Some("1 of 3 events could not be put on the bus finops (EVENT_BUS_NAME): ThrottlingException: Rate exceeded"),
        ),
        // An answer that is too short says nothing of the rest.
        (vec![], Some("2 of 3 events could not be put on the bus finops (EVENT_BUS_NAME): the bus did not say why")),
    ] {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let second = mock!(aws_sdk_eventbridge::Client::put_events)
            .match_requests(move |request| request.entries().len() == 2 && keys(request) == [true, true])
            .then_output(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                answer(again.clone())
            });
        assert_eq!(put(&[&first, &second], 3).await.as_deref(), failure);
        assert_eq!(calls.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_request_that_is_refused_is_a_failure_and_the_others_are_put() {
    let refused = mock!(aws_sdk_eventbridge::Client::put_events)
        .match_requests(|request| request.entries().len() == 10)
        .then_error(|| PutEventsError::generic(testing::denied()));
    let taken = mock!(aws_sdk_eventbridge::Client::put_events)
        .match_requests(|request| request.entries().len() == 2)
        .then_output(|| answer(vec![taken(); 2]));
    let failure = put(&[&refused, &taken], 12).await.unwrap();
    assert!(failure.starts_with("10 of 12 events could not be put on the bus finops (EVENT_BUS_NAME): AccessDeniedException"), "{failure}");
    assert_eq!((refused.num_calls(), taken.num_calls()), (1, 1));
}
