//! The roles of infra/template.yaml, as the account judges them: each statement is needed, no role helps another function, and in report mode IAM refuses
//! actions.

use std::collections::BTreeMap;

use cost_aws::settings::PolicySource;
use end_to_end::{
    Function, Guard, POLICY_PARAMETER, deploy, one_of_each_kind,
    testing::{account_at, hours, minutes},
};
use serde_json::json;
use simulator::Simulator;

/// An account with everything that a function can find, on a Monday evening.
fn account() -> Simulator {
    let estate = format!(
        r#"
        bucket = "finops"
        cost-allocation-tags = {{ Team = "always", CostCenter = "inactive" }}
        [[training-job]]
        name = "churn"
        max-runtime = "1d"
        created = "-1h"
        takes = "20h"
        tags = {{ Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }}
        [[domain]]
        id = "d-2"
        name = "tagged"
        tags = {{ Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }}
        [[space]]
        domain = "d-2"
        name = "lab"
        [[endpoint-config]]
        name = "serving"
        model = "m"
        instance-type = "ml.m5.xlarge"
        instance-count = 4
        [[endpoint]]
        name = "serving"
        created = "-20d"
        tags = {{ Owner = "ann@example.com" }}
        traffic = [{{ requests = 1200, hours = "mon-fri/08:00-18:00@Europe/Berlin", outside = 60, most = 400 }}]
        [[endpoint-config]]
        name = "shared"
        variants = [{{ name = "v", instance-type = "ml.m5.xlarge", definition = {{ ManagedInstanceScaling = {{ Status = "ENABLED", MinInstanceCount = 0, MaxInstanceCount = 4 }} }} }}]
        [[endpoint]]
        name = "shared"
        created = "-30d"
        tags = {{ Owner = "ann@example.com" }}
        [[inference-component]]
        name = "llm"
        endpoint = "shared"
        model = "m"
        memory-mb = 4096
        traffic = [{{ requests = 20, hours = "mon-fri/12:00-13:00@Europe/Berlin", outside = 0 }}]
        [[resource]]
        kind = "training-plan"
        name = "reserved"
        tags = {{ Owner = "ann@example.com", Team = "nlp", CostCenter = "AB1234" }}
        definition = {{ StartTime = "-3d", DurationHours = 720, TotalInstanceCount = 4, InUseInstanceCount = 0, TargetResources = ["training-job"] }}
        [cost-explorer]
        hourly = true
        [[savings-plan]]
        name = "owned"
        commitment = 1
        start = "-40d"
        [hosting]
        zero-datapoints = true
        [[budget]]
        name = "everything"
        amount = 10
        [[spend]]
        usage-type = "EUC1-Host:ml.m5.xlarge"
        usd = 20
        {}"#,
        one_of_each_kind(r#"tags = { Owner = "ann@example.com", "cost-guard:stoppable" = "yes" }"#)
    );
    let account = account_at("2026-11-23T16:00:00Z", &estate);
    account.advance(hours(4));
    account
}

/// All rules enforce without grace.
const POLICY: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
team-tags = ["Team"]
[coverage]
bucket = "finops"
[rules.notebook-idle]
mode = "report"
[rules.notebook-off-hours]
mode = "enforce"
grace = "0s"
[rules.studio-app-off-hours]
mode = "enforce"
grace = "0s"
[rules.training-on-demand]
mode = "enforce"
remedy = "resubmit"
grace = "0s"
[rules.tuning-on-demand]
mode = "enforce"
remedy = "stop"
grace = "0s"
[rules.endpoint-without-autoscaling]
mode = "enforce"
grace = "0s"
[rules.endpoint-never-at-zero]
mode = "enforce"
grace = "0s"
[rules.inactive-cost-allocation-tag]
mode = "enforce"
[rules.missing-tag]
required = { Owner = ".+@.+", Team = ".+", CostCenter = ".+" }
mode = "enforce"
remedy = "stop-after-grace"
grace = "1d"
[[budget]]
name = "everything"
team = "*"
on-exceed = "stop-stoppable"
"#;

fn guard(function: Function, account: &Simulator) -> Guard {
    account.put_parameter(POLICY_PARAMETER, POLICY);
    let mut guard = Guard::of(function, account, POLICY).unwrap().heard();
    guard.context.settings.policy = PolicySource::Parameter(POLICY_PARAMETER.into());
    guard
}

/// Runs a function over two days. The first runs write missing tags. Failures are ignored, because the test looks at the calls that the account refused.
async fn live(guard: &Guard) {
    if guard.function == Function::CostReporter {
        let daily = format!("[mail]\nreports = \"daily\"\n{}", "[rules.notebook-off-hours]\nmode = \"report\"");
        Guard::of(Function::NotebookStopper, &guard.account, &daily).unwrap().run().await.unwrap();
    }
    let tagging = POLICY.replace("stop-after-grace\"\ngrace = \"1d\"", "tag\"");
    for (passed, policy) in [(0, tagging.as_str()), (24, POLICY), (1, POLICY), (24, POLICY)] {
        guard.account.put_parameter(POLICY_PARAMETER, policy);
        guard.account.advance(hours(passed));
        for event in [json!({}), json!({})] {
            let _ = guard.wake(event).await;
        }
    }
    if guard.function == Function::EndpointAutoscaler {
        for event in [json!({"hibernate": "serving"}), json!({"restore": "serving"}), json!({"due-only": true}), json!({"due-only": true})]
        {
            let _ = guard.wake(event).await;
            guard.account.advance(minutes(20));
        }
        for endpoint in ["serving", "shared"] {
            let _ = guard.wake(json!({"detach": endpoint})).await;
        }
    }
}

/// The number of calls that were refused because of a missing permission.
fn denied(account: &Simulator) -> BTreeMap<String, u64> {
    let codes = ["AccessDenied", "AccessDeniedException", "AuthorizationError", "KMSAccessDenied"];
    account.refused().into_iter().filter(|(call, _)| codes.iter().any(|code| call.ends_with(&format!(" {code}")))).collect()
}

/// What a service of AWS asks for on the function's behalf, and the account does not simulate: Lambda, AWS Budgets for billing views, and Application Auto Scaling.
const ON_BEHALF: [&str; 6] = [
    "WriteItsLog",
    "LeaveWhatFails",
    "SeeBillingViews",
    "MakeAlarmsOfTargetTracking",
    "SeeAlarmsOfTargetTracking",
    "MakeTheRoleOfAutoScaling",
];

#[tokio::test]
async fn each_statement_of_a_role_is_needed_and_no_other() {
    for function in Function::ALL {
        let whole = account();
        live(&guard(function, &whole)).await;
        assert_eq!(denied(&whole), BTreeMap::new(), "{}", function.name());
        let statements = whole.statements(function.name());
        assert!(6 <= statements.len(), "{}: {statements:?}", function.name());
        // One policy of the stack is all functions': cost-reporter has no findings.
        let is_used = |sid: &String| function != Function::CostReporter || sid != "PublishEvents";
        for sid in statements.into_iter().filter(is_used).filter(|sid| !ON_BEHALF.contains(&sid.as_str())) {
            let account = account();
            let guard = guard(function, &account);
            assert!(account.revoke(function.name(), &sid));
            live(&guard).await;
            assert!(!denied(&account).is_empty(), "{} does the same without {sid}: {:?}", function.name(), account.calls());
        }
    }
}

#[tokio::test]
async fn the_role_of_another_function_does_not_help() {
    let account = account();
    let stops = |function| {
        let sagemaker = guard(function, &account).context.clients.sagemaker.clone();
        async move {
            sagemaker
                .stop_notebook_instance()
                .notebook_instance_name("nb")
                .send()
                .await
                .map_err(|error| error.into_service_error().to_string())
        }
    };
    let error = stops(Function::TrainingJobSpotEnforcer).await.unwrap_err();
    assert!(error.contains("AccessDenied"), "{error}");
    assert_eq!(account.notebook("nb").unwrap().status, "InService");
    assert_eq!(denied(&account), [("sagemaker:StopNotebookInstance AccessDeniedException".to_owned(), 1)].into());
    account.forget_asked();
    // The account does not judge other callers.
    let somebody = end_to_end::clients(&account);
    somebody.sagemaker.list_notebook_instances().send().await.unwrap();
    stops(Function::NotebookStopper).await.unwrap();
    assert_eq!(account.notebook("nb").unwrap().status, "Stopping");
}

#[tokio::test]
async fn where_enforcement_is_not_allowed_a_policy_that_enforces_stops_nothing_and_says_so() {
    let account = account();
    deploy(&account, &[("AllowEnforcement", "no")]).unwrap();
    let guard = guard(Function::NotebookStopper, &account);
    let report = guard.run().await.unwrap();
    let failed: Vec<_> = report.actions.iter().map(|action| (action.action, action.outcome)).collect();
    assert_eq!(failed, [("delete-app", "failed"), ("stop-notebook-instance", "failed")], "{report:?}");
    let user = "User: arn:aws:sts::123456789012:assumed-role/notebook-stopper/notebook-stopper is not authorized to perform:";
    let arn = "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/nb";
    let action = "sagemaker:StopNotebookInstance";
    let expected = format!("{user} {action} on resource: {arn} because no identity-based policy allows the {action} action");
    assert!(report.actions[1].detail.contains(&expected), "{}", report.actions[1].detail);
    assert!(report.failures.iter().any(|failure| failure.contains(action)), "the function fails: {:?}", report.failures);
    let states: Vec<String> = account.notebooks().into_iter().chain(account.apps()).map(|one| one.status).collect();
    assert_eq!(states, ["InService", "InService"]);
}

#[tokio::test]
async fn an_account_where_nothing_is_deployed_judges_nobody() {
    let account = account();
    let guard = guard(Function::NotebookStopper, &account);
    assert!(account.revoke("notebook-stopper", "StopWhatIsWasted") && !account.revoke("notebook-stopper", "StopWhatIsWasted"));
    account.undeploy();
    let report = guard.run().await.unwrap();
    assert_eq!((report.actions[0].outcome, denied(&account)), ("done", BTreeMap::new()));
}
