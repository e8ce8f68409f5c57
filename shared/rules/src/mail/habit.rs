//! What was done before to the same resource or series of jobs: its owner need not hear it at once again.

use jiff::SignedDuration;

use crate::{mail::item::Item, plan::News};

/// How long it is remembered what was done to which resource or series of jobs: a month without it is a new habit.
pub const HABIT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Marks what was done before. `is_known`: whether this is remembered.
pub fn mark_habits(items: &mut [Item], is_known: impl Fn(&str) -> bool) {
    for item in items {
        item.is_repeated |= done(item).is_some_and(&is_known);
    }
}

/// What was done before or not, and is in these items.
pub fn habits<'a>(items: impl IntoIterator<Item = &'a Item>) -> impl Iterator<Item = &'a str> {
    items.into_iter().filter_map(done)
}

/// What was not done before: it is to be remembered, once its owner is mailed. What was done before keeps its first time.
pub fn new_habits<'a>(items: impl IntoIterator<Item = &'a Item>) -> impl Iterator<Item = &'a str> {
    habits(items.into_iter().filter(|item| !item.is_repeated))
}

/// What was done. `None`: nothing was.
fn done(item: &Item) -> Option<&str> {
    (matches!(item.news, News::Done(_)) && !item.habit.is_empty()).then_some(&item.habit)
}
