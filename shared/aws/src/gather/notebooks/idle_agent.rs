//! Reads when notebooks were last used, from the idle agent's metric `IdleSeconds` in the namespace `CostGuard/Notebooks`.

use std::collections::HashMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, RecentlyActive, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use cost_rules::facts::{Notebook, RunState, Unread, Usage};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    clients::{Clients, why::why},
    gather::read::{IN_FLIGHT, Read, every_page, timestamp, unread_of},
};

const NAMESPACE: &str = "CostGuard/Notebooks";
const METRIC: &str = "IdleSeconds";
const DIMENSION: &str = "NotebookInstanceName";

/// The most queries that `CloudWatch` takes in one call.
const BATCH: usize = 500;

/// The agent publishes every five minutes.
const PERIOD: SignedDuration = SignedDuration::from_mins(5);

/// A datapoint older than this does not count.
const FRESH: SignedDuration = SignedDuration::from_mins(20);

/// How far back datapoints are read.
const WINDOW: SignedDuration = SignedDuration::from_mins(30);

/// Sets the usage of the running notebooks that have an agent; returns what could not be read. One call finds out which have one, so that a Region without
/// agents costs no more.
pub(crate) async fn read(clients: &Clients, notebooks: &mut [Notebook], now: Timestamp) -> Vec<Unread> {
    let running = notebooks.iter_mut().filter(|notebook| notebook.state == RunState::InService);
    let mut running: HashMap<&str, &mut Option<Usage>> =
        running.map(|notebook| (notebook.resource.name.as_str(), &mut notebook.usage)).collect();
    if running.is_empty() {
        return vec![];
    }
    let (publishing, listed) = publishing(clients, |name| running.contains_key(name)).await;
    let unlisted = listed.err().map(|why| Unread::new("idle time of notebooks (cloudwatch:ListMetrics)", why));
    let batches = stream::iter(publishing.chunks(BATCH)).map(async |names| (names, read_batch(clients, names, now).await));
    let mut failed: Vec<(String, String)> = vec![];
    for (names, read) in batches.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        match read {
            Ok(found) => {
                for (name, usage) in names.iter().zip(found) {
                    match usage {
                        Ok(usage) => running.get_mut(name.as_str()).into_iter().for_each(|place| **place = usage),
                        Err(why) => failed.push((name.clone(), why)),
                    }
                }
            }
            Err(why) => failed.extend(names.iter().map(|name| (name.clone(), why.clone()))),
        }
    }
    unlisted.into_iter().chain(unread_of("idle time", &failed)).collect()
}

/// The names of the wanted notebooks whose agents published in the last three hours.
async fn publishing(clients: &Clients, wanted: impl Fn(&str) -> bool) -> (Vec<String>, Read<()>) {
    let mut names = vec![];
    let listed = every_page(clients, async |token| {
        let call = clients.cloudwatch.list_metrics().namespace(NAMESPACE).metric_name(METRIC).recently_active(RecentlyActive::Pt3H);
        let page = call.set_next_token(token).send().await.map_err(|error| why(&error))?;
        let dimensions = page.metrics.unwrap_or_default().into_iter().flat_map(|metric| metric.dimensions.unwrap_or_default());
        let of_notebooks =
            dimensions.filter(|dimension| dimension.name.as_deref() == Some(DIMENSION)).filter_map(|dimension| dimension.value);
        names.extend(of_notebooks.filter(|name| wanted(name)));
        Ok(page.next_token)
    });
    let listed = listed.await;
    names.sort();
    names.dedup();
    (names, listed)
}

