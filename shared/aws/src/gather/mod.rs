//! Reads the account into facts. What cannot be read is reported as unread, and never treated as absent.

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    facts::{App, Facts, Notebook, Subject},
    resource::{Kind, Resource, Tags},
    rulebook::Rulebook,
    scope::Scope,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::clients::Clients;

pub mod bill;
pub mod budgets;
pub mod endpoints;
pub mod hosted;
pub mod inventory;
mod metrics;
pub(crate) mod notebooks;
pub mod past;
mod read;
pub mod savings_plans;
pub(crate) mod studio;
mod tags;
pub mod training;
pub(crate) mod wire;
pub(crate) mod workflows;

use notebooks::idle_agent;
pub(crate) use read::Read;
pub(crate) use read::says_gone;
use read::{IN_FLIGHT, Listed, name_of, unread_of};
use studio::{apps, domains, idle_shutdowns, spaces};
pub(crate) use tags::all_tags;

/// What a run needs to read.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The resources.
    pub scope: Scope,
    /// Whether the idle shutdown settings of Studio's domains, user profiles and spaces are read.
    pub idle_shutdowns: bool,
}

/// Reads the notebook instances and Studio apps that are wanted.
///
/// Never fails: what could not be read is in `facts.reading.unread`, and its kind is not in `facts.reading.complete`.
pub async fn notebooks_and_apps(clients: &Clients, rulebook: &Rulebook, wanted: &Wanted, now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&clients.region), ..Facts::default() };
    match wanted.scope.named() {
        None => Box::pin(everything(clients, rulebook, wanted, &mut facts)).await,
        Some(named) => Box::pin(some(clients, rulebook, &named, &mut facts)).await,
    }
    Box::pin(domains::name(clients, rulebook, &mut facts)).await;
    facts
}

/// Reads complete lists, all at the same time, and all tags from the tag index.
async fn everything(clients: &Clients, rulebook: &Rulebook, wanted: &Wanted, facts: &mut Facts) {
    let now = facts.now;
    let wants_apps = ["studio-app-off-hours", "studio-app-always-on", "studio-app-stuck"].iter().any(|rule| rulebook.uses_rule(rule));
    let notebooks = async {
        let mut listed = notebooks::list(clients, None).await;
        if rulebook.uses_rule("notebook-forgotten") && rulebook.policy.prices.notebook_volume_gb_month.is_some() {
            listed.unread.extend(notebooks::read_volumes(clients, &mut listed.items, now).await);
        }
        if rulebook.uses_rule("notebook-idle") {
            listed.unread.extend(idle_agent::read(clients, &mut listed.items, now).await);
        }
        listed
    };
    let apps = async {
        let mut listed = if wants_apps { apps::list(clients, None).await } else { Listed::default() };
        listed.unread.extend(apps::read_instance_types(clients, &mut listed.items).await);
        let owners = spaces::owners(clients, &listed.items).await;
        listed.unread.extend(owners.as_ref().err().cloned());
        (listed, owners.ok())
    };
    let levels = async { if wanted.idle_shutdowns { idle_shutdowns::list(clients).await } else { Listed::default() } };
    let mut tagged = vec![Kind::NotebookInstance];
    tagged.extend(wants_apps.then_some(Kind::App));
    if wants_apps || wanted.idle_shutdowns {
        tagged.extend([Kind::Domain, Kind::UserProfile, Kind::Space]);
    }
    let (notebooks, (apps, owners), levels, mut index) =
        tokio::join!(Box::pin(notebooks), Box::pin(apps), Box::pin(levels), tags::index(clients, rulebook, &tagged));

    facts.notebooks = notebooks.into_facts(facts);
    facts.apps = apps.into_facts(facts);
    facts.idle_shutdowns = levels.into_facts(facts);
    facts.reading.unread.extend(index.unread.clone());
    for app in &mut facts.apps {
        apps::inherit(app, &index, owners.as_ref());
    }
    for resource in facts.resources_mut().filter(|resource| resource.kind() != Some(Kind::App)) {
        resource.tags = index.take(&resource.id);
    }
}

/// Reads single resources from the service itself.
async fn some(clients: &Clients, rulebook: &Rulebook, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) {
    let mut failed = vec![];
    let mut not_found = BTreeSet::new();
    let of_kind = |kind| named.iter().filter(move |(id, _)| Kind::of(id) == Some(kind));
    let described = stream::iter(of_kind(Kind::NotebookInstance)).map(async |(id, name)| {
        let spelt = name.as_deref();
        (id, spelt.is_some(), notebooks::one(clients, rulebook, spelt.unwrap_or_else(|| name_of(id)), None).await)
    });
    for (id, is_spelt, read) in described.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(Some(notebook)) => facts.notebooks.push(notebook),
            Ok(None) if is_spelt => drop(facts.reading.gone.insert(id.clone())),
            Ok(None) => drop(not_found.insert(id.clone())),
            Err(why) => failed.push((id.clone(), why)),
        }
    }
    // Ids are in lower case. Calls about apps need the exact spelling of the name, and calls about notebooks may need it: the lists have it.
    if !not_found.is_empty() {
        let one = async |known: &Notebook| notebooks::one(clients, rulebook, &known.resource.name, known.resource.arn.as_deref()).await;
        let known = notebooks::list(clients, None).await.only(&not_found, facts);
        let found = again(&known, one, facts, &mut failed).await;
        facts.notebooks.extend(found);
    }
    let app_ids: BTreeSet<String> = of_kind(Kind::App).map(|(id, _)| id.clone()).collect();
    if !app_ids.is_empty() {
        let one = async |known: &App| apps::one(clients, rulebook, known).await;
        let known = apps::list(clients, None).await.only(&app_ids, facts);
        facts.apps = again(&known, one, facts, &mut failed).await;
    }
    facts.reading.unread.extend(unread_of("state and tags", &failed));
    if rulebook.uses_rule("notebook-idle") {
        let unread = idle_agent::read(clients, &mut facts.notebooks, facts.now).await;
        facts.reading.unread.extend(unread);
    }
}

/// Reads each of these again. One that does not exist anymore is gone.
async fn again<T: Subject>(
    known: &[T],
    one: impl AsyncFn(&T) -> Read<Option<T>>,
    facts: &mut Facts,
    failed: &mut Vec<(String, String)>,
) -> Vec<T> {
    let mut found = vec![];
    let read = stream::iter(known).map(async |item| (&item.resource().id, one(item).await)).buffer_unordered(IN_FLIGHT);
    for (id, read) in read.collect::<Vec<_>>().await {
        match read {
            Ok(Some(item)) => found.push(item),
            Ok(None) => drop(facts.reading.gone.insert(id.clone())),
            Err(why) => failed.push((id.clone(), why)),
        }
    }
    found
}

/// Whether a resource must be confirmed before it is reported: the tag index does not list it, or its ARN is not known.
pub(crate) fn is_unconfirmed(resource: &Resource) -> bool {
    resource.tags == Tags::NotIndexed || (resource.arn.is_none() && !resource.kind().is_some_and(Kind::is_of_the_account))
}

#[cfg(test)]
mod tests;
