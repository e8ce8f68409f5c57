//! What Studio's domains, user profiles and spaces say of idle shutdown. One call each: read seldom.

use aws_sdk_sagemaker::types::{
    AppLifecycleManagement, CodeEditorAppSettings, JupyterLabAppSettings, LifecycleManagement, SpaceAppLifecycleManagement,
};
use cost_rules::facts::{IdleSettings, IdleShutdown, Resource, Tags, id_of_arn};
use futures_util::{StreamExt as _, stream};

use super::{IN_FLIGHT, Listed, every_page};
use crate::{Clients, why::why};

/// Which one to describe.
enum Level {
    Domain(String),
    UserProfile(String, String),
    Space(String, String),
}

/// All levels of the Region, without their tags.
pub(super) async fn list(clients: &Clients) -> Listed<IdleShutdown> {
    let mut levels = vec![];
    let mut read = list_levels(clients, &mut levels).await;
    let described = stream::iter(levels).map(async |level| describe(clients, level).await).buffer_unordered(IN_FLIGHT);
    let mut found = vec![];
    for one in described.collect::<Vec<_>>().await {
        match one {
            Ok(level) => found.extend(level),
            Err(why) => read = read.and(Err(why)),
        }
    }
    Listed::new(found, "idle shutdown settings of Studio domains, user profiles and spaces", read)
}

async fn list_levels(clients: &Clients, levels: &mut Vec<Level>) -> Result<(), String> {
    every_page(async |token| {
        let page = clients.sagemaker.list_domains().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListDomains: {}", why(&error)))?;
        levels.extend(page.domains.unwrap_or_default().into_iter().filter_map(|domain| domain.domain_id.map(Level::Domain)));
        Ok(page.next_token)
    })
    .await?;
    every_page(async |token| {
        let page = clients.sagemaker.list_user_profiles().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListUserProfiles: {}", why(&error)))?;
        let profiles = page.user_profiles.unwrap_or_default().into_iter();
        levels.extend(profiles.filter_map(|profile| Some(Level::UserProfile(profile.domain_id?, profile.user_profile_name?))));
        Ok(page.next_token)
    })
    .await?;
    every_page(async |token| {
        let page = clients.sagemaker.list_spaces().max_results(100).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("sagemaker:ListSpaces: {}", why(&error)))?;
        let spaces = page.spaces.unwrap_or_default().into_iter();
        levels.extend(spaces.filter_map(|space| Some(Level::Space(space.domain_id?, space.space_name?))));
        Ok(page.next_token)
    })
    .await
}

/// `None`: it is gone meanwhile.
async fn describe(clients: &Clients, level: Level) -> Result<Option<IdleShutdown>, String> {
    match level {
        Level::Domain(domain) => match clients.sagemaker.describe_domain().domain_id(&domain).send().await {
            Ok(found) => {
                let user = found.default_user_settings;
                let jupyter_lab = user.as_ref().and_then(|user| user.jupyter_lab_app_settings.as_ref());
                let code_editor = user.as_ref().and_then(|user| user.code_editor_app_settings.as_ref());
                Ok(found.domain_arn.and_then(|arn| level_of(arn, found.domain_name.unwrap_or(domain), jupyter_lab, code_editor)))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found()) => Ok(None),
            Err(error) => Err(format!("sagemaker:DescribeDomain of {domain}: {}", why(&error))),
        },
        Level::UserProfile(domain, profile) => {
            match clients.sagemaker.describe_user_profile().domain_id(&domain).user_profile_name(&profile).send().await {
                Ok(found) => {
                    let user = found.user_settings;
                    let jupyter_lab = user.as_ref().and_then(|user| user.jupyter_lab_app_settings.as_ref());
                    let code_editor = user.as_ref().and_then(|user| user.code_editor_app_settings.as_ref());
                    Ok(found.user_profile_arn.and_then(|arn| level_of(arn, profile, jupyter_lab, code_editor)))
                }
                Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found()) => Ok(None),
                Err(error) => Err(format!("sagemaker:DescribeUserProfile of {profile}: {}", why(&error))),
            }
        }
        Level::Space(domain, space) => match clients.sagemaker.describe_space().domain_id(&domain).space_name(&space).send().await {
            Ok(found) => {
                let settings = found.space_settings;
                let of = |lifecycle: Option<&SpaceAppLifecycleManagement>| IdleSettings {
                    enabled: None,
                    timeout_minutes: lifecycle.and_then(|lifecycle| lifecycle.idle_settings.as_ref()?.idle_timeout_in_minutes),
                };
                let jupyter_lab =
                    settings.as_ref().and_then(|space| space.jupyter_lab_app_settings.as_ref()?.app_lifecycle_management.as_ref());
                let code_editor =
                    settings.as_ref().and_then(|space| space.code_editor_app_settings.as_ref()?.app_lifecycle_management.as_ref());
                Ok(found.space_arn.and_then(|arn| {
                    Some(IdleShutdown { resource: resource(arn, space)?, jupyter_lab: of(jupyter_lab), code_editor: of(code_editor) })
                }))
            }
            Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found()) => Ok(None),
            Err(error) => Err(format!("sagemaker:DescribeSpace of {space}: {}", why(&error))),
        },
    }
}

fn level_of(
    arn: String,
    name: String,
    jupyter_lab: Option<&JupyterLabAppSettings>,
    code_editor: Option<&CodeEditorAppSettings>,
) -> Option<IdleShutdown> {
    Some(IdleShutdown {
        resource: resource(arn, name)?,
        jupyter_lab: idle_settings(jupyter_lab.and_then(|settings| settings.app_lifecycle_management.as_ref())),
        code_editor: idle_settings(code_editor.and_then(|settings| settings.app_lifecycle_management.as_ref())),
    })
}

fn resource(arn: String, name: String) -> Option<Resource> {
    Some(Resource { id: id_of_arn(&arn)?, arn: Some(arn), name, tags: Tags::Unreadable })
}

fn idle_settings(lifecycle: Option<&AppLifecycleManagement>) -> IdleSettings {
    let Some(idle) = lifecycle.and_then(|lifecycle| lifecycle.idle_settings.as_ref()) else { return IdleSettings::default() };
    IdleSettings {
        enabled: idle.lifecycle_management.as_ref().map(|managed| *managed == LifecycleManagement::Enabled),
        timeout_minutes: idle.idle_timeout_in_minutes,
    }
}
