//! The capacity of an endpoint or component: what it has, what it should have, and what it will be after the change that is under way.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    life::{
        hosting::{Hosting, Manner},
        kinds::Instances,
    },
    wire::{seconds, text},
};

/// How long AWS looks for instances until a creation or change fails. (AWS does not document it.)
pub(crate) const LOOKING: SignedDuration = SignedDuration::from_mins(30);
/// How long a container may fail its health checks (recorded by users of real accounts).
const UNHEALTHY: SignedDuration = SignedDuration::from_mins(24);
/// How long it takes to have fewer instances, or other weights.
const LESS: SignedDuration = SignedDuration::from_mins(1);
/// How long instances without and with accelerators take to start, and serverless capacity or the copies of a component.
const STARTS: (SignedDuration, SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(4), SignedDuration::from_mins(8), SignedDuration::from_mins(2));

/// What something is, and what it should be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pair<T> {
    pub(crate) current: T,
    pub(crate) desired: T,
}

impl<T: Clone> Pair<T> {
    fn new(value: T) -> Self {
        Self { current: value.clone(), desired: value }
    }

    fn settle(&mut self) {
        self.current = self.desired.clone();
    }

    fn revert(&mut self) {
        self.desired = self.current.clone();
    }
}

/// A variant that is deployed, or the copies of a component.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    /// `ProductionVariant` of the configuration.
    pub(crate) definition: Value,
    pub(crate) is_shadow: bool,
    /// The images as they were given and as they were resolved.
    images: Vec<(String, String)>,
    pub(crate) weight: Pair<f64>,
    /// Instances, or copies.
    pub(crate) count: Pair<u64>,
    /// `ServerlessConfig`
    pub(crate) serverless: Option<Pair<Value>>,
}

/// What a change that is under way will do.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// The desired counts and weights become the current ones, or fall back.
    Capacity { succeeds: bool },
    /// Another configuration is in force.
    Deploy(Box<Fleet>),
    /// Nothing that shows.
    Maintenance,
}

/// The whole capacity of an endpoint or component.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    /// The configuration in force; empty: it is a component.
    pub(crate) config: String,
    /// What it says, which stays in force though the configuration is deleted.
    pub(crate) parts: Arc<Value>,
    /// The component in the usage type: `Host` or `AsyncInf`.
    component: &'static str,
    pub(crate) variants: Vec<Variant>,
    pub(crate) pending: Option<Change>,
    /// `LastDeploymentConfig`
    pub(crate) deployment: Option<Value>,
    /// Why the creation or the last change failed.
    pub(crate) failure: Option<String>,
    /// How many deployments there were before. Each has its own instances.
    generation: u32,
    /// When its images were resolved.
    resolved: Option<Timestamp>,
    lacks_capacity: bool,
}

pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The instance type of a variant. Of several types it is the one with the highest priority, which is always available here.
pub(crate) fn instance_type(variant: &Value) -> Option<&str> {
    let pools = list(variant, "InstancePools");
    let first = pools.iter().min_by_key(|pool| pool.get("Priority").and_then(Value::as_u64));
    text(variant, "InstanceType").or_else(|| text(first?, "InstanceType"))
}

/// Whether an instance type has accelerators.
fn is_accelerated(instance_type: &str) -> bool {
    ["ml.g", "ml.p", "ml.inf", "ml.trn", "ml.dl"].iter().any(|family| instance_type.starts_with(family))
}

impl Variant {
    pub(crate) fn new(definition: &Value, is_shadow: bool, images: Vec<(String, String)>) -> Self {
        let serverless = definition.get("ServerlessConfig").cloned();
        let count = definition.get("InitialInstanceCount").and_then(Value::as_u64).unwrap_or(1);
        let weight = definition.get("InitialVariantWeight").and_then(Value::as_f64).unwrap_or(1.0);
        Self {
            definition: definition.clone(),
            is_shadow,
            images,
            weight: Pair::new(weight),
            count: Pair::new(if serverless.is_some() { 0 } else { count }),
            serverless: serverless.map(Pair::new),
        }
    }

    /// The copies of an inference component.
    pub(crate) fn copies(name: &str, count: u64, images: Vec<(String, String)>) -> Self {
        Self { count: Pair::new(count), ..Self::new(&json!({"VariantName": name}), false, images) }
    }

    pub(crate) fn name(&self) -> &str {
        text(&self.definition, "VariantName").unwrap_or_default()
    }

    /// Whether its model is brought by inference components.
    pub(crate) fn holds_components(&self) -> bool {
        self.definition.get("ModelName").is_none() && self.serverless.is_none()
    }

    pub(crate) fn is_accelerated(&self) -> bool {
        instance_type(&self.definition).is_some_and(is_accelerated)
    }

