//! AWS fails at one call of a run, or from one call on to its end: walked over every call of whole lives of findings. After clean runs nothing was done or mailed
//! twice, nothing was stopped unwarned, and nothing is lost.

use std::{sync::Mutex, thread};

use end_to_end::{
    Function, Guard,
    testing::{account_at, due, guard_of},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Fault, Mail, Simulator, What};

/// How many lives are lived at the same time.
const AT_ONCE: usize = 8;

/// A finding's life: what there is, and which runs look at it.
pub(super) struct Life {
    pub(super) estate: &'static str,
    pub(super) policy: &'static str,
    /// Each run: its function, how many minutes it is after the one before, and its event.
    pub(super) runs: Vec<(Function, i64, Value)>,
    /// Which of the runs are disturbed, one in each life. The others are clean.
    pub(super) disturbed: &'static [usize],
}

/// What happens to the calls of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// One call is refused.
    Refused,
    /// All calls from one on are refused.
    Outage,
    /// One call has its effect, but its answer is lost.
    LostAnswer,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Disturbance {
    run: usize,
    /// How many calls of the run succeed before it.
    after: u64,
    trouble: Trouble,
}

/// What happened in a life.
struct Lived {
    account: Simulator,
    /// How many calls each run made.
    calls: Vec<u64>,
}

impl Life {
    fn live(&self, disturbance: Option<Disturbance>) -> Lived {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let account = account_at("2026-11-23T18:05:00Z", self.estate);
        let mut guards: Vec<Guard> = vec![];
        let mut calls = vec![];
        for (index, (function, minutes, event)) in self.runs.iter().enumerate() {
            account.advance(SignedDuration::from_mins(*minutes));
            if let Some(Disturbance { after, trouble, .. }) = disturbance.filter(|one| one.run == index) {
                account.add_fault(match trouble {
                    Trouble::Refused => Fault::new("*", What::AccessDenied).after(after).times(1),
                    Trouble::Outage => Fault::new("*", What::AccessDenied).after(after),
                    Trouble::LostAnswer => Fault::new("*", What::LostAnswer(1)).after(after).times(1),
                });
            }
            if guards.iter().all(|guard| guard.function != *function) {
                guards.push(guard_of(*function, &account, self.policy));
            }
            let guard = guards.iter().find(|guard| guard.function == *function).unwrap();
            let before = account.call_log().len();
            // A run that could not read its policy fails, and did nothing.
            let _ = runtime.block_on(guard.wake(event.clone()));
            calls.push((account.call_log().len() - before) as u64);
            account.clear_faults();
        }
        Lived { account, calls }
    }

    /// Lives once for every call of the disturbed runs and every trouble. `wrong`: what is wrong with a life.
    pub(super) fn walk(&self, troubles: &[Trouble], wrong: impl Fn(&Simulator, Option<Disturbance>) -> Option<String> + Sync) {
        let clean = self.live(None);
        assert_eq!(wrong(&clean.account, None), None, "without any trouble");
        let all: Vec<Disturbance> = self
            .disturbed
            .iter()
            .flat_map(|&run| {
                (0..clean.calls[run])
                    .flat_map(move |after| troubles.iter().map(move |trouble| Disturbance { run, after, trouble: *trouble }))
            })
            .collect();
        assert!(10 < all.len(), "{all:?}");
        let found = Mutex::new(vec![]);
        thread::scope(|scope| {
            for part in 0..AT_ONCE {
                let (all, found, wrong) = (&all, &found, &wrong);
                scope.spawn(move || {
                    for one in all.iter().skip(part).step_by(AT_ONCE) {
                        let lived = self.live(Some(*one));
                        if let Some(wrong) = wrong(&lived.account, Some(*one)) {
                            let failed: Vec<String> =
                                lived.account.call_log().into_iter().filter(|call| call.error.is_some()).map(|call| call.call).collect();
                            found.lock().unwrap().push(format!("{one:?} ({}): {wrong}", failed.join(", ")));
                        }
                    }
                });
            }
        });
        let found = found.into_inner().unwrap();
        assert!(found.is_empty(), "{} of {} lives:\n{}", found.len(), all.len(), found.join("\n"));
    }
}

/// The mails to ann whose subject has these words.
fn mails_with(account: &Simulator, words: &str) -> Vec<Mail> {
    account.mails().into_iter().filter(|mail| mail.subject.contains(words) && mail.attributes["owner"].1 == "ann@example.com").collect()
}

