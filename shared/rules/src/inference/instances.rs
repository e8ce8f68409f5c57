//! Ways of serving on instances of one's own: billed by the time for which the instances are there.

use crate::inference::{
    assumptions::Assumptions,
    estimate::{Estimate, Fit, ServingOption, Usd},
    queue::{Pace, Queued},
    rates::{HOURS, Rates},
    serverless::data,
    workload::Workload,
};

/// The minutes after which the alarm of an empty endpoint brings the first instance: two datapoints and their delay (aws-facts §3.5).
const ALARM: f64 = 3.0;
/// The most requests at once that a batch transform job sends to an instance: of 6 MB each, which is the default, AWS takes 100 MB together (inference-facts §E1).
const MOST_TRANSFORMS: f64 = 16.0;
/// By how many minutes the time may differ for which an instance stays after its last work.
const LINGER_VARIES: f64 = 5.0;

/// As it is.
pub(super) fn real_time(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Estimate {
    let usd = instance_usd(workload, rates, assumptions.plan_discount)
        .map(|usd| usd * f64::from(workload.instances) * HOURS + data_of(workload, assumptions, rates));
    let mut one = Estimate::new(ServingOption::RealTime, workload, usd.map(Usd::exactly), "its requests stay as they were");
    one.instances = Some(workload.instances);
    one
}

/// With the auto scaling that endpoint-autoscaler proposes.
pub(super) fn scaled(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Estimate {
    let option = ServingOption::RealTimeScaled;
    let assumes = "what one instance carries is what it has carried at its usual latency";
    let Some(scaled) = &workload.scaled else {
        let mut one = Estimate::new(option, workload, None, assumes);
        one.fit = Fit::CannotTell("its requests by the minute are not known".into());
        return one;
    };
    let fixed = f64::from(workload.instances) * HOURS;
    let hours = (fixed - scaled.saved_hours).max(0.0);
    let usd = instance_usd(workload, rates, assumptions.plan_discount)
        .map(|usd| Usd::exactly(usd * hours + data_of(workload, assumptions, rates)));
    let assumes = scaled.doubt.as_ref().map_or_else(|| assumes.to_owned(), |doubt| format!("the future is like the past: {doubt}"));
    let mut one = Estimate::new(option, workload, usd, assumes);
    one.instances = scaled.most_instances;
    one
}

/// A queue, and instances as long as there is work.
pub(super) fn asynchronous(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Estimate {
    let assumes = format!(
        "an instance starts within {} and goes after {} with a short queue, until the next request brings it back",
        assumptions.start_up, assumptions.scale_in
    );
    let start = minutes(assumptions.start_up);
    let pace = Pace { wakes: ALARM + start, stays: minutes(assumptions.scale_in), request: workload.seconds / 60.0 };
    let requests = workload.requests;
    let queued = Queued::of(requests, &pace);
    let usd = up(workload, assumptions, rates, 0.0).and_then(|longest| {
        let usd = instance_usd(workload, rates, 0.0)? / 60.0;
        // Of more than one instance, and of what starts, only what AWS bills is not certain.
        let of = |start: f64| usd * requests.per_month(queued.up + queued.starts * start + more(workload));
        Some(Usd { expected: of(start), low: of(0.0), high: longest.high.max(of(start)) })
    });
    let mut one = Estimate::new(ServingOption::Asynchronous, workload, usd, assumes);
    wait(&mut one, workload, queued.waiting, pace.wakes);
    one
}

/// An inference component alone on its instances.
pub(super) fn component(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Estimate {
    let data = data_of(workload, assumptions, rates);
    let usd = up(workload, assumptions, rates, assumptions.plan_discount).map(|usd| Usd {
        expected: usd.expected + data,
        low: usd.low + data,
        high: usd.high + data,
    });
    let assumes = format!("an instance starts within {}: until then requests fail, and callers have to try again", assumptions.start_up);
    let mut one = Estimate::new(ServingOption::InferenceComponent, workload, usd, assumes);
    waits(&mut one, workload, assumptions);
    one
}

/// A job for all requests of a day, or of another time.
pub(super) fn batch(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> Estimate {
    let requests = workload.requests;
    let every = minutes(assumptions.batch_every).max(1.0);
    let (at_once, carries) = transforms(workload);
    let (mut jobs, mut of_job, mut left, mut largest) = (0.0, 0.0, every, 0.0_f64);
    for (per_minute, minutes) in requests.per_minute() {
        of_job += per_minute * minutes;
        largest = largest.max(of_job);
        left -= minutes;
        if left <= 0.0 {
            jobs += if 0.0 < of_job { 1.0 } else { 0.0 };
            (of_job, left) = (0.0, every);
        }
    }
    jobs += if 0.0 < of_job { 1.0 } else { 0.0 };
    let work = requests.total() / carries;
    let start = minutes(assumptions.start_up);
    // A job is done before the next one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least one; a number that is too large stays the largest"
    )]
    let instances = (largest / carries / every).ceil().max(1.0) as u32;
    let usd = instance_usd(workload, rates, assumptions.plan_discount).map(|usd| {
        let of = |start: f64| usd / 60.0 * requests.per_month(work + jobs * start * f64::from(instances));
        Usd { expected: of(start), low: of(start * 0.5), high: of(start * 2.0) }
    });
    let assumes = format!(
        "a job every {} for all requests of that time; its instance takes {} to start",
        assumptions.batch_every, assumptions.start_up
    );
    let mut one = Estimate::new(ServingOption::BatchTransform, workload, usd, assumes);
    (one.cold_share, one.cold_seconds, one.instances) = (1.0, Some(every * 60.0), Some(instances));
    one.at_once = Some(at_once);
    one
}

/// How many requests at once a job sends to an instance, and how many a minute it answers then: no more at once than it answered in its busiest minute.
fn transforms(workload: &Workload<'_>) -> (u32, f64) {
    let carries = workload.carried();
    let one_by_one = 60.0 / workload.seconds.max(1e-4);
    let at_once = (carries / one_by_one + 1e-9).floor().clamp(1.0, MOST_TRANSFORMS);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 16")]
    let whole = at_once as u32;
    (whole, carries.min(one_by_one * at_once))
}

/// What instances cost that are there only while there is work.
fn up(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>, discount: f64) -> Option<Usd> {
    let requests = workload.requests;
    let more = more(workload);
    let linger = minutes(assumptions.scale_in);
    let usd = instance_usd(workload, rates, discount)? / 60.0;
    // It starts when the alarm has seen the first request, and is billed from then on.
    let of = |linger: f64, more: f64| {
        let up = requests.minutes_up(linger) - ALARM * requests.first_after(linger);
        usd * requests.per_month(up.max(0.0) + more)
    };
    Some(Usd { expected: of(linger, more), low: of(linger - LINGER_VARIES, more), high: of(linger + LINGER_VARIES, more * 1.5) })
}

/// The minutes of what more than one instance has to do.
fn more(workload: &Workload<'_>) -> f64 {
    let carries = workload.carried();
    workload.requests.per_minute().map(|(per_minute, minutes)| (per_minute / carries - 1.0).max(0.0) * minutes).sum()
}

/// Sets which share of the requests comes while no instance is there, and how long they wait.
fn waits(one: &mut Estimate, workload: &Workload<'_>, assumptions: &Assumptions) {
    let requests = workload.requests;
    let start = ALARM + minutes(assumptions.start_up);
    let waiting = requests.first_after(minutes(assumptions.scale_in)) + requests.in_first(start, minutes(assumptions.scale_in));
    wait(one, workload, waiting, start);
}

/// Sets how many requests wait, and for how many minutes.
fn wait(one: &mut Estimate, workload: &Workload<'_>, waiting: f64, minutes: f64) {
    let total = workload.requests.total();
    one.cold_share = if total <= 0.0 { 0.0 } else { (waiting / total).clamp(0.0, 1.0) };
    one.cold_seconds = (0.0 < one.cold_share).then_some(minutes * 60.0 + workload.seconds);
    one.instances = Some(workload.instances);
}

/// USD per hour of an instance with its volume. `discount`: the share that a Savings Plan takes off the instance's price.
fn instance_usd(workload: &Workload<'_>, rates: Option<&Rates>, discount: f64) -> Option<f64> {
    Some(workload.usd_per_hour? * (1.0 - discount) + volume_usd(workload, rates))
}

/// USD per hour of an instance's volume.
pub(super) fn volume_usd(workload: &Workload<'_>, rates: Option<&Rates>) -> f64 {
    rates.zip(workload.volume_gb).map_or(0.0, |(rates, gb)| rates.volume * gb / HOURS)
}

pub(super) fn data_of(workload: &Workload<'_>, assumptions: &Assumptions, rates: Option<&Rates>) -> f64 {
    rates.map_or(0.0, |rates| data(workload, assumptions, rates))
}

fn minutes(length: crate::vocabulary::duration::Duration) -> f64 {
    length.signed().as_secs_f64() / 60.0
}
