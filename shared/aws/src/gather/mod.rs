//! Reads the account into facts. What cannot be read is said so, and never taken for absent.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{anyhow, bail};
use cost_rules::{
    facts::{App, Audited, Facts, Notebook, Running, Subject, TrainingJob},
    resource::{Kind, Resource, Tags},
    rulebook::Rulebook,
    scope::Scope,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::clients::Clients;

pub mod bill;
pub mod budgets;
pub mod inventory;
mod notebooks;
mod read;
mod studio;
mod tags;
pub mod training;
mod wire;

use notebooks::idle_agent;
pub(crate) use read::says_gone;
use read::{IN_FLIGHT, Listed, Looked, Read, name_of, unread_of};
use studio::{apps, idle_shutdowns};
pub(crate) use tags::all_tags;

/// What a run wants to know.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Which resources.
    pub scope: Scope,
    /// Whether Studio's domains, profiles and spaces are read for their idle shutdown.
    pub idle_shutdowns: bool,
}

/// Reads all that is wanted. Never fails: what could not be read is in `facts.reading.unread`, and its kind is not in `facts.reading.complete`.
pub async fn gather(clients: &Clients, rulebook: &Rulebook, wanted: &Wanted, now: Timestamp) -> Facts {
    let mut facts = Facts { now, prices: rulebook.policy.prices_of(&clients.region), ..Facts::default() };
    match wanted.scope.named() {
        None => Box::pin(everything(clients, rulebook, wanted, &mut facts)).await,
        Some(named) => Box::pin(some(clients, rulebook, &named, &mut facts)).await,
    }
    facts
}

/// Whole lists, all at the same time, and the tags of everything from the tag index.
async fn everything(clients: &Clients, rulebook: &Rulebook, wanted: &Wanted, facts: &mut Facts) {
    let now = facts.now;
    let wants_apps = rulebook.uses_rule("studio-app-off-hours") || rulebook.uses_rule("studio-app-always-on");
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
    let apps = async { if wants_apps { apps::list(clients, None).await } else { Listed::default() } };
    let levels = async { if wanted.idle_shutdowns { idle_shutdowns::list(clients).await } else { Listed::default() } };
    let mut tagged = vec![Kind::NotebookInstance];
    tagged.extend(wants_apps.then_some(Kind::App));
    if wants_apps || wanted.idle_shutdowns {
        tagged.extend([Kind::Domain, Kind::UserProfile, Kind::Space]);
    }
    let (notebooks, apps, levels, mut index) =
        tokio::join!(Box::pin(notebooks), Box::pin(apps), Box::pin(levels), tags::index(clients, rulebook, &tagged));

    facts.notebooks = notebooks.told_to(facts);
    facts.apps = apps.told_to(facts);
    facts.idle_shutdowns = levels.told_to(facts);
    facts.reading.unread.extend(index.unread.clone());
    for app in &mut facts.apps {
        apps::inherit(app, &index);
    }
    for resource in facts.resources_mut().filter(|resource| resource.kind() != Some(Kind::App)) {
        resource.tags = index.take(&resource.id);
    }
}

/// Single resources, by the service's own word.
async fn some(clients: &Clients, rulebook: &Rulebook, named: &BTreeMap<String, Option<String>>, facts: &mut Facts) {
    let mut failed = vec![];
    let mut not_found = HashSet::new();
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
    // Ids are in lower case. Calls about apps want the true spelling, those about notebooks may: the lists have it.
    if !not_found.is_empty() {
        let one = async |known: &Notebook| notebooks::one(clients, rulebook, &known.resource.name, known.resource.arn.as_deref()).await;
        let found = those_of(notebooks::list(clients, None).await, not_found, one, facts, &mut failed).await;
        facts.notebooks.extend(found);
    }
    let app_ids: HashSet<String> = of_kind(Kind::App).map(|(id, _)| id.clone()).collect();
    if !app_ids.is_empty() {
        let one = async |known: &App| apps::one(clients, rulebook, known).await;
        facts.apps = those_of(apps::list(clients, None).await, app_ids, one, facts, &mut failed).await;
    }
    facts.reading.unread.extend(unread_of("state and tags", &failed));
    if rulebook.uses_rule("notebook-idle") {
        let unread = idle_agent::read(clients, &mut facts.notebooks, facts.now).await;
        facts.reading.unread.extend(unread);
    }
}

