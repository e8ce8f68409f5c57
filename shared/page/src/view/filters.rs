//! Filters of the templates.
#![expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unused_self,
    clippy::unnecessary_wraps,
    reason = "what askama's macro makes of a filter, and wants of it"
)]

use std::fmt::Display;

use askama::{
    Values,
    filters::{Html, Safe, escape},
};
use cost_rules::{price::grouped, text::one_line};

/// A text of people as one line that can be seen. What hides in it is shown as `�`.
#[askama::filter_fn]
pub(super) fn text(text: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(one_line(&text.to_string()))
}

/// A name, as [`text`], whose writing direction changes nothing around it.
#[askama::filter_fn]
pub(super) fn name(name: impl Display, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(format!("<bdi>{}</bdi>", escape(one_line(&name.to_string()), Html)?)))
}

/// An amount with a minus sign as long as its digits are wide, where it is negative.
#[askama::filter_fn]
pub(super) fn usd(amount: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(amount.to_string().replace('-', "−"))
}

/// A number of things, with thousands marks.
#[askama::filter_fn]
pub(super) fn count(number: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(&number.to_string()))
}
