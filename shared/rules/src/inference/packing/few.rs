//! The best groups of a few candidates, by trying all of them.

use crate::inference::packing::{members::Members, room::Room};

/// So many are few. Each further one takes three times as long.
pub(super) const FEW: usize = 10;

/// The best groups of a few candidates. Candidates that stay alone are groups of one.
pub(super) fn best_of_few(some: &[&Members], rooms: &[Room<'_>]) -> Vec<Members> {
    // Bit by bit, a number says which candidates are in a set. A set comes after all those that it contains.
    let mut sets: Vec<Option<Members>> = vec![None];
    let mut best = vec![(0, 0)];
    for set in 1..1_usize << some.len() {
        let last = set.ilog2() as usize;
        let rest = &sets[set - (1 << last)];
        sets.push(Some(Members::sum(some[last], rest, rooms)));
        best.push(best_group(set, &sets, &best));
    }
    let mut left = sets.len() - 1;
    let mut groups = vec![];
    while 0 < left {
        let group = best[left].1;
        groups.extend(sets[group].take());
        left -= group;
    }
    groups
}

/// What a set saves at most, and the group of its last candidate then.
fn best_group(set: usize, sets: &[Option<Members>], best: &[(i64, usize)]) -> (i64, usize) {
    let last = 1 << set.ilog2();
    let rest = set - last;
    let saving = |others: usize| sets[last + others].as_ref().map_or(0, Members::saving) + best[rest - others].0;
    let mut found = (saving(0), last);
    let mut others = rest;
    while 0 < others {
        if found.0 < saving(others) {
            found = (saving(others), last + others);
        }
        others = (others - 1) & rest;
    }
    found
}
