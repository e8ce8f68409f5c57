//! Reads Studio apps. Their lists contain no ARN; their tags are on the app, its space, the profile that it or its space is of, and its domain.

use aws_sdk_sagemaker::{
    operation::describe_app::DescribeAppOutput,
    types::{AppDetails, AppStatus, AppType, ResourceSpec},
};
use cost_rules::{
    facts::{App, Change, RunState, Unread},
    price::Instances,
    resource::{AppHome, Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, future::OptionFuture, stream};

use crate::{
    clients::{Clients, why::why},
    gather::{
        read::{IN_FLIGHT, Listed, Read, says_gone, timestamp, unread_of},
        studio::spaces::SpaceOwners,
        tags::{self, Index, TagMap},
    },
};

/// The most apps that one run describes because the list does not tell what they run on. Of more, the type stays unknown.
const MOST_DESCRIBED: usize = 200;

/// All Studio apps of the Region or of one domain, without their tags. `ListApps` shows deleted apps for a day: they are left out.
pub(crate) async fn list(clients: &Clients, domain: Option<String>) -> Listed<App> {
    let id = |app: &App| app.resource.id.clone();
    Listed::read(clients, Kind::App, "ListApps", id, async |token| {
        let page = clients.sagemaker.list_apps().set_domain_id_equals(domain.clone()).max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        let apps = page.apps.unwrap_or_default().into_iter().filter(|one| one.status != Some(AppStatus::Deleted));
        Ok((apps.map(details).collect(), page.next_token))
    })
    .await
}

/// Reads the instance types of running apps whose list does not tell them, by describing each. Returns what could not be read.
pub(crate) async fn read_instance_types(clients: &Clients, apps: &mut [App]) -> Option<Unread> {
    // `JupyterServer` and `RStudioServerPro` are never judged.
    let is_judged = |app: &App| !matches!(app.app_type.as_str(), "JupyterServer" | "RStudioServerPro");
    let untold = apps.iter_mut().filter(|app| app.instance_type.is_none() && app.state == RunState::InService && is_judged(app));
    let read = stream::iter(untold.take(MOST_DESCRIBED)).map(async |app| {
        let found = describe(clients, &app.domain, &app.home, &app.app_type, &app.app_name).await;
        let found = found.map_err(|why| (app.resource.id.clone(), why))?;
        app.instance_type = found.map(|found| described_type(found.resource_spec));
        Ok(())
    });
    let failed: Vec<(String, String)> = read.buffer_unordered(IN_FLIGHT).filter_map(async |read: Result<(), _>| read.err()).collect().await;
    unread_of("instance type", &failed)
}

/// `None`: AWS gave no complete name.
fn details(app: AppDetails) -> Option<App> {
    let home = match (app.space_name, app.user_profile_name) {
        (Some(space), _) => AppHome::Space(space),
        (None, profile) => AppHome::UserProfile(profile?),
    };
    let (domain, app_type, app_name) = (app.domain_id?, app.app_type?.as_str().to_owned(), app.app_name?);
    let id = format!("app/{domain}/{}/{app_type}/{app_name}", home.name()).to_lowercase();
    let name = format!("{} {app_type} {app_name}", home.name());
    Some(App {
        resource: Resource { id, arn: None, name, tags: Tags::Unreadable, ownership: Ownership::default() },
        domain,
        home,
        space_owner: None,
        app_type,
        app_name,
        instance_type: instance_type(app.resource_spec),
        state: state(app.status.as_ref()),
        created: timestamp(app.creation_time.as_ref()),
        deleted_by_guard: None,
    })
}

fn state(status: Option<&AppStatus>) -> RunState {
    match status {
        Some(AppStatus::InService) => RunState::InService,
        Some(AppStatus::Pending) => RunState::Changing(Change::Pending),
        Some(AppStatus::Deleting) => RunState::Changing(Change::Deleting),
        Some(AppStatus::Deleted) => RunState::Deleted,
        Some(AppStatus::Failed) => RunState::Failed,
        _ => RunState::Other,
    }
}

/// The instance type by a description. AWS may not say it there either.
fn described_type(spec: Option<ResourceSpec>) -> String {
    instance_type(spec).unwrap_or_else(|| Instances::UNKNOWN_TYPE.to_owned())
}

fn instance_type(spec: Option<ResourceSpec>) -> Option<String> {
    Some(spec?.instance_type?.as_str().to_owned())
}

/// Sets the app's tags from the index: its own take precedence over those of its space, these over those of its profile or of the space's owner, and these over
/// those of its domain. An app that the index does not list has no ARN, by which it is known as unconfirmed. `owners`: `None` if they could not be read.
pub(crate) fn inherit(app: &mut App, index: &Index, owners: Option<&SpaceOwners>) {
    let home = app.home.id(&app.domain);
    let owner = match &app.home {
        AppHome::Space(_) => owners.map(|owners| owners.get(&home)),
        AppHome::UserProfile(_) => Some(None),
    };
    let levels = |owner: Option<&String>| {
        let levels = [Some(&Kind::Domain.id(&app.domain)), owner, Some(&home), Some(&app.resource.id)];
        levels.into_iter().flatten().map(|id| index.get(id)).collect::<Option<Vec<&TagMap>>>()
    };
    let tags = owner.and_then(levels);
    app.space_owner = owner.flatten().cloned();
    app.resource.arn = index.arn_of(&app.resource.id).map(str::to_owned);
    app.resource.tags = match tags {
        Some(tags) => Tags::Known(tags.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()),
        None => Tags::Unreadable,
    };
}

/// Reads the app's ARN and its own tags, which take precedence over those that it inherits according to the index. `None`: it is gone.
pub(crate) async fn confirm(clients: &Clients, rulebook: &Rulebook, app: &App) -> Read<Option<Resource>> {
    let Tags::Known(mut tags) = app.resource.tags.clone() else {
        return Ok(one(clients, rulebook, app).await?.map(|app| app.resource));
    };
    let Some((_, arn, own)) = itself(clients, rulebook, app).await? else { return Ok(None) };
    tags.extend(own);
    Ok(Some(Resource { arn: Some(arn), tags: Tags::Known(tags), ..app.resource.clone() }))
}

/// The current state of a listed app, with the tags of all its levels, all read at the same time. `None`: it is gone.
pub(crate) async fn one(clients: &Clients, rulebook: &Rulebook, known: &App) -> Read<Option<App>> {
    // Boxed: together they would make a future of 30 KiB for each call that is in progress.
    let (itself, home, domain) = tokio::join!(
        Box::pin(itself(clients, rulebook, known)),
        Box::pin(home_tags(clients, rulebook, known)),
        Box::pin(domain_tags(clients, rulebook, known))
    );
    // If the app is gone, its space may be gone too: that is no failure.
    let Some((found, arn, own)) = itself? else { return Ok(None) };
    let (home, space_owner) = home?;
    let mut tags = domain?;
    tags.extend(home);
    tags.extend(own);
    Ok(Some(App {
        resource: Resource { arn: Some(arn), tags: Tags::Known(tags), ..known.resource.clone() },
        space_owner,
        state: state(found.status.as_ref()),
        created: timestamp(found.creation_time.as_ref()),
        instance_type: Some(described_type(found.resource_spec)),
        ..known.clone()
    }))
}

/// Reads the app with its ARN and its own tags. If the ARN is known, both are read at the same time. `None`: it is gone.
async fn itself(clients: &Clients, rulebook: &Rulebook, app: &App) -> Read<Option<(DescribeAppOutput, String, TagMap)>> {
    let early = OptionFuture::from(app.resource.arn.as_deref().map(|arn| tags::of(clients, rulebook, arn)));
    let described = describe(clients, &app.domain, &app.home, &app.app_type, &app.app_name);
    let (found, tags) = tokio::join!(described, early);
    let Some(found) = found? else { return Ok(None) };
    let arn = found.app_arn.clone().ok_or("sagemaker:DescribeApp: no ARN in the answer")?;
    let tags = match tags {
        Some(tags) => tags?,
        None => tags::of(clients, rulebook, &arn).await?,
    };
    Ok(tags.map(|tags| (found, arn, tags)))
}

pub(crate) async fn describe(
    clients: &Clients,
    domain: &str,
    home: &AppHome,
    app_type: &str,
    app_name: &str,
) -> Read<Option<DescribeAppOutput>> {
    clients.in_time()?;
    let call = clients.sagemaker.describe_app().domain_id(domain).app_type(AppType::from(app_type)).app_name(app_name);
    let call = match home {
        AppHome::Space(space) => call.space_name(space),
        AppHome::UserProfile(profile) => call.user_profile_name(profile),
    };
    match call.send().await {
        // One that AWS is deleting is not gone: it may hang in that, and be billed.
        Ok(found) if found.status == Some(AppStatus::Deleted) => Ok(None),
        Ok(found) => Ok(Some(found)),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found() || says_gone(error)) => Ok(None),
        Err(error) => Err(format!("sagemaker:DescribeApp: {}", why(&error))),
    }
}

