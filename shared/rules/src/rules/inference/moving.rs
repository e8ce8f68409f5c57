//! How people move an endpoint to another way of serving, and back: the commands, in order.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    facts::{AutoScaling, Compute, Hosted, Measured, Model},
    inference::{Estimate, InstanceTypes, Member, ServingOption, Shared, server_gib},
    rules::{inference::workload::least, verdict::Detail},
    scaling::{Attachment, asynchronous_to_zero, autoscaling_command, component_to_zero},
    vocabulary::text::{argument, json_argument, one_line},
};

/// Where people put the name of a bucket of theirs.
const BUCKET: &str = "s3://YOUR-BUCKET";
/// The concurrency of all serverless endpoints of an account, as long as AWS has not raised it.
const USUAL_CONCURRENCY: u32 = 10;

/// Fewer requests at once are not worth a limit.
const FEW: u32 = 5;

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
            ServingOption::Serverless | ServingOption::ServerlessProvisioned => {
                self.to_second(&self.config_with(&new_name(self.name(), "serverless"), &self.serverless(to)), &[])
            }
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
        }
        config["EndpointConfigName"] = json!(name);
        config["ProductionVariants"] = json!([variant]);
        config
    }

    fn serverless(&self, to: &Estimate) -> Value {
        let mut serverless = json!({"MemorySizeInMB": to.memory_gb.unwrap_or(1) * 1024, "MaxConcurrency": most_at_once(to)});
        if let Some(ready) = to.provisioned {
            serverless["ProvisionedConcurrency"] = json!(ready);
        }
        json!({"VariantName": self.variant_name(), "ModelName": self.model.name, "ServerlessConfig": serverless})
    }

    /// A second endpoint with this configuration, and of its name, beside the old one. The callers go over to it. `more`: lines after it was created.
    fn to_second(&self, config: &Value, more: &[String]) -> Vec<Detail> {
        let (name, second) = (argument(self.name()), config["EndpointConfigName"].as_str().unwrap_or_default());
        let concurrency = config["ProductionVariants"][0]["ServerlessConfig"]["MaxConcurrency"].as_u64().unwrap_or_default();
        let quota = (u64::from(USUAL_CONCURRENCY) < concurrency).then(|| {
            format!(
                "# AWS allows {USUAL_CONCURRENCY} requests at once for all serverless endpoints of an account, until you ask for more (Service Quotas, L-96300102)."
            )
        });
        let mut lines = vec![format!("# 1. Create a second endpoint. {} goes on.", one_line(self.name()))];
        lines.extend(quota);
        lines.extend([
            format!("{}--cli-input-json {}", self.command("create-endpoint-config"), json_argument(config)),
            format!("{}--endpoint-name {second} --endpoint-config-name {second}", self.command("create-endpoint")),
            format!("{}--endpoint-name {second}", self.command("wait endpoint-in-service")),
            self.copy_tags(second),
        ]);
        lines.extend_from_slice(more);
        lines.extend([
            format!("# 2. Call {second} with requests of yours, and look at the answers and at the time they take."),
            format!("# 3. Let your callers call {second}."),
            format!(
                "# 4. When nobody has called {} for some days, delete it. Its tags and its auto scaling go with it.",
                one_line(self.name())
            ),
            format!("{}--endpoint-name {name}", self.command("delete-endpoint")),
        ]);
        vec![block("Move it, in this order:", lines), self.back_from(second)]
    }

    fn copy_tags(&self, second: &str) -> String {
        let Some(arn) = self.hosted.endpoint.resource.arn.as_deref() else { return "# Give it the tags of the old one.".to_owned() };
        let new = arn.rsplit_once('/').map_or_else(|| second.to_owned(), |(kind, _)| format!("{kind}/{second}"));
        format!(
            "{}--resource-arn {} --tags \"$({}--resource-arn {} --query 'Tags[?!starts_with(Key, `aws:`)]' --output json)\"",
            self.command("add-tags"),
            argument(&new),
            self.command("list-tags"),
            argument(arn)
        )
    }

    /// How callers go back to the old endpoint.
    fn back_from(&self, second: &str) -> Detail {
        let name = argument(self.name());
        block(
            "Go back:",
            vec![
                format!(
                    "# Before step 4: let your callers call {} again. After it, create it again first; its configuration and model are still there:",
                    one_line(self.name())
                ),
                format!(
                    "{}--endpoint-name {name} --endpoint-config-name {}",
                    self.command("create-endpoint"),
                    argument(self.config_name())
                ),
                format!("{}--endpoint-name {name}", self.command("wait endpoint-in-service")),
                "# Then delete the second one:".to_owned(),
                format!("{}--endpoint-name {second}", self.command("delete-endpoint")),
            ],
        )
    }

    fn asynchronous(&self) -> Vec<Detail> {
        let second = new_name(self.name(), "async");
        let instances = self.variant()["InitialInstanceCount"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let mut more = vec!["# Let it go to zero while its queue is empty:".to_owned()];
        more.extend(asynchronous_to_zero(&second, self.variant_name(), instances).commands(&self.region).lines().map(str::to_owned));
        more.push(format!(
            "# Callers put each request into S3 and call: aws sagemaker-runtime invoke-endpoint-async {}--endpoint-name {second} --input-location {BUCKET}/in/request-1",
            self.region
        ));
        let mut config = self.config_with(&second, self.variant());
        config["AsyncInferenceConfig"] = json!({"OutputConfig": {"S3OutputPath": format!("{BUCKET}/{second}/")}});
        self.to_second(&config, &more)
    }

    fn batch(&self, to: &Estimate) -> Vec<Detail> {
        let name = argument(self.name());
        let input = json!({"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": format!("{BUCKET}/in/")}}});
        let output = json!({"S3OutputPath": format!("{BUCKET}/out/")});
        let resources = json!({"InstanceType": self.variant()["InstanceType"], "InstanceCount": to.instances.unwrap_or(1)});
        let lines = vec![
            "# 1. Let your callers put their requests into S3, as files, and read the answers from there.".to_owned(),
            "# 2. Run a job for all of them, and look at its answers. EventBridge Scheduler can start it each day.".to_owned(),
            format!(
                "{}--transform-job-name {} --model-name {} --transform-input {} --transform-output {} --transform-resources {}",
                self.command("create-transform-job"),
                new_name(self.name(), "batch-$(date +%Y%m%d-%H%M)"),
                argument(&self.model.name),
                json_argument(&input),
                json_argument(&output),
                json_argument(&resources)
            ),
            format!("# 3. When nobody has called {} for some days, delete it.", one_line(self.name())),
            format!("{}--endpoint-name {name}", self.command("delete-endpoint")),
        ];
        let back = vec![
            "# Create the endpoint again; its configuration and model are still there:".to_owned(),
            format!("{}--endpoint-name {name} --endpoint-config-name {}", self.command("create-endpoint"), argument(self.config_name())),
        ];
        vec![block("Move it, in this order:", lines), block("Go back:", back)]
    }

    fn component(&self) -> Vec<Detail> {
        let second = new_name(self.name(), "component");
        let most = self.variant()["InitialInstanceCount"].as_u64().unwrap_or(1).max(1);
        let mut variant = json!({
            "VariantName": self.variant_name(), "InstanceType": self.variant()["InstanceType"], "InitialInstanceCount": 1,
            "ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": most},
        });
        for field in ["VolumeSizeInGB", "InferenceAmiVersion"] {
            if let Some(value) = self.variant().get(field) {
                variant[field] = value.clone();
            }
        }
        let specification = json!({"ModelName": self.model.name, "ComputeResourceRequirements": self.needs()});
        let mut more = vec![
            "# The model on it, with the vCPUs, the memory and the GPUs that it has used:".to_owned(),
            format!(
                "{}--inference-component-name {second} --endpoint-name {second} --variant-name {} --specification {} --runtime-config CopyCount=1",
                self.command("create-inference-component"),
                argument(self.variant_name()),
                json_argument(&specification)
            ),
            "# Let it go to zero while nobody calls it:".to_owned(),
        ];
        more.extend(component_to_zero(&second, 1).commands(&self.region).lines().map(str::to_owned));
        more.push(format!("# Callers name it: --inference-component-name {second}"));
        // Without a model in the configuration, its role, network and isolation stand there (inference-facts §E4).
        let mut config = self.config_with(&second, &variant);
        config["ExecutionRoleArn"] = json!(self.model.role);
        if let Some(network) = self.network() {
            config["VpcConfig"] = network;
        }
        if self.model.is_isolated {
            config["EnableNetworkIsolation"] = json!(true);
        }
        self.to_second(&config, &more)
    }

    /// What one copy of a component needs: what it has used, and no more than an instance leaves to components.
    fn needs(&self) -> Value {
        let has = self.variant()["InstanceType"].as_str().and_then(|name| InstanceTypes::shipped().get(name));
        let used = has.zip(self.hosted.measured.as_ref());
        let memory =
            used.and_then(|(has, measured)| Some((has.memory_gib * measured.memory?).min(has.memory_gib - server_gib(has.memory_gib))));
        let cores = used.and_then(|(has, measured)| {
            let vcpus = f64::from(has.vcpu);
            Some((Measured::busiest(&measured.cpu)? * vcpus).ceil().clamp(1.0, (vcpus - 1.0).max(1.0)))
        });
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size of memory in MB, and a number of vCPUs")]
        let (memory, cores) = (memory.map_or(1024, |gib| (gib * 1024.0).ceil() as u64), cores.map_or(1, |cores| cores as u64));
        let mut needs = json!({"NumberOfCpuCoresRequired": cores, "MinMemoryRequiredInMb": memory});
        if let Some(gpus) = has.map(|has| has.gpus + has.accelerators).filter(|gpus| 0 < *gpus) {
            needs["NumberOfAcceleratorDevicesRequired"] = json!(gpus);
        }
        needs
    }

    fn other_instances(&self, to: &Estimate) -> Vec<Detail> {
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

    /// The steps by which several endpoints become one, and back.
    pub(super) fn to_shared(&self, shared: &Shared) -> Vec<Detail> {
        let second = new_name(self.name(), "shared");
        let mut lines = vec!["# 1. Put all models into one place, which the role may read.".to_owned()];
        let copy =
            |member: &Member| format!("aws s3 cp {} {BUCKET}/{second}/{}.tar.gz", argument(&member.data_url), argument(&member.name));
        lines.extend(shared.members.iter().map(copy));
        let container = json!({"Image": self.model.image, "Mode": "MultiModel", "ModelDataUrl": format!("{BUCKET}/{second}/")});
        let mut create = format!(
            "{}--model-name {second} --execution-role-arn {} --primary-container {}",
            self.command("create-model"),
            argument(self.model.role.as_deref().unwrap_or("YOUR-ROLE")),
            json_argument(&container)
        );
        if let Some(network) = self.network() {
            let _ = write!(create, " --vpc-config {}", json_argument(&network));
        }
        create += if self.model.is_isolated { " --enable-network-isolation" } else { "" };
        lines.push("# 2. Create the shared endpoint. The old ones go on.".to_owned());
        let has_environment = !matches!(self.model.environment.as_str(), "" | "{}");
        lines.extend(has_environment.then(|| {
            format!("# Add the container's Environment from: {}--model-name {}", self.command("describe-model"), argument(&self.model.name))
        }));
        let mut variant = self.variant().clone();
        variant["ModelName"] = json!(second);
        variant["InstanceType"] = json!(shared.group.instance_type);
        variant["InitialInstanceCount"] = json!(shared.group.instances);
        lines.extend([
            create,
            format!("{}--cli-input-json {}", self.command("create-endpoint-config"), json_argument(&self.config_with(&second, &variant))),
            format!("{}--endpoint-name {second} --endpoint-config-name {second}", self.command("create-endpoint")),
            format!("{}--endpoint-name {second}", self.command("wait endpoint-in-service")),
            self.copy_tags(&second),
            format!("# 3. Let your callers call {second} with the model's name: --target-model {}.tar.gz", argument(self.name())),
            "# 4. When nobody has called the old ones for some days, delete them.".to_owned(),
        ]);
        lines.extend(
            shared.members.iter().map(|member| format!("{}--endpoint-name {}", self.command("delete-endpoint"), argument(&member.name))),
        );
        let again = shared.members.iter().map(|Member { name, config, .. }| {
            format!("{}--endpoint-name {} --endpoint-config-name {}", self.command("create-endpoint"), argument(name), argument(config))
        });
        let mut back = vec!["# Before step 4: let your callers call the old ones again. After it, create them again first:".to_owned()];
        back.extend(again);
        back.push("# Then delete the shared one:".to_owned());
        back.push(format!("{}--endpoint-name {second}", self.command("delete-endpoint")));
        vec![block("Move them, in this order:", lines), block("Go back:", back)]
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

/// The concurrency of a serverless endpoint: what its requests need, and a few at least. More of it costs nothing.
pub(super) fn most_at_once(to: &Estimate) -> u32 {
    to.at_once.unwrap_or_default().max(to.provisioned.unwrap_or_default()).max(FEW)
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
