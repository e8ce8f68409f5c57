//! `rehearse`: what a policy would have done over the last days, from CloudTrail's and CloudWatch's history. It changes nothing and mails nobody.

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use cost_aws::{caller::Caller, gather::past};
use cost_rules::{
    rehearsal::rehearse,
    rulebook::Rulebook,
    text::{lines, one_line},
};
use jiff::{SignedDuration, Timestamp};

use self::shown::{Rehearsed, Unread};
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
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let rehearsed = runtime.context("no asynchronous runtime").and_then(|runtime| runtime.block_on(self.rehearsed(&rulebook)));
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
        let caller = Caller::of(self.profile.as_deref(), self.region.as_deref()).await?;
        let region = caller.region.clone();
        if !caller.can_ask(&region) {
            bail!("the credentials are not for {region}: they are of account {} in another partition of AWS", caller.account);
        }
        if std::io::stderr().is_terminal() {
            eprintln!("Reading CloudTrail's events, two requests a second: minutes where much was started and stopped …");
        }
        let now = self.as_of.unwrap_or_else(Timestamp::now);
        let from = now - SignedDuration::from_hours(24 * i64::from(self.days));
        let clients = caller.context("rehearse", &region, None, false).clients;
        let read = Box::pin(past::read(&clients, &caller.trail(&region), rulebook, (from, now))).await;
        let mut unread: Vec<Unread> = read.unread.iter().map(|one| Unread { what: one_line(&one.what), why: one_line(&one.why) }).collect();
        if is_closed_region(unread.iter().map(|one| one.why.as_str())) {
            unread = vec![Unread { what: "everything".to_owned(), why: CLOSED_REGION.to_owned() }];
        }
        Ok(Rehearsed {
            account: caller.account,
            region,
            of: rehearse(rulebook, &read.history),
            unread,
            forgotten: read.forgotten,
            metrics: read.metrics,
        })
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

fn status(rehearsed: &Rehearsed) -> u8 {
    match () {
        () if !rehearsed.unread.is_empty() => NOT_ALL_READ,
        () if !rehearsed.of.stops.is_empty() => STOPS,
        () => 0,
    }
}

#[cfg(test)]
mod tests;
