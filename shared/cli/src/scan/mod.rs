//! `scan`: what every rule finds in an account, read with the caller's own credentials. It changes nothing and mails nobody.

use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use cost_aws::caller::{Caller, NoRegion};
use cost_guard::Function;
use cost_page::scan::scan_page;
use cost_rules::{price::Prices, text::lines};
use jiff::Timestamp;
use rust_decimal::Decimal;

use self::{
    found::Found,
    look::{Look, look},
};

pub(crate) mod found;
pub(crate) mod look;
pub(crate) mod shown;

/// The options of `scan`.
#[derive(Args)]
pub(crate) struct Scan {
    /// The profile whose credentials are used. By default, those that the AWS CLI would use.
    #[arg(long)]
    profile: Option<String>,
    /// A Region to look at, or `all`. May be given several times. By default, the Region of the profile or the environment.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Only what this function looks at. May be given several times.
    #[arg(long, value_enum)]
    function: Vec<Function>,
    /// The policy, a TOML file. By default, the built-in one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How what was found is printed.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Count as found (exit status 1) only from this many USD a month in all.
    #[arg(long, value_name = "USD", value_parser = amount)]
    fail_on_cost: Option<Decimal>,
    /// Judge as if it were this time, for example `2026-11-29T03:00:00Z`.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
}

/// How what was found is printed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
    /// For tickets and wikis.
    Markdown,
    /// A page for a browser, which loads nothing.
    Html,
}

/// The functions that find anything: cost-reporter only sends what others found.
pub(crate) fn finders() -> impl Iterator<Item = Function> {
    Function::ALL.into_iter().filter(|function| *function != Function::CostReporter)
}

/// The exit statuses (contracts §11).
const FOUND: u8 = 1;
const NOT_ALL_READ: u8 = 2;
const POLICY_WRONG: u8 = 3;

impl Scan {
    /// Looks, prints what was found, and says by the exit status how it went.
    pub(crate) fn run(&self) -> ExitCode {
        if let Some(Err(error)) = self.policy.as_deref().map(crate::policy_of) {
            crate::say_error(&error);
            return ExitCode::from(POLICY_WRONG);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let found = runtime.context("no asynchronous runtime").and_then(|runtime| runtime.block_on(self.look()));
        match found.and_then(|found| Ok((self.written(&found)?, found))) {
            Ok((text, found)) => {
                crate::print(&text);
                // A table of findings has no place for what is missing.
                if self.format == Format::Csv {
                    eprint!("{}", lines(&shown::not_seen(&found)));
                }
                ExitCode::from(self.status(&found))
            }
            Err(error) => {
                crate::say_error(&error);
                ExitCode::from(NOT_ALL_READ)
            }
        }
    }

    async fn look(&self) -> anyhow::Result<Found> {
        let first = self.region.iter().find(|region| !is_all(region));
        let caller = match Caller::of(self.profile.as_deref(), first.map(String::as_str)).await {
            // Who wants all Regions need not have one of their own.
            Err(error) if error.is::<NoRegion>() && self.wants_all() => Caller::of(self.profile.as_deref(), Some("us-east-1")).await?,
            caller => caller?,
        };
        let regions = self.regions(&caller)?;
        let asked = |function: &Function| self.function.is_empty() || self.function.contains(function);
        let functions: Vec<Function> = finders().filter(asked).collect();
        if functions.is_empty() {
            bail!("cost-reporter only reports what other functions find: choose one of those, or leave --function out");
        }
        let look_for = Look {
            caller: &caller,
            functions,
            regions,
            policy: self.policy.clone(),
            now: self.as_of.unwrap_or_else(Timestamp::now),
            tells_progress: std::io::stderr().is_terminal(),
        };
        look(&look_for).await
    }

    fn wants_all(&self) -> bool {
        self.region.iter().any(|region| is_all(region))
    }

    /// The Regions to look at. The bill is read in the first one: with `all`, in the caller's own.
    fn regions(&self, caller: &Caller) -> anyhow::Result<Vec<String>> {
        let mut regions: Vec<String> = self.region.iter().filter(|region| !is_all(region)).cloned().collect();
        if let Some(other) = regions.iter().find(|region| !caller.can_ask(region)) {
            bail!("the credentials are not for {other}: they are of account {} in another partition of AWS", caller.account);
        }
        if regions.is_empty() {
            regions.push(caller.region.clone());
        }
        if self.wants_all() {
            regions.extend(Prices::regions().into_iter().filter(|region| is_region(region) && caller.can_ask(region)));
        }
        let mut seen = std::collections::BTreeSet::new();
        regions.retain(|region| seen.insert(region.clone()));
        Ok(regions)
    }

    fn written(&self, found: &Found) -> anyhow::Result<String> {
        match self.format {
            Format::Table => Ok(shown::table(found)),
            Format::Json => Ok(format!("{}\n", serde_json::to_string_pretty(found)?)),
            Format::Csv => shown::csv(found),
            Format::Markdown => Ok(shown::markdown(found)),
            Format::Html => scan_page(&shown::page(found)),
        }
    }

    fn status(&self, found: &Found) -> u8 {
        let is_found = !found.findings.is_empty() && self.fail_on_cost.is_none_or(|least| least <= found.usd_per_month);
        match () {
            () if !found.is_whole() => NOT_ALL_READ,
            () if is_found => FOUND,
            () => 0,
        }
    }
}

fn is_all(region: &str) -> bool {
    region.eq_ignore_ascii_case("all")
}

/// Whether a place with prices is a Region, and not a Local Zone such as `us-east-1-atl-1`.
fn is_region(place: &str) -> bool {
    place.split('-').filter(|part| part.parse::<u8>().is_ok()).count() == 1
}

fn amount(text: &str) -> Result<Decimal, String> {
    let amount = text.parse().ok().filter(|amount| Decimal::ZERO <= *amount);
    amount.ok_or_else(|| "expected USD a month, for example 100".to_owned())
}

#[cfg(test)]
mod tests;
