//! An estate of real-time endpoints, each planted so that one way of serving fits it best; some that must be left alone, and a group that must not be merged.

use std::{fmt::Write as _, fs, path::Path};

use cost_rules::inference::{InstanceType, InstanceTypes};
use end_to_end::project_file;
use serde_json::Value;
use tempfile::TempDir;
use toml::Table;

/// The policy: everybody's callers wait as today but for those who may not, and the prices of us-east-1 hold.
pub(crate) const POLICY: &str = r#"
timezone = "Europe/Berlin"
owner-tags = ["Owner"]
[prices]
serverless-gb-second = 0.00002
ready-gb-second = 0.000005
busy-gb-second = 0.00001165
hosting-data-gb = 0.016
hosting-volume-gb-month = 0.14
[[override]]
match = { tag.Callers = "wait-minutes" }
[override.rules.endpoint-fits-async]
callers-wait = "30m"
[[override]]
match = { tag.Callers = "wait-a-day" }
[override.rules.endpoint-fits-async]
callers-wait = "1d"
[override.rules.endpoint-fits-batch]
callers-wait = "1d"
"#;

/// An endpoint with a model and a configuration of its own.
pub(crate) struct Planted {
    pub(crate) name: &'static str,
    instances: (u32, &'static str),
    /// One of the estate's `traffic`.
    traffic: String,
    tags: &'static str,
    model: &'static str,
    config: &'static str,
    /// What is advised: the rule and the option. `None`: it is left alone.
    pub(crate) fits: Option<(&'static str, &'static str)>,
}

const VPC: &str = r#"definition = { VpcConfig = { Subnets = ["subnet-1"], SecurityGroupIds = ["sg-1"] } }"#;

fn planted(name: &'static str, instances: (u32, &'static str), traffic: impl Into<String>) -> Planted {
    Planted { name, instances, traffic: traffic.into(), tags: "", model: "", config: "", fits: None }
}

impl Planted {
    fn tagged(self, tags: &'static str) -> Self {
        Self { tags, ..self }
    }
    fn model(self, model: &'static str) -> Self {
        Self { model, ..self }
    }
    fn config(self, config: &'static str) -> Self {
        Self { config, ..self }
    }
    fn fits(self, rule: &'static str, option: &'static str) -> Self {
        Self { fits: Some((rule, option)), ..self }
    }
}

const SERVERLESS: &str = "endpoint-fits-serverless";
const ASYNC: &str = "endpoint-fits-async";
const BATCH: &str = "endpoint-fits-batch";
const OVERSIZED: &str = "endpoint-oversized";

