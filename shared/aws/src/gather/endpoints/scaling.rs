//! Reads Application Auto Scaling: scalable targets, policies, scheduled actions and activities. One list each for all of `SageMaker` (aws-facts §3.1).

use std::collections::HashMap;

use aws_sdk_applicationautoscaling::types::{
    ScalableTarget, ScalingActivity, ScalingActivityStatusCode, ScalingPolicy, ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
};
use cost_rules::{
    duration::Duration,
    facts::{self, Activity, ActivityOutcome, AutoScaling, Endpoint, Follows, Scaling, ScheduledAction, Suspended, TrackedMetric, Unread},
};

use crate::{
    clients::{Clients, why::why},
    gather::read::{Read, every_page, timestamp},
};

/// `ScaleOutCooldown` and `ScaleInCooldown` of a policy that does not set them (aws-facts §3.2).
const DEFAULT_COOLDOWN: Duration = Duration::seconds(300);

/// All scalable targets by resource id, in lower case: AWS spells names of endpoints as they were typed.
#[derive(Default)]
pub(super) struct Targets {
    of: HashMap<String, Scaling>,
    /// The activities of what is no scalable target now, but was one.
    past: HashMap<String, Vec<Activity>>,
}

impl Targets {
    /// Sets the scaling of an endpoint's variants and components.
    pub(super) fn take_into(&mut self, endpoint: &mut Endpoint) {
        for variant in &mut endpoint.variants {
            let id = variant_id(&endpoint.resource.name, &variant.name);
            variant.scaling = self.take(&id);
            variant.start_up = match &variant.scaling {
                AutoScaling::Target(scaling) => Activity::longest_start(&scaling.activities),
                _ => self.past.remove(&id.to_lowercase()).and_then(|past| Activity::longest_start(&past)),
            };
        }
        for component in endpoint.components.iter_mut().flatten() {
            component.scaling = self.take(&component_id(&component.name));
        }
    }

    /// The scaling of this resource id.
    pub(super) fn take(&mut self, resource_id: &str) -> AutoScaling {
        self.of.remove(&resource_id.to_lowercase()).map_or(AutoScaling::None, |scaling| AutoScaling::Target(Box::new(scaling)))
    }

    fn known(&mut self, resource_id: &str) -> Option<&mut Scaling> {
        self.of.get_mut(&resource_id.to_lowercase())
    }
}

/// The resource id of a variant in Application Auto Scaling.
pub(super) fn variant_id(endpoint: &str, variant: &str) -> String {
    format!("endpoint/{endpoint}/variant/{variant}")
}

/// The resource id of an inference component in Application Auto Scaling.
pub(super) fn component_id(component: &str) -> String {
    format!("inference-component/{component}")
}

/// Reads all scalable targets, or those of these resource ids (at most 50), with what belongs to them. What could not be read is returned beside them: without
/// the targets nothing is known, without the rest less is.
pub(super) async fn read(clients: &Clients, of: Option<&[String]>) -> (Read<Targets>, Vec<Unread>) {
    let mut targets = match Box::pin(settings(clients, of)).await {
        Ok(targets) if !targets.of.is_empty() => targets,
        other => return (other, vec![]),
    };
    let unread = match Box::pin(activities(clients, single(of))).await {
        Ok(all) => {
            for (id, one) in all {
                match targets.known(&id) {
                    Some(target) => target.activities.push(one),
                    None => targets.past.entry(id.to_lowercase()).or_default().push(one),
                }
            }
            vec![]
        }
        Err(why) => vec![Unread::new("scaling activities of endpoints", why)],
    };
    for target in targets.of.values_mut() {
        target.activities.sort_by_key(|activity| std::cmp::Reverse(activity.at));
    }
    (Ok(targets), unread)
}

