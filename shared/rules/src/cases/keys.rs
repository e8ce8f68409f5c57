//! The keys of a table of a cases file, which are taken one by one: what is left at the end is not a key.

use std::ops::Range;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use crate::{
    policy::{Table, Wrong, contradiction, wrong},
    vocabulary::{duration::Duration, spelling::nearest},
};

/// A table whose keys are taken one by one.
pub(super) struct Keys<'i> {
    table: DeTable<'i>,
    span: Range<usize>,
    /// What the table is, for messages: `a [[case]]`.
    what: String,
    known: Vec<&'static str>,
}

impl<'i> Keys<'i> {
    pub(super) fn of(table: Table<'i>, what: impl Into<String>) -> Self {
        let span = table.span();
        Self { table: table.into_inner(), span, what: what.into(), known: vec![] }
    }

    /// The same keys of what turned out to be something more precise.
    pub(super) fn named(self, what: impl Into<String>) -> Self {
        Self { what: what.into(), ..self }
    }

    /// The value of a key with its place. `None`: the table does not have the key.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// The value of a key. `None`: the table does not have the key.
    pub(super) fn take<T: Deserialize<'i>>(&mut self, key: &'static str) -> Result<Option<T>, Wrong> {
        self.raw(key).map(read).transpose()
    }

    /// The value of a key, or what an ordinary resource has.
    pub(super) fn or<T: Deserialize<'i>>(&mut self, key: &'static str, usual: T) -> Result<T, Wrong> {
        Ok(self.take(key)?.unwrap_or(usual))
    }

    /// The value of a key that must be there, with its place. `example`: how it may be written.
    pub(super) fn must(&mut self, key: &'static str, example: &str) -> Result<Spanned<DeValue<'i>>, Wrong> {
        let (span, missing) = (self.span.clone(), format!("{} has no `{key}`: write for example {example}", self.what));
        self.raw(key).map_or_else(|| contradiction(span, missing), Ok)
    }

    /// Its state and for how long it is in it, from the one key of these that is there: `running-for = "5h"`. `None`: none of them is.
    pub(super) fn state<S: Copy>(&mut self, states: &[(&'static str, S)]) -> Result<Option<(S, Duration)>, Wrong> {
        let mut found: Option<(&str, S, Duration)> = None;
        for (key, state) in states {
            let Some(value) = self.raw(key) else { continue };
            if let Some((other, ..)) = found {
                return wrong(value.span(), format!("`{other}` and `{key}` exclude each other: it is in one state at a time"));
            }
            found = Some((key, *state, read(value)?));
        }
        Ok(found.map(|(_, state, length)| (state, length)))
    }

    /// Refuses a key that was not taken.
    pub(super) fn done(self) -> Result<(), Wrong> {
        match self.table.keys().next() {
            Some(key) => {
                let name = key.get_ref();
                wrong(key.span(), format!("`{name}` is not a key of {}{}", self.what, nearest(name, &self.known)))
            }
            None => Ok(()),
        }
    }
}

fn read<'i, T: Deserialize<'i>>(value: Spanned<DeValue<'i>>) -> Result<T, Wrong> {
    let span = value.span();
    T::deserialize(ValueDeserializer::from(value)).map_err(|error| Wrong::from(error).at_least(span))
}
