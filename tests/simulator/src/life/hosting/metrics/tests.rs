//! The metrics that follow from traffic and capacity, and what became of the requests.

use rust_decimal::dec;
use serde_json::{Value, json};

use crate::{Estate, services, wire::seconds, world::World};

const ESTATE: &str = r#"
    region = "eu-central-1"
    start = "2026-11-23T08:00:00Z"
    [[model]]
    name = "m"
    [[endpoint-config]]
    name = "c"
    model = "m"
    instance-count = 2
    [[endpoint-config]]
    name = "gpu"
    model = "m"
    instance-type = "ml.g5.xlarge"
    asynchronous = true
    [[endpoint-config]]
    name = "two"
    variants = [{ name = "blue", model = "m", weight = 3 }, { name = "green", model = "m" }]
    [[endpoint-config]]
    name = "serverless"
    model = "m"
    serverless = { memory-mb = 2048, max-concurrency = 10, provisioned-concurrency = 2 }
    [[endpoint-config]]
    name = "components"
    definition = { ProductionVariants = [{ VariantName = "v", InstanceType = "ml.g5.xlarge", InitialInstanceCount = 1 }] }
"#;

fn world(more: &str) -> World {
    World::new(Estate::from_toml(&format!("{ESTATE}{more}")).unwrap())
}

fn at(time: &str) -> jiff::Timestamp {
    format!("2026-11-{time}Z").parse().unwrap()
}

/// The values of a metric, oldest first.
fn ask(world: &mut World, what: (&str, &str, &str), dimensions: &Value, (from, until, period): (&str, &str, i64)) -> Vec<f64> {
    let (namespace, name, stat) = what;
    let list: Vec<Value> = dimensions.as_object().unwrap().iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
    let metric = json!({"Namespace": namespace, "MetricName": name, "Dimensions": list});
    let query = json!({"Id": "a", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}});
    let input = json!({
        "MetricDataQueries": [query], "StartTime": seconds(at(from)), "EndTime": seconds(at(until)), "ScanBy": "TimestampAscending",
    });
    let answer = services::call(world, "cloudwatch", "GetMetricData", &input).map_err(|refusal| refusal.message).unwrap();
    serde_json::from_value(answer["MetricDataResults"][0]["Values"].clone()).unwrap()
}

const SAGEMAKER: &str = "AWS/SageMaker";
const HOST: &str = "/aws/sagemaker/Endpoints";

#[test]
fn a_real_time_endpoint_has_metrics_of_its_requests_for_two_weeks_back() {
    let traffic =
        r#"traffic = [{ requests = 600, hours = "mon-fri/09:00-17:00@Europe/Berlin", latency-ms = 50, cpu-ms = 30, most = 400 }]"#;
    let mut world = world(&format!("[[endpoint]]\nname = \"E\"\nconfig = \"c\"\n{traffic}"));
    let of = json!({"EndpointName": "E", "VariantName": "AllTraffic"});
    let minutes = ("20T07:58:00", "20T08:02:00", 60);
    assert_eq!(
        ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, minutes),
        [600.0, 600.0],
        "from nine in Berlin on; before that nothing"
    );
    assert_eq!(ask(&mut world, (SAGEMAKER, "InvocationsPerInstance", "Sum"), &of, minutes), [300.0, 300.0]);
    assert_eq!(ask(&mut world, (SAGEMAKER, "ModelLatency", "Average"), &of, minutes), [50_000.0, 50_000.0]);
    assert_eq!(ask(&mut world, (SAGEMAKER, "Invocation5XXErrors", "Sum"), &of, minutes), [0.0, 0.0]);
    let cpu = ask(&mut world, (HOST, "CPUUtilization", "Average"), &of, minutes);
    assert_eq!(cpu, [2.0, 2.0, 17.0, 17.0], "instances publish without requests, too");
    assert_eq!(ask(&mut world, (HOST, "GPUUtilization", "Average"), &of, minutes), [0.0; 0]);
    let fortnight = ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, ("09T08:00:00", "23T08:00:00", 3600));
    assert_eq!((fortnight.len(), fortnight[0]), (80, 36_000.0), "ten working days of eight hours");
    let present = ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, ("23T07:55:00", "23T08:05:00", 60));
    assert_eq!(present.len(), 0);
    world.live_until(at("23T08:03:30"));
    let present = ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, ("23T07:55:00", "23T08:05:00", 60));
    assert_eq!(present.len(), 3, "of the minutes that are over");
    let nobody = json!({"EndpointName": "x", "VariantName": "AllTraffic"});
    assert_eq!(ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &nobody, minutes), [0.0; 0]);
}

