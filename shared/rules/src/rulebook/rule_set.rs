//! The rules that are on, with their settings.

use crate::{
    rulebook::finding::Terms,
    rules::rule::{Check, Registration},
};

/// The rules that are on, with their settings, for the resources that one override (or none) applies to.
pub(super) struct RuleSet(pub(super) Vec<ConfiguredRule>);

/// A rule that is not `off`.
pub(super) struct ConfiguredRule {
    pub(super) registration: &'static Registration,
    pub(super) terms: Terms,
    pub(super) check: Box<dyn Check>,
}
