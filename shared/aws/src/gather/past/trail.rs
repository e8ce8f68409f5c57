//! Reads CloudTrail's event history: who started, stopped, opened and deleted what (aws-facts §1.3).

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use cost_rules::{
    rehearsal::{Call, Did},
    resource::{AppHome, Kind},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    clients::{Clients, trail::Trail, why::why},
    event::user,
    gather::read::{Read, every_page, timestamp},
};

/// The service, as events name it.
const SAGEMAKER: &str = "sagemaker.amazonaws.com";

/// The calls on notebook instances, on Studio apps and on endpoints.
pub(super) const NOTEBOOKS: &[&str] = &[
    "CreateNotebookInstance",
    "StartNotebookInstance",
    "StopNotebookInstance",
    "DeleteNotebookInstance",
    "CreatePresignedNotebookInstanceUrl",
];
pub(super) const APPS: &[&str] = &["CreateApp", "DeleteApp", "CreatePresignedDomainUrl"];
pub(super) const ENDPOINTS: &[&str] = &["CreateEndpoint", "DeleteEndpoint"];

/// What the event history says.
#[derive(Default)]
pub(super) struct Events {
    /// The calls by the resource's id, oldest first.
    pub(super) calls: BTreeMap<String, Vec<Call>>,
    /// The parameters with which a resource was created last, by its id.
    pub(super) created: BTreeMap<String, Parameters>,
    /// Who opened Studio, and in which user profile or space, by their ids.
    pub(super) opened: Vec<(Vec<String>, Call)>,
    /// How many events could not be read: what they did is not known.
    pub(super) unreadable: usize,
}

/// The parameters of a call, as CloudTrail writes them: `notebookInstanceName`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Parameters(Map<String, Value>);

impl Parameters {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// The space or the user profile of an app.
    pub(super) fn home(&self) -> Option<AppHome> {
        let space = self.text("spaceName").map(|space| AppHome::Space(space.to_owned()));
        space.or_else(|| Some(AppHome::UserProfile(self.text("userProfileName")?.to_owned())))
    }

    /// `instanceType`, also of a `resourceSpec`.
    pub(super) fn instance_type(&self) -> Option<String> {
        let nested = || self.0.get("resourceSpec")?.get("instanceType")?.as_str();
        self.text("instanceType").or_else(nested).map(str::to_owned)
    }

    /// Its tags. CloudTrail writes their fields in one of two spellings.
    pub(super) fn tags(&self) -> BTreeMap<String, String> {
        let text = |tag: &Value, names: [&str; 2]| names.iter().find_map(|name| tag.get(*name)?.as_str()).map(str::to_owned);
        let tags = self.0.get("tags").and_then(Value::as_array).into_iter().flatten();
        tags.filter_map(|tag| text(tag, ["key", "Key"]).zip(text(tag, ["value", "Value"]))).collect()
    }

    /// The id of the app that a call is about.
    fn app(&self) -> Option<String> {
        let (domain, app_type, name) = (self.text("domainId")?, self.text("appType")?, self.text("appName")?);
        Some(Kind::App.id(&format!("{domain}/{}/{app_type}/{name}", self.home()?.name())))
    }
}

/// The record of a call, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_source: Option<String>,
    error_code: Option<String>,
    #[serde(default)]
    user_identity: Value,
    request_parameters: Option<Parameters>,
}

/// Reads all events of these names since a time.
///
/// # Errors
/// `CloudTrail` refuses, or the list breaks off.
pub(super) async fn read(clients: &Clients, trail: &Trail, names: &[&str], from: Timestamp) -> Read<Events> {
    let mut events = Events::default();
    for name in names {
        let attribute = LookupAttribute::builder().attribute_key(LookupAttributeKey::EventName).attribute_value(*name).build();
        let attribute = attribute.map_err(|error| error.to_string())?;
        every_page(clients, async |token| {
            trail.turn().await;
            let call = trail.client.lookup_events().lookup_attributes(attribute.clone()).max_results(50);
            let call = call.start_time(DateTime::from_secs(from.as_second())).set_next_token(token);
            let page = call.send().await.map_err(|error| why(&error))?;
            page.events.unwrap_or_default().iter().for_each(|event| events.take(name, event));
            Ok(page.next_token)
        })
        .await?;
    }
    // The newest event comes first, and a call of another name is another list.
    events.calls.values_mut().for_each(|calls| calls.sort_by_key(|call| call.at));
    events.opened.sort_by_key(|(_, call)| call.at);
    Ok(events)
}

impl Events {
    /// Takes an event in.
    fn take(&mut self, name: &str, event: &Event) {
        if self.understand(name, event).is_none() {
            self.unreadable += 1;
        }
    }

