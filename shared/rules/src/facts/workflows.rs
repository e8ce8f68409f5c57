//! Workflows that wait for a job: executions of pipelines and of state machines, AutoML jobs.

use std::collections::BTreeMap;

/// Jobs by id, with the workflow that waits for each. A job that is missing was not asked for.
pub type Workflows = BTreeMap<String, Workflow>;

/// The variables that a job was given, names with values: its environment, its hyperparameters and its [`arguments`].
pub type Variables = Vec<(String, String)>;

/// The variables in the arguments of a container: `--key value`, `--key=value` or `key=value`. A key alone has an empty value, and a value alone the key
/// `argument`.
pub fn arguments(words: impl IntoIterator<Item = String>) -> Variables {
    let mut all = vec![];
    let mut open: Option<String> = None;
    for word in words {
        match Argument::of(&word, open.is_some()) {
            Argument::Key(key) => all.extend(open.replace(key.to_owned()).map(|key| (key, String::new()))),
            Argument::Pair(key, value) => {
                all.extend(open.take().map(|key| (key, String::new())));
                all.push((key.to_owned(), value.to_owned()));
            }
            Argument::Value => all.push((open.take().unwrap_or_else(|| "argument".to_owned()), word)),
        }
    }
    all.extend(open.map(|key| (key, String::new())));
    all
}

/// A word among the arguments of a container.
enum Argument<'a> {
    Key(&'a str),
    Pair(&'a str, &'a str),
    Value,
}

impl<'a> Argument<'a> {
    /// `is_behind_key`: whether the word before it is a key without a value.
    fn of(word: &'a str, is_behind_key: bool) -> Self {
        let is_key = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
        };
        let text = word.trim_start_matches('-');
        let has_dash = text != word;
        match text.split_once('=') {
            Some((key, value)) if is_key(key) && (has_dash || !is_behind_key) => Self::Pair(key, value),
            None if has_dash && is_key(text) => Self::Key(text),
            _ => Self::Value,
        }
    }
}

/// Whether a workflow waits for a job. The workflow fails if the job is stopped or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workflow {
    /// No workflow waits for it.
    None,
    /// This workflow waits for it: `pipeline/churn/execution/abc`.
    Waits(String),
    /// Why it is not known.
    Unknown(String),
}

impl Workflow {
    /// What is known from two sources: a workflow that waits counts for more than what is not known, and that for more than none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Waits(workflow), _) | (_, Self::Waits(workflow)) => Self::Waits(workflow),
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::None, Self::None) => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_pairs_of_keys_and_values() {
        for (words, pairs) in [
            (&["--task-token", "AAAA"][..], &[("task-token", "AAAA")][..]),
            (&["--task-token=AAAA=="], &[("task-token", "AAAA==")]),
            (&["--task-token", "AAAA=="], &[("task-token", "AAAA==")]),
            (&["python3", "train.py", "-k", "1"], &[("argument", "python3"), ("argument", "train.py"), ("k", "1")]),
            (&["--verbose", "--lr", "-0.1"], &[("verbose", ""), ("lr", "-0.1")]),
            (&["--verbose", "--lr=-0.1", "--last"], &[("verbose", ""), ("lr", "-0.1"), ("last", "")]),
            (&["task_token=AAAA", "https://example.com/?a=b"], &[("task_token", "AAAA"), ("argument", "https://example.com/?a=b")]),
            (&["--", "-", "-1"], &[("argument", "--"), ("argument", "-"), ("argument", "-1")]),
            (&["--config", "{\"taskToken\": \"AAAA\"}"], &[("config", "{\"taskToken\": \"AAAA\"}")]),
            (&[], &[]),
        ] {
            let pairs: Variables = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            assert_eq!(arguments(words.iter().map(|word| (*word).to_owned())), pairs, "{words:?}");
        }
    }
}
