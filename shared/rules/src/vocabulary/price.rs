//! Prices of instances in USD per hour. A price that is not known is `None`, never a guess.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use rust_decimal::{Decimal, dec, prelude::ToPrimitive as _};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::vocabulary::{currency::Currency, resource::Kind};

/// AWS's on-demand prices of SageMaker hosting instances by Region, mid-2026 (source and licence: `data/README.md`).
const SNAPSHOT: &str = include_str!("../../data/sagemaker_hosting_prices_usd_per_hour.json");

/// Instances that cost something else in a notebook or a Studio app than for hosting, or that hosting does not have (aws-facts §8.1). Of the others
/// the hosting price holds.
const NOTEBOOK_FAMILIES: [&str; 2] = ["ml.t2.", "ml.t3."];

/// The published prices of these in notebooks and Studio apps: Region, type, USD per hour (`data/README.md`). All others are unknown.
const NOTEBOOKS: [(&str, &str, Decimal); 3] =
    [("us-east-1", "ml.t2.medium", dec!(0.0464)), ("us-east-1", "ml.t3.medium", dec!(0.05)), ("ap-south-1", "ml.t3.medium", dec!(0.054))];

/// By how many percent managed Spot is cheaper than on demand, at most: AWS's own words (aws-facts §2.3).
pub(crate) const SPOT_SAVES_UP_TO: u32 = 90;

/// An amount of USD in the policy, written as a number or a text: 0 to 100,000. A decimal, as all amounts of money in this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(pub Decimal);

/// The highest price that is accepted. A higher one is a mistake, and sums of such prices could overflow.
const MOST_USD: Decimal = dec!(100000);

impl FromStr for Usd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)) {
            Ok(usd) if MOST_USD < usd => Err(format!("`{text}` is more than {MOST_USD} USD: that is no price of anything here")),
            Ok(usd) if !usd.is_sign_negative() => Ok(Self(usd)),
            _ => Err(format!("`{text}` is not a price: write USD, for example 0.23")),
        }
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match toml::Value::deserialize(deserializer)? {
            toml::Value::Table(_) => return Err(de::Error::custom("an instance type stands in quotes: \"ml.m5.xlarge\" = 0.23")),
            toml::Value::String(text) => text,
            other => other.to_string(),
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_f64().unwrap_or_default().serialize(serializer)
    }
}

impl JsonSchema for Usd {
    fn schema_name() -> Cow<'static, str> {
        "Usd".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let most = MOST_USD.to_u32();
        json_schema!({
            "title": "USD",
            "type": ["number", "string"],
            "minimum": 0,
            "maximum": most,
            "pattern": "^[0-9]+(\\.[0-9]+)?$",
            "examples": [0.23, "0.23"],
        })
    }
}

/// Hours in a month, as AWS counts them on its price pages.
pub const HOURS_PER_MONTH: Decimal = dec!(730);

/// USD per hour of the instance types of one Region.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// For jobs and endpoints.
    hosting: HashMap<String, Decimal>,
    /// For notebooks and Studio apps.
    notebooks: HashMap<String, Decimal>,
}

