//! What it takes to create a hibernated endpoint again, as AWS's own JSON, and the calls that do it (aws-facts §3.6). Fields that this version does not
//! know are kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Everything that it takes to create an endpoint again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Blueprint {
    /// The answer of `DescribeEndpoint`.
    pub endpoint: Value,
    /// All of its tags.
    pub tags: BTreeMap<String, String>,
    /// The answer of `DescribeEndpointConfig`.
    pub config: Value,
    /// All tags of its configuration.
    pub config_tags: BTreeMap<String, String>,
    /// Its scalable targets, with what belongs to them.
    pub targets: Vec<TargetBlueprint>,
    /// Its resource policy. `None`: it has none.
    pub policy: Option<String>,
}

/// A scalable target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetBlueprint {
    /// As `DescribeScalableTargets` returns it.
    pub target: Value,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its policies, as `DescribeScalingPolicies` returns them.
    pub policies: Vec<Value>,
    /// Its scheduled actions, as `DescribeScheduledActions` returns them.
    pub actions: Vec<Value>,
}

impl Blueprint {
    /// A text field of the endpoint.
    pub fn text(&self, field: &str) -> &str {
        self.endpoint[field].as_str().unwrap_or_default()
    }

    /// The name of its configuration.
    pub fn config_name(&self) -> &str {
        self.text("EndpointConfigName")
    }

    /// The names of the models that it serves.
    pub fn models(&self) -> BTreeSet<&str> {
        let variants = ["ProductionVariants", "ShadowProductionVariants"].into_iter().flat_map(|list| items(&self.config, list));
        let names = variants.flat_map(|variant| {
            let pools = items(variant, "InstancePools").iter().filter_map(|pool| pool["ModelNameOverride"].as_str());
            variant["ModelName"].as_str().into_iter().chain(pools)
        });
        names.collect()
    }

    /// The input of `CreateEndpoint`.
    pub fn create_endpoint(&self) -> Value {
        let mut call = json!({"EndpointName": self.endpoint["EndpointName"], "EndpointConfigName": self.config_name()});
        if let Some(deployment) = self.endpoint.get("LastDeploymentConfig").filter(|config| !config.is_null()) {
            call["DeploymentConfig"] = deployment.clone();
        }
        set_tags(&mut call, &self.tags);
        call
    }

    /// Whether this configuration is another one than the endpoint's, of the same name.
    pub fn is_other_config(&self, config: &Value) -> bool {
        const OWN: [&str; 2] = ["EndpointConfigArn", "CreationTime"];
        without(config, &OWN) != without(&self.config, &OWN)
    }

    /// The input of `CreateEndpointConfig`, in case somebody has deleted the configuration.
    pub fn create_config(&self) -> Value {
        let mut call = without(&self.config, &["EndpointConfigArn", "CreationTime"]);
        set_tags(&mut call, &self.config_tags);
        call
    }

    /// The input of the next `UpdateEndpointWeightsAndCapacities` that brings weights and numbers of instances back. `now`: the endpoint as it is. AWS takes the weights of all
    /// variants at once, but the capacity of one. `None`: it has what it had.
    pub fn next_capacity(&self, now: &Value) -> Option<Value> {
        let of = |name: &Value| items(now, "ProductionVariants").iter().find(|variant| variant["VariantName"] == *name);
        let changed = |field: &str| {
            let variants = items(&self.endpoint, "ProductionVariants").iter();
            let changed = variants.filter_map(|had| {
                let (wanted, has) = (had.get(field).filter(|value| !value.is_null())?, of(&had["VariantName"])?);
                (number(wanted) != number(&has[field])).then(|| json!({"VariantName": had["VariantName"], field: wanted}))
            });
            changed.collect::<Vec<_>>()
        };
        let mut next = changed("DesiredWeight");
        if next.is_empty() {
            next = changed("DesiredInstanceCount");
            next.truncate(1);
        }
        (!next.is_empty()).then(|| json!({"EndpointName": self.endpoint["EndpointName"], "DesiredWeightsAndCapacities": next}))
    }

