//! To a second endpoint beside the old one: serverless, with a queue, or with an inference component.

use serde_json::{Value, json};

use super::{BUCKET, Moving, block, new_name};
use crate::{
    facts::Measured,
    inference::{Estimate, InstanceTypes, server_gib},
    rules::verdict::Detail,
    scaling::{Attachment, asynchronous_to_zero, component_to_zero},
    vocabulary::text::{argument, json_argument, one_line},
};

/// The concurrency of all serverless endpoints of an account, as long as AWS has not raised it.
const USUAL_CONCURRENCY: u32 = 10;

/// Fewer requests at once are not worth a limit.
const FEW: u32 = 5;

/// A second endpoint.
struct Second {
    /// Its configuration, which has its name.
    config: Value,
    /// Lines after it was created.
    more: Vec<String>,
    /// An example of a call.
    call: String,
    /// Lines before it is deleted.
    undo: Vec<String>,
}

impl Moving<'_> {
    pub(super) fn serverless(&self, to: &Estimate) -> Vec<Detail> {
        let mut serverless = json!({"MemorySizeInMB": to.memory_gb.unwrap_or(1) * 1024, "MaxConcurrency": most_at_once(to)});
        if let Some(ready) = to.provisioned {
            serverless["ProvisionedConcurrency"] = json!(ready);
        }
        let variant = json!({"VariantName": self.variant_name(), "ModelName": self.model.name, "ServerlessConfig": serverless});
        let second = new_name(self.name(), "serverless");
        let config = self.config_with(&second, &variant);
        self.to_second(&Second { config, more: vec![], call: self.call(&second, ""), undo: vec![] })
    }

    pub(super) fn asynchronous(&self) -> Vec<Detail> {
        let second = new_name(self.name(), "async");
        let instances = self.variant()["InitialInstanceCount"].as_u64().and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
        let to_zero = asynchronous_to_zero(&second, self.variant_name(), instances);
        let mut config = self.config_with(&second, self.variant());
        config["AsyncInferenceConfig"] = json!({"OutputConfig": {"S3OutputPath": format!("{BUCKET}/{second}/")}});
        let call = format!(
            "aws sagemaker-runtime invoke-endpoint-async {}--endpoint-name {second} --content-type text/csv --input-location {BUCKET}/in/request-1",
            self.region
        );
        let mut more =
            vec!["# Its model's role must be allowed to write into the bucket. Let it go to zero while its queue is empty:".to_owned()];
        more.extend(to_zero.commands(&self.region).lines().map(str::to_owned));
        self.to_second(&Second { config, more, call, undo: vec![self.delete_alarm(&to_zero)] })
    }

    pub(super) fn component(&self) -> Vec<Detail> {
        let second = new_name(self.name(), "component");
        let to_zero = component_to_zero(&second, 1);
        let specification = json!({"ModelName": self.model.name, "ComputeResourceRequirements": self.needs()});
        let mut more = vec![
            "# The model on it, with the vCPUs and the memory that it has used, and with its GPUs:".to_owned(),
            format!(
                "{}--inference-component-name {second} --endpoint-name {second} --variant-name {} --specification {} --runtime-config CopyCount=1",
                self.command("create-inference-component"),
                argument(self.variant_name()),
                json_argument(&specification)
            ),
            "# When it is in service (describe-inference-component), let it go to zero while nobody calls it:".to_owned(),
        ];
        more.extend(to_zero.commands(&self.region).lines().map(str::to_owned));
        let undo = vec![
            to_zero.command("deregister-scalable-target", &self.region),
            format!("{}--inference-component-name {second}", self.command("delete-inference-component")),
            self.delete_alarm(&to_zero),
            "# When the component is gone (describe-inference-component does not find it):".to_owned(),
        ];
        let call = self.call(&second, &format!(" --inference-component-name {second}"));
        self.to_second(&Second { config: self.config_of_component(&second), more, call, undo })
    }

    /// Without a model in the configuration, its role, network and isolation stand there (inference-facts §E4).
    fn config_of_component(&self, second: &str) -> Value {
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
        let mut config = self.config_with(second, &variant);
        config["ExecutionRoleArn"] = json!(self.model.role);
        if let Some(network) = self.network() {
            config["VpcConfig"] = network;
        }
        if self.model.is_isolated {
            config["EnableNetworkIsolation"] = json!(true);
        }
        config
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

    fn call(&self, second: &str, more: &str) -> String {
        format!(
            "aws sagemaker-runtime invoke-endpoint {}--endpoint-name {second}{more} --content-type text/csv --body fileb://request.csv answer",
            self.region
        )
    }

    fn delete_alarm(&self, attachment: &Attachment) -> String {
        format!("aws cloudwatch delete-alarms {}--alarm-names {}", self.region, argument(&attachment.alarm_name()))
    }

    /// The steps to a second endpoint, to which the callers go over, and back.
    fn to_second(&self, Second { config, more, call, undo }: &Second) -> Vec<Detail> {
        let second = config["EndpointConfigName"].as_str().unwrap_or_default();
        let concurrency = config["ProductionVariants"][0]["ServerlessConfig"]["MaxConcurrency"].as_u64().unwrap_or_default();
        let quota = (u64::from(USUAL_CONCURRENCY) < concurrency).then(|| {
            format!(
                "# AWS allows {USUAL_CONCURRENCY} requests at once for all serverless endpoints of an account, until you ask for more (Service Quotas, L-96300102)."
            )
        });
        let mut lines = vec![format!("# 1. Create a second endpoint. {} goes on.", one_line(self.name()))];
        lines.extend(quota);
        lines.extend(self.create(config));
        lines.extend_from_slice(more);
        lines.extend([
            "# 2. Call it with requests of yours and their content type, and look at the answers and at the time they take:".to_owned(),
            call.clone(),
            format!("# 3. Let your callers call {second}."),
            self.when_unused(4),
            format!("{}--endpoint-name {}", self.command("delete-endpoint"), argument(self.name())),
        ]);
        vec![block("Move it, in this order:", lines), self.back_from(second, undo)]
    }

    /// How callers go back to the old endpoint. `undo`: lines before the second one is deleted.
    fn back_from(&self, second: &str, undo: &[String]) -> Detail {
        let name = one_line(self.name());
        let mut lines = vec![format!(
            "# After step 4, create {name} again first; its configuration and model are still there. Auto scaling that you want has to be attached again:"
        )];
        lines.extend(self.again());
        lines.push(self.copy_tags(second, self.name()));
        lines.push(format!("# Let your callers call {name} again. When nobody calls {second} any more, delete it:"));
        lines.extend_from_slice(undo);
        lines.extend(self.delete(second));
        block("Go back:", lines)
    }
}

/// The concurrency of a serverless endpoint: what its requests need, and a few at least. More of it costs nothing.
pub(in crate::rules::inference) fn most_at_once(to: &Estimate) -> u32 {
    to.at_once.unwrap_or_default().max(to.provisioned.unwrap_or_default()).max(FEW)
}
