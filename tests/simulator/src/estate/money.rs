//! The estate's money: planted spend, budgets, cost allocation tags, anomalies, and how Cost Explorer behaves. One file, although it is long: it documents
//! each key of the format.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

use anyhow::{Context as _, anyhow, ensure};
use jiff::{
    Timestamp,
    civil::{Date, Weekday},
};
use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::{Estate, When, expect_one_of, savings::HourTable};
use crate::{
    estate::times::{Duration, Hours},
    life::billing::{Filter, plus_days},
    services::budgets,
};

/// The highest daily growth of planted spend, in percent. With more, the amounts of a year would exceed a `Decimal`.
const MOST_GROWTH: Decimal = dec!(10);
const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Daily spend that does not depend on what runs here.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SpendSpec {
    /// The service's name on the bill.
    pub service: String,
    /// `EUC1-Host:ml.m5.xlarge`, …
    pub usage_type: String,
    /// The dimension `OPERATION`.
    pub operation: String,
    /// The dimension `REGION`; absent: the account's Region.
    pub region: Option<String>,
    /// The dimension `LINKED_ACCOUNT`; absent: this account.
    pub account: Option<String>,
    /// `Usage`, `Tax`, …, or `Credit` and `Refund`, whose amounts are negative.
    pub record_type: String,
    /// USD per day: one number, or one for each weekday.
    pub usd: PerDay,
    /// The quantity on a day that costs the highest amount of `usd`. On other days it is proportional to the cost.
    pub quantity: Option<Decimal>,
    /// The unit of the quantity: `Hrs`, `GB-Mo`, `seconds`, …
    pub unit: String,
    /// The first day; absent: the first day that Cost Explorer has.
    pub from: Option<Day>,
    /// The first day without it; absent: it does not end.
    pub until: Option<Day>,
    /// Growth per day in percent, from the first day on.
    pub growth: Decimal,
    /// The factor for the cost of a Saturday or Sunday.
    pub weekend: Decimal,
    /// The highest random deviation from the cost, in percent. It differs from day to day.
    pub noise: Decimal,
    /// The tags of the resources that cost it.
    pub tags: BTreeMap<String, String>,
    /// Days with additional cost.
    pub spikes: Vec<Spike>,
    /// A Savings Plan that covers all of it. For plans that cover by the hour, see `[[savings-plan]]`.
    pub savings_plan: Option<PlanSpec>,
    /// When it is used: a day's cost is spread over these hours, and a day without such hours costs nothing. Absent: over the whole day.
    pub hours: Option<Hours>,
    /// Instead of `usage-type` and `usd`: a file with instance hours by hour and usage type. It is billed at on-demand prices. `from` is its first day, if
    /// it is not the file's own.
    pub csv: Option<HourTable>,
}

impl Default for SpendSpec {
    fn default() -> Self {
        Self {
            service: "Amazon SageMaker".into(),
            usage_type: String::new(),
            operation: "RunInstance".into(),
            region: None,
            account: None,
            record_type: "Usage".into(),
            usd: PerDay::default(),
            quantity: None,
            unit: "Hrs".into(),
            from: None,
            until: None,
            growth: Decimal::ZERO,
            weekend: Decimal::ONE,
            noise: Decimal::ZERO,
            tags: BTreeMap::new(),
            spikes: vec![],
            savings_plan: None,
            hours: None,
            csv: None,
        }
    }
}

/// A Savings Plan without an upfront payment.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanSpec {
    /// The first day that it covers.
    pub from: Day,
    /// How much cheaper usage is with it, in percent.
    pub discount: Decimal,
    /// The part of its commitment that nobody uses, in USD per day.
    #[serde(default)]
    pub unused: Decimal,
}

/// A day with additional cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spike {
    /// The day.
    pub day: Day,
    /// The additional cost, in USD.
    pub usd: Decimal,
}

/// USD for each weekday, from Monday on.
#[derive(Clone, Debug, Default)]
pub struct PerDay([Decimal; 7]);

impl PerDay {
    /// USD on a weekday.
    pub fn on(&self, day: Weekday) -> Decimal {
        self.0.get(usize::try_from(day.to_monday_zero_offset()).unwrap_or_default()).copied().unwrap_or_default()
    }

    /// The amount that is furthest from zero.
    pub fn most(&self) -> Decimal {
        self.0.iter().copied().max_by_key(Decimal::abs).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for PerDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected USD per day: 120.5 or { mon-fri = 120.5, sat-sun = 20 }")]
        enum Written {
            Every(Decimal),
            Some(BTreeMap<String, Decimal>),
        }
        let mut days = Self::default();
        match Written::deserialize(deserializer)? {
            Written::Every(usd) => days.0 = [usd; 7],
            Written::Some(table) => {
                for (name, usd) in table {
                    let (first, last) = name.split_once('-').unwrap_or((&name, &name));
                    let place = |day: &str| WEEKDAYS.iter().position(|known| *known == day);
                    let (Some(first), Some(last)) = (place(first), place(last)) else {
                        return Err(de::Error::custom(format!("`{name}` is not a weekday: write mon, sat or mon-fri")));
                    };
                    for offset in 0..=(last + 7 - first) % 7 {
                        days.0[(first + offset) % 7] = usd;
                    }
                }
            }
        }
        Ok(days)
    }
}

