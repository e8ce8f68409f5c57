//! Which endpoints could share one multi-model endpoint, so that all of them together cost least: [`Candidate`]s → [`pack()`] → [`Group`]s.
//!
//! Each instance of a multi-model endpoint can answer for all of its models. Their loads are added hour by hour, so those that are busy at different times share
//! instances best. Their sizes are added, too: models that do not all fit into memory push each other out of it (inference-facts §E3).

mod candidate;
mod few;
mod greedy;
mod group;
mod kind;
mod members;
mod room;
mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::inference::instance_types::PricedType;

use self::kind::{Candidates, Kind};
pub use self::{
    candidate::{Candidate, Limits, Load},
    group::{BusiestHour, Group, Highest, Packing},
    room::server_gib,
};

/// The groups of candidates that save most, on some of these instance types. The order of candidates and types does not matter.
///
/// Of up to ten candidates these are the best groups. Of more they are good ones: moving any single endpoint saves nothing more.
pub fn pack(candidates: &[Candidate<'_>], types: &[PricedType<'_>], limits: &Limits) -> Packing {
    let mut sorted: Vec<&Candidate<'_>> = candidates.iter().collect();
    sorted.sort_by_key(|one| one.id);
    let mut kinds: BTreeMap<Kind<'_>, Vec<&Candidate<'_>>> = BTreeMap::new();
    for one in &sorted {
        if let Some(kind) = Kind::of(&one.today) {
            kinds.entry(kind).or_default().push(one);
        }
    }
    let of_kind = |kind| types.iter().copied().filter(move |one| Kind::of(one) == Some(kind));
    let mut groups: Vec<Group> = kinds.iter().flat_map(|(kind, some)| Candidates::new(some, of_kind(*kind), limits).groups()).collect();
    groups.sort_by(|one, other| one.members.cmp(&other.members));
    let shared: BTreeSet<usize> = groups.iter().flat_map(|group| group.members.iter().copied()).collect();
    let alone = sorted.iter().map(|one| one.id).filter(|id| !shared.contains(id)).collect();
    Packing { groups, alone }
}
