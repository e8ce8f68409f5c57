//! Series of jobs: jobs that do the same work and whose names differ by a time, a number or a random id.

use crate::vocabulary::{
    generated::{SHAPES, generated, is_of_kubernetes, may_be_random},
    letters::is_number,
    random_words::{are_random, may_be_before_number},
    resource::{Kind, Resource},
};

/// Tags that SageMaker Pipelines adds to what it starts. Their values are the ARN of the execution (name not documented: aws-facts §2.3).
pub const PIPELINE_TAGS: [&str; 2] = ["sagemaker:pipeline-execution-arn", "aws:sagemaker:pipeline-execution-arn"];

/// A part of a job's name.
enum Part {
    /// It tells what the job does. What a tool generated within it is left out.
    Work(String),
    /// A tool generated it.
    Generated,
    /// It tells what the job does, unless nothing else makes the name unique.
    Either(String),
    /// It tells what the job does, and has a number that may be a counter. The second text is without it.
    Numbered(String, String),
    /// The end of the name. It may be a short random id.
    MaybeRandom(String),
}

/// A job's name without what a tool generates anew for each job: times, numbers and random ids, wherever they stand.
/// `churn-train-2026-11-24-09-10-00-123` → `churn-train`. `None`: nothing is left, so that the name does not tell what the job does.
///
/// Names are unique, so each name of a series has a part that differs. A number, or letters that may be an acronym, count as that part only in a name that
/// has no other: `nightly-41` → `nightly`, but `fold-1-20261124` → `fold-1`, and `customer-10001-20261124` → `customer-10001`.
///
/// One name does not tell whether its only number is a counter (`nightly-41`) or the work (`gpt-2`, `lr-001`, `customer-10001-train`). It counts as a counter:
/// then the owner hears of one of these jobs and not of each, while a nightly job that is not known as one mails its owner every night. Acronyms
/// (`pharm-nsclc`) are the work: nothing tells them from what people write.
pub fn job_stem(name: &str) -> Option<String> {
    Stem::of(name).name
}

/// What is left of a job's name.
struct Stem {
    /// [`job_stem`]
    name: Option<String>,
    /// The name with what was left out in doubt: random words (`train-gentle-fox` → `train`), or what may be a short random id (`score-d5de` → `score`). A person
    /// may have written it, so the name alone does not make a series. `None`: nothing was left out in doubt.
    in_doubt: Option<String>,
}

impl Stem {
    fn of(name: &str) -> Self {
        let pipeline = SHAPES.pipeline.captures(name);
        let mut rest = pipeline.as_ref().and_then(|found| found.get(1)).map_or(name, |step| step.as_str());
        let mut parts = vec![];
        let mut is_unique = pipeline.is_some();
        let mut before = "";
        while !rest.is_empty() {
            let (length, part) = next(rest, before);
            is_unique |= matches!(&part, Part::Generated) || matches!(&part, Part::Work(word) if *word != rest[..length]);
            parts.push(part);
            before = &rest[..length];
            rest = rest[length..].trim_start_matches('-');
        }
        let may_end_in_id = match &parts[..] {
            [.., Part::Generated, Part::MaybeRandom(_)] => true,
            [.., Part::MaybeRandom(_)] => !is_unique,
            _ => false,
        };
        let mut kept: Vec<String> = pipeline.iter().map(|_| "pipelines".to_owned()).collect();
        let is_numbered = keep(&mut kept, parts, is_unique);
        let named = kept.len();
        while !is_numbered && kept.last().is_some_and(|last| is_number(last)) {
            kept.pop();
        }
        let has_number = kept.len() < named;
        let whole = kept.join("-");
        let words = random_words(&kept, has_number).filter(|_| !is_unique);
        if let Some(at) = words {
            kept.drain(at..at + 2);
        } else if may_end_in_id {
            kept.pop();
        }
        let is_in_doubt = words.is_some() || may_end_in_id;
        Self { name: Some(kept.join("-")).filter(|stem| !stem.is_empty()), in_doubt: is_in_doubt.then_some(whole) }
    }
}

/// Where in the parts of a name two words begin that a tool may have chosen. `has_number`: a number is behind them.
fn random_words(kept: &[String], has_number: bool) -> Option<usize> {
    let certain = kept.windows(2).position(|pair| are_random(&pair[0], &pair[1]));
    let before_number = || match kept {
        [.., first, second] if has_number && may_be_before_number(first, second) => Some(kept.len() - 2),
        _ => None,
    };
    certain.or_else(before_number)
}

/// Keeps the parts that tell the work. `is_unique`: something else makes the name unique. Returns whether a number that may be a counter was left out or is not
/// needed.
fn keep(kept: &mut Vec<String>, parts: Vec<Part>, is_unique: bool) -> bool {
    // Two long numbers are those of a run and of its task.
    let counters = parts.iter().filter(|part| matches!(part, Part::Work(word) | Part::Either(word) if is_counter(word))).count();
    let is_in_doubt = |word: &str| 2 <= counters && is_counter(word);
    let mut is_numbered = is_unique;
    for part in parts {
        match part {
            Part::Work(word) if is_unique || !is_in_doubt(&word) => kept.extend(Some(word).filter(|word| !word.is_empty())),
            Part::Either(word) if is_unique => kept.push(word),
            Part::MaybeRandom(word) => kept.push(word),
            Part::Numbered(whole, _) if is_unique => kept.push(whole),
            Part::Numbered(_, word) => {
                kept.push(word);
                is_numbered = true;
            }
            Part::Work(_) | Part::Either(_) => is_numbered = true,
            Part::Generated => {}
        }
    }
    is_numbered
}