/// The tags of the app's profile, or of its space and of the profile that owns the space, and the id of that one.
async fn home_tags(clients: &Clients, rulebook: &Rulebook, app: &App) -> Read<(TagMap, Option<String>)> {
    let space = match &app.home {
        AppHome::Space(space) => clients.sagemaker.describe_space().domain_id(&app.domain).space_name(space).send().await,
        AppHome::UserProfile(profile) => {
            let tags = profile_tags(clients, rulebook, &app.domain, profile).await?;
            return tags.map(|tags| (tags, None)).ok_or_else(|| format!("user profile {profile} is gone"));
        }
    };
    let space = space.map_err(|error| format!("sagemaker:DescribeSpace: {}", why(&error)))?;
    let owner = space.ownership_settings.and_then(|settings| settings.owner_user_profile_name);
    let mut tags = match &owner {
        // A space may be left when its owner is gone.
        Some(profile) => profile_tags(clients, rulebook, &app.domain, profile).await?.unwrap_or_default(),
        None => TagMap::new(),
    };
    tags.extend(parent_tags(clients, rulebook, space.space_arn).await?);
    Ok((tags, owner.map(|profile| AppHome::UserProfile(profile).id(&app.domain))))
}

/// `None`: the profile is gone.
async fn profile_tags(clients: &Clients, rulebook: &Rulebook, domain: &str, profile: &str) -> Read<Option<TagMap>> {
    match clients.sagemaker.describe_user_profile().domain_id(domain).user_profile_name(profile).send().await {
        Ok(found) => parent_tags(clients, rulebook, found.user_profile_arn).await.map(Some),
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found() || says_gone(error)) => Ok(None),
        Err(error) => Err(format!("sagemaker:DescribeUserProfile: {}", why(&error))),
    }
}

