//! What Studio's domains, user profiles and spaces say of idle shutdown. One call each: read seldom.

use aws_sdk_sagemaker::{
    error::{ProvideErrorMetadata, SdkError},
    types::{AppLifecycleManagement, LifecycleManagement, SpaceAppLifecycleManagement, UserSettings},
};
use cost_rules::facts::{IdleSettings, IdleShutdown, Kind, Resource, Tags};
use futures_util::{StreamExt as _, stream};

use super::{
    IN_FLIGHT,
    read::{Listed, Read, every_page, says_gone, unread_of},
};
use crate::{Clients, why::why};

/// Which one to describe.
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

    fn id(&self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::Domain(domain) => format!("{kind}/{domain}").to_lowercase(),
            Self::UserProfile(domain, name) | Self::Space(domain, name) => format!("{kind}/{domain}/{name}").to_lowercase(),
        }
    }
}

/// All levels of the Region, without their tags. A kind is complete if all of its levels could be read.
pub(super) async fn list(clients: &Clients) -> Listed<IdleShutdown> {
    let mut listed = Listed::default();
    let mut levels = vec![];
    for of_kind in <[Listed<Level>; 3]>::from(tokio::join!(domains(clients), user_profiles(clients), spaces(clients))) {
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
    let (mut levels, mut nameless) = (vec![], 0);
    let read = every_page(async |token| {
        let page = clients.sagemaker.list_domains().max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
        for domain in page.domains.unwrap_or_default() {
            match domain.domain_id {
                Some(id) => levels.push(Level::Domain(id)),
                None => nameless += 1,
            }
        }
        Ok(page.next_token)
    });
    let read = read.await;
    Listed::new(Kind::Domain, "ListDomains", levels, nameless, read)
}

async fn user_profiles(clients: &Clients) -> Listed<Level> {
    let (mut levels, mut nameless) = (vec![], 0);
    let read = every_page(async |token| {
        let page = clients.sagemaker.list_user_profiles().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| why(&error))?;
        for profile in page.user_profiles.unwrap_or_default() {
            match profile.domain_id.zip(profile.user_profile_name) {
                Some((domain, name)) => levels.push(Level::UserProfile(domain, name)),
                None => nameless += 1,
            }
        }
        Ok(page.next_token)
    });
    let read = read.await;
    Listed::new(Kind::UserProfile, "ListUserProfiles", levels, nameless, read)
}

async fn spaces(clients: &Clients) -> Listed<Level> {
    let (mut levels, mut nameless) = (vec![], 0);
    let read = every_page(async |token| {
        let page = clients.sagemaker.list_spaces().max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
        for space in page.spaces.unwrap_or_default() {
            match space.domain_id.zip(space.space_name) {
                Some((domain, name)) => levels.push(Level::Space(domain, name)),
                None => nameless += 1,
            }
        }
        Ok(page.next_token)
    });
    let read = read.await;
    Listed::new(Kind::Space, "ListSpaces", levels, nameless, read)
}

/// `None`: it is gone meanwhile.
async fn describe(clients: &Clients, level: Level) -> Read<Option<IdleShutdown>> {
    let id = level.id();
    let level_of = |name, arn, (jupyter_lab, code_editor)| {
        Some(IdleShutdown { resource: Resource { id, arn, name, tags: Tags::Unreadable }, jupyter_lab, code_editor })
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

/// A space has no switch of its own.
fn of_space(lifecycle: Option<&SpaceAppLifecycleManagement>) -> IdleSettings {
    let timeout_minutes = lifecycle.and_then(|lifecycle| lifecycle.idle_settings()?.idle_timeout_in_minutes());
    IdleSettings { enabled: None, timeout_minutes }
}
