//! Reads Studio's apps, and the idle shutdown settings of its domains, user profiles and spaces.

use std::collections::BTreeSet;

use cost_rules::{
    facts::Facts,
    resource::{Kind, Resource},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, stream};

use super::{
    read::{IN_FLIGHT, Read},
    tags,
};
use crate::clients::Clients;

pub(super) mod apps;
pub(super) mod domains;
pub(super) mod idle_shutdowns;
pub(super) mod spaces;

/// Reads the tags of these resources (by id) from the service itself, and the ARNs of apps, which lists do not contain. An app's own tags take precedence over
/// those that it inherits according to the index.
pub(crate) async fn confirm(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
    let meant = facts.apps.iter().filter(|app| ids.contains(&app.resource.id));
    let read = stream::iter(meant).map(async |app| (app.resource.id.clone(), apps::confirm(clients, rulebook, app).await));
    let looked = read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await.into_iter().collect();
    tags::take_in(facts, looked);
    let sets_idle_shutdown = |resource: &Resource| matches!(resource.kind(), Some(Kind::Domain | Kind::UserProfile | Kind::Space));
    tags::confirm(clients, rulebook, facts, |resource| sets_idle_shutdown(resource) && ids.contains(&resource.id)).await;
}

/// Reads one app again, right before an action. `None`: it is none of these.
pub(crate) async fn again(clients: &Clients, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
    let known = facts.apps.iter().find(|app| app.resource.id == id)?;
    let read = apps::one(clients, rulebook, known).await;
    Some(read.map(|found| found.map(|app| Facts { apps: vec![app], ..facts.of_this_moment() })))
}
