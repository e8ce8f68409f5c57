//! What may be secret in texts that the programs of others wrote, and in the settings of their jobs.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What stands for a value that may be secret.
pub const HIDDEN: &str = "(hidden)";

/// A word that is longer may be a secret.
const LONGEST_WORD: usize = 32;

/// Parts of names whose values are secret.
const SECRET_PARTS: [&str; 13] = [
    "auth",
    "bearer",
    "connection",
    "cookie",
    "credential",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "token",
];

/// The same, where they are a whole word of a name: a `path` has no `pat` in it.
const SECRET_WORDS: [&str; 10] = ["cert", "conn", "dsn", "jwt", "login", "otp", "pass", "pat", "pin", "sas"];

/// Whether a name is like `api_token`. A tokenizer is none.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace("tokeniz", "");
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    SECRET_PARTS.iter().any(|part| name.contains(part)) || words.any(|word| SECRET_WORDS.contains(&word))
}

/// Whether a setting's form says that it is no secret: a number, a short word, a place in S3 without a query, or a list of these. JSON quotes do not count.
pub(crate) fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    let list = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(value);
    list.split(',').all(|one| {
        let one = one.trim().trim_matches(['"', '\'']);
        match one.strip_prefix("s3://") {
            Some(place) => place.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c)),
            None => is_plain(one),
        }
    })
}

/// Whether it is a number or a short word that is no token.
fn is_plain(word: &str) -> bool {
    let is_word = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c)) && word.len() <= LONGEST_WORD;
    let mixed = [char::is_uppercase, char::is_lowercase, |c: char| c.is_ascii_digit()];
    let is_random = |piece: &str| 10 <= piece.len() && mixed.iter().all(|kind| piece.chars().any(kind));
    is_word && (word.parse::<f64>().is_ok() || !word.split(['.', '_', '-']).any(is_random) && !is_token(word))
}

fn is_token(word: &str) -> bool {
    FORMS.as_ref().is_some_and(|forms| forms.token.is_match(word))
}

/// A text of a stranger's program, such as a job's `FailureReason`, or of AWS that repeats what it was asked, without what may be secret: the command line, the
/// values that AWS refuses, URLs but for their host, values with a name like `api_token`, and tokens.
pub fn without_secrets(text: &str) -> String {
    let Some(forms) = FORMS.as_ref() else { return HIDDEN.to_owned() };
    let text = forms.command.replace(text, "Command (hidden)");
    let text = forms.refused.replace_all(&text, "Value '(hidden)' at '$1' failed to satisfy");
    let text = forms.url.replace_all(&text, |url: &Captures<'_>| shown_url(&url[1], &url[2]));
    let text = forms.bearer.replace_all(&text, "$1 (hidden)");
    let value = |named: &Captures<'_>| {
        let name = named[1].to_ascii_lowercase();
        // `KeyError: 'label'` is no key.
        let is_error = ["error", "exception"].iter().any(|end| name.ends_with(end));
        if is_secret_name(&name) && !is_error { format!("{}{}{HIDDEN}", &named[1], &named[2]) } else { named[0].to_owned() }
    };
    let text = forms.named.replace_all(&text, value);
    let text = forms.option.replace_all(&text, value);
    let text = forms.token.replace_all(&text, HIDDEN);
    let long = |word: &Captures<'_>| {
        let is_mixed = word[0].contains(|c: char| c.is_ascii_digit()) && word[0].contains(|c: char| c.is_ascii_alphabetic());
        // AWS's ids of roles and keys are long, and no secrets.
        if is_mixed && !word[0].starts_with("arn:") { HIDDEN.to_owned() } else { word[0].to_owned() }
    };
    forms.long.replace_all(&text, long).into_owned()
}

