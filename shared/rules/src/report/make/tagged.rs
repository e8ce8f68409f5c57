//! Whether spend has teams.

use crate::report::cuts::{Cuts, Twice, UNTAGGED};

/// Whether spend has teams in the period and in the one before. A period without any spend tells nothing.
#[derive(Clone, Copy)]
pub(super) struct Tagged {
    pub(super) now: Option<bool>,
    before: Option<bool>,
}

impl Tagged {
    pub(super) fn of(cuts: &Cuts, names: &[String]) -> Self {
        let (mut all, mut untagged) = (Twice::default(), Twice::default());
        for (_, team, used) in cuts.used() {
            all += used.usd;
            if names.get(team).is_none_or(|name| name == UNTAGGED) {
                untagged += used.usd;
            }
        }
        Self {
            now: (!all.now.is_zero()).then_some(all.now != untagged.now),
            before: (!all.before.is_zero()).then_some(all.before != untagged.before),
        }
    }

    /// Whether only one of the two has teams, although both have spend. Then each team's difference is that of the tag, and not of its spend.
    pub(super) fn is_once(self) -> bool {
        self.now.is_some_and(|now| self.before.is_some_and(|before| now != before))
    }
}