    /// The tags that the endpoint had and does not have now, as `AddTags` takes them.
    pub fn missing_tags(&self, now: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.tags
            .iter()
            .filter(|(key, _)| !is_of_aws(key) && !now.contains_key(*key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// The variants whose image is another one now, although its tag is the same: `AllTraffic`. `now`: the endpoint as it is.
    pub fn moved_images(&self, now: &Value) -> Vec<String> {
        let images = |endpoint: &Value, name: &Value| -> Vec<Value> {
            let variants = items(endpoint, "ProductionVariants").iter().filter(|variant| variant["VariantName"] == *name);
            variants.flat_map(|variant| items(variant, "DeployedImages")).map(|image| image["ResolvedImage"].clone()).collect()
        };
        let variants = items(&self.endpoint, "ProductionVariants").iter().map(|variant| &variant["VariantName"]);
        let moved = variants.filter(|name| {
            let (had, has) = (images(&self.endpoint, name), images(now, name));
            !had.is_empty() && !has.is_empty() && had != has
        });
        moved.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

/// The next step towards an endpoint that is as it was.
#[derive(Clone, Debug, PartialEq)]
pub enum WakeStep {
    /// There is none of its name: create it.
    Create,
    /// AWS is at work on it.
    Wait,
    /// AWS could not create it, for this reason. A failed endpoint can only be deleted.
    Remove(String),
    /// Bring weights and numbers of instances back, with this input of `UpdateEndpointWeightsAndCapacities`.
    SetCapacity(Value),
    /// Bring back its tags, its auto scaling and its resource policy.
    Complete,
    /// Somebody has created another endpoint of its name: it is left alone.
    Replaced,
}

impl Blueprint {
    /// The next step. `now`: what `DescribeEndpoint` says. `None`: there is no endpoint of its name.
    pub fn next_step(&self, now: Option<&Value>) -> WakeStep {
        let Some(now) = now else { return WakeStep::Create };
        let text = |field: &str| now[field].as_str().unwrap_or_default();
        match text("EndpointStatus") {
            "Deleting" => WakeStep::Wait,
            _ if text("EndpointConfigName") != self.config_name() => WakeStep::Replaced,
            "Failed" => WakeStep::Remove(text("FailureReason").to_owned()),
            "InService" => self.next_capacity(now).map_or(WakeStep::Complete, WakeStep::SetCapacity),
            _ => WakeStep::Wait,
        }
    }
}

impl TargetBlueprint {
    /// Its id in Application Auto Scaling.
    pub fn resource_id(&self) -> &str {
        self.target["ResourceId"].as_str().unwrap_or_default()
    }

    /// The input of `RegisterScalableTarget`.
    pub fn register(&self) -> Value {
        let mut call = without(&self.target, &["RoleARN", "CreationTime", "ScalableTargetARN", "PredictedCapacity"]);
        let tags: BTreeMap<&String, &String> = self.tags.iter().filter(|(key, _)| !is_of_aws(key)).collect();
        if !tags.is_empty() {
            call["Tags"] = json!(tags);
        }
        call
    }

    /// The names of the alarms that call its step policies. Those of a target tracking policy are Application Auto Scaling's own, and come with the policy.
    pub fn step_alarms(&self) -> impl Iterator<Item = &str> {
        let steps = self.policies.iter().filter(|policy| policy["PolicyType"] == "StepScaling");
        steps.flat_map(|policy| items(policy, "Alarms")).filter_map(|alarm| alarm["AlarmName"].as_str())
    }

    /// The inputs of `PutScalingPolicy`.
    pub fn put_policies(&self) -> impl Iterator<Item = Value> {
        self.policies.iter().map(|policy| without(policy, &["PolicyARN", "Alarms", "CreationTime"]))
    }

    /// The inputs of `PutScheduledAction`. An action that was for one time, and whose time is over, is left out; a start that is over, too.
    pub fn put_actions(&self, now: Timestamp) -> impl Iterator<Item = Value> {
        let is_over = move |value: &Value| value.as_f64().is_some_and(|seconds| seconds <= now.as_duration().as_secs_f64());
        let lives = move |action: &&Value| {
            let once = action["Schedule"].as_str().and_then(|text| text.strip_prefix("at("));
            !is_over(&action["EndTime"]) && !once.is_some_and(|time| has_passed(time, now))
        };
        self.actions.iter().filter(lives).map(move |action| {
            let mut put = without(action, &["ScheduledActionARN", "CreationTime"]);
            if is_over(&put["StartTime"])
                && let Some(fields) = put.as_object_mut()
            {
                fields.remove("StartTime");
            }
            put
        })
    }
}

/// Whether the time in `2026-11-24T07:00:00)` has passed. In which time zone it is meant does not matter to a day: what may lie ahead is kept.
fn has_passed(time: &str, now: Timestamp) -> bool {
    let latest = time.trim_end_matches(')').parse::<DateTime>().ok().and_then(|time| TimeZone::UTC.to_timestamp(time).ok());
    latest.is_some_and(|latest| latest < now - SignedDuration::from_hours(24))
}

/// The items of a list, which may be missing.
fn items<'v>(value: &'v Value, list: &str) -> &'v [Value] {
    value.get(list).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A number, which AWS writes as `1` or `1.0`.
fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn is_of_aws(key: &str) -> bool {
    key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

fn set_tags(call: &mut Value, tags: &BTreeMap<String, String>) {
    let tags: Vec<Value> = tags.iter().filter(|(key, _)| !is_of_aws(key)).map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    if !tags.is_empty() {
        call["Tags"] = Value::Array(tags);
    }
}

/// The fields of an object but these, and but those that are null.
fn without(value: &Value, fields: &[&str]) -> Value {
    let kept = value.as_object().into_iter().flatten().filter(|(field, value)| !fields.contains(&field.as_str()) && !value.is_null());
    Value::Object(kept.map(|(field, value)| (field.clone(), value.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blueprint() -> Blueprint {
        Blueprint {
            endpoint: json!({
                "EndpointName": "Churn", "EndpointArn": "arn", "EndpointConfigName": "churn-1", "EndpointStatus": "InService", "CreationTime": 1.5,
                "LastDeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
                "ProductionVariants": [
                    {"VariantName": "Blue", "DesiredWeight": 0.5, "DesiredInstanceCount": 3, "DeployedImages": [{"SpecifiedImage": "i:1", "ResolvedImage": "i@sha256:1"}]},
                    {"VariantName": "Green", "DesiredWeight": 0.25, "DesiredInstanceCount": 2},
                ],
            }),
            tags: [("Owner".into(), "ann".into()), ("aws:cloudformation:stack-name".into(), "s".into())].into(),
            config: json!({
                "EndpointConfigName": "churn-1", "EndpointConfigArn": "arn", "CreationTime": 1.0, "SomethingNew": {"A": 1}, "KmsKeyId": null,
                "ProductionVariants": [
                    {"VariantName": "Blue", "ModelName": "m1", "InstancePools": [{"InstanceType": "ml.m5.large", "ModelNameOverride": "m3"}]},
                    {"VariantName": "Green", "ModelName": "m2"},
                ],
            }),
            config_tags: BTreeMap::new(),
            targets: vec![],
            policy: None,
        }
    }

    #[test]
    fn it_is_created_with_all_that_a_creation_takes() {
        assert_eq!(
            blueprint().create_endpoint(),
            json!({
                "EndpointName": "Churn", "EndpointConfigName": "churn-1", "Tags": [{"Key": "Owner", "Value": "ann"}],
                "DeploymentConfig": {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}},
            })
        );
        let config = blueprint().create_config();
        assert_eq!((&config["SomethingNew"], config.get("CreationTime"), config.get("KmsKeyId")), (&json!({"A": 1}), None, None));
        assert_eq!(blueprint().models(), ["m1", "m2", "m3"].into());
    }

    #[test]
    fn weights_come_back_together_and_numbers_one_after_the_other() {
        let one = blueprint();
        let mut now = json!({"ProductionVariants": [
            {"VariantName": "Blue", "DesiredWeight": 1.0, "DesiredInstanceCount": 1}, {"VariantName": "Green", "DesiredWeight": 1.0, "DesiredInstanceCount": 1},
        ]});
        let mut calls = vec![];
        while let Some(call) = one.next_capacity(&now) {
            for wanted in call["DesiredWeightsAndCapacities"].as_array().unwrap() {
                let variant =
                    now["ProductionVariants"].as_array_mut().unwrap().iter_mut().find(|one| one["VariantName"] == wanted["VariantName"]);
                variant.unwrap().as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
            }
            calls.push(call["DesiredWeightsAndCapacities"].as_array().unwrap().len());
        }
        assert_eq!(calls, [2, 1, 1]);
        assert_eq!(now["ProductionVariants"][0], json!({"VariantName": "Blue", "DesiredWeight": 0.5, "DesiredInstanceCount": 3}));
        // A variant that is not there any more is not asked for.
        assert_eq!(one.next_capacity(&json!({"ProductionVariants": []})), None);
    }

    #[test]
    fn each_state_has_its_next_step() {
        let one = blueprint();
        let at = |status: &str| {
            let mut now = one.endpoint.clone();
            now["EndpointStatus"] = json!(status);
            now["FailureReason"] = json!("no capacity");
            now
        };
        assert_eq!(one.next_step(None), WakeStep::Create);
        for (status, step) in [
            ("Creating", WakeStep::Wait),
            ("Updating", WakeStep::Wait),
            ("SystemUpdating", WakeStep::Wait),
            ("RollingBack", WakeStep::Wait),
            ("Deleting", WakeStep::Wait),
            ("OutOfService", WakeStep::Wait),
            ("SomethingNew", WakeStep::Wait),
            ("Failed", WakeStep::Remove("no capacity".into())),
            ("InService", WakeStep::Complete),
        ] {
            assert_eq!(one.next_step(Some(&at(status))), step, "{status}");
        }
        let mut fewer = at("InService");
        fewer["ProductionVariants"][0]["DesiredInstanceCount"] = json!(1);
        assert!(matches!(one.next_step(Some(&fewer)), WakeStep::SetCapacity(_)));
        for status in ["InService", "Failed", "Creating"] {
            let mut another = at(status);
            another["EndpointConfigName"] = json!("churn-2");
            assert_eq!(one.next_step(Some(&another)), WakeStep::Replaced, "{status}: what is not ours is not deleted");
        }
    }

    #[test]
    fn an_image_whose_tag_has_moved_is_named() {
        let one = blueprint();
        assert_eq!(one.moved_images(&one.endpoint), [""; 0]);
        let mut moved = one.endpoint.clone();
        moved["ProductionVariants"][0]["DeployedImages"][0]["ResolvedImage"] = json!("i@sha256:2");
        assert_eq!(one.moved_images(&moved), ["Blue"]);
    }

    #[test]
    fn tags_that_somebody_has_written_meanwhile_stay() {
        assert_eq!(blueprint().missing_tags(&BTreeMap::new()), [("Owner".into(), "ann".into())].into());
        assert_eq!(blueprint().missing_tags(&[("Owner".into(), "bob".into())].into()), BTreeMap::new());
    }

    #[test]
    fn scaling_comes_back_without_what_aws_made_and_what_is_over() {
        let now: Timestamp = "2026-11-24T07:00:00Z".parse().unwrap();
        let action = |name: &str, schedule: &str, more: Value| {
            let mut action = json!({"ScheduledActionName": name, "ScheduledActionARN": "arn", "Schedule": schedule, "CreationTime": 1.0});
            action.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            action
        };
        let one = TargetBlueprint {
            target: json!({
                "ServiceNamespace": "sagemaker", "ResourceId": "endpoint/Churn/variant/Blue", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
                "MinCapacity": 1, "MaxCapacity": 4, "RoleARN": "role", "CreationTime": 1.0, "ScalableTargetARN": "arn",
                "SuspendedState": {"DynamicScalingInSuspended": true},
            }),
            tags: [("a".into(), "b".into())].into(),
            policies: vec![
                json!({"PolicyName": "p", "PolicyARN": "arn", "Alarms": [], "CreationTime": 1.0, "PolicyType": "StepScaling", "New": 1}),
            ],
            actions: vec![
                action("night", "cron(0 19 * * ? *)", json!({"StartTime": 1.0})),
                action("later", "rate(1 day)", json!({"StartTime": 4_000_000_000.0})),
                action("ended", "rate(1 day)", json!({"EndTime": 1.0})),
                action("once", "at(2026-11-20T07:00:00)", json!({})),
                action("soon", "at(2026-11-24T09:00:00)", json!({})),
            ],
        };
        let register = one.register();
        assert_eq!(
            register.as_object().unwrap().keys().map(String::as_str).collect::<BTreeSet<_>>(),
            ["MaxCapacity", "MinCapacity", "ResourceId", "ScalableDimension", "ServiceNamespace", "SuspendedState", "Tags"].into()
        );
        assert_eq!(one.put_policies().collect::<Vec<_>>(), [json!({"PolicyName": "p", "PolicyType": "StepScaling", "New": 1})]);
        let actions: Vec<Value> = one.put_actions(now).collect();
        let names: Vec<&str> = actions.iter().map(|action| action["ScheduledActionName"].as_str().unwrap()).collect();
        assert_eq!(names, ["night", "later", "soon"]);
        assert_eq!((actions[0].get("StartTime"), actions[1].get("StartTime")), (None, Some(&json!(4_000_000_000.0))));
    }

    proptest! {
        /// What is described again is what was described, but for what AWS makes anew: creating is the inverse of describing.
        #[test]
        fn a_configuration_comes_back_as_it_was(fields in proptest::collection::btree_map("[A-Z][a-z]{1,8}", "[a-z]{0,6}", 0..8)) {
            let mut described = json!(fields);
            described["EndpointConfigArn"] = json!("arn");
            described["CreationTime"] = json!(1.0);
            let one = Blueprint { config: described.clone(), ..blueprint() };
            let mut again = one.create_config();
            again["EndpointConfigArn"] = json!("arn");
            again["CreationTime"] = json!(1.0);
            prop_assert_eq!(again, described);
        }

        #[test]
        fn the_ledger_gives_back_what_it_got(weight in 0u32..100, count in 0u32..100, policy in proptest::option::of(".{0,20}")) {
            let mut one = Blueprint { policy, ..blueprint() };
            one.endpoint["ProductionVariants"][0]["DesiredWeight"] = json!(f64::from(weight) / 4.0);
            one.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = json!(count);
            let text = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(serde_json::from_str::<Blueprint>(&text).unwrap(), one);
        }
    }
}
