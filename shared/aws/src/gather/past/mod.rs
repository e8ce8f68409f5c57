//! Reads what happened in the last days for a rehearsal: CloudTrail's events of notebooks, Studio apps and endpoints, and the requests of endpoints by the hour.

use std::{collections::BTreeSet, sync::Arc};

use cost_rules::{
    facts::{App, Endpoint, Facts, Invocations, Notebook, RunState, Unread},
    rehearsal::{Call, History, Past, USE_LOOKED_BACK, Use, Used, runs, uses, uses_measured},
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
    rules::rule::RemedyName,
    scope::Scope,
};
use jiff::{SignedDuration, Timestamp};

use self::trail::{Parameters, Told};
use super::{
    Wanted,
    endpoints::{self, usage},
    is_unconfirmed,
    notebooks::{self, idle_agent},
    notebooks_and_apps,
    studio::{self, apps, spaces},
    tags,
};
use crate::clients::{Clients, trail::Trail};

mod trail;

/// How long before the rehearsal begins events are looked for: what is on when it begins was started before.
const BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// For how long CloudTrail keeps events.
const KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What was read of an account's history.
#[derive(Default)]
pub struct Remembered {
    /// The history.
    pub history: History,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// Deleted resources of which the history does not say what they were: their ids.
    pub forgotten: Vec<String>,
    /// How many metrics CloudWatch was asked for.
    pub metrics: usize,
}

/// What is read, and of which time.
struct Reader<'a> {
    clients: &'a Clients,
    trail: &'a Trail,
    rulebook: &'a Rulebook,
    from: Timestamp,
    now: Timestamp,
    /// Since when CloudTrail's events are read.
    events_from: Timestamp,
}

/// Reads the history of a Region from a time until now, as far as the policy's rules can be rehearsed in it.
///
/// Never fails: what could not be read is in `unread`, and resources of its kind are not in the history.
pub async fn read(clients: &Clients, trail: &Trail, rulebook: &Rulebook, (from, now): (Timestamp, Timestamp)) -> Remembered {
    let events_from = (from - BEFORE).max(now - KEPT);
    let reader = Reader { clients, trail, rulebook, from, now, events_from };
    let prices = rulebook.policy.prices_of(&clients.region);
    let mut remembered =
        Remembered { history: History { from, until: now, prices: Arc::clone(&prices), ..History::default() }, ..Remembered::default() };
    let uses = |rules: &[&str]| rules.iter().any(|rule| rulebook.uses_rule(rule));
    if uses(&["notebook-off-hours", "notebook-idle", "notebook-always-on", "studio-app-off-hours", "studio-app-always-on"]) {
        Box::pin(reader.notebooks_and_apps(&mut remembered)).await;
    }
    if uses(&["endpoint-idle", "endpoint-off-hours"]) {
        let mut facts = Facts { now, prices, ..Facts::default() };
        Box::pin(reader.endpoints(&mut facts, &mut remembered)).await;
    }
    remembered
}

