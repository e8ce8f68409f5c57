//! The alarm that brings the first instance of an endpoint back when it has none. An alarm that the guard did not put is never overwritten or deleted.

use aws_sdk_cloudwatch::{
    error::{ProvideErrorMetadata as _, SdkError},
    types::{ComparisonOperator, Dimension, MetricAlarm, Statistic},
};
use cost_rules::scaling::{ALARM_DESCRIPTION, FIRST_NAME, Wake};

use crate::{
    clients::{Clients, why::why},
    gather::Read,
};

/// Puts the alarm, which calls the policy of this ARN.
///
/// # Errors
/// Somebody else has an alarm of this name, or a call failed.
pub(crate) async fn put_alarm(clients: &Clients, name: &str, wake: &Wake, policy: &str) -> Read<()> {
    match alarm(clients, name).await? {
        Some(there) if is_ours(&there) => return direct(clients, there, policy).await,
        Some(_) => return Err(format!("somebody has an alarm named {name}: delete or rename it, and the next run puts the guard's")),
        None => {}
    }
    let ((dimension, value), minutes) = (wake.of(), i32::try_from(wake.minutes()).unwrap_or(1));
    let alarm = clients.cloudwatch.put_metric_alarm().alarm_name(name).alarm_description(ALARM_DESCRIPTION).namespace("AWS/SageMaker");
    let alarm = alarm.metric_name(wake.metric()).dimensions(Dimension::builder().name(dimension).value(value).build());
    let alarm = alarm.statistic(Statistic::from(wake.statistic())).period(60).evaluation_periods(minutes).datapoints_to_alarm(minutes);
    let alarm = alarm.threshold(1.0).comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold);
    let sent = alarm.treat_missing_data("missing").alarm_actions(policy).send().await;
    sent.map(drop).map_err(|error| format!("cloudwatch:PutMetricAlarm: {}", why(&error)))
}

/// Lets the alarm call the policy of this ARN: one that is put again may have another ARN, and AWS takes a deleted one out of its alarms (aws-facts §3.6). `false`: there is no such alarm.
///
/// # Errors
/// A call failed.
pub(crate) async fn let_call(clients: &Clients, name: &str, policy: &str) -> Read<bool> {
    match alarm(clients, name).await? {
        Some(there) => direct(clients, there, policy).await.map(|()| true),
        None => Ok(false),
    }
}

/// Replaces the policy that the guard's alarm calls. What somebody has changed in it stays: `PutMetricAlarm` overwrites all of an alarm, so that every field is sent.
async fn direct(clients: &Clients, alarm: MetricAlarm, policy: &str) -> Read<()> {
    if alarm.alarm_actions().iter().any(|action| action == policy) {
        return Ok(());
    }
    let old = format!(":policyName/{FIRST_NAME}");
    let mut actions: Vec<String> = alarm.alarm_actions().iter().filter(|action| !action.ends_with(&old)).cloned().collect();
    actions.push(policy.to_owned());
    let put = clients.cloudwatch.put_metric_alarm();
    let put =
        put.set_alarm_name(alarm.alarm_name).set_alarm_description(alarm.alarm_description).set_actions_enabled(alarm.actions_enabled);
    let put = put
        .set_ok_actions(alarm.ok_actions)
        .set_alarm_actions(Some(actions))
        .set_insufficient_data_actions(alarm.insufficient_data_actions);
    let put = put.set_metric_name(alarm.metric_name).set_namespace(alarm.namespace).set_statistic(alarm.statistic);
    let put =
        put.set_extended_statistic(alarm.extended_statistic).set_dimensions(alarm.dimensions).set_period(alarm.period).set_unit(alarm.unit);
    let put = put.set_evaluation_periods(alarm.evaluation_periods).set_datapoints_to_alarm(alarm.datapoints_to_alarm);
    let put = put
        .set_threshold(alarm.threshold)
        .set_comparison_operator(alarm.comparison_operator)
        .set_treat_missing_data(alarm.treat_missing_data);
    let put = put.set_evaluate_low_sample_count_percentile(alarm.evaluate_low_sample_count_percentile);
    let put = put.set_metrics(alarm.metrics).set_threshold_metric_id(alarm.threshold_metric_id);
    put.send().await.map(drop).map_err(|error| format!("cloudwatch:PutMetricAlarm: {}", why(&error)))
}

