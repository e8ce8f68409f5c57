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
use cost_rules::{
    resource::owner_words,
    text::{grouped, one_line},
};

/// A text of people as one line that can be seen. What hides in it is shown as `�`.
#[askama::filter_fn]
pub(crate) fn text(text: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(one_line(&text.to_string()))
}

/// A phrase of the guard as a sentence: `stop it` is `Stop it.` Mails have the same phrases after other words.
#[askama::filter_fn]
pub(crate) fn sentence(phrase: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(as_sentence(&one_line(&phrase.to_string())))
}

pub(crate) fn as_sentence(phrase: &str) -> String {
    let mut characters = phrase.chars();
    let Some(first) = characters.next() else { return String::new() };
    let end = if phrase.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), characters.as_str())
}

/// A name, as [`text`], whose writing direction changes nothing around it.
#[askama::filter_fn]
pub(crate) fn name(name: impl Display, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(format!("<bdi>{}</bdi>", escape(one_line(&name.to_string()), Html)?)))
}

/// An owner: as [`name`], or in words where nobody is known.
#[askama::filter_fn]
pub(crate) fn owner(owner: impl Display, _: &dyn Values) -> askama::Result<Safe<String>> {
    let owner = owner.to_string();
    let words = owner_words(&owner);
    let escaped = escape(one_line(words), Html)?.to_string();
    Ok(Safe(if words == owner { format!("<bdi>{escaped}</bdi>") } else { escaped }))
}

/// An amount with a minus sign as long as its digits are wide, where it is negative.
#[askama::filter_fn]
pub(crate) fn usd(amount: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(amount.to_string().replace('-', "−"))
}

/// A number of things, with thousands marks.
#[askama::filter_fn]
pub(crate) fn count(number: impl Display, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(&number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::as_sentence;

    #[test]
    fn a_phrase_becomes_a_sentence() {
        for (phrase, sentence) in
            [("", ""), ("stop it", "Stop it."), ("Delete it.", "Delete it."), ("élan", "Élan."), ("ask: why?", "Ask: why?")]
        {
            assert_eq!(as_sentence(phrase), sentence);
        }
    }
}
