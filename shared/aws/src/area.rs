//! The areas that a function is made of. An area can confirm resources, read one again right before an action, and act. A function names its areas, and the
//! linker leaves out the operations of all others, so that a binary holds only what its role allows (`tests/template/test_operations.py`).

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{facts::Facts, plan::Outcome, rulebook::Finding, rulebook::Rulebook};
use jiff::Timestamp;

use crate::{
    act,
    context::Context,
    gather::{self, Read, inventory::Inventory},
};

/// One area, or several as a tuple.
pub trait Area {
    /// Reads the resources with these ids again from the service itself, before somebody is notified of them. If one cannot be read, its tags become
    /// `Unreadable`; if one no longer exists, it is removed from the facts.
    fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) -> impl Future<Output = ()>;

    /// Asks which workflows wait for these jobs (names by id). An area that stops no jobs asks nothing.
    fn workflows(&self, _: &Context, _: &Rulebook, _: &mut Facts, _: &BTreeMap<String, String>) -> impl Future<Output = ()> {
        std::future::ready(())
    }

    /// Reads one resource again, right before an action. `None`: the resource belongs to another area. `Ok(None)`: it no longer exists.
    fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> impl Future<Output = Option<Read<Option<Facts>>>>;

    /// Carries out the remedy of a finding that is due. `None`: the remedy belongs to another area.
    fn act(&self, context: &Context, finding: &Finding, now: Timestamp) -> impl Future<Output = Option<Outcome>>;
}

/// Notebook instances.
pub struct Notebooks;

impl Area for Notebooks {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        gather::notebooks::confirm(&context.clients, rulebook, facts, ids).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        gather::notebooks::again(&context.clients, rulebook, facts, id).await
    }

    async fn act(&self, context: &Context, finding: &Finding, _: Timestamp) -> Option<Outcome> {
        act::notebooks::act(&context.clients, finding).await
    }
}

/// Endpoints.
pub struct Endpoints;

impl Area for Endpoints {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        gather::endpoints::confirm(&context.clients, rulebook, facts, ids).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        gather::endpoints::again(&context.clients, rulebook, facts, id).await
    }

    async fn act(&self, context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
        match act::endpoints::act(context, finding, now).await {
            None => act::hibernate::act(context, finding, now).await,
            done => done,
        }
    }
}

/// Endpoints about which people are advised. Nothing is done about them.
pub struct EndpointAdvice;

impl Area for EndpointAdvice {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        gather::endpoints::confirm(&context.clients, rulebook, facts, ids).await;
    }

    async fn again(&self, _: &Context, _: &Rulebook, _: &Facts, _: &str) -> Option<Read<Option<Facts>>> {
        None
    }

    async fn act(&self, _: &Context, _: &Finding, _: Timestamp) -> Option<Outcome> {
        None
    }
}

/// Studio apps, and the domains, user profiles and spaces that configure their idle shutdown.
pub struct Studio;

impl Area for Studio {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        gather::studio::confirm(&context.clients, rulebook, facts, ids).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        gather::studio::again(&context.clients, rulebook, facts, id).await
    }

    async fn act(&self, context: &Context, finding: &Finding, _: Timestamp) -> Option<Outcome> {
        act::studio::act(&context.clients, finding).await
    }
}

/// Training jobs, which can be resubmitted as Spot, and tuning jobs.
pub struct Training;

impl Area for Training {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        gather::training::confirm(&context.clients, rulebook, facts, ids).await;
    }

    async fn workflows(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, jobs: &BTreeMap<String, String>) {
        let variables = async |id: &str, name: &str| gather::training::variables(&context.clients, id, name).await;
        gather::workflows::of_jobs(&context.clients, &rulebook.policy, facts, jobs, variables).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        gather::training::again(&context.clients, rulebook, facts, id).await
    }

    async fn act(&self, context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
        act::training::act(context, finding, now).await
    }
}

