//! What was used in each hour, at on-demand prices.

use rust_decimal::Decimal;

use super::fixed::{to_fixed, to_usd};
use crate::vocabulary::{component::Component, usage_type::without_region};

/// The name of all usage types together, where only their sum is known.
pub const ALL_OF_SAGEMAKER: &str = "all of SageMaker";

/// Whether a usage type (with its Region) is, or may be, of a component.
pub(super) fn is_of(usage_type: &str, component: Component) -> bool {
    usage_type == ALL_OF_SAGEMAKER || Component::of(without_region(usage_type)) == component
}

/// On-demand dollars by hour and usage type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    usage_types: Vec<String>,
    /// One row for each hour, with a number for each usage type, in 10⁻¹² USD.
    cells: Vec<i64>,
}

impl Usage {
    /// No hour yet, of these usage types.
    pub const fn new(usage_types: Vec<String>) -> Self {
        Self { usage_types, cells: vec![] }
    }

    /// Adds an hour: USD of each usage type, in their order. `None`: an amount is negative or too large (9.2 million USD), or one is missing.
    #[must_use]
    pub fn push(&mut self, usd: impl IntoIterator<Item = Decimal>) -> Option<()> {
        let row: Option<Vec<i64>> = usd.into_iter().map(|usd| to_fixed(usd).filter(|fixed| 0 <= *fixed)).collect();
        let row = row.filter(|row| row.len() == self.usage_types.len())?;
        self.cells.extend(row);
        Some(())
    }

    /// The usage types.
    pub fn usage_types(&self) -> &[String] {
        &self.usage_types
    }

    /// The hours, each with the amounts of the usage types.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &[i64]> + ExactSizeIterator {
        self.cells.chunks_exact(self.usage_types.len().max(1))
    }

    /// The hours, each with USD of the usage types.
    pub(super) fn dollars(&self) -> impl Iterator<Item = Vec<Decimal>> {
        self.rows().map(|row| row.iter().map(|cell| to_usd(i128::from(*cell))).collect())
    }

    /// The number of hours.
    pub fn hours(&self) -> usize {
        self.rows().len()
    }

    /// What all of it costs on demand.
    pub fn on_demand(&self) -> Decimal {
        to_usd(self.cells.iter().map(|cell| i128::from(*cell)).sum())
    }

    /// Each 24 hours of it.
    pub(super) fn days(&self) -> impl Iterator<Item = Self> {
        let days = self.cells.chunks(24 * self.usage_types.len().max(1));
        days.map(|cells| Self { usage_types: self.usage_types.clone(), cells: cells.to_vec() })
    }

    /// What each usage type costs on demand.
    pub fn by_usage_type(&self) -> impl Iterator<Item = (&str, Decimal)> {
        let sum = |index: usize| self.rows().filter_map(|row| row.get(index)).map(|cell| i128::from(*cell)).sum();
        self.usage_types.iter().enumerate().map(move |(index, name)| (name.as_str(), to_usd(sum(index))))
    }

    /// Some of the usage types only.
    #[must_use]
    pub fn only(&self, is_wanted: &[bool]) -> Self {
        fn wanted<'a, T>(all: &'a [T], is_wanted: &'a [bool]) -> impl Iterator<Item = &'a T> {
            all.iter().zip(is_wanted).filter(|(_, is_wanted)| **is_wanted).map(|(one, _)| one)
        }
        let cells = self.rows().flat_map(|row| wanted(row, is_wanted)).copied().collect();
        Self { usage_types: wanted(&self.usage_types, is_wanted).cloned().collect(), cells }
    }

    /// The last hours only.
    #[must_use]
    pub fn last(&self, hours: usize) -> Self {
        let from = self.hours().saturating_sub(hours) * self.usage_types.len();
        Self { usage_types: self.usage_types.clone(), cells: self.cells.get(from..).unwrap_or_default().to_vec() }
    }

    /// The same in whole weeks, if it is of less than four: what its first week lacks in front is as it was a week later. Else some weekdays count more than others.
    #[must_use]
    pub(super) fn in_whole_weeks(&self) -> Self {
        const WEEK: usize = 7 * 24;
        if !(WEEK..4 * WEEK).contains(&self.hours()) {
            return self.clone();
        }
        let (width, lacking) = (self.usage_types.len(), (WEEK - self.hours() % WEEK) % WEEK);
        let front = self.cells.get((WEEK - lacking) * width..WEEK * width).unwrap_or_default();
        self.with([front, &self.cells].concat())
    }

    /// With other amounts: `change` gets the hour, the usage type, and what that costs. Nothing becomes negative, nor more than it was.
    #[must_use]
    pub fn lessened(&self, change: impl Fn(usize, usize, Decimal) -> Decimal) -> Self {
        let width = self.usage_types.len().max(1);
        let less = |(index, cell): (usize, &i64)| {
            let rest = change(index / width, index % width, to_usd(i128::from(*cell)));
            to_fixed(rest).unwrap_or(*cell).clamp(0, *cell)
        };
        Self { usage_types: self.usage_types.clone(), cells: self.cells.iter().enumerate().map(less).collect() }
    }

    /// The same usage types with other cells.
    pub(super) fn with(&self, cells: Vec<i64>) -> Self {
        Self { usage_types: self.usage_types.clone(), cells }
    }
}
