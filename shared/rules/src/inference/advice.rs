//! What is advised for one endpoint: its options with their costs, and the one that is recommended, alone or together with others.

use std::collections::BTreeMap;

use crate::inference::{estimate::Estimate, packing::Group};

/// What is advised for an endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Advice {
    /// It was not worked out yet.
    #[default]
    Pending,
    /// It cannot be worked out, because this is not known.
    Unknown(String),
    /// Nothing is advised, for this reason.
    LeftAlone(String),
    /// It was worked out.
    Given(Box<Given>),
}

impl Advice {
    /// `None`: it was not worked out.
    pub fn given(&self) -> Option<&Given> {
        match self {
            Self::Given(given) => Some(given),
            Self::Pending | Self::Unknown(_) | Self::LeftAlone(_) => None,
        }
    }
}

/// Advice that was worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// All options, in order.
    pub estimates: Vec<Estimate>,
    /// What it costs today, in USD per month.
    pub usd_today: f64,
    /// What auto scaling would save of that, which endpoint-autoscaler has told already, in USD per month.
    pub usd_told: f64,
    /// The recommended option, by its place. `None`: none saves enough and leaves callers what they have.
    pub best: Option<usize>,
    /// Whether it would share an endpoint with others, which then saves more than each would alone.
    pub sharing: Sharing,
}

/// The place of an endpoint in a group that shares a multi-model endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sharing {
    /// It stays alone.
    #[default]
    Alone,
    /// It tells of the group.
    First(Box<Shared>),
    /// The endpoint of this name tells of it.
    Of(String),
}

/// Endpoints that would share a multi-model endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// Its members, in order.
    pub members: Vec<Member>,
    /// What they would run on. The ids of its members are of no use here.
    pub group: Group,
    /// The name of the member with most of the load in the busiest hour, and its share of it.
    pub noisiest: Option<(String, f64)>,
    /// What auto scaling would save of today's cost, in USD per month.
    pub usd_told: f64,
}

impl Sharing {
    /// Whether it is a member of a group.
    pub const fn is_shared(&self) -> bool {
        !matches!(self, Self::Alone)
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The endpoint's name.
    pub name: String,
    /// The name of its configuration.
    pub config: String,
    /// Its model's archive in S3.
    pub data_url: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Given {
    /// The recommended option.
    pub fn recommended(&self) -> Option<&Estimate> {
        self.estimates.get(self.best?).filter(|_| !self.sharing.is_shared())
    }

    /// What the best way costs that is known for this endpoint alone, in USD per month: with the recommended option, or with auto scaling.
    pub fn usd_alone(&self) -> f64 {
        let scaled = self.usd_today - self.usd_told;
        let best = self.best.and_then(|place| self.estimates.get(place)?.usd);
        best.map_or(scaled, |usd| usd.high.min(scaled))
    }

    /// What the recommended option saves beyond auto scaling, in the worst case of its estimate, in USD per month.
    pub fn usd_saved(&self) -> f64 {
        self.usd_today - self.usd_told - self.usd_alone()
    }
}

impl Shared {
    /// What sharing saves beyond auto scaling, in USD per month.
    pub fn usd_saved(&self) -> f64 {
        self.group.usd_per_month_today - self.usd_told - self.group.usd_per_month
    }
}
