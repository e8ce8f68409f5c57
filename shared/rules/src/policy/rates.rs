//! The prices of serving requests without instances of one's own, by Region.

use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    inference::Rates,
    policy::{sections::PriceOverrides, settings::Policy},
    vocabulary::{currency::Currency, price::Usd},
};

impl Policy {
    /// The prices of serving without instances of one's own in this Region. `None`: they are neither shipped nor all in the policy.
    pub fn rates_of(&self, region: &str) -> Option<Rates> {
        let known = Rates::of_region(region).filter(|_| self.currency(region) == Currency::Usd);
        let PriceOverrides { serverless_gb_second, ready_gb_second, busy_gb_second, hosting_data_gb, hosting_volume_gb_month, .. } =
            &self.prices;
        let usd = |own: &Option<Usd>, of: fn(&Rates) -> f64| own.and_then(|usd| usd.0.to_f64()).or_else(|| known.as_ref().map(of));
        Some(Rates {
            on_demand: usd(serverless_gb_second, |rates| rates.on_demand)?,
            ready: usd(ready_gb_second, |rates| rates.ready)?,
            busy: usd(busy_gb_second, |rates| rates.busy)?,
            data: usd(hosting_data_gb, |rates| rates.data)?,
            volume: usd(hosting_volume_gb_month, |rates| rates.volume)?,
        })
    }
}

/// Why there are no [`Policy::rates_of`] a Region.
pub(crate) const NO_RATES: &str = "the serverless prices of this Region are not known: set all of `serverless-gb-second`, `ready-gb-second`, `busy-gb-second`, \
     `hosting-data-gb` and `hosting-volume-gb-month` in [prices]";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_of_other_regions_are_known_only_if_all_are_set() {
        let policy = |prices: &str| Policy::from_toml(&format!("[prices]\n{prices}")).unwrap();
        let all = "serverless-gb-second = 0.00003\nready-gb-second = 0.000006\nbusy-gb-second = 0.00001\nhosting-data-gb = 0.02\n";
        assert_eq!(policy("").rates_of("us-east-1"), Some(Rates::US_EAST_1));
        assert_eq!(policy("currency = \"CNY\"").rates_of("us-east-1"), None, "what is shipped is in USD");
        assert_eq!(policy("").currency("cn-north-1"), Currency::Cny);
        assert_eq!(policy("currency = \"USD\"").currency("cn-north-1"), Currency::Usd);
        let own = policy("serverless-gb-second = 0.00003").rates_of("us-east-1").unwrap();
        assert_eq!(own, Rates { on_demand: 0.000_03, ..Rates::US_EAST_1 });
        assert_eq!(policy(all).rates_of("eu-west-1"), None, "one is missing");
        let of_eu = policy(&format!("{all}hosting-volume-gb-month = 0.154")).rates_of("eu-west-1").unwrap();
        assert_eq!(of_eu, Rates { on_demand: 0.000_03, ready: 0.000_006, busy: 0.000_01, data: 0.02, volume: 0.154 });
    }
}