#[test]
fn zeros_noise_weights_and_bursts() {
    let zeros = "[hosting]\nzero-datapoints = true\n[[endpoint]]\nname = \"e\"\nconfig = \"two\"\ntraffic = [{ requests = 100, noise = 20, until = \"-1h\" }, { variant = \"green\", bursts = [{ every = \"1h\", lasts = \"2m\", requests = 7 }] }]";
    let mut one = world(zeros);
    let of = |variant: &str| json!({"EndpointName": "e", "VariantName": variant});
    let hour = ("22T10:00:00", "22T11:00:00", 60);
    let blue = ask(&mut one, (SAGEMAKER, "Invocations", "Sum"), &of("blue"), hour);
    assert_eq!(blue, ask(&mut world(zeros), (SAGEMAKER, "Invocations", "Sum"), &of("blue"), hour), "always the same");
    assert!(blue.iter().all(|value| (60.0..=90.0).contains(value) && value.fract() == 0.0) && blue.windows(2).any(|two| two[0] < two[1]));
    let green = ask(&mut one, (SAGEMAKER, "Invocations", "Sum"), &of("green"), hour);
    assert!(27.0 <= green[0] && green[1] <= 37.0 && green[2] <= 30.0, "{green:?}");
    let over = ask(&mut one, (SAGEMAKER, "Invocations", "Sum"), &of("blue"), ("23T07:10:00", "23T07:13:00", 60));
    assert_eq!(over, [0.0; 3], "a data point of 0, as the estate says");
}

#[test]
fn each_model_of_a_shared_endpoint_takes_its_memory() {
    let model =
        |name: &str, requests: u32| format!("{{ target-model = \"{name}.tar.gz\", requests = {requests}, memory = 20, cpu-ms = 60 }}");
    let models = [model("a", 100), model("a", 50), model("b", 30)].join(", ");
    let mut world = world(&format!("[[endpoint]]\nname = \"e\"\nconfig = \"c\"\ntraffic = [{models}]"));
    let of = json!({"EndpointName": "e", "VariantName": "AllTraffic"});
    let mut now = |name: &str| ask(&mut world, (HOST, name, "Average"), &of, ("22T10:00:00", "22T10:01:00", 60));
    assert_eq!((now("MemoryUtilization"), now("CPUUtilization")), (vec![40.0], vec![2.0 + 9.0]), "180 requests on two instances");
}

#[test]
fn a_file_is_repeated_and_a_gone_endpoint_loses_its_requests() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"minute,requests\n0,10\n1,20\n3,1000\n").unwrap();
    let traffic = format!("traffic = [{{ csv = \"{}\", most = 300 }}]", file.path().display());
    let mut world = world(&format!("[[endpoint]]\nname = \"e\"\nconfig = \"c\"\n{traffic}"));
    let of = json!({"EndpointName": "e", "VariantName": "AllTraffic"});
    let values = ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, ("20T08:00:00", "20T08:08:00", 60));
    assert_eq!(values, [10.0, 20.0, 1000.0, 10.0, 20.0, 1000.0]);
    let errors = ask(&mut world, (SAGEMAKER, "Invocation5XXErrors", "Sum"), &of, ("20T08:00:00", "20T08:04:00", 60));
    assert_eq!(errors, [0.0, 0.0, 400.0]);
    world.live_until(at("23T09:00:00"));
    let before = world.served(at("23T08:00:00"), at("23T09:00:00")).remove(0);
    assert_eq!((before.requests, before.short, before.short_minutes, before.lost), (15_450.0, 6_000.0, 15, 0.0));
    services::call(&mut world, "sagemaker", "DeleteEndpoint", &json!({"EndpointName": "e"})).unwrap();
    world.live_until(at("23T10:00:00"));
    let after = world.served(at("23T09:00:00"), at("23T10:00:00")).remove(0);
    assert_eq!((after.requests, after.served, after.lost, after.lost_minutes), (15_450.0, 0.0, 15_450.0, 45));
    let past = ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, ("23T08:00:00", "23T10:00:00", 3600));
    assert_eq!(past, [15_450.0], "CloudWatch keeps what was");
    let error = format!(
        "{:#}",
        Estate::from_toml(&format!("{ESTATE}[[endpoint]]\nname = \"e\"\nconfig = \"c\"\ntraffic = [{{ csv = \"none\" }}]")).unwrap_err()
    );
    assert!(error.contains("[[endpoint]] e: traffic") || error.contains("traffic none cannot be read"), "{error}");
}