impl Reader<'_> {
    /// Reads the events of these names. `None`: they could not be read, which is told.
    async fn events(&self, what: &str, names: &[&str], remembered: &mut Remembered) -> Option<Told> {
        match trail::read(self.clients, self.trail, names, self.events_from).await {
            Ok(told) => Some(told),
            Err(why) => {
                remembered.unread.push(Unread::new(format!("CloudTrail's events of {what} (cloudtrail:LookupEvents)"), why));
                None
            }
        }
    }

    async fn notebooks_and_apps(&self, remembered: &mut Remembered) {
        let wanted = Wanted { scope: Scope::Everything, idle_shutdowns: false };
        let mut facts = notebooks_and_apps(self.clients, self.rulebook, &wanted, self.now).await;
        let ids: BTreeSet<String> = facts.resources().filter(|one| is_unconfirmed(one)).map(|one| one.id.clone()).collect();
        if !ids.is_empty() {
            notebooks::confirm(self.clients, self.rulebook, &mut facts, &ids).await;
            studio::confirm(self.clients, self.rulebook, &mut facts, &ids).await;
        }
        remembered.unread.append(&mut facts.reading.unread);
        remembered.history.domain_names = std::mem::take(&mut facts.domain_names);
        if facts.reading.complete.contains(&Kind::NotebookInstance)
            && let Some(told) = self.events("notebook instances", trail::NOTEBOOKS, remembered).await
        {
            self.take_notebooks(std::mem::take(&mut facts.notebooks), told, remembered).await;
        }
        if facts.reading.complete.contains(&Kind::App)
            && let Some(told) = self.events("Studio apps", trail::APPS, remembered).await
        {
            self.take_apps(facts.apps, told, remembered).await;
        }
    }

    async fn take_notebooks(&self, mut all: Vec<Notebook>, mut told: Told, remembered: &mut Remembered) {
        let known: BTreeSet<&str> = all.iter().map(|one| one.resource.id.as_str()).collect();
        let gone: Vec<String> = told.calls.keys().filter(|id| !known.contains(id.as_str())).cloned().collect();
        for id in gone {
            match told.created.get(&id) {
                Some(created) => all.push(gone_notebook(id, created)),
                None => remembered.forgotten.push(id),
            }
        }
        let names: BTreeSet<String> = all.iter().map(|one| one.resource.name.clone()).collect();
        let (mut measured, unread) = idle_agent::read_since(self.clients, &names, (self.from, self.now)).await;
        remembered.metrics += measured.len();
        remembered.unread.extend(unread);
        let past = |today: Notebook| {
            let calls = told.calls.remove(&today.resource.id).unwrap_or_default();
            let measured = measured.remove(&today.resource.name).unwrap_or_default();
            let mut past = Past { measured, ..self.past(&calls, state_of(today.state, today.since), today) };
            past.uses.extend(uses_measured(&past.measured));
            past.uses.sort_by_key(|one| one.at);
            past
        };
        remembered.history.notebooks = all.into_iter().map(past).collect();
    }

    async fn take_apps(&self, mut all: Vec<App>, mut told: Told, remembered: &mut Remembered) {
        let known: BTreeSet<&str> = all.iter().map(|one| one.resource.id.as_str()).collect();
        let mut gone: Vec<App> = vec![];
        for id in told.calls.keys().filter(|id| !known.contains(id.as_str())) {
            match told.created.get(id).and_then(|created| gone_app(id, created)) {
                Some(app) => gone.push(app),
                None => remembered.forgotten.push(id.clone()),
            }
        }
        self.inherit(&mut gone, &told, remembered).await;
        all.append(&mut gone);
        let past = |today: App| {
            let mut calls = told.calls.remove(&today.resource.id).unwrap_or_default();
            let homes = [Some(today.home.id(&today.domain)), today.space_owner.clone()];
            let is_opened = |ids: &[String]| homes.iter().flatten().any(|home| ids.contains(home));
            calls.extend(told.opened.iter().filter(|(ids, _)| is_opened(ids)).map(|(_, call)| call.clone()));
            calls.sort_by_key(|call| call.at);
            self.past(&calls, state_of(today.state, today.created), today)
        };
        remembered.history.apps = all.into_iter().map(past).collect();
    }

    /// Sets the tags of apps that are deleted now: those of what they were in, as of today, and their own, as of their creation.
    async fn inherit(&self, gone: &mut [App], told: &Told, remembered: &mut Remembered) {
        if gone.is_empty() {
            return;
        }
        let kinds = [Kind::App, Kind::Domain, Kind::UserProfile, Kind::Space];
        let index = tags::index(self.clients, self.rulebook, &kinds).await;
        let owners = spaces::owners(self.clients, gone).await;
        remembered.unread.extend(index.unread.iter().chain(owners.as_ref().err()).cloned());
        for app in gone {
            apps::inherit(app, &index, owners.as_ref().ok());
            app.state = RunState::Deleted;
            if let (Tags::Known(tags), Some(created)) = (&mut app.resource.tags, told.created.get(&app.resource.id)) {
                tags.extend(created.tags());
            }
        }
    }

    fn past<F>(&self, calls: &[Call], state: Result<Option<Timestamp>, Option<Timestamp>>, today: F) -> Past<F> {
        Past { today, runs: runs(calls, self.events_from, state), uses: uses(calls), measured: vec![] }
    }

    async fn endpoints(&self, facts: &mut Facts, remembered: &mut Remembered) {
        let mut metrics = endpoints::read(self.clients, self.rulebook, &Scope::Everything, facts).await;
        for one in &mut facts.endpoints {
            one.variants.iter_mut().for_each(|variant| variant.invocations = None);
            one.components.iter_mut().flatten().for_each(|component| component.invocations = None);
        }
        let longer = usage::read_hours_since(self.clients, &mut facts.endpoints, self.from - USE_LOOKED_BACK, self.now).await;
        metrics += longer.metrics;
        remembered.metrics += metrics;
        facts.reading.unread.extend(longer.unread);
        if self.rulebook.enforces_by(RemedyName::Hibernate) && !facts.endpoints.is_empty() {
            endpoints::read_routers(self.clients, facts).await;
            let ids: Vec<String> = facts.endpoints.iter().map(|one| one.resource.id.clone()).collect();
            endpoints::look_at_sleep(self.clients, facts, &ids).await;
        }
        remembered.unread.append(&mut facts.reading.unread);
        let Some(mut told) = self.events("endpoints", trail::ENDPOINTS, remembered).await else { return };
        let past = |today: Endpoint| {
            let calls = told.calls.remove(&today.resource.id).unwrap_or_default();
            let uses = calls_of(&today, self.from);
            Past { uses, ..self.past(&calls, state_of(today.state, today.created), today) }
        };
        remembered.history.endpoints = std::mem::take(&mut facts.endpoints).into_iter().map(past).collect();
        remembered.forgotten.extend(told.calls.into_keys());
    }
}