/// All of them. The real series are files in `folder`.
pub(crate) fn all(folder: &Path) -> Vec<Planted> {
    let real =
        |name: &str, more: &str| format!("{{ csv = \"{}/{name}.csv\", csv-from = \"2026-11-09T08:00:00Z\", {more} }}", folder.display());
    vec![
        planted("rare", (1, "ml.m5.large"), real("rare-daytime", "latency-ms = 300, memory = 25, most = 200")).fits(SERVERLESS, "serverless"),
        planted("website", (1, "ml.m5.xlarge"), real("web-diurnal-nasa", "latency-ms = 80, memory = 20, most = 700")).fits(SERVERLESS, "serverless"),
        planted("shop-window", (1, "ml.c5.xlarge"), real("bursty-elb", "latency-ms = 150, memory = 30, most = 400")).fits(SERVERLESS, "serverless"),
        planted("sparse", (1, "ml.m5.xlarge"), "{ bursts = [{ every = \"20m\", lasts = \"1m\", requests = 1 }], latency-ms = 1000, memory = 20, most = 60 }")
            .fits(SERVERLESS, "serverless-provisioned"),
        planted("documents", (1, "ml.g5.xlarge"), "{ bursts = [{ every = \"3h\", lasts = \"15m\", requests = 10 }], latency-ms = 2000, gpu-ms = 1500, most = 30 }")
            .tagged("Callers = \"wait-minutes\"")
            .fits(ASYNC, "asynchronous"),
        planted("render", (1, "ml.m5.2xlarge"), "{ bursts = [{ every = \"6h\", lasts = \"20m\", requests = 2 }], latency-ms = 15000, cpu-ms = 100000, most = 4 }")
            .tagged("Callers = \"wait-minutes\"")
            .model(VPC)
            .fits(ASYNC, "asynchronous"),
        planted("captured", (1, "ml.m5.2xlarge"), "{ bursts = [{ every = \"12h\", lasts = \"30m\", requests = 20 }], cpu-ms = 2000, latency-ms = 500, most = 120 }")
            .tagged("Callers = \"wait-minutes\"")
            .config("definition = { DataCaptureConfig = { EnableCapture = true, InitialSamplingPercentage = 10, DestinationS3Uri = \"s3://ml/captured\", CaptureOptions = [{ CaptureMode = \"Input\" }] } }")
            .fits(ASYNC, "inference-component"),
        planted("scoring", (4, "ml.g4dn.xlarge"), real("night-batch", "latency-ms = 150, gpu-ms = 100, memory = 40, most = 400"))
            .tagged("Callers = \"wait-a-day\"")
            .fits(BATCH, "batch-transform"),
        planted("nightly", (1, "ml.m5.4xlarge"), "{ bursts = [{ every = \"1d\", lasts = \"1h\", requests = 100, at = \"2h\" }, { every = \"1d\", lasts = \"2m\", requests = 300, at = \"2h\" }], latency-ms = 400, cpu-ms = 1000, memory = 60, most = 400 }")
            .tagged("Callers = \"wait-a-day\"")
            .fits(BATCH, "batch-transform"),
        planted("ranking", (1, "ml.m5.4xlarge"), real("steady", "latency-ms = 20, cpu-ms = 20, memory = 35, most = 6000")).fits(OVERSIZED, "real-time-other-instances"),
        planted("fleet", (6, "ml.m5.xlarge"), "{ requests = 600, noise = 10, latency-ms = 60, cpu-ms = 40, memory = 40, most = 1500 }")
            .model(VPC)
            .fits(OVERSIZED, "real-time-other-instances"),
        planted("vision", (1, "ml.g4dn.2xlarge"), "{ requests = 300, noise = 10, latency-ms = 90, cpu-ms = 40, gpu-ms = 80, memory = 30, most = 700 }")
            .fits(OVERSIZED, "real-time-other-instances"),
        // Auto scaling is the best there is, and endpoint-autoscaler tells of it.
        planted("office", (5, "ml.c5.xlarge"), real("office-hours", "latency-ms = 100, cpu-ms = 250, memory = 85, most = 600")),
        // It does what it can.
        planted("busy", (1, "ml.m5.xlarge"), "{ requests = 500, noise = 5, latency-ms = 100, cpu-ms = 360, memory = 75, most = 700 }"),
        planted("risk-a", (1, "ml.m5.large"), small(20)).tagged("Team = \"risk\"").model(SHARED).fits("endpoints-fit-multi-model", ""),
        planted("risk-b", (1, "ml.m5.large"), small(30)).tagged("Team = \"risk\"").model(SHARED),
        planted("risk-c", (1, "ml.m5.large"), small(10)).tagged("Team = \"risk\"").model(SHARED),
        planted("risk-d", (1, "ml.m5.large"), small(25)).tagged("Team = \"risk\"").model(SHARED),
        // Each differs from the others in one thing.
        planted("loans-of-risk", (1, "ml.m5.large"), small(20)).tagged("Team = \"loans\"").model(SHARED),
        planted("loans-elsewhere", (1, "ml.m5.large"), small(20)).tagged("Team = \"loans\"").model(ELSEWHERE),
        planted("loans-of-production", (1, "ml.m5.large"), small(20)).tagged("Team = \"loans\", Environment = \"prod\"").model(SHARED),
        planted("loans-of-another-image", (1, "ml.m5.large"), small(20)).tagged("Team = \"loans\"").model(NEWER),
    ]
}

