//! Reads whose the spaces are in which Studio apps run.

use std::collections::BTreeMap;

use cost_rules::{
    facts::{App, RunState, Unread},
    resource::AppHome,
};

use crate::{
    clients::{Clients, why::why},
    gather::read::every_page,
};

/// The profiles that own spaces, both by id.
pub(crate) type SpaceOwners = BTreeMap<String, String>;

/// Reads whose the spaces are that these apps run in: the list of apps does not tell it. Makes no call if no app runs in a space.
pub(crate) async fn owners(clients: &Clients, apps: &[App]) -> Result<SpaceOwners, Unread> {
    let mut owners = SpaceOwners::new();
    if !apps.iter().any(|app| matches!(app.home, AppHome::Space(_)) && app.state == RunState::InService) {
        return Ok(owners);
    }
    let read = every_page(clients, async |token| {
        let page = clients.sagemaker.list_spaces().max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
        owners.extend(page.spaces.unwrap_or_default().into_iter().filter_map(|space| {
            let (domain, profile) = (space.domain_id?, space.ownership_settings_summary?.owner_user_profile_name?);
            Some((AppHome::Space(space.space_name?).id(&domain), AppHome::UserProfile(profile).id(&domain)))
        }));
        Ok(page.next_token)
    });
    match read.await {
        Ok(()) => Ok(owners),
        Err(why) => Err(Unread::new("owners of Studio spaces (sagemaker:ListSpaces): their apps are left alone", why)),
    }
}
