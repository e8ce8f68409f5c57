//! How people move an endpoint to another way of serving, and back: the commands, in order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    facts::{Hosted, Model},
    inference::{Estimate, ServingOption},
    rules::verdict::Detail,
    vocabulary::text::{argument, json_argument, one_line},
};

mod other_instances;
mod second;
mod shared;

pub(super) use self::second::most_at_once;

/// Where people put the name of a bucket of theirs.
const BUCKET: &str = "s3://YOUR-BUCKET";

/// An endpoint that is moved.
pub(super) struct Moving<'a> {
    hosted: &'a Hosted,
    config: &'a Value,
    model: &'a Model,
    region: String,
}

impl<'a> Moving<'a> {
    /// `None`: its configuration or its model is not known.
    pub(super) fn of(hosted: &'a Hosted) -> Option<Self> {
        let (config, model) = (hosted.config.as_ref()?, hosted.model.as_ref()?);
        Some(Self { hosted, config, model, region: hosted.endpoint.resource.region_option() })
    }

    /// The steps to this option, and back.
    pub(super) fn steps(&self, to: &Estimate) -> Vec<Detail> {
        match to.option {
            ServingOption::Serverless | ServingOption::ServerlessProvisioned => self.serverless(to),
            ServingOption::Asynchronous => self.asynchronous(),
            ServingOption::BatchTransform => self.batch(to),
            ServingOption::InferenceComponent => self.component(),
            ServingOption::OtherInstances => self.other_instances(to),
            ServingOption::RealTime | ServingOption::RealTimeScaled => vec![],
        }
    }

    fn name(&self) -> &str {
        &self.hosted.endpoint.resource.name
    }

    fn config_name(&self) -> &str {
        self.config["EndpointConfigName"].as_str().unwrap_or_default()
    }

    /// The first variant as it is configured.
    fn variant(&self) -> &Value {
        &self.config["ProductionVariants"][0]
    }

    fn variant_name(&self) -> &str {
        self.variant()["VariantName"].as_str().unwrap_or_default()
    }

    /// The `VpcConfig` of its model.
    fn network(&self) -> Option<Value> {
        serde_json::from_str(self.model.network.as_deref()?).ok()
    }

    fn command(&self, operation: &str) -> String {
        format!("aws sagemaker {operation} {}", self.region)
    }

    /// Its configuration under another name and with another variant.
    fn config_with(&self, name: &str, variant: &Value) -> Value {
        let mut config = self.config.clone();
        if let Some(fields) = config.as_object_mut() {
            fields.retain(|field, _| !["EndpointConfigArn", "CreationTime"].contains(&field.as_str()));
            // Not every way of serving takes data capture, also where it is off.
            fields.retain(|field, value| field != "DataCaptureConfig" || value["EnableCapture"] == true);
        }
        config["EndpointConfigName"] = json!(name);
        config["ProductionVariants"] = json!([variant]);
        config
    }

    /// The commands that create another endpoint with the tags of this one. `config`: its configuration, which has its name.
    fn create(&self, config: &Value) -> Vec<String> {
        let name = config["EndpointConfigName"].as_str().unwrap_or_default();
        let mut lines = vec![format!("{}--cli-input-json {}", self.command("create-endpoint-config"), json_argument(config))];
        lines.extend(again(self, name, name));
        lines.push(self.copy_tags(self.name(), name));
        lines
    }

    /// The commands that delete it again, with its configuration.
    fn delete(&self, name: &str) -> [String; 2] {
        [
            format!("{}--endpoint-name {name}", self.command("delete-endpoint")),
            format!("{}--endpoint-config-name {name}", self.command("delete-endpoint-config")),
        ]
    }

    /// The commands that create the endpoint again as it is configured.
    fn again(&self) -> Vec<String> {
        again(self, self.name(), self.config_name())
    }