/// In a VPC, so that serverless cannot be used.
const SHARED: &str = r#"image = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1"
definition = { VpcConfig = { Subnets = ["subnet-1", "subnet-2"], SecurityGroupIds = ["sg-1"] } }"#;
const ELSEWHERE: &str = r#"image = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1"
definition = { VpcConfig = { Subnets = ["subnet-9"], SecurityGroupIds = ["sg-1"] } }"#;
const NEWER: &str = r#"image = "492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:3.0-5"
definition = { VpcConfig = { Subnets = ["subnet-1", "subnet-2"], SecurityGroupIds = ["sg-1"] } }"#;

/// Six endpoints that could share one, two of them busy at a time: in the night, in the morning and in the afternoon.
pub(crate) fn in_shifts() -> Vec<Planted> {
    let busy = |hours: &str| {
        format!(
            "{{ requests = 1500, hours = \"mon-sun/{hours}@UTC\", outside = 10, noise = 10, latency-ms = 40, cpu-ms = 60, memory = 5, most = 4000 }}"
        )
    };
    let shifts =
        [("claims-a", "claims-b", "00:00-07:00"), ("claims-c", "claims-d", "08:00-15:00"), ("claims-e", "claims-f", "16:00-23:00")];
    let both = shifts.into_iter().flat_map(|(one, other, hours)| [(one, hours), (other, hours)]);
    both.map(|(name, hours)| planted(name, (1, "ml.m5.xlarge"), busy(hours)).tagged("Team = \"claims\"").model(SHARED)).collect()
}

fn small(requests: u32) -> String {
    format!("{{ requests = {requests}, noise = 20, latency-ms = 30, cpu-ms = 60, memory = 10, most = 1500 }}")
}

/// The estate as TOML. `moved`: how an endpoint's configuration is another one, in place of its instances; `component`: its model is an inference component.
pub(crate) fn toml(all: &[Planted], moved: impl Fn(&Planted) -> Option<String>) -> String {
    let mut text = "[hosting]\nimages = { \"ml:1\" = 1.9 }\n".to_owned();
    for one in all {
        let Planted { name, instances: (count, instance_type), traffic, tags, model, config, .. } = one;
        let on = format!("instance-type = \"{instance_type}\"\ninstance-count = {count}");
        let moved = moved(one);
        let _ = write!(text, "[[model]]\nname = \"{name}\"\ndata = \"s3://ml/{name}/model.tar.gz\"\n{model}\n");
        let of_endpoint = match moved.as_deref() {
            Some("component") => {
                let _ = write!(
                    text,
                    "[[endpoint-config]]\nname = \"{name}-1\"\nvariants = [{{ name = \"AllTraffic\", instance-type = \"{instance_type}\", definition = {{ \
                     ManagedInstanceScaling = {{ Status = \"ENABLED\", MinInstanceCount = 0, MaxInstanceCount = {count} }} }} }}]\n\
                     [[inference-component]]\nname = \"{name}\"\nendpoint = \"{name}\"\nmodel = \"{name}\"\ncreated = \"-60d\"\ntraffic = [{traffic}]\n"
                );
                String::new()
            }
            moved => {
                let config_of = match moved {
                    Some("asynchronous = true") => format!("{on}\nasynchronous = true"),
                    Some(moved) => moved.to_owned(),
                    None => format!("{on}\n{config}"),
                };
                let _ = write!(text, "[[endpoint-config]]\nname = \"{name}-1\"\nmodel = \"{name}\"\n{config_of}\n");
                format!("traffic = [{traffic}]\n")
            }
        };
        let _ = write!(
            text,
            "[[endpoint]]\nname = \"{name}\"\nconfig = \"{name}-1\"\ncreated = \"-60d\"\ncreating-takes = \"5m\"\ntags = {{ Owner = \"{name}@example.com\", {tags} }}\n{of_endpoint}"
        );
    }
    text
}

