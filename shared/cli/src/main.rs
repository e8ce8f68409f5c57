//! `cost-guard`: checks a policy offline, and prints the rules' manual.
#![expect(clippy::print_stdout, reason = "a command-line tool answers on standard output")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use cost_rules::{
    duration::Duration,
    remedy::{SpotTerms, as_spot, new_name},
    rulebook::Rulebook,
    rules::{self, rule::RemedyName},
};
use serde_json::Value;

/// What people use of the SageMaker cost guard on their own machine.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a policy file: the first error with its line, or what the policy does.
    CheckPolicy {
        /// The policy, a TOML file.
        file: PathBuf,
    },
    /// Print docs/rules.md, made of the rules' own doc comments.
    RulesManual,
    /// Make of a training job what it would be as Spot: `aws sagemaker describe-training-job …` on standard input (one or several), the input of
    /// `aws sagemaker create-training-job --cli-input-json` on standard output, one per line. It makes one of every job, whether or not the guard would
    /// resubmit that one. AWS describes a job without its tags: the new one has those that you put into the description as `Tags`.
    SpotDefinition {
        /// How much longer than its time limit it may take, waiting for Spot included.
        #[arg(long, default_value = "12h")]
        wait: Duration,
        /// The S3 prefix for its checkpoints, where it has none; without it they lie beside its output.
        #[arg(long)]
        checkpoints: Option<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::CheckPolicy { file } => check_policy(&file),
        Command::RulesManual => manual().map(|text| print!("{text}")),
        Command::SpotDefinition { wait, checkpoints } => spot_definitions(wait, checkpoints.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn check_policy(file: &PathBuf) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let rulebook = Rulebook::from_toml(&text).map_err(|error| anyhow::anyhow!("{}, {error}", file.display()))?;
    println!("{}: no errors.", file.display());
    println!("  time zone {}, working hours {}", rulebook.policy.calendar.zone.iana_name().unwrap_or("UTC"), rulebook.policy.hours);
    for (team, hours) in &rulebook.policy.team_hours {
        println!("  working hours of team {team}: {hours}");
    }
    println!("  owners by the tags {}, teams by {}", rulebook.policy.owner_tags.join(", "), rulebook.policy.team_tags.join(", "));
    for rule in rules::ALL {
        println!("  {:29} {}", rule.name, rulebook.words_of(rule.name));
    }
    if rulebook.policy.creators.email_domain.is_none() && rulebook.uses_rule("missing-tag") {
        println!("  [creators] has no `email-domain`: owners by CloudTrail are told by their names alone (`ann`), which no mail reaches");
    }
    for budget in rulebook.policy.budgets() {
        println!("  budgets {budget}");
    }
    if rulebook.enforces() {
        let resubmission = if rulebook.enforces_by(RemedyName::Resubmit) { " and AllowResubmission = yes" } else { "" };
        println!("  What it enforces needs a deployment with AllowEnforcement = yes{resubmission}.");
    }
    if STANDARD_PARAMETER < text.len() {
        println!("  It has {} bytes: a standard SSM parameter takes {STANDARD_PARAMETER}, an advanced one 8,192.", text.len());
    }
    Ok(())
}

/// The most bytes of an SSM parameter that costs nothing (AWS: quotas of Systems Manager).
const STANDARD_PARAMETER: usize = 4096;

/// A description may have the job's tags with it, as `ListTags` gives them: `Tags`.
fn spot_definitions(wait: Duration, checkpoints: Option<&str>) -> anyhow::Result<()> {
    let mut descriptions = 0;
    for (number, described) in serde_json::Deserializer::from_reader(io::stdin().lock()).into_iter::<Value>().enumerate() {
        let described = described.with_context(|| format!("description {} is no JSON", number + 1))?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let given = described.get("Tags").and_then(Value::as_array).into_iter().flatten();
        let tags: BTreeMap<String, String> = given.filter_map(|tag| text(tag, "Key").zip(text(tag, "Value"))).collect();
        let name = new_name(&text(&described, "TrainingJobName").unwrap_or_default(), None);
        if tags.is_empty() {
            let arn = text(&described, "TrainingJobArn").unwrap_or_else(|| "<its ARN>".to_owned());
            eprintln!(
                "{name}: without tags, because the description has none. They are here: aws sagemaker list-tags --resource-arn {arn}"
            );
        }
        let resumes = described.get("CheckpointConfig").is_some_and(|checkpoints| !checkpoints.is_null());
        let terms = SpotTerms { name, wait, checkpoints: checkpoints.map(str::to_owned), resumes };
        let definition = as_spot(&described, &tags, &terms);
        println!("{}", definition.map_err(|why| anyhow::anyhow!("description {}: {why}", number + 1))?);
        descriptions = number + 1;
    }
    anyhow::ensure!(0 < descriptions, "standard input is empty: give it what `aws sagemaker describe-training-job …` says");
    Ok(())
}

/// The manual: each rule's doc comment with the table of its settings and their defaults.
fn manual() -> anyhow::Result<String> {
    let mut text = String::from(
        "<!-- Made by `make docs` from the doc comments in shared/rules/src/rules. A test fails when it is stale. -->\n\
         # The rules\n\n\
         Each rule has a section `[rules.<name>]` in the policy. Beside its own settings below it has these:\n\n\
         | setting | default | meaning |\n|---|---|---|\n\
         | `mode` | `\"report\"` | `\"report\"`: mail the owner · `\"enforce\"`: warn, then act · `\"off\"` |\n\
         | `grace` | `\"30m\"` (`\"5m\"`: `training-on-demand`; `\"4h\"`: `stoppable-over-budget`; `\"3d\"`: `missing-tag`, `invalid-tag-value`) | from the warning to the action; `\"0s\"` acts without one |\n\
         | `remind-after` | the policy's (`\"7d\"`); `\"30d\"`: `budget-unhealthy`, `no-budget`; of thresholds and spikes never | until an open finding is mailed again |\n\
         | `escalate-after` | never (`\"14d\"`: `missing-tag`, `invalid-tag-value`) | until a finding that is still open is mailed once more, as a warning and for its team |\n\
         | `max-actions` | the policy's (`25`) | the most actions in one run; the rest is held back for the next |\n",
    );
    for rule in rules::ALL {
        let path = file_of(rule.name)?;
        let source = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        text.push('\n');
        for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
            // One level down: the manual has one title.
            let line = line.strip_prefix(' ').unwrap_or(line);
            let deeper = if line.starts_with('#') { "#" } else { "" };
            writeln!(text, "{deeper}{line}")?;
        }
        let defaults = (rule.defaults)();
        if defaults.is_empty() {
            text += "None of its own.\n";
            continue;
        }
        text += "| setting | default | meaning |\n|---|---|---|\n";
        for (name, value) in defaults {
            let value = value.to_string();
            let meaning = field_doc(&source, &name).with_context(|| format!("{}: `{name}` has no doc comment", path.display()))?;
            writeln!(text, "| `{name}` | `{value}` | {meaning} |")?;
        }
    }
    Ok(text)
}