/// The same without activities.
///
/// # Errors
/// Something could not be read: a target whose policies are not known is not judged.
pub(super) async fn settings(clients: &Clients, of: Option<&[String]>) -> Read<Targets> {
    let mut targets = Box::pin(targets(clients, of)).await?;
    if targets.of.is_empty() {
        return Ok(targets);
    }
    let (policies, scheduled) = tokio::join!(Box::pin(policies(clients, single(of))), Box::pin(scheduled_actions(clients, single(of))));
    policies?.into_iter().for_each(|(id, one)| targets.known(&id).into_iter().for_each(|target| target.policies.push(one.clone())));
    scheduled?.into_iter().for_each(|(id, one)| targets.known(&id).into_iter().for_each(|target| target.scheduled.push(one.clone())));
    Ok(targets)
}

/// The only one of these ids. With several, one list of everything takes fewer calls: only the targets can be asked for by several ids at once.
fn single(of: Option<&[String]>) -> Option<&str> {
    of.and_then(|ids| if let [id] = ids { Some(id.as_str()) } else { None })
}

async fn targets(clients: &Clients, of: Option<&[String]>) -> Read<Targets> {
    let mut all = HashMap::new();
    every_page(clients, async |token| {
        let call = clients.autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Sagemaker).max_results(50);
        let page = call.set_resource_ids(of.map(<[_]>::to_vec)).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("application-autoscaling:DescribeScalableTargets: {}", why(&error)))?;
        all.extend(page.scalable_targets.unwrap_or_default().into_iter().map(|one| (one.resource_id.to_lowercase(), target(&one))));
        Ok(page.next_token)
    })
    .await?;
    Ok(Targets { of: all, past: HashMap::new() })
}

fn target(target: &ScalableTarget) -> Scaling {
    let suspended = target.suspended_state();
    Scaling {
        min: u32::try_from(target.min_capacity).unwrap_or_default(),
        max: u32::try_from(target.max_capacity).unwrap_or_default(),
        suspended: Suspended {
            scale_in: suspended.and_then(|state| state.dynamic_scaling_in_suspended).unwrap_or_default(),
            scale_out: suspended.and_then(|state| state.dynamic_scaling_out_suspended).unwrap_or_default(),
            scheduled: suspended.and_then(|state| state.scheduled_scaling_suspended).unwrap_or_default(),
        },
        created: timestamp(Some(&target.creation_time)),
        policies: vec![],
        scheduled: vec![],
        activities: vec![],
    }
}

async fn policies(clients: &Clients, of: Option<&str>) -> Read<Vec<(String, facts::ScalingPolicy)>> {
    let mut all = vec![];
    every_page(clients, async |token| {
        let call = clients.autoscaling.describe_scaling_policies().service_namespace(ServiceNamespace::Sagemaker).max_results(10);
        let page = call.set_resource_id(of.map(str::to_owned)).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("application-autoscaling:DescribeScalingPolicies: {}", why(&error)))?;
        all.extend(page.scaling_policies.unwrap_or_default().into_iter().map(policy));
        Ok(page.next_token)
    })
    .await?;
    Ok(all)
}

fn policy(policy: ScalingPolicy) -> (String, facts::ScalingPolicy) {
    let follows = match (&policy.target_tracking_scaling_policy_configuration, &policy.step_scaling_policy_configuration) {
        (Some(tracking), _) => target_tracking(tracking),
        (None, Some(_)) => Follows::Steps,
        (None, None) => Follows::Other(policy.policy_type.as_str().to_owned()),
    };
    let alarms = policy.alarms.unwrap_or_default().into_iter().map(|alarm| alarm.alarm_name).collect();
    (policy.resource_id, facts::ScalingPolicy { name: policy.policy_name, alarms, follows })
}

