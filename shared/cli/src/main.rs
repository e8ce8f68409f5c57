//! `cost-guard`: checks and tests a policy offline, replays and proposes auto scaling, compares inference options, and prints the pages of the documentation that are generated from the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use cost_rules::{
    duration::Duration,
    events::Event,
    policy::{BudgetPolicy, Policy, PolicyError, WorkflowSigns, text_of},
    remedy::{SpotTerms, as_spot, new_name},
    report::CostReport,
    resource::Arn,
    rulebook::{MOST_ERRORS, Rulebook},
    rules::{self, rule::RemedyName},
    text::lines,
    time_zone::is_of_no_country,
    working_time::Calendar,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

mod cases;
mod doctor;
mod inference;
mod manual;
mod output;
mod reference;
mod rehearse;
mod rows;
mod savings_plan;
mod scaling;
mod scan;
mod traffic;

/// The command-line tools of the SageMaker cost guard.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a policy file: print its errors with their lines, or what the policy does.
    CheckPolicy {
        /// The policy, a TOML file.
        file: PathBuf,
    },
    /// Run a policy against small recorded resources with the outcome that its author expects. Exit status 0: all as expected, 1: some are not, 3: the policy or the cases are wrong.
    /// docs/policy-tests.md has more.
    Test(cases::Test),
    /// Print docs/rules.md, generated from the rules' own doc comments.
    RulesManual,
    /// Print docs/policy-reference.md: each key of the policy, with its type, default and meaning.
    PolicyReference,
    /// Print docs/policy.schema.json, the JSON Schema with which editors complete and check the policy.
    PolicySchema,
    /// Print docs/cost-report.schema.json, the JSON Schema of the cost report's `report.json`.
    ReportSchema,
    /// Print docs/events.schema.json, the JSON Schema of the guard's EventBridge events.
    EventSchema,
    /// Print docs/break-even.md: from where on another way of serving a model pays.
    BreakEven {
        /// Write its charts into this folder instead, as SVG.
        #[arg(long, value_name = "FOLDER")]
        charts: Option<PathBuf>,
    },
    /// Convert training jobs into Spot jobs: one or several outputs of `aws sagemaker describe-training-job …` on standard input become inputs of `aws
    /// sagemaker create-training-job --cli-input-json` on standard output, one per line. Every job is converted, whether or not the guard would resubmit it. A
    /// description has no tags: the new job gets those that you add to it as `Tags`.
    SpotDefinition {
        /// How much longer than its time limit the job may take, including the wait for Spot.
        #[arg(long, default_value = "12h")]
        wait: Duration,
        /// The S3 prefix for checkpoints of jobs that have none. By default, they are beside the job's output.
        #[arg(long)]
        checkpoints: Option<String>,
    },
    /// Replay an endpoint's traffic against an auto scaling setting: what it costs, and how many minutes are short. The model is in docs/scaling.md.
    ReplayScaling(scaling::ReplayScaling),
    /// Work out the cheapest auto scaling setting for an endpoint's traffic, and what it saves.
    ProposeScaling(scaling::ProposeScaling),
    /// Compare the ways of serving a model's requests: what each costs in a month, whether it can be used, and what callers notice. The model is in docs/inference-options.md.
    InferenceOptions(Box<inference::InferenceOptions>),
    /// Work out the best commitment of a SageMaker Savings Plan for some hours of usage: what it costs, what it saves, and how much of it nobody uses. The arithmetic is in docs/savings-plans.md.
    SavingsPlan(savings_plan::SavingsPlan),
    /// Look at an AWS account with your own credentials: what every rule finds, what it costs and what to do. It changes nothing and mails nobody. Exit status 0: nothing found, 1: something found, 2:
    /// something could not be read, 3: the policy is wrong. docs/scan.md has more.
    Scan(scan::Scan),
    /// Rehearse a policy on the last days: what it would have stopped, who would have been mailed, which stops would have been wrong, and what no history tells. It changes nothing and mails nobody. Exit
    /// status 0: nothing would have been stopped, 1: something would have been, 2: something could not be read, 3: the policy is wrong. docs/rehearse.md has more.
    Rehearse(rehearse::Rehearse),
    /// Check what would keep `scan` or a deployed guard from working: credentials, permissions, Cost Explorer, cost allocation tags, the policy, who gets the mails; each with what to do. It changes nothing.
    /// Exit status 0: nothing, 1: something.
    Doctor(doctor::Doctor),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::CheckPolicy { file } => check_policy(&file),
        Command::Test(asked) => return asked.run(),
        Command::RulesManual => manual::page().and_then(|text| say(&text)),
        Command::PolicyReference => reference::page().and_then(|text| say(&text)),
        Command::ReportSchema => say(&format!("{:#}\n", CostReport::schema())),
        Command::EventSchema => say(&format!("{:#}\n", Event::schema())),
        Command::PolicySchema => say(&format!("{:#}\n", Rulebook::schema())),
        Command::BreakEven { charts: None } => inference::break_even::page().and_then(|text| say(&text)),
        Command::BreakEven { charts: Some(folder) } => write_charts(&folder),
        Command::SpotDefinition { wait, checkpoints } => spot_definitions(wait, checkpoints.as_deref()),
        Command::ReplayScaling(asked) => asked.run().and_then(|text| say(&lines(&text))),
        Command::ProposeScaling(asked) => asked.run().and_then(|text| say(&lines(&text))),
        Command::InferenceOptions(asked) => asked.run().and_then(|text| say(&lines(&text))),
        Command::SavingsPlan(asked) => asked.run().and_then(|text| say(&lines(&text))),
        Command::Scan(asked) => return asked.run(),
        Command::Rehearse(asked) => return asked.run(),
        Command::Doctor(asked) => return asked.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say_error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints an answer whose texts others may have written.