    /// Takes an event in. A call that failed, or that is of another service with such a call, did nothing. `None`: the event does not say what it did.
    fn understand(&mut self, name: &str, event: &Event) -> Option<()> {
        if event.event_source.as_deref().is_some_and(|source| source != SAGEMAKER) {
            return Some(());
        }
        let at = timestamp(event.event_time.as_ref())?;
        let record: Record = serde_json::from_str(event.cloud_trail_event.as_deref()?).ok()?;
        if record.event_source? != SAGEMAKER || record.error_code.is_some() {
            return Some(());
        }
        let parameters = record.request_parameters?;
        let by = who(&record.user_identity).or_else(|| event.username.clone());
        let call = |did, instance_type| Call { at, did, by, instance_type };
        if name == "CreatePresignedDomainUrl" {
            self.opened.push((homes(&parameters)?, call(Did::Open, None)));
            return Some(());
        }
        let id = id_of(name, &parameters)?;
        let did = did(name);
        self.calls.entry(id.clone()).or_default().push(call(did, parameters.instance_type()));
        // The newest event comes first.
        if did == Did::Create {
            self.created.entry(id).or_insert(parameters);
        }
        Some(())
    }
}

fn did(name: &str) -> Did {
    match name {
        _ if name.starts_with("CreatePresigned") => Did::Open,
        _ if name.starts_with("Create") => Did::Create,
        _ if name.starts_with("Start") => Did::Start,
        _ if name.starts_with("Stop") => Did::Stop,
        "DeleteNotebookInstance" => Did::DeleteStopped,
        _ => Did::Delete,
    }
}

fn id_of(name: &str, parameters: &Parameters) -> Option<String> {
    match name {
        _ if NOTEBOOKS.contains(&name) => parameters.text("notebookInstanceName").map(|name| Kind::NotebookInstance.id(name)),
        _ if ENDPOINTS.contains(&name) => parameters.text("endpointName").map(|name| Kind::Endpoint.id(name)),
        _ => parameters.app(),
    }
}

/// The ids of the user profile and of the space in which somebody opened Studio.
fn homes(parameters: &Parameters) -> Option<Vec<String>> {
    let domain = parameters.text("domainId")?;
    let profile = parameters.text("userProfileName").map(|profile| AppHome::UserProfile(profile.to_owned()).id(domain));
    let space = parameters.text("spaceName").map(|space| AppHome::Space(space.to_owned()).id(domain));
    Some(profile.into_iter().chain(space).collect())
}

