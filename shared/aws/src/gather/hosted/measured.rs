//! Reads how much of their instances endpoints use, and how long their requests take, by the hour (aws-facts §4, inference-facts §E7).

use cost_rules::{
    facts::{Compute, Endpoint, Hosted, Invocations, Measured, RunState},
    inference::InstanceTypes,
};
use jiff::Timestamp;

use crate::{
    clients::Clients,
    gather::{
        endpoints::usage::{self, NAMESPACE, Reading, place_of},
        metrics::{self, Datapoints, Series, Window},
        read::unread_of,
    },
};

/// The namespace of what instances use.
const OF_INSTANCES: &str = "/aws/sagemaker/Endpoints";

/// What is read of each variant: namespace, metric, statistic.
const MEASURES: [(&str, &str, &str); 6] = [
    (NAMESPACE, "ModelLatency", "Average"),
    (NAMESPACE, "ModelLatency", "Maximum"),
    (NAMESPACE, "OverheadLatency", "Maximum"),
    (NAMESPACE, "Invocation5XXErrors", "Sum"),
    (OF_INSTANCES, "CPUUtilization", "Maximum"),
    (OF_INSTANCES, "MemoryUtilization", "Maximum"),
];
/// What is read in addition where there are GPUs.
const OF_GPUS: [(&str, &str, &str); 2] = [(OF_INSTANCES, "GPUUtilization", "Maximum"), (OF_INSTANCES, "GPUMemoryUtilization", "Maximum")];

/// Latencies are in microseconds.
const MICROS: f64 = 1e6;

/// Sets how each endpoint with one variant that somebody calls was used. If one of its metrics could not be read, nothing is set.
pub(super) async fn read(clients: &Clients, all: &mut [Hosted], now: Timestamp) -> Reading {
    let Some(window) = usage::hours(now) else { return Reading::default() };
    let asked: Vec<(usize, Hardware)> = (0..).zip(&*all).filter_map(|(place, one)| Some((place, Hardware::of(&one.endpoint)?))).collect();
    let (mut places, mut series) = (vec![], vec![]);
    for (place, hardware) in &asked {
        let of_one = hardware.series(&all[*place].endpoint);
        places.extend(std::iter::repeat_n((*place, *hardware), of_one.len()));
        series.extend(of_one);
    }
    let mut failed: Vec<(String, String)> = vec![];
    let mut points: Vec<Datapoints> = vec![];
    metrics::read(clients, &series, window, |index, read| {
        let (place, hardware) = places[index];
        match read {
            Ok(read) => points.push(read),
            Err(why) => failed.push((all[place].endpoint.resource.id.clone(), why)),
        }
        let is_last = places.get(index + 1).is_none_or(|(next, _)| *next != place);
        if is_last {
            let hosted = &mut all[place];
            if points.len() == hardware.measures() {
                let since = hosted.changed_after(window.from).unwrap_or(window.from);
                hosted.measured =
                    hosted.endpoint.variants[0].invocations.as_ref().map(|requests| hardware.measured(&points, requests, window, since));
            }
            points.clear();
        }
    })
    .await;
    failed.dedup_by(|one, other| one.0 == other.0);
    Reading { metrics: series.len(), unread: unread_of("use of instances", &failed) }
}

/// How many vCPUs and GPUs a variant's instances have.
#[derive(Clone, Copy)]
struct Hardware {
    vcpus: f64,
    gpus: f64,
}

impl Hardware {
    /// `None`: nothing is read of this endpoint.
    fn of(endpoint: &Endpoint) -> Option<Self> {
        let [variant] = &endpoint.variants[..] else { return None };
        let Compute::Instances { instance_type: Some(name), .. } = &variant.compute else { return None };
        let is_used = variant.invocations.as_ref().is_some_and(|invocations| invocations.last_used().is_some());
        let has = InstanceTypes::shipped().get(name).filter(|_| is_used && endpoint.state == RunState::InService)?;
        Some(Self { vcpus: f64::from(has.vcpu), gpus: f64::from(has.gpus) })
    }

    fn measures(self) -> usize {
        MEASURES.len() + if 0.0 < self.gpus { OF_GPUS.len() } else { 0 }
    }

