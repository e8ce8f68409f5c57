//! Reads datapoints of CloudWatch metrics: many metrics in one call, page after page.

use std::pin::pin;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};

use super::read::{IN_FLIGHT, Read, every_page, timestamp};
use crate::clients::{Clients, why::why};

/// The most queries that `CloudWatch` takes in one call.
const BATCH: usize = 500;

/// The most datapoints of one answer (aws-facts §4). What is more comes with the next page.
const DATAPOINTS: usize = 100_800;

/// A metric, as a statistic over each period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) namespace: &'static str,
    pub(super) metric: &'static str,
    /// Names and values.
    pub(super) dimensions: Vec<(&'static str, String)>,
    /// `Sum`, `Average`, `Maximum`, `Minimum` or a percentile such as `p99`.
    pub(super) statistic: &'static str,
}

/// Of which time datapoints are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) from: Timestamp,
    /// Not included.
    pub(super) until: Timestamp,
    /// A multiple of a minute; of five minutes if the window begins more than 15 days ago.
    pub(super) period: SignedDuration,
}

impl Window {
    /// The number of periods.
    pub(super) fn periods(self) -> usize {
        usize::try_from(self.until.duration_since(self.from).as_secs() / self.period.as_secs().max(1)).unwrap_or_default().max(1)
    }
}

/// The datapoints of a metric: when each period began, and its value. Not sorted.
pub(super) type Datapoints = Vec<(Timestamp, f64)>;

/// Reads these metrics and hands each to `take`, by its place in `series` and in that order: only the datapoints of a few calls are in memory at a time. Each has its
/// own result: if one call fails, the metrics of the others were read.
pub(super) async fn read(clients: &Clients, series: &[Series], window: Window, mut take: impl FnMut(usize, Read<Datapoints>)) {
    // As many queries as fit into one answer with all of their datapoints: a call with more takes as many pages, each with all the queries.
    let size = (DATAPOINTS / window.periods()).clamp(1, BATCH);
    let calls = stream::iter(series.chunks(size)).map(async |batch| (batch.len(), read_batch(clients, batch, window).await));
    let mut calls = pin!(calls.buffered(IN_FLIGHT));
    let mut place = 0..;
    while let Some((asked, read)) = calls.next().await {
        let read = read.unwrap_or_else(|why| vec![Err(why); asked]);
        read.into_iter().zip(&mut place).for_each(|(read, place)| take(place, read));
    }
}

async fn read_batch(clients: &Clients, series: &[Series], window: Window) -> Read<Vec<Read<Datapoints>>> {
    let queries: Vec<MetricDataQuery> = series.iter().enumerate().map(|(index, one)| query(index, one, window.period)).collect();
    let time = |at: Timestamp| DateTime::from_secs(at.as_second());
    let mut found: Vec<Read<Datapoints>> = vec![Ok(vec![]); series.len()];
    let read = every_page(clients, async |token| {
        let call = clients.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.clone())).scan_by(ScanBy::TimestampDescending);
        let call = call.start_time(time(window.from)).end_time(time(window.until)).set_next_token(token);
        let page = call.send().await.map_err(|error| format!("cloudwatch:GetMetricData: {}", why(&error)))?;
        for result in page.metric_data_results.unwrap_or_default() {
            let place = result.id.as_deref().and_then(|id| found.get_mut(id.strip_prefix('q')?.parse::<usize>().ok()?));
            match (place, &result.status_code) {
                (Some(place), Some(status @ (StatusCode::InternalError | StatusCode::Forbidden))) => {
                    *place = Err(format!("cloudwatch:GetMetricData: status {}", status.as_str()));
                }
                (Some(Ok(known)), _) => known.extend(datapoints(&result)),
                _ => {}
            }
        }
        Ok(page.next_token)
    });
    read.await.map(|()| found)
}

fn query(index: usize, series: &Series, period: SignedDuration) -> MetricDataQuery {
    let dimensions = series.dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    let metric =
        Metric::builder().namespace(series.namespace).metric_name(series.metric).set_dimensions(Some(dimensions.collect())).build();
    let period = i32::try_from(period.as_secs()).unwrap_or(i32::MAX);
    let stat = MetricStat::builder().metric(metric).period(period).stat(series.statistic).build();
    MetricDataQuery::builder().id(format!("q{index}")).metric_stat(stat).build()
}

