//! Sends the regular mails: each owner's daily mail and weekly summary, and the platform's summary of all owners.

use cost_rules::{
    facts::{HibernationStage, SleepingEndpoint},
    mail::{Desk, Letter, MailContext, Regular, WEEK},
    rulebook::Rulebook,
    scope::Scope,
};
use jiff::Timestamp;

use crate::{
    context::Context,
    ledger::{FUNCTIONS, Ledger},
    mailer::{self, Pace},
    report::Report,
};

mod platform;

/// The function that hibernates endpoints.
const HIBERNATES: &str = "endpoint-autoscaler";

/// Sends the mails that are due. `is_asked`: a person asks for everything that waits.
///
/// # Errors
/// The ledger cannot be read. Then nobody is mailed.
pub async fn send(context: &Context, rulebook: &Rulebook, is_asked: bool, is_dry_run: bool, now: Timestamp) -> anyhow::Result<Report> {
    let ledger = context.ledger();
    let mail_context = MailContext { function: context.function, policy: &rulebook.policy, now };
    let mut desk = Desk { waiting: ledger.waiting().await?, mailed: ledger.mailed().await?, is_asked, ..Desk::default() };
    let mut report = Report::new(context.function, is_dry_run);
    let summary = platform::Due::of(&ledger, &desk, &mail_context).await?;
    if !desk.is_anything_due(&mail_context) && summary.is_none() {
        return Ok(report);
    }
    // Not in hours in which nothing is due: each hour with a heartbeat costs money, and its alarm looks at Lambda's own metric.
    report.is_whole = true;
    let mut hibernated: Vec<SleepingEndpoint> = vec![];
    for function in FUNCTIONS {
        let of = Ledger { function, ..ledger };
        desk.entries.push((function, of.findings(&Scope::Everything).await?));
        desk.saved.extend(of.saved_since(now - WEEK).await?);
        if function == HIBERNATES {
            // What cannot be read is in the report of the function that hibernates.
            hibernated.extend(of.hibernations().await?.into_values().flatten());
        }
    }
    desk.sleeping = hibernated.iter().filter(|one| one.hibernation.stage == HibernationStage::Asleep).cloned().collect();
    desk.saved = desk.saved.into_iter().map(|one| one.by_now(&hibernated, now)).collect();
    let letters = desk.letters(&mail_context);
    if is_dry_run || (letters.is_empty() && summary.is_none()) {
        report.waiting = letters.len() + usize::from(summary.is_some());
        return Ok(report);
    }
    if let Some(why) = mailer::nobody_listens(context).await {
        report.failures.push(why);
        return Ok(report);
    }
    let mut pace = Pace::new(context, &rulebook.policy, now);
    for lot in letters.chunks(mailer::MAILS_A_SECOND) {
        send_lot(context, lot, &mut pace, &mut report).await;
    }
    // After the owners' mails, so that these are in it.
    let Some(summary) = summary else { return Ok(report) };
    match summary.letter(&ledger, rulebook, &desk, &hibernated, now).await {
        Ok(letter) => send_lot(context, letter.as_slice(), &mut pace, &mut report).await,
        Err(error) => report.failures.push(format!("the platform's summary: {error:#}")),
    }
    Ok(report)
}

/// Each owner is recorded as mailed before the mail, so that nobody is mailed twice. That is taken back if the mail was not sent.
async fn send_lot(context: &Context, letters: &[Letter], pace: &mut Pace<'_>, report: &mut Report) {
    let ledger = context.ledger();
    let mut claimed: Vec<&Letter> = vec![];
    for letter in letters {
        match claim(&ledger, letter).await {
            Ok(true) => claimed.push(letter),
            Ok(false) => lambda_runtime::tracing::info!(owner = letter.digest.owner, "another run mails this owner"),
            Err(error) => report.failures.push(format!("mail to {}: {error:#}", letter.digest.owner)),
        }
    }
    if claimed.is_empty() {
        return;
    }
    let digests: Vec<_> = claimed.iter().map(|letter| &letter.digest).collect();
    for (digest, sent) in pace.send(&digests, report).await {
        let Err(why) = sent else {
            report.notified += 1;
            continue;
        };
        report.failures.push(why);
        for letter in claimed.iter().filter(|letter| letter.digest.owner == digest.owner) {
            let back = take_back(&ledger, letter, parts(letter)).await;
            report.failures.extend(back.err().map(|error| format!("mail to {}: it is not sent again: {error:#}", digest.owner)));
        }
    }
}

/// The regular mails that a letter is: the weekly summary has the daily mail in it.
const fn parts(letter: &Letter) -> &'static [Regular] {
    match letter.regular {
        Regular::Daily => &[Regular::Daily],
        Regular::Weekly => &[Regular::Weekly, Regular::Daily],
        Regular::Platform => &[Regular::Platform],
    }
}

/// `false`: another run mails this owner. Of a mail that is not sent, nothing stays claimed.
async fn claim(ledger: &Ledger<'_>, letter: &Letter) -> anyhow::Result<bool> {
    for (index, part) in parts(letter).iter().enumerate() {
        let claimed = ledger.claim_mail(&letter.digest.owner, *part, letter.until).await;
        if !matches!(claimed, Ok(true)) {
            take_back(ledger, letter, &parts(letter)[..index]).await?;
            return claimed;
        }
    }
    Ok(true)
}

async fn take_back(ledger: &Ledger<'_>, letter: &Letter, parts: &[Regular]) -> anyhow::Result<()> {
    for part in parts {
        let before = match part {
            Regular::Daily => letter.before.daily,
            Regular::Weekly => letter.before.weekly,
            Regular::Platform => letter.before.platform,
        };
        ledger.take_back_mail(&letter.digest.owner, *part, before).await?;
    }
    Ok(())
}