    fn series(self, endpoint: &Endpoint) -> Vec<Series> {
        let dimensions = vec![("EndpointName", endpoint.resource.name.clone()), ("VariantName", endpoint.variants[0].name.clone())];
        let all = MEASURES.into_iter().chain(OF_GPUS).take(self.measures());
        all.map(|(namespace, metric, statistic)| Series { namespace, metric, dimensions: dimensions.clone(), statistic }).collect()
    }

    /// `points`: one list for each measure. `since`: before it, its instances may have been others.
    fn measured(self, points: &[Datapoints], requests: &Invocations, window: Window, since: Timestamp) -> Measured {
        let failed = points[3].iter().map(|(_, count)| *count).sum();
        let settled = |of: &Datapoints| of.iter().copied().filter(|(at, _)| since <= *at).collect();
        let points: Vec<Datapoints> = points.iter().map(settled).collect();
        let most = |of: &Datapoints| of.iter().map(|(_, value)| *value).reduce(f64::max);
        let slowest = most(&points[1]).map(|slowest| (slowest + most(&points[2]).unwrap_or_default()) / MICROS);
        let gpu = points.get(MEASURES.len()..).filter(|gpu| !gpu.is_empty());
        let whole = |of: &Datapoints, units: f64| shares(of, units, window).split_off(before(since, window));
        Measured {
            seconds: mean_latency(&points[0], requests, window),
            slowest,
            failed,
            cpu: whole(&points[4], self.vcpus),
            memory: most(&points[5]).map(|percent| share(percent, 1.0)),
            gpu: gpu.map_or_else(Vec::new, |gpu| whole(&gpu[0], self.gpus)),
            gpu_memory: gpu.and_then(|gpu| most(&gpu[1])).map(|percent| share(percent, self.gpus)),
        }
    }
}

/// The mean latency over all requests, in seconds. An hour without known requests counts as one.
fn mean_latency(points: &Datapoints, requests: &Invocations, window: Window) -> Option<f64> {
    let of_hour =
        |at: Timestamp| place_of(at, window).and_then(|hour| requests.hours.get(hour).copied().flatten()).map_or(1.0, f64::from).max(1.0);
    let (mut sum, mut count) = (0.0, 0.0);
    for (at, micros) in points {
        sum += micros / MICROS * of_hour(*at);
        count += of_hour(*at);
    }
    (0.0 < count).then(|| sum / count)
}

/// CloudWatch's percent are of one vCPU or GPU: four that are busy are 400 %.
fn share(percent: f64, of: f64) -> f64 {
    (percent / 100.0 / of).clamp(0.0, 1.0)
}

/// How many periods of a window begin before a moment.
fn before(moment: Timestamp, window: Window) -> usize {
    let (past, period) = (moment.duration_since(window.from).as_secs().max(0), window.period.as_secs().max(1));
    usize::try_from(past / period + i64::from(past % period != 0)).unwrap_or_default().min(window.periods())
}