impl Prices {
    /// The shipped prices of a Region, in USD. The prices in `overrides`, from the policy, replace them.
    pub fn of_region<'a>(region: &str, overrides: impl IntoIterator<Item = (&'a String, &'a Decimal)>) -> Self {
        let mut hosting = Self::snapshot(region).unwrap_or_default();
        let mut notebooks = hosting.clone();
        notebooks.retain(|instance_type, _| !NOTEBOOK_FAMILIES.iter().any(|family| instance_type.starts_with(family)));
        for (_, instance_type, usd) in NOTEBOOKS.iter().filter(|(of, ..)| *of == region) {
            notebooks.insert((*instance_type).to_owned(), *usd);
            // Jobs on a type that hosting does not have are counted at the price of a notebook.
            hosting.entry((*instance_type).to_owned()).or_insert(*usd);
        }
        for (instance_type, usd) in overrides {
            hosting.insert(instance_type.clone(), *usd);
            notebooks.insert(instance_type.clone(), *usd);
        }
        Self { hosting, notebooks }
    }

    /// The prices of a policy alone: what is shipped is in another currency.
    pub fn only(own: &BTreeMap<String, Decimal>) -> Self {
        let all: HashMap<_, _> = own.iter().map(|(instance_type, price)| (instance_type.clone(), *price)).collect();
        Self { hosting: all.clone(), notebooks: all }
    }

    /// The prices of one Region. The other Regions are not parsed, which saves time. `None`: the Region is not in the snapshot.
    fn snapshot(region: &str) -> Option<HashMap<String, Decimal>> {
        let regions: HashMap<&str, &RawValue> = serde_json::from_str(SNAPSHOT).ok()?;
        let prices: HashMap<String, &RawValue> = serde_json::from_str(regions.get(region)?.get()).ok()?;
        prices.into_iter().map(|(instance_type, usd)| Some((instance_type, Decimal::from_str(usd.get()).ok()?))).collect()
    }

    /// The Regions whose prices are shipped, sorted: those that SageMaker is in.
    pub fn regions() -> Vec<String> {
        let regions: BTreeMap<String, &RawValue> = serde_json::from_str(SNAPSHOT).unwrap_or_default();
        regions.into_keys().collect()
    }

    /// USD per hour of an instance of a notebook or a Studio app. `None`: no price is known, as for `system` instances of Studio Classic, which are not billed.
    pub fn hourly(&self, instance_type: &str) -> Option<Decimal> {
        self.notebooks.get(instance_type).copied()
    }

    /// USD per hour of an instance of a job or an endpoint. `None`: no price is known.
    pub fn hourly_hosting(&self, instance_type: &str) -> Option<Decimal> {
        self.hosting.get(instance_type).copied()
    }

    /// USD per hour of all these instances of a job or an endpoint together. `None`: a price is not known, or there are no instances.
    pub fn hourly_of(&self, instances: &[Instances]) -> Option<Decimal> {
        sum(&self.hosting, instances)
    }

    /// USD per hour of all instances of a resource of this kind together. `None`: a price is not known, or there are no instances.
    pub fn hourly_of_kind(&self, kind: Option<Kind>, instances: &[Instances]) -> Option<Decimal> {
        match kind {
            Some(Kind::NotebookInstance | Kind::App) => sum(&self.notebooks, instances),
            _ => sum(&self.hosting, instances),
        }
    }
}

fn sum(prices: &HashMap<String, Decimal>, instances: &[Instances]) -> Option<Decimal> {
    let each = instances.iter().map(|one| Some(prices.get(&one.instance_type)? * Decimal::from(one.count)));
    each.sum::<Option<Decimal>>().filter(|_| !instances.is_empty())
}

/// `price not known (2 x ml.p9.giant)`
pub(crate) fn price_not_known(instances: &[Instances]) -> String {
    if instances.is_empty() { "price not known".to_owned() } else { format!("price not known ({})", Instances::words(instances)) }
}

/// For people, in the currency of the account: `$168.82`, `$12,345.00`.
pub fn dollars(usd: Decimal) -> String {
    Currency::of_account().amount(usd, 2)
}

/// Instances of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instances {
    /// `ml.m5.xlarge`
    pub instance_type: String,
    /// How many.
    pub count: u32,
}

impl Instances {
    /// The type of instances whose type is not known.
    pub const UNKNOWN_TYPE: &str = "instance of an unknown type";

    /// One instance of a type. None, if the type is not known.
    pub fn one(instance_type: Option<&str>) -> Vec<Self> {
        instance_type.map(|instance_type| Self { instance_type: instance_type.to_owned(), count: 1 }).into_iter().collect()
    }

    /// Their type, if all are of one.
    pub fn only_type(all: &[Self]) -> Option<&str> {
        let (first, rest) = all.split_first()?;
        let known = first.instance_type != Self::UNKNOWN_TYPE && rest.iter().all(|one| one.instance_type == first.instance_type);
        known.then_some(first.instance_type.as_str())
    }