/// A person's name: of an assumed role the name of the session.
fn who(identity: &Value) -> Option<String> {
    let user = user(identity)?;
    Some(user.rsplit(['/', ':']).next().unwrap_or_default().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_cloudtrail::operation::lookup_events::{LookupEventsError, LookupEventsOutput};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use serde_json::json;

    use super::*;
    use crate::testing::{self, at, denied};

    const FROM: &str = "2026-11-01T00:00:00Z";

    fn event(time: &str, identity: &Value, parameters: &Value, more: &Value) -> Event {
        let mut record = json!({"eventSource": "sagemaker.amazonaws.com", "userIdentity": identity, "requestParameters": parameters});
        record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Event::builder().event_time(at(time)).username("somebody").cloud_trail_event(record.to_string()).build()
    }

    fn ann() -> Value {
        json!({"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com"})
    }

    /// Answers lookups of this name with pages of one event.
    fn answers(name: &'static str, events: Vec<Event>) -> Rule {
        let is_meant = move |asked: &aws_sdk_cloudtrail::operation::lookup_events::LookupEventsInput| {
            asked.lookup_attributes()[0].attribute_value() == name
                && asked.max_results() == Some(50)
                && asked.start_time() == Some(&at(FROM))
        };
        mock!(aws_sdk_cloudtrail::Client::lookup_events).match_requests(is_meant).then_compute_output(move |asked| {
            let page: usize = asked.next_token().map_or(0, |token| token.parse().unwrap());
            let next = (page + 1 < events.len()).then(|| (page + 1).to_string());
            LookupEventsOutput::builder().set_events(Some(events.iter().skip(page).take(1).cloned().collect())).set_next_token(next).build()
        })
    }

    async fn read_all(names: &[&str], rules: &[&Rule]) -> Read<Events> {
        let trail = Trail::with(mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, rules), Duration::ZERO);
        read(&testing::clients(), &trail, names, FROM.parse().unwrap()).await
    }

    #[tokio::test]
    async fn calls_of_all_pages_are_in_their_order_with_who_made_them() {
        let notebook = json!({"notebookInstanceName": "Churn"});
        let program =
            json!({"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/Nightly/Nightly", "invokedBy": "events.amazonaws.com"});
        let stops = vec![
            event("2026-11-04T18:00:00Z", &program, &notebook, &json!({})),
            event("2026-11-03T18:00:00Z", &ann(), &notebook, &json!({})),
        ];
        let starts = vec![event("2026-11-04T08:00:00Z", &json!({"type": "IAMUser", "userName": "ann"}), &notebook, &json!({}))];
        let rules = [answers("StartNotebookInstance", starts), answers("StopNotebookInstance", stops)];
        let events = read_all(&["StartNotebookInstance", "StopNotebookInstance"], &[&rules[0], &rules[1]]).await.ok().unwrap();
        let calls = &events.calls["notebook-instance/churn"];
        assert_eq!(calls.iter().map(|call| call.did).collect::<Vec<_>>(), [Did::Stop, Did::Start, Did::Stop]);
        assert_eq!(calls.iter().map(|call| call.by.as_deref().unwrap()).collect::<Vec<_>>(), ["ann@example.com", "ann", "somebody"]);
        assert_eq!(rules[1].num_calls(), 2, "two pages");
    }

    #[tokio::test]
    async fn what_failed_and_what_is_of_another_service_did_nothing() {
        let app = json!({"domainId": "d-1", "spaceName": "Lab", "appType": "JupyterLab", "appName": "default", "resourceSpec": {"instanceType": "ml.t3.medium"},
            "tags": [{"key": "Team", "value": "nlp"}, {"Key": "Env", "Value": "dev"}]});
        let events = vec![
            event("2026-11-05T08:00:00Z", &ann(), &app, &json!({"errorCode": "ResourceLimitExceeded"})),
            event("2026-11-04T08:00:00Z", &ann(), &json!({"name": "shop"}), &json!({"eventSource": "amplify.amazonaws.com"})),
            event("2026-11-03T08:00:00Z", &ann(), &app, &json!({})),
            Event::builder()
                .event_source("amplify.amazonaws.com")
                .event_time(at("2026-11-02T08:00:00Z"))
                .cloud_trail_event("no JSON")
                .build(),
        ];
        let rule = answers("CreateApp", events);
        let events = read_all(&["CreateApp"], &[&rule]).await.ok().unwrap();
        assert_eq!(events.calls.keys().collect::<Vec<_>>(), ["app/d-1/lab/jupyterlab/default"]);
        assert_eq!(events.unreadable, 0);
        let calls = &events.calls["app/d-1/lab/jupyterlab/default"];
        assert_eq!((calls.len(), calls[0].did, calls[0].instance_type.as_deref()), (1, Did::Create, Some("ml.t3.medium")));
        let created = &events.created["app/d-1/lab/jupyterlab/default"];
        assert_eq!(created.tags(), [("Team", "nlp"), ("Env", "dev")].map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert_eq!(created.home(), Some(AppHome::Space("Lab".into())));
    }

    #[tokio::test]
    async fn an_event_that_does_not_say_what_it_did_is_counted() {
        let notebook = json!({"notebookInstanceName": "churn"});
        let stop = |parameters: &Value, more: &Value| event("2026-11-03T18:00:00Z", &ann(), parameters, more);
        let without = |record: Option<&str>| {
            Event::builder().event_time(at("2026-11-03T18:00:00Z")).set_cloud_trail_event(record.map(str::to_owned)).build()
        };
        for (what, event, unreadable) in [
            ("whole", stop(&notebook, &json!({})), 0),
            ("no record", without(None), 1),
            ("no JSON", without(Some("no JSON")), 1),
            ("no source", stop(&notebook, &json!({"eventSource": null})), 1),
            ("no parameters", stop(&Value::Null, &json!({})), 1),
            ("no name", stop(&json!({}), &json!({})), 1),
            ("a call that failed", stop(&Value::Null, &json!({"errorCode": "ValidationException"})), 0),
        ] {
            let rule = answers("StopNotebookInstance", vec![event]);
            let events = read_all(&["StopNotebookInstance"], &[&rule]).await.ok().unwrap();
            assert_eq!((events.unreadable, events.calls.len()), (unreadable, usize::from(what == "whole")), "{what}");
        }
    }

    #[test]
    fn only_a_notebook_is_off_when_it_is_deleted() {
        for (name, expected) in [
            ("DeleteNotebookInstance", Did::DeleteStopped),
            ("DeleteApp", Did::Delete),
            ("DeleteEndpoint", Did::Delete),
            ("StopNotebookInstance", Did::Stop),
            ("StartNotebookInstance", Did::Start),
            ("CreateApp", Did::Create),
            ("CreatePresignedNotebookInstanceUrl", Did::Open),
        ] {
            assert_eq!(did(name), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn who_opens_studio_opens_a_profile_or_a_space() {
        let opened = vec![
            event("2026-11-04T08:00:00Z", &ann(), &json!({"domainId": "d-1", "userProfileName": "Ann", "spaceName": "Lab"}), &json!({})),
            event("2026-11-03T08:00:00Z", &ann(), &json!({"domainId": "d-1", "userProfileName": "Ann"}), &json!({})),
        ];
        let rule = answers("CreatePresignedDomainUrl", opened);
        let events = read_all(&["CreatePresignedDomainUrl"], &[&rule]).await.ok().unwrap();
        let homes: Vec<&[String]> = events.opened.iter().map(|(homes, _)| &homes[..]).collect();
        let profile = AppHome::UserProfile("Ann".into()).id("d-1");
        let space = AppHome::Space("Lab".into()).id("d-1");
        assert_eq!(homes, [&[profile.clone()][..], &[profile, space][..]]);
    }

    #[tokio::test]
    async fn what_is_denied_is_an_error_and_no_empty_history() {
        let rule = mock!(aws_sdk_cloudtrail::Client::lookup_events).then_error(|| LookupEventsError::generic(denied()));
        let why = read_all(&["CreateApp"], &[&rule]).await.err().unwrap();
        assert!(why.starts_with("AccessDeniedException: "), "{why}");
    }
}
