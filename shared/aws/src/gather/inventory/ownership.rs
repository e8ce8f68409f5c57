//! Finds the owners of resources: from the ledger, from their creators, and from what they belong to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cost_rules::{
    facts::{Ancestor, Asset, Facts, Parent, Subject as _, Unread},
    plan::{Entry, Plan, Planned, State, Step},
    policy::Policy,
    resource::Ownership,
    rules::rule::RemedyName,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::{
    Inventory,
    describe::{Described, describe},
};
use crate::{
    context::Context,
    event::Request,
    gather::read::{IN_FLIGHT, Read, unread_of},
};

/// The most levels of parents that are read.
const LINE: usize = 4;

/// Finds the owners of the findings that somebody is notified of, or that the guard may act upon: from the creators, and from what the resources belong to.
pub struct AskOwnership<'a> {
    context: &'a Context,
    inventory: Inventory<'a>,
    request: &'a Request,
    asked: BTreeSet<String>,
    gave_up: bool,
}

impl<'a> AskOwnership<'a> {
    /// Nothing has been looked up yet.
    pub const fn new(context: &'a Context, inventory: Inventory<'a>, request: &'a Request) -> Self {
        Self { context, inventory, request, asked: BTreeSet::new(), gave_up: false }
    }

    /// Looks up the owners that were not looked up before; returns whether there were any. The next plan may then notify an owner of more findings, which are
    /// looked up in turn.
    pub async fn ask(&mut self, facts: &mut Facts, plan: &Plan) -> bool {
        let mut ids = self.unknown(plan);
        ids.retain(|id| !self.asked.contains(id));
        if ids.is_empty() || self.gave_up {
            return false;
        }
        match self.context.ledger().creators(ids.iter().cloned()).await {
            Ok(mut creators) => {
                creators.extend(self.request.creator().map(|(id, creator)| (id.clone(), creator.clone())));
                for audited in facts.assets.iter_mut().filter(|audited| ids.contains(&audited.resource.id)) {
                    audited.creator = creators.remove(&audited.resource.id);
                }
                self.inventory.enrich(facts, &ids).await;
            }
            Err(error) => {
                let why = format!("{error:#}");
                for audited in facts.assets.iter_mut().filter(|audited| ids.contains(&audited.resource.id)) {
                    audited.ownership_unknown = Some(why.clone());
                }
                facts.reading.unread.push(Unread::new("who created these resources", why));
                self.gave_up = true;
            }
        }
        self.asked.extend(ids);
        true
    }

    /// The ids of the resources that somebody is notified of, or that the guard may act upon.
    fn unknown(&self, plan: &Plan) -> BTreeSet<String> {
        // The remedy depends on the owner: if any rule may write tags or stop resources, all owners are looked up.
        let may_tag =
            self.inventory.rulebook.enforces_by(RemedyName::Tag) || self.inventory.rulebook.enforces_by(RemedyName::StopAfterGrace);
        let is_just_created = |one: &&Planned| self.request.creator().is_some_and(|(id, _)| *id == one.finding.resource.id);
        let is_open = |one: &&Planned| may_tag || one.step != Step::Wait || is_just_created(one);
        // One job of a series is planned for all, even if other jobs of it have other owners.
        let open: BTreeSet<String> = plan.planned.iter().filter(is_open).map(|one| one.finding.entry_id()).collect();
        plan.planned.iter().filter(|one| open.contains(&one.finding.entry_id())).map(|one| one.finding.resource.id.clone()).collect()
    }
}

/// Sets the owners that the ledger has. A job takes the owner of its series, if all of it has one owner.
pub fn recall_ownership<'a>(facts: &mut Facts, entries: impl Iterator<Item = &'a Entry>, policy: &Policy) {
    let mut known: HashMap<&str, Option<&Entry>> = HashMap::new();
    for entry in entries.filter(|entry| entry.state != State::Closed && entry.state != State::Unreadable) {
        let id = entry.id.split_once('@').map_or(entry.id.as_str(), |(series, _)| series);
        let one = known.entry(id).or_insert(Some(entry));
        *one = one.filter(|one| one.owner == entry.owner);
    }
    for audited in &mut facts.assets {
        let series = audited.series();
        let entry = known.get(audited.resource.id.as_str()).or_else(|| known.get(series.as_deref()?)).copied().flatten();
        if let Some(entry) = entry {
            let owner = entry.owner.as_deref().and_then(|owner| policy.owner_recalled(owner));
            audited.resource.ownership = Ownership { owner, team: entry.team.clone() };
        }
    }
}