/// Transform jobs at the hour at which the two weeks began, which answer what came in the day before. `to`: the option of batch transform.
pub(crate) fn jobs_toml(one: &Planted, to: &Value) -> String {
    let Planted { name, instances: (_, instance_type), traffic, model, .. } = one;
    let (count, at_once) = (&to["instances"], &to["requests-at-once"]);
    format!(
        "[[model]]\nname = \"{name}\"\n{model}\n[[transform-job]]\nname = \"{name}\"\nmodel = \"{name}\"\ninstance-type = \"{instance_type}\"\n\
         instance-count = {count}\ntraffic = [{traffic}]\nstart-up = \"5m\"\ndefinition = {{ MaxConcurrentTransforms = {at_once} }}\n\
         submit = [\"mon-sun 08:00\"]\n"
    )
}

/// A multi-model endpoint with the name `shared`, on the instances of this advice, that gets the requests of all of its members.
pub(crate) fn shared_toml(members: &[&Planted], to: &Value) -> String {
    let (instance_type, count) = (&to["instance-type"], &to["instances"]);
    let has = has(instance_type.as_str().unwrap());
    let traffic: Vec<String> = members.iter().map(|one| on_shared(one, has)).collect();
    format!(
        "[[model]]\nname = \"shared\"\nmode = \"MultiModel\"\ndata = \"s3://ml/shared/\"\n{SHARED}\n\
         [[endpoint-config]]\nname = \"shared\"\nmodel = \"shared\"\ninstance-type = {instance_type}\ninstance-count = {count}\n\
         [[endpoint]]\nname = \"shared\"\ncreated = \"-60d\"\ntraffic = [{}]\n",
        traffic.join(", ")
    )
}

/// The requests to a member, on instances that have this: they name its model, take as much memory as today, and so much more of it is carried as there are more vCPUs.
fn on_shared(one: &Planted, to: &InstanceType) -> String {
    let today = has(one.instances.1);
    let mut traffic: Table = toml::from_str(&format!("one = {}", one.traffic)).unwrap();
    let mut traffic = traffic.remove("one").unwrap();
    let number = |name: &str| traffic[name].as_integer().and_then(|number| i32::try_from(number).ok()).map(f64::from).unwrap();
    let memory = number("memory") * today.memory_gib / to.memory_gib;
    let most = number("most") * f64::from(to.vcpu) / f64::from(today.vcpu);
    let fields = traffic.as_table_mut().unwrap();
    fields.extend([("memory".to_owned(), memory.into()), ("most".to_owned(), most.into())]);
    fields.insert("target-model".to_owned(), format!("{}.tar.gz", one.name).into());
    traffic.to_string()
}

/// What an instance type has.
pub(crate) fn has(instance_type: &str) -> &'static InstanceType {
    InstanceTypes::shipped().get(instance_type).unwrap()
}

/// The real series as files that a simulated account reads.
pub(crate) fn series() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["rare-daytime", "web-diurnal-nasa", "bursty-elb", "night-batch", "steady", "office-hours"] {
        let read = |ending: &str| fs::read_to_string(project_file(&format!("shared/rules/data/traffic/{name}.{ending}"))).ok();
        let text = read("txt").or_else(|| read("csv")).unwrap();
        let mut csv = "minute,requests\n".to_owned();
        let counts = text.lines().filter_map(|line| line.rsplit(',').next()?.parse::<u64>().ok());
        counts.enumerate().for_each(|(minute, count)| {
            let _ = writeln!(csv, "{minute},{count}");
        });
        fs::write(folder.path().join(format!("{name}.csv")), csv).unwrap();
    }
    folder
}