async fn domain_tags(clients: &Clients, rulebook: &Rulebook, app: &App) -> Read<TagMap> {
    let found = clients.sagemaker.describe_domain().domain_id(&app.domain).send().await;
    parent_tags(clients, rulebook, found.map_err(|error| format!("sagemaker:DescribeDomain: {}", why(&error)))?.domain_arn).await
}

async fn parent_tags(clients: &Clients, rulebook: &Rulebook, arn: Option<String>) -> Read<TagMap> {
    let arn = arn.ok_or("the app's space, profile or domain came without an ARN")?;
    tags::of(clients, rulebook, &arn).await?.ok_or_else(|| format!("{arn} is gone"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::{
        operation::{
            describe_app::DescribeAppError,
            describe_domain::DescribeDomainOutput,
            describe_space::{DescribeSpaceError, DescribeSpaceOutput},
            describe_user_profile::{DescribeUserProfileError, DescribeUserProfileOutput},
            list_apps::ListAppsOutput,
            list_tags::ListTagsOutput,
        },
        types::{OwnershipSettings, Tag, error::ResourceNotFound},
    };
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::testing::{self, arn, at, denied};

    fn account(rules: &[&Rule]) -> Clients {
        Clients { sagemaker: testing::sagemaker(rules).into(), ..testing::clients() }
    }

    fn details() -> aws_sdk_sagemaker::types::builders::AppDetailsBuilder {
        AppDetails::builder().domain_id("d-1").app_name("default").app_type(AppType::JupyterLab)
    }

    fn app() -> App {
        super::details(details().space_name("Lab").build()).unwrap()
    }

    fn app_in_service() -> App {
        App { state: RunState::InService, ..app() }
    }

    /// The value of each tag is the level that it is on.
    fn levels() -> [Rule; 3] {
        [
            mock!(aws_sdk_sagemaker::Client::describe_space)
                .then_output(|| DescribeSpaceOutput::builder().space_arn(arn("space/d-1/lab")).build()),
            mock!(aws_sdk_sagemaker::Client::describe_domain)
                .then_output(|| DescribeDomainOutput::builder().domain_arn(arn("domain/d-1")).build()),
            mock!(aws_sdk_sagemaker::Client::list_tags).then_compute_output(|asked| {
                let level = asked.resource_arn().unwrap().rsplit(':').next().unwrap().split('/').next().unwrap();
                let keys: &[&str] = match level {
                    "app" => &["Owner"],
                    "space" => &["Owner", "owner"],
                    _ => &["Owner", "owner", "Team"],
                };
                let tags = keys.iter().map(|key| Tag::builder().key(*key).value(level).build()).collect();
                ListTagsOutput::builder().set_tags(Some(tags)).build()
            }),
        ]
    }

    fn described(status: AppStatus) -> Rule {
        mock!(aws_sdk_sagemaker::Client::describe_app)
            .match_requests(|asked| asked.space_name() == Some("Lab") && asked.user_profile_name().is_none())
            .then_output(move || {
                let app = DescribeAppOutput::builder().app_arn(arn("app/d-1/lab/jupyterlab/default")).status(status.clone());
                app.creation_time(at("2026-11-24T08:00:00Z")).build()
            })
    }

    fn rulebook() -> Rulebook {
        Rulebook::from_toml("owner-tags = [\"Owner\", \"owner\"]\nteam-tags = [\"Team\"]").unwrap()
    }

    #[tokio::test]
    async fn the_list_leaves_out_what_is_deleted_and_tells_what_is_named_by_half() {
        let pages = mock!(aws_sdk_sagemaker::Client::list_apps).then_output(|| {
            ListAppsOutput::builder()
                .apps(details().space_name("gone").status(AppStatus::Deleted).build())
                .apps(details().status(AppStatus::InService).build())
                .apps(details().user_profile_name("Ann").status(AppStatus::Pending).build())
                .build()
        });
        let listed = list(&account(&[&pages]), None).await;
        let [app] = &listed.items[..] else { panic!("{:?}", listed.items) };
        assert_eq!((app.resource.id.as_str(), app.state), ("app/d-1/ann/jupyterlab/default", RunState::Changing(Change::Pending)));
        assert_eq!(app.home, AppHome::UserProfile("Ann".into()));
        assert_eq!((listed.complete.len(), listed.unread[0].why.as_str()), (0, "1 came without a name or an ARN"));
    }

    #[tokio::test]
    async fn what_the_list_does_not_tell_is_described_once() {
        let listed = |app_type: &str, state, instance_type: Option<&str>| App {
            app_type: app_type.into(),
            state,
            instance_type: instance_type.map(str::to_owned),
            ..app()
        };
        let mut apps = [
            listed("JupyterLab", RunState::InService, None),
            listed("JupyterLab", RunState::InService, Some("ml.t3.large")),
            listed("JupyterLab", RunState::Changing(Change::Deleting), None),
            listed("JupyterServer", RunState::InService, None),
        ];
        let found = mock!(aws_sdk_sagemaker::Client::describe_app).then_output(|| {
            let spec = ResourceSpec::builder().instance_type("ml.m5.xlarge".into()).build();
            DescribeAppOutput::builder().status(AppStatus::InService).resource_spec(spec).build()
        });
        assert_eq!(read_instance_types(&account(&[&found]), &mut apps).await, None);
        let types = apps.each_ref().map(|app| app.instance_type.as_deref());
        assert_eq!((types, found.num_calls()), ([Some("ml.m5.xlarge"), Some("ml.t3.large"), None, None], 1));

        let untold = mock!(aws_sdk_sagemaker::Client::describe_app).then_output(|| {
            DescribeAppOutput::builder().status(AppStatus::InService).resource_spec(ResourceSpec::builder().build()).build()
        });
        let mut app = [app_in_service()];
        assert_eq!(read_instance_types(&account(&[&untold]), &mut app).await, None);
        assert_eq!(app[0].instance_type.as_deref(), Some(Instances::UNKNOWN_TYPE), "it was read, and AWS does not say");

        let refused = mock!(aws_sdk_sagemaker::Client::describe_app).then_error(|| DescribeAppError::generic(denied()));
        let unread = read_instance_types(&account(&[&refused]), &mut [app_in_service()]).await.unwrap();
        assert!(unread.what.contains("instance type") && unread.why.contains("sagemaker:DescribeApp"), "{unread:?}");
    }

    #[tokio::test]
    async fn the_tags_of_all_levels_are_the_apps_own_first() {
        let [space, domain, tags] = levels();
        let found = described(AppStatus::InService);
        let read = one(&account(&[&found, &space, &domain, &tags]), &rulebook(), &app()).await.unwrap().unwrap();
        let merged = [("Owner", "app"), ("owner", "space"), ("Team", "domain")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(read.resource.tags, Tags::Known(merged.into()));
        assert_eq!((read.state, read.created), (RunState::InService, Some("2026-11-24T08:00:00Z".parse().unwrap())));
    }

    #[tokio::test]
    async fn an_app_in_a_space_has_the_tags_of_its_owners_profile() {
        let owned = || OwnershipSettings::builder().owner_user_profile_name("Ann").build();
        let space = mock!(aws_sdk_sagemaker::Client::describe_space)
            .then_output(move || DescribeSpaceOutput::builder().space_arn(arn("space/d-1/lab")).ownership_settings(owned()).build());
        let profile = mock!(aws_sdk_sagemaker::Client::describe_user_profile)
            .match_requests(|asked| asked.user_profile_name() == Some("Ann"))
            .then_output(|| DescribeUserProfileOutput::builder().user_profile_arn(arn("user-profile/d-1/ann")).build());
        let absent = mock!(aws_sdk_sagemaker::Client::describe_user_profile)
            .then_error(|| DescribeUserProfileError::ResourceNotFound(ResourceNotFound::builder().build()));
        let [_, domain, _] = levels();
        let tags = mock!(aws_sdk_sagemaker::Client::list_tags).then_compute_output(|asked| {
            let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
            let tags = match asked.resource_arn().unwrap() {
                of if of.contains(":user-profile/") => vec![tag("cost-guard:keep-until", "2026-12-31"), tag("Owner", "ann")],
                of if of.contains(":space/") => vec![tag("Owner", "lab")],
                _ => vec![],
            };
            ListTagsOutput::builder().set_tags(Some(tags)).build()
        });
        for (profile, owner_tags) in
            [(profile, &[("Owner", "lab"), ("cost-guard:keep-until", "2026-12-31")][..]), (absent, &[("Owner", "lab")])]
        {
            let account = account(&[&described(AppStatus::InService), &space, &profile, &domain, &tags]);
            let read = one(&account, &rulebook(), &app()).await.unwrap().unwrap();
            let expected = owner_tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(read.resource.tags, Tags::Known(expected));
            assert_eq!(read.space_owner.as_deref(), Some("user-profile/d-1/ann"));
        }
    }

    #[tokio::test]
    async fn gone_is_told_from_not_readable() {
        let [space, domain, tags] = levels();
        let absent = mock!(aws_sdk_sagemaker::Client::describe_app)
            .then_error(|| DescribeAppError::ResourceNotFound(ResourceNotFound::builder().build()));
        for gone in [described(AppStatus::Deleted), absent] {
            assert!(one(&account(&[&gone, &space, &domain, &tags]), &rulebook(), &app()).await.unwrap().is_none());
        }
        let hangs = one(&account(&[&described(AppStatus::Deleting), &space, &domain, &tags]), &rulebook(), &app()).await.unwrap();
        assert_eq!(hangs.map(|app| app.state), Some(RunState::Changing(Change::Deleting)), "it may hang");
        let refused = mock!(aws_sdk_sagemaker::Client::describe_space).then_error(|| DescribeSpaceError::generic(denied()));
        let why = one(&account(&[&described(AppStatus::InService), &refused, &domain, &tags]), &rulebook(), &app()).await.unwrap_err();
        assert!(why.starts_with("sagemaker:DescribeSpace: AccessDeniedException"), "{why}");
    }
}