impl Inventory<'_> {
    /// Reads what lists do not contain about these resources: what they run on, what they belong to, and the owners of that. If several of them belong to the
    /// same resource, it is read once.
    pub async fn enrich(self, facts: &mut Facts, ids: &BTreeSet<String>) {
        let found = facts.assets.iter().filter(|audited| ids.contains(&audited.resource.id));
        let read =
            stream::iter(found).map(async |audited| (audited.resource.id.clone(), describe(self.clients, self.rulebook, audited).await));
        let mut failed = vec![];
        let mut undescribed: HashMap<String, String> = HashMap::new();
        let mut by_id: HashMap<String, Described> = HashMap::new();
        for (id, described) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
            match described {
                Ok(described) => drop(by_id.insert(id, described)),
                Err(why) => drop(undescribed.insert(id, why)),
            }
        }
        for audited in &mut facts.assets {
            let Some(described) = by_id.remove(&audited.resource.id) else { continue };
            if !described.instances.is_empty() {
                audited.instances = described.instances;
            }
            audited.limit = described.limit.or(audited.limit);
            audited.parent = described.parent.or(audited.parent.take());
            audited.is_spot |= described.is_spot;
            audited.work = described.work.or(audited.work.take());
            audited.part_of = described.part_of.or(audited.part_of.take());
        }
        let parents = facts.assets.iter().filter(|audited| ids.contains(&audited.resource.id)).filter_map(|audited| audited.parent.clone());
        let links = self.links(&facts.assets, parents.collect(), facts.now).await;
        for audited in facts.assets.iter_mut().filter(|audited| ids.contains(&audited.resource.id)) {
            let (line, broken) = line_of(audited.parent.as_ref(), &links);
            audited.ancestors = line;
            audited.ownership_unknown = undescribed.remove(&audited.resource.id).or(broken);
            failed.extend(audited.ownership_unknown.clone().map(|why| (audited.resource.id.clone(), why)));
            self.rulebook.policy.settle_ownership(audited);
        }
        facts.reading.unread.extend(unread_of("what it belongs to and costs", &failed));
    }

    /// Reads these parents, their parents, and so on, each once.
    async fn links(self, known: &[Asset], mut next: Vec<Parent>, now: Timestamp) -> Links {
        let by_id: HashMap<&str, &Asset> = known.iter().map(|audited| (audited.resource.id.as_str(), audited)).collect();
        let mut links = Links::new();
        for _ in 0..LINE {
            let mut asked: BTreeMap<String, Parent> = next.drain(..).map(|parent| (parent.id.clone(), parent)).collect();
            asked.retain(|id, _| !links.contains_key(id));
            let read = stream::iter(asked.into_values()).map(async |parent| {
                let link = self.link(&parent, by_id.get(parent.id.as_str()).copied(), now).await;
                (parent.id, link)
            });
            for (id, link) in read.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
                next.extend(link.iter().flatten().filter_map(|link| link.parent.clone()));
                links.insert(id, link);
            }
        }
        links
    }

    async fn link(self, parent: &Parent, known: Option<&Asset>, now: Timestamp) -> Read<Option<Link>> {
        let read = match known {
            // Tags may be written because of these tags, so they are not taken from the index, which lags behind.
            Some(known) => self.confirmed(known).await?,
            None => self.one(&parent.id, parent.name.as_deref(), now).await?,
        };
        let Some(audited) = read else { return Ok(None) };
        let tags = audited.resource.tags.read().ok_or_else(|| format!("the tags of {} could not be read", parent.id))?.clone();
        let its_parent = match &audited.parent {
            Some(its_parent) => Some(its_parent.clone()),
            None => describe(self.clients, self.rulebook, &audited).await?.parent,
        };
        Ok(Some(Link { name: audited.resource.name, tags, parent: its_parent }))
    }
}

/// A parent: its name, its own tags, and its own parent.
struct Link {
    name: String,
    tags: BTreeMap<String, String>,
    parent: Option<Parent>,
}

/// Parents by id. `Ok(None)`: it is gone. `Err`: why it could not be read.
type Links = HashMap<String, Read<Option<Link>>>;

/// The chain of parents, nearest first, until one cannot be read or occurs again; and why one could not be read.
fn line_of(parent: Option<&Parent>, links: &Links) -> (Vec<Ancestor>, Option<String>) {
    let mut line: Vec<Ancestor> = vec![];
    let mut next = parent;
    while let Some(parent) = next.filter(|parent| line.iter().all(|seen| seen.id != parent.id)) {
        match links.get(&parent.id) {
            Some(Ok(Some(found))) => {
                line.push(Ancestor { id: parent.id.clone(), name: found.name.clone(), tags: found.tags.clone() });
                next = found.parent.as_ref();
            }
            Some(Err(why)) => return (line, Some(why.clone())),
            Some(Ok(None)) | None => break,
        }
    }
    (line, None)
}

#[cfg(test)]
mod tests {
    use cost_rules::resource::Kind;

    use super::*;
    use crate::gather::inventory::describe::named;

    fn line(of: &str, links: &[(&str, Option<&str>)]) -> Vec<String> {
        let parent = |name: &str| named(Kind::Model, name.to_owned());
        let links = links.iter().map(|(name, above)| {
            (Kind::Model.id(name), Ok(Some(Link { name: name.to_string(), tags: BTreeMap::new(), parent: above.map(parent) })))
        });
        let (line, broken) = line_of(Some(&parent(of)), &links.collect());
        assert_eq!(broken, None);
        line.into_iter().map(|ancestor| ancestor.id).collect()
    }

    #[test]
    fn a_line_of_parents_names_nobody_twice() {
        assert_eq!(line("b", &[("b", Some("c")), ("c", None)]), ["model/b", "model/c"]);
        assert_eq!(line("a", &[("a", Some("a"))]), ["model/a"], "its own parent");
        assert_eq!(line("b", &[("a", Some("b")), ("b", Some("a"))]), ["model/b", "model/a"], "a loop");
        assert_eq!(line("gone", &[]), [""; 0]);
    }

    #[test]
    fn a_parent_that_could_not_be_read_is_said() {
        let links = Links::from([(Kind::Model.id("a"), Err("ListTags: denied".to_owned()))]);
        assert_eq!(line_of(Some(&named(Kind::Model, "a".into())), &links), (vec![], Some("ListTags: denied".to_owned())));
    }
}
