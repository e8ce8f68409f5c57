//! Savings in the ledger: what a stop or attached auto scaling saved, as an estimate, and what Spot saved on a job that ended.

use std::collections::BTreeMap;

use cost_rules::plan::{Entry, Saved, SavedBy, Saving, ScalingSaving, SpotSaving};
use jiff::{SignedDuration, Timestamp};

use super::table::{Item, Ledger, item, number, text, time};

/// How long a saving is kept: a year and a month, for a comparison with last year.
const SAVING_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

/// The action of a job that was submitted again, on Spot.
const RESUBMITTED: &str = "resubmit-as-spot";

impl Ledger<'_> {
    /// Records what Spot saved on jobs that ended. A job that is recorded again replaces its own item.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_spot_savings(&self, savings: &[SpotSaving], now: Timestamp) -> anyhow::Result<()> {
        // The search index may return a job twice, but a transaction must not contain an item twice.
        let savings: Vec<&SpotSaving> =
            savings.iter().map(|saving| ((saving.ended, &saving.id), saving)).collect::<BTreeMap<_, _>>().into_values().collect();
        self.put_all(savings.into_iter().map(|saving| self.spot_saving_item(saving, now)).collect::<anyhow::Result<_>>()?).await
    }

    /// What was saved since a time: recorded by stops, or on Spot jobs that have ended since.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn saved_since(&self, since: Timestamp) -> anyhow::Result<Vec<Saved>> {
        let saved = |item: &Item| {
            let owned = |name: &str| text(item, name).map(str::to_owned);
            let by = match text(item, "by") {
                Some("guard") => SavedBy::Guard,
                Some("spot") => SavedBy::Spot,
                Some("scaling") => SavedBy::Scaling,
                _ => SavedBy::Owner,
            };
            let usd = number(item, if by == SavedBy::Spot { "realised-usd" } else { "estimated-usd" })?;
            let (arn, name) = (owned("arn").unwrap_or_default(), owned("name").unwrap_or_default());
            let action = owned("action");
            let is_resubmitted = action.as_deref() == Some(RESUBMITTED);
            // The sort key begins with the time.
            let at = text(item, "sk").and_then(|sk| sk.split_once('#')?.0.parse().ok());
            let until = time(item, "until")?.or(at).unwrap_or(Timestamp::MIN);
            let from = time(item, "from")?.or(at).unwrap_or(until).min(until);
            Ok(Saved { arn, name, owner: owned("owner"), team: owned("team"), by, action, is_resubmitted, from, until, usd })
        };
        self.query_from("saving", &since.to_string()).await?.iter().map(saved).collect()
    }

    /// Records what attached auto scaling saved on the day that ends now. A second run on the same day replaces it.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_scaling_savings(&self, savings: &[ScalingSaving]) -> anyhow::Result<()> {
        self.put_all(savings.iter().map(|saving| self.scaling_saving_item(saving)).collect::<anyhow::Result<_>>()?).await
    }

    fn scaling_saving_item(&self, saving: &ScalingSaving) -> anyhow::Result<Item> {
        let day = saving.until.strftime("%Y-%m-%dT00:00:00Z");
        let texts = [
            ("pk", Some(self.pk("saving")?)),
            ("sk", Some(format!("{day}#scaling#{}", saving.id))),
            ("arn", Some(saving.arn.clone())),
            ("name", Some(saving.name.clone())),
            ("owner", saving.owner.clone()),
            ("team", saving.team.clone()),
            ("by", Some("scaling".to_owned())),
            ("until", Some(saving.until.to_string())),
        ];
        let numbers =
            [("estimated-usd", Some(saving.usd.to_string())), ("expires", Some((saving.until + SAVING_KEPT).as_second().to_string()))];
        Ok(item(texts, numbers))
    }

    fn spot_saving_item(&self, saving: &SpotSaving, now: Timestamp) -> anyhow::Result<Item> {
        let texts = [
            ("pk", Some(self.pk("saving")?)),
            ("sk", Some(format!("{}#spot#{}", saving.ended, saving.id))),
            ("arn", Some(saving.arn.clone())),
            ("name", Some(saving.name.clone())),
            ("owner", saving.owner.clone()),
            ("team", saving.team.clone()),
            ("by", Some("spot".to_owned())),
        ];
        let numbers = [
            ("realised-usd", saving.usd.map(|usd| usd.to_string())),
            ("percent", Some(saving.percent().to_string())),
            ("training-seconds", Some(saving.training_seconds.to_string())),
            ("billable-seconds", Some(saving.billable_seconds.to_string())),
            ("expires", Some((now + SAVING_KEPT).as_second().to_string())),
        ];
        Ok(item(texts, numbers))
    }

    pub(super) fn saving_item(&self, entry: &Entry, saving: &Saving, now: Timestamp) -> anyhow::Result<Item> {
        let texts = [
            ("pk", Some(self.pk("saving")?)),
            ("sk", Some(format!("{now}#{}#{}", entry.rule, entry.id))),
            ("rule", Some(entry.rule.clone())),
            ("arn", Some(entry.arn.clone())),
            ("name", Some(entry.name.clone())),
            ("owner", entry.owner.clone()),
            ("team", entry.team.clone()),
            ("by", Some(if saving.by_guard { "guard" } else { "owner" }.to_owned())),
            ("action", entry.action.clone()),
            ("from", Some(saving.from.to_string())),
            ("until", Some(saving.until.to_string())),
        ];
        let numbers = [
            ("estimated-usd", saving.usd.map(|usd| usd.to_string())),
            ("usd-per-hour", entry.usd_per_hour.map(|usd| usd.to_string())),
            ("expires", Some((now + SAVING_KEPT).as_second().to_string())),
        ];
        Ok(item(texts, numbers))
    }
}
