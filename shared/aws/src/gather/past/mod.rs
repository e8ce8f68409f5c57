//! Reads what happened in the last days for a rehearsal: CloudTrail's events of notebooks, Studio apps and endpoints, and the requests of endpoints by the hour.

use std::{collections::BTreeSet, sync::Arc};

use cost_rules::{
    facts::{App, Endpoint, Facts, Invocations, Notebook, RunState, Subject, Unread},
    rehearsal::{
        Call, History, LeftOut, OF_ENDPOINTS, OF_NOTEBOOKS_AND_APPS, Past, Runs, Today, USE_LOOKED_BACK, Use, Used, WhyLeftOut, uses,
        uses_measured,
    },
    resource::{Kind, Tags},
    rulebook::Rulebook,
    rules::rule::RemedyName,
    scope::Scope,
};
use jiff::{SignedDuration, Timestamp};

use self::trail::{Events, Parameters};
use super::{
    Wanted, endpoints, is_unconfirmed,
    notebooks::{self, idle_agent},
    notebooks_and_apps,
    studio::{self, apps, spaces},
    tags,
};
use crate::clients::{Clients, trail::Trail};

mod deleted;
mod today;
mod trail;

/// How long before the rehearsal begins events are looked for: what is on when it begins was started before.
const BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// For how long CloudTrail keeps events.
pub const CLOUDTRAIL_KEEPS: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The days of a rehearsal.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    /// When they begin.
    pub from: Timestamp,
    /// When they end.
    pub until: Timestamp,
    /// What time it is: how long AWS keeps something counts back from it.
    pub now: Timestamp,
}

/// What was read of an account's history.
#[derive(Default)]
pub struct Remembered {
    /// The history.
    pub history: History,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// What cannot be rehearsed.
    pub left_out: Vec<LeftOut>,
    /// How many metrics CloudWatch was asked for.
    pub metrics: usize,
}

/// What is read, and of which time.
struct Reader<'a> {
    clients: &'a Clients,
    trail: &'a Trail,
    rulebook: &'a Rulebook,
    days: Days,
    /// Since when CloudTrail's events are read.
    events_from: Timestamp,
}

/// Reads the history of a Region in these days, as far as the policy's rules can be rehearsed in it.
///
/// Never fails: what could not be read is in `unread`, and resources of its kind are not in the history.
pub async fn read(clients: &Clients, trail: &Trail, rulebook: &Rulebook, days: Days) -> Remembered {
    let events_from = (days.from - BEFORE).max(days.now - CLOUDTRAIL_KEEPS);
    let reader = Reader { clients, trail, rulebook, days, events_from };
    let prices = rulebook.policy.prices_of(&clients.region);
    let history = History { from: days.from, until: days.until, prices: Arc::clone(&prices), ..History::default() };
    let mut remembered = Remembered { history, ..Remembered::default() };
    let uses_any = |rules: &[&str]| rules.iter().any(|rule| rulebook.uses_rule(rule));
    if uses_any(OF_NOTEBOOKS_AND_APPS) {
        Box::pin(reader.notebooks_and_apps(&mut remembered)).await;
    }
    if uses_any(OF_ENDPOINTS) {
        let mut facts = Facts { now: days.until, prices, ..Facts::default() };
        Box::pin(reader.endpoints(&mut facts, &mut remembered)).await;
    }
    remembered
}

