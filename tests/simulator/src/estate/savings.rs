//! The estate's Savings Plans: those that the account owns, the rates of all offers, and usage by the hour from a file.

use std::{collections::BTreeMap, fmt, str::FromStr, sync::Arc};

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp, civil::Date};
use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Deserializer, de};

use super::{Estate, When, expect_one_of};
use crate::life::{billing::midnight, prices::Prices};

/// The states of a plan in the API.
pub(crate) const STATES: [&str; 8] =
    ["payment-pending", "payment-failed", "active", "retired", "queued", "queued-deleted", "pending-return", "returned"];
const TYPES: [&str; 4] = ["Compute", "EC2Instance", "SageMaker", "Database"];
/// The discounts of an account whose estate says nothing about them, in percent, in the order of `Offer::ALL`. They are those of `ml.m5` in
/// data/rates.csv.
const DISCOUNTS: [Decimal; 6] = [dec!(27), dec!(31), dec!(32.5), dec!(43), dec!(48), dec!(50)];

/// When a plan is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payment {
    /// Every hour.
    NoUpfront,
    /// Half of it at the start.
    PartialUpfront,
    /// All of it at the start.
    AllUpfront,
}

/// A term and a payment option: `1y-no-upfront`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer {
    /// One or three.
    pub years: i64,
    /// The payment option.
    pub payment: Payment,
}

impl Payment {
    /// All payment options.
    pub const ALL: [Self; 3] = [Self::NoUpfront, Self::PartialUpfront, Self::AllUpfront];

    /// `No Upfront`, as the Savings Plans API writes it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoUpfront => "No Upfront",
            Self::PartialUpfront => "Partial Upfront",
            Self::AllUpfront => "All Upfront",
        }
    }

    /// The part of the commitment that is paid at the start.
    pub const fn upfront(self) -> Decimal {
        match self {
            Self::NoUpfront => Decimal::ZERO,
            Self::PartialUpfront => dec!(0.5),
            Self::AllUpfront => Decimal::ONE,
        }
    }

    /// `no-upfront`, as an estate writes it.
    fn name(self) -> String {
        self.text().to_lowercase().replace(' ', "-")
    }
}

impl Offer {
    /// All offers.
    pub const ALL: [Self; 6] = [
        Self { years: 1, payment: Payment::NoUpfront },
        Self { years: 1, payment: Payment::PartialUpfront },
        Self { years: 1, payment: Payment::AllUpfront },
        Self { years: 3, payment: Payment::NoUpfront },
        Self { years: 3, payment: Payment::PartialUpfront },
        Self { years: 3, payment: Payment::AllUpfront },
    ];

    /// How many seconds a plan lasts.
    pub const fn seconds(self) -> i64 {
        self.years * 365 * 86_400
    }

    /// The fee's usage type: `SageMakerSP:1yrNoUpfront`.
    pub fn usage_type(self) -> String {
        format!("SageMakerSP:{}yr{}", self.years, self.payment.text().replace(' ', ""))
    }

    /// The column of data/rates.csv: `1y-none`.
    pub(crate) fn column(self) -> String {
        format!("{}y-{}", self.years, self.payment.text().split(' ').next().unwrap_or_default().to_lowercase().replace("no", "none"))
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}y-{}", self.years, self.payment.name())
    }
}

impl FromStr for Offer {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let known = Self::ALL.into_iter().find(|offer| offer.to_string() == text || offer.column() == text);
        known.with_context(|| {
            format!("`{text}` is not an offer: write 1y-no-upfront, 1y-partial-upfront, 1y-all-upfront or the same with 3y")
        })
    }
}

impl<'de> Deserialize<'de> for Offer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|error: anyhow::Error| de::Error::custom(error))
    }
}

/// A Savings Plan that the account owns.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavingsPlanSpec {
    /// Its id; absent: made from the name.
    pub id: String,
    /// The value of its tag `Name`; absent: it has no tag.
    pub name: String,
    /// USD per hour.
    pub commitment: Decimal,
    /// `1y` or `3y`
    pub term: String,
    /// `no-upfront`, `partial-upfront` or `all-upfront`
    pub payment: String,
    /// When it begins. Until then it is queued.
    pub start: When,
    /// Its state whatever the time: `returned`, `payment-failed`, …; absent: queued, active or retired, by the time.
    pub state: Option<String>,
    /// `SageMaker`, `Compute`, …: only those of SageMaker cover anything here.
    #[serde(rename = "type")]
    pub plan_type: String,
    /// `USD`, …
    pub currency: String,
    /// Until when it may be returned; absent: it may not.
    pub returnable_until: Option<When>,
}

