//! Attaches auto scaling to endpoints. What is to be attached is stored first, so that the next run finishes what an interrupted run began: all calls can be made
//! again. What was attached once is never attached again.

use aws_config::retry::RetryConfig;
use aws_sdk_applicationautoscaling::{
    config::Builder,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTargetAction, ServiceNamespace,
        TargetTrackingScalingPolicyConfiguration,
    },
};
use cost_rules::{
    facts::{AttachStage, Attached},
    plan::Outcome,
    remedy::Remedy,
    rulebook::Finding,
    scaling::{Attachment, METRIC, POLICY_NAME},
};
use jiff::Timestamp;
use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    clients::{Clients, why::why},
    context::Context,
};

/// Attempts at a call that a full quota refuses.
const QUOTA_ATTEMPTS: u32 = 3;

/// Attaches auto scaling. `None`: the finding has another remedy.
pub(crate) async fn act(context: &Context, finding: &Finding, now: Timestamp) -> Option<Outcome> {
    match &finding.waste.remedy {
        Remedy::AttachScaling(attachments) => Some(Box::pin(attach(context, &finding.resource.id, attachments, now)).await),
        _ => None,
    }
}

async fn attach(context: &Context, id: &str, attachments: &[Attachment], now: Timestamp) -> Outcome {
    let ledger = context.ledger();
    let mut attached = Attached { attachments: attachments.to_vec(), stage: AttachStage::Attaching, at: now };
    match ledger.begin_attaching(id, &attached).await {
        Ok(true) => {}
        Ok(false) => return Outcome::Skipped("auto scaling was attached to it before: it is not attached again".into()),
        Err(error) => return Outcome::Failed(format!("{error:#}")),
    }
    for one in attachments {
        if let Err(outcome) = put(&context.clients, one).await {
            return outcome;
        }
    }
    attached.stage = AttachStage::Attached;
    match ledger.set_attached(id, &attached).await {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Unknown(format!("{error:#}: the next run attaches it once more")),
    }
}

/// Registers the target, and puts its scheduled actions and its policy. Each call can be made again.
async fn put(clients: &Clients, one: &Attachment) -> Result<(), Outcome> {
    let (namespace, dimension) = (ServiceNamespace::Sagemaker, ScalableDimension::SageMakerVariantDesiredInstanceCount);
    let target = clients.autoscaling.register_scalable_target().service_namespace(namespace.clone()).scalable_dimension(dimension.clone());
    let target = target.resource_id(&one.resource_id).min_capacity(capacity(one.min)).max_capacity(capacity(one.max));
    // The SDK takes `LimitExceededException` for throttling. A quota that is full stays so.
    let few = Builder::new().retry_config(RetryConfig::standard().with_max_attempts(QUOTA_ATTEMPTS));
    target.customize().config_override(few).send().await.map_err(|error| refused("RegisterScalableTarget", &error))?;
    for action in &one.actions {
        let bounds = ScalableTargetAction::builder().min_capacity(capacity(action.min)).max_capacity(capacity(action.max)).build();
        let put = clients.autoscaling.put_scheduled_action().service_namespace(namespace.clone()).scalable_dimension(dimension.clone());
        let put = put.resource_id(&one.resource_id).scheduled_action_name(&action.name).schedule(&action.schedule).timezone(&action.zone);
        put.scalable_target_action(bounds).send().await.map_err(|error| refused("PutScheduledAction", &error))?;
    }
    let tracking = tracking(one).map_err(|why| Outcome::GivenUp(format!("PutScalingPolicy: {why}")))?;
    let policy =
        clients.autoscaling.put_scaling_policy().service_namespace(namespace).scalable_dimension(dimension).resource_id(&one.resource_id);
    let policy = policy.policy_name(POLICY_NAME).policy_type(PolicyType::TargetTrackingScaling);
    policy.target_tracking_scaling_policy_configuration(tracking).send().await.map_err(|error| refused("PutScalingPolicy", &error))?;
    Ok(())
}

fn tracking(one: &Attachment) -> Result<TargetTrackingScalingPolicyConfiguration, aws_sdk_applicationautoscaling::error::BuildError> {
    let metric = PredefinedMetricSpecification::builder().predefined_metric_type(MetricType::from(METRIC)).build()?;
    let seconds = |cooldown: cost_rules::duration::Duration| i32::try_from(cooldown.signed().as_secs()).unwrap_or(i32::MAX);
    let tracking = TargetTrackingScalingPolicyConfiguration::builder().set_target_value(one.target.to_f64());
    let tracking = tracking.scale_out_cooldown(seconds(one.scale_out_cooldown)).scale_in_cooldown(seconds(one.scale_in_cooldown));
    tracking.predefined_metric_specification(metric).build()
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