impl Reader<'_> {
    /// Reads the events of these names. `None`: they could not be read, which is told.
    async fn events(&self, what: &str, names: &[&str], remembered: &mut Remembered) -> Option<Events> {
        let read = trail::read(self.clients, self.trail, names, self.events_from).await;
        let what = format!("CloudTrail's events of {what} (cloudtrail:LookupEvents)");
        match read {
            Ok(events) => {
                let unreadable = (0 < events.unreadable).then(|| {
                    let why = "they have no record that can be read, so that a start or a stop may be missing";
                    Unread::new(format!("{} of {what}", events.unreadable), why).with_cause(what)
                });
                remembered.unread.extend(unreadable);
                Some(events)
            }
            Err(why) => {
                remembered.unread.push(Unread::new(what, why));
                None
            }
        }
    }

    async fn notebooks_and_apps(&self, remembered: &mut Remembered) {
        let wanted = Wanted { scope: Scope::Everything, idle_shutdowns: false };
        let mut facts = notebooks_and_apps(self.clients, self.rulebook, &wanted, self.days.until).await;
        let ids: BTreeSet<String> = facts.resources().filter(|one| is_unconfirmed(one)).map(|one| one.id.clone()).collect();
        if !ids.is_empty() {
            notebooks::confirm(self.clients, self.rulebook, &mut facts, &ids).await;
            studio::confirm(self.clients, self.rulebook, &mut facts, &ids).await;
        }
        remembered.unread.append(&mut facts.reading.unread);
        remembered.history.domain_names = std::mem::take(&mut facts.domain_names);
        if facts.reading.complete.contains(&Kind::NotebookInstance)
            && let Some(events) = self.events("notebook instances", trail::NOTEBOOKS, remembered).await
        {
            self.take_notebooks(std::mem::take(&mut facts.notebooks), events, remembered).await;
        }
        if facts.reading.complete.contains(&Kind::App)
            && let Some(events) = self.events("Studio apps", trail::APPS, remembered).await
        {
            self.take_apps(facts.apps, events, remembered).await;
        }
    }

    async fn take_notebooks(&self, mut all: Vec<Notebook>, mut events: Events, remembered: &mut Remembered) {
        let known: BTreeSet<String> = all.iter().map(|one| one.resource.id.clone()).collect();
        let (deleted, left_out) = self.deleted(&events, &known, |id, created| Some(deleted::notebook(id, created)));
        all.extend(deleted);
        remembered.left_out.extend(left_out);
        for notebook in all {
            let calls = events.calls.remove(&notebook.resource.id).unwrap_or_default();
            let past = self.past(&calls, today::of_notebook(&notebook), notebook, remembered);
            remembered.history.notebooks.push(past);
        }
        self.measure(remembered).await;
    }

    /// Sets what idle agents measured while notebooks were on.
    async fn measure(&self, remembered: &mut Remembered) {
        let Remembered { history, unread, metrics, .. } = remembered;
        let mut on: Vec<&mut Past<Notebook>> =
            history.notebooks.iter_mut().filter(|past| past.is_on_within(self.days.from, self.days.until)).collect();
        let names: Vec<String> = on.iter().map(|past| past.today.resource.name.clone()).collect();
        *metrics += names.len();
        let from = self.days.from.max(self.days.now - idle_agent::CLOUDWATCH_KEEPS);
        let (measured, failed) = idle_agent::read_since(self.clients, &names, (from, self.days.until)).await;
        unread.extend(failed);
        for (past, measured) in on.iter_mut().zip(measured) {
            past.uses.extend(uses_measured(&measured));
            past.uses.sort_by_key(|one| one.at);
            past.measured = measured;
        }
    }

    async fn take_apps(&self, mut all: Vec<App>, mut events: Events, remembered: &mut Remembered) {
        let known: BTreeSet<String> = all.iter().map(|one| one.resource.id.clone()).collect();
        let (mut deleted, left_out) = self.deleted(&events, &known, deleted::app);
        remembered.left_out.extend(left_out);
        self.inherit(&mut deleted, &events, remembered).await;
        all.append(&mut deleted);
        for app in all {
            let mut calls = events.calls.remove(&app.resource.id).unwrap_or_default();
            let homes = [Some(app.home.id(&app.domain)), app.space_owner.clone()];
            let is_opened = |ids: &[String]| homes.iter().flatten().any(|home| ids.contains(home));
            calls.extend(events.opened.iter().filter(|(ids, _)| is_opened(ids)).map(|(_, call)| call.clone()));
            calls.sort_by_key(|call| call.at);
            let past = self.past(&calls, today::of_app(&app), app, remembered);
            remembered.history.apps.push(past);
        }
    }

    /// The resources that are deleted now and may have been on since the rehearsal begins, as they were created; and those of which no event says what they were.
    fn deleted<F>(
        &self,
        events: &Events,
        known: &BTreeSet<String>,
        as_created: impl Fn(&str, &Parameters) -> Option<F>,
    ) -> (Vec<F>, Vec<LeftOut>) {
        let (mut found, mut left_out) = (vec![], vec![]);
        for id in self.deleted_ids(events, known) {
            match events.created.get(id).and_then(|created| as_created(id, created)) {
                Some(one) => found.push(one),
                None => left_out.push(LeftOut { id: id.clone(), from: None, why: WhyLeftOut::DeletedNow }),
            }
        }
        (found, left_out)
    }

    /// The ids of what is deleted now, and may have been on since the rehearsal begins.
    fn deleted_ids<'e>(&self, events: &'e Events, known: &BTreeSet<String>) -> impl Iterator<Item = &'e String> {
        let is_meant = |id: &str, calls: &[Call]| {
            !known.contains(id) && Runs::of(calls, self.events_from, Today::Off(None)).is_any_after(self.days.from)
        };
        events.calls.iter().filter(move |(id, calls)| is_meant(id, calls)).map(|(id, _)| id)
    }

    /// Sets the tags of apps that are deleted now: those of what they were in, as of today, and their own, as of their creation.
    async fn inherit(&self, deleted: &mut [App], events: &Events, remembered: &mut Remembered) {
        if deleted.is_empty() {
            return;
        }
        let kinds = [Kind::App, Kind::Domain, Kind::UserProfile, Kind::Space];
        let index = tags::index(self.clients, self.rulebook, &kinds).await;
        let owners = spaces::owners(self.clients, deleted).await;
        remembered.unread.extend(index.unread.iter().chain(owners.as_ref().err()).cloned());
        for app in deleted {
            apps::inherit(app, &index, owners.as_ref().ok());
            app.state = RunState::Deleted;
            if let (Tags::Known(tags), Some(created)) = (&mut app.resource.tags, events.created.get(&app.resource.id)) {
                tags.extend(created.tags());
            }
        }
    }

    /// A resource with its past. What of it cannot be rehearsed is left out.
    fn past<F: Subject>(&self, calls: &[Call], today: Today, resource: F, remembered: &mut Remembered) -> Past<F> {
        let runs = Runs::of(calls, self.events_from, today);
        remembered.left_out.extend(runs.left_out(&resource.resource().id, self.days.from));
        Past { today: resource, runs: runs.known, uses: uses(calls), measured: vec![] }
    }

    async fn endpoints(&self, facts: &mut Facts, remembered: &mut Remembered) {
        remembered.metrics += endpoints::read_since(self.clients, self.rulebook, self.days.from - USE_LOOKED_BACK, facts).await;
        if self.rulebook.enforces_by(RemedyName::Hibernate) && !facts.endpoints.is_empty() {
            endpoints::read_routers(self.clients, facts).await;
            let ids: Vec<String> = facts.endpoints.iter().map(|one| one.resource.id.clone()).collect();
            endpoints::look_at_sleep(self.clients, facts, &ids).await;
        }
        remembered.unread.append(&mut facts.reading.unread);
        let Some(mut events) = self.events("endpoints", trail::ENDPOINTS, remembered).await else { return };
        let known: BTreeSet<String> = facts.endpoints.iter().map(|one| one.resource.id.clone()).collect();
        let deleted = self.deleted_ids(&events, &known);
        remembered.left_out.extend(deleted.map(|id| LeftOut { id: id.clone(), from: None, why: WhyLeftOut::DeletedEndpoint }));
        for endpoint in std::mem::take(&mut facts.endpoints) {
            let calls = events.calls.remove(&endpoint.resource.id).unwrap_or_default();
            let uses = calls_of(&endpoint, self.days.from);
            let past = Past { uses, ..self.past(&calls, today::of_endpoint(&endpoint), endpoint, remembered) };
            remembered.history.endpoints.push(past);
        }
    }
}

