//! Reads the account into facts. What cannot be read is said so, and never taken for absent.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aws_smithy_types::DateTime;
use cost_rules::{
    facts::{Facts, Kind, Resource, Tags, Unread},
    plan::Scope,
    policy::Policy,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::{Clients, event};

mod apps;
mod idle_shutdowns;
mod notebooks;
mod tags;
mod usage;

#[cfg(test)]
mod tests;

/// Single resources read at the same time: SageMaker's quotas are not published, and this many are hardly ever refused.
const IN_FLIGHT: usize = 4;

/// What a run wants to know.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Which resources.
    pub scope: Scope,
    /// Whether Studio's domains, profiles and spaces are read for their idle shutdown.
    pub idle_shutdowns: bool,
    /// The name of the notebook whose state changed, as it is spelt.
    pub changed_notebook: Option<String>,
}

/// Reads all that is wanted. Never fails: what could not be read is in `facts.unread`, and its kind is not in `facts.complete`.
pub async fn gather(clients: &Clients, policy: &Policy, wanted: &Wanted, now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: policy.prices_of(&clients.region).into(), ..Facts::default() };
    match event::ids(&wanted.scope) {
        None => everything(clients, policy, wanted, &mut facts).await,
        Some(ids) => some(clients, policy, wanted, &ids, &mut facts).await,
    }
    if policy.uses_rule("notebook-idle") {
        usage::read(clients, &mut facts).await;
    }
    facts
}

/// Whole lists, all at the same time, and the tags of everything from the tag index.
async fn everything(clients: &Clients, policy: &Policy, wanted: &Wanted, facts: &mut Facts) {
    let wants_apps = uses_apps(policy);
    let (notebooks, apps, shutdowns, mut index) = tokio::join!(
        notebooks::list(clients),
        async { if wants_apps { Some(apps::list(clients).await) } else { None } },
        async { if wanted.idle_shutdowns { Some(idle_shutdowns::list(clients).await) } else { None } },
        tags::index(clients, policy),
    );
    notebooks.take_into(facts, &[Kind::NotebookInstance], |facts| &mut facts.notebooks);
    if let Some(apps) = apps {
        apps.take_into(facts, &[Kind::App], |facts| &mut facts.apps);
    }
    if let Some(shutdowns) = shutdowns {
        shutdowns.take_into(facts, &[Kind::Domain, Kind::UserProfile, Kind::Space], |facts| &mut facts.idle_shutdowns);
    }
    facts.unread.extend(index.unread.take());
    for app in &mut facts.apps {
        apps::inherit(app, &index);
    }
    for resource in facts.resources_mut().filter(|resource| resource.kind() != Some(Kind::App)) {
        resource.tags = index.take(&resource.id);
    }
    drop(index);
    if policy.uses_rule("notebook-forgotten") && policy.prices.notebook_volume_gb_month.is_some() {
        notebooks::read_volumes(clients, facts).await;
    }
}

/// Single resources, by the service's own word.
async fn some(clients: &Clients, policy: &Policy, wanted: &Wanted, ids: &HashSet<String>, facts: &mut Facts) {
    let of_kind = |kind| ids.iter().filter(move |id| Kind::of(id) == Some(kind));
    let notebooks = stream::iter(of_kind(Kind::NotebookInstance)).map(async |id| {
        let name = wanted.changed_notebook.as_deref().unwrap_or_else(|| id.rsplit('/').next().unwrap_or(id));
        (id, notebooks::one(clients, policy, id, name).await)
    });
    for (id, read) in notebooks.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(Some(notebook)) => facts.notebooks.push(notebook),
            Ok(None) => facts.notebooks.push(notebooks::gone(id)),
            Err(error) => facts.unread.push(Unread { what: id.clone(), why: format!("{error:#}") }),
        }
    }
    if of_kind(Kind::App).next().is_none() {
        return;
    }
    // Ids are in lower case, calls want the true spelling: the list has it.
    let mut listed = apps::list(clients).await;
    let complete = listed.unread.is_none();
    listed.items.retain(|app| ids.contains(&app.resource.id));
    listed.take_into(facts, &[], |facts| &mut facts.apps);
    let found: BTreeSet<String> = facts.apps.iter().map(|app| app.resource.id.clone()).collect();
    if complete {
        facts.apps.extend(of_kind(Kind::App).filter(|id| !found.contains(*id)).map(|id| apps::gone(id)));
    }
    confirm(clients, policy, facts, &found).await;
}

fn uses_apps(policy: &Policy) -> bool {
    policy.uses_rule("studio-app-off-hours") || policy.uses_rule("studio-app-always-on")
}

