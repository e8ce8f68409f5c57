//! Takes back the auto scaling that the guard attached to an endpoint, because somebody asked for that.

use aws_sdk_applicationautoscaling::{
    error::{ProvideErrorMetadata, SdkError},
    types::{ScalableDimension, ServiceNamespace},
};
use aws_sdk_sagemaker::types::{DesiredWeightAndCapacity, InferenceComponentRuntimeConfig};
use cost_rules::{
    facts::{AttachStage, Attached, TakeBack, TakenBack, Unread},
    resource::Kind,
    scaling::{Attachment, Counts},
};
use jiff::Timestamp;

use crate::{
    act::{endpoints::register, wake::delete_alarm},
    clients::{Clients, why::why},
    context::Context,
    gather::endpoints::{capacity_of, scaling_of},
    report::{Report, ReportedAction},
};

const ACTION: &str = "detach-auto-scaling";

/// Takes back what was attached to the endpoint of this name. What others have added to the same variant stays.
///
/// # Errors
/// The ledger cannot be read.
pub async fn detach(context: &Context, endpoint: &str, dry_run: bool, now: Timestamp) -> anyhow::Result<Report> {
    let (id, ledger) = (Kind::Endpoint.id(endpoint), context.ledger());
    let mut report = Report::new(context.function, dry_run);
    let Some(mut attached) = ledger.attached(&id).await? else {
        report.unread.push(Unread::new(id, "the guard has attached no auto scaling to an endpoint of this name".to_owned()));
        return Ok(report);
    };
    let (outcome, detail) = match attached.stage {
        AttachStage::Detached => ("already-done", format!("it was taken back at {}", attached.at)),
        _ if dry_run => ("planned", String::new()),
        _ => match Box::pin(take_back(&context.clients, &attached)).await {
            Ok(detail) => {
                attached = Attached { stage: AttachStage::Detached, at: now, ..attached };
                let kept = ledger.set_attached(&id, &attached).await;
                report.failures.extend(kept.err().map(|error| format!("{error:#}: ask for `detach` again")));
                ("done", detail)
            }
            Err(why) => {
                report.failures.push(format!("{ACTION} of {endpoint}: {why}"));
                ("failed", why)
            }
        },
    };
    report.actions.push(ReportedAction { action: ACTION, resource: id, outcome, detail });
    Ok(report)
}

/// Takes back all of it. Returns what has to be known of it. What one variant is refused is no reason to leave the others: AWS changes the instances of one at a time.
async fn take_back(clients: &Clients, attached: &Attached) -> Result<String, String> {
    let (mut details, mut refused) = (vec![], vec![]);
    for one in &attached.attachments {
        match take_back_one(clients, one).await {
            Ok(detail) => details.extend(detail),
            Err(why) => refused.push(format!("{}: {why}", one.variant)),
        }
    }
    if refused.is_empty() {
        return Ok(details.join("; "));
    }
    Err(format!("{}: ask for `detach` again when the endpoint is in service", refused.join("; ")))
}

async fn take_back_one(clients: &Clients, one: &Attachment) -> Result<Option<String>, String> {
    let there = scaling_of(clients, &one.resource_id).await?;
    let TakenBack { calls, note } = one.to_take_back(there.as_deref());
    for call in calls {
        match call {
            TakeBack::Bounds { min, max } => register(clients, one, min, max).await.map_err(|outcome| outcome.detail().to_owned())?,
            TakeBack::Capacity => restore_capacity(clients, one).await?,
            TakeBack::Target => deregister(clients, one).await?,
            TakeBack::Policy(name) => delete_policy(clients, one, name).await?,
            TakeBack::Action(name) => delete_action(clients, one, name).await?,
            TakeBack::Alarm => delete_alarm(clients, &one.alarm_name()).await?,
        }
    }
    Ok(note)
}

fn target_of(one: &Attachment) -> (ServiceNamespace, ScalableDimension) {
    (ServiceNamespace::Sagemaker, ScalableDimension::from(one.dimension()))
}

async fn deregister(clients: &Clients, one: &Attachment) -> Result<(), String> {
    let (namespace, dimension) = target_of(one);
    let call = clients.autoscaling.deregister_scalable_target().service_namespace(namespace).scalable_dimension(dimension);
    let sent = call.resource_id(&one.resource_id).send().await;
    gone_or("DeregisterScalableTarget", sent)
}

async fn delete_policy(clients: &Clients, one: &Attachment, name: &str) -> Result<(), String> {
    let (namespace, dimension) = target_of(one);
    let call = clients.autoscaling.delete_scaling_policy().service_namespace(namespace).scalable_dimension(dimension);
    let sent = call.resource_id(&one.resource_id).policy_name(name).send().await;
    gone_or("DeleteScalingPolicy", sent)
}

async fn delete_action(clients: &Clients, one: &Attachment, name: &str) -> Result<(), String> {
    let (namespace, dimension) = target_of(one);
    let call = clients.autoscaling.delete_scheduled_action().service_namespace(namespace).scalable_dimension(dimension);
    let sent = call.resource_id(&one.resource_id).scheduled_action_name(name).send().await;
    gone_or("DeleteScheduledAction", sent)
}

/// What is gone needs no deletion: an answer may have been lost, and the call made again.
fn gone_or<T, E: ProvideErrorMetadata + std::error::Error + 'static>(call: &str, sent: Result<T, SdkError<E>>) -> Result<(), String> {
    match sent {
        Ok(_) => Ok(()),
        Err(error) if error.as_service_error().and_then(ProvideErrorMetadata::code) == Some("ObjectNotFoundException") => Ok(()),
        Err(error) => Err(format!("application-autoscaling:{call}: {}", why(&error))),
    }
}

/// Sets the number of instances or copies that there were before, if there are fewer.
async fn restore_capacity(clients: &Clients, one: &Attachment) -> Result<(), String> {
    let is_less = capacity_of(clients, one).await?.is_some_and(|capacity| capacity < one.instances);
    if !is_less {
        return Ok(());
    }
    let count = i32::try_from(one.instances).unwrap_or(i32::MAX);
    match one.counts {
        Counts::Instances => {
            let Some(endpoint) = one.endpoint() else { return Ok(()) };
            let wanted = DesiredWeightAndCapacity::builder().variant_name(&one.variant).desired_instance_count(count).build();
            let call = clients.sagemaker.update_endpoint_weights_and_capacities().endpoint_name(endpoint);
            let sent = call.desired_weights_and_capacities(wanted).send().await;
            sent.map(drop).map_err(|error| format!("sagemaker:UpdateEndpointWeightsAndCapacities: {}", why(&error)))
        }
        Counts::Copies => {
            let wanted = InferenceComponentRuntimeConfig::builder().copy_count(count).build();
            let call = clients.sagemaker.update_inference_component_runtime_config().inference_component_name(&one.variant);
            let sent = call.desired_runtime_config(wanted).send().await;
            sent.map(drop).map_err(|error| format!("sagemaker:UpdateInferenceComponentRuntimeConfig: {}", why(&error)))
        }
    }
}