/// Since when something is on (`Ok`), or when it was last stopped or changed (`Err`).
fn state_of(state: RunState, since: Option<Timestamp>) -> Result<Option<Timestamp>, Option<Timestamp>> {
    match state {
        RunState::InService => Ok(since),
        // On its way: whether it was started by a call is in the history.
        RunState::Changing(_) | RunState::Other => Ok(None),
        RunState::Stopped | RunState::Failed | RunState::Deleted => Err(since),
    }
}

/// The hours since a time in which an endpoint was called.
fn calls_of(endpoint: &Endpoint, from: Timestamp) -> Vec<Use> {
    let hour = |one: &Invocations, place: usize| one.from + SignedDuration::from_hours(i64::try_from(place).unwrap_or_default());
    let called = endpoint.uses().flat_map(|one| {
        let hours = one.hours.iter().enumerate().filter(|(_, requests)| requests.is_some_and(|requests| 0.0 < requests));
        hours.map(move |(place, _)| hour(one, place))
    });
    let hours: BTreeSet<Timestamp> = called.filter(|at| from <= *at).collect();
    hours.into_iter().map(|at| Use { at, what: Used::Called, by: None }).collect()
}

/// A notebook that is deleted now, as it was created.
fn gone_notebook(id: String, created: &Parameters) -> Notebook {
    let name = created.text("notebookInstanceName").unwrap_or_default().to_owned();
    Notebook {
        resource: Resource { id, arn: None, name, tags: Tags::Known(created.tags()), ownership: Ownership::default() },
        instance_type: created.instance_type(),
        state: RunState::Deleted,
        since: None,
        volume_gb: None,
        usage: None,
    }
}

/// An app that is deleted now, as it was created, without its tags. It counts as running, so that the owner of its space is read. `None`: the call does not say what it was.
fn gone_app(id: &str, created: &Parameters) -> Option<App> {
    let (home, app_type, app_name) = (created.home()?, created.text("appType")?.to_owned(), created.text("appName")?.to_owned());
    let name = format!("{} {app_type} {app_name}", home.name());
    Some(App {
        resource: Resource { id: id.to_owned(), arn: None, name, tags: Tags::Unreadable, ownership: Ownership::default() },
        domain: created.text("domainId")?.to_owned(),
        home,
        space_owner: None,
        app_type,
        app_name,
        instance_type: created.instance_type(),
        state: RunState::InService,
        created: None,
        deleted_by_guard: None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sdk_cloudtrail::{operation::lookup_events::LookupEventsOutput, types::Event};
    use aws_sdk_cloudwatch::operation::list_metrics::ListMetricsOutput;
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

    #[tokio::test]
    async fn what_is_deleted_is_known_from_its_creation_or_told_as_forgotten() {
        let events = mock!(aws_sdk_cloudtrail::Client::lookup_events).then_compute_output(|asked| {
            let events = match asked.lookup_attributes()[0].attribute_value() {
                "CreateNotebookInstance" => vec![event("2026-11-10T08:00:00Z", "New")],
                "DeleteNotebookInstance" => vec![event("2026-11-12T08:00:00Z", "New"), event("2026-11-11T08:00:00Z", "Old")],
                _ => vec![],
            };
            LookupEventsOutput::builder().set_events(Some(events)).build()
        });
        let listed =
            mock!(aws_sdk_sagemaker::Client::list_notebook_instances).then_output(|| ListNotebookInstancesOutput::builder().build());
        let tags = mock!(aws_sdk_resourcegroupstagging::Client::get_resources).then_output(|| GetResourcesOutput::builder().build());
        let metrics = mock!(aws_sdk_cloudwatch::Client::list_metrics).then_output(|| ListMetricsOutput::builder().build());
        let clients = Clients {
            sagemaker: testing::sagemaker(&[&listed]).into(),
            tagging: testing::tagging(&[&tags]).into(),
            cloudwatch: testing::cloudwatch(&[&metrics]).into(),
            ..testing::clients()
        };
        let trail = Trail::with(mock_client!(aws_sdk_cloudtrail, RuleMode::MatchAny, &[&events]), Duration::ZERO);
        let rulebook = Rulebook::from_toml(NOTEBOOKS).unwrap();
        let [from, now] = ["2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z"].map(|time| time.parse().unwrap());
        let remembered = read(&clients, &trail, &rulebook, (from, now)).await;
        assert_eq!((&remembered.unread, &remembered.forgotten), (&vec![], &vec!["notebook-instance/old".to_owned()]));
        let [new] = &remembered.history.notebooks[..] else { panic!("{:?}", remembered.history.notebooks) };
        assert_eq!((new.today.resource.name.as_str(), new.today.instance_type.as_deref()), ("New", Some("ml.t3.medium")));
        assert_eq!(new.today.resource.tags, Tags::Known([("Owner".to_owned(), "ann".to_owned())].into()));
        let run = new.runs.iter().map(|run| (run.from.to_string(), run.until.map(|until| until.to_string()))).collect::<Vec<_>>();
        assert_eq!(run, [("2026-11-10T08:00:00Z".to_owned(), Some("2026-11-12T08:00:00Z".to_owned()))]);
    }
}
