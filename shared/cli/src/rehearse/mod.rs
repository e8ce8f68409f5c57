//! `rehearse`: what a policy would have done over the last days, from CloudTrail's and CloudWatch's history. It changes nothing and mails nobody.

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use cost_aws::{
    caller::Caller,
    gather::past::{self, CLOUDTRAIL_KEEPS, Days},
};
use cost_rules::{facts::Unread, rehearsal::rehearse, rulebook::Rulebook, text::lines};
use jiff::{SignedDuration, Timestamp};

use self::shown::Rehearsed;
use crate::scan::found::{CLOSED_REGION, is_closed_region};

mod shown;

/// The options of `rehearse`.
#[derive(Args)]
pub(crate) struct Rehearse {
    /// The policy, a TOML file.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Over how many days: CloudTrail keeps 90.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=90))]
    days: u16,
    /// The profile whose credentials are used. By default, those that the AWS CLI would use.
    #[arg(long)]
    profile: Option<String>,
    /// The Region. By default, that of the profile or the environment.
    #[arg(long)]
    region: Option<String>,
    /// How the rehearsal is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Rehearse as if it were this time, for example `2026-11-29T03:00:00Z`. The resources and their tags are those of now.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// What time it is, in a simulated account.
    #[arg(long, value_name = "TIME", hide = true)]
    clock: Option<Timestamp>,
}

/// How a rehearsal is printed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// For tickets and wikis.
    Markdown,
}

/// The exit statuses, as those of `scan`.
const STOPS: u8 = 1;
const NOT_ALL_READ: u8 = 2;
const POLICY_WRONG: u8 = 3;

impl Rehearse {
    /// Rehearses, prints it, and says by the exit status how it went.
    pub(crate) fn run(&self) -> ExitCode {
        let rulebook = match crate::policy_of(&self.policy) {
            Ok((_, rulebook)) => rulebook,
            Err(error) => {
                crate::say_error(&error);
                return ExitCode::from(POLICY_WRONG);
            }
        };
        let runtime = listen_to_ctrl_c()
            .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build().context("no asynchronous runtime"));
        let rehearsed = runtime.and_then(|runtime| runtime.block_on(self.rehearsed(&rulebook)));
        match rehearsed.and_then(|rehearsed| Ok((self.written(&rehearsed)?, rehearsed))) {
            Ok((text, rehearsed)) => {
                crate::print(&text);
                // A table of stops has no place for what is not known.
                if self.format == Format::Csv {
                    eprint!("{}", lines(&shown::not_known(&rehearsed)));
                }
                ExitCode::from(status(&rehearsed))
            }
            Err(error) => {
                crate::say_error(&error);
                ExitCode::from(NOT_ALL_READ)
            }
        }
    }

    async fn rehearsed(&self, rulebook: &Rulebook) -> anyhow::Result<Rehearsed> {
        let days = self.days()?;
        let caller = Caller::of(self.profile.as_deref(), self.region.as_deref()).await?;
        let region = caller.region.clone();
        ensure!(
            caller.can_ask(&region),
            "the credentials are not for {region}: they are of account {} in another partition of AWS",
            caller.account
        );
        if std::io::stderr().is_terminal() {
            eprintln!("Reading CloudTrail's events, two requests a second: minutes where much was started and stopped …");
        }
        let clients = caller.context("rehearse", &region, None, false).clients;
        let mut read = Box::pin(past::read(&clients, &caller.trail(&region), rulebook, days)).await;
        if is_closed_region(read.unread.iter().map(|one| one.why.as_str())) {
            read.unread = vec![Unread::new("everything", CLOSED_REGION)];
        }
        Ok(Rehearsed {
            account: caller.account,
            region,
            of: rehearse(rulebook, &read.history),
            unread: read.unread,
            left_out: read.left_out,
            metrics: read.metrics,
        })
    }

    /// The days that are rehearsed, as far as CloudTrail still has their events.
    fn days(&self) -> anyhow::Result<Days> {
        let now = self.clock.unwrap_or_else(Timestamp::now);
        let until = self.as_of.unwrap_or(now);
        let oldest = now - CLOUDTRAIL_KEEPS;
        ensure!(
            (oldest..=now).contains(&until),
            "--as-of {until:.0} is not within the days of which CloudTrail has events: {oldest:.0} to now"
        );
        let from = until - SignedDuration::from_hours(24 * i64::from(self.days));
        ensure!(
            oldest <= from,
            "these days begin at {from:.0}, but CloudTrail has only the events since {oldest:.0}: give fewer --days, or a later --as-of"
        );
        Ok(Days { from, until, now })
    }

    fn written(&self, rehearsed: &Rehearsed) -> anyhow::Result<String> {
        match self.format {
            Format::Table => Ok(shown::table(rehearsed)),
            Format::Json => shown::json(rehearsed),
            Format::Csv => shown::csv(rehearsed),
            Format::Markdown => Ok(shown::markdown(rehearsed)),
        }
    }
}

/// Ends the program when somebody presses Ctrl-C: a part of a history is no rehearsal.
fn listen_to_ctrl_c() -> anyhow::Result<()> {
    let end = || {
        eprintln!("Interrupted: nothing was rehearsed.");
        std::process::exit(NOT_ALL_READ.into());
    };
    ctrlc::set_handler(end).context("Ctrl-C could not be listened to")
}

fn status(rehearsed: &Rehearsed) -> u8 {
    match () {
        () if !rehearsed.unread.is_empty() => NOT_ALL_READ,
        () if !rehearsed.of.stops.is_empty() => STOPS,
        () => 0,
    }
}

#[cfg(test)]
mod tests;
