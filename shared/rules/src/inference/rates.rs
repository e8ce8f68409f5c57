//! The prices of serving requests without instances of one's own.

/// The hours of a month, as in [`crate::price::HOURS_PER_MONTH`].
pub(crate) const HOURS: f64 = 730.0;

/// Prices in USD. Those of instances are in [`crate::price::Prices`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// One GB of memory for a second of a serverless request (aws-facts §8.2: AWS has a price for each memory size, and they are in proportion).
    pub on_demand: f64,
    /// One GB that is kept ready for a second.
    pub ready: f64,
    /// One GB for a second of a request that is answered by what is kept ready, in addition to `ready`.
    pub busy: f64,
    /// One GB of data in or out of a real-time or serverless endpoint.
    pub data: f64,
    /// One GB of an instance's volume for a month.
    pub volume: f64,
}

impl Rates {
    /// The prices of us-east-1. Those of other Regions are not known.
    pub const US_EAST_1: Self = Self { on_demand: 0.000_02, ready: 0.000_005, busy: 0.000_011_65, data: 0.016, volume: 0.14 };
    /// The Region of [`Self::US_EAST_1`].
    pub const KNOWN_REGION: &str = "us-east-1";

    /// The prices of a Region. `None`: they are not known.
    pub fn of_region(region: &str) -> Option<Self> {
        (region == Self::KNOWN_REGION).then_some(Self::US_EAST_1)
    }

    /// What so many bytes cost on their way in and out.
    pub fn of_bytes(&self, bytes: f64) -> f64 {
        bytes / f64::from(1_u32 << 30) * self.data
    }
}