/// Resources of all kinds that can have tags: the remedies add tags to them or stop them.
pub struct Tagged;

impl Area for Tagged {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        Inventory::of_all(&context.clients, rulebook).confirm(facts, ids).await;
    }

    async fn workflows(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, jobs: &BTreeMap<String, String>) {
        let variables = async |id: &str, name: &str| gather::inventory::variables(&context.clients, id, name).await;
        gather::workflows::of_jobs(&context.clients, &rulebook.policy, facts, jobs, variables).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        Inventory::of_all(&context.clients, rulebook).again(facts, id).await
    }

    async fn act(&self, context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
        match act::tags::act(&context.clients, finding).await {
            None => Stoppable.act(context, finding, now).await,
            done => done,
        }
    }
}

/// Resources that cost money while they run: the remedies stop them.
pub struct Stoppable;

impl Area for Stoppable {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        Inventory::of_running(&context.clients, rulebook).confirm(facts, ids).await;
    }

    async fn workflows(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, jobs: &BTreeMap<String, String>) {
        let variables = async |id: &str, name: &str| gather::inventory::variables(&context.clients, id, name).await;
        gather::workflows::of_jobs(&context.clients, &rulebook.policy, facts, jobs, variables).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        Inventory::of_running(&context.clients, rulebook).again(facts, id).await
    }

    async fn act(&self, context: &Context, finding: &Finding, _: Timestamp) -> Option<Outcome> {
        let clients = &context.clients;
        match act::notebooks::act(clients, finding).await {
            None => match act::studio::act(clients, finding).await {
                None => act::jobs::act(clients, finding).await,
                done => done,
            },
            done => done,
        }
    }
}

/// Commitments about which people are advised. Nothing is bought or given back.
pub struct Commitments;

impl Area for Commitments {
    // They were read a moment ago, from the service itself.
    async fn confirm(&self, _: &Context, _: &Rulebook, _: &mut Facts, _: &BTreeSet<String>) {}

    async fn again(&self, _: &Context, _: &Rulebook, _: &Facts, _: &str) -> Option<Read<Option<Facts>>> {
        None
    }

    async fn act(&self, _: &Context, _: &Finding, _: Timestamp) -> Option<Outcome> {
        None
    }
}

/// Tag keys that can be activated as cost allocation tags.
pub struct CostTags;

impl Area for CostTags {
    async fn confirm(&self, _: &Context, _: &Rulebook, _: &mut Facts, _: &BTreeSet<String>) {}

    async fn again(&self, _: &Context, _: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        let known = facts.tag_keys.iter().find(|key| key.resource.id == id)?;
        // The keys were read a moment ago, and activating a key twice has no effect.
        Some(Ok(Some(Facts { tag_keys: vec![known.clone()], ..facts.of_this_moment() })))
    }

    async fn act(&self, context: &Context, finding: &Finding, _: Timestamp) -> Option<Outcome> {
        act::cost_tags::act(&context.clients, finding).await
    }
}

impl<A: Area, B: Area> Area for (A, B) {
    async fn confirm(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, ids: &BTreeSet<String>) {
        self.0.confirm(context, rulebook, facts, ids).await;
        self.1.confirm(context, rulebook, facts, ids).await;
    }

    async fn workflows(&self, context: &Context, rulebook: &Rulebook, facts: &mut Facts, jobs: &BTreeMap<String, String>) {
        self.0.workflows(context, rulebook, facts, jobs).await;
        self.1.workflows(context, rulebook, facts, jobs).await;
    }

    async fn again(&self, context: &Context, rulebook: &Rulebook, facts: &Facts, id: &str) -> Option<Read<Option<Facts>>> {
        match self.0.again(context, rulebook, facts, id).await {
            None => self.1.again(context, rulebook, facts, id).await,
            read => read,
        }
    }

    async fn act(&self, context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
        match self.0.act(context, finding, now).await {
            None => self.1.act(context, finding, now).await,
            done => done,
        }
    }
}
