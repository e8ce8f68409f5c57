//! The search for the groups of many candidates that save most: first greedily, then by changing a few at a time as long as that saves more.

use crate::inference::packing::{
    few::best_of_few,
    greedy::groups_of_many,
    members::{Members, Worth},
    room::Room,
};

/// So many candidates are grouped anew at a time.
const WINDOW: usize = 8;

/// Candidates, and the instance types that they may share.
pub(super) struct Search<'a> {
    /// Each alone.
    pub(super) singles: &'a [Members],
    /// The instance types.
    pub(super) rooms: &'a [Room<'a>],
}

impl Search<'_> {
    /// Groups, and those that stay alone.
    pub(super) fn run(&self) -> Vec<Members> {
        let mut groups = groups_of_many(self.singles, self.rooms);
        loop {
            let before = saving(&groups);
            for place in 0..self.singles.len() {
                self.relocate(place, &mut groups);
            }
            for place in 0..self.singles.len() {
                self.rearrange(place, &mut groups);
            }
            if saving(&groups) <= before {
                return groups;
            }
        }
    }

    /// Moves a candidate to where it saves most: out of its group, or into another group.
    fn relocate(&self, place: usize, groups: &mut Vec<Members>) {
        let one = &self.singles[place];
        let Some(from) = position(place, groups) else { return };
        let rest = (1 < groups[from].places.len()).then(|| groups[from].without(one, self.singles, self.rooms));
        let gone = rest.as_ref().map_or(0, Members::saving) - groups[from].saving();
        let (mut best, mut best_to) = (gone, None);
        for (to, group) in groups.iter().enumerate().filter(|(to, _)| *to != from) {
            let gain = |worth: Worth| gone + worth.saving - group.saving();
            if best.max(0) < gain(group.hoped(one, self.rooms)) {
                let gain = gain(group.with(one, self.rooms));
                (best, best_to) = if best < gain { (gain, Some(to)) } else { (best, best_to) };
            }
        }
        if 0 < best {
            let joined = best_to.map_or(vec![], |to| groups[to].places.clone());
            let new = [joined, vec![place]].concat();
            let new = [Some(self.group(&new)), rest.map(|rest| self.group(&rest.places))];
            replace(groups, [from].into_iter().chain(best_to).collect(), new.into_iter().flatten());
        }
    }

    /// Tries all groups of a few candidates: of a small group and of the small ones that go best with it. A group is looked at for its first candidate.
    fn rearrange(&self, place: usize, groups: &mut Vec<Members>) {
        let is_small = |at: &usize| groups[*at].places.len() < WINDOW;
        let Some(at) = position(place, groups).filter(is_small).filter(|at| groups[*at].places[0] == place) else { return };
        let mut others: Vec<usize> = (0..groups.len()).filter(|other| *other != at).filter(is_small).collect();
        others.sort_by_cached_key(|other| groups[*other].saving() - groups[at].hoped(&groups[*other], self.rooms).saving);
        let mut chosen = vec![at];
        let mut some: Vec<usize> = groups[at].places.clone();
        for other in others {
            if some.len() + groups[other].places.len() <= WINDOW {
                chosen.push(other);
                some.extend(&groups[other].places);
            }
        }
        let some: Vec<&Members> = some.into_iter().map(|place| &self.singles[place]).collect();
        let new = best_of_few(&some, self.rooms);
        if chosen.iter().map(|at| groups[*at].saving()).sum::<i64>() < saving(&new) {
            replace(groups, chosen, new);
        }
    }

    fn group(&self, places: &[usize]) -> Members {
        let others = places[1..].iter().map(|place| &self.singles[*place]);
        Members::sum(&self.singles[places[0]], others, self.rooms)
    }
}

fn saving(groups: &[Members]) -> i64 {
    groups.iter().map(Members::saving).sum()
}

fn position(place: usize, groups: &[Members]) -> Option<usize> {
    groups.iter().position(|group| group.places.contains(&place))
}

fn replace(groups: &mut Vec<Members>, mut old: Vec<usize>, new: impl IntoIterator<Item = Members>) {
    old.sort_unstable();
    old.iter().rev().for_each(|at| drop(groups.swap_remove(*at)));
    groups.extend(new);
}