/// Those of a list that have these ids, each read on its own.
async fn those_of<T: Subject>(
    mut listed: Listed<T>,
    mut ids: HashSet<String>,
    one: impl AsyncFn(&T) -> Read<Option<T>>,
    facts: &mut Facts,
    failed: &mut Vec<(String, String)>,
) -> Vec<T> {
    let mut found = vec![];
    listed.items.retain(|item| ids.contains(&item.resource().id));
    let read = stream::iter(&listed.items).map(async |item| (&item.resource().id, one(item).await)).buffer_unordered(IN_FLIGHT);
    for (id, read) in read.collect::<Vec<_>>().await {
        match read {
            Ok(Some(item)) => found.push(item),
            Ok(None) => drop(facts.reading.gone.insert(id.clone())),
            Err(why) => failed.push((id.clone(), why)),
        }
        ids.remove(id);
    }
    if !listed.complete.is_empty() {
        facts.reading.gone.extend(ids);
    }
    facts.reading.unread.extend(listed.unread);
    found
}

/// Reads the tags of these resources (by id) from `SageMaker` itself, and the ARNs of apps, which lists do not give. An app's own tags go over
/// those that it inherits by the index. What cannot be read becomes `Unreadable`; what is gone meanwhile leaves the facts.
pub async fn confirm(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
    let mut refreshed = refresh_indexed(clients, rulebook, facts, ids).await;
    // What was described a moment ago, with its tags.
    let training = facts.training_jobs.iter().filter(|job| !job.indexed).map(|job| &job.resource);
    let tuning = facts.tuning_jobs.iter().filter(|job| !job.indexed).map(|job| &job.resource);
    refreshed.extend(training.chain(tuning).filter(|resource| matches!(resource.tags, Tags::Known(_))).map(|resource| resource.id.clone()));
    let mut failed = confirm_audited(clients, rulebook, facts, ids).await;
    let apps = facts.apps.iter().map(|app| (&app.resource, Some(app)));
    let others = facts.tagged_resources().filter(|resource| resource.kind() != Some(Kind::App)).map(|resource| (resource, None));
    let doubtful: Vec<(&Resource, Option<&App>)> =
        apps.chain(others).filter(|(resource, _)| ids.contains(&resource.id) && !refreshed.contains(&resource.id)).collect();
    let read = stream::iter(doubtful).map(async |(resource, app)| {
        let read = match app {
            Some(app) => apps::confirm(clients, rulebook, app).await,
            None => tags::confirm_tags(clients, rulebook, resource).await,
        };
        (resource.id.clone(), read)
    });
    let mut looked: Looked<Resource> = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
    facts.forget(&looked.gone);
    failed.append(&mut looked.failed);
    facts.reading.unread.extend(unread_of("tags", &failed));
    let failed: HashSet<String> = failed.into_iter().map(|(id, _)| id).collect();
    for resource in facts.resources_mut() {
        if failed.contains(&resource.id) {
            resource.tags = Tags::Unreadable;
        } else if let Some(read) = looked.there.remove(&resource.id) {
            *resource = read;
        }
    }
}

/// The same for what is looked at for its tags. Gives what could not be read.
async fn confirm_audited(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) -> Vec<(String, String)> {
    let running = facts.running.iter().map(|Running(audited)| audited);
    let meant = facts.audited.iter().chain(running).filter(|audited| ids.contains(&audited.resource.id));
    let read =
        stream::iter(meant).map(async |audited| (audited.resource.id.clone(), inventory::confirmed(clients, rulebook, audited).await));
    let mut looked: Looked<Audited> = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
    facts.forget(&looked.gone);
    let running = facts.running.iter_mut().map(|Running(audited)| audited);
    for audited in facts.audited.iter_mut().chain(running) {
        if let Some(read) = looked.there.remove(&audited.resource.id) {
            *audited = read;
        }
    }
    looked.failed
}

/// Whether a resource is not known well enough to be reported.
pub(crate) fn is_unconfirmed(resource: &Resource) -> bool {
    resource.tags == Tags::NotIndexed || (resource.arn.is_none() && !resource.kind().is_some_and(Kind::is_of_the_account))
}

