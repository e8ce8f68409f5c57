//! Which cost reports were mailed, so that none is mailed twice, and the budgets of each month as budget-alerter has read them last.

use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::{
    plan::LONGEST_RUN,
    report::{BudgetOnRecord, ReportPeriod},
};
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::table::{Item, Ledger, item};

/// How long it is kept that a report was mailed: longer than it can be due.
const REPORT_KEPT: SignedDuration = SignedDuration::from_hours(60 * 24);

/// The function that writes the budgets, and the prefix of the items in its part of the ledger: one for each month.
const BUDGETS_WRITER: &str = "budget-alerter";
const BUDGETS: &str = "budgets#";

/// How long a month's budgets are kept: for a comparison with last year.
const BUDGETS_KEPT: SignedDuration = SignedDuration::from_hours(396 * 24);

impl Ledger<'_> {
    /// Records that a run makes the report of a period now. `false`: it was mailed, or another run makes it. A claim lapses if its run ends without a word.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn claim_report(&self, period: ReportPeriod, now: Timestamp) -> anyhow::Result<bool> {
        // If the answer is lost, the call is sent again, and meets its own item.
        let claim = fastrand::u64(..).to_string();
        let mut item = self.report_item(period, now)?;
        item.insert("claim".to_owned(), AttributeValue::S(claim.clone()));
        item.insert("lapses".to_owned(), AttributeValue::S((now + LONGEST_RUN).to_string()));
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(item));
        let put = put
            .condition_expression("attribute_not_exists(#at) OR #claim = :claim OR #lapses <= :now")
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#claim", "claim")
            .expression_attribute_names("#lapses", "lapses")
            .expression_attribute_values(":claim", AttributeValue::S(claim))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()));
        self.put_if(put).await
    }

    /// Records that the report of a period was mailed, so that no run mails it again.
    ///
    /// # Errors
    /// The table cannot be written. Then the report may be mailed twice.
    pub async fn report_is_mailed(&self, period: ReportPeriod, now: Timestamp) -> anyhow::Result<()> {
        self.put_one(self.report_item(period, now)?).await
    }

    fn report_item(&self, period: ReportPeriod, now: Timestamp) -> anyhow::Result<Item> {
        let texts = [("pk", Some(self.pk("report")?)), ("sk", Some(period.to_string())), ("at", Some(now.to_string()))];
        Ok(item(texts, [("expires", Some((now + REPORT_KEPT).as_second().to_string()))]))
    }

    /// Takes back a claim, because the report was not mailed.
    ///
    /// # Errors
    /// The table cannot be written. Then the report is mailed after the claim has lapsed.
    pub async fn take_back_report(&self, period: ReportPeriod) -> anyhow::Result<()> {
        self.put_one(self.key("report", &period.to_string())?).await
    }

    /// The budgets of the month that begins on a day, as budget-alerter has read them last, and when. Empty: it has not, or another version wrote them in another form.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn budgets(&self, month: Date) -> anyhow::Result<(Option<Timestamp>, Vec<BudgetOnRecord>)> {
        let kept = Ledger { function: BUDGETS_WRITER, ..*self }.kept(&format!("{BUDGETS}{month}")).await?;
        let Some((at, text)) = kept else { return Ok((None, vec![])) };
        Ok((Some(at), serde_json::from_str(&text).unwrap_or_default()))
    }

    /// Records the budgets of a month for the cost report.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn remember_budgets(&self, month: Date, budgets: &[BudgetOnRecord], now: Timestamp) -> anyhow::Result<()> {
        let ledger = Ledger { function: BUDGETS_WRITER, ..*self };
        ledger.keep_for(&format!("{BUDGETS}{month}"), &serde_json::to_string(budgets)?, now, BUDGETS_KEPT).await
    }
}