/// Reads the tags of these resources (by id) from the services themselves, and the ARNs of apps, which lists do not give. What cannot be
/// read becomes `Unreadable`; what is gone meanwhile leaves the facts.
pub async fn confirm(clients: &Clients, policy: &Policy, facts: &mut Facts, ids: &BTreeSet<String>) {
    let to_confirm: Vec<(String, anyhow::Result<Option<Confirmed>>)> = {
        let apps = facts.apps.iter().filter(|app| ids.contains(&app.resource.id)).map(Doubtful::App);
        let others =
            facts.resources().filter(|resource| ids.contains(&resource.id) && resource.kind() != Some(Kind::App)).map(Doubtful::Other);
        let doubtful: Vec<Doubtful<'_>> = apps.chain(others).collect();
        let read = stream::iter(doubtful).map(async |doubtful| match doubtful {
            Doubtful::App(app) => (app.resource.id.clone(), apps::confirm(clients, policy, app).await),
            Doubtful::Other(resource) => (resource.id.clone(), confirm_tags(clients, policy, resource).await),
        });
        read.buffer_unordered(IN_FLIGHT).collect().await
    };
    let mut confirmed: BTreeMap<String, Confirmed> = BTreeMap::new();
    let mut gone: HashSet<String> = HashSet::new();
    for (id, read) in to_confirm {
        match read {
            Ok(Some(read)) => drop(confirmed.insert(id, read)),
            Ok(None) => drop(gone.insert(id)),
            Err(error) => {
                facts.unread.push(Unread { what: format!("tags of {id}"), why: format!("{error:#}") });
                confirmed.insert(id, Confirmed { arn: None, tags: Tags::Unreadable });
            }
        }
    }
    facts.notebooks.retain(|notebook| !gone.contains(&notebook.resource.id));
    facts.apps.retain(|app| !gone.contains(&app.resource.id));
    facts.idle_shutdowns.retain(|level| !gone.contains(&level.resource.id));
    for resource in facts.resources_mut() {
        if let Some(read) = confirmed.remove(&resource.id) {
            resource.arn = read.arn.or_else(|| resource.arn.take());
            resource.tags = read.tags;
        }
    }
}

enum Doubtful<'a> {
    App(&'a cost_rules::facts::App),
    Other(&'a Resource),
}

/// What the services themselves say.
struct Confirmed {
    arn: Option<String>,
    tags: Tags,
}

async fn confirm_tags(clients: &Clients, policy: &Policy, resource: &Resource) -> anyhow::Result<Option<Confirmed>> {
    let Some(arn) = &resource.arn else { anyhow::bail!("its ARN is not known") };
    let tags = tags::of(clients, policy, arn).await?;
    Ok(tags.map(|tags| Confirmed { arn: Some(arn.clone()), tags: Tags::Known(tags) }))
}

/// One resource as it is now, right before it is acted upon: everything from the service itself. `None`: it is gone.
///
/// # Errors
/// It could not be read: then nothing may be done to it.
pub async fn again(clients: &Clients, policy: &Policy, facts: &Facts, id: &str) -> anyhow::Result<Option<Facts>> {
    let mut fresh = Facts { now: facts.now, prices: facts.prices.clone(), ..Facts::default() };
    if let Some(known) = facts.notebooks.iter().find(|notebook| notebook.resource.id == id) {
        let Some(mut notebook) = notebooks::again(clients, policy, known).await? else { return Ok(None) };
        notebook.last_used = known.last_used;
        fresh.notebooks.push(notebook);
    } else if let Some(known) = facts.apps.iter().find(|app| app.resource.id == id) {
        let Some(app) = apps::again(clients, policy, known).await? else { return Ok(None) };
        fresh.apps.push(app);
    }
    Ok(Some(fresh))
}

/// What a list gave, and what it did not.
struct Listed<T> {
    items: Vec<T>,
    unread: Option<Unread>,
}

impl<T> Listed<T> {
    fn new(items: Vec<T>, what: &str, read: Result<(), String>) -> Self {
        Self { items, unread: read.err().map(|why| Unread { what: what.to_owned(), why }) }
    }

    fn take_into(self, facts: &mut Facts, kinds: &[Kind], place: impl Fn(&mut Facts) -> &mut Vec<T>) {
        *place(facts) = self.items;
        match self.unread {
            Some(unread) => facts.unread.push(unread),
            None => facts.complete.extend(kinds),
        }
    }
}

/// Reads page after page; `page` reads the one of a token and gives the next token. The SDK's own paginators end in silence when a service repeats
/// a token, as if the list were complete: here that is an error.
async fn every_page(mut page: impl AsyncFnMut(Option<String>) -> Result<Option<String>, String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    let mut token = None;
    loop {
        match page(token).await?.filter(|next| !next.is_empty()) {
            None => return Ok(()),
            Some(next) if seen.insert(next.clone()) => token = Some(next),
            Some(_) => return Err("AWS repeated a page token: the rest of the list could not be read".to_owned()),
        }
    }
}

fn timestamp(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(time?.to_millis().ok()?).ok()
}
