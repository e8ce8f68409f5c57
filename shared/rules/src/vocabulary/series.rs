//! Series of jobs: jobs that do the same work and whose names differ by a time, a number or a random id.

use std::sync::LazyLock;

use regex::Regex;

use crate::vocabulary::{
    letters::{has_vowel, humps, is_number, is_word, runs},
    resource::{Kind, Resource},
};

/// Tags that SageMaker Pipelines adds to what it starts. Their values are the ARN of the execution (name not documented: aws-facts §2.3).
pub const PIPELINE_TAGS: [&str; 2] = ["sagemaker:pipeline-execution-arn", "aws:sagemaker:pipeline-execution-arn"];

/// The parts of names that a tool generates. All but [`Shapes::pipeline`] and [`Shapes::glued`] begin at a part and end with one.
struct Shapes {
    /// A job that a pipeline named: the execution, the step, and a random end.
    pipeline: Regex,
    /// What a pipeline puts behind a prefix of the user's own: the execution, a random part, and the number of the attempt.
    execution: Regex,
    /// A UUID. If the name is at its maximum length, the end of the UUID is cut off.
    uuid: Regex,
    /// A date or a number as long as one, such as seconds or milliseconds since 1970, and what follows it: the time, a counter, a short random part.
    date: Regex,
    /// A time of day without a date, a number with leading zeros, or a number of at least five digits.
    number: Regex,
    /// A word for a counter, and the number.
    counter: Regex,
    /// A random end as Kubernetes generates it.
    kubernetes: Regex,
    /// The end of a name that the SageMaker Python SDK chose: a time with milliseconds, a time of 14 digits (`ModelTrainer`), or seconds since 1970
    /// and four random digits (`unique_name_from_base`).
    sdk: Regex,
    /// A long number in a part that has letters too: `Canvas1712936374430`.
    glued: Regex,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let regex = |pattern: &str| Regex::new(&pattern.replace("MONTH", MONTH)).expect("a regular expression that the tests use");
    Shapes {
        pipeline: regex("^pipelines-[a-z0-9]{8,12}-([A-Za-z0-9-]+)-[A-Za-z0-9]{5,10}$"),
        execution: regex("^([a-z0-9]{12})-([A-Za-z0-9]{10})(?:-[0-9]+)?$"),
        uuid: regex("^(?i-u)[0-9a-f]{8}(?:-[0-9a-f]{4}){2,3}(?:-[0-9a-f]{1,12})?(?:-|$)"),
        date: regex(
            r"(?ix-u)^ (?: (?: mon | tues? | wed(?:nes)? | thu(?:rs)? | fri | sat(?:ur)? | sun ) (?:day)? - )?
            (?: (?:19|20)\d\d - (?:0?[1-9]|1[0-2]) (?: - (?:0?[1-9]|[12]\d|3[01]) )?
              | \d\d?-\d\d?-(?:19|20)\d\d | \d\d-\d\d-\d\d | (?:19|20)\d\d -? [wq]\d\d? (?:-[1-7])?
              | (?:19|20)\d\d -? MONTH (?: -? \d\d? )? | (?: \d\d? -? )? MONTH -? (?: \d\d? - )? (?:19|20)\d\d
              | \d{8,} )
            (?: t\d{2,9}z? )?
            (?: - (?: \d+z? | t\d{4,9}z? | \d\d?h\d\d (?: m (?:\d\ds)? )? | \d{0,6}(?:am|pm|utc|gmt|z) ) )*
            (?: - (?: [0-9a-f]{4} | (?-i:[A-Z0-9]{4})$ ) )? (?: -|$ )",
        ),
        number: regex(r"(?i-u)^(?:\d\d?h\d\d(?:m(?:\d\ds)?)?|t\d{4,6}z?|\d{6}z|0\d{2,}|\d{5,})(?:-|$)"),
        counter: regex(r"(?i-u)^(run|build|job|ci|pr|attempt|retry|try|exec|execution|iteration|trial)-?\d+(?:-|$)"),
        kubernetes: regex("^[bcdfghjklmnpqrstvwxz2456789]{5}$"),
        sdk: regex(
            r"(?-u)-(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])-\d\d-\d\d-\d\d-\d{3}|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6}|1\d{9}-[0-9a-f]{4})$",
        ),
        glued: regex(r"(?i-u)\d{6,}(?:t\d{2,9}z?)?"),
    }
});

const MONTH: &str = "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)";

