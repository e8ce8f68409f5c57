//! Studio apps. Their lists give no ARN; their tags lie on the app, its space or profile, and its domain.

use std::collections::BTreeMap;

use aws_sdk_sagemaker::types::{AppDetails, AppStatus, AppType};
use cost_rules::{
    facts::{App, AppHome, Resource, Tags},
    policy::Policy,
};

use super::{Confirmed, Listed, every_page, tags, tags::Index, timestamp};
use crate::{Clients, why::why};

/// All Studio apps of the Region, without their tags. `ListApps` goes on showing deleted ones for a day.
pub(super) async fn list(clients: &Clients) -> Listed<App> {
    let mut apps = vec![];
    let read = every_page(async |token| {
        let page = clients.sagemaker.list_apps().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        apps.extend(page.apps.unwrap_or_default().into_iter().filter_map(details));
        Ok(page.next_token)
    });
    let read = read.await;
    Listed::new(apps, "Studio apps (sagemaker:ListApps)", read)
}

fn details(app: AppDetails) -> Option<App> {
    if app.status == Some(AppStatus::Deleted) {
        return None;
    }
    let home = match (app.space_name, app.user_profile_name) {
        (Some(space), _) => AppHome::Space(space),
        (None, profile) => AppHome::UserProfile(profile?),
    };
    let (domain, app_type, app_name) = (app.domain_id?, app.app_type?.as_str().to_owned(), app.app_name?);
    let id = format!("app/{domain}/{}/{app_type}/{app_name}", home.name()).to_lowercase();
    let name = format!("{} {app_type} {app_name}", home.name());
    Some(App {
        resource: Resource { id, arn: None, name, tags: Tags::Unreadable },
        domain,
        home,
        app_type,
        app_name,
        instance_type: app.resource_spec.and_then(|spec| spec.instance_type).map(|instance_type| instance_type.as_str().to_owned()),
        in_service: app.status == Some(AppStatus::InService),
        created: timestamp(app.creation_time.as_ref()),
    })
}

/// Stands for an app that is known not to exist: no rule finds anything, and what was open is closed.
pub(super) fn gone(id: &str) -> App {
    App {
        resource: Resource { id: id.to_owned(), arn: None, name: id.to_owned(), tags: Tags::Known(BTreeMap::new()) },
        domain: String::new(),
        home: AppHome::Space(String::new()),
        app_type: String::new(),
        app_name: String::new(),
        instance_type: None,
        in_service: false,
        created: None,
    }
}

/// The index's tags of the app over those of its space or profile over those of its domain. An app that the index does not name has no
/// ARN either, by which it is known as unconfirmed.
pub(super) fn inherit(app: &mut App, index: &Index) {
    if index.is_partial() {
        app.resource.tags = Tags::Unreadable;
        return;
    }
    let mut merged = BTreeMap::new();
    for id in [format!("domain/{}", app.domain).to_lowercase(), app.home.id(&app.domain), app.resource.id.clone()] {
        merged.extend(index.get(&id).into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())));
    }
    app.resource.arn = index.arn(&app.resource.id).map(str::to_owned);
    app.resource.tags = Tags::Known(merged);
}

/// The app's ARN, and its tags over its space's or profile's over its domain's, by the service's own word. `None`: it is gone.
pub(super) async fn confirm(clients: &Clients, policy: &Policy, app: &App) -> anyhow::Result<Option<Confirmed>> {
    Ok(read(clients, policy, app).await?.map(|(confirmed, _)| confirmed))
}

/// A known app as it is now. `None`: it is gone.
pub(super) async fn again(clients: &Clients, policy: &Policy, known: &App) -> anyhow::Result<Option<App>> {
    let Some((confirmed, (in_service, created))) = read(clients, policy, known).await? else { return Ok(None) };
    let resource = Resource { arn: confirmed.arn, tags: confirmed.tags, ..known.resource.clone() };
    Ok(Some(App { resource, in_service, created, ..known.clone() }))
}

type Run = (bool, Option<jiff::Timestamp>);

async fn read(clients: &Clients, policy: &Policy, app: &App) -> anyhow::Result<Option<(Confirmed, Run)>> {
    let call =
        clients.sagemaker.describe_app().domain_id(&app.domain).app_type(AppType::from(app.app_type.as_str())).app_name(&app.app_name);
    let call = match &app.home {
        AppHome::Space(space) => call.space_name(space),
        AppHome::UserProfile(profile) => call.user_profile_name(profile),
    };
    let found = match call.send().await {
        Ok(found) => found,
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found()) => return Ok(None),
        Err(error) => anyhow::bail!("Studio app {}: {}", app.resource.name, why(&error)),
    };
    if matches!(found.status, Some(AppStatus::Deleted | AppStatus::Deleting)) {
        return Ok(None);
    }
    let Some(arn) = found.app_arn else { anyhow::bail!("Studio app {}: DescribeApp gave no ARN", app.resource.name) };
    let (own, home, domain) =
        tokio::join!(tags::of(clients, policy, &arn), home_tags(clients, policy, app), domain_tags(clients, policy, app));
    let Some(own) = own? else { return Ok(None) };
    let mut merged = domain?;
    merged.extend(home?);
    merged.extend(own);
    let run = (found.status == Some(AppStatus::InService), timestamp(found.creation_time.as_ref()));
    Ok(Some((Confirmed { arn: Some(arn), tags: Tags::Known(merged) }, run)))
}

async fn home_tags(clients: &Clients, policy: &Policy, app: &App) -> anyhow::Result<BTreeMap<String, String>> {
    let arn = match &app.home {
        AppHome::Space(space) => {
            let found = clients.sagemaker.describe_space().domain_id(&app.domain).space_name(space).send().await;
            found.map_err(|error| anyhow::anyhow!("Studio space {space}: {}", why(&error)))?.space_arn
        }
        AppHome::UserProfile(profile) => {
            let found = clients.sagemaker.describe_user_profile().domain_id(&app.domain).user_profile_name(profile).send().await;
            found.map_err(|error| anyhow::anyhow!("Studio user profile {profile}: {}", why(&error)))?.user_profile_arn
        }
    };
    parent_tags(clients, policy, arn).await
}

async fn domain_tags(clients: &Clients, policy: &Policy, app: &App) -> anyhow::Result<BTreeMap<String, String>> {
    let found = clients.sagemaker.describe_domain().domain_id(&app.domain).send().await;
    let found = found.map_err(|error| anyhow::anyhow!("Studio domain {}: {}", app.domain, why(&error)))?;
    parent_tags(clients, policy, found.domain_arn).await
}

async fn parent_tags(clients: &Clients, policy: &Policy, arn: Option<String>) -> anyhow::Result<BTreeMap<String, String>> {
    match arn {
        Some(arn) => Ok(tags::of(clients, policy, &arn).await?.unwrap_or_default()),
        None => Ok(BTreeMap::new()),
    }
}