/// The numbers of mails whose subject has one of these words, if they are not these.
///
/// One more is right after a mail if the ledger cannot be written then, or the answer to the mail is lost: whether it was mailed is not known, and nothing is
/// stopped unwarned.
pub(super) fn mailed_wrongly(account: &Simulator, expected: &[&[&str]], trouble: Option<Disturbance>) -> Option<String> {
    let log = account.call_log();
    let first_failed = log.iter().position(|call| call.error.is_some());
    let is_after_mail = |failed: usize| {
        let failed_call = &log[failed];
        let is_ledger = failed_call.call.starts_with("dynamodb:");
        let has_mailed = log[..failed].iter().any(|call| call.call == "sns:Publish" && call.at == failed_call.at);
        failed_call.call == "sns:Publish" && trouble.is_some_and(|one| one.trouble == Trouble::LostAnswer) || is_ledger && has_mailed
    };
    let most = if first_failed.is_some_and(is_after_mail) { 2 } else { 1 };
    let count = |words: &&[&str]| words.iter().map(|word| mails_with(account, word).len()).sum::<usize>();
    let wrong: Vec<_> = expected.iter().map(|words| (words, count(words))).filter(|(_, count)| *count < 1 || most < *count).collect();
    let subjects = || account.mails().into_iter().map(|mail| format!("{} {}", mail.at, mail.subject)).collect::<Vec<_>>().join(" | ");
    (!wrong.is_empty()).then(|| format!("{wrong:?}: {}", subjects()))
}

/// When something was first stopped.
fn first_stop(account: &Simulator) -> Option<Timestamp> {
    account.call_log().into_iter().find(|call| call.call.contains(":Stop") && call.error.is_none()).map(|call| call.at)
}

/// What is wrong with the warning before a stop.
fn unwarned(account: &Simulator, grace: i64) -> Option<String> {
    let stopped = first_stop(account)?;
    let is_in_time = |mail: &Mail| mail.at + SignedDuration::from_mins(grace) <= stopped;
    (!mails_with(account, "will be stopped").iter().any(is_in_time)).then(|| format!("stopped at {stopped} without a warning in time"))
}

/// The words of a subject that tells of a stop: of one that AWS has accepted, or of one that is over.
const STOPPED: &[&str] = &["is being stopped", "was stopped"];

pub(super) const ALL: [Trouble; 3] = [Trouble::Refused, Trouble::Outage, Trouble::LostAnswer];

fn every(function: Function, minutes: i64, count: usize) -> impl Iterator<Item = (Function, i64, Value)> {
    std::iter::repeat_n((function, minutes, Value::Null), count)
}

const NOTEBOOK: &str =
    "[[notebook]]\nname = \"churn\"\ninstance-type = \"ml.m5.xlarge\"\nsince = \"-8h\"\ntags = { Owner = \"ann@example.com\" }\n";

#[test]
fn a_notebook_is_warned_of_and_stopped_once_wherever_aws_fails() {
    let life = Life {
        estate: NOTEBOOK,
        policy: "timezone = \"Europe/Berlin\"\n[rules.notebook-off-hours]\nmode = \"enforce\"\ngrace = \"30m\"\n",
        runs: every(Function::NotebookStopper, 15, 7).collect(),
        disturbed: &[0, 2],
    };
    life.walk(&ALL, |account, trouble| {
        let is_running = account.notebook("churn").is_some_and(|one| one.status == "InService");
        let goes_on = is_running.then(|| "it is never stopped".to_owned());
        goes_on.or_else(|| unwarned(account, 30)).or_else(|| mailed_wrongly(account, &[&["will be stopped"], STOPPED], trouble))
    });
}

const JOB: &str = r#"
[[training-job]]
name = "churn"
instance-type = "ml.m5.xlarge"
max-runtime = "1d"
created = "-10m"
takes = "20h"
output = "s3://ml-company/output"
tags = { Owner = "ann@example.com" }
"#;

/// The event of the job's start, then what is due every 15 minutes, then the daily sweep.
fn of_job() -> Vec<(Function, i64, Value)> {
    let guard = Function::TrainingJobSpotEnforcer;
    let event = json!({"detail-type": "SageMaker Training Job State Change", "source": "aws.sagemaker", "region": "eu-central-1",
        "resources": ["arn:aws:sagemaker:eu-central-1:123456789012:training-job/churn"],
        "detail": {"TrainingJobName": "churn", "TrainingJobStatus": "InProgress"}});
    let due = std::iter::repeat_n((guard, 15, due()), 6);
    std::iter::once((guard, 1, event))
        .chain(due)
        .chain([(guard, 60, Value::Null), (guard, 15, self::due()), (guard, 15, self::due()), (guard, 15, self::due())])
        .collect()
}

#[test]
fn a_job_is_warned_of_and_stopped_once_wherever_aws_fails() {
    let life = Life {
        estate: JOB,
        policy: "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"\ngrace = \"10m\"\n",
        runs: of_job(),
        disturbed: &[0, 1],
    };
    life.walk(&ALL, |account, trouble| {
        let goes_on = (account.training_job("churn")?.status == "InProgress").then(|| "it is never stopped".to_owned());
        goes_on.or_else(|| unwarned(account, 10)).or_else(|| mailed_wrongly(account, &[&["will be stopped"], STOPPED], trouble))
    });
}

#[test]
fn a_job_is_resubmitted_once_and_its_work_goes_on_wherever_aws_fails() {
    let life = Life {
        estate: JOB,
        policy: "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"resubmit\"\ngrace = \"0s\"\n",
        runs: of_job(),
        disturbed: &[0],
    };
    life.walk(&ALL, |account, trouble| {
        let jobs: Vec<String> = account.training_jobs().into_iter().map(|job| format!("{} {}", job.name, job.status)).collect();
        let is_right = jobs == ["churn Stopped", "churn-spot InProgress"];
        let wrong = (!is_right).then(|| format!("{jobs:?}"));
        wrong.or_else(|| mailed_wrongly(account, &[&["was resubmitted as Spot"]], trouble))
    });
}