/// A job's name without what a tool generates anew for each job: times, numbers and random ids, wherever they stand.
/// `churn-train-2026-11-24-09-10-00-123` → `churn-train`. `None`: nothing is left, so that the name does not tell what the job does.
///
/// Names are unique, so each name of a series has a part that differs. A short number counts as that part only at the end of a name that has no
/// other: `nightly-41` → `nightly`, but `fold-1-20261124` → `fold-1`.
pub fn job_stem(name: &str) -> Option<String> {
    let pipeline = SHAPES.pipeline.captures(name);
    let mut rest = pipeline.as_ref().and_then(|found| found.get(1)).map_or(name, |step| step.as_str());
    let mut kept: Vec<String> = pipeline.iter().map(|_| "pipelines".to_owned()).collect();
    let mut is_unique = pipeline.is_some();
    while !rest.is_empty() {
        let part = rest.split('-').next().unwrap_or(rest);
        let (length, word) = if let Some(length) = generated(rest, part) {
            (length, String::new())
        } else if let Some(counter) = SHAPES.counter.captures(rest) {
            (counter[0].len(), counter[1].to_owned())
        } else {
            (part.len(), SHAPES.glued.replace_all(part, "").into_owned())
        };
        is_unique |= word != part;
        kept.extend(Some(word).filter(|word| !word.is_empty()));
        rest = rest[length..].trim_start_matches('-');
    }
    while !is_unique && kept.last().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        kept.pop();
    }
    Some(kept.join("-")).filter(|stem| !stem.is_empty())
}

/// Whether the name ends as those that the SageMaker Python SDK chooses.
pub fn is_named_by_sdk(name: &str) -> bool {
    SHAPES.sdk.is_match(name)
}

/// The length of what is generated at the beginning of the rest of a name. `part`: its first part.
fn generated(rest: &str, part: &str) -> Option<usize> {
    let shapes = [&SHAPES.uuid, &SHAPES.date, &SHAPES.number];
    let found = shapes.iter().find_map(|shape| shape.find(rest)).filter(|found| found.as_str().bytes().any(|byte| byte.is_ascii_digit()));
    if let Some(found) = found {
        return Some(found.len());
    }
    let has_digit = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let is_mixed = |text: &str| has_digit(text) || humps(text) > 1;
    if SHAPES.execution.captures(rest).is_some_and(|found| has_digit(&found[1]) && is_mixed(&found[2])) {
        return Some(rest.len());
    }
    (is_hex(part) || (!SHAPES.glued.is_match(part) && is_random(part)) || (part == rest && is_of_kubernetes(part))).then_some(part.len())
}

/// Whether it is a hexadecimal id, such as a commit's. Three letters or more before a number are a word: `decade2`.
fn is_hex(part: &str) -> bool {
    // `git describe` puts a `g` before the commit.
    let digits = part.strip_prefix('g').filter(|rest| 7 <= rest.len()).unwrap_or(part);
    let is_word = runs(digits).map(str::len).collect::<Vec<_>>();
    let is_word = is_word.len() == 2 && 3 <= is_word[0] && digits.starts_with(|first: char| first.is_ascii_alphabetic());
    6 <= digits.len() && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) && runs(digits).nth(1).is_some() && !is_word
}

