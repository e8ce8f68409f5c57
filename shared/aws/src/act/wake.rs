//! The alarm that brings the first instance of an endpoint back when it has none. An alarm that the guard did not put is never overwritten or deleted.

use aws_sdk_cloudwatch::{
    error::{ProvideErrorMetadata as _, SdkError},
    types::{ComparisonOperator, Dimension, MetricAlarm, Statistic},
};
use cost_rules::scaling::{ALARM_DESCRIPTION, Wake};

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
        // Whoever has changed it since means it.
        Some(there) if is_ours(&there) && there.alarm_actions().iter().any(|action| action == policy) => return Ok(()),
        Some(there) if !is_ours(&there) => {
            return Err(format!("somebody has an alarm named {name}: delete or rename it, and the next run puts the guard's"));
        }
        _ => {}
    }
    let ((dimension, value), minutes) = (wake.of(), i32::try_from(wake.minutes()).unwrap_or(1));
    let alarm = clients.cloudwatch.put_metric_alarm().alarm_name(name).alarm_description(ALARM_DESCRIPTION).namespace("AWS/SageMaker");
    let alarm = alarm.metric_name(wake.metric()).dimensions(Dimension::builder().name(dimension).value(value).build());
    let alarm = alarm.statistic(Statistic::from(wake.statistic())).period(60).evaluation_periods(minutes).datapoints_to_alarm(minutes);
    let alarm = alarm.threshold(1.0).comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold);
    let sent = alarm.treat_missing_data("missing").alarm_actions(policy).send().await;
    sent.map(drop).map_err(|error| format!("cloudwatch:PutMetricAlarm: {}", why(&error)))
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
            (there(Some(ALARM_DESCRIPTION), "arn:old"), 1, false),
            (there(None, "arn:policy"), 0, true),
        ] {
            let put = mock!(aws_sdk_cloudwatch::Client::put_metric_alarm)
                .match_requests(|asked| {
                    asked.metric_name() == Some("HasBacklogWithoutCapacity")
                        && asked.alarm_actions() == ["arn:policy".to_owned()]
                        && asked.comparison_operator() == Some(&ComparisonOperator::GreaterThanOrEqualToThreshold)
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