/// A URL's host, and its path if it is a place in S3 or AWS's documentation.
fn shown_url(scheme: &str, rest: &str) -> String {
    if rest.starts_with("docs.aws.amazon.com/") && !rest.contains(['?', '@']) {
        return format!("{scheme}://{rest}");
    }
    let end = if scheme.eq_ignore_ascii_case("s3") { rest.find('?') } else { rest.find(['/', '?', '#']) };
    match end {
        _ if rest.contains('@') => format!("{scheme}://{HIDDEN}"),
        Some(end) if end + 1 < rest.len() => format!("{scheme}://{}/{HIDDEN}", &rest[..end]),
        _ => format!("{scheme}://{rest}"),
    }
}

/// The forms of what may be secret. `None` never happens: the patterns are right, and a test compiles them.
static FORMS: LazyLock<Option<Forms>> = LazyLock::new(|| Forms::new().ok());

struct Forms {
    /// SageMaker's toolkits name all hyperparameters there.
    command: Regex,
    refused: Regex,
    url: Regex,
    bearer: Regex,
    /// A name and its value.
    named: Regex,
    /// An option of a command line and its value.
    option: Regex,
    token: Regex,
    /// A long word, or an ARN.
    long: Regex,
}

impl Forms {
    fn new() -> Result<Self, regex::Error> {
        let (parts, words) = (SECRET_PARTS.join("|"), SECRET_WORDS.join("|"));
        let name = format!(r"[\w.-]*(?:{parts})[\w.-]*|(?:[\w.-]*[_.-])?(?:{words})(?:[_.-][\w.-]*)?");
        let value = r#"(?:\\?"[^"]*"|\\?'[^']*'|[^\s,;"']+)"#;
        Ok(Self {
            command: Regex::new(r#"(?s)\bCommand\s*:?\s*["'].*"#)?,
            refused: Regex::new(r"(?s)Value '.*?' at '([\w.\[\]-]+)' failed to satisfy")?,
            url: Regex::new(r#"(?i)\b([a-z][a-z0-9+.-]*)://([^\s"'<>`]+)"#)?,
            bearer: Regex::new(r"(?i)\b(bearer|basic)\s+[^\s,;]+")?,
            named: Regex::new(&format!(r#"(?i)\b({name})(\\?["']?\s*[=:]\s*){value}"#))?,
            option: Regex::new(&format!(r"(?i)((?:^|\s)--?(?:{name}))(\s+){value}"))?,
            token: Regex::new(r"\b(?:(?:gh[pousr]_|github_pat_|glpat-|sk-|xox[a-z]-|AKIA|ASIA|AIza|eyJ)[\w./+=-]{4,}|hf_[A-Za-z0-9]{8,})")?,
            long: Regex::new(&format!(r#"\barn:aws[\w-]*:[^\s,;"']+|[A-Za-z0-9_+=]{{{LONGEST_WORD},}}"#))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_told_without_what_may_be_secret() {
        let error = "AlgorithmError: ExecuteUserScriptError: ExitCode 1 ErrorMessage";
        for (text, shown) in [
            (
                format!(
                    r#"{error} "401 for url: https://ann:ZQ1@x.example.com/?token=ZQ2" Command "/opt/conda/bin/python train.py --x ZQ3""#
                ),
                format!(r#"{error} "401 for url: https://(hidden)" Command (hidden)"#),
            ),
            ("no https://x.example.com/a/ZQ1?b=ZQ2, yes".to_owned(), "no https://x.example.com/(hidden) yes".to_owned()),
            ("https://hooks.slack.com/services/T0/B0/ZQ1".to_owned(), "https://hooks.slack.com/(hidden)".to_owned()),
            ("s3://bucket/data/train.csv?sig=ZQ1".to_owned(), "s3://bucket/data/train.csv/(hidden)".to_owned()),
            (
                "1 validation error detected: Value '{A=ZQ1, B='ZQ2'}' at 'environment' failed to satisfy constraint".to_owned(),
                "1 validation error detected: Value '(hidden)' at 'environment' failed to satisfy constraint".to_owned(),
            ),
            (
                "2 validation errors detected: Value 'ZQ1' at 'a' failed to satisfy constraint: x; Value 'ZQ2' at 'b.c' failed to satisfy constraint".to_owned(),
                "2 validation errors detected: Value '(hidden)' at 'a' failed to satisfy constraint: x; Value '(hidden)' at 'b.c' failed to satisfy constraint".to_owned(),
            ),
            (
                "train.py --hf_token ZQ1 --db-password=ZQ2 --epochs 3".to_owned(),
                "train.py --hf_token (hidden) --db-password=(hidden) --epochs 3".to_owned(),
            ),
            (r#"{"api_key": "ZQ1 ZQ2", "lr": 0.1}"#.to_owned(), r#"{"api_key": (hidden), "lr": 0.1}"#.to_owned()),
            ("Authorization: Bearer ZQ1".to_owned(), "Authorization: (hidden) (hidden)".to_owned()),
            ("WANDB_API_KEY=ZQ1 not valid".to_owned(), "WANDB_API_KEY=(hidden) not valid".to_owned()),
            ("got hf_ZQ1ZQ1ZQ1 and ghp_ZQ1ZQ1".to_owned(), "got (hidden) and (hidden)".to_owned()),
            ("login 0123456789abcdef0123456789abcdef01234567 failed".to_owned(), "login (hidden) failed".to_owned()),
        ] {
            assert_eq!(without_secrets(&text), shown, "{text}");
            assert!(!without_secrets(&text).contains("ZQ"), "{text}");
        }
    }

    #[test]
    fn what_tells_the_cause_stays() {
        for text in [
            "AlgorithmError: KeyError: 'label', exit code: 1",
            "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
            "ClientError: No files found under s3://bucket/data/2026-11-24/train. Check the S3 URI.",
            "User: arn:aws:sts::123456789012:assumed-role/guard/x is not authorized to perform: kms:CreateGrant on resource: arn:aws:kms:eu-central-1:123456789012:key/1",
            "User: arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_DataScientist_0123456789abcdef/botocore-session-1795000000 is not authorized to perform: x",
            "Bad request. See https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html.",
            "multi-session training failed",
            "ExpiredTokenException: The security token included in the request is expired",
            "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }

    #[test]
    fn a_setting_is_shown_only_if_its_form_is_harmless() {
        for harmless in [
            "3",
            "-0.001",
            "1e-4",
            "true",
            "adam",
            "\"adam\"",
            "bert-base-uncased",
            "ml.m5.xlarge",
            "[1, 2, 3]",
            "[\"a\", \"b\"]",
            "a,b",
            "s3://bucket/a/b.csv",
            "\"s3://bucket/a/source.tar.gz\"",
            "train.py",
            "",
        ] {
            assert!(is_harmless(harmless), "{harmless}");
        }
        for secret in [
            "ghp_ZQ1ZQ1ZQ1",
            "hf_ZQ1ZQ1ZQ1",
            "ann:ZQ1",
            "Server=db;Uid=a;Pwd=ZQ1",
            r#"{"api_key": "ZQ1"}"#,
            "python x.py --password ZQ1",
            "https://x.example.com/?X-Amz-Signature=ZQ1",
            "s3://bucket/a?sig=ZQ1",
            "s3://ann:ZQ1@bucket/a",
            "redis://:ZQ1@h",
            "aB3dE6gH9jK2mN5",
            "0123456789abcdef0123456789abcdef01234567",
            "wandb ZQ1",
            "[1, https://x.example.com/ZQ1]",
        ] {
            assert!(!is_harmless(secret), "{secret}");
        }
        for (name, secret) in [
            ("api_token", true),
            ("bearer", true),
            ("cookie", true),
            ("jwt", true),
            ("pat", true),
            ("pass", true),
            ("otp", true),
            ("login", true),
            ("db_pwd", true),
            ("wandb-key", true),
            ("path", false),
            ("tokenizer", false),
            ("patience", false),
            ("epochs", false),
            ("n_passes", false),
        ] {
            assert_eq!(is_secret_name(name), secret, "{name}");
        }
    }
}