fn shares(points: &Datapoints, of: f64, window: Window) -> Vec<f32> {
    let mut hours = vec![f32::NAN; window.periods()];
    for (at, percent) in points {
        #[expect(clippy::cast_possible_truncation, reason = "a share: a few digits are enough")]
        if let Some(hour) = place_of(*at, window).and_then(|hour| hours.get_mut(hour)) {
            *hour = share(*percent, of) as f32;
        }
    }
    hours
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::{operation::get_metric_data::GetMetricDataOutput, types::MetricDataResult};
    use aws_smithy_mocks::mock;
    use aws_smithy_types::DateTime;
    use cost_rules::{
        facts::Autoscaler,
        inference::{Advice, Features},
    };
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;
    use crate::testing;

    const NOW: &str = "2026-11-24T12:03:00Z";

    fn hosted(instance_type: &str) -> Hosted {
        let mut endpoint = testing::endpoint();
        let now: Timestamp = NOW.parse().unwrap();
        let window = usage::hours(now).unwrap();
        let mut hours = vec![None; window.periods()];
        (hours[0], hours[1]) = (Some(3.0), Some(1.0));
        let variant = &mut endpoint.variants[0];
        variant.compute = Compute::Instances { instance_type: Some(instance_type.into()), current: 1, desired: 1, fixed: None };
        variant.invocations = Some(Invocations::by_hour(window.from, hours));
        Hosted {
            endpoint,
            config: None,
            model: None,
            features: Features::default(),
            unread: None,
            measured: None,
            autoscaler: Autoscaler::Unread,
            advice: Advice::Pending,
        }
    }

    async fn read_with(instance_type: &str, refused: Option<&'static str>) -> (Hosted, Reading) {
        read_one(hosted(instance_type), refused).await
    }

    async fn read_one(one: Hosted, refused: Option<&'static str>) -> (Hosted, Reading) {
        let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(move |asked| {
            let from: Timestamp = usage::hours(NOW.parse().unwrap()).unwrap().from;
            let (first, second) = (DateTime::from_secs(from.as_second()), DateTime::from_secs(from.as_second() + 3600));
            let results = asked.metric_data_queries().iter().map(|query| {
                let stat = query.metric_stat().unwrap();
                let metric = stat.metric().unwrap().metric_name().unwrap();
                let values = match (metric, stat.stat().unwrap()) {
                    ("ModelLatency", "Average") => [100_000.0, 500_000.0],
                    ("ModelLatency", _) => [200_000.0, 900_000.0],
                    ("OverheadLatency", _) => [10_000.0, 100_000.0],
                    ("Invocation5XXErrors", _) => [0.0, 1.0],
                    ("CPUUtilization", _) => [100.0, 900.0],
                    ("MemoryUtilization", _) => [30.0, 40.0],
                    _ => [50.0, 80.0],
                };
                let result = MetricDataResult::builder().id(query.id().unwrap());
                if Some(metric) == refused {
                    return result.status_code(aws_sdk_cloudwatch::types::StatusCode::Forbidden).build();
                }
                result.timestamps(first).values(values[0]).timestamps(second).values(values[1]).build()
            });
            GetMetricDataOutput::builder().set_metric_data_results(Some(results.collect())).build()
        });
        let clients = Clients { cloudwatch: testing::cloudwatch(&[&data]).into(), ..testing::clients() };
        let mut all = vec![one];
        let reading = read(&clients, &mut all, NOW.parse().unwrap()).await;
        (all.remove(0), reading)
    }

    #[tokio::test]
    async fn percents_are_of_one_vcpu_and_latencies_count_by_their_requests() {
        let (hosted, reading) = read_with("ml.m5.xlarge", None).await;
        let measured = hosted.measured.unwrap();
        assert_eq!(
            (measured.seconds, measured.slowest, measured.failed),
            (Some(0.2), Some(1.0), 1.0),
            "three requests of 0.1 s, one of 0.5 s"
        );
        assert_eq!((measured.cpu[0], measured.cpu[1], measured.memory), (0.25, 1.0, Some(0.4)), "four vCPUs");
        assert!(measured.cpu[2].is_nan() && measured.gpu.is_empty() && measured.gpu_memory.is_none());
        assert_eq!(reading.metrics, 6);
        let (hosted, reading) = read_with("ml.g4dn.12xlarge", None).await;
        let measured = hosted.measured.unwrap();
        assert_eq!((measured.gpu[1], measured.gpu_memory, reading.metrics), (0.2, Some(0.2), 8), "four GPUs");
    }

    #[tokio::test]
    async fn what_other_instances_did_is_left_out() {
        let mut one = hosted("ml.m5.xlarge");
        let from = usage::hours(NOW.parse().unwrap()).unwrap().from;
        one.endpoint.created = Some(from - SignedDuration::from_hours(24));
        let hours = one.endpoint.variants[0].invocations.as_ref().unwrap().hours.len();
        // Within the first hour, in which it had both.
        one.config = Some(json!({"CreationTime": (from + SignedDuration::from_mins(5)).as_second()}));
        let (hosted, _) = read_one(one, None).await;
        let measured = hosted.measured.unwrap();
        assert_eq!(
            (measured.seconds, measured.slowest, measured.failed),
            (Some(0.5), Some(1.0), 1.0),
            "only the second hour, but for failed requests"
        );
        assert_eq!((measured.cpu.len(), measured.cpu[0], measured.memory), (hours - 1, 1.0, Some(0.4)));
    }

    #[tokio::test]
    async fn without_one_of_the_metrics_nothing_is_known() {
        let (hosted, reading) = read_with("ml.m5.xlarge", Some("MemoryUtilization")).await;
        assert_eq!(hosted.measured, None);
        assert_eq!(reading.unread.unwrap().what, "use of instances of endpoint/churn");
    }
}
