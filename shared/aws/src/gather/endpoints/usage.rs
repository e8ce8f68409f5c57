//! Reads how much endpoints are used, from CloudWatch (aws-facts §4): by the hour for all, by the minute for those for which a setting is worked out.

use cost_rules::{
    facts::{Backlog, Compute, Endpoint, Invocations, RunState, Serving, Unread},
    scaling::Traffic,
};
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};

use crate::{
    clients::Clients,
    gather::{
        metrics::{self, Series, Window},
        read::unread_of,
    },
};

pub(in crate::gather) const NAMESPACE: &str = "AWS/SageMaker";

/// How far back the use is read. CloudWatch keeps minutes for 15 days.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_hours(14 * 24);

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A metric that asynchronous endpoints publish. AWS's documentation spells it with three `s`, and nothing says whether the service does.
const PROCESSED: [&str; 2] = ["InvocationsProcesssed", "InvocationsProcessed"];

/// Where in an endpoint a metric belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Variant(usize),
    Component(usize),
    Backlog,
    /// The provisioned concurrency of a variant.
    Provisioned(usize),
}

/// A metric of an endpoint.
struct Asked {
    endpoint: usize,
    place: Place,
    series: Series,
}

/// How many metrics were read, and what could not be read.
#[derive(Default)]
pub(in crate::gather) struct Reading {
    /// The number of metrics. CloudWatch charges for each.
    pub(in crate::gather) metrics: usize,
    pub(in crate::gather) unread: Option<Unread>,
}

/// Of which endpoints the use is read, and since when.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// What a run judges: endpoints in service, over the last days.
    OfToday,
    /// What a rehearsal judges: since this time, also of endpoints that are on their way to another state today.
    Since(Timestamp),
}

impl Wanted {
    fn includes(self, endpoint: &Endpoint) -> bool {
        matches!(self, Self::Since(_)) || endpoint.state == RunState::InService
    }

    /// The hours that are read. `None`: the time is out of range.
    fn window(self, now: Timestamp) -> Option<Window> {
        let window = hours(now)?;
        match self {
            Self::OfToday => Some(window),
            Self::Since(from) => Some(Window { from: whole(from, Unit::Hour)?, ..window }),
        }
    }
}

/// Sets the use of endpoints by the hour, with the backlog of queues. The last hour is not over yet.
pub(super) async fn read_hours(clients: &Clients, endpoints: &mut [Endpoint], wanted: Wanted, now: Timestamp) -> Reading {
    let Some(window) = wanted.window(now) else { return Reading::default() };
    let endpoints: Vec<&mut Endpoint> = endpoints.iter_mut().filter(|one| wanted.includes(one)).collect();
    let asked = (0..).zip(&endpoints).flat_map(|(index, one)| asked(index, one)).collect();
    read(clients, endpoints, asked, window, |endpoint, place, points| match place {
        Place::Backlog => endpoint.backlog = Some(Backlog { hours: by_hour(points, window), from: window.from }),
        Place::Provisioned(index) => endpoint.variants[index].provisioned_use = Some(mean(points, window)),
        Place::Variant(index) => add(&mut endpoint.variants[index].invocations, points, window),
        Place::Component(index) => {
            if let Some(component) = endpoint.components.iter_mut().flatten().nth(index) {
                add(&mut component.invocations, points, window);
            }
        }
    })
    .await
}

/// The hours of which the use is read. The last one is not over yet.
pub(in crate::gather) fn hours(now: Timestamp) -> Option<Window> {
    let this_hour = whole(now, Unit::Hour)?;
    Some(Window { from: this_hour - WINDOW, until: this_hour + HOUR, period: HOUR })
}

/// Sets the use of the variants of these endpoints by the minute. No rule needs that of inference components.
pub(in crate::gather) async fn read_minutes(clients: &Clients, endpoints: Vec<&mut Endpoint>, now: Timestamp) -> Reading {
    let Some(until) = until(now) else { return Reading::default() };
    let window = Window { from: until - WINDOW, until, period: MINUTE };
    let asked =
        (0..).zip(&endpoints).flat_map(|(index, one)| asked(index, one)).filter(|one| matches!(one.place, Place::Variant(_))).collect();
    read(clients, endpoints, asked, window, |endpoint, place, points| {
        if let Place::Variant(index) = place
            && let Some(usage) = &mut endpoint.variants[index].invocations
        {
            usage.minutes = Some(Traffic::new(window.from, by_period(points, window).into_iter().map(|requests| requests.map(count))));
        }
    })
    .await
}

async fn read(
    clients: &Clients,
    mut endpoints: Vec<&mut Endpoint>,
    asked: Vec<Asked>,
    window: Window,
    mut take: impl FnMut(&mut Endpoint, Place, &[(Timestamp, f64)]),
) -> Reading {
    let (places, series): (Vec<(usize, Place)>, Vec<Series>) = asked.into_iter().map(|one| ((one.endpoint, one.place), one.series)).unzip();
    let mut failed: Vec<(String, String)> = vec![];
    metrics::read(clients, &series, window, |index, read| {
        let (endpoint, place) = places[index];
        let endpoint = &mut *endpoints[endpoint];
        match read {
            Ok(points) => take(endpoint, place, &points),
            Err(why) if failed.last().is_none_or(|(id, _)| *id != endpoint.resource.id) => failed.push((endpoint.resource.id.clone(), why)),
            Err(_) => {}
        }
    })
    .await;
    Reading { metrics: series.len(), unread: unread_of("use", &failed) }
}

