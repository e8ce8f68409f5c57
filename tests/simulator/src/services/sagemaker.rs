//! SageMaker: its operations, by area.

use crate::services::{On, Operation};

pub(crate) mod endpoints;
pub(crate) mod kinds;
pub(crate) mod notebooks;
pub(crate) mod pipelines;
pub(crate) mod search;
pub(crate) mod studio;
pub(crate) mod tags;
pub(crate) mod training;
pub(crate) mod tuning;

/// The operations of the kinds are in the kinds' table.
pub(super) const OPERATIONS: &[&[Operation]] = &[
    endpoints::OPERATIONS,
    notebooks::OPERATIONS,
    pipelines::OPERATIONS,
    studio::OPERATIONS,
    training::OPERATIONS,
    tuning::OPERATIONS,
    COMMON,
];

const OF_ARN: On = On::Arn("ResourceArn");

const COMMON: &[Operation] = &[
    Operation::new("ListTags", OF_ARN, |world, input| tags::list(world, input)),
    Operation::new("AddTags", OF_ARN, tags::add),
    Operation::new("DeleteTags", OF_ARN, tags::delete),
    Operation::new("Search", On::Nothing, |world, input| search::call(world, input)),
];