/// A UTC day: `2026-11-12`, or a number of days before the day of the start, `-11d`.
#[derive(Clone, Copy, Debug)]
pub enum Day {
    /// This day.
    On(Date),
    /// This long before the day of the start.
    Before(Duration),
}

impl Day {
    /// The day, for a simulation that starts on the day `start`.
    pub fn on(self, start: Date) -> Date {
        match self {
            Self::On(day) => day,
            Self::Before(duration) => plus_days(start, -duration.signed().as_hours() / 24),
        }
    }
}

impl FromStr for Day {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let expected = || format!("`{text}` is not a day: write 2026-11-12 or, before the day of the start, -11d");
        match text.strip_prefix('-') {
            Some(duration) => duration.parse().ok().map(Self::Before).with_context(expected),
            None => text.parse().ok().map(Self::On).with_context(expected),
        }
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: anyhow::Error| de::Error::custom(error))
    }
}

/// Since when a tag key is a cost allocation tag.
#[derive(Clone, Copy, Debug)]
pub enum Activation {
    /// `"always"`
    Always,
    /// `"inactive"`: Billing knows the key, but it is not active.
    Inactive,
    /// Since this moment.
    Since(When),
}

impl Activation {
    /// The moment of the activation, for a simulation that starts at `start`; `None`: it is inactive.
    pub fn at(self, start: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Always => Some(Timestamp::UNIX_EPOCH),
            Self::Inactive => None,
            Self::Since(when) => Some(when.at(start)),
        }
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "always" => Ok(Self::Always),
            "inactive" => Ok(Self::Inactive),
            _ => When::deserialize(de::value::StringDeserializer::new(text)).map(Self::Since),
        }
    }
}

/// How Cost Explorer behaves.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CostExplorerSpec {
    /// How far its data, and that of Budgets, is behind.
    pub lag: Duration,
    /// How many groups an answer has at most, or periods if nothing is grouped.
    pub page: usize,
    /// The seed for the noise of planted spend.
    pub seed: u64,
    /// The currency of the bill.
    pub currency: String,
    /// Whether it was first opened at the start: then it has no data for a day.
    pub new_account: bool,
    /// Whether the account has opted in to hourly data.
    pub hourly: bool,
    /// How long it takes until an activated tag is in the data.
    pub tag_activation: Duration,
    /// How much history a forecast needs.
    pub forecast_history: Duration,
    /// USD per day in every forecast; absent: computed from the past.
    pub forecast_usd: Option<Decimal>,
    /// How much more than expected a service must cost on a day to be an anomaly, in USD.
    pub anomaly_usd: Decimal,
    /// How much more than expected it must also cost, in percent.
    pub anomaly_percent: Decimal,
}

impl Default for CostExplorerSpec {
    fn default() -> Self {
        Self {
            lag: Duration::hours(8),
            page: 5000,
            seed: 1,
            currency: "USD".into(),
            new_account: false,
            hourly: false,
            tag_activation: Duration::hours(24),
            forecast_history: Duration::days(35),
            forecast_usd: None,
            anomaly_usd: dec!(100),
            anomaly_percent: dec!(40),
        }
    }
}

/// An anomaly that Cost Anomaly Detection has found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AnomalySpec {
    /// The service.
    #[serde(default = "sage_maker")]
    pub service: String,
    /// The usage type of the root cause; absent: there is no root cause.
    pub usage_type: Option<String>,
    /// Its first day.
    pub start: Day,
    /// Its last day; absent: it is still open.
    pub end: Option<Day>,
    /// The expected spend, in USD.
    pub expected: Decimal,
    /// The actual spend, in USD.
    pub actual: Decimal,
}

fn sage_maker() -> String {
    SpendSpec::default().service
}

