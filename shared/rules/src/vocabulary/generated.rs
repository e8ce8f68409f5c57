//! The parts of jobs' names that tools generate: times, numbers and random ids.

use std::sync::LazyLock;

use regex::Regex;

use crate::vocabulary::letters::{are_by_chance, has_vowel, humps, is_number, is_word, runs};

/// The parts of names that a tool generates. All but [`Shapes::pipeline`] and [`Shapes::glued`] begin at a part and end with one.
pub(super) struct Shapes {
    /// A job that a pipeline named: the execution, the step, and a random end.
    pub(super) pipeline: Regex,
    /// What a pipeline puts behind a prefix of the user's own: the execution, a random part, and the number of the attempt.
    pub(super) execution: Regex,
    /// A UUID. If the name is at its maximum length, the end of the UUID is cut off.
    pub(super) uuid: Regex,
    /// A date or a number as long as one, such as seconds or milliseconds since 1970, and what follows it: the time, a counter, a short random part.
    pub(super) date: Regex,
    /// What Kubernetes puts behind the name of a cron job: the minutes since 1970, and a random end.
    pub(super) cron: Regex,
    /// How many commits came after a version, and the last one, as `git describe` writes it.
    pub(super) describe: Regex,
    /// A time of day without a date.
    pub(super) time: Regex,
    /// What is generated only if nothing else makes the name unique: a number with leading zeros or of at least five digits, a month and a day, a day of the
    /// week (`Tue` or `tuesday`), a week (`kw48`), one of several.
    pub(super) number: Regex,
    /// A word for a counter, and the number.
    pub(super) counter: Regex,
    /// A word that is numbered, and the number without a dash: a counter only if nothing else makes the name unique, as behind a dash.
    pub(super) numbered: Regex,
    /// A random end as Kubernetes generates it.
    pub(super) kubernetes: Regex,
    /// The end of a name that the SageMaker Python SDK chose: a time with milliseconds, a time of 14 digits (`ModelTrainer`), or seconds since 1970
    /// and four random digits (`unique_name_from_base`).
    pub(super) sdk: Regex,
    /// A long number in a part that has letters too: `Canvas1712936374430`. At its end, also 32 hexadecimal digits, as AWS Batch puts them there.
    pub(super) glued: Regex,
    /// A short number behind an id, at the end of a name: that of the run or of the attempt.
    pub(super) behind: Regex,
}

pub(super) static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(&filled(pattern)).expect("a regular expression that the tests use");
    Shapes {
        pipeline: regex("^pipelines-[a-z0-9]{8,12}-([A-Za-z0-9-]+)-[A-Za-z0-9]{5,10}$"),
        execution: regex("^([a-z0-9]{12})-([A-Za-z0-9]{10})(?:-[0-9]+)?$"),
        uuid: regex("^(?i-u)[0-9a-f]{8}(?:-[0-9a-f]{4}){2,3}(?:-[0-9a-f]{1,12})?(?:-|$)"),
        date: regex(
            r"(?ix-u)^ (?: (?: mon | tues? | wed(?:nes)? | thu(?:rs)? | fri | sat(?:ur)? | sun ) (?:day)? - )?
            (?: (?:19|20)\d\d - (?:0?[1-9]|1[0-2]) (?: - (?:0?[1-9]|[12]\d|3[01]) )?
              | \d\d?-\d\d?-(?:19|20)\d\d | \d\d-MM-DD | MM-DD-\d\d | DD-MM-\d\d | DD-(?:[01]\d|2[0-3])-[0-5]\d-[0-5]\d
              | (?: (?:19|20)\d\d | fy\d\d ) -? (?: [wqp] | WEEK ) \d\d? (?:-[1-7])?
              | \d\d (?:0[1-9]|1[0-2]) (?:0[1-9]|[12]\d|3[01]) - (?:[01]\d|2[0-3]) [0-5]\d
              | \d\d? -? (?:MONTH|FOREIGN) -? \d\d | (?:MONTH|FOREIGN) -? \d\d? - \d\d
              | (?:19|20)\d\d -? (?:MONTH|FOREIGN) (?: -? \d\d? )? | (?: \d\d? -? )? (?:MONTH|FOREIGN) -? (?: \d\d? - )? (?:19|20)\d\d
              | \d{8,} )
            (?: t\d{2,9}z? )?
            (?: - (?: \d+z? | t\d{4,9}z? | \d\d?h\d\d (?: m (?:\d\ds)? )? | \d{0,6}(?:am|pm|utc|gmt|z) ) )*
            (?: - (?: [0-9a-f]{4} | (?-i:[A-Z0-9]{4})$ ) )? (?: -|$ )",
        ),
        cron: regex(r"(?-u)^(?:2[1-9]|3\d)\d{6}-[bcdfghjklmnpqrstvwxz2456789]{5}$"),
        describe: regex(r"(?-u)^\d+-g[0-9a-f]{7,40}(?:-|$)"),
        time: regex(r"(?i-u)^(?:\d\d?h\d\d(?:m(?:\d\ds)?)?|t\d{4,6}z?|\d{6}z)(?:-|$)"),
        number: regex(
            r"(?i-u)^(?:0\d{2,}|\d{5,}|MONTH\d\d?|\d\d?MONTH|(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?$|WEEKDAY$|\d{1,3}-of-\d{1,3}|WEEK-?\d\d)(?:-|$)",
        ),
        counter: regex(r"(?i-u)^(run|build|job|ci|mr|pr|attempt|retry|try|exec|execution|iter|iteration|trial)-?\d+(?:-|$)"),
        numbered: regex(r"(?i-u)^(cycle|day|exp|experiment|night|nr|rerun|rev|round|seq|sprint)\d+(?:-|$)"),
        kubernetes: regex("^[bcdfghjklmnpqrstvwxz2456789]{5}$"),
        sdk: regex(
            r"(?-u)-(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])-\d\d-\d\d-\d\d-\d{3}|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6}|1\d{9}-[0-9a-f]{4})$",
        ),
        glued: regex(r"(?i-u)[0-9a-f]{32}$|\d{6,}(?:t\d{2,9}z?)?"),
        behind: regex(r"(?-u)^-?\d{1,6}$"),
    }
});