    /// How many instances these are in all.
    pub fn number(all: &[Self]) -> u32 {
        all.iter().fold(0, |sum, one| sum.saturating_add(one.count))
    }

    /// For people: `2 x ml.m5.xlarge + 1 x ml.g5.xlarge`.
    pub fn words(all: &[Self]) -> String {
        all.iter().map(|one| format!("{} x {}", one.count, one.instance_type)).collect::<Vec<_>>().join(" + ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_snapshot_the_extra_and_the_override() {
        let own = ("ml.p9.giant".to_owned(), dec!(99.5));
        let prices = Prices::of_region("us-east-1", [(&own.0, &own.1)]);
        for (instance_type, usd) in [
            ("ml.m5.xlarge", Some(dec!(0.23))),
            ("ml.t3.medium", Some(dec!(0.05))),
            ("ml.p9.giant", Some(dec!(99.5))),
            ("ml.t3.large", None),
            ("system", None),
        ] {
            assert_eq!(prices.hourly(instance_type), usd, "{instance_type}");
        }
        assert_eq!(prices.hourly_of(&[Instances { instance_type: "ml.p9.giant".into(), count: 2 }]), Some(dec!(199)));
        assert_eq!(Prices::of_region("eu-west-1", []).hourly("ml.m5.xlarge"), Some(dec!(0.257)));
        assert_eq!(Prices::of_region("eu-west-1", []).hourly("ml.t3.medium"), None);
        assert_eq!(Prices::of_region("mars-north-1", []).hourly("ml.m5.xlarge"), None);
    }

    #[test]
    fn a_burstable_instance_costs_something_else_in_a_notebook_than_for_hosting() {
        let own = ("ml.t2.xlarge".to_owned(), dec!(0.19));
        for (region, instance_type, notebook, hosting) in [
            ("us-east-1", "ml.t2.medium", Some(dec!(0.0464)), Some(dec!(0.056))),
            ("us-east-1", "ml.t3.medium", Some(dec!(0.05)), Some(dec!(0.05))),
            ("ap-south-1", "ml.t3.medium", Some(dec!(0.054)), Some(dec!(0.054))),
            ("eu-west-1", "ml.t3.medium", None, None),
            ("us-east-1", "ml.t3.xlarge", None, None),
            ("us-east-1", "ml.t2.xlarge", Some(dec!(0.19)), Some(dec!(0.19))),
            ("us-east-1", "ml.m5.xlarge", Some(dec!(0.23)), Some(dec!(0.23))),
            ("us-east-1", "system", None, None),
        ] {
            let prices = Prices::of_region(region, [(&own.0, &own.1)]);
            let one = [Instances { instance_type: instance_type.into(), count: 1 }];
            for kind in [Kind::NotebookInstance, Kind::App] {
                assert_eq!(prices.hourly_of_kind(Some(kind), &one), notebook, "{instance_type} in {region}");
            }
            for kind in [Some(Kind::Endpoint), Some(Kind::TransformJob), None] {
                assert_eq!(prices.hourly_of_kind(kind, &one), hosting, "{instance_type} in {region}");
            }
            assert_eq!((prices.hourly(instance_type), prices.hourly_of(&one)), (notebook, hosting), "{instance_type} in {region}");
        }
        let elsewhere = Prices::of_region("eu-west-1", []);
        let t2 = [Instances { instance_type: "ml.t2.large".into(), count: 1 }];
        assert!(elsewhere.hourly_of(&t2).is_some() && elsewhere.hourly_of_kind(Some(Kind::NotebookInstance), &t2).is_none());
    }

    #[test]
    fn every_region_of_the_snapshot_can_be_read() {
        let regions: HashMap<&str, &RawValue> = serde_json::from_str(SNAPSHOT).unwrap();
        assert_eq!(regions.len(), 37);
        for region in regions.keys() {
            assert!(Prices::snapshot(region).is_some_and(|prices| !prices.is_empty()), "{region}");
        }
    }
}
