//! Reads the names of Studio's domains: what is in a domain knows its id only.

use std::collections::BTreeMap;

use cost_rules::{
    facts::{Facts, Unread},
    resource::{Kind, Tags},
    rulebook::Rulebook,
};

use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, every_page},
};

/// Adds the names of the domains to these facts, if an exemption of their apps may go by them. If they cannot be read, the apps are not judged.
pub(crate) async fn name(clients: &Clients, rulebook: &Rulebook, facts: &mut Facts) {
    if facts.apps.is_empty() || !rulebook.names_domains() {
        return;
    }
    match names(clients).await {
        Ok(names) => facts.domain_names = names,
        Err(why) => {
            facts.apps.iter_mut().for_each(|app| app.resource.tags = Tags::Unreadable);
            facts.reading.unread.push(Unread::new("names of Studio domains (sagemaker:ListDomains): their apps are left alone", why));
        }
    }
}

async fn names(clients: &Clients) -> Read<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    let read = every_page(clients, async |token| {
        let page = clients.sagemaker.list_domains().max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
        let domains = page.domains.unwrap_or_default().into_iter();
        names.extend(domains.filter_map(|one| Some((Kind::Domain.id(&one.domain_id?), one.domain_name?))));
        Ok(page.next_token)
    });
    read.await?;
    Ok(names)
}