    /// The bounds between which SageMaker itself scales the instances, if it does.
    pub(crate) fn managed(&self) -> Option<(u64, u64)> {
        let scaling = self.definition.get("ManagedInstanceScaling").filter(|scaling| text(scaling, "Status") == Some("ENABLED"))?;
        let bound = |name: &str, absent| scaling.get(name).and_then(Value::as_u64).unwrap_or(absent);
        Some((bound("MinInstanceCount", 1), bound("MaxInstanceCount", u64::MAX)))
    }

    /// `DeployedImages`
    pub(crate) fn images(&self, resolved: Option<Timestamp>) -> Option<Value> {
        let image = |(specified, image): &(String, String)| {
            let mut one = json!({"SpecifiedImage": specified, "ResolvedImage": image});
            if let Some(at) = resolved {
                one["ResolutionTime"] = seconds(at).into();
            }
            one
        };
        (!self.images.is_empty()).then(|| self.images.iter().map(image).collect())
    }

    /// Provisioned concurrency, current and desired.
    pub(crate) fn provisioned(&self) -> Option<Pair<u64>> {
        let of = |config: &Value| config.get("ProvisionedConcurrency").and_then(Value::as_u64);
        let serverless = self.serverless.as_ref()?;
        Some(Pair { current: of(&serverless.current)?, desired: of(&serverless.desired)? })
    }

    fn each_pair(&mut self, weight: fn(&mut Pair<f64>), count: fn(&mut Pair<u64>), serverless: fn(&mut Pair<Value>)) {
        weight(&mut self.weight);
        count(&mut self.count);
        self.serverless.iter_mut().for_each(serverless);
    }
}

impl Fleet {
    pub(crate) fn of_endpoint(config: &str, parts: &Arc<Value>, variants: Vec<Variant>) -> Self {
        let component = if parts.get("AsyncInferenceConfig").is_some() { "AsyncInf" } else { "Host" };
        Self { config: config.to_owned(), parts: Arc::clone(parts), component, variants, ..Self::default() }
    }

    pub(crate) fn of_component(copies: Variant) -> Self {
        Self { variants: vec![copies], ..Self::default() }
    }

    /// Sets the counts that its variants have by now.
    pub(crate) fn set_counts(&mut self, counts: &BTreeMap<String, u64>) {
        for variant in &mut self.variants {
            if let Some(count) = counts.get(variant.name()) {
                variant.count = Pair::new(*count);
            }
        }
    }

    pub(crate) fn is_asynchronous(&self) -> bool {
        self.component == "AsyncInf"
    }