fn target_tracking(policy: &TargetTrackingScalingPolicyConfiguration) -> Follows {
    let custom = policy.customized_metric_specification.as_ref();
    let metric = match (&policy.predefined_metric_specification, custom.and_then(|custom| custom.metric_name.as_ref())) {
        (Some(predefined), _) => TrackedMetric::Predefined(predefined.predefined_metric_type.as_str().to_owned()),
        (None, Some(name)) => TrackedMetric::Custom(name.clone()),
        (None, None) => TrackedMetric::Expression,
    };
    let cooldown = |seconds: Option<i32>| seconds.map_or(DEFAULT_COOLDOWN, |seconds| Duration::seconds(seconds.into()));
    Follows::Target {
        metric,
        target: policy.target_value,
        scale_out_cooldown: cooldown(policy.scale_out_cooldown),
        scale_in_cooldown: cooldown(policy.scale_in_cooldown),
        never_scales_in: policy.disable_scale_in.unwrap_or_default(),
    }
}

async fn scheduled_actions(clients: &Clients, of: Option<&str>) -> Read<Vec<(String, ScheduledAction)>> {
    let mut all = vec![];
    every_page(clients, async |token| {
        let call = clients.autoscaling.describe_scheduled_actions().service_namespace(ServiceNamespace::Sagemaker).max_results(50);
        let page = call.set_resource_id(of.map(str::to_owned)).set_next_token(token).send().await;
        let page = page.map_err(|error| format!("application-autoscaling:DescribeScheduledActions: {}", why(&error)))?;
        all.extend(page.scheduled_actions.unwrap_or_default().into_iter().map(|action| {
            let bounds = action.scalable_target_action;
            let bound = |bound: Option<i32>| bound.and_then(|bound| u32::try_from(bound).ok());
            let min = bound(bounds.as_ref().and_then(|bounds| bounds.min_capacity));
            let max = bound(bounds.as_ref().and_then(|bounds| bounds.max_capacity));
            let scheduled =
                ScheduledAction { name: action.scheduled_action_name, schedule: action.schedule, zone: action.timezone, min, max };
            (action.resource_id, scheduled)
        }));
        Ok(page.next_token)
    })
    .await?;
    Ok(all)
}

/// The activities of six weeks, and the reasons why nothing was scaled: of a run of equal ones AWS keeps the first.
async fn activities(clients: &Clients, of: Option<&str>) -> Read<Vec<(String, Activity)>> {
    let mut all = vec![];
    every_page(clients, async |token| {
        let call = clients.autoscaling.describe_scaling_activities().service_namespace(ServiceNamespace::Sagemaker).max_results(50);
        let call = call.include_not_scaled_activities(true).set_resource_id(of.map(str::to_owned)).set_next_token(token);
        let page = call.send().await.map_err(|error| format!("application-autoscaling:DescribeScalingActivities: {}", why(&error)))?;
        all.extend(
            page.scaling_activities.unwrap_or_default().into_iter().filter_map(|one| Some((one.resource_id.clone(), activity(one)?))),
        );
        Ok(page.next_token)
    })
    .await?;
    Ok(all)
}

/// `None`: its time is not known.
fn activity(activity: ScalingActivity) -> Option<Activity> {
    let at = timestamp(Some(&activity.start_time))?;
    let took = timestamp(activity.end_time.as_ref()).map(|end| Duration::seconds(end.duration_since(at).as_secs()));
    let reasons: Vec<String> = activity.not_scaled_reasons.unwrap_or_default().into_iter().map(|reason| reason.code).collect();
    let outcome = match &activity.status_code {
        _ if !reasons.is_empty() => ActivityOutcome::NotScaled(reasons),
        ScalingActivityStatusCode::Successful => capacity_set(&activity.description).map_or(ActivityOutcome::Other, ActivityOutcome::SetTo),
        ScalingActivityStatusCode::Failed | ScalingActivityStatusCode::Unfulfilled => {
            ActivityOutcome::Failed(activity.status_message.unwrap_or(activity.cause))
        }
        _ => ActivityOutcome::Other,
    };
    Some(Activity { at, took, outcome })
}

