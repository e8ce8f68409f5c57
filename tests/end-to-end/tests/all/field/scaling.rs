//! AWS fails at one call, or from one call on, while endpoints are let go to zero or scaled by their working hours: the next runs finish it with the same values, nothing is
//! put twice, and nothing sleeps that nothing wakes.

use end_to_end::{Function, clients, testing::due};
use serde_json::Value;
use simulator::Simulator;

use super::interrupted::{ALL, Disturbance, Life, mailed_wrongly};

const QUEUE: &str = r#"
[hosting]
compute-optimizer = "Active"
[[model]]
name = "m"
[[endpoint-config]]
name = "queue"
model = "m"
instance-type = "ml.m5.xlarge"
instance-count = 2
asynchronous = true
[[endpoint]]
name = "queue"
created = "-30d"
tags = { Owner = "ann@example.com" }
traffic = [{ requests = 20, hours = "mon-fri/12:00-13:00@Europe/Berlin", outside = 0, latency-ms = 1000 }]
"#;

/// Warned of, done after an hour, and looked at again: soon, and on the next days.
fn runs() -> Vec<(Function, i64, Value)> {
    let guard = Function::EndpointAutoscaler;
    let soon = (0..3).map(|_| (guard, 65, due()));
    [(guard, 0, Value::Null), (guard, 65, due())].into_iter().chain(soon).chain((0..2).map(|_| (guard, 24 * 60, Value::Null))).collect()
}

/// What stands: bounds, policies, scheduled actions, and alarms that call a policy.
fn standing(account: &Simulator) -> String {
    use aws_sdk_applicationautoscaling::types::ServiceNamespace::Sagemaker;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clients = clients(account);
        let targets = clients.autoscaling.describe_scalable_targets().service_namespace(Sagemaker).send().await.unwrap();
        let policies = clients.autoscaling.describe_scaling_policies().service_namespace(Sagemaker).send().await.unwrap();
        let actions = clients.autoscaling.describe_scheduled_actions().service_namespace(Sagemaker).send().await.unwrap();
        let alarms = clients.cloudwatch.describe_alarms().alarm_name_prefix("cost-guard-first-").send().await.unwrap();
        let bounds: Vec<String> =
            targets.scalable_targets().iter().map(|one| format!("{}-{}", one.min_capacity, one.max_capacity)).collect();
        let mut names: Vec<&str> = policies.scaling_policies().iter().map(|one| one.policy_name.as_str()).collect();
        names.extend(actions.scheduled_actions().iter().map(|one| one.scheduled_action_name.as_str()));
        names.sort_unstable();
        let arn = |action: &String| policies.scaling_policies().iter().any(|one| one.policy_arn == *action);
        let calling = alarms.metric_alarms().iter().filter(|alarm| alarm.alarm_actions().iter().all(arn)).count();
        format!("{} {} {calling}", bounds.join(","), names.join(","))
    })
}

fn wrongly(account: &Simulator, expected: &str, words: &[&str], trouble: Option<Disturbance>) -> Option<String> {
    let standing = standing(account);
    let wrong = (standing != expected).then(|| format!("{standing}, expected {expected}"));
    wrong.or_else(|| mailed_wrongly(account, &[&words[..1], &words[1..]], trouble))
}

#[test]
fn a_queue_is_let_go_to_zero_once_wherever_aws_fails() {
    let policy = "timezone = \"Europe/Berlin\"\n[rules.endpoint-never-at-zero]\nmode = \"enforce\"\ngrace = \"1h\"\n[rules.endpoint-off-hours]\nmode = \"off\"\n";
    let life = Life { estate: QUEUE, policy, runs: runs(), disturbed: &[1] };
    life.walk(&ALL, |account, trouble| {
        let words = ["will be given auto scaling to zero", "was given auto scaling to zero"];
        wrongly(account, "0-2 cost-guard-first,cost-guard-target-tracking 1", &words, trouble)
    });
}

#[test]
fn a_queue_is_scaled_by_its_hours_once_wherever_aws_fails() {
    let policy = "timezone = \"Europe/Berlin\"\n[rules.endpoint-off-hours]\nmode = \"enforce\"\ngrace = \"1h\"\n[rules.endpoint-never-at-zero]\nmode = \"off\"\n";
    let life = Life { estate: QUEUE, policy, runs: runs(), disturbed: &[1] };
    life.walk(&ALL, |account, trouble| {
        let words = ["will be given auto scaling by working hours", "was given auto scaling by working hours"];
        let expected = "0-2 cost-guard-first,cost-guard-mon-fri-0740,cost-guard-mon-fri-1900,cost-guard-target-tracking 1";
        wrongly(account, expected, &words, trouble)
    });
}