/// Whether it is a number that may be a counter wherever it stands.
fn is_counter(word: &str) -> bool {
    4 <= word.len() && is_number(word)
}

/// The next part of a name, and its length. `rest`: the name from there on; `before`: the part before it.
fn next(rest: &str, before: &str) -> (usize, Part) {
    let part = rest.split('-').next().unwrap_or(rest);
    if let Some(length) = generated(rest, part) {
        let behind = SHAPES.behind.find(&rest[length..]).map_or(0, |number| number.len());
        return (length + behind, Part::Generated);
    }
    if let Some(counter) = SHAPES.counter.captures(rest) {
        return (counter[0].len(), Part::Work(counter[1].to_owned()));
    }
    if let Some(numbered) = SHAPES.numbered.captures(rest) {
        return (part.len(), Part::Numbered(part.to_owned(), numbered[1].to_owned()));
    }
    if let Some(number) = SHAPES.number.find(rest) {
        let number = number.as_str().trim_end_matches('-');
        return (number.len(), Part::Either(number.to_owned()));
    }
    let work = SHAPES.glued.replace_all(part, "");
    let part_of = match part == rest {
        true if is_of_kubernetes(part, before) => Part::Either(part.to_owned()),
        true if work == part && may_be_random(part) => Part::MaybeRandom(part.to_owned()),
        _ => Part::Work(work.into_owned()),
    };
    (part.len(), part_of)
}

/// Whether a tool made the name anew: a time or a random id is in it. A number alone may be a person's.
pub fn is_made_anew(name: &str) -> bool {
    let mut rest = name;
    while !rest.is_empty() {
        let (length, part) = next(rest, "");
        if matches!(part, Part::Generated) {
            return true;
        }
        rest = rest[length..].trim_start_matches('-');
    }
    is_of_pipeline(name)
}

/// Whether a name begins with a number, a time or a random id.
pub(crate) fn begins_with_id(name: &str) -> bool {
    let part = name.split('-').next().unwrap_or(name);
    (!part.is_empty() && is_number(part)) || (!name.is_empty() && matches!(next(name, "").1, Part::Generated))
}

/// Whether SageMaker Pipelines chose the name: with the id of the execution, the step and a random end.
pub(crate) fn is_of_pipeline(name: &str) -> bool {
    SHAPES.pipeline.is_match(name)
}

/// Whether the name begins as those that jobs of Clarify and of Inference Recommender give to the endpoints that they make for themselves (aws-facts §2.4).
pub fn is_made_for_a_job(name: &str) -> bool {
    ["sm-clarify-", "sm-epc-"].iter().any(|beginning| name.starts_with(beginning))
}

/// Whether the name ends as those that the SageMaker Python SDK chooses.
pub fn is_named_by_sdk(name: &str) -> bool {
    SHAPES.sdk.is_match(name)
}

/// The name without the time that the SageMaker Python SDK puts behind it.
pub(crate) fn without_end_of_sdk(name: &str) -> &str {
    SHAPES.sdk.find(name).map_or(name, |end| &name[..end.start()])
}

/// The id of the series that a job belongs to. `work`: what else tells which work it does, such as its image and its role. It counts if the name
/// does not tell it for certain, or has no word (`f7wkqzprnbgm5xhvdcts-n0-0` of Flyte), and with a job of a pipeline, because pipelines have steps of the same
/// name.
pub fn series_id(kind: Kind, job: &Resource, work: Option<&str>) -> String {
    let Stem { name: stem, in_doubt } = Stem::of(&job.name);
    let is_of_pipeline = is_of_pipeline(&job.name);
    let execution = || job.tags.read().and_then(|tags| PIPELINE_TAGS.iter().find_map(|key| tags.get(*key)));
    let pipeline = execution().filter(|_| is_of_pipeline).and_then(|arn| arn.split_once(":pipeline/")?.1.split('/').next());
    let tells_work = stem.as_ref().is_some_and(|stem| stem.split(|c: char| !c.is_ascii_alphabetic()).any(|word| 3 <= word.len()));
    let beyond = pipeline.or(work).filter(|_| is_of_pipeline || in_doubt.is_some() || !tells_work);
    let name = match (stem, beyond) {
        (_, None) if in_doubt.is_some() => in_doubt.unwrap_or_default(),
        (stem, Some(beyond)) => format!("{}~{beyond}", stem.unwrap_or_default()),
        (Some(stem), None) => stem,
        (None, None) => job.name.clone(),
    };
    Kind::JobSeries.id(&kind.id(&name))
}

#[cfg(test)]
mod tests;
