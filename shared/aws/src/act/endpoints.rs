//! Attaches auto scaling to endpoints. What is to be attached is stored first, so that the next run finishes what an interrupted run began: all calls can be made
//! again. What was attached once is never attached again.

use aws_config::retry::RetryConfig;
use aws_sdk_applicationautoscaling::{
    config::Builder,
    error::{BuildError, ProvideErrorMetadata, SdkError},
    types::{
        AdjustmentType, CustomizedMetricSpecification, MetricAggregationType, MetricDimension, MetricStatistic, MetricType, PolicyType,
        PredefinedMetricSpecification, ScalableDimension, ScalableTargetAction, ServiceNamespace, StepAdjustment,
        StepScalingPolicyConfiguration, TargetTrackingScalingPolicyConfiguration,
    },
};
use cost_rules::{
    facts::{AttachStage, Attached, Put},
    plan::Outcome,
    remedy::Remedy,
    rulebook::Finding,
    scaling::{Attachment, BACKLOG_METRIC, FIRST_NAME, POLICY_NAME, ScheduledBounds, Tracked, Tracking, Wake},
};
use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive as _;

use super::wake::put_alarm;
use crate::{
    clients::{Clients, why::why},
    context::Context,
    gather::endpoints::scaling_of,
};

/// Attempts at a call that a full quota refuses.
const QUOTA_ATTEMPTS: u32 = 3;

/// Attaches auto scaling. `None`: the finding has another remedy.
pub(crate) async fn act(context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
    match &finding.waste.remedy {
        Remedy::AttachScaling(way, attachments) => {
            let usd_per_month = finding.waste.usd_per_month;
            let new = Attached { way: *way, attachments: attachments.clone(), usd_per_month, stage: AttachStage::Attaching, at: now };
            let id = &finding.resource.id;
            Some(Box::pin(attach(context, id, new)).await.unwrap_or_else(|outcome| outcome))
        }
        _ => None,
    }
}

async fn attach(context: &Context, id: &str, new: Attached) -> Result<Outcome, Outcome> {
    let ledger = context.ledger();
    let failed = |error: anyhow::Error| Outcome::Failed(format!("{error:#}"));
    let before = ledger.attached(id).await.map_err(failed)?;
    // What an earlier run began otherwise was found not to stand, and worked out anew. What this run began for another reason stays.
    let goes_on = |begun: &Attached| begun.stage == AttachStage::Attaching && (begun.attachments == new.attachments || begun.at < new.at);
    let is_free = before.as_ref().is_none_or(goes_on);
    if !is_free || !ledger.begin_attaching(id, &new, before.map(|begun| begun.stage)).await.map_err(failed)? {
        return Err(Outcome::Skipped("auto scaling was attached to it before: it is not attached again".into()));
    }
    for one in &new.attachments {
        put(&context.clients, one).await?;
    }
    let attached = Attached { stage: AttachStage::Attached, ..new };
    let kept = ledger.set_attached(id, &attached).await;
    kept.map(|()| Outcome::Done).map_err(|error| Outcome::Unknown(format!("{error:#}: the next run attaches it once more")))
}

/// Makes the calls that are left, by what stands there at this moment.
async fn put(clients: &Clients, one: &Attachment) -> Result<(), Outcome> {
    let there = scaling_of(clients, &one.resource_id).await.map_err(Outcome::Failed)?;
    for call in one.left_to_put(there.as_deref()).map_err(Outcome::GivenUp)? {
        match call {
            Put::Target { min, max } => register(clients, one, min, max).await?,
            Put::Action(action) => put_action(clients, one, action).await?,
            Put::Tracking(policy) => track(clients, one, policy).await?,
            Put::Wake(wake) => put_wake(clients, one, wake).await?,
        }
    }
    Ok(())
}

/// Registers the target of an attachment, or changes its bounds. A bound that is left out stays.
pub(crate) async fn register(clients: &Clients, one: &Attachment, min: u32, max: Option<u32>) -> Result<(), Outcome> {
    let (namespace, dimension) = target_of(one);
    let target = clients.autoscaling.register_scalable_target().service_namespace(namespace).scalable_dimension(dimension);
    let target = target.resource_id(&one.resource_id).min_capacity(capacity(min)).set_max_capacity(max.map(capacity));
    target.customize().config_override(few_attempts()).send().await.map(drop).map_err(|error| refused("RegisterScalableTarget", &error))
}

/// The SDK takes `LimitExceededException` for throttling. A quota that is full stays so.
pub(super) fn few_attempts() -> Builder {
    Builder::new().retry_config(RetryConfig::standard().with_max_attempts(QUOTA_ATTEMPTS))
}

