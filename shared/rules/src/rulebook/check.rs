//! Finds all errors of a policy at once, for the person who writes it.

use toml::de::{DeTable, DeValue};

use crate::{
    policy::{PolicyError, Wrong},
    rulebook::{Rulebook, read::read},
};

/// The maximum number of errors that are reported at once.
pub const MOST_ERRORS: usize = 20;

impl Rulebook {
    /// Reads a policy. After an error it continues without the wrong key, to find further errors.
    ///
    /// # Errors
    /// All errors in the order of their lines, at most [`MOST_ERRORS`]. Contradictions between keys are reported only when each key is valid by itself.
    pub fn check(text: &str) -> Result<Self, Vec<PolicyError>> {
        let mut policy = DeTable::parse(text).map_err(|error| vec![Wrong::from(error).in_text(text)])?;
        let mut found: Vec<Wrong> = vec![];
        while found.len() < MOST_ERRORS {
            let wrong = match read(policy.clone()) {
                Ok(rulebook) if found.is_empty() => return Ok(rulebook),
                Ok(_) => break,
                Err(wrong) => wrong,
            };
            let goes_on = wrong.at().is_some_and(|at| remove(policy.get_mut(), at));
            found.push(wrong);
            if !goes_on {
                break;
            }
        }
        if found.iter().any(|wrong| !wrong.is_contradiction) {
            found.retain(|wrong| !wrong.is_contradiction);
        }
        found.sort_by_key(Wrong::at);
        // Of a list where none may be, each item was removed in turn.
        found.dedup();
        Err(found.into_iter().map(|wrong| wrong.in_text(text)).collect())
    }
}

/// Removes the innermost entry at this place of the text. `false`: there is none.
fn remove(table: &mut DeTable<'_>, at: usize) -> bool {
    if let Some((key, value)) = table.iter_mut().find_map(|(key, value)| remove_within(value.get_mut(), at).then_some((key, value))) {
        // What is empty only now is no second error.
        let emptied = matches!(value.get_ref(), DeValue::Table(within) if within.is_empty()).then(|| key.clone());
        emptied.map(|key| table.remove(key.get_ref().as_ref()));
        return true;
    }
    let entry = table.iter().find(|(key, value)| key.span().contains(&at) || value.span().contains(&at));
    let key = entry.map(|(key, _)| key.clone());
    key.is_some_and(|key| table.remove(key.get_ref().as_ref()).is_some())
}

fn remove_within(value: &mut DeValue<'_>, at: usize) -> bool {
    match value {
        DeValue::Table(table) => remove(table, at),
        DeValue::Array(items) => {
            if items.iter_mut().any(|item| remove_within(item.get_mut(), at)) {
                return true;
            }
            let all = items.len();
            *items = items.iter().filter(|item| !item.span().contains(&at)).cloned().collect();
            items.len() < all
        }
        _ => false,
    }
}
