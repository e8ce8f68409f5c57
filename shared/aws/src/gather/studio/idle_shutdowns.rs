//! Reads the idle shutdown settings of Studio's domains, user profiles and spaces. Each takes one call, so they are read rarely.

use aws_sdk_sagemaker::{
    error::{ProvideErrorMetadata, SdkError},
    types::{
        AppLifecycleManagement, DomainStatus, LifecycleManagement, SpaceAppLifecycleManagement, SpaceStatus, UserProfileStatus,
        UserSettings,
    },
};
use cost_rules::{
    facts::{IdleSettings, IdleShutdown},
    resource::{Kind, Ownership, Resource, Tags},
};
use futures_util::{StreamExt as _, stream};

use crate::{
    clients::{Clients, why::why},
    gather::read::{IN_FLIGHT, Listed, Read, says_gone, unread_of},
};

/// A domain, user profile or space.
enum Level {
    Domain(String),
    UserProfile(String, String),
    Space(String, String),
}

impl Level {
    fn kind(&self) -> Kind {
        match self {
            Self::Domain(_) => Kind::Domain,
            Self::UserProfile(..) => Kind::UserProfile,
            Self::Space(..) => Kind::Space,
        }
    }

    fn domain(&self) -> &str {
        match self {
            Self::Domain(domain) | Self::UserProfile(domain, _) | Self::Space(domain, _) => domain,
        }
    }

    fn id(&self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::Domain(domain) => format!("{kind}/{domain}").to_lowercase(),
            Self::UserProfile(domain, name) | Self::Space(domain, name) => format!("{kind}/{domain}/{name}").to_lowercase(),
        }
    }
}

/// The settings of all domains, user profiles and spaces of the Region, without their tags and without those that are being deleted. A kind is complete if all of its resources could be read.
pub(crate) async fn list(clients: &Clients) -> Listed<IdleShutdown> {
    let mut listed = Listed::default();
    let mut levels = vec![];
    for of_kind in
        <[Listed<Level>; 3]>::from(tokio::join!(Box::pin(domains(clients)), Box::pin(user_profiles(clients)), Box::pin(spaces(clients))))
    {
        levels.extend(of_kind.items);
        listed.complete.extend(of_kind.complete);
        listed.unread.extend(of_kind.unread);
    }
    let described = stream::iter(levels).map(async |level| (level.kind(), level.id(), describe(clients, level).await));
    let mut failed = vec![];
    for (kind, id, read) in described.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(level) => listed.items.extend(level),
            Err(why) => {
                failed.push((id, why));
                listed.complete.retain(|complete| *complete != kind);
            }
        }
    }
    listed.unread.extend(unread_of("idle shutdown", &failed));
    listed
}

async fn domains(clients: &Clients) -> Listed<Level> {
    Listed::read(clients, Kind::Domain, "ListDomains", Level::id, async |token| {
        let page = clients.sagemaker.list_domains().max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
        let domains = page.domains.unwrap_or_default().into_iter().filter(|domain| domain.status != Some(DomainStatus::Deleting));
        Ok((domains.map(|domain| domain.domain_id.map(Level::Domain)).collect(), page.next_token))
    })
    .await
}

async fn user_profiles(clients: &Clients) -> Listed<Level> {
    Listed::read(clients, Kind::UserProfile, "ListUserProfiles", Level::id, async |token| {
        let page = clients.sagemaker.list_user_profiles().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        let profiles = page.user_profiles.unwrap_or_default().into_iter();
        let profiles = profiles.filter(|profile| profile.status != Some(UserProfileStatus::Deleting));
        let levels = profiles.map(|profile| Some(Level::UserProfile(profile.domain_id?, profile.user_profile_name?)));
        Ok((levels.collect(), page.next_token))
    })
    .await
}

async fn spaces(clients: &Clients) -> Listed<Level> {
    Listed::read(clients, Kind::Space, "ListSpaces", Level::id, async |token| {
        let page = clients.sagemaker.list_spaces().max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
        let spaces = page.spaces.unwrap_or_default().into_iter().filter(|space| space.status != Some(SpaceStatus::Deleting));
        Ok((spaces.map(|space| Some(Level::Space(space.domain_id?, space.space_name?))).collect(), page.next_token))
    })
    .await
}