fn print(text: &str) {
    if let Err(error) = say(&lines(text)) {
        say_error(&error);
    }
}

/// Writes to standard output. Who reads only its beginning (`… | head -1`) is no error.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("the answer could not be written"),
        _ => Ok(()),
    }
}

fn say_error(error: &anyhow::Error) {
    eprintln!("{}", lines(&format!("{error:#}")));
}

/// The text of a policy file, and its rules.
fn policy_of(file: &Path) -> anyhow::Result<(String, Rulebook)> {
    let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let text = text_of(text).map_err(|error| said(&[error], file))?;
    let rulebook = Rulebook::check(&text).map_err(|errors| said(&errors, file))?;
    Ok((text, rulebook))
}

fn check_policy(file: &Path) -> anyhow::Result<()> {
    let (text, rulebook) = policy_of(file)?;
    let mut says = vec![shown(&format!("{}: no errors.", file.display()))];
    says.extend(what_it_does(&rulebook, text.len()).iter().map(|line| format!("  {}", shown(line))));
    say(&(says.join("\n") + "\n"))
}

/// A line for a terminal. What others wrote into a policy, such as names of teams, stays text there.
fn shown(line: &str) -> String {
    lines(&line.replace(['\n', '\r'], " "))
}

/// What a policy does, one line for each setting. `bytes`: the length of its text.
fn what_it_does(rulebook: &Rulebook, bytes: usize) -> Vec<String> {
    let Rulebook { policy, .. } = rulebook;
    let mut says = vec![format!("time zone {}, working hours {}", policy.calendar.zone.iana_name().unwrap_or("UTC"), policy.hours)];
    if stops_by_utc(rulebook) {
        says.push(
            "off hours are enforced by the clock of UTC: set `timezone` to where people work, for example \"America/New_York\"".into(),
        );
    }
    if policy.exemption.max < Duration::days(1) {
        says.push(format!("owners' tags cost-guard:keep-until hold for {} at most: what they protect is stopped", policy.exemption.max));
    }
    says.extend(policy.team_hours.iter().map(|(team, hours)| format!("working hours of team {team}: {hours}")));
    says.extend(days_off(policy).into_iter().chain(own_workflows(policy)));
    says.push(format!("owners by the tags {}, teams by {}", policy.owner_tags.join(", "), policy.team_tags.join(", ")));
    if !policy.left.texts().is_empty() {
        says.push(format!("owners who have left: {}", policy.left.texts().join(", ")));
    }
    says.extend(rules::ALL.iter().map(|rule| format!("{:29} {}", rule.name, rulebook.words_of(rule.name))));
    if policy.creators.email_domain.is_none() && rulebook.uses_rule("missing-tag") {
        says.push(
            "[creators] has no `email-domain`: owners by CloudTrail are told by their names alone (`ann`), which no mail reaches".into(),
        );
    }
    if policy.mail.contact.is_none() {
        says.push("[mail] has no `contact`: mails do not say whom to ask".into());
    }
    says.extend(policy.budgets().iter().map(|budget| {
        let owner = policy.owner_by_section(budget).map_or_else(String::new, |owner| format!("; their mails have owner={owner}"));
        format!("budgets {budget}{owner}")
    }));
    says.extend(rulebook.exempts(Timestamp::now()).map(|(exempt, is_over)| {
        let over = if is_over { ": this is over, delete it" } else { "" };
        format!("exempt: {exempt}{over}")
    }));
    if rulebook.enforces() {
        let needs = |remedy, parameter| rulebook.enforces_by(remedy).then(|| format!(" and {parameter} = yes"));
        let besides = [needs(RemedyName::Resubmit, "AllowResubmission"), needs(RemedyName::Hibernate, "AllowHibernation")];
        let besides: String = besides.into_iter().flatten().collect();
        says.push(format!("What it enforces needs a deployment with AllowEnforcement = yes{besides}."));
    }
    if STANDARD_PARAMETER < bytes {
        says.push(format!("It has {bytes} bytes: a standard SSM parameter takes {STANDARD_PARAMETER}, an advanced one 8,192."));
    }
    says
}