impl Default for SavingsPlanSpec {
    fn default() -> Self {
        Self {
            id: String::new(),
            name: String::new(),
            commitment: Decimal::ZERO,
            term: "1y".into(),
            payment: "no-upfront".into(),
            start: When::Before(crate::estate::times::Duration::days(100)),
            state: None,
            plan_type: "SageMaker".into(),
            currency: "USD".into(),
            returnable_until: None,
        }
    }
}

impl SavingsPlanSpec {
    /// Its term and payment option. They were checked when the estate was read.
    pub(crate) fn offer(&self) -> Offer {
        format!("{}-{}", self.term, self.payment).parse().unwrap_or(Offer { years: 1, payment: Payment::NoUpfront })
    }
}

/// The rates of the Savings Plans that AWS offers for `SageMaker`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct RatesSpec {
    /// A file in the form of data/rates.csv.
    pub csv: Option<RateTable>,
    /// By offer: how much cheaper all covered usage is that has no rate of its own, in percent.
    pub discounts: BTreeMap<Offer, Decimal>,
    /// By usage type: its on-demand price and its rates, in USD per hour.
    pub usage_types: BTreeMap<String, RateSpec>,
}

/// The rates of one usage type.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RateSpec {
    /// The price without a plan.
    #[serde(rename = "on-demand")]
    pub on_demand: Decimal,
    /// The rates by offer.
    #[serde(flatten)]
    pub rates: BTreeMap<Offer, Decimal>,
}

impl RatesSpec {
    /// The price and the rates of a usage type.
    pub(crate) fn of(&self, usage_type: &str) -> Option<&RateSpec> {
        self.usage_types.get(usage_type).or_else(|| self.csv.as_ref()?.0.get(usage_type))
    }

    /// All usage types that have rates of their own.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &RateSpec)> {
        let of_file = self.csv.iter().flat_map(|table| table.0.iter());
        of_file.filter(|(name, _)| !self.usage_types.contains_key(*name)).chain(&self.usage_types)
    }

    /// Whether the estate says nothing about rates.
    pub(crate) fn is_default(&self) -> bool {
        self.csv.is_none() && self.usage_types.is_empty() && self.discounts.is_empty()
    }

    /// The flat discount of an offer, in percent. The defaults hold only where the estate has no rates at all.
    pub(crate) fn discount(&self, offer: Offer) -> Option<Decimal> {
        let default = Offer::ALL.iter().zip(DISCOUNTS).find(|(known, _)| **known == offer).map(|(_, discount)| discount);
        self.discounts.get(&offer).copied().or_else(|| default.filter(|_| self.is_default()))
    }
}

/// A file of rates: by usage type, the on-demand price and the rate of each offer.
#[derive(Clone, Debug)]
pub struct RateTable(Arc<BTreeMap<String, RateSpec>>);

impl RateTable {
    fn read(path: &str) -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_path(path)?;
        let headers = reader.headers()?.clone();
        let offer = |header: &str| header.strip_prefix("sp_rate_")?.split('_').next()?.parse::<Offer>().ok();
        let offers: Vec<Option<Offer>> = headers.iter().map(offer).collect();
        ensure!(offers.iter().any(Option::is_some), "there is no column sp_rate_1y-none, …");
        let mut rates = BTreeMap::new();
        for record in reader.records() {
            let record = record?;
            let mut one = RateSpec { on_demand: number(record.get(1).unwrap_or_default())?, rates: BTreeMap::new() };
            for (offer, text) in offers.iter().zip(&record) {
                if let Some(offer) = offer.filter(|_| !text.is_empty()) {
                    one.rates.insert(offer, number(text)?);
                }
            }
            rates.insert(record.get(0).unwrap_or_default().to_owned(), one);
        }
        Ok(Self(Arc::new(rates)))
    }
}

/// Usage by the hour: instance hours by usage type.
#[derive(Clone, Debug)]
pub struct HourTable(pub(crate) Arc<Hourly>);

/// The content of a file with usage by the hour.
#[derive(Debug)]
pub(crate) struct Hourly {
    /// The usage types.
    pub(crate) usage_types: Vec<String>,
    /// By the hour's begin, how much of each.
    pub(crate) hours: BTreeMap<Timestamp, Vec<Decimal>>,
}

impl HourTable {
    fn read(path: &str) -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_path(path)?;
        let usage_types = reader.headers()?.iter().skip(1).map(str::to_owned).collect();
        let mut hours = BTreeMap::new();
        for record in reader.records() {
            let record = record?;
            let hour = hour(record.get(0).unwrap_or_default())?;
            hours.insert(hour, record.iter().skip(1).map(number).collect::<anyhow::Result<_>>()?);
        }
        ensure!(!hours.is_empty(), "it has no hours");
        Ok(Self(Arc::new(Hourly { usage_types, hours })))
    }
}

