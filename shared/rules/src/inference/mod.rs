//! What each way of serving an endpoint's requests would cost, and whether it may be used: [`Workload`] → [`options()`] → [`recommended`]. Which endpoints could share one: [`pack()`].

mod assumptions;
mod estimate;
mod instance_types;
mod instances;
mod options;
mod packing;
mod rates;
mod requests;
mod serverless;
mod workload;

pub use self::{
    assumptions::Assumptions,
    estimate::{Estimate, Fit, ServingOption, Usd},
    instance_types::{InstanceType, InstanceTypes},
    options::{options, recommended},
    packing::{BusiestHour, Candidate, Group, Highest, Limits, Load, Packing, PricedType, pack},
    rates::Rates,
    requests::Requests,
    workload::{Feature, Features, Workload},
};

#[cfg(test)]
mod tests;
