//! Long tables are cut: their first rows, and what the others come to.

use cost_rules::report::Money;

/// The first rows of a table, and how many more there are.
#[derive(Clone, Debug)]
pub(super) struct Cut<Row> {
    pub(super) shown: Vec<Row>,
    pub(super) rest: Option<Rest>,
}

/// Rows that are not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) number: usize,
    /// What they come to. `None`: nothing is known of any.
    pub(super) usd: Option<Money>,
}

impl<Row> Cut<Row> {
    /// At most so many rows of all; one more is shown too, because its line would be as long as what stands for it.
    pub(super) fn at<'a, Item>(most: usize, all: &'a [Item], row: impl Fn(&'a Item) -> Row, usd: impl Fn(&Item) -> Option<Money>) -> Self {
        let shown = if all.len() <= most + 1 { all.len() } else { most };
        let (first, others) = all.split_at(shown);
        let known: Vec<Money> = others.iter().filter_map(usd).collect();
        let usd = (!known.is_empty()).then(|| known.into_iter().sum());
        let rest = (!others.is_empty()).then_some(Rest { number: others.len(), usd });
        Self { shown: first.iter().map(row).collect(), rest }
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn the_rest_is_counted_and_summed() {
        let of = |number: i64| {
            let all: Vec<i64> = (1..=number).collect();
            Cut::at(3, &all, |one| *one, |one| (*one != 5).then(|| Money(Decimal::from(*one))))
        };
        assert_eq!((of(4).shown, of(4).rest), (vec![1, 2, 3, 4], None));
        assert_eq!((of(6).shown, of(6).rest), (vec![1, 2, 3], Some(Rest { number: 3, usd: Some(Money(Decimal::from(10))) })));
        assert_eq!(Cut::at(0, &[1, 2], |one| *one, |_| None).rest, Some(Rest { number: 2, usd: None }));
    }
}