/// A budget.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BudgetSpec {
    /// Its name.
    pub name: String,
    /// Its limit; absent with planned limits.
    pub amount: Option<Decimal>,
    /// `USD`, or the unit of a usage budget.
    pub unit: String,
    /// `DAILY`, `MONTHLY`, `QUARTERLY`, `ANNUALLY` or `CUSTOM`.
    pub time_unit: String,
    /// `COST`, `USAGE`, …
    #[serde(rename = "type")]
    pub budget_type: String,
    /// The planned limits of months or quarters, by their first day.
    pub planned: BTreeMap<Date, Decimal>,
    /// The cost filters, with Budgets' names: `Service`, `TagKeyValue`, …
    pub cost_filters: BTreeMap<String, Vec<String>>,
    /// The cost types that differ from the default: `IncludeCredit`, …
    pub cost_types: BTreeMap<String, bool>,
    /// Instead of the cost filters: a filter expression as in Cost Explorer.
    pub filter_expression: Option<Value>,
    /// With a filter expression: `UnblendedCost`, …
    pub metrics: Vec<String>,
    /// Its first day; absent: the first day of the period that the start is in.
    pub from: Option<Day>,
    /// The first day after it. A custom budget's period ends here.
    pub until: Option<Day>,
    /// Its notifications.
    pub notifications: Vec<NotificationSpec>,
    /// Its health status; absent: healthy.
    pub health: Option<HealthSpec>,
    /// How often Budgets reads the bill.
    pub updated_every: Duration,
    /// The actual spend, instead of the bill's. For budget types that are not computed here.
    pub actual: Option<Decimal>,
    /// The forecast, instead of a computed one.
    pub forecast: Option<Decimal>,
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self {
            name: String::new(),
            amount: None,
            unit: "USD".into(),
            time_unit: "MONTHLY".into(),
            budget_type: "COST".into(),
            planned: BTreeMap::new(),
            cost_filters: BTreeMap::new(),
            cost_types: BTreeMap::new(),
            filter_expression: None,
            metrics: vec![],
            from: None,
            until: None,
            notifications: vec![],
            health: None,
            updated_every: Duration::hours(8),
            actual: None,
            forecast: None,
        }
    }
}

/// When Budgets notifies, and whom.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NotificationSpec {
    /// `ACTUAL` or `FORECASTED`
    #[serde(rename = "type")]
    pub notification_type: String,
    /// `GREATER_THAN`, `LESS_THAN` or `EQUAL_TO`
    pub operator: String,
    /// Percent of the limit, or an amount.
    pub threshold: Decimal,
    /// `PERCENTAGE` or `ABSOLUTE_VALUE`
    pub threshold_type: String,
    /// Whether the topic in the estate's `budget-topic` is notified.
    pub topic: bool,
    /// Email addresses. The simulator sends them nothing.
    pub emails: Vec<String>,
}

impl Default for NotificationSpec {
    fn default() -> Self {
        Self {
            notification_type: "ACTUAL".into(),
            operator: "GREATER_THAN".into(),
            threshold: dec!(100),
            threshold_type: "PERCENTAGE".into(),
            topic: false,
            emails: vec![],
        }
    }
}

/// `HealthStatus`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HealthSpec {
    /// `HEALTHY` or `UNHEALTHY`
    pub status: String,
    /// Why.
    pub reason: Option<String>,
}