/// Whether things are stopped after the working hours of UTC, which is where the policy that is shipped begins, and where nobody lives.
fn stops_by_utc(rulebook: &Rulebook) -> bool {
    let Policy { hours, calendar, .. } = &rulebook.policy;
    let enforces = |rule: &&str| {
        let by_budget = |budget: &BudgetPolicy| budget.on_exceed.is_some_and(|what| what.rules().contains(rule));
        rulebook.enforces_rule(rule) || rulebook.policy.budgets().iter().any(by_budget)
    };
    hours.zone(calendar).iana_name() == Some("UTC") && ["notebook-off-hours", "studio-app-off-hours"].iter().any(enforces)
}

/// The days on which nobody works, by where they apply: one line each.
fn days_off(policy: &Policy) -> Vec<String> {
    let line = |of: &str, calendar: &Calendar| {
        let days: Vec<String> = calendar.holidays.iter().map(ToString::to_string).collect();
        (!days.is_empty()).then(|| format!("holidays {of}: {}", days.join(", ")))
    };
    let Policy { calendar, calendars, .. } = policy;
    let own = line(&format!("in {}", calendar.zone.iana_name().unwrap_or("UTC")), calendar);
    let by_zone = calendars.by_zone.iter().filter_map(|(zone, calendar)| line(&format!("in {zone}"), calendar));
    let by_team = calendars.by_team.iter().filter_map(|(team, calendar)| line(&format!("of team {team}"), calendar));
    own.into_iter().chain(by_zone).chain(by_team).chain(of_no_country(policy)).collect()
}

/// The zones of the policy that are no country's, one line each.
fn of_no_country(policy: &Policy) -> impl Iterator<Item = String> {
    let Policy { calendar, hours, team_hours, .. } = policy;
    let zones = [&calendar.zone].into_iter().chain([hours].into_iter().chain(team_hours.values()).map(|hours| hours.zone(calendar)));
    let names: BTreeSet<&str> = zones.filter(|zone| is_of_no_country(zone)).filter_map(TimeZone::iana_name).collect();
    names.into_iter().map(|name| {
        format!(
            "time zone {name} is no country's: it has no holidays except those that the policy gives to {name} itself. If people work in one country, \
             write its zone, for example \"Europe/Berlin\""
        )
    })
}