async fn put_action(clients: &Clients, one: &Attachment, action: &ScheduledBounds) -> Result<(), Outcome> {
    let (namespace, dimension) = target_of(one);
    let bounds = ScalableTargetAction::builder().min_capacity(capacity(action.min)).max_capacity(capacity(action.max)).build();
    let put = clients.autoscaling.put_scheduled_action().service_namespace(namespace).scalable_dimension(dimension);
    let put = put.resource_id(&one.resource_id).scheduled_action_name(&action.name).schedule(&action.schedule).timezone(&action.zone);
    put.scalable_target_action(bounds).send().await.map(drop).map_err(|error| refused("PutScheduledAction", &error))
}

async fn track(clients: &Clients, one: &Attachment, policy: &Tracking) -> Result<(), Outcome> {
    let (namespace, dimension) = target_of(one);
    let tracking = tracking(policy).map_err(not_built)?;
    let put = clients.autoscaling.put_scaling_policy().service_namespace(namespace).scalable_dimension(dimension);
    let put = put.resource_id(&one.resource_id).policy_name(POLICY_NAME).policy_type(PolicyType::TargetTrackingScaling);
    let put = put.target_tracking_scaling_policy_configuration(tracking);
    put.send().await.map(drop).map_err(|error| refused("PutScalingPolicy", &error))
}

/// Puts the policy that adds the first one, and the alarm that calls it.
async fn put_wake(clients: &Clients, one: &Attachment, wake: &Wake) -> Result<(), Outcome> {
    let (namespace, dimension) = target_of(one);
    let step = StepAdjustment::builder().metric_interval_lower_bound(0.0).scaling_adjustment(1).build().map_err(not_built)?;
    let steps = StepScalingPolicyConfiguration::builder().adjustment_type(AdjustmentType::ChangeInCapacity).step_adjustments(step);
    let steps = steps.metric_aggregation_type(MetricAggregationType::from(wake.aggregation())).cooldown(capacity(wake.cooldown()));
    let put = clients.autoscaling.put_scaling_policy().service_namespace(namespace).scalable_dimension(dimension);
    let put = put.resource_id(&one.resource_id).policy_name(FIRST_NAME).policy_type(PolicyType::StepScaling);
    let policy = put.step_scaling_policy_configuration(steps.build()).send().await.map_err(|error| refused("PutScalingPolicy", &error))?;
    put_alarm(clients, &one.alarm_name(), wake, &policy.policy_arn).await.map_err(Outcome::Failed)
}

fn target_of(one: &Attachment) -> (ServiceNamespace, ScalableDimension) {
    (ServiceNamespace::Sagemaker, ScalableDimension::from(one.dimension()))
}

fn tracking(policy: &Tracking) -> Result<TargetTrackingScalingPolicyConfiguration, BuildError> {
    let seconds = |cooldown: cost_rules::duration::Duration| i32::try_from(cooldown.signed().as_secs()).unwrap_or(i32::MAX);
    let tracking = TargetTrackingScalingPolicyConfiguration::builder().set_target_value(policy.target.to_f64());
    let tracking = tracking.scale_out_cooldown(seconds(policy.scale_out_cooldown)).scale_in_cooldown(seconds(policy.scale_in_cooldown));
    let tracking = match &policy.metric {
        Tracked::Backlog(endpoint) => {
            let of = MetricDimension::builder().name("EndpointName").value(endpoint).build()?;
            let metric = CustomizedMetricSpecification::builder().namespace("AWS/SageMaker").metric_name(BACKLOG_METRIC);
            tracking.customized_metric_specification(metric.dimensions(of).statistic(MetricStatistic::Average).build())
        }
        other => {
            let name = MetricType::from(other.predefined().unwrap_or_default());
            tracking.predefined_metric_specification(PredefinedMetricSpecification::builder().predefined_metric_type(name).build()?)
        }
    };
    tracking.build()
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn not_built(error: BuildError) -> Outcome {
    Outcome::GivenUp(format!("PutScalingPolicy: {error}"))
}

fn capacity(instances: u32) -> i32 {
    i32::try_from(instances).unwrap_or(i32::MAX)
}

/// The outcome of a refused call. An account has at most 500 scalable targets of endpoints: that is a normal end.
fn refused<E: ProvideErrorMetadata + std::error::Error + 'static>(call: &str, error: &SdkError<E>) -> Outcome {
    let text = format!("application-autoscaling:{call}: {}", why(error));
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("LimitExceededException") => {
            Outcome::GivenUp(format!("{text}. Ask AWS for a higher quota of scalable targets (Service Quotas, Application Auto Scaling)."))
        }
        Some("ConcurrentUpdateException") => Outcome::Skipped(format!("{text}: the next run tries again")),
        Some(_) => Outcome::Failed(text),
        None => Outcome::Unknown(format!("{text}: the next run makes all calls again")),
    }
}