#[test]
fn an_asynchronous_endpoint_has_a_backlog_and_no_invocations() {
    let traffic = r#"traffic = [{ bursts = [{ every = "1d", lasts = "10m", requests = 30 }], latency-ms = 4000 }]"#;
    let mut world = world(&format!("[[endpoint]]\nname = \"a\"\nconfig = \"gpu\"\n{traffic}"));
    let (of, whole) = (json!({"EndpointName": "a", "VariantName": "AllTraffic"}), json!({"EndpointName": "a"}));
    let night = ("22T00:00:00", "22T00:30:00", 60);
    assert_eq!(ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, night), [0.0; 0]);
    let backlog = ask(&mut world, (SAGEMAKER, "ApproximateBacklogSize", "Average"), &whole, night);
    assert_eq!((backlog[0], backlog[9], backlog[19], backlog[29]), (15.0, 150.0, 0.0, 0.0), "15 a minute are processed");
    let processed = ask(&mut world, (SAGEMAKER, "InvocationsProcesssed", "Sum"), &of, night);
    assert_eq!(processed, [15.0; 20], "without the minutes that had none");
    let gpu = ask(&mut world, (HOST, "GPUUtilization", "Maximum"), &of, night);
    assert!(0.0 < gpu[0] && gpu[29] == 0.0);
    let wanted = json!([{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}]);
    let input = json!({"EndpointName": "a", "DesiredWeightsAndCapacities": wanted});
    services::call(&mut world, "sagemaker", "UpdateEndpointWeightsAndCapacities", &input).unwrap();
    world.live_until(at("24T00:30:00"));
    let night = ("24T00:00:00", "24T00:02:00", 60);
    assert_eq!(ask(&mut world, (SAGEMAKER, "HasBacklogWithoutCapacity", "Average"), &whole, night), [1.0, 1.0]);
    assert_eq!(
        ask(&mut world, (SAGEMAKER, "ApproximateBacklogSizePerInstance", "Average"), &whole, night),
        [0.0; 0],
        "nothing is divided by nothing"
    );
    let served = world.served(at("24T00:00:00"), at("24T00:10:00")).remove(0);
    assert_eq!((served.served, served.lost_minutes), (300.0, 0), "they wait");
}

#[test]
fn serverless_capacity_is_used_and_billed_by_the_second() {
    let mut world = world("[[endpoint]]\nname = \"s\"\nconfig = \"serverless\"\ntraffic = [{ requests = 60, latency-ms = 1000 }]");
    let of = json!({"EndpointName": "s", "VariantName": "AllTraffic"});
    let minute = ("22T10:00:00", "22T10:01:00", 60);
    assert_eq!(ask(&mut world, (SAGEMAKER, "ServerlessProvisionedConcurrencyUtilization", "Average"), &of, minute), [0.5]);
    assert_eq!(ask(&mut world, (SAGEMAKER, "ServerlessConcurrentExecutionsUtilization", "Average"), &of, minute), [0.1]);
    world.live_until(at("23T09:00:00"));
    let mut used = world.hosting.used("endpoint/s", "AllTraffic", (at("23T08:00:00"), at("23T09:00:00")));
    used.sort();
    let row = |usage: &str, seconds, usd| (usage.to_owned(), seconds, usd);
    let warm = row("ProvisionedConcurrency:Usage-2GB", dec!(7200), dec!(0.072));
    assert_eq!(used, [row("ProvisionedConcurrency:Mem-2GB", dec!(3600), dec!(0.08388)), warm]);
    let spend = world.spend();
    let all = |usage: &str| {
        spend
            .iter()
            .filter(|row| row.usage_type == format!("EUC1-ServerlessInf:{usage}"))
            .map(|row| row.quantity)
            .sum::<rust_decimal::Decimal>()
    };
    assert!(dec!(7200) <= all("ProvisionedConcurrency:Usage-2GB"));
    let line = world.bill(world.started).into_iter().find(|line| line.name == "s").unwrap();
    assert_eq!((line.usd, line.ran.as_secs()), (Some(dec!(0.15588)), 3600));
}

#[test]
fn components_without_copies_fail_their_requests() {
    let mut world = world(
        "[[endpoint]]\nname = \"e\"\nconfig = \"components\"\n[[inference-component]]\nname = \"ic\"\nendpoint = \"e\"\nmodel = \"m\"\ncopies = 2\ntraffic = [{ requests = 40 }]",
    );
    let of = json!({"InferenceComponentName": "ic"});
    let minute = ("22T10:00:00", "22T10:01:00", 60);
    assert_eq!(ask(&mut world, (SAGEMAKER, "InvocationsPerCopy", "Sum"), &of, minute), [20.0]);
    let input = json!({"InferenceComponentName": "ic", "DesiredRuntimeConfig": {"CopyCount": 0}});
    services::call(&mut world, "sagemaker", "UpdateInferenceComponentRuntimeConfig", &input).unwrap();
    world.live_until(at("23T09:00:00"));
    let minute = ("23T08:30:00", "23T08:31:00", 60);
    assert_eq!(ask(&mut world, (SAGEMAKER, "NoCapacityInvocationFailures", "Sum"), &of, minute), [40.0]);
    assert_eq!(ask(&mut world, (SAGEMAKER, "Invocations", "Sum"), &of, minute), [0.0; 0]);
    let host = json!({"EndpointName": "e", "VariantName": "v"});
    assert_eq!(ask(&mut world, (HOST, "MemoryUtilization", "Average"), &host, minute).len(), 1);
}
