//! A first division of many candidates into groups: group after group is formed around the most expensive candidate that is left.

use std::collections::BTreeSet;

use crate::inference::packing::{
    members::{Members, Worth},
    room::Room,
};

/// How many candidates in a row may save nothing: then a group stops to grow, or no further group is begun. Three candidates can save what two do not.
const PATIENCE: usize = 4;

/// Groups. Candidates that stay alone are groups of one.
pub(super) fn groups_of_many(singles: &[Members], rooms: &[Room<'_>]) -> Vec<Members> {
    let mut pool: Vec<&Members> = singles.iter().collect();
    pool.sort_by_key(|one| (-one.today, one.places[0]));
    let mut groups = vec![];
    let mut failed = 0;
    while failed < PATIENCE && !pool.is_empty() {
        if let Some(group) = best_group(&pool, rooms) {
            pool.retain(|one| !group.places.contains(&one.places[0]));
            groups.push(Members::sum(&group, [], rooms));
            failed = 0;
        } else {
            groups.push(pool.remove(0).clone());
            failed += 1;
        }
    }
    groups.extend(pool.into_iter().cloned());
    groups
}

/// The group that saves most, of those that grow on a single instance type. A candidate that needs more instances makes a group more expensive for all of its members,
/// so each group also grows without such candidates.
fn best_group(pool: &[&Members], rooms: &[Room<'_>]) -> Option<Members> {
    let at_least: BTreeSet<u32> = pool.iter().map(|one| one.need.at_least).collect();
    let mut best: Option<Members> = None;
    for (room, most) in rooms.iter().flat_map(|room| at_least.iter().map(move |most| (room, *most))) {
        let some: Vec<&Members> = pool.iter().copied().filter(|one| one.need.at_least <= most && room.holds(&one.need)).collect();
        let group = grow(some, std::slice::from_ref(room)).filter(|group| 0 < group.saving());
        best = best.into_iter().chain(group).reduce(|best, group| if best.saving() < group.saving() { group } else { best });
    }
    best
}

/// The group of the first candidate. One after the other, the candidate joins that makes the group worth most.
fn grow(mut left: Vec<&Members>, rooms: &[Room<'_>]) -> Option<Members> {
    let mut group = (*left.first()?).clone();
    left.remove(0);
    let mut best = group.clone();
    let mut failed = 0;
    while failed < PATIENCE {
        let Some(next) = next(&group, &left, rooms) else { break };
        group = Members::sum(&group, [left.remove(next)], rooms);
        failed += 1;
        if best.saving() < group.saving() {
            best = group.clone();
            failed = 0;
        }
    }
    Some(best)
}

/// The place of the candidate with whom a group is worth most.
fn next(group: &Members, left: &[&Members], rooms: &[Room<'_>]) -> Option<usize> {
    let mut found: Option<(usize, Worth)> = None;
    for (place, one) in left.iter().enumerate() {
        let is_better = |worth: &Worth| found.is_none_or(|(_, best)| best < *worth);
        if is_better(&group.hoped(one, rooms)) {
            found = Some((place, group.with(one, rooms))).filter(|(_, worth)| is_better(worth)).or(found);
        }
    }
    found.map(|(place, _)| place)
}
