//! The platform's summary: whether it is due, and what is read for it.

use cost_rules::{
    facts::SleepingEndpoint,
    mail::{Desk, Letter, MailContext, Mailed, PLATFORM, Period, Regular, period_since, platform_summary},
    policy::PlatformMails,
    rulebook::Rulebook,
};
use jiff::{SignedDuration, Timestamp};

use crate::ledger::Ledger;

/// A summary that is due now.
pub(super) struct Due {
    /// The start of its period.
    since: Timestamp,
    /// Until when the platform was mailed before.
    before: Mailed,
}

impl Due {
    /// The summary that is due now. `None`: none is due, or the platform gets each mail.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) async fn of(ledger: &Ledger<'_>, desk: &Desk, context: &MailContext<'_>) -> anyhow::Result<Option<Self>> {
        let before = desk.mailed.get(PLATFORM).copied().unwrap_or_default();
        let last = match context.policy.mail.platform {
            PlatformMails::EachMail => return Ok(None),
            PlatformMails::DailySummary | PlatformMails::WeeklySummary => before.platform,
            PlatformMails::Automatic => match ledger.summary_began().await? {
                None => return Ok(None),
                // The mails of the run with which it began are in the first one.
                began => before.platform.max(began.map(|at| at - SignedDuration::from_secs(1))),
            },
        };
        Ok(period_since(context.policy, last, desk.is_asked, context.now).map(|since| Self { since, before }))
    }

    /// The mail, of what happened until `now`. `hibernated`: all endpoints that were ever hibernated. `None`: there is nothing to tell, and its period ends without a mail.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub(super) async fn letter(
        self,
        ledger: &Ledger<'_>,
        rulebook: &Rulebook,
        desk: &Desk,
        hibernated: &[SleepingEndpoint],
        now: Timestamp,
    ) -> anyhow::Result<Option<Letter>> {
        let mut saved = vec![];
        for (function, _) in &desk.entries {
            let of_function = Ledger { function, ..*ledger }.saved_since(self.since).await?;
            saved.extend(of_function.into_iter().map(|one| one.by_now(hibernated, now)));
        }
        let period = Period {
            since: self.since,
            sent: ledger.sent_since(self.since).await?,
            saved,
            troubles: ledger.troubles_since(self.since).await?,
            entries: &desk.entries,
            exempts: rulebook.exempt_until().collect(),
        };
        let context = MailContext { function: ledger.function, policy: &rulebook.policy, now };
        let Some(digest) = platform_summary(&period, &context) else {
            ledger.claim_mail(PLATFORM, Regular::Platform, now).await?;
            return Ok(None);
        };
        Ok(Some(Letter { digest, regular: Regular::Platform, until: now, before: self.before }))
    }
}
