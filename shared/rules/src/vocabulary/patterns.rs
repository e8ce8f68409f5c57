//! Which patterns can match a kind of text at all, and what to write instead of one that cannot: it would protect nothing, without a word.

use std::sync::OnceLock;

use regex::{Regex, RegexSet};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::json;

/// A kind of text that patterns are for.
pub(crate) struct Texts {
    /// For people: `names`.
    what: &'static str,
    /// The form of a pattern, as a regular expression.
    form: &'static str,
    /// What no pattern has, as regular expressions: signs of another language.
    never: &'static [&'static [&'static str]],
    /// Two of these texts.
    examples: [&'static str; 2],
    compiled: OnceLock<Option<(Regex, RegexSet)>>,
}

/// Names of jobs: `SageMaker` takes letters, digits and hyphens in them. An underscore may be in the names of others.
pub(crate) static JOBS: Texts =
    Texts::new("names", r"^ *([A-Za-z0-9_*?-]|\[[!^]?[A-Za-z0-9_-]+\]|\{[A-Za-z0-9_*?,!^{}\[\]-]*\})* *$", &[PLACES], ["churn", "fraud"]);

/// Names of what `SageMaker` has, with apps: an app is named by three words.
pub(crate) static NAMES: Texts = Texts::new(
    "names",
    r"^([A-Za-z0-9_ *?-]|\[[!^]?[A-Za-z0-9_-]+\]|\{[A-Za-z0-9_ *?,!^{}\[\]-]*\})*$",
    &[PLACES, LISTS, &["(^| )([Aa][Nn][Dd]|[Oo][Rr])( |$)"]],
    ["churn", "fraud"],
);

/// Keys of tags, without `=`: no value stands in a key. `acme.*` is a usual pattern of them.
pub(crate) static TAG_KEYS: Texts = Texts::new(
    "keys of tags",
    r"^([\p{L}\p{N}_ .:/+@*?-]|\[[!^]?[\p{L}\p{N}_ .:/+@-]+\]|\{[\p{L}\p{N}_ .:/+@*?,!^{}\[\]-]*\})*$",
    &[PLACES, LISTS, &[r"^ *\.[*+]", r"\.\+", r"\.\*[^/ ]", r"\]\+", "^ *[Tt]ag:", ": ", "(^| )([Aa][Nn][Dd]|[Oo][Rr])( |$)"]],
    ["churn", "fraud"],
);

/// The form of the key of a tag, as a regular expression (aws-facts §2.5). It is no pattern.
pub(crate) const TAG_KEY: &str = r"^[\p{L}\p{Z}\p{N}_.:/=+@-]+$";

/// Values of tags (aws-facts §2.5).
pub(crate) static TAG_VALUES: Texts = Texts::new(
    "values of tags",
    r"^([\p{L}\p{Z}\p{N}_.:/=+@*?-]|\[[!^]?[\p{L}\p{Z}\p{N}_.:/=+@-]+\]|\{[\p{L}\p{Z}\p{N}_.:/=+@*?,!^{}\[\]-]*\})*$",
    &[PLACES, LISTS, DOTS, &["^ */[^/]*/ *$", " [Oo][Rr] "]],
    ["prod", "staging"],
);

/// Names of teams. Blanks do not count in them.
pub(crate) static TEAMS: Texts = Texts::new("teams", ANY_WORDS, &[PLACES, DOTS, &["^ */[^/]*/ *$", " [Oo][Rr] "]], ["vision", "nlp"]);

/// Names of users, of sessions and of roles.
pub(crate) static USERS: Texts = Texts::new("names", ANY_WORDS, &[PLACES, LISTS, DOTS, &[" [Oo][Rr] "]], ["etl", "deploy"]);

/// Owners: by name, by address, or as a tag may spell them otherwise.
pub(crate) static OWNERS: Texts = Texts::new(
    "owners",
    r"\S",
    &[PLACES, &[r"^ *\^", r"\$ *$", r"^ *\.[*+]", r"\.\+", r"\]\+", r"\\\.", r"\([^()]*\|", r"^ *[^@\s]*\.(com|edu|io|net|org) *$"]],
    ["zoe@", "yan@"],
);

/// Words with any characters but those that only another language has.
const ANY_WORDS: &str = r"^([^|,;^$()\\%!{\[]|\[[^\[\]]+\]|\{[^|;^$()\\%]*\})*$";

/// What stands for a date or the like elsewhere: `{date}`, `[date]`; and how often something is repeated: `{8}`, `[0-9]{2,4}`.
const PLACES: &[&str] = &[r"\{[^{},]*\}", r"\]\{[0-9]*,[0-9]*\}", r"\[[^\]]*\p{L}{3,}[^\]]*\]"];

/// A blank beside a comma or a brace. It would count.
const LISTS: &[&str] = &[" ,", ", ", r"\{ ", r" \}"];

/// What another language means by `*`. In `1.*`, `acme.ml.*` or `@example.*`, the dot is meant.
const DOTS: &[&str] = &[r"^ *\.[*+]", r"\.\+", r"^[^.:/@0-9]*\.\*", r"\]\+"];

/// What is written in another language, and as a pattern.
const REWRITTEN: &[(&str, &str)] = &[
    (r"^([^@\s{}\[\]*]+\.(?:com|edu|io|net|org))$", "*@$1"),
    (r"^\s*(?:\(\?[a-z]+\)|[\^/]|[Tt]ag:\s*)+|[$/]+\s*$", ""),
    (r"\{\{[^{}]*\}\}|\$\{[^{}]*\}|<[^<>]*>|%[A-Za-z]?", "*"),
    (r"\](?:\{[0-9]*,?[0-9]*\}|\+)", "]*"),
    (r"\\[dDsSwW](?:[*+]|\{[0-9,]*\})?", "*"),
    (r"\\(.)", "$1"),
    (r"\.[*+]\??", "*"),
    (r"\{[^{},|]*\}|\[[^\]]*\p{L}{3,}[^\]]*\]", "*"),
    (r"\((?:\?:)?([^()]*)\)", "{$1}"),
    (r"\s*(?:[,;|]|\s(?:and|or)\s)\s*", ","),
    (r"\{\s+", "{"),
    (r"\s+\}", "}"),
    (r"\*{2,}", "*"),
];

impl Texts {
    const fn new(what: &'static str, form: &'static str, never: &'static [&'static [&'static str]], examples: [&'static str; 2]) -> Self {
        Self { what, form, never, examples, compiled: OnceLock::new() }
    }

    /// Whether a pattern can match one of these texts.
    pub(crate) fn can_match(&self, pattern: &str) -> bool {
        let compile = || Regex::new(self.form).ok().zip(RegexSet::new(self.never.iter().copied().flatten()).ok());
        let compiled = self.compiled.get_or_init(compile);
        compiled.as_ref().is_none_or(|(form, never)| form.is_match(pattern) && !never.is_match(pattern))
    }

    /// What is wrong with a pattern that can match none of these texts, and what to write. `None`: it can.
    pub(crate) fn refusal(&self, pattern: &str) -> Option<String> {
        (!self.can_match(pattern)).then(|| format!("no pattern of {}: {}", self.what, self.meant(pattern)))
    }

    /// What to write instead of a pattern that can match none of these texts.
    pub(crate) fn meant(&self, pattern: &str) -> String {
        let [one, two] = self.examples;
        let example = format!("a pattern is for example \"{one}*\", or \"{{{one},{two}}}*\" for several");
        match self.rewritten(pattern) {
            _ if pattern.trim_start().starts_with('!') => format!("{example}; none says what is not meant"),
            Some(meant) => format!("{example}; here \"{meant}\" may be meant"),
            None => example,
        }
    }

    /// A pattern that was written in another language. `None`: it is not known what is meant.
    fn rewritten(&self, pattern: &str) -> Option<String> {
        let rewrite = |text: String, (from, to): &(&str, &str)| Some(Regex::new(from).ok()?.replace_all(&text, *to).into_owned());
        let text = REWRITTEN.iter().try_fold(pattern.trim().to_owned(), rewrite)?;
        let text = if text.contains(',') && !text.contains('{') { format!("{{{text}}}") } else { text };
        let says_something = text != pattern && text.contains(char::is_alphanumeric);
        Some(text).filter(|text| says_something && globset::Glob::new(text).is_ok() && self.can_match(text))
    }

    /// The schema of one pattern.
    pub(crate) fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let mut schema = glob_schema(generator);
        let never = self.never.iter().copied().flatten().map(|sign| json!({ "not": { "pattern": sign } }));
        schema.insert("allOf".into(), std::iter::once(json!({ "pattern": self.form })).chain(never).collect());
        schema
    }
}

/// The schema of one pattern like `prod*`.
pub(crate) fn glob_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "glob", "type": "string", "examples": ["prod*", "pipelines-*"] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_another_language_is_written_as_a_pattern() {
        for (texts, pattern, meant) in [
            (&JOBS, "{train, score}-*", Some("{train,score}-*")),
            (&JOBS, "train-*, score-*", Some("{train-*,score-*}")),
            (&JOBS, "(train|score)-*", Some("{train,score}-*")),
            (&JOBS, "churn-[0-9]{8}", Some("churn-[0-9]*")),
            (&JOBS, "churn-{{ ds_nodash }}", Some("churn-*")),
            (&JOBS, "churn-[date]", Some("churn-*")),
            (&JOBS, "churn-%Y", Some("churn-*")),
            (&JOBS, r"^churn-\d+$", Some("churn-*")),
            (&JOBS, "training-job/churn", None),
            (&TAG_KEYS, "wf-[a-z]+", Some("wf-[a-z]*")),
            (&TAG_KEYS, "tag:Pipeline", Some("Pipeline")),
            (&TAG_VALUES, "^prod$", Some("prod")),
            (&TAG_VALUES, "/prod/", Some("prod")),
            (&TAG_VALUES, "prod or staging", Some("{prod,staging}")),
            (&TAG_VALUES, "a{b,c}|d", None),
            (&OWNERS, r".*@contractor\.com", Some("*@contractor.com")),
        ] {
            assert_eq!((texts.can_match(pattern), texts.rewritten(pattern).as_deref()), (false, meant), "{pattern}");
        }
    }