/// When each of at most 500 notebooks was last used, or why that could not be read. `Ok(None)`: there is no fresh datapoint.
async fn read_batch(clients: &Clients, names: &[String], now: Timestamp) -> Read<Vec<Read<Option<Usage>>>> {
    let queries: Vec<MetricDataQuery> = names.iter().enumerate().map(|(index, name)| query(index, name)).collect();
    let mut found: Vec<Read<Option<Usage>>> = vec![Ok(None); names.len()];
    let read = every_page(clients, async |token| {
        let call = clients.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.clone())).scan_by(ScanBy::TimestampDescending);
        let call = call.start_time(DateTime::from_secs((now - WINDOW).as_second())).end_time(DateTime::from_secs(now.as_second()));
        let page = call.set_next_token(token).send().await.map_err(|error| format!("cloudwatch:GetMetricData: {}", why(&error)))?;
        for result in page.metric_data_results.unwrap_or_default() {
            let place = result.id.as_deref().and_then(|id| found.get_mut(id.strip_prefix('q')?.parse::<usize>().ok()?));
            match (place, &result.status_code) {
                (Some(place), Some(status @ (StatusCode::InternalError | StatusCode::Forbidden))) => {
                    *place = Err(format!("cloudwatch:GetMetricData: status {}", status.as_str()));
                }
                (Some(Ok(known)), _) => *known = usage(&result, now).into_iter().chain(*known).max_by_key(|usage| usage.last),
                _ => {}
            }
        }
        Ok(page.next_token)
    });
    read.await.map(|()| found)
}