/// Checks what the format alone cannot.
pub(super) fn check(estate: &Estate) -> anyhow::Result<()> {
    ensure!(estate.cost_explorer.page != 0, "[cost-explorer] page is 0: expected at least one");
    for spend in &estate.spend {
        let what = format!("[[spend]] {}", spend.usage_type);
        let is_named = !spend.usage_type.is_empty() || spend.csv.is_some();
        ensure!(is_named || spend.record_type != "Usage", "[[spend]]: `usage-type` is missing");
        ensure!(!spend.record_type.is_empty(), "{what}: record-type is empty: expected Usage, Credit, Refund, Tax, …");
        ensure!(spend.growth.abs() <= MOST_GROWTH, "{what}: growth is {}: at most {MOST_GROWTH} percent per day", spend.growth);
        ensure!((Decimal::ZERO..=dec!(100)).contains(&spend.noise), "{what}: noise is {}: expected 0 to 100 percent", spend.noise);
        let gives_back = matches!(spend.record_type.as_str(), "Credit" | "Refund");
        let usd = spend.usd.0.iter().chain(spend.spikes.iter().map(|spike| &spike.usd));
        ensure!(
            !gives_back || usd.clone().all(|usd| *usd <= Decimal::ZERO),
            "{what}: a {} is a negative amount: write usd = -10",
            spend.record_type
        );
    }
    let mut names = BTreeSet::new();
    for budget in &estate.budget {
        ensure!(!budget.name.is_empty(), "[[budget]]: `name` is missing");
        let what = format!("[[budget]] {}", budget.name);
        ensure!(names.insert(&budget.name), "{what}: there are two of this name");
        ensure!(budget.amount.is_some() == budget.planned.is_empty(), "{what}: expected either `amount` or `planned`");
        expect_one_of(&format!("{what}: time-unit"), &budget.time_unit, &budgets::TIME_UNITS)?;
        expect_one_of(&format!("{what}: type"), &budget.budget_type, &budgets::TYPES)?;
        ensure!(budget.time_unit != "CUSTOM" || budget.until.is_some(), "{what}: a CUSTOM budget has an end: `until` is missing");
        ensure!(budget.updated_every != Duration::minutes(0), "{what}: updated-every is 0: expected at least a minute");
        for name in budget.cost_types.keys() {
            expect_one_of(&format!("{what}: cost-types"), name, &budgets::COST_TYPES.map(|(name, _)| name))?;
        }
        ensure!(
            budget.filter_expression.is_none() || budget.cost_filters.is_empty() && budget.cost_types.is_empty(),
            "{what}: expected either filter-expression or cost-filters and cost-types"
        );
        Filter::of_budget(&budget.cost_filters, budget.filter_expression.as_ref())
            .map_err(|refusal| anyhow!("{what}: {}", refusal.message))?;
        for one in &budget.notifications {
            expect_one_of(&format!("{what}: notification type"), &one.notification_type, &["ACTUAL", "FORECASTED"])?;
            expect_one_of(&format!("{what}: notification operator"), &one.operator, &["GREATER_THAN", "LESS_THAN", "EQUAL_TO"])?;
            expect_one_of(&format!("{what}: threshold-type"), &one.threshold_type, &["PERCENTAGE", "ABSOLUTE_VALUE"])?;
            ensure!(!one.topic || estate.budget_topic.is_some(), "{what}: a notification has topic = true: `budget-topic` is missing");
            ensure!(one.topic || !one.emails.is_empty(), "{what}: a notification has nobody to tell: write topic = true or emails = […]");
        }
        if let Some(health) = &budget.health {
            expect_one_of(&format!("{what}: health status"), &health.status, &["HEALTHY", "UNHEALTHY"])?;
            if let Some(reason) = &health.reason {
                expect_one_of(&format!("{what}: health reason"), reason, &budgets::HEALTH_REASONS)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_expected() {
        let budget = "[[budget]]\nname = \"ml\"\n";
        for (toml, says) in [
            ("[[spend]]\nusd = 1", "`usage-type` is missing"),
            ("[[spend]]\nusage-type = \"x\"\nusd = { weekend = 1 }", "`weekend` is not a weekday: write mon, sat or mon-fri"),
            ("[[spend]]\nusage-type = \"x\"\nusd = \"much\"", "expected USD per day: 120.5 or {"),
            ("[[spend]]\nusage-type = \"x\"\nfrom = \"May\"", "`May` is not a day: write 2026-11-12 or"),
            ("[[spend]]\nusage-type = \"x\"\nusd = 1\nrecord-type = \"Credit\"", "a Credit is a negative amount"),
            ("[[spend]]\nusage-type = \"x\"\ngrowth = 11", "at most 10 percent per day"),
            ("[cost-allocation-tags]\nTeam = \"yes\"", "`yes` is not a moment"),
            ("[cost-explorer]\npage = 0", "at least one"),
            (budget, "either `amount` or `planned`"),
            (&format!("{budget}amount = 1\ntime-unit = \"WEEKLY\""), "time-unit is \"WEEKLY\": expected one of DAILY, MONTHLY"),
            (&format!("{budget}amount = 1\ntime-unit = \"CUSTOM\""), "`until` is missing"),
            (&format!("{budget}amount = 1\ncost-filters = {{ Servce = [\"x\"] }}"), "the cost filter `Servce`"),
            (&format!("{budget}amount = 1\ncost-types = {{ Credit = false }}"), "expected one of IncludeTax"),
            (&format!("{budget}amount = 1\nfilter-expression = {{ Dimensions = {{ Key = \"SERVCE\" }} }}"), "SERVCE"),
            (&format!("{budget}amount = 1\nnotifications = [{{ topic = true }}]"), "`budget-topic` is missing"),
            (&format!("{budget}amount = 1\nnotifications = [{{ threshold = 80 }}]"), "nobody to tell"),
        ] {
            let error = Estate::from_toml(toml).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{toml}: {error:#}");
        }
    }

    #[test]
    fn usd_per_weekday() {
        let spec: SpendSpec = toml::from_str("usd = { mon-fri = 120.5, sun = 3 }").unwrap();
        let all = [Weekday::Monday, Weekday::Friday, Weekday::Saturday, Weekday::Sunday].map(|day| spec.usd.on(day));
        assert_eq!(all, [dec!(120.5), dec!(120.5), dec!(0), dec!(3)]);
        let around: SpendSpec = toml::from_str("usd = { sat-mon = 1 }").unwrap();
        let all = [Weekday::Saturday, Weekday::Sunday, Weekday::Monday, Weekday::Tuesday].map(|day| around.usd.on(day));
        assert_eq!(all, [dec!(1), dec!(1), dec!(1), dec!(0)]);
        assert_eq!(spec.usd.most(), dec!(120.5));
    }
}