/// `None`: it is gone.
async fn describe(clients: &Clients, level: Level) -> Read<Option<IdleShutdown>> {
    clients.in_time()?;
    let id = level.id();
    let domain_id = level.domain().to_owned();
    let level_of = |name, arn, (jupyter_lab, code_editor)| {
        Some(IdleShutdown {
            resource: Resource { id, arn, name, tags: Tags::Unreadable, ownership: Ownership::default() },
            domain: domain_id,
            jupyter_lab,
            code_editor,
        })
    };
    match level {
        Level::Domain(domain) => match clients.sagemaker.describe_domain().domain_id(&domain).send().await {
            Ok(found) => {
                let settings = of_user(found.default_user_settings.as_ref());
                Ok(level_of(found.domain_name.unwrap_or(domain), found.domain_arn, settings))
            }
            Err(error) => none_if_gone("DescribeDomain", &error),
        },
        Level::UserProfile(domain, name) => {
            match clients.sagemaker.describe_user_profile().domain_id(domain).user_profile_name(&name).send().await {
                Ok(found) => Ok(level_of(name, found.user_profile_arn, of_user(found.user_settings.as_ref()))),
                Err(error) => none_if_gone("DescribeUserProfile", &error),
            }
        }
        Level::Space(domain, name) => match clients.sagemaker.describe_space().domain_id(domain).space_name(&name).send().await {
            Ok(found) => {
                let settings = found.space_settings.as_ref();
                let jupyter_lab = settings.and_then(|settings| settings.jupyter_lab_app_settings()?.app_lifecycle_management());
                let code_editor = settings.and_then(|settings| settings.code_editor_app_settings()?.app_lifecycle_management());
                Ok(level_of(name, found.space_arn, (of_space(jupyter_lab), of_space(code_editor))))
            }
            Err(error) => none_if_gone("DescribeSpace", &error),
        },
    }
}

fn none_if_gone<E, R>(operation: &str, error: &SdkError<E, R>) -> Read<Option<IdleShutdown>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(service) if says_gone(service) => Ok(None),
        _ => Err(format!("sagemaker:{operation}: {}", why(error))),
    }
}

fn of_user(settings: Option<&UserSettings>) -> (IdleSettings, IdleSettings) {
    let jupyter_lab = settings.and_then(|settings| settings.jupyter_lab_app_settings()?.app_lifecycle_management());
    let code_editor = settings.and_then(|settings| settings.code_editor_app_settings()?.app_lifecycle_management());
    let idle = |lifecycle: Option<&AppLifecycleManagement>| {
        let Some(idle) = lifecycle.and_then(AppLifecycleManagement::idle_settings) else { return IdleSettings::default() };
        let enabled = idle.lifecycle_management().map(|managed| *managed == LifecycleManagement::Enabled);
        IdleSettings { enabled, timeout_minutes: idle.idle_timeout_in_minutes() }
    };
    (idle(jupyter_lab), idle(code_editor))
}