/// A pattern with what its words in capitals stand for.
fn filled(pattern: &str) -> String {
    const DAY: &str = "(?:0[1-9]|[12]\\d|3[01])";
    const WEEK: &str = "(?:[ck]w|week|wk)";
    pattern
        .replace("MONTH", MONTH)
        .replace("FOREIGN", FOREIGN_MONTH)
        .replace("WEEKDAY", FOREIGN_DAY)
        .replace("MM", "(?:0[1-9]|1[0-2])")
        .replace("DD", DAY)
        .replace("WEEK", WEEK)
}

const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";

/// Months in German, French, Spanish, Italian, Portuguese and Dutch, which Python's `%B` and `%b` write. Those that are words of machine learning or a planet
/// (`set`, `gen`, `mars`) are left out.
const FOREIGN_MONTH: &str = "(?:januar|februar|maerz|mrz|mai|juni|juli|okt(?:ober)?|dez(?:ember)?|janv(?:ier)?|fevr(?:ier)?|avr(?:il)?|juin|juil(?:let)?|aout|septembre|octobre\
    |novembre|decembre|enero|febrero|marzo|abr(?:il)?|mayo|junio|julio|agosto|septiembre|octubre|noviembre|dic(?:iembre)?|gennaio|febbraio|aprile|maggio|giugno\
    |luglio|settembre|ottobre|dicembre|janeiro|fevereiro|maio|junho|julho|setembro|outubro|novembro|dezembro|januari|februari|mrt|maart|mei|augustus)";

/// Days of the week in these languages.
const FOREIGN_DAY: &str = "(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miercoles|jueves\
    |viernes|sabado|domingo|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)";

/// The length of what is generated at the beginning of the rest of a name. `part`: its first part.
pub(super) fn generated(rest: &str, part: &str) -> Option<usize> {
    let shapes = [&SHAPES.uuid, &SHAPES.cron, &SHAPES.date, &SHAPES.time, &SHAPES.describe];
    let found = shapes.iter().find_map(|shape| shape.find(rest)).filter(|found| found.as_str().bytes().any(|byte| byte.is_ascii_digit()));
    if let Some(found) = found {
        return Some(found.len());
    }
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let is_mixed = |text: &str| has_digit(text) || humps(text) > 1;
    if SHAPES.execution.captures(rest).is_some_and(|found| has_digit(&found[1]) && is_mixed(&found[2])) {
        return Some(rest.len());
    }
    // Argo puts a number behind the random part of Kubernetes.
    let ends = |after: &str| {
        after.is_empty() && has_digit(part) || after.strip_prefix('-').is_some_and(|number| 8 <= number.len() && is_number(number))
    };
    let is_of_kubernetes = is_of_kubernetes(part, "") && ends(&rest[part.len()..]);
    (is_hex(part) || is_random(&SHAPES.glued.replace_all(part, "")) || is_of_kubernetes).then_some(part.len())
}