    #[test]
    fn a_sign_of_workflows_that_matches_nothing_protected_no_job() {
        for (texts, pattern, can_match) in [
            (&JOBS, "{train,score}-*", true),
            (&JOBS, "{train, score}-*", false),
            (&JOBS, "nightly train", false),
            (&JOBS, "churn-[0-9]{8}", false),
            (&JOBS, "churn-[0-9]{2,4}", false),
            (&JOBS, "churn-[a-z]+", false),
            (&JOBS, "churn-{{ ds }}", false),
            (&JOBS, "churn-{date}", false),
            (&JOBS, "churn-[date]", false),
            (&JOBS, "churn-v{1,2}-[0-9a-f]*", true),
            (&TAG_KEYS, "acme.*", true),
            (&TAG_KEYS, "example.*/run", true),
            (&TAG_KEYS, "acme.*-run", false),
            (&TAG_KEYS, ".*pipeline", false),
            (&TAG_KEYS, "^acme.*", false),
            (&TAG_KEYS, "Pipeline: churn", false),
            (&TAG_KEYS, "tag:Pipeline", false),
            (&TAG_KEYS, "mwaa:environment", true),
            (&TAG_KEYS, "wf-[a-z]+", false),
            (&TAG_KEYS, "{flow, run}-id", false),
            (&TAG_KEYS, "{flow}-id", false),
        ] {
            assert_eq!(texts.can_match(pattern), can_match, "{pattern}");
        }
    }
}