const UNTAGGED: &str = "[rules.untagged-spend]\nmode = \"off\"\n[rules.inactive-cost-allocation-tag]\nmode = \"off\"\n[rules.missing-tag]\nrequired = { CostCenter = \".+\" }\n";

#[test]
fn a_missing_tag_is_told_once_wherever_aws_fails() {
    let life = Life { estate: NOTEBOOK, policy: UNTAGGED, runs: every(Function::TagAuditor, 60, 3).collect(), disturbed: &[0] };
    life.walk(&[Trouble::Refused, Trouble::LostAnswer], |account, trouble| mailed_wrongly(account, &[&["untagged"]], trouble));
}

#[test]
fn what_waits_for_the_daily_mail_is_mailed_once_wherever_aws_fails() {
    let policy = format!("timezone = \"Europe/Berlin\"\n{UNTAGGED}[mail]\nreports = \"daily\"\n");
    let auditor = (Function::TagAuditor, 5, Value::Null);
    let life = Life {
        estate: NOTEBOOK,
        policy: policy.leak(),
        // It is found in the evening, and mailed in the morning.
        runs: [auditor.clone(), (Function::CostReporter, 14 * 60, Value::Null), (Function::TagAuditor, 60, Value::Null)]
            .into_iter()
            .chain(every(Function::CostReporter, 60, 2))
            .chain([(Function::CostReporter, 24 * 60, Value::Null), (Function::CostReporter, 60, Value::Null)])
            .collect(),
        disturbed: &[0, 1],
    };
    life.walk(&[Trouble::Refused, Trouble::LostAnswer], |account, trouble| mailed_wrongly(account, &[&["untagged"]], trouble));
}

/// The word for the daily mail and the record of it were two writes. The first one failed, and so did taking back the second: nobody was told for a week.
#[test]
fn what_could_not_be_left_for_the_daily_mail_is_left_by_the_next_run() {
    let policy = format!("timezone = \"Europe/Berlin\"\n{UNTAGGED}[mail]\nreports = \"daily\"\n");
    let auditor = (Function::TagAuditor, 5, Value::Null);
    let life = Life {
        estate: NOTEBOOK,
        policy: policy.leak(),
        runs: [auditor, (Function::TagAuditor, 60, Value::Null), (Function::CostReporter, 14 * 60, Value::Null)]
            .into_iter()
            .chain(every(Function::CostReporter, 60, 2))
            .collect(),
        disturbed: &[0],
    };
    life.walk(&ALL, |account, trouble| mailed_wrongly(account, &[&["untagged"]], trouble));
}

/// A run claimed the weekly summary, then could not claim the daily mail in it, and neither was ever sent.
#[test]
fn the_weekly_summary_is_mailed_once_wherever_aws_fails() {
    let policy = format!("timezone = \"Europe/Berlin\"\n{UNTAGGED}[mail]\nreports = \"daily\"\n");
    let auditor = (Function::TagAuditor, 5, Value::Null);
    let life = Life {
        estate: NOTEBOOK,
        policy: policy.leak(),
        // It is found on a Monday evening; a week later the summary has it.
        runs: std::iter::once(auditor)
            .chain([(Function::CostReporter, (6 * 24 + 14) * 60, Value::Null)])
            .chain(every(Function::CostReporter, 60, 3))
            .collect(),
        disturbed: &[1],
    };
    life.walk(&[Trouble::Refused, Trouble::LostAnswer], |account, trouble| mailed_wrongly(account, &[&[""]], trouble));
}

/// A run wrote the tags and could not mail it: the next one said that the model was stopped. Later nobody heard of the tags.
#[test]
fn tags_are_written_and_told_once_wherever_aws_fails() {
    let life = Life {
        estate: "[[model]]\nname = \"churn\"\ntags = { Owner = \"ann@example.com\", costcenter = \"AB1234\" }\n",
        policy: "[rules.untagged-spend]\nmode = \"off\"\n[rules.inactive-cost-allocation-tag]\nmode = \"off\"\n[rules.missing-tag]\nmode = \"enforce\"\nremedy = \"tag\"\nrequired = { CostCenter = \".+\" }\n",
        runs: every(Function::TagAuditor, 60, 3).collect(),
        disturbed: &[0],
    };
    life.walk(&ALL, |account, trouble| {
        let tags = account.tags_of("arn:aws:sagemaker:eu-central-1:123456789012:model/churn")?;
        let untagged = (tags.get("CostCenter").map(String::as_str) != Some("AB1234")).then(|| "it is never tagged".to_owned());
        let stopped = mails_with(account, "stopped").pop().map(|mail| mail.subject);
        untagged.or(stopped).or_else(|| mailed_wrongly(account, &[&["was tagged"]], trouble))
    });
}