/// The policy's own signs of workflows, and what it says is none, one line each.
fn own_workflows(policy: &Policy) -> Vec<String> {
    let WorkflowSigns { names, not_names, tags, not_tags } = &policy.workflows;
    let line = |(says, names, tags): (&str, &[String], &[String])| {
        let signs = [("named", names), ("with the tags", tags)];
        let signs: Vec<String> =
            signs.iter().filter(|(_, texts)| !texts.is_empty()).map(|(what, texts)| format!("{what} {}", texts.join(", "))).collect();
        (!signs.is_empty()).then(|| format!("{says}: {}", signs.join("; ")))
    };
    let lines = [
        ("jobs that your workflows wait for, beside those that AWS marks", names.texts(), tags.texts()),
        ("no sign that a workflow waits for a job, unless AWS marks it", not_names.texts(), not_tags.texts()),
    ];
    lines.into_iter().filter_map(line).collect()
}

/// All errors, one per line.
fn said(errors: &[PolicyError], file: &Path) -> anyhow::Error {
    let mut lines: Vec<String> = errors.iter().map(|error| format!("{}, {error}", file.display())).collect();
    match errors.len() {
        1 => {}
        MOST_ERRORS.. => lines.push(format!("These are the first {MOST_ERRORS} errors.")),
        number => lines.push(format!("{number} errors.")),
    }
    anyhow::anyhow!(lines.join("\n"))
}

/// The most bytes of a standard SSM parameter, which is free of charge (AWS: quotas of Systems Manager).
const STANDARD_PARAMETER: usize = 4096;

/// Prints the Spot definitions of the descriptions on standard input. A description may contain the job's tags as `Tags`, in the form of `ListTags`.
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
            let region = Arn::parse(&arn).map_or("<region>", |arn| arn.region);
            eprintln!(
                "{name}: without tags, because the description has none. They are here: aws sagemaker list-tags --region {region} --resource-arn {arn}"
            );
        }
        let resumes = described.get("CheckpointConfig").is_some_and(|checkpoints| !checkpoints.is_null());
        let terms = SpotTerms { name, wait, checkpoints: checkpoints.map(str::to_owned), resumes };
        let definition = as_spot(&described, &tags, &terms);
        say(&format!("{}\n", definition.map_err(|why| anyhow::anyhow!("description {}: {why}", number + 1))?))?;
        descriptions = number + 1;
    }
    anyhow::ensure!(0 < descriptions, "standard input is empty: give it what `aws sagemaker describe-training-job …` says");
    Ok(())
}