/// The datapoints of one result. A value that is no number is none.
fn datapoints(result: &MetricDataResult) -> impl Iterator<Item = (Timestamp, f64)> {
    let points = result.timestamps().iter().zip(result.values()).filter(|(_, value)| value.is_finite());
    points.filter_map(|(time, value)| Some((timestamp(Some(time))?, *value)))
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::operation::get_metric_data::{GetMetricDataError, GetMetricDataOutput};
    use aws_smithy_mocks::{MockResponse, mock};

    use super::*;
    use crate::testing::{self, at, denied};

    fn series(names: usize) -> Vec<Series> {
        let one = |index| Series {
            namespace: "AWS/SageMaker",
            metric: "Invocations",
            dimensions: vec![("EndpointName", format!("e{index}"))],
            statistic: "Sum",
        };
        (0..names).map(one).collect()
    }

    async fn all(clients: &Clients, series: &[Series], window: Window) -> Vec<Read<Datapoints>> {
        let mut all = vec![];
        read(clients, series, window, |place, read| {
            assert_eq!(place, all.len());
            all.push(read);
        })
        .await;
        all
    }

    fn window(hours: i64, period: SignedDuration) -> Window {
        let until: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        Window { from: until - SignedDuration::from_hours(hours), until, period }
    }

    #[tokio::test]
    async fn pages_are_added_up_and_each_metric_has_its_own_result() {
        let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_output(|asked| {
            let point = |id: &str, time, value| MetricDataResult::builder().id(id).timestamps(at(time)).values(value);
            let (results, token) = match asked.next_token() {
                None => (vec![point("q0", "2026-11-24T11:00:00Z", 1.0).status_code(StatusCode::PartialData).build()], Some("more")),
                Some(_) => (
                    vec![
                        point("q0", "2026-11-24T10:00:00Z", 2.0).timestamps(at("2026-11-24T09:00:00Z")).values(f64::NAN).build(),
                        MetricDataResult::builder().id("q1").status_code(StatusCode::Forbidden).build(),
                        point("q99", "2026-11-24T10:00:00Z", 2.0).build(),
                    ],
                    None,
                ),
            };
            GetMetricDataOutput::builder().set_metric_data_results(Some(results)).set_next_token(token.map(str::to_owned)).build()
        });
        let clients = Clients { cloudwatch: testing::cloudwatch(&[&data]).into(), ..testing::clients() };
        let found = all(&clients, &series(3), window(24, SignedDuration::from_hours(1))).await;
        let hours = ["2026-11-24T11:00:00Z", "2026-11-24T10:00:00Z"].map(|time| time.parse().unwrap());
        assert_eq!(
            found,
            [Ok(vec![(hours[0], 1.0), (hours[1], 2.0)]), Err("cloudwatch:GetMetricData: status Forbidden".into()), Ok(vec![])]
        );
    }

    #[tokio::test]
    async fn a_call_asks_for_no_more_than_one_answer_can_hold() {
        for (hours, period, metrics, calls) in [
            (24, SignedDuration::from_mins(5), 501, 2),       // 288 points each: 350 a call
            (14 * 24, SignedDuration::from_hours(1), 600, 2), // 336 points each: 300 a call
            (14 * 24, SignedDuration::from_mins(1), 11, 3),   // 20,160 points each: 5 a call
            (1, SignedDuration::from_hours(1), 501, 2),
            (1, SignedDuration::from_hours(1), 0, 0),
        ] {
            let data = mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_output(|| GetMetricDataOutput::builder().build());
            let clients = Clients { cloudwatch: testing::cloudwatch(&[&data]).into(), ..testing::clients() };
            let found = all(&clients, &series(metrics), window(hours, period)).await;
            assert_eq!((found.len(), data.num_calls()), (metrics, calls), "{hours} {period}");
        }
    }

    #[tokio::test]
    async fn what_one_call_could_not_read_leaves_the_others() {
        let data =
            mock!(aws_sdk_cloudwatch::Client::get_metric_data).then_compute_response(|asked| match asked.metric_data_queries().len() {
                500 => MockResponse::Error(GetMetricDataError::generic(denied())),
                _ => MockResponse::Output(GetMetricDataOutput::builder().build()),
            });
        let clients = Clients { cloudwatch: testing::cloudwatch(&[&data]).into(), ..testing::clients() };
        let found = all(&clients, &series(501), window(1, SignedDuration::from_hours(1))).await;
        assert_eq!((found.iter().filter(|read| read.is_err()).count(), &found[500]), (500, &Ok(vec![])));
    }
}
