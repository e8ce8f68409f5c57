//! What people do to endpoints that are about to sleep or sleep, and what AWS refuses meanwhile: nothing is acted upon that is not known, and nobody finds an endpoint gone without knowing why.

use super::*;

/// The endpoint with office hours, on Monday evening: it sleeps.
async fn asleep_in_the_evening() -> (Simulator, Guard) {
    let (account, guard) = start(OFFICE);
    guard.run().await.unwrap();
    live(&account, &guard, 49).await;
    assert_eq!(picture(&account, "office").await, Value::Null, "19:15: {:?}", subjects(&account));
    (account, guard)
}

fn warnings(account: &Simulator) -> usize {
    account.mails().iter().filter(|mail| mail.subject.contains("will be hibernated")).count()
}

#[tokio::test]
async fn who_wakes_it_in_the_evening_is_warned_before_it_sleeps_again() {
    let (account, guard) = asleep_in_the_evening().await;
    guard.wake(json!({"restore": "office"})).await.unwrap();
    live(&account, &guard, 8).await;
    assert_ne!(picture(&account, "office").await, Value::Null, "21:15");
    assert_eq!(warnings(&account), 2, "{:?}", subjects(&account));
}

#[tokio::test]
async fn an_order_does_nothing_about_what_cannot_be_read_or_what_its_owner_keeps() {
    let production = FORGOTTEN.replace("Extra = \"kept\"", "Environment = \"production\"");
    let kept = FORGOTTEN.replace("Extra = \"kept\"", "\"cost-guard:keep-until\" = \"2026-12-31\"");
    let slip = kept.replace("cost-guard:", "Cost-Guard:");
    for (estate, fault, says) in [
        (slip.as_str(), None, "its tag \"Cost-Guard:keep-until\" cannot be read"),
        (production.as_str(), Some("sagemaker:ListTags"), "could not be read"),
        (production.as_str(), None, "production"),
        (kept.as_str(), None, "cost-guard:keep-until = 2026-12-31"),
        (FORGOTTEN, Some("cloudwatch:GetMetricData"), "could not be read"),
        (FORGOTTEN, Some("sagemaker:DescribeEndpoint"), "could not be read"),
    ] {
        let (account, guard) = start(estate);
        if let Some(call) = fault {
            account.add_fault(Fault::new(call, What::AccessDenied).times(1));
        }
        let report = guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
        assert_eq!(action(&report), ("hibernate-endpoint", "skipped"), "{fault:?}: {report:#?}");
        assert!(report.actions[0].detail.contains(says), "{fault:?}: {report:#?}");
        assert_ne!(picture(&account, "Forgotten").await, Value::Null);
    }
}

#[tokio::test]
async fn what_aws_refused_to_delete_and_its_owner_deletes_stays_deleted() {
    let (account, guard) = start(OFFICE);
    guard.run().await.unwrap();
    account.add_fault(Fault::new("sagemaker:DeleteEndpoint", What::AccessDenied));
    live(&account, &guard, 49).await;
    account.clear_faults();
    let clients = end_to_end::clients(&account);
    let _ = clients.sagemaker.delete_endpoint().endpoint_name("office").send().await;
    // Through the night and the next morning.
    let reports = live(&account, &guard, 60).await;
    let created = account.calls().get("sagemaker:CreateEndpoint").copied().unwrap_or_default();
    assert_eq!((created, picture(&account, "office").await), (0, Value::Null), "{reports:#?}");
}

#[tokio::test]
async fn a_restore_that_is_stuck_half_way_is_told_to_its_owner() {
    let (account, guard) = start(FORGOTTEN);
    set_up(&account, "Forgotten").await;
    guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    live(&account, &guard, 2).await;
    account.add_fault(Fault::new("sagemaker:UpdateEndpointWeightsAndCapacities", What::AccessDenied));
    guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    live(&account, &guard, 40).await;
    let mails = account.mails();
    let [mail] = &mails_to(&mails, "bob@example.com")[..] else { panic!("{:?}", subjects(&account)) };
    assert_eq!(mail.attributes["severity"].1, "critical", "{mail:?}");
    account.clear_faults();
    live(&account, &guard, 40).await;
    assert_eq!(picture(&account, "Forgotten").await["variants"], json!([["Blue", 3, 3, 0.75], ["Green", 2, 2, 0.25]]));
}

#[tokio::test]
async fn one_read_that_fails_alarms_nobody() {
    let (account, guard) = start(FORGOTTEN);
    guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    live(&account, &guard, 2).await;
    account.add_fault(Fault::new("sagemaker:DescribeModel", What::AccessDenied).times(1));
    guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    live(&account, &guard, 8).await;
    assert_ne!(picture(&account, "Forgotten").await, Value::Null);
    assert!(account.mails().iter().all(|mail| !mail.subject.contains("could not be created again")), "{:?}", subjects(&account));
}