fn write_charts(folder: &Path) -> anyhow::Result<()> {
    for (name, svg) in inference::break_even::charts()? {
        let file = folder.join(format!("{name}.svg"));
        fs::write(&file, svg).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_in_docs_are_what_the_code_says() {
        let schema = format!("{:#}\n", Rulebook::schema());
        let pages = [
            ("rules.md", manual::page().unwrap()),
            ("policy-reference.md", reference::page().unwrap()),
            ("policy.schema.json", schema),
            ("cost-report.schema.json", format!("{:#}\n", CostReport::schema())),
            ("events.schema.json", format!("{:#}\n", Event::schema())),
            ("break-even.md", inference::break_even::page().unwrap()),
        ];
        let charts = inference::break_even::charts().unwrap().into_iter().map(|(name, svg)| (format!("images/{name}.svg"), svg));
        for (page, made) in pages.map(|(page, made)| (page.to_owned(), made)).into_iter().chain(charts) {
            let written = fs::read_to_string(format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"))).unwrap_or_default();
            assert!(written == made, "docs/{page} is stale: run `make docs`");
        }
    }

    #[test]
    fn the_shipped_policy_does_what_no_policy_does_and_fits_into_a_standard_parameter() {
        const SHIPPED: &str = include_str!("../../../infra/policy.toml");
        let (shipped, none) = (Rulebook::from_toml(SHIPPED).unwrap(), Rulebook::from_toml("").unwrap());
        for rule in rules::ALL {
            assert_eq!(shipped.words_of(rule.name).to_string(), none.words_of(rule.name).to_string(), "{}", rule.name);
        }
        // The limit of a standard parameter of SSM, with room for what people write into it.
        assert!(SHIPPED.len() <= 4000, "{} bytes", SHIPPED.len());
    }

    #[test]
    fn what_overrides_change_is_said_exactly() {
        let text = "[rules.notebook-off-hours]\nmode = \"off\"\n[[override]]\nmatch = { team = \"x\", tag.Env = \"dev*\" }\nrules.notebook-off-hours.mode = \"enforce\"";
        let rulebook = Rulebook::from_toml(text).unwrap();
        assert_eq!(rulebook.words_of("notebook-off-hours").to_string(), "off; enforce after 30m, at most 25 a run for Env=dev* and team x");
        assert_eq!(rulebook.words_of("notebook-always-on").to_string(), "report");
        assert_eq!(rulebook.words_of("notebook-idle").to_string(), "off", "it needs the idle agent");
        let named =
            Rulebook::from_toml("[rules.notebook-idle]\n[[override]]\nmatch = { team = \"x\" }\nrules.notebook-idle.mode = \"off\"")
                .unwrap();
        assert_eq!(named.words_of("notebook-idle").to_string(), "report; off for team x");
    }

    #[test]
    fn what_applies_is_said() {
        let lines = |text: &str| {
            let policy = Rulebook::from_toml(text).unwrap().policy;
            days_off(&policy).into_iter().chain(own_workflows(&policy)).collect::<Vec<_>>()
        };
        let text = "timezone = \"US/Eastern\"\n[workflows]\nnames = [\"kfp-*\", \"nightly-*\"]\ntags = [\"airflow*\"]\n[working-hours]\nholidays = [\"2026-11-26\"]\n\
            zone-holidays = { \"Asia/Bangkok\" = [\"2026-12-07\", 2026-12-10] }\nteam-holidays = { berlin = [\"2026-12-24\"], none = [] }";
        assert_eq!(
            lines(text),
            [
                "holidays in America/New_York: 2026-11-26",
                "holidays in Asia/Bangkok: 2026-12-07, 2026-12-10",
                "holidays of team berlin: 2026-12-24",
                "jobs that your workflows wait for, beside those that AWS marks: named kfp-*, nightly-*; with the tags airflow*",
            ]
        );
        assert_eq!(
            lines("[workflows]\ntags = [\"x\"]"),
            ["jobs that your workflows wait for, beside those that AWS marks: with the tags x"]
        );
        assert_eq!(
            lines("[workflows]\nnot-names = [\"kfp-test-*\"]\nnot-tags = [\"airflow-team\", \"ctm*\"]"),
            ["no sign that a workflow waits for a job, unless AWS marks it: named kfp-test-*; with the tags airflow-team, ctm*"]
        );
        assert!(lines("").is_empty());
        let zones = "timezone = \"Europe/Berlin\"\n[working-hours]\ndefault = \"mon-fri/08:00-19:00@EET\"\n\
                     teams = { lisbon = \"mon-fri/08:00-19:00@WET\", porto = \"mon-fri/09:00-19:00@WET\", oslo = \"always@Europe/Oslo\" }";
        let said = lines(zones);
        let starts: Vec<&str> = said.iter().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(starts, ["time zone EET is no country's", "time zone WET is no country's"]);
        assert!(lines("timezone = \"CET\"")[0].starts_with("time zone CET is no country's"));
    }

    /// A policy may be pasted from anywhere: its texts steer no terminal, and hide nothing.
    #[test]
    fn what_is_said_of_a_policy_stays_text() {
        const TEXT: &str = "x\\u001b]31m\\u202e\\n\\u0007\\u200by";
        let is_seen = |line: &str| !line.contains(['\u{1b}', '\u{202e}', '\n', '\u{7}', '\u{200b}']);
        let policy = format!(
            "owner-tags = [\"{TEXT}\"]\nteam-tags = [\"{TEXT}\"]\n[working-hours]\nteams = {{ \"{TEXT}\" = \"always\" }}\n\
             team-holidays = {{ \"{TEXT}\" = [\"2026-12-24\"] }}\n[ownership]\nleft = [\"left {TEXT}\"]\n\
             [rules.missing-tag]\nrequired = {{ Team = [\"nlp\"] }}\n[[budget]]\nname = \"{TEXT}\"\nowner = \"{TEXT}\"\nteam = \"{TEXT}\"\n\
             [[override]]\nmatch = {{ team = \"{TEXT}\" }}\nrules.notebook-idle.mode = \"off\"\n\
             [[exempt]]\nmatch = {{ kind = \"budget\", name = \"{TEXT}\" }}\nuntil = \"2026-12-31\"\nreason = \"{TEXT}\"\n"
        );
        let rulebook = Rulebook::check(&policy).unwrap();
        let says: Vec<String> = what_it_does(&rulebook, policy.len()).iter().map(|line| shown(line)).collect();
        assert!(5 < says.iter().filter(|line| line.contains("]31m")).count(), "{says:#?}");
        assert!(says.iter().all(|line| is_seen(line)), "{says:#?}");
        for wrong in [
            format!("\"{TEXT}\" = 1"),
            format!("timezone = \"{TEXT}\""),
            format!("[rules.\"{TEXT}\"]\nmode = \"off\""),
            format!("[working-hours]\ndefault = \"{TEXT}\""),
            format!("[[override]]\nmatch = {{ kind = \"{TEXT}\" }}"),
            format!("[[exempt]]\nmatch = {{ name = \"{TEXT}\" }}\nuntil = \"2026-12-31\"\nreason = \"x\""),
            format!("[rules.missing-tag]\nrequired = {{ \"{TEXT}\" = \"(\" }}"),
            format!("[workflows]\nnames = [\"{TEXT}\"]"),
            "timezone = \"\u{1b}[31m\"".to_owned(),
        ] {
            let errors = Rulebook::check(&wrong).err().unwrap();
            assert!(errors.iter().all(|error| is_seen(&error.to_string())), "{errors:?}");
        }
    }

    #[test]
    fn hours_of_utc_are_pointed_out_where_they_stop_people() {
        let enforced = "[rules.notebook-off-hours]\nmode = \"enforce\"\n";
        let budget = "[[budget]]\nname = \"*\"\non-exceed = \"enforce-off-hours\"\n";
        let hours = "[working-hours]\ndefault = \"mon-fri/08:00-19:00@Asia/Tokyo\"\n";
        for (text, is_said) in [
            (enforced.to_owned(), true),
            (format!("timezone = \"Etc/UTC\"\n{enforced}"), true),
            (budget.to_owned(), true),
            (format!("timezone = \"Europe/Berlin\"\n{enforced}"), false),
            (format!("{hours}{enforced}"), false),
            ("[working-hours]\ndefault = \"always\"\n".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(stops_by_utc(&Rulebook::from_toml(&text).unwrap()), is_said, "{text}");
        }
    }

    #[test]
    fn the_shipped_policy_is_valid_and_enforces_nothing() {
        let policy = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/policy.toml")).unwrap();
        assert!(!Rulebook::from_toml(&policy).unwrap().enforces());
    }

    #[test]
    fn the_examples_are_valid_and_each_enforces_something() {
        let folder = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples")).unwrap();
        let files = folder.map(|file| file.unwrap().path()).filter(|file| !file.to_string_lossy().ends_with(".cases.toml"));
        let files: Vec<_> = files.collect();
        assert_eq!(files.len(), 4);
        for file in files {
            let rulebook = Rulebook::from_toml(&fs::read_to_string(&file).unwrap());
            assert!(rulebook.unwrap_or_else(|error| panic!("{}: {error}", file.display())).enforces());
        }
    }
}