/// A rule's file: in the folder of its area, or above them.
fn file_of(rule: &str) -> anyhow::Result<PathBuf> {
    let rules = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/src/rules"));
    let file = format!("{}.rs", rule.replace('-', "_"));
    let areas = fs::read_dir(rules).with_context(|| format!("{} cannot be read", rules.display()))?;
    let mut places = areas.filter_map(|area| Some(area.ok()?.path().join(&file))).chain([rules.join(&file)]);
    places.find(|path| path.is_file()).with_context(|| format!("no {file} under {}", rules.display()))
}

/// The doc comment above a field of the rule's struct, on one line.
fn field_doc(source: &str, setting: &str) -> Option<String> {
    let field = format!("    {}: ", setting.replace('-', "_"));
    let lines: Vec<&str> = source.lines().collect();
    let at = lines.iter().position(|line| line.starts_with(&field))?;
    let mut doc: Vec<&str> = lines[..at].iter().rev().map_while(|line| line.trim_start().strip_prefix("///")).map(str::trim).collect();
    doc.reverse();
    (!doc.is_empty()).then(|| doc.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_in_docs_is_what_the_rules_say() {
        let written = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md")).unwrap_or_default();
        assert!(written == manual().unwrap(), "docs/rules.md is stale: run `make docs`");
    }

    #[test]
    fn every_rule_has_the_headings_of_the_manual() {
        let manual = manual().unwrap();
        for rule in rules::ALL {
            let section =
                manual.split(&format!("\n## {}\n", rule.name)).nth(1).unwrap_or_else(|| panic!("{} has no `# {}`", rule.name, rule.name));
            let section = section.split("\n## ").next().unwrap();
            for heading in ["### What it finds", "### Why it costs money", "### What happens, and what is lost", "### Settings"] {
                assert!(section.contains(heading), "{}: {heading} is missing", rule.name);
            }
        }
    }

    #[test]
    fn what_overrides_change_is_said_exactly() {
        let text = "[rules.notebook-off-hours]\nmode = \"off\"\n[[override]]\nmatch = { team = \"x\", tag.Env = \"dev*\" }\nrules.notebook-off-hours.mode = \"enforce\"";
        let rulebook = Rulebook::from_toml(text).unwrap();
        assert_eq!(rulebook.words_of("notebook-off-hours").to_string(), "off; enforce after 30m, at most 25 a run for Env=dev* and team x");
        assert_eq!(rulebook.words_of("notebook-idle").to_string(), "report");
    }

    #[test]
    fn the_shipped_policy_is_valid_and_enforces_nothing() {
        let policy = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/policy.toml")).unwrap();
        assert!(!Rulebook::from_toml(&policy).unwrap().enforces());
    }
}
