//! Reads when notebooks were last used, from the idle agent's metric `IdleSeconds` in the namespace `CostGuard/Notebooks`.

use std::collections::HashMap;

use aws_sdk_cloudwatch::types::RecentlyActive;
use cost_rules::facts::{Notebook, RunState, Unread, Usage};
use jiff::{SignedDuration, Timestamp};

use crate::{
    clients::{Clients, why::why},
    gather::{
        metrics::{self, Series, Window},
        read::{Read, every_page, unread_of},
    },
};

const NAMESPACE: &str = "CostGuard/Notebooks";
const METRIC: &str = "IdleSeconds";
const DIMENSION: &str = "NotebookInstanceName";

/// The agent publishes every five minutes.
const PERIOD: SignedDuration = Usage::MEASURED_EVERY;

/// For how long CloudWatch keeps datapoints of this period.
pub(crate) const CLOUDWATCH_KEEPS: SignedDuration = SignedDuration::from_hours(63 * 24);

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
    let series: Vec<Series> = publishing.iter().map(|name| idle_seconds(name)).collect();
    let mut failed: Vec<(String, String)> = vec![];
    let window = Window { from: now - WINDOW, until: now, period: PERIOD };
    metrics::read(clients, &series, window, |place, read| match (read, running.get_mut(publishing[place].as_str())) {
        (Ok(points), Some(known)) => **known = usage(&points, now),
        (Ok(_), None) => {}
        (Err(why), _) => failed.push((publishing[place].clone(), why)),
    })
    .await;
    unlisted.into_iter().chain(unread_of("idle time", &failed)).collect()
}

/// What the agents of these notebooks (by name) measured in this time: for each notebook, oldest first; and what could not be read. A notebook without an agent has no
/// measurement. No list is asked which have one: it has only metrics of the last two weeks.
pub(crate) async fn read_since(
    clients: &Clients,
    names: &[String],
    (from, until): (Timestamp, Timestamp),
) -> (Vec<Vec<Usage>>, Option<Unread>) {
    let (mut measured, mut failed) = (vec![vec![]; names.len()], vec![]);
    if until <= from {
        return (measured, None);
    }
    let series: Vec<Series> = names.iter().map(|name| idle_seconds(name)).collect();
    metrics::read(clients, &series, Window { from, until, period: PERIOD }, |place, read| match read {
        Ok(points) => {
            measured[place] = points.iter().filter_map(|point| measurement(*point, until)).collect();
            measured[place].sort_by_key(|usage| usage.known_until);
        }
        Err(why) => failed.push((names[place].clone(), why)),
    })
    .await;
    (measured, unread_of("idle time", &failed))
}

/// The names of the wanted notebooks whose agents published lately.
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

/// The shortest idle time of each period: when in doubt, the notebook is in use.
fn idle_seconds(name: &str) -> Series {
    Series { namespace: NAMESPACE, metric: METRIC, dimensions: vec![(DIMENSION, name.to_owned())], statistic: "Minimum" }
}

/// The latest time of use that the newest datapoint allows. `None`: there is no fresh datapoint.
fn usage(points: &[(Timestamp, f64)], now: Timestamp) -> Option<Usage> {
    let newest = points.iter().copied().max_by_key(|(start, _)| *start)?;
    measurement(newest, now).filter(|usage| now.duration_since(usage.known_until) <= Usage::FRESH)
}

/// The latest time of use that a datapoint allows: its time is the start of its period, and it was measured at most one period later. `None`: it says nothing.
fn measurement((start, idle): (Timestamp, f64), now: Timestamp) -> Option<Usage> {
    let taken = (start + PERIOD).min(now);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "seconds of an idle time: the cast saturates, and a year is the most that is taken"
    )]
    let idle = (0.0 <= idle).then(|| SignedDuration::from_secs((idle as i64).min(366 * 24 * 3600)))?;
    Some(Usage { last: taken - idle, known_until: taken })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_sdk_cloudwatch::{
        operation::{
            get_metric_data::{GetMetricDataInput, GetMetricDataOutput},
            list_metrics::{ListMetricsError, ListMetricsOutput},
        },
        types::{Dimension, Metric, MetricDataResult, StatusCode},
    };
    use aws_smithy_mocks::{Rule, mock};
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
    async fn the_past_is_read_of_all_without_a_list() {
        let names = ["old", "without-agent", "denied"].map(str::to_owned);
        let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(|input| {
            let results = asked(input).map(|(id, name)| {
                let result = MetricDataResult::builder().id(id).status_code(StatusCode::Complete);
                match name {
                    "old" => result.timestamps(at("2026-10-02T08:05:00Z")).values(600.0).timestamps(at("2026-10-02T08:00:00Z")).values(0.0),
                    "denied" => result.status_code(StatusCode::Forbidden),
                    _ => result,
                }
                .build()
            });
            GetMetricDataOutput::builder().set_metric_data_results(Some(results.collect())).build()
        });
        let clients = Clients { cloudwatch: testing::cloudwatch(&[&data]).into(), ..testing::clients() };
        let time = |time: &str| format!("2026-10-02T{time}:00Z").parse().unwrap();
        let (measured, unread) = read_since(&clients, &names, (time("00:00"), time("12:00"))).await;
        let usage = |last: &str, known_until: &str| Usage { last: time(last), known_until: time(known_until) };
        assert_eq!(measured, [vec![usage("08:05", "08:05"), usage("08:00", "08:10")], vec![], vec![]]);
        assert_eq!(unread.unwrap().what, "idle time of denied");
        // CloudWatch has nothing left of this time.
        assert_eq!(read_since(&testing::clients(), &names, (time("12:00"), time("12:00"))).await, (vec![vec![]; 3], None));
    }

    #[tokio::test]
    async fn a_refused_list_is_told_and_without_running_notebooks_nothing_is_asked() {
        let refused = mock!(aws_sdk_cloudwatch::Client::list_metrics).then_error(|| ListMetricsError::generic(denied()));
        let (used, unread) = read_by(&[&refused], &["a".to_owned()]).await;
        assert_eq!((used, unread[0].what.as_str()), (vec![None], "idle time of notebooks (cloudwatch:ListMetrics)"));
        assert_eq!(read_by(&[], &[]).await, (vec![], vec![]));
    }
}
