//! Takes back the auto scaling that the guard attached to an endpoint, because somebody asked for that.

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use cost_rules::{
    facts::{AttachStage, Attached, Unread},
    resource::Kind,
    scaling::{Attachment, POLICY_NAME},
};
use jiff::Timestamp;

use crate::{
    clients::{Clients, why::why},
    context::Context,
    gather::endpoints::{instances_of, scaling_of},
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
        _ => match Box::pin(take_back(&context.clients, endpoint, &attached)).await {
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

/// Takes back all of it. Returns what has to be known of it.
async fn take_back(clients: &Clients, endpoint: &str, attached: &Attached) -> Result<String, String> {
    let mut details = vec![];
    for one in &attached.attachments {
        details.extend(take_back_one(clients, endpoint, one).await?);
    }
    Ok(details.join("; "))
}

async fn take_back_one(clients: &Clients, endpoint: &str, one: &Attachment) -> Result<Option<String>, String> {
    let (namespace, dimension) = (ServiceNamespace::Sagemaker, ScalableDimension::SageMakerVariantDesiredInstanceCount);
    let Some(scaling) = scaling_of(clients, &one.resource_id).await? else {
        return Ok(Some(format!("{} had no auto scaling any more", one.variant)));
    };
    let policies: Vec<&str> = scaling.policies.iter().map(|policy| policy.name.as_str()).collect();
    let actions: Vec<&str> = scaling.scheduled.iter().map(|action| action.name.as_str()).collect();
    let is_ours = |name: &str| name == POLICY_NAME || one.actions.iter().any(|action| action.name == name);
    if policies.iter().chain(&actions).all(|name| is_ours(name)) {
        // The instances come back first: if that is refused, nothing else is done.
        restore_instances(clients, endpoint, one).await?;
        let call = clients.autoscaling.deregister_scalable_target().service_namespace(namespace).scalable_dimension(dimension);
        let sent = call.resource_id(&one.resource_id).send().await;
        sent.map_err(|error| format!("application-autoscaling:DeregisterScalableTarget: {}", why(&error)))?;
        return Ok(None);
    }
    for name in policies.iter().filter(|name| is_ours(name)) {
        let call = clients.autoscaling.delete_scaling_policy().service_namespace(namespace.clone()).scalable_dimension(dimension.clone());
        let sent = call.resource_id(&one.resource_id).policy_name(*name).send().await;
        sent.map_err(|error| format!("application-autoscaling:DeleteScalingPolicy: {}", why(&error)))?;
    }
    for name in actions.iter().filter(|name| is_ours(name)) {
        let call = clients.autoscaling.delete_scheduled_action().service_namespace(namespace.clone()).scalable_dimension(dimension.clone());
        let sent = call.resource_id(&one.resource_id).scheduled_action_name(*name).send().await;
        sent.map_err(|error| format!("application-autoscaling:DeleteScheduledAction: {}", why(&error)))?;
    }
    Ok(Some(format!(
        "{}: somebody has added to its auto scaling, so that the scalable target stays with what is not the guard's",
        one.variant
    )))
}

/// Sets the number of instances that the variant had before, if it has fewer.
async fn restore_instances(clients: &Clients, endpoint: &str, one: &Attachment) -> Result<(), String> {
    let is_less = instances_of(clients, endpoint, &one.variant).await?.is_some_and(|instances| instances < one.instances);
    if !is_less {
        return Ok(());
    }
    let wanted = aws_sdk_sagemaker::types::DesiredWeightAndCapacity::builder().variant_name(&one.variant);
    let wanted = wanted.desired_instance_count(i32::try_from(one.instances).unwrap_or(i32::MAX)).build();
    let call = clients.sagemaker.update_endpoint_weights_and_capacities().endpoint_name(endpoint);
    let sent = call.desired_weights_and_capacities(wanted).send().await;
    sent.map(drop).map_err(|error| format!("sagemaker:UpdateEndpointWeightsAndCapacities: {}", why(&error)))
}