fn query(index: usize, name: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name(DIMENSION).value(name).build();
    let metric = Metric::builder().namespace(NAMESPACE).metric_name(METRIC).dimensions(dimension).build();
    // The shortest idle time of a period: when in doubt, the notebook is in use.
    let stat = MetricStat::builder().metric(metric).period(i32::try_from(PERIOD.as_secs()).unwrap_or(300)).stat("Minimum").build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

/// The latest time of use that the newest datapoint allows: its time is the start of its period, and it was measured at most one period later. `None`: there is
/// no fresh datapoint.
fn usage(result: &MetricDataResult, now: Timestamp) -> Option<Usage> {
    let points = result.timestamps().iter().zip(result.values()).filter_map(|(time, idle)| Some((timestamp(Some(time))?, *idle)));
    let (start, idle) = points.max_by_key(|(start, _)| *start)?;
    let taken = (start + PERIOD).min(now);
    if FRESH < now.duration_since(taken) || !idle.is_finite() || idle < 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of an idle time: the cast saturates, and a year is the most that is taken"
    )]
    let idle = SignedDuration::from_secs((idle as i64).min(366 * 24 * 3600));
    Some(Usage { last: taken - idle, known_until: taken })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_sdk_cloudwatch::operation::{
        get_metric_data::{GetMetricDataError, GetMetricDataInput, GetMetricDataOutput},
        list_metrics::{ListMetricsError, ListMetricsOutput},
    };
    use aws_smithy_mocks::{MockResponse, Rule, mock};
    use cost_rules::resource::{Ownership, Resource, Tags};

    use super::*;
    use crate::testing::{self, at, denied};

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn running(names: &[String]) -> Vec<Notebook> {
        let notebook = |name: &String| Notebook {
            resource: Resource {
                id: format!("notebook-instance/{name}"),
                arn: None,
                name: name.clone(),
                tags: Tags::NotIndexed,
                ownership: Ownership::default(),
            },
            instance_type: None,
            state: RunState::InService,
            since: None,
            volume_gb: None,
            usage: None,
        };
        names.iter().map(notebook).collect()
    }

    fn publish(names: &[String]) -> Rule {
        let names = Arc::new(names.to_vec());
        mock!(aws_sdk_cloudwatch::Client::list_metrics).then_output(move || {
            let dimension = |name: &String| Dimension::builder().name(DIMENSION).value(name).build();
            let metrics = names.iter().map(|name| Metric::builder().dimensions(dimension(name)).build()).collect();
            ListMetricsOutput::builder().set_metrics(Some(metrics)).build()
        })
    }

    fn asked(input: &GetMetricDataInput) -> impl Iterator<Item = (&str, &str)> {
        input.metric_data_queries().iter().map(|query| {
            let name = query.metric_stat().unwrap().metric().unwrap().dimensions()[0].value().unwrap();
            (query.id().unwrap(), name)
        })
    }

    async fn read_by(rules: &[&Rule], names: &[String]) -> (Vec<Option<Timestamp>>, Vec<Unread>) {
        let mut notebooks = running(names);
        let clients = Clients { cloudwatch: testing::cloudwatch(rules).into(), ..testing::clients() };
        let unread = read(&clients, &mut notebooks, NOW.parse().unwrap()).await;
        (notebooks.into_iter().map(|notebook| notebook.usage.map(|usage| usage.last)).collect(), unread)
    }

    #[tokio::test]
    async fn the_newest_fresh_datapoint_tells_and_never_makes_it_look_idler() {
        let names = ["fresh", "just-now", "stale", "none", "internal", "not-publishing"].map(str::to_owned);
        let listed = publish(&names[..5]);
        let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(|input| {
            let results = asked(input).map(|(id, name)| {
                let result = MetricDataResult::builder().id(id).status_code(StatusCode::Complete);
                match name {
                    "fresh" => {
                        result.timestamps(at("2026-11-24T11:50:00Z")).values(3600.0).timestamps(at("2026-11-24T11:45:00Z")).values(0.0)
                    }
                    "just-now" => result.timestamps(at("2026-11-24T11:59:00Z")).values(60.0),
                    "stale" => result.timestamps(at("2026-11-24T11:34:59Z")).values(7200.0),
                    "internal" => result.timestamps(at("2026-11-24T11:50:00Z")).values(9.0).status_code(StatusCode::InternalError),
                    "none" => result,
                    other => panic!("asked for {other}"),
                }
                .build()
            });
            GetMetricDataOutput::builder().set_metric_data_results(Some(results.collect())).build()
        });
        let (used, unread) = read_by(&[&listed, &data], &names).await;
        let fresh = Some("2026-11-24T10:55:00Z".parse().unwrap());
        assert_eq!(used, [fresh, Some("2026-11-24T11:59:00Z".parse().unwrap()), None, None, None, None]);
        let [unread] = &unread[..] else { panic!("{unread:?}") };
        assert_eq!(
            (unread.what.as_str(), unread.why.as_str()),
            ("idle time of internal", "cloudwatch:GetMetricData: status InternalError")
        );
    }

    #[tokio::test]
    async fn five_hundred_and_one_take_two_calls_and_one_failing_leaves_the_other() {
        let names: Vec<String> = (0..501).map(|index| format!("n{index:03}")).collect();
        let listed = publish(&names);
        let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_response(|input| {
            if input.metric_data_queries().len() == 500 {
                return MockResponse::Error(GetMetricDataError::generic(denied()));
            }
            let result = |id| MetricDataResult::builder().id(id).timestamps(at("2026-11-24T11:50:00Z")).values(60.0).build();
            let results = asked(input).map(|(id, _)| result(id)).collect();
            MockResponse::Output(GetMetricDataOutput::builder().set_metric_data_results(Some(results)).build())
        });
        let (used, unread) = read_by(&[&listed, &data], &names).await;
        assert_eq!((data.num_calls(), used.iter().flatten().count()), (2, 1));
        assert!(used[500].is_some());
        assert!(unread[0].what.starts_with("idle time of 500 resources"), "{unread:?}");
    }

    #[tokio::test]
    async fn a_refused_list_is_told_and_without_running_notebooks_nothing_is_asked() {
        let refused = mock!(aws_sdk_cloudwatch::Client::list_metrics).then_error(|| ListMetricsError::generic(denied()));
        let (used, unread) = read_by(&[&refused], &["a".to_owned()]).await;
        assert_eq!((used, unread[0].what.as_str()), (vec![None], "idle time of notebooks (cloudwatch:ListMetrics)"));
        assert_eq!(read_by(&[], &[]).await, (vec![], vec![]));
    }
}
