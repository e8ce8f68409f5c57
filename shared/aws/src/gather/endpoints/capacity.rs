//! Reads what one instance of a variant carries: its requests by the instance, their latency and its errors (aws-facts §3.5). `CloudWatch` is asked by five
//! minutes: the mean of five minutes is at most what the instance carried in one of them, and a fifth of the datapoints.

use std::collections::BTreeSet;

use cost_rules::{
    facts::Endpoint,
    scaling::{Datapoint, capacity},
};
use jiff::{SignedDuration, Timestamp};

use super::usage::{NAMESPACE, Reading, WINDOW, place_of, until};
use crate::{
    clients::Clients,
    gather::{
        metrics::{self, Series, Window},
        read::unread_of,
    },
};

const PERIOD: SignedDuration = SignedDuration::from_mins(5);
const PERIOD_MINUTES: f64 = 5.0;

/// The metrics of each variant, each with its statistic. `ModelLatency` is in microseconds.
const MEASURES: [(&str, &str); 3] = [("InvocationsPerInstance", "Sum"), ("ModelLatency", "p99"), ("Invocation5XXErrors", "Sum")];

/// Sets what one instance carries, for the variants of these endpoints (by id) whose requests by the minute were read.
pub(super) async fn read(clients: &Clients, endpoints: &mut [Endpoint], ids: &BTreeSet<String>, now: Timestamp) -> Reading {
    let Some(until) = until(now) else { return Reading::default() };
    let window = Window { from: until - WINDOW, until, period: PERIOD };
    let chosen = (0..).zip(&*endpoints).filter(|(_, one)| ids.contains(&one.resource.id));
    let variants: Vec<(usize, usize)> =
        chosen.flat_map(|(endpoint, one)| (0..one.variants.len()).map(move |variant| (endpoint, variant))).collect();
    let series: Vec<Series> = variants.iter().flat_map(|(endpoint, variant)| series(&endpoints[*endpoint], *variant)).collect();
    let mut failed: Vec<(String, String)> = vec![];
    let mut datapoints = vec![];
    metrics::read(clients, &series, window, |index, read| {
        let (endpoint, variant) = variants[index / MEASURES.len()];
        let endpoint = &mut endpoints[endpoint];
        let measure = index % MEASURES.len();
        if measure == 0 {
            datapoints = vec![Datapoint::default(); window.periods()];
        }
        match read {
            Ok(points) => points.into_iter().for_each(|(at, value)| {
                if let Some(datapoint) = place_of(at, window).and_then(|place| datapoints.get_mut(place)) {
                    set(datapoint, measure, value);
                }
            }),
            Err(why) => {
                // Without one of the measures nothing is known.
                datapoints.clear();
                failed.push((endpoint.resource.id.clone(), why));
            }
        }
        if measure + 1 == MEASURES.len()
            && let Some(invocations) = &mut endpoint.variants[variant].invocations
        {
            invocations.carries = capacity(&datapoints, false);
        }
    })
    .await;
    failed.dedup();
    Reading { metrics: series.len(), unread: unread_of("load", &failed) }
}

fn set(datapoint: &mut Datapoint, measure: usize, value: f64) {
    match measure {
        0 => datapoint.per_instance = value / PERIOD_MINUTES,
        1 => datapoint.latency = Some(value / 1e6),
        _ => datapoint.has_errors = 0.0 < value,
    }
}

fn series(endpoint: &Endpoint, variant: usize) -> impl Iterator<Item = Series> {
    let dimensions = vec![("EndpointName", endpoint.resource.name.clone()), ("VariantName", endpoint.variants[variant].name.clone())];
    MEASURES.into_iter().map(move |(metric, statistic)| Series { namespace: NAMESPACE, metric, dimensions: dimensions.clone(), statistic })
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::{
        operation::get_metric_data::GetMetricDataOutput,
        types::{MetricDataResult, StatusCode},
    };
    use aws_smithy_mocks::mock;
    use aws_smithy_types::DateTime;
    use cost_rules::{
        facts::{Invocations, Variant},
        scaling::{Bound, Capacity},
    };

    use super::*;
    use crate::testing;

    const NOW: &str = "2026-11-24T12:03:00Z";

    fn endpoint() -> Endpoint {
        let mut endpoint = testing::endpoint();
        endpoint.variants[0].invocations = Some(Invocations::by_hour(NOW.parse().unwrap(), vec![]));
        endpoint.variants.push(Variant { name: "Green".into(), ..endpoint.variants[0].clone() });
        endpoint
    }

    /// CloudWatch refuses the latency of `Green`.
    #[tokio::test]
    async fn what_an_instance_carries_comes_from_five_minutes_and_is_not_known_without_one_of_the_measures() {
        let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(|asked| {
            let results = asked.metric_data_queries().iter().map(|query| {
                let metric = query.metric_stat().and_then(|stat| stat.metric()).unwrap();
                assert_eq!(query.metric_stat().unwrap().period(), Some(300));
                let is_green = metric.dimensions().iter().any(|dimension| dimension.value() == Some("Green"));
                let result = MetricDataResult::builder().id(query.id().unwrap());
                if is_green && metric.metric_name() == Some("ModelLatency") {
                    return result.status_code(StatusCode::Forbidden).build();
                }
                // In the first five minutes 1,000 requests in 0.08 s; in the next ones 2,000 in 0.3 s; then 1,500, some of which fail.
                let values = match metric.metric_name().unwrap() {
                    "InvocationsPerInstance" => vec![1000.0, 2000.0, 1500.0],
                    "ModelLatency" => vec![80_000.0, 300_000.0, 80_000.0],
                    _ => vec![0.0, 0.0, 3.0],
                };
                let from = asked.start_time().unwrap().secs();
                let times = (0..3).map(|step| DateTime::from_secs(from + 300 * step)).collect();
                result.set_timestamps(Some(times)).set_values(Some(values)).build()
            });
            GetMetricDataOutput::builder().set_metric_data_results(Some(results.collect())).build()
        });
        let clients = Clients { cloudwatch: testing::cloudwatch(&[&data]).into(), ..testing::clients() };
        let mut endpoints = [endpoint()];
        let ids = BTreeSet::from([endpoints[0].resource.id.clone()]);
        let Reading { metrics, unread } = read(&clients, &mut endpoints, &ids, NOW.parse().unwrap()).await;
        let carries = |variant: usize| endpoints[0].variants[variant].invocations.as_ref().unwrap().carries;
        assert_eq!((metrics, carries(0), carries(1)), (6, Some(Capacity { per_minute: 200.0, bound: Bound::Carried }), None));
        assert!(unread.is_some_and(|unread| unread.what.contains("load") && unread.why.contains("Forbidden")));
        assert_eq!(read(&clients, &mut endpoints, &BTreeSet::new(), NOW.parse().unwrap()).await.metrics, 0);
    }
}