/// `2026-08-03T00Z`
fn hour(text: &str) -> anyhow::Result<Timestamp> {
    let read = || {
        let (day, hour) = text.strip_suffix('Z')?.split_once('T')?;
        let (day, hour) = (day.parse::<Date>().ok()?, hour.split(':').next()?.parse::<i64>().ok()?);
        Some(midnight(day) + SignedDuration::from_hours(hour))
    };
    read().with_context(|| format!("`{text}` is not an hour: expected 2026-08-03T00Z"))
}

/// An empty cell is zero.
fn number(text: &str) -> anyhow::Result<Decimal> {
    if text.is_empty() { Ok(Decimal::ZERO) } else { text.parse().ok().with_context(|| format!("`{text}` is not a number")) }
}

impl<'de> Deserialize<'de> for RateTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        Self::read(&path).map_err(|error| de::Error::custom(format!("csv = \"{path}\": {error:#}")))
    }
}

impl<'de> Deserialize<'de> for HourTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        Self::read(&path).map_err(|error| de::Error::custom(format!("csv = \"{path}\": {error:#}")))
    }
}

/// The on-demand price of a usage type: that of the rates, else that of its instance type.
pub(crate) fn on_demand(rates: &RatesSpec, prices: &Prices, usage_type: &str) -> Option<Decimal> {
    let own = rates.of(usage_type).map(|rate| rate.on_demand).filter(|usd| !usd.is_zero());
    own.or_else(|| prices.hourly(&usage_type[usage_type.find("ml.")?..]))
}

/// Checks what the format alone cannot.
pub(super) fn check(estate: &Estate) -> anyhow::Result<()> {
    for plan in &estate.savings_plan {
        let what = format!("[[savings-plan]] {}{}", plan.id, if plan.id.is_empty() { &plan.name } else { "" });
        ensure!(!plan.id.is_empty() || !plan.name.is_empty(), "[[savings-plan]]: `id` or `name` is missing");
        ensure!(Decimal::ZERO < plan.commitment, "{what}: `commitment` is missing: write USD per hour");
        format!("{}-{}", plan.term, plan.payment).parse::<Offer>().with_context(|| what.clone())?;
        expect_one_of(&format!("{what}: type"), &plan.plan_type, &TYPES)?;
        if let Some(state) = &plan.state {
            expect_one_of(&format!("{what}: state"), state, &STATES)?;
        }
    }
    let prices = Prices::of_region(&estate.region, &estate.prices);
    for table in estate.spend.iter().filter_map(|spend| spend.csv.as_ref()) {
        for usage_type in &table.0.usage_types {
            let price = on_demand(&estate.savings_plan_rates, &prices, usage_type);
            ensure!(price.is_some(), "[[spend]]: there is no price for {usage_type}: add it to [savings-plan-rates] or [prices]");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_expected() {
        let plan = "[[savings-plan]]\nname = \"a\"\n";
        for (toml, says) in [
            ("[[savings-plan]]\ncommitment = 1", "`id` or `name` is missing"),
            (plan, "`commitment` is missing"),
            (&format!("{plan}commitment = 1\nterm = \"2y\""), "`2y-no-upfront` is not an offer: write 1y-no-upfront"),
            (&format!("{plan}commitment = 1\nstate = \"sold\""), "state is \"sold\": expected one of payment-pending"),
            (&format!("{plan}commitment = 1\ntype = \"ML\""), "expected one of Compute"),
            ("[savings-plan-rates]\ncsv = \"none.csv\"", "none.csv"),
            ("[[spend]]\ncsv = \"none.csv\"", "none.csv"),
            ("[savings-plan-rates]\ndiscounts = { 5y = 1 }", "`5y` is not an offer"),
        ] {
            let error = Estate::from_toml(toml).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{toml}: {error:#}");
        }
    }

    #[test]
    fn a_rate_is_that_of_the_usage_type_and_else_follows_from_the_discount() {
        let rates: RatesSpec = toml::from_str(
            "discounts = { 1y-no-upfront = 20 }\nusage-types = { \"Host:ml.a\" = { on-demand = 2, 1y-no-upfront = 1.5, \"3y-all\" = 1 } }",
        )
        .unwrap();
        let [first, .., last] = Offer::ALL;
        assert_eq!(rates.of("Host:ml.a").unwrap().rates, BTreeMap::from([(first, dec!(1.5)), (last, dec!(1))]));
        assert_eq!((rates.discount(first), rates.discount(last)), (Some(dec!(20)), None));
        assert_eq!(RatesSpec::default().discount(last), Some(dec!(50)), "an account without rates in its estate has some, too");
        assert_eq!((first.usage_type(), last.column()), ("SageMakerSP:1yrNoUpfront".to_owned(), "3y-all".to_owned()));
    }
}