/// The capacity in `Setting desired instance count to 48.` AWS has no field for it.
fn capacity_set(description: &str) -> Option<u32> {
    description.rsplit_once(" to ")?.1.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_applicationautoscaling::{
        operation::{
            describe_scalable_targets::{DescribeScalableTargetsError, DescribeScalableTargetsOutput},
            describe_scaling_activities::{DescribeScalingActivitiesError, DescribeScalingActivitiesOutput},
            describe_scaling_policies::DescribeScalingPoliciesOutput,
            describe_scheduled_actions::DescribeScheduledActionsOutput,
        },
        types::{
            Alarm, MetricType, NotScaledReason, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalableTargetAction,
            SuspendedState,
        },
    };
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::testing::{self, at, denied};

    const ID: &str = "endpoint/Churn/variant/Blue";

    fn clients(rules: &[&Rule]) -> Clients {
        Clients { autoscaling: testing::autoscaling(rules).into(), ..testing::clients() }
    }

    fn one_target() -> Rule {
        mock!(aws_sdk_applicationautoscaling::Client::describe_scalable_targets).then_output(|| {
            let suspended = SuspendedState::builder().dynamic_scaling_in_suspended(true).build();
            let target = ScalableTarget::builder().service_namespace(ServiceNamespace::Sagemaker).resource_id(ID).role_arn("role");
            let target = target.scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount).min_capacity(1).max_capacity(4);
            let target = target.creation_time(at("2026-11-01T00:00:00Z")).suspended_state(suspended).build().unwrap();
            DescribeScalableTargetsOutput::builder().scalable_targets(target).build()
        })
    }

    fn one_policy() -> Rule {
        mock!(aws_sdk_applicationautoscaling::Client::describe_scaling_policies).then_output(|| {
            let metric =
                PredefinedMetricSpecification::builder().predefined_metric_type(MetricType::SageMakerVariantInvocationsPerInstance);
            let tracking = TargetTrackingScalingPolicyConfiguration::builder().target_value(600.0).scale_in_cooldown(900);
            let tracking = tracking.predefined_metric_specification(metric.build().unwrap()).build().unwrap();
            let policy = ScalingPolicy::builder().policy_arn("arn").policy_name("Mine").service_namespace(ServiceNamespace::Sagemaker);
            let policy = policy.resource_id(ID).scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount);
            let policy = policy.policy_type(PolicyType::TargetTrackingScaling).creation_time(at("2026-11-01T00:00:00Z"));
            let alarm = Alarm::builder().alarm_name("high").alarm_arn("arn").build().unwrap();
            let policy = policy.target_tracking_scaling_policy_configuration(tracking).alarms(alarm).build().unwrap();
            DescribeScalingPoliciesOutput::builder().scaling_policies(policy).build()
        })
    }

    fn one_action() -> Rule {
        mock!(aws_sdk_applicationautoscaling::Client::describe_scheduled_actions).then_output(|| {
            let action = aws_sdk_applicationautoscaling::types::ScheduledAction::builder().scheduled_action_name("night").resource_id(ID);
            let action = action.scheduled_action_arn("arn").service_namespace(ServiceNamespace::Sagemaker).schedule("cron(0 19 * * ? *)");
            let action = action.timezone("Europe/Berlin").creation_time(at("2026-11-01T00:00:00Z"));
            let action = action.scalable_target_action(ScalableTargetAction::builder().min_capacity(1).build()).build().unwrap();
            DescribeScheduledActionsOutput::builder().scheduled_actions(action).build()
        })
    }

    fn activity_of(
        description: &str,
        status: ScalingActivityStatusCode,
    ) -> aws_sdk_applicationautoscaling::types::builders::ScalingActivityBuilder {
        let activity = ScalingActivity::builder().activity_id("1").service_namespace(ServiceNamespace::Sagemaker).resource_id(ID);
        let activity = activity.scalable_dimension(ScalableDimension::SageMakerVariantDesiredInstanceCount).description(description);
        activity.cause("alarm").start_time(at("2026-11-20T02:28:13Z")).status_code(status)
    }

    #[tokio::test]
    async fn a_target_comes_with_its_policies_schedules_and_activities() {
        let happened = mock!(aws_sdk_applicationautoscaling::Client::describe_scaling_activities).then_output(|| {
            let set = activity_of("Setting desired instance count to 48.", ScalingActivityStatusCode::Successful)
                .end_time(at("2026-11-20T02:35:19Z"));
            let at_most = activity_of("Attempting to scale", ScalingActivityStatusCode::Successful).start_time(at("2026-11-21T00:00:00Z"));
            let at_most = at_most.not_scaled_reasons(NotScaledReason::builder().code("AlreadyAtMaxCapacity").build().unwrap());
            let failed =
                activity_of("Setting desired instance count to 5.", ScalingActivityStatusCode::Failed).status_message("no capacity");
            let all = [set, at_most, failed.start_time(at("2026-11-19T00:00:00Z"))].map(|one| one.build().unwrap());
            DescribeScalingActivitiesOutput::builder().set_scaling_activities(Some(all.into())).build()
        });
        let (targets, unread) = read(&clients(&[&one_target(), &one_policy(), &one_action(), &happened]), None).await;
        let mut endpoint = testing::endpoint();
        targets.ok().unwrap().take_into(&mut endpoint);
        let AutoScaling::Target(scaling) = &endpoint.variants[0].scaling else { panic!("{endpoint:?}") };
        assert_eq!((scaling.min, scaling.max, scaling.suspended.scale_in, scaling.suspended.scale_out), (1, 4, true, false));
        let follows = Follows::Target {
            metric: TrackedMetric::Predefined("SageMakerVariantInvocationsPerInstance".into()),
            target: 600.0,
            scale_out_cooldown: Duration::seconds(300),
            scale_in_cooldown: Duration::seconds(900),
            never_scales_in: false,
        };
        assert_eq!(scaling.policies, [facts::ScalingPolicy { name: "Mine".into(), alarms: vec!["high".into()], follows }]);
        assert_eq!(
            (scaling.scheduled[0].zone.as_deref(), scaling.scheduled[0].min, scaling.scheduled[0].max),
            (Some("Europe/Berlin"), Some(1), None)
        );
        let [at_most, set, failed] = &scaling.activities[..] else { panic!("{:?}", scaling.activities) };
        assert_eq!(at_most.outcome, ActivityOutcome::NotScaled(vec!["AlreadyAtMaxCapacity".into()]));
        assert_eq!((&set.outcome, set.took), (&ActivityOutcome::SetTo(48), Some(Duration::seconds(426))));
        assert_eq!(failed.outcome, ActivityOutcome::Failed("no capacity".into()));
        assert_eq!(unread, []);
    }

    #[tokio::test]
    async fn without_the_activities_less_is_known_and_without_the_targets_nothing() {
        let refused = mock!(aws_sdk_applicationautoscaling::Client::describe_scaling_activities)
            .then_error(|| DescribeScalingActivitiesError::generic(denied()));
        let (targets, unread) = read(&clients(&[&one_target(), &one_policy(), &one_action(), &refused]), None).await;
        assert_eq!((targets.is_ok(), unread[0].what.as_str()), (true, "scaling activities of endpoints"));
        let refused = mock!(aws_sdk_applicationautoscaling::Client::describe_scalable_targets)
            .then_error(|| DescribeScalableTargetsError::generic(denied()));
        let (targets, _) = read(&clients(&[&refused]), None).await;
        assert!(targets.is_err_and(|why| why.starts_with("application-autoscaling:DescribeScalableTargets: ")));
    }

    #[tokio::test]
    async fn an_account_without_targets_is_asked_one_question() {
        let none = mock!(aws_sdk_applicationautoscaling::Client::describe_scalable_targets)
            .then_output(|| DescribeScalableTargetsOutput::builder().build());
        let (targets, unread) = read(&clients(&[&none]), None).await;
        assert!(targets.is_ok_and(|targets| targets.of.is_empty()) && unread.is_empty());
    }
}
