//! When notebooks were last used: the idle agent's metric `IdleSeconds` in the namespace `CostGuard/Notebooks`.

use std::collections::HashMap;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, RecentlyActive, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use cost_rules::facts::{Facts, NotebookStatus, Unread};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::{IN_FLIGHT, every_page, timestamp};
use crate::{Clients, why::why};

const NAMESPACE: &str = "CostGuard/Notebooks";
const METRIC: &str = "IdleSeconds";
const DIMENSION: &str = "NotebookInstanceName";

/// `CloudWatch`'s most queries in one call.
const BATCH: usize = 500;

/// The agent publishes every five minutes.
const PERIOD: SignedDuration = SignedDuration::from_mins(5);

/// An older datapoint says nothing of now.
const FRESH: SignedDuration = SignedDuration::from_mins(20);

/// Fills in `last_used` of the running notebooks that have an agent. Which those are costs one call, so that a Region without agents
/// costs no more.
pub(super) async fn read(clients: &Clients, facts: &mut Facts) {
    let running = facts.notebooks.iter().any(|notebook| notebook.status == NotebookStatus::InService);
    if !running {
        return;
    }
    let mut publishing = vec![];
    let listed = every_page(async |token| {
        let call = clients.cloudwatch.list_metrics().namespace(NAMESPACE).metric_name(METRIC).recently_active(RecentlyActive::Pt3H);
        let page = call.set_next_token(token).send().await.map_err(|error| why(&error))?;
        let dimensions = page.metrics.unwrap_or_default().into_iter().flat_map(|metric| metric.dimensions.unwrap_or_default());
        publishing
            .extend(dimensions.filter(|dimension| dimension.name.as_deref() == Some(DIMENSION)).filter_map(|dimension| dimension.value));
        Ok(page.next_token)
    });
    if let Err(why) = listed.await {
        facts.unread.push(Unread { what: "idle time of notebooks (cloudwatch:ListMetrics)".into(), why });
    }
    let mut by_name: HashMap<String, &mut Option<Timestamp>> = facts
        .notebooks
        .iter_mut()
        .filter(|notebook| notebook.status == NotebookStatus::InService)
        .map(|notebook| (notebook.resource.name.clone(), &mut notebook.last_used))
        .collect();
    publishing.retain(|name| by_name.contains_key(name));
    publishing.sort();
    publishing.dedup();
    let now = facts.now;
    let batches = stream::iter(publishing.chunks(BATCH)).map(async |names| read_batch(clients, names, now).await);
    let mut unread = vec![];
    for (found, failed) in batches.buffer_unordered(IN_FLIGHT).collect::<Vec<_>>().await {
        for (name, last_used) in found {
            if let Some(place) = by_name.get_mut(&name) {
                **place = Some(last_used);
            }
        }
        unread.extend(failed.map(|why| Unread { what: "idle time of some notebooks (cloudwatch:GetMetricData)".into(), why }));
    }
    facts.unread.extend(unread);
}

/// At most 500 notebooks: when each was last used, as far as a fresh datapoint tells.
async fn read_batch(clients: &Clients, names: &[String], now: Timestamp) -> (HashMap<String, Timestamp>, Option<String>) {
    let queries: Vec<MetricDataQuery> = names.iter().enumerate().map(|(index, name)| query(index, name)).collect();
    let mut found: HashMap<String, Timestamp> = HashMap::new();
    let mut not_read = 0;
    let read = every_page(async |token| {
        let call = clients.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.clone())).scan_by(ScanBy::TimestampDescending);
        let call =
            call.start_time(DateTime::from_secs((now - FRESH - PERIOD * 2).as_second())).end_time(DateTime::from_secs(now.as_second()));
        let page = call.set_next_token(token).send().await.map_err(|error| why(&error))?;
        for result in page.metric_data_results.unwrap_or_default() {
            not_read += usize::from(matches!(result.status_code, Some(StatusCode::InternalError | StatusCode::Forbidden)));
            let name = result.id.as_deref().and_then(|id| names.get(id.strip_prefix('q')?.parse::<usize>().ok()?));
            if let Some((name, last_used)) = name.zip(last_used(&result, now)) {
                let newest = found.entry(name.clone()).or_insert(last_used);
                *newest = last_used.max(*newest);
            }
        }
        Ok(page.next_token)
    });
    let failed = read.await.err().or_else(|| (0 < not_read).then(|| format!("CloudWatch could not read {not_read} of them")));
    (found, failed)
}

fn query(index: usize, name: &str) -> MetricDataQuery {
    let dimension = Dimension::builder().name(DIMENSION).value(name).build();
    let metric = Metric::builder().namespace(NAMESPACE).metric_name(METRIC).dimensions(dimension).build();
    // The least idle of a period: when in doubt, in use.
    let stat = MetricStat::builder().metric(metric).period(i32::try_from(PERIOD.as_secs()).unwrap_or(300)).stat("Minimum").build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

/// The latest moment of use that the result's datapoints allow. A datapoint's time is its period's start; it was taken at most a period later.
fn last_used(result: &MetricDataResult, now: Timestamp) -> Option<Timestamp> {
    let points = result.timestamps().iter().zip(result.values()).filter_map(|(time, idle)| Some((timestamp(Some(time))?, *idle)));
    let (start, idle) = points.max_by_key(|(start, _)| *start)?;
    let taken = (start + PERIOD).min(now);
    if FRESH < now.duration_since(taken) || !idle.is_finite() || idle < 0.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "seconds of an idle time: far below the limit, and saturating above it")]
    let idle = SignedDuration::from_secs((idle as i64).min(366 * 24 * 3600));
    Some(taken - idle)
}