    /// When to take the last step, of this number.
    fn when_unused(&self, step: u32) -> String {
        format!(
            "# {step}. When nobody has called {} for some days, delete it (endpoint-idle mails when it has had no request for a week). Its tags and its auto scaling go with it.",
            one_line(self.name())
        )
    }

    fn arn_of(&self, name: &str) -> String {
        let of = self.hosted.endpoint.resource.arn.as_deref().and_then(|arn| arn.rsplit_once('/'));
        of.map_or_else(|| name.to_owned(), |(kind, _)| format!("{kind}/{}", name.to_lowercase()))
    }

    /// The command that gives an endpoint these tags again. `None`: it had none of its own.
    fn give_tags(&self, name: &str, tags: &BTreeMap<String, String>) -> Option<String> {
        let own = tags.iter().filter(|(key, _)| !key.to_lowercase().starts_with("aws:"));
        let list: Vec<Value> = own.map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        let (command, arn) = (self.command("add-tags"), self.arn_of(name));
        (!list.is_empty()).then(|| format!("{command}--resource-arn {} --tags {}", argument(&arn), json_argument(&json!(list))))
    }

    /// The command that gives an endpoint the tags of another one.
    fn copy_tags(&self, from: &str, to: &str) -> String {
        format!(
            "{}--resource-arn {} --tags \"$({}--resource-arn {} --query 'Tags[?!starts_with(Key, `aws:`)]' --output json)\"",
            self.command("add-tags"),
            argument(&self.arn_of(to)),
            self.command("list-tags"),
            argument(&self.arn_of(from))
        )
    }

    fn batch(&self, to: &Estimate) -> Vec<Detail> {
        let name = argument(self.name());
        let input = json!({"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": format!("{BUCKET}/in/")}}});
        let output = json!({"S3OutputPath": format!("{BUCKET}/out/")});
        let resources = json!({"InstanceType": self.variant()["InstanceType"], "InstanceCount": to.instances.unwrap_or(1)});
        let at_once =
            to.at_once.filter(|at_once| 1 < *at_once).map_or_else(String::new, |at_once| format!(" --max-concurrent-transforms {at_once}"));
        let lines = vec![
            "# 1. Let your callers put their requests into S3, as files, and read the answers from there.".to_owned(),
            "# 2. Run a job for all of them, and look at its answers. EventBridge Scheduler can start it each day.".to_owned(),
            format!(
                "{}--transform-job-name {} --model-name {} --transform-input {} --transform-output {} --transform-resources {}{at_once}",
                self.command("create-transform-job"),
                new_name(self.name(), "batch-$(date +%Y%m%d-%H%M)"),
                argument(&self.model.name),
                json_argument(&input),
                json_argument(&output),
                json_argument(&resources)
            ),
            self.when_unused(3),
            format!("{}--endpoint-name {name}", self.command("delete-endpoint")),
        ];
        let mut back = vec!["# Create the endpoint again; its configuration and model are still there:".to_owned()];
        back.extend(self.again());
        back.extend(self.hosted.endpoint.resource.tags.read().and_then(|tags| self.give_tags(self.name(), tags)));
        vec![block("Move it, in this order:", lines), block("Go back:", back)]
    }
}

/// The commands that create an endpoint of this name with this configuration.
fn again(moving: &Moving<'_>, name: &str, config: &str) -> Vec<String> {
    let name = argument(name);
    vec![
        format!("{}--endpoint-name {name} --endpoint-config-name {}", moving.command("create-endpoint"), argument(config)),
        format!("{}--endpoint-name {name}", moving.command("wait endpoint-in-service")),
    ]
}

/// A name that AWS takes, with a suffix: at most 63 letters, digits and hyphens.
fn new_name(name: &str, suffix: &str) -> String {
    let room = 62_usize.saturating_sub(suffix.len());
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(room).collect();
    format!("{}-{suffix}", name.trim_end_matches('-'))
}

fn block(title: &str, list: Vec<String>) -> Detail {
    Detail { title: title.into(), list }
}