/// Whether it is a hexadecimal id, such as a commit's. Three letters or more before a number are a word: `decade2`.
fn is_hex(part: &str) -> bool {
    // `git describe` puts a `g` before the commit.
    let digits = part.strip_prefix('g').filter(|rest| 7 <= rest.len()).unwrap_or(part);
    let is_word = runs(digits).map(str::len).collect::<Vec<_>>();
    let is_word = is_word.len() == 2 && 3 <= is_word[0] && digits.starts_with(|first: char| first.is_ascii_alphabetic());
    6 <= digits.len() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && runs(digits).nth(1).is_some() && !is_word
}

/// Whether it looks like the random end of Kubernetes. Letters alone may be an acronym, so two of them have to be rare ones, or the part before is what
/// Kubernetes makes: `train-job-lmnrs`, but `pharm-nsclc`.
pub(super) fn is_of_kubernetes(part: &str, before: &str) -> bool {
    const OBJECTS: [&str; 8] = ["cronjob", "job", "pod", "run", "task", "wf", "worker", "workflow"];
    let is_word = part.starts_with(|first: char| first.is_ascii_alphabetic()) && runs(part).count() == 2;
    let has_rare_letters = 2 <= part.matches(['j', 'k', 'q', 'v', 'w', 'x', 'z']).count();
    let is_acronym = runs(part).count() == 1 && !has_rare_letters && !OBJECTS.contains(&before);
    SHAPES.kubernetes.is_match(part) && !is_word && !is_acronym && !is_number(part)
}

/// Whether it may be a short random id or the number of a version: `d5de`, `JSJC61`, `y29db8`, `v41`, `kqdlmt`. It may as well be somebody's word: `a100x8`,
/// `ctrmtl`.
pub(super) fn may_be_random(part: &str) -> bool {
    let letters: Vec<&str> = runs(part).filter(|run| !is_number(run)).collect();
    let changes = runs(part).count().saturating_sub(1);
    let is_word = letters.iter().any(|run| 3 <= run.len() && is_word(run));
    // One letter and a number, or the other way round, is a size: `a100`, `405b`.
    let has_letters = letters.iter().any(|run| 2 <= run.len()) || 2 <= changes;
    let is_hex = (4..=5).contains(&part.len()) && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) && has_letters;
    let is_odd = (6..=10).contains(&part.len()) && (2 <= changes || letters.iter().any(|run| 3 <= run.len()));
    let is_version = part.strip_prefix('v').is_some_and(|number| 2 <= number.len() && is_number(number));
    let is_without_vowels = changes == 0 && 6 <= part.len() && !is_number(part) && !has_vowel(part) && !is_word;
    is_version || is_without_vowels || (0 < changes && !is_word && (is_hex || is_odd))
}

/// Whether it looks like random letters and digits: `x7k2p9`, `cIpzShs3Qp`. Names of models are not: `resnet101`, `wav2vec2`, `ResNet50V2`. The more
/// often letters and digits change, the less else it takes.
fn is_random(part: &str) -> bool {
    let (length, changes) = (part.len(), runs(part).count().saturating_sub(1));
    let (words, others): (Vec<&str>, Vec<&str>) = runs(part).filter(|run| 3 <= run.len() && !is_number(run)).partition(|run| is_word(run));
    if are_by_chance(part) {
        return true;
    }
    match changes {
        0 if is_number(part) => false,
        // A word in camel case has more letters than these.
        0 if 8 <= length && 2 * length <= 5 * humps(part) || 16 <= length && length <= 4 * humps(part) => true,
        0 => 10 <= length && !has_vowel(part) && words.is_empty(),
        // Letters and then a number, or the other way round: `resnet101`, `7b`.
        1 => false,
        2 => 8 <= length && !others.is_empty(),
        3 => 8 <= length && (!others.is_empty() || words.is_empty()),
        4 | 5 => 5 <= length && (!others.is_empty() || words.is_empty()),
        _ => 12 <= length || words.is_empty(),
    }
}