/// Asks the service itself for the state of jobs that the search index told, one call each; what the index says of their tags is good enough for a mail.
/// Tells which these are.
async fn refresh_indexed(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) -> HashSet<String> {
    let is_meant = |resource: &Resource, indexed: bool| indexed && ids.contains(&resource.id);
    let mut replaces = HashMap::new();
    let training = facts.training_jobs.extract_if(.., |job| is_meant(&job.resource, job.indexed)).map(|job| {
        replaces.insert(job.resource.id.clone(), job.replaces);
        job.resource
    });
    let tuning = facts.tuning_jobs.extract_if(.., |job| is_meant(&job.resource, job.indexed));
    // How many training jobs a tuning job runs is known to the sweep alone.
    let mut children: HashMap<String, Option<(u32, u32)>> = HashMap::new();
    let tuning = tuning.map(|job| {
        children.insert(job.resource.id.clone(), job.running);
        job.resource
    });
    let known: HashMap<String, Resource> = training.chain(tuning).map(|resource| (resource.id.clone(), resource)).collect();
    let asked = known.values().map(|resource| (resource.id.clone(), Some(resource.name.clone()))).collect();
    training::some_without_tags(clients, rulebook, &asked, facts).await;
    for resource in facts.resources_mut() {
        if let Some(known) = known.get(&resource.id) {
            resource.tags = known.tags.clone();
        }
    }
    for job in &mut facts.training_jobs {
        if let Some(replaces) = replaces.remove(&job.resource.id) {
            job.replaces = replaces;
        }
    }
    for job in &mut facts.tuning_jobs {
        if let Some(running) = children.get(&job.resource.id) {
            job.running = *running;
        }
    }
    known.into_keys().collect()
}

/// One resource as it is now, right before it is acted upon: everything from the service itself. `None`: it is gone.
///
/// # Errors
/// It could not be read: then nothing may be done to it.
pub async fn again(clients: &Clients, rulebook: &Rulebook, facts: &Facts, id: &str) -> anyhow::Result<Option<Facts>> {
    let mut fresh = Facts { now: facts.now, prices: facts.prices.clone(), measures: facts.measures.clone(), ..Facts::default() };
    if let Some(known) = facts.notebooks.iter().find(|notebook| notebook.resource.id == id) {
        let read = notebooks::one(clients, rulebook, &known.resource.name, known.resource.arn.as_deref()).await;
        let Some(notebook) = read.map_err(|why| anyhow!("{id}: {why}"))? else { return Ok(None) };
        fresh.notebooks.push(Notebook { usage: known.usage, ..notebook });
    } else if let Some(known) = facts.apps.iter().find(|app| app.resource.id == id) {
        let read = apps::one(clients, rulebook, known).await;
        let Some(app) = read.map_err(|why| anyhow!("{id}: {why}"))? else { return Ok(None) };
        fresh.apps.push(app);
    } else if let Some(known) = facts.training_jobs.iter().find(|job| job.resource.id == id) {
        let read = training::training_with_tags(clients, rulebook, &known.resource).await;
        let Some(job) = read.map_err(|why| anyhow!("{id}: {why}"))? else { return Ok(None) };
        fresh.training_jobs.push(TrainingJob { replaces: known.replaces.clone(), ..job });
    } else if let Some(known) = facts.tuning_jobs.iter().find(|job| job.resource.id == id) {
        let read = training::tuning_with_tags(clients, rulebook, &known.resource).await;
        let Some(job) = read.map_err(|why| anyhow!("{id}: {why}"))? else { return Ok(None) };
        fresh.tuning_jobs.push(job);
    } else if let Some(known) = facts.audited.iter().find(|audited| audited.resource.id == id) {
        let read = inventory::again(clients, rulebook, known, facts.now).await;
        let Some(audited) = read.map_err(|why| anyhow!("{id}: {why}"))? else { return Ok(None) };
        fresh.audited.push(audited);
    } else if let Some(Running(known)) = facts.running.iter().find(|running| running.0.resource.id == id) {
        let read = inventory::again(clients, rulebook, known, facts.now).await;
        let Some(audited) = read.map_err(|why| anyhow!("{id}: {why}"))? else { return Ok(None) };
        fresh.running.push(Running(audited));
    } else if let Some(known) = facts.tag_keys.iter().find(|key| key.resource.id == id) {
        // Read a moment ago, and to activate it twice does nothing.
        fresh.tag_keys.push(known.clone());
    } else {
        bail!("{id}: nothing of this run that can be acted upon");
    }
    Ok(Some(fresh))
}

#[cfg(test)]
mod tests;