fn is_of_kubernetes(part: &str) -> bool {
    let is_word = part.starts_with(|first: char| first.is_ascii_alphabetic()) && runs(part).count() == 2;
    SHAPES.kubernetes.is_match(part) && !is_word && !part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it looks like random letters and digits: `x7k2p9`, `cIpzShs3Qp`. Names of models are not: `resnet101`, `wav2vec2`, `ResNet50V2`. The more
/// often letters and digits change, the less else it takes.
fn is_random(part: &str) -> bool {
    let (length, changes) = (part.len(), runs(part).count().saturating_sub(1));
    let (words, others): (Vec<&str>, Vec<&str>) = runs(part).filter(|run| 3 <= run.len() && !is_number(run)).partition(|run| is_word(run));
    match changes {
        0 if is_number(part) => false,
        // A word in camel case has more letters than these.
        0 if 8 <= length && 2 * length <= 5 * humps(part) || 16 <= length && length <= 4 * humps(part) => true,
        0 => 6 <= length && !has_vowel(part) && words.is_empty(),
        // Letters and then a number, or the other way round: `resnet101`, `7b`.
        1 => false,
        2 => 8 <= length && !others.is_empty(),
        3 => 8 <= length && (!others.is_empty() || words.is_empty()),
        4 | 5 => 5 <= length && (!others.is_empty() || words.is_empty()),
        _ => 12 <= length || words.is_empty(),
    }
}

/// The id of the series that a job belongs to. `work`: what else tells which work it does, such as its image and its role. It counts if the name
/// does not tell it, and with a job of a pipeline, because pipelines have steps of the same name.
pub fn series_id(kind: Kind, job: &Resource, work: Option<&str>) -> String {
    let stem = job_stem(&job.name);
    let is_of_pipeline = SHAPES.pipeline.is_match(&job.name);
    let execution = || job.tags.read().and_then(|tags| PIPELINE_TAGS.iter().find_map(|key| tags.get(*key)));
    let pipeline = execution().filter(|_| is_of_pipeline).and_then(|arn| arn.split_once(":pipeline/")?.1.split('/').next());
    let beyond = pipeline.or(work).filter(|_| is_of_pipeline || stem.is_none());
    let name = match (stem, beyond) {
        (stem, Some(beyond)) => format!("{}~{beyond}", stem.unwrap_or_default()),
        (Some(stem), None) => stem,
        (None, None) => job.name.clone(),
    };
    Kind::JobSeries.id(&kind.id(&name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::vocabulary::resource::{Ownership, Tags};

    #[test]
    fn what_a_tool_generates_is_left_out() {
        let expected = [
            // The SageMaker Python SDK.
            ("churn-train-2026-11-24-09-10-00-123", "churn-train"),
            ("mnist-1795570200-cc7d", "mnist"),
            ("mnist-1795570200-1234", "mnist"),
            ("mnist-1795570200-cafe", "mnist"),
            ("churn-20261124091000", "churn"),
            // Dates and times.
            ("churn-train-20261124T091000Z", "churn-train"),
            ("transform-2026-11-25T01-30-00", "transform"),
            ("score-2026-11-25T01-30-00-1", "score"),
            ("scheduled--2026-11-25T00-00-00-00-00-score", "scheduled-score"),
            ("score-2026-11-25-01-30-00-123456", "score"),
            ("20261125-score", "score"),
            ("daily-20261125-0130-score", "daily-score"),
            ("daily-25-11-2026-score", "daily-score"),
            ("daily-26-11-25-score", "daily-score"),
            ("daily-25Nov2026", "daily"),
            ("daily-Wed-Nov-25-2026-score", "daily-score"),
            ("daily-2026-11-25-01h30m00s", "daily"),
            ("daily-2026-11-25-0130pm-utc", "daily"),
            ("weekly-2026-W48", "weekly"),
            ("monthly-2026-11-forecast", "monthly-forecast"),
            ("Canvas1712936374430", "Canvas"),
            ("train20261124", "train"),
            ("v20261124T0130-train", "v-train"),
            ("metaflow-1795570200123456-train", "metaflow-train"),
            // Hexadecimal ids.
            ("fraud-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "fraud"),
            ("3f2b8c1e-9a4d-face-8f6e-1a2b3c4d5e6f-fraud", "fraud"),
            ("12345678-9a4d-4c1b-8f6e-1a2b3c4d5e6f-fraud", "fraud"),
            ("a-long-name-of-a-team-and-its-model-3f2b8c1e-9a4d-4c1b-8f", "a-long-name-of-a-team-and-its-model"),
            ("xgb-9f86d081884c", "xgb"),
            ("9f86d08-train-xgb", "train-xgb"),
            ("xgb-v1-g9f86d08", "xgb-v1"),
            ("tuning-job-1-57d7f377bfe54b40b1", "tuning-job"),
            // Random letters and digits.
            ("churn-train-kytlemm1lvpq-cIpzShs3Qp-0", "churn-train"),
            ("churn-train-q2hj8vaeo1kd-TbWlqDyNzK", "churn-train"),
            ("train-x7k2p9-churn", "train-churn"),
            ("train-kytlemm1lvpq", "train"),
            ("train-cIpzShs3Qp-churn", "train-churn"),
            ("train-01HF8ZQ3J5V7W9X2Y4B6D8F0GK", "train"),
            ("train-aBcDeFgHiJ", "train"),
            ("xgb-bk7xq", "xgb"),
            ("xgb-wxzqv", "xgb"),
            ("TrainingJob-20261125013000-X7KQ", "TrainingJob"),
            // Counters.
            ("bert-base-uncased-0007", "bert-base-uncased"),
            ("nightly-41", "nightly"),
            ("build-4711-train", "build-train"),
            ("train-run42-churn", "train-run-churn"),
            ("part-00017-train", "part-train"),
            // Pipelines.
            ("pipelines-kytlemm1lvpq-TrainChurn-cIpzShs3Qp", "pipelines-TrainChurn"),
            ("pipelines-kytlemm1lvpq-train-churn-aBcDeFgHiJ", "pipelines-train-churn"),
            ("pipelines-kytlemm1lvp-Tune-cIpzS", "pipelines-Tune"),
        ];
        let found = expected.map(|(name, _)| (name, job_stem(name).unwrap_or_default()));
        let wrong: Vec<_> = found.iter().zip(expected).filter(|(found, expected)| found.1 != expected.1).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn what_tells_the_work_is_kept() {
        for name in [
            "train-resnet50",
            "train-resnet101",
            "bert-base-v2",
            "model-a",
            "model-b",
            "wav2vec2-large",
            "word2vec",
            "seq2seq",
            "yolov8n",
            "vgg16",
            "vgg16bn",
            "ResNet50V2",
            "Qwen2VL7B",
            "llama-3-8b",
            "llama-3-70b",
            "mixtral8x7b",
            "resnext50-32x4d",
            "efficientnetb0",
            "lightgbm4",
            "lstm128x2",
            "Llama3Instruct8B",
            "lightgbm4v2",
            "r2plus1d",
            "phi3mini128k",
            "gpt4o",
            "t5-small",
            "decade",
            "decade2",
            "facade",
            "MyTraining",
            "XGBoostDailyTrain",
            "transformers-MyTraining",
            "monitor-quality",
            "may-forecast",
            "marketing",
            "html5",
            "imagenet21k",
            "region-eu",
            "fp16",
            "DeBERTa",
            "march-madness",
            "bert-dec-layers12",
        ] {
            assert_eq!(job_stem(name).as_deref(), Some(name));
            for generated in ["20261124-091000", "2026-11-25T01-30-00-1", "3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f"] {
                assert_eq!(job_stem(&format!("{name}-{generated}")).as_deref(), Some(name), "{generated}");
                assert_eq!(job_stem(&format!("{generated}-{name}")).as_deref(), Some(name), "{generated}");
            }
        }
        // A number that is not needed to make the name unique belongs to the work.
        for (name, stem) in
            [("fold-1-20261124", "fold-1"), ("resnet-50-2026-11-24-09-10-00-123", "resnet-50"), ("20261124-fold-2", "fold-2")]
        {
            assert_eq!(job_stem(name).as_deref(), Some(stem), "{name}");
        }
    }

    #[test]
    fn the_sdk_names_jobs_in_three_ways() {
        for (name, is_of_sdk) in [
            ("kmeans-2018-01-31-14-07-29-021", true),
            ("huggingface-pytorch-training-2026-11-24-09-10-00-123", true),
            ("mnist-1795570200-cc7d", true),
            ("mnist-1795570200-0000", true),
            ("churn-20261124091000", true),
            ("kmeans-2018-01-31-14-07-29", false),
            ("kmeans-2018-13-31-14-07-29-021", false),
            ("kmeans-2018-01-31-14-07-29-021-spot", false),
            ("churn-20261124", false),
            ("churn-99991399091000", false),
            ("mnist-1795570200", false),
            ("mnist-1795570200-CC7D1", false),
            ("churn", false),
        ] {
            assert_eq!(is_named_by_sdk(name), is_of_sdk, "{name}");
        }
    }

    fn job(name: &str, tags: &[(&str, &str)]) -> Resource {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
        Resource { id: Kind::TrainingJob.id(name), name: name.into(), arn: None, tags: Tags::Known(tags), ownership: Ownership::default() }
    }

    #[test]
    fn a_name_that_tells_nothing_is_of_the_series_of_its_work() {
        let (one, other) = ("3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-25-01-30-00-123");
        for nothing in [one, other, "42", "x7k2p9", ""] {
            assert_eq!(job_stem(nothing), None, "{nothing}");
        }
        let id = |name: &str, work| series_id(Kind::TrainingJob, &job(name, &[]), work);
        assert_eq!(id(one, Some("churn role/ml")), id(other, Some("churn role/ml")));
        assert_ne!(id(one, Some("churn role/ml")), id(one, Some("fraud role/ml")));
        assert_ne!(id(one, None), id(other, None), "nothing is known of either");
        assert_eq!(id("churn-20261124", Some("any")), "job-series/training-job/churn");
    }

    #[test]
    fn steps_of_the_same_name_are_of_their_pipelines() {
        let of = |execution: &str, pipeline: &str| {
            let arn = format!("arn:aws:sagemaker:eu-central-1:123456789012:pipeline/{pipeline}/execution/{execution}");
            series_id(Kind::TrainingJob, &job(&format!("pipelines-{execution}-Train-cIpzShs3Qp"), &[(PIPELINE_TAGS[0], &arn)]), None)
        };
        assert_eq!(of("kytlemm1lvpq", "churn"), of("a8vq2kd0s1mz", "churn"));
        assert_ne!(of("kytlemm1lvpq", "churn"), of("kytlemm1lvpq", "fraud"));
    }

    proptest! {
        #[test]
        fn every_name_has_a_stem_of_its_own_parts(name in "[a-zA-Z0-9-]{0,63}") {
            let stem = job_stem(&name);
            prop_assert_eq!(&stem, &job_stem(&name));
            prop_assert!(stem.is_none_or(|stem| stem.len() <= name.len().max("pipelines".len())));
        }

        #[test]
        fn a_uuid_is_found_whatever_its_digits(uuid in "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}") {
            prop_assert_eq!(job_stem(&format!("fraud-{uuid}")), Some("fraud".to_owned()));
            prop_assert_eq!(job_stem(&format!("{uuid}-fraud-nn")), Some("fraud-nn".to_owned()));
        }
    }
}
