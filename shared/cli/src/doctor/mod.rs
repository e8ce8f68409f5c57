//! `doctor`: what would keep `scan` or a deployed guard from working, each with what to do about it. It changes nothing.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use clap::Args;
use cost_aws::caller::Caller;
use cost_rules::rulebook::Rulebook;
use jiff::Timestamp;

use self::checks::{Check, Health};
use crate::scan::{
    finders,
    found::Found,
    look::{Look, look},
};

mod checks;

/// The permissions that `scan`, `rehearse` and `doctor` need, as an IAM policy.
const PERMISSIONS: &str = include_str!("../../../../docs/scan-permissions.json");

/// The exit status if something would not work.
const PROBLEM: u8 = 1;

/// The options of `doctor`.
#[derive(Args)]
pub(crate) struct Doctor {
    /// The profile whose credentials are used. By default, those that the AWS CLI would use.
    #[arg(long)]
    profile: Option<String>,
    /// The Region. By default, that of the profile or the environment.
    #[arg(long)]
    region: Option<String>,
    /// The policy, a TOML file. By default, the built-in one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The topic of a deployed guard (the stack's output `TopicArn`): whether anybody would get its mails.
    #[arg(long, value_name = "ARN")]
    topic: Option<String>,
    /// Check as if it were this time, for example `2026-11-29T03:00:00Z`.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Only print the IAM policy with the permissions that `scan`, `rehearse` and `doctor` need.
    #[arg(long)]
    print_permissions: bool,
}

impl Doctor {
    /// Checks everything, prints it, and says by the exit status whether something would not work.
    pub(crate) fn run(&self) -> ExitCode {
        if self.print_permissions {
            crate::print(PERMISSIONS);
            return ExitCode::SUCCESS;
        }
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let checks = runtime.block_on(self.checks());
                crate::print(&checks.iter().map(Check::shown).collect::<String>());
                if checks.iter().any(|check| check.health == Health::Problem) { ExitCode::from(PROBLEM) } else { ExitCode::SUCCESS }
            }
            Err(error) => {
                crate::say_error(&error.into());
                ExitCode::from(PROBLEM)
            }
        }
    }

    async fn checks(&self) -> Vec<Check> {
        let rulebook = match &self.policy {
            Some(file) => crate::policy_of(file).map(|(_, rulebook)| rulebook),
            None => Rulebook::from_toml("").map_err(Into::into),
        };
        let policy = checks::policy(self.policy.as_deref(), &rulebook);
        let caller = match Caller::of(self.profile.as_deref(), self.region.as_deref()).await {
            Ok(caller) => caller,
            Err(error) => return vec![checks::no_credentials(&error), policy],
        };
        let mut all = vec![checks::credentials(&caller), checks::region(&caller.region), policy];
        match self.look(&caller, rulebook.is_ok()).await {
            Ok(found) => all.extend(checks::reading(&found)),
            Err(error) => all.push(Check::problem("reading", format!("{error:#}"), "try again")),
        }
        if let Ok(rulebook) = rulebook {
            let keys: BTreeSet<String> =
                rulebook.required_keys().into_iter().flatten().chain(rulebook.policy.team_tags.iter().take(1).cloned()).collect();
            all.push(checks::cost_allocation_tags(caller.cost_allocation_tags(keys.into_iter().collect()).await));
        }
        all.push(match &self.topic {
            Some(topic) => checks::topic(topic, caller.confirmed_subscriptions(topic).await),
            None => Check::unknown("mails", "whether anybody would get them: give the stack's output TopicArn as --topic"),
        });
        all
    }

    /// Reads all that the functions read. A policy that is wrong is left out.
    async fn look(&self, caller: &Caller, policy_is_usable: bool) -> anyhow::Result<Found> {
        look(&Look {
            caller,
            functions: finders().collect(),
            regions: vec![caller.region.clone()],
            policy: self.policy.clone().filter(|_| policy_is_usable),
            now: self.as_of.unwrap_or_else(Timestamp::now),
            tells_progress: false,
        })
        .await
    }
}