/// The metrics that tell how much an endpoint is used.
fn asked(index: usize, endpoint: &Endpoint) -> Vec<Asked> {
    let name = ("EndpointName", endpoint.resource.name.clone());
    let one = |place, metric, dimensions, statistic| Asked {
        endpoint: index,
        place,
        series: Series { namespace: NAMESPACE, metric, dimensions, statistic },
    };
    let names: &[&str] = if endpoint.serving == Serving::Asynchronous { &PROCESSED } else { &["Invocations"] };
    let mut all = vec![];
    for (place, variant) in (0..).zip(&endpoint.variants) {
        let dimensions = vec![name.clone(), ("VariantName", variant.name.clone())];
        all.extend(names.iter().map(|metric| one(Place::Variant(place), *metric, dimensions.clone(), "Sum")));
        if matches!(variant.compute, Compute::Serverless { provisioned: Some(_), .. }) {
            all.push(one(Place::Provisioned(place), "ServerlessProvisionedConcurrencyUtilization", dimensions, "Average"));
        }
    }
    for (place, component) in (0..).zip(endpoint.components.iter().flatten()) {
        all.push(one(Place::Component(place), "Invocations", vec![("InferenceComponentName", component.name.clone())], "Sum"));
    }
    if endpoint.serving == Serving::Asynchronous {
        all.push(one(Place::Backlog, "ApproximateBacklogSize", vec![name], "Maximum"));
    }
    all
}

/// The start of the hour or the minute.
fn whole(now: Timestamp, unit: Unit) -> Option<Timestamp> {
    now.round(TimestampRound::new().smallest(unit).mode(RoundMode::Trunc)).ok()
}

/// Until when minutes are read: `CloudWatch`'s newest ones may still be incomplete.
pub(super) fn until(now: Timestamp) -> Option<Timestamp> {
    whole(now, Unit::Minute).map(|minute| minute - SignedDuration::from_mins(5))
}

/// Adds requests by the hour. A metric that has two spellings has datapoints under one of them.
fn add(usage: &mut Option<Invocations>, points: &[(Timestamp, f64)], window: Window) {
    let hours = by_hour(points, window);
    match usage {
        None => *usage = Some(Invocations::by_hour(window.from, hours)),
        Some(usage) => usage.hours.iter_mut().zip(hours).for_each(|(known, more)| *known = known.or(more)),
    }
}

/// Requests by the hour, oldest first.
#[expect(clippy::cast_possible_truncation, reason = "counts of requests: seven digits are enough")]
fn by_hour(points: &[(Timestamp, f64)], window: Window) -> Vec<Option<f32>> {
    by_period(points, window).into_iter().map(|requests| requests.map(|requests| requests as f32)).collect()
}

/// One value for each period of the window, oldest first. What lies outside of the window is left out.
fn by_period(points: &[(Timestamp, f64)], window: Window) -> Vec<Option<f64>> {
    let mut values = vec![None; window.periods()];
    for (at, value) in points {
        if let Some(known) = place_of(*at, window).and_then(|place| values.get_mut(place)) {
            *known = Some(value.max(0.0));
        }
    }
    values
}

/// Which period of the window this is. `None`: it is before the window.
pub(in crate::gather) fn place_of(at: Timestamp, window: Window) -> Option<usize> {
    usize::try_from(at.duration_since(window.from).as_secs().div_euclid(window.period.as_secs())).ok()
}

/// The mean over the window. An hour without a datapoint had no use.
fn mean(points: &[(Timestamp, f64)], window: Window) -> f64 {
    let hours = u32::try_from(window.periods()).unwrap_or(u32::MAX);
    points.iter().map(|(_, share)| share.clamp(0.0, 1.0)).sum::<f64>() / f64::from(hours)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of requests: the cast saturates, and rounds as AWS's sums are whole"
)]
fn count(requests: f64) -> u64 {
    requests.max(0.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    use cost_rules::facts::Change;

    use super::*;
    use crate::testing;

    #[test]
    fn a_rehearsal_reads_more_than_a_run() {
        let now: Timestamp = "2026-11-24T12:20:00Z".parse().unwrap();
        let since = Wanted::Since("2026-10-01T00:30:00Z".parse().unwrap());
        for (wanted, from, is_updating_read) in [(Wanted::OfToday, "2026-11-10T12:00:00Z", false), (since, "2026-10-01T00:00:00Z", true)] {
            let window = wanted.window(now).unwrap();
            assert_eq!((window.from.to_string().as_str(), window.until.to_string().as_str()), (from, "2026-11-24T13:00:00Z"));
            let updating = Endpoint { state: RunState::Changing(Change::Updating), ..testing::endpoint() };
            assert_eq!((wanted.includes(&testing::endpoint()), wanted.includes(&updating)), (true, is_updating_read));
        }
    }
}