#[tokio::test]
async fn a_policy_with_an_error_keeps_nothing_asleep() {
    let (account, _) = asleep_in_the_evening().await;
    let broken = guard_of(Function::EndpointAutoscaler, &account, "x = 1");
    for _ in 0..53 {
        account.advance(minutes(15));
        assert!(broken.wake(due()).await.is_err());
    }
    assert_ne!(picture(&account, "office").await, Value::Null, "Tuesday, 08:30");

    let (account, _) = asleep_in_the_evening().await;
    let broken = guard_of(Function::EndpointAutoscaler, &account, "x = 1");
    let asked = broken.wake(json!({"restore": "office"})).await.unwrap();
    assert_eq!(action(&asked).0, "restore-endpoint", "{asked:#?}");
    account.advance(minutes(15));
    assert_ne!(picture(&account, "office").await, Value::Null);
}

#[tokio::test]
async fn a_configuration_that_was_replaced_under_its_name_is_told() {
    let (account, guard) = start(FORGOTTEN);
    guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    live(&account, &guard, 2).await;
    call(&account, "DeleteEndpointConfig", &json!({"EndpointConfigName": "two"})).await;
    let variant = json!({"VariantName": "Blue", "ModelName": "m", "InstanceType": "ml.m5.4xlarge", "InitialInstanceCount": 1});
    call(&account, "CreateEndpointConfig", &json!({"EndpointConfigName": "two", "ProductionVariants": [variant]})).await;
    let mut reports = vec![guard.wake(json!({"restore": "Forgotten"})).await.unwrap()];
    reports.extend(live(&account, &guard, 8).await);
    let done = reports.iter().flat_map(|report| &report.actions).find(|one| one.outcome == "done").unwrap();
    assert!(done.detail.contains("replaced its configuration two"), "{done:?}");
}

#[tokio::test]
async fn somebody_who_creates_it_by_hand_is_recorded_once_and_teaches_no_time() {
    let (account, guard) = start(FORGOTTEN);
    guard.wake(json!({"hibernate": "Forgotten"})).await.unwrap();
    live(&account, &guard, 2).await;
    let clients = end_to_end::clients(&account);
    clients.sagemaker.create_endpoint().endpoint_name("Forgotten").endpoint_config_name("two").send().await.unwrap();
    account.advance(minutes(20));
    let first = guard.run().await.unwrap();
    let done = |report: &Report| report.actions.iter().filter(|one| one.outcome == "done").count();
    assert_eq!((done(&first), first.unread.len()), (1, 0), "{first:#?}");
    let second = guard.run().await.unwrap();
    assert_eq!(done(&second), 0, "{second:#?}");
}

#[tokio::test]
async fn an_order_without_a_name_is_refused() {
    let (account, guard) = start(FORGOTTEN);
    for event in [json!({"hibernate": null}), json!({"restore": null}), json!({"detach": ""}), json!({"hibernate": ""})] {
        let refused = guard.wake(event.clone()).await.unwrap_err();
        assert!(format!("{refused:#}").contains("has no name of an endpoint"), "{event}: {refused:#}");
    }
    assert!(account.mails().is_empty());
}

#[tokio::test]
async fn whoever_deploys_after_the_warning_is_warned_anew() {
    let (account, guard) = start(FORGOTTEN);
    guard.run().await.unwrap();
    call(
        &account,
        "CreateEndpointConfig",
        &json!({"EndpointConfigName": "new", "ProductionVariants": [
            {"VariantName": "Blue", "ModelName": "m", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1},
            {"VariantName": "Green", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1},
        ]}),
    )
    .await;
    account.advance(minutes(30));
    call(&account, "UpdateEndpoint", &json!({"EndpointName": "Forgotten", "EndpointConfigName": "new"})).await;
    live(&account, &guard, 3).await;
    assert_ne!(picture(&account, "Forgotten").await, Value::Null, "{:?}", subjects(&account));
    assert_eq!(warnings(&account), 2, "{:?}", subjects(&account));
}

#[tokio::test]
async fn two_orders_at_once_delete_it_once_and_all_of_it_comes_back() {
    let (account, guard) = start(FORGOTTEN);
    set_up(&account, "Forgotten").await;
    set_night(&account, "Forgotten").await;
    let before = picture(&account, "Forgotten").await;
    let other = guard_of(Function::EndpointAutoscaler, &account, POLICY);
    let order = || json!({"hibernate": "Forgotten"});
    let (one, two, three) = tokio::join!(guard.wake(order()), other.wake(order()), guard.wake(order()));
    let reports = [one.unwrap(), two.unwrap(), three.unwrap()];
    let done = reports.iter().filter(|report| action(report).1 == "done").count();
    let deleted = account.calls().get("sagemaker:DeleteEndpoint").copied().unwrap_or_default();
    assert_eq!((done, deleted), (1, 1), "{reports:#?}");
    live(&account, &guard, 2).await;
    guard.wake(json!({"restore": "Forgotten"})).await.unwrap();
    live(&account, &guard, 8).await;
    assert_eq!(picture(&account, "Forgotten").await, before);
}
