//! Prices of instances per hour, from AWS's price list that the guard ships. They are read by separate code, so that a wrong price in the guard shows on
//! the bill.

use std::{collections::HashMap, str::FromStr as _};

use rust_decimal::{Decimal, dec};
use serde_json::value::RawValue;

/// USD per hour by Region and instance type (see shared/rules/data/README.md).
const LIST: &str = include_str!("../../../../shared/rules/data/sagemaker_hosting_prices_usd_per_hour.json");

/// Prices of notebook types that hosting does not have, or has at another price (see shared/rules/data/README.md).
const NOTEBOOKS: [(&str, &str, Decimal); 3] =
    [("us-east-1", "ml.t2.medium", dec!(0.0464)), ("us-east-1", "ml.t3.medium", dec!(0.05)), ("ap-south-1", "ml.t3.medium", dec!(0.054))];

/// USD per hour by instance type, for one Region.
pub(crate) struct Prices(HashMap<String, Decimal>);

impl Prices {
    /// The list's prices, overridden by those of an estate.
    pub(crate) fn of_region<'a>(region: &str, own: impl IntoIterator<Item = (&'a String, &'a Decimal)>) -> Self {
        let mut prices = listed(region).unwrap_or_default();
        // No estate hosts on these types.
        for (_, instance_type, usd) in NOTEBOOKS.iter().filter(|(of, ..)| *of == region) {
            prices.insert((*instance_type).to_owned(), *usd);
        }
        prices.extend(own.into_iter().map(|(instance_type, usd)| (instance_type.clone(), *usd)));
        Self(prices)
    }

    /// USD per hour; `None`: not known.
    pub(crate) fn hourly(&self, instance_type: &str) -> Option<Decimal> {
        self.0.get(instance_type).copied()
    }
}

/// The listed prices of one Region. The others are not parsed.
fn listed(region: &str) -> Option<HashMap<String, Decimal>> {
    let regions: HashMap<&str, &RawValue> = serde_json::from_str(LIST).ok()?;
    let prices: HashMap<&str, &RawValue> = serde_json::from_str(regions.get(region)?.get()).ok()?;
    prices.into_iter().map(|(instance_type, usd)| Some((instance_type.to_owned(), Decimal::from_str(usd.get()).ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_those_of_the_list_and_of_the_estate() {
        let own = [("ml.p9.giant".to_owned(), dec!(99.5))];
        let prices = Prices::of_region("us-east-1", own.iter().map(|(of, usd)| (of, usd)));
        let known = ["ml.m5.xlarge", "ml.t3.medium", "ml.p9.giant", "system"].map(|instance_type| prices.hourly(instance_type));
        assert_eq!(known, [Some(dec!(0.23)), Some(dec!(0.05)), Some(dec!(99.5)), None]);
        assert_eq!(Prices::of_region("eu-central-1", []).hourly("ml.m5.xlarge"), Some(dec!(0.276)));
        assert_eq!(Prices::of_region("mars-north-1", []).hourly("ml.m5.xlarge"), None);
    }
}