/// A space cannot enable or disable idle shutdown.
fn of_space(lifecycle: Option<&SpaceAppLifecycleManagement>) -> IdleSettings {
    let timeout_minutes = lifecycle.and_then(|lifecycle| lifecycle.idle_settings()?.idle_timeout_in_minutes());
    IdleSettings { enabled: None, timeout_minutes }
}

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::{
        operation::{
            describe_domain::DescribeDomainOutput,
            describe_space::DescribeSpaceOutput,
            describe_user_profile::{DescribeUserProfileError, DescribeUserProfileOutput},
            list_domains::ListDomainsOutput,
            list_spaces::{ListSpacesError, ListSpacesOutput},
            list_user_profiles::ListUserProfilesOutput,
        },
        types::{
            CodeEditorAppSettings, DomainDetails, IdleSettings as Idle, JupyterLabAppSettings, SpaceDetails, SpaceIdleSettings,
            SpaceJupyterLabAppSettings, SpaceSettings, UserProfileDetails,
        },
    };
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::testing::{self, arn, denied};

    fn lifecycle(managed: LifecycleManagement, minutes: i32) -> AppLifecycleManagement {
        let idle = Idle::builder().lifecycle_management(managed).idle_timeout_in_minutes(minutes).build();
        AppLifecycleManagement::builder().idle_settings(idle).build()
    }

    fn one_of_each() -> [Rule; 5] {
        [
            mock!(aws_sdk_sagemaker::Client::list_domains)
                .then_output(|| ListDomainsOutput::builder().domains(DomainDetails::builder().domain_id("d-1").build()).build()),
            mock!(aws_sdk_sagemaker::Client::list_user_profiles).then_output(|| {
                let ann = UserProfileDetails::builder().domain_id("d-1").user_profile_name("Ann").build();
                ListUserProfilesOutput::builder().user_profiles(ann).build()
            }),
            mock!(aws_sdk_sagemaker::Client::list_spaces).then_output(|| {
                ListSpacesOutput::builder().spaces(SpaceDetails::builder().domain_id("d-1").space_name("Lab").build()).build()
            }),
            mock!(aws_sdk_sagemaker::Client::describe_domain).then_output(|| {
                let jupyter_lab =
                    JupyterLabAppSettings::builder().app_lifecycle_management(lifecycle(LifecycleManagement::Enabled, 60)).build();
                let code_editor =
                    CodeEditorAppSettings::builder().app_lifecycle_management(lifecycle(LifecycleManagement::Disabled, 90)).build();
                let user = UserSettings::builder().jupyter_lab_app_settings(jupyter_lab).code_editor_app_settings(code_editor).build();
                DescribeDomainOutput::builder().domain_arn(arn("domain/d-1")).domain_name("science").default_user_settings(user).build()
            }),
            mock!(aws_sdk_sagemaker::Client::describe_space).then_output(|| {
                let idle = SpaceIdleSettings::builder().idle_timeout_in_minutes(600).build();
                let lifecycle = SpaceAppLifecycleManagement::builder().idle_settings(idle).build();
                let jupyter_lab = SpaceJupyterLabAppSettings::builder().app_lifecycle_management(lifecycle).build();
                let settings = SpaceSettings::builder().jupyter_lab_app_settings(jupyter_lab).build();
                DescribeSpaceOutput::builder().space_arn(arn("space/d-1/lab")).space_settings(settings).build()
            }),
        ]
    }

    async fn list_by(rules: &[&Rule]) -> Listed<IdleShutdown> {
        let mut listed = list(&Clients { sagemaker: testing::sagemaker(rules).into(), ..testing::clients() }).await;
        listed.items.sort_by(|a, b| a.resource.id.cmp(&b.resource.id));
        listed
    }

    #[tokio::test]
    async fn each_level_says_what_it_says_itself() {
        let [domains, profiles, spaces, domain, space] = one_of_each();
        let profile = mock!(aws_sdk_sagemaker::Client::describe_user_profile)
            .then_output(|| DescribeUserProfileOutput::builder().user_profile_arn(arn("user-profile/d-1/ann")).build());
        let listed = list_by(&[&domains, &profiles, &spaces, &domain, &profile, &space]).await;
        let set = |enabled, minutes| IdleSettings { enabled, timeout_minutes: Some(minutes) };
        let said: Vec<_> = listed
            .items
            .iter()
            .map(|level| (level.resource.id.as_str(), level.resource.name.as_str(), level.jupyter_lab, level.code_editor))
            .collect();
        let silent = IdleSettings::default();
        assert_eq!(
            said,
            [
                ("domain/d-1", "science", set(Some(true), 60), set(Some(false), 90)),
                ("space/d-1/lab", "Lab", set(None, 600), silent),
                ("user-profile/d-1/ann", "Ann", silent, silent),
            ]
        );
        assert_eq!((listed.complete.len(), listed.unread.len()), (3, 0));
    }

    #[tokio::test]
    async fn what_is_refused_makes_its_own_kind_incomplete() {
        let [domains, profiles, _, domain, _] = one_of_each();
        let profile = mock!(aws_sdk_sagemaker::Client::describe_user_profile).then_error(|| DescribeUserProfileError::generic(denied()));
        let spaces = mock!(aws_sdk_sagemaker::Client::list_spaces).then_error(|| ListSpacesError::generic(denied()));
        let listed = list_by(&[&domains, &profiles, &spaces, &domain, &profile]).await;
        assert_eq!((listed.items.len(), listed.complete), (1, vec![Kind::Domain]));
        let told: Vec<&str> = listed.unread.iter().map(|unread| unread.what.as_str()).collect();
        assert_eq!(told, ["Studio spaces (sagemaker:ListSpaces)", "idle shutdown of user-profile/d-1/ann"]);
    }
}
