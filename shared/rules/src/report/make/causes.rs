//! Why it is more or less than before.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use rust_decimal::Decimal;

use super::View;
use crate::{
    report::{ALL_TEAMS, Cause, Money, SEVERAL_TEAMS, SEVERAL_TYPES, cuts::Twice},
    vocabulary::component::{Component, instance_type_of},
};

/// The most causes of a difference.
const CAUSES: usize = 5;

/// Differences below this are no cause of their own. Those of a component are one together.
const LEAST: Decimal = Decimal::ONE;

impl View<'_> {
    /// The largest differences. Nothing, if the two periods are not compared.
    pub(super) fn causes(&self) -> Vec<Cause> {
        if self.change(Twice::default()).before.is_none() {
            return vec![];
        }
        let mut sums: BTreeMap<(Component, &str, &str), Decimal> = BTreeMap::new();
        for one in &self.uses {
            let what = instance_type_of(one.usage).unwrap_or(one.usage);
            let team = if self.tagged.is_once() { ALL_TEAMS } else { one.team };
            *sums.entry((one.component, what, team)).or_default() += one.usd.now - self.period().in_its_days(one.usd.before);
        }
        let all = sums.into_iter().map(|((component, what, team), usd)| Cause {
            component,
            what: what.to_owned(),
            team: team.to_owned(),
            difference: Money(usd),
        });
        let (mut causes, small): (Vec<Cause>, Vec<Cause>) = all.partition(is_enough);
        causes.extend(together(&small).filter(is_enough));
        causes.sort_by_key(|cause| Reverse(cause.difference.0.abs()));
        causes.truncate(CAUSES);
        causes
    }
}

fn is_enough(cause: &Cause) -> bool {
    LEAST <= cause.difference.0.abs()
}

/// The sum of each component.
fn together(small: &[Cause]) -> impl Iterator<Item = Cause> {
    let components: BTreeSet<Component> = small.iter().map(|cause| cause.component).collect();
    components.into_iter().map(|component| {
        let of_it = || small.iter().filter(move |cause| cause.component == component);
        Cause {
            component,
            what: the_only(of_it().map(|cause| &cause.what), SEVERAL_TYPES),
            team: the_only(of_it().map(|cause| &cause.team), SEVERAL_TEAMS),
            difference: of_it().map(|cause| cause.difference).sum(),
        }
    })
}

fn the_only<'a>(names: impl Iterator<Item = &'a String>, or: &str) -> String {
    let names: BTreeSet<&String> = names.collect();
    names.first().filter(|_| names.len() == 1).map_or(or, |name| name).to_owned()
}
