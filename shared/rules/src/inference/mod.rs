//! What each way of serving an endpoint's requests would cost, and whether it may be used: [`Workload`] → [`options()`] → [`recommended`]. Which endpoints could share one: [`pack()`].

mod advice;
mod assumptions;
mod estimate;
mod hardware;
mod instance_types;
mod instances;
mod json;
mod options;
mod other_instances;
mod packing;
mod queue;
mod rates;
mod requests;
mod serverless;
mod workload;

pub(crate) use self::rates::HOURS;
pub use self::{
    advice::{Advice, Given, Member, Shared, Sharing},
    assumptions::Assumptions,
    estimate::{Estimate, Fit, ServingOption, Usd},
    hardware::{Hardware, Used},
    instance_types::{InstanceType, InstanceTypes, PricedType},
    json::{options_json, shared_json},
    options::{options, recommended},
    packing::{BusiestHour, Candidate, Group, Highest, Limits, Load, Packing, pack, server_gib},
    rates::Rates,
    requests::Requests,
    workload::{Feature, Features, Scaled, Workload},
};

#[cfg(test)]
mod tests;
