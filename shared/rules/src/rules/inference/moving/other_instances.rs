//! Onto other instances, under the same name: with its auto scaling off meanwhile, if it has one.

use serde_json::json;

use super::{Moving, block, new_name};
use crate::{
    facts::{AutoScaling, Compute},
    inference::Estimate,
    rules::{inference::workload::least, verdict::Detail},
    scaling::{Attachment, autoscaling_command},
    vocabulary::text::{argument, json_argument},
};

impl Moving<'_> {
    pub(super) fn other_instances(&self, to: &Estimate) -> Vec<Detail> {
        let instance_type = to.instance_type.as_deref().unwrap_or_default();
        let config_name = new_name(self.config_name(), &instance_type.trim_start_matches("ml.").replace('.', "-"));
        let (instances, scaled) = (to.instances.unwrap_or(1), self.scaled(to));
        let mut variant = self.variant().clone();
        variant["InstanceType"] = json!(instance_type);
        variant["InitialInstanceCount"] = json!(scaled.as_ref().map_or(instances, |scaled| scaled.now));
        let name = argument(self.name());
        let update = |config: &str| {
            vec![
                format!("{}--endpoint-name {name} --endpoint-config-name {}", self.command("update-endpoint"), argument(config)),
                format!("{}--endpoint-name {name}", self.command("wait endpoint-in-service")),
            ]
        };
        let config = self.config_with(&config_name, &variant);
        let mut lines = vec![format!("{}--cli-input-json {}", self.command("create-endpoint-config"), json_argument(&config))];
        let mut back = vec![];
        match &scaled {
            None => {
                lines.extend(update(&config_name));
                back.extend(update(self.config_name()));
            }
            Some(scaled) => {
                lines.extend(scaled.without(self, update(&config_name), scaled.bounds));
                back.extend(scaled.without(self, update(self.config_name()), scaled.bounds_today));
            }
        }
        back.push(format!("{}--endpoint-config-name {config_name}", self.command("delete-endpoint-config")));
        vec![
            block("Move it. It answers all the time: AWS starts the new instances before it stops the old ones.", lines),
            block("Go back:", back),
        ]
    }

    /// Its auto scaling, if it has one, on these other instances.
    fn scaled(&self, to: &Estimate) -> Option<Scaled> {
        let variant = self.hosted.endpoint.variants.first()?;
        let (AutoScaling::Target(target), Compute::Instances { desired, .. }) = (&variant.scaling, &variant.compute) else { return None };
        let (new, least) = (to.instances.unwrap_or(1), least(target, *desired));
        // As many of the new ones as do the work of so many of today's.
        let instead_of = |today: u32| today.saturating_mul(new).div_ceil(least).max(new);
        Some(Scaled {
            resource_id: Attachment::of_variant(self.name(), self.variant_name(), target.max).resource_id,
            now: instead_of(*desired),
            bounds: (instead_of(target.min).min(instead_of(target.max)), instead_of(target.max)),
            bounds_today: (target.min, target.max),
        })
    }
}

/// Auto scaling of an endpoint that is put on other instances.
struct Scaled {
    /// Its id in Application Auto Scaling.
    resource_id: String,
    /// How many of the other instances do the work of those that it has now.
    now: u32,
    /// Its least and most instances on them.
    bounds: (u32, u32),
    /// The same today.
    bounds_today: (u32, u32),
}

impl Scaled {
    /// These steps with the auto scaling off: AWS refuses another instance type while a variant is a scalable target (aws-facts §3.2).
    fn without(&self, moving: &Moving<'_>, steps: Vec<String>, (least, most): (u32, u32)) -> Vec<String> {
        let command = |name| autoscaling_command(name, &moving.region, "sagemaker:variant:DesiredInstanceCount", &self.resource_id);
        let mut lines = vec![
            "# Take its auto scaling off: AWS refuses another type with it. Keep what these two print, because its policies and scheduled actions go with it.".to_owned(),
            command("describe-scaling-policies"),
            command("describe-scheduled-actions"),
            command("deregister-scalable-target"),
        ];
        lines.extend(steps);
        lines.extend([
            format!("# Attach it again, with {least} to {most} instances, and then its policies (put-scaling-policy) and scheduled actions (put-scheduled-action)."),
            format!("{} --min-capacity {least} --max-capacity {most}", command("register-scalable-target")),
        ]);
        lines
    }
}