    pub(crate) fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name() == name)
    }

    pub(crate) fn variant_mut(&mut self, name: &str) -> Option<&mut Variant> {
        self.variants.iter_mut().find(|variant| variant.name() == name)
    }

    pub(crate) fn resolved(&self) -> Option<Timestamp> {
        self.resolved
    }

    /// How long its instances usually take to start.
    fn start_up(&self) -> SignedDuration {
        let (plain, accelerated, serverless) = STARTS;
        let mut types =
            self.variants.iter().filter(|variant| variant.serverless.is_none()).map(|variant| instance_type(&variant.definition));
        match types.clone().next() {
            _ if self.config.is_empty() => serverless,
            None => serverless,
            Some(_) if types.any(|of| of.is_some_and(is_accelerated)) => accelerated,
            Some(_) => plain,
        }
    }

    /// How long a change takes: more instances have to start, fewer do not.
    pub(crate) fn takes(&self, manner: &Manner) -> SignedDuration {
        let grows = |variant: &Variant| {
            variant.count.current < variant.count.desired || variant.provisioned().is_some_and(|of| of.current < of.desired)
        };
        if self.variants.iter().any(grows) { manner.scaling.or(manner.creating).unwrap_or_else(|| self.start_up()) } else { LESS }
    }

    /// Begins the creation: how long it takes, and how it ends.
    pub(crate) fn begin(&mut self, at: Timestamp, manner: &Manner, usual: SignedDuration, lives: bool) -> (SignedDuration, &'static str) {
        self.resolved = Some(at);
        let takes = manner.creating.unwrap_or_else(|| if self.config.is_empty() { usual } else { self.start_up() });
        if lives && self.finds_no_capacity(at, manner) {
            (self.failure, self.lacks_capacity) = (Some(no_capacity()), true);
            return (LOOKING, "Failed");
        }
        if lives && manner.is_unhealthy {
            self.failure = Some(self.unhealthy());
            return (UNHEALTHY, "Failed");
        }
        (takes, "InService")
    }

    /// Whether there will be no instances for as long as AWS looks for them.
    pub(crate) fn finds_no_capacity(&self, at: Timestamp, manner: &Manner) -> bool {
        let needs = self.config.is_empty() || self.variants.iter().any(|variant| variant.serverless.is_none() && 0 < variant.count.desired);
        needs && manner.no_capacity_until.is_some_and(|until| at + LOOKING < until)
    }

    /// AWS's reason for a container that does not answer.
    pub(crate) fn unhealthy(&self) -> String {
        let name = self.variants.first().map_or("AllTraffic", Variant::name);
        format!(
            "The primary container for production variant {name} did not pass the ping health check. Please check CloudWatch logs for this endpoint."
        )
    }

    /// Prepares another configuration to be deployed after this one.
    pub(crate) fn succeed(&self, mut next: Self, at: Timestamp) -> Self {
        (next.generation, next.resolved) = (self.generation + 1, Some(at));
        next
    }

    /// Follows the change of the status: capacity settles, and instances start and end.
    pub(crate) fn enter(&mut self, at: Timestamp, status: &str, instances: &mut Vec<Instances>) {
        if status == "Failed" && self.failure.is_none() {
            self.failure = Some(self.unhealthy());
        }
        let wanted = match status {
            "Creating" if self.lacks_capacity => vec![],
            "Creating" => self.wanted(|count| count.desired),
            "InService" => {
                self.settle();
                self.wanted(|count| count.current)
            }
            "Updating" => {
                let next = if let Some(Change::Deploy(next)) = &self.pending { next.wanted(|count| count.desired) } else { vec![] };
                let lacks = matches!(self.pending, Some(Change::Capacity { succeeds: false }));
                let own = self.wanted(|count| if lacks { count.current } else { count.current.max(count.desired) });
                own.into_iter().chain(next).collect()
            }
            "RollingBack" => {
                self.revert();
                self.wanted(|count| count.current)
            }
            "Deleting" | "Failed" | "OutOfService" | "Deleted" => vec![],
            _ => return,
        };
        hold(instances, self.component, &wanted, at);
    }

    fn settle(&mut self) {
        match self.pending.take() {
            Some(Change::Capacity { succeeds: false }) => self.revert(),
            Some(Change::Deploy(next)) => {
                *self = *next;
                self.settle();
            }
            change => {
                if change.is_some() {
                    self.failure = None;
                }
                self.variants.iter_mut().for_each(|variant| variant.each_pair(Pair::settle, Pair::settle, Pair::settle));
            }
        }
    }

    /// Gives a change up.
    fn revert(&mut self) {
        self.pending = None;
        self.variants.iter_mut().for_each(|variant| variant.each_pair(Pair::revert, Pair::revert, Pair::revert));
    }

    /// The instances that it has on the bill: of which variant, the type and the number.
    fn wanted(&self, count: impl Fn(&Pair<u64>) -> u64) -> Vec<(String, String, u64)> {
        let of = |variant: &Variant| {
            let instance_type = instance_type(&variant.definition)?.to_owned();
            Some((format!("{} {}", self.generation, variant.name()), instance_type, count(&variant.count)))
        };
        self.variants.iter().filter(|variant| variant.serverless.is_none()).filter_map(of).filter(|(.., count)| *count != 0).collect()
    }
}

/// AWS's reason for a creation or change without instances.
pub(crate) fn no_capacity() -> String {
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. Please retry using a different ML instance type or after some time.".into()
}

/// Ends and starts runs so that exactly the wanted instances are on the bill from now on.
fn hold(instances: &mut Vec<Instances>, component: &'static str, wanted: &[(String, String, u64)], at: Timestamp) {
    let is = |one: &Instances, (of, instance_type, count): &(String, String, u64)| {
        one.of == *of && one.instance_type == *instance_type && one.count == *count
    };
    for one in instances.iter_mut().filter(|one| !wanted.iter().any(|wanted| is(one, wanted))) {
        one.runs.end(at);
    }
    for want in wanted {
        let place = instances.iter().position(|one| is(one, want)).unwrap_or_else(|| {
            let (of, instance_type, count) = want;
            instances.push(Instances { of: of.clone(), ..Instances::new(component, instance_type, *count) });
            instances.len() - 1
        });
        if let Some(one) = instances.get_mut(place) {
            one.runs.start(at, &want.1);
        }
    }
}

/// An image as it is given and as it is resolved, of each container of a model.
pub(crate) fn images_of(hosting: &Hosting, model: &Value) -> Vec<(String, String)> {
    let containers = model.get("PrimaryContainer").into_iter().chain(list(model, "Containers"));
    containers.filter_map(|container| text(container, "Image")).map(|image| (image.to_owned(), hosting.resolved(image))).collect()
}
