//! AWS's services, one file each: their operations, the permissions that these need, and the answers.

use serde_json::Value;

use crate::{
    life::kinds::table::Kind,
    wire::{Refusal, text},
    world::World,
};
use sagemaker::kinds::{self, Verb};

pub(crate) mod application_autoscaling;
pub(crate) mod budgets;
pub(crate) mod cloudtrail;
pub(crate) mod cloudwatch;
pub(crate) mod compute_optimizer;
pub(crate) mod cost_explorer;
pub(crate) mod dynamodb;
pub(crate) mod ecr;
pub(crate) mod events;
pub(crate) mod s3;
pub(crate) mod sagemaker;
pub(crate) mod savings_plans;
pub(crate) mod sns;
pub(crate) mod ssm;
pub(crate) mod sts;
pub(crate) mod tagging;

/// An operation. All that the simulator knows of it is in its service's list.
pub(crate) struct Operation {
    name: &'static str,
    /// IAM's name of the action; `None`: the operation's name.
    action: Option<&'static str>,
    on: On,
    serve: fn(&mut World, &Value) -> Result<Value, Refusal>,
}

/// The resource that a role must allow an operation on.
#[derive(Clone, Copy)]
pub(crate) enum On {
    /// No resource: only a statement on `*` allows it.
    Nothing,
    /// All SageMaker resources of a kind. A denial names `app/*`, and only a statement on `*` allows it.
    All(&'static str),
    /// One SageMaker resource: the path in its ARN, and the input field with its name.
    One(&'static str, &'static str),
    /// The input field with the ARN.
    Arn(&'static str),
    /// Computes the ARN from the input.
    Of(fn(&World, &Value) -> String),
    /// Computes the ARN that a denial names from the operation's name. Only a statement on `*` allows it.
    Service(fn(&World, &str) -> String),
}

impl Operation {
    pub(crate) const fn new(name: &'static str, on: On, serve: fn(&mut World, &Value) -> Result<Value, Refusal>) -> Self {
        Self { name, action: None, on, serve }
    }

    /// Sets IAM's name of the action.
    pub(crate) const fn in_iam(self, action: &'static str) -> Self {
        Self { action: Some(action), ..self }
    }
}

/// A simulated operation.
pub(crate) enum Found {
    Own(&'static Operation),
    /// An operation on one of SageMaker's kinds, whose table has its name.
    OfKind(&'static Kind, Verb),
}

/// Finds an operation of a service with a JSON or CBOR protocol.
pub(crate) fn find(service: &str, operation: &str) -> Option<Found> {
    let lists: &[&[Operation]] = match service {
        "sagemaker" => sagemaker::OPERATIONS,
        "tagging" => &[tagging::OPERATIONS],
        "ssm" => &[ssm::OPERATIONS],
        "dynamodb" => &[dynamodb::OPERATIONS],
        "cloudtrail" => &[cloudtrail::OPERATIONS],
        "cloudwatch" => &[cloudwatch::OPERATIONS],
        "application-autoscaling" => &[application_autoscaling::OPERATIONS],
        "ce" => &[cost_explorer::OPERATIONS],
        "compute-optimizer" => &[compute_optimizer::OPERATIONS],
        "budgets" => &[budgets::OPERATIONS],
        "ecr" => &[ecr::OPERATIONS],
        "events" => &[events::OPERATIONS],
        "savingsplans" => &[savings_plans::OPERATIONS],
        _ => &[],
    };
    let own = lists.iter().copied().flatten().find(|one| one.name == operation).map(Found::Own);
    let of_kind = || kinds::verb_of(operation).filter(|_| service == "sagemaker").map(|(kind, verb)| Found::OfKind(kind, verb));
    own.or_else(of_kind)
}

/// Serves a call of a service with a JSON or CBOR protocol.
pub(crate) fn call(world: &mut World, service: &str, operation: &str, input: &Value) -> Result<Value, Refusal> {
    find(service, operation).ok_or_else(|| Refusal::not_simulated(service, operation))?.serve(world, input)
}

impl Found {
    pub(crate) fn serve(&self, world: &mut World, input: &Value) -> Result<Value, Refusal> {
        match self {
            Self::Own(operation) => (operation.serve)(world, input),
            Self::OfKind(kind, verb) => kinds::serve(world, kind, *verb, input),
        }
    }

    /// IAM's name of the action, without the service; `None`: the operation's name.
    pub(crate) fn action(&self) -> Option<&'static str> {
        match self {
            Self::Own(operation) => operation.action,
            Self::OfKind(..) => None,
        }
    }

    /// The ARN that a denial names, and whether a statement on this ARN allows the call. If not, only a statement on `*` does.
    pub(crate) fn resource(&self, world: &World, input: &Value) -> (Option<String>, bool) {
        let field = |field: &str| text(input, field).unwrap_or_default();
        match self {
            Self::Own(Operation { name, on, .. }) => match on {
                On::Nothing => (None, false),
                On::All(path) => (Some(world.arn(&format!("{path}/*"))), false),
                On::One(path, of) => (Some(world.arn(&format!("{path}/{}", field(of)))), true),
                On::Arn(of) => (Some(field(of).to_owned()), true),
                On::Of(arn) => (Some(arn(world, input)), true),
                On::Service(arn) => (Some(arn(world, name)), false),
            },
            Self::OfKind(kind, _) if kind.name == "pipeline-execution" => {
                (Some(world.arn(&format!("pipeline/{}", field(kind.list.parent).rsplit('/').next().unwrap_or_default()))), true)
            }
            Self::OfKind(kind, Verb::List) => (Some(world.arn(&format!("{}/*", kind.path))), false),
            Self::OfKind(kind, _) => {
                let named = field(&kind.field("Name"));
                (Some(if named.starts_with("arn:") { named.to_owned() } else { kind.arn_of(world, named) }), true)
            }
        }
    }
}