/// The hours in which an endpoint was called, as far as they end after this time.
fn calls_of(endpoint: &Endpoint, from: Timestamp) -> Vec<Use> {
    let end = |one: &Invocations, place: usize| one.from + SignedDuration::from_hours(i64::try_from(place + 1).unwrap_or_default());
    let called = endpoint.uses().flat_map(|one| {
        let hours = one.hours.iter().enumerate().filter(|(_, requests)| requests.is_some_and(|requests| 0.0 < requests));
        hours.map(move |(place, _)| end(one, place))
    });
    let ends: BTreeSet<Timestamp> = called.filter(|at| from < *at).collect();
    ends.into_iter().map(|at| Use { at, what: Used::Called, by: None }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_cloudtrail::{operation::lookup_events::LookupEventsOutput, types::Event};
    use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
    use aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesOutput;
    use aws_sdk_sagemaker::operation::list_notebook_instances::ListNotebookInstancesOutput;
    use aws_smithy_mocks::{RuleMode, mock, mock_client};
    use serde_json::json;

    use super::*;
    use crate::testing::{self, at};

    /// A policy that looks at notebooks only.
    const NOTEBOOKS: &str = "[rules.studio-app-off-hours]\nmode = \"off\"\n[rules.studio-app-always-on]\nmode = \"off\"\n[rules.studio-app-stuck]\nmode = \"off\"\n\
        [rules.endpoint-idle]\nmode = \"off\"\n[rules.endpoint-off-hours]\nmode = \"off\"\n";

    fn event(time: &str, name: &str) -> Event {
        let parameters = json!({"notebookInstanceName": name, "instanceType": "ml.t3.medium", "tags": [{"key": "Owner", "value": "ann"}]});
        let record = json!({"eventSource": "sagemaker.amazonaws.com", "requestParameters": parameters});
        Event::builder().event_time(at(time)).cloud_trail_event(record.to_string()).build()
    }

    /// What is read of an account without resources, with these events (name of the call, time, notebook), from the 1st to the 30th.
    async fn remembered(events: &'static [(&'static str, &'static str, &'static str)]) -> Remembered {
        let looked_up = mock!(aws_sdk_cloudtrail::Client::lookup_events).then_compute_output(|asked| {
            let asked = asked.lookup_attributes()[0].attribute_value();
            let found = events.iter().filter(|(call, ..)| *call == asked);
            let found = found.map(|(_, time, name)| if *name == "unreadable" { Event::builder().build() } else { event(time, name) });
            LookupEventsOutput::builder().set_events(Some(found.collect())).build()
        });
        let listed =
            mock!(aws_sdk_sagemaker::Client::list_notebook_instances).then_output(|| ListNotebookInstancesOutput::builder().build());
        let tags = mock!(aws_sdk_resourcegroupstagging::Client::get_resources).then_output(|| GetResourcesOutput::builder().build());
        let metrics = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_output(|| GetMetricDataOutput::builder().build());
        let clients = Clients {
            sagemaker: testing::sagemaker(&[&listed]).into(),
            tagging: testing::tagging(&[&tags]).into(),
            cloudwatch: testing::cloudwatch(&[&metrics]).into(),
            ..testing::clients()
        };
        let trail = Trail::with(mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&looked_up]), Duration::ZERO);
        let rulebook = Rulebook::from_toml(NOTEBOOKS).unwrap();
        let [from, until] = ["2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"].map(|time| time.parse().unwrap());
        read(&clients, &trail, &rulebook, Days { from, until, now: until }).await
    }

    const CREATE: &str = "CreateNotebookInstance";
    const STOP: &str = "StopNotebookInstance";
    const DELETE: &str = "DeleteNotebookInstance";

    #[tokio::test]
    async fn what_is_deleted_is_known_from_its_creation_or_left_out() {
        let remembered = remembered(&[
            (CREATE, "2026-11-10T08:00:00Z", "New"),
            (STOP, "2026-11-11T08:00:00Z", "New"),
            (DELETE, "2026-11-12T08:00:00Z", "New"),
            (STOP, "2026-11-10T08:00:00Z", "Old"),
            (DELETE, "2026-11-11T08:00:00Z", "Old"),
            // Off since before the rehearsal.
            (DELETE, "2026-11-11T08:00:00Z", "Off"),
            (STOP, "2026-10-20T08:00:00Z", "Over"),
            (DELETE, "2026-11-11T08:00:00Z", "Over"),
        ])
        .await;
        let old = LeftOut { id: "notebook-instance/old".into(), from: None, why: WhyLeftOut::DeletedNow };
        assert_eq!((&remembered.unread, &remembered.left_out), (&vec![], &vec![old]));
        let [new] = &remembered.history.notebooks[..] else { panic!("{:?}", remembered.history.notebooks) };
        assert_eq!((new.today.resource.name.as_str(), new.today.instance_type.as_deref()), ("New", Some("ml.t3.medium")));
        assert_eq!(new.today.resource.tags, Tags::Known([("Owner".to_owned(), "ann".to_owned())].into()));
        let run = new.runs.iter().map(|run| (run.from.to_string(), run.until().map(|until| until.to_string()))).collect::<Vec<_>>();
        assert_eq!(run, [("2026-11-10T08:00:00Z".to_owned(), Some("2026-11-11T08:00:00Z".to_owned()))]);
        // The metric of its idle agent.
        assert_eq!(remembered.metrics, 1);
    }

    #[tokio::test]
    async fn a_run_that_ended_without_a_call_is_left_out_and_named() {
        let remembered = remembered(&[(CREATE, "2026-11-10T08:00:00Z", "New"), (DELETE, "2026-11-12T08:00:00Z", "New")]).await;
        let from = Some("2026-11-10T08:00:00Z".parse().unwrap());
        let run = LeftOut { id: "notebook-instance/new".into(), from, why: WhyLeftOut::EndNotKnown };
        assert_eq!((&remembered.left_out, &remembered.history.notebooks[0].runs), (&vec![run], &vec![]));
    }

    #[tokio::test]
    async fn events_that_cannot_be_read_are_unread() {
        let remembered = remembered(&[(STOP, "", "unreadable"), (STOP, "", "unreadable"), (DELETE, "", "unreadable")]).await;
        let [unread] = &remembered.unread[..] else { panic!("{:?}", remembered.unread) };
        assert_eq!(unread.what, "3 of CloudTrail's events of notebook instances (cloudtrail:LookupEvents)");
        assert!(unread.why.contains("a start or a stop may be missing"), "{}", unread.why);
    }

    #[test]
    fn calls_of_an_endpoint_count_at_the_end_of_their_hour() {
        let from: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap();
        let mut endpoint = testing::endpoint();
        endpoint.variants[0].invocations = Some(Invocations::by_hour(from, vec![Some(1.0), Some(2.0), Some(0.0), None, Some(3.0)]));
        let ends: Vec<String> = calls_of(&endpoint, "2026-11-01T01:00:00Z".parse().unwrap()).iter().map(|one| one.at.to_string()).collect();
        assert_eq!(ends, ["2026-11-01T02:00:00Z", "2026-11-01T05:00:00Z"]);
    }
}