/// Deletes the alarm, if the guard has put it and it is still there.
///
/// # Errors
/// A call failed.
pub(crate) async fn delete_alarm(clients: &Clients, name: &str) -> Read<()> {
    if !alarm(clients, name).await?.is_some_and(|there| is_ours(&there)) {
        return Ok(());
    }
    match clients.cloudwatch.delete_alarms().alarm_names(name).send().await {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(error)) if error.err().code() == Some("ResourceNotFound") => Ok(()),
        Err(error) => Err(format!("cloudwatch:DeleteAlarms: {}", why(&error))),
    }
}

async fn alarm(clients: &Clients, name: &str) -> Read<Option<MetricAlarm>> {
    let described = clients.cloudwatch.describe_alarms().alarm_names(name).send().await;
    let described = described.map_err(|error| format!("cloudwatch:DescribeAlarms: {}", why(&error)))?;
    Ok(described.metric_alarms.unwrap_or_default().into_iter().find(|alarm| alarm.alarm_name() == Some(name)))
}

fn is_ours(alarm: &MetricAlarm) -> bool {
    alarm.alarm_description() == Some(ALARM_DESCRIPTION)
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::{
        delete_alarms::{DeleteAlarmsError, DeleteAlarmsOutput},
        describe_alarms::DescribeAlarmsOutput,
        put_metric_alarm::PutMetricAlarmOutput,
    };
    use aws_smithy_mocks::{Rule, mock};

    use super::*;
    use crate::testing;

    const NAME: &str = "cost-guard-first-endpoint-queue-variant-v";

    fn clients(rules: &[&Rule]) -> Clients {
        Clients { cloudwatch: testing::cloudwatch(rules).into(), ..testing::clients() }
    }

    fn there(description: Option<&'static str>, action: &'static str) -> Rule {
        mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_output(move || {
            let alarm = MetricAlarm::builder().alarm_name(NAME).set_alarm_description(description.map(str::to_owned)).alarm_actions(action);
            DescribeAlarmsOutput::builder().metric_alarms(alarm.build()).build()
        })
    }

    fn none() -> Rule {
        mock!(aws_sdk_cloudwatch::Client::describe_alarms).then_output(|| DescribeAlarmsOutput::builder().build())
    }

    #[tokio::test]
    async fn the_guards_alarm_is_put_and_nobody_elses_is_overwritten() {
        for (there, puts, refused) in [
            (none(), 1, false),
            (there(Some(ALARM_DESCRIPTION), "arn:policy"), 0, false),
            // The policy was put anew.
            (there(Some(ALARM_DESCRIPTION), "arn:old:policyName/cost-guard-first"), 1, false),
            (there(None, "arn:policy"), 0, true),
        ] {
            let put = mock!(aws_sdk_cloudwatch::Client::put_metric_alarm)
                .match_requests(|asked| {
                    // An alarm that is there keeps its other fields: here it has none.
                    let is_new = asked.metric_name() == Some("HasBacklogWithoutCapacity")
                        && asked.comparison_operator() == Some(&ComparisonOperator::GreaterThanOrEqualToThreshold);
                    asked.alarm_actions() == ["arn:policy".to_owned()] && (is_new || asked.metric_name().is_none())
                })
                .then_output(|| PutMetricAlarmOutput::builder().build());
            let wake = Wake::Backlog("queue".into());
            let ended = put_alarm(&clients(&[&there, &put]), NAME, &wake, "arn:policy").await;
            assert_eq!((put.num_calls(), ended.is_err()), (puts, refused), "{ended:?}");
        }
    }

    #[tokio::test]
    async fn the_guards_alarm_is_deleted_and_nobody_elses() {
        for (there, deletes) in [(none(), 0), (there(None, "arn:policy"), 0), (there(Some(ALARM_DESCRIPTION), "arn:policy"), 1)] {
            let delete = mock!(aws_sdk_cloudwatch::Client::delete_alarms).then_output(|| DeleteAlarmsOutput::builder().build());
            assert_eq!(delete_alarm(&clients(&[&there, &delete]), NAME).await, Ok(()));
            assert_eq!(delete.num_calls(), deletes);
        }
        let gone = mock!(aws_sdk_cloudwatch::Client::delete_alarms)
            .then_error(|| DeleteAlarmsError::generic(testing::error("ResourceNotFound", "Alarm does not exist")));
        assert_eq!(delete_alarm(&clients(&[&there(Some(ALARM_DESCRIPTION), "arn:policy"), &gone]), NAME).await, Ok(()));
    }
}
