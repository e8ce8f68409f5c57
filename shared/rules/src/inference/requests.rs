//! The requests of an endpoint over time, as the cost model needs them: how many there are, when there are none, and how many are under way at once.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::scaling::{MINUTES_PER_MONTH, Traffic};

/// Requests by the minute, as they were counted, or by the hour. Within an hour they are taken to come at random times, equally often in each minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests {
    /// When the first period began.
    pub starts_at: Timestamp,
    /// The requests of each period. A period without a datapoint had none: true of an endpoint that is older than the window.
    counts: Vec<f64>,
    period: Period,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Period {
    Minute,
    Hour,
}

impl Period {
    const fn minutes(self) -> f64 {
        match self {
            Self::Minute => 1.0,
            Self::Hour => 60.0,
        }
    }
}

impl Requests {
    /// Requests by the minute.
    pub fn by_minute(traffic: &Traffic) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of requests: 15 digits are enough")]
        let counts = traffic.iter().map(|requests| requests.unwrap_or(0) as f64).collect();
        Self { starts_at: traffic.starts_at(), counts, period: Period::Minute }
    }

    /// Requests by the hour.
    pub fn by_hour(starts_at: Timestamp, hours: &[Option<f32>]) -> Self {
        let counts =
            hours.iter().map(|requests| requests.filter(|requests| requests.is_finite()).map_or(0.0, f64::from).max(0.0)).collect();
        Self { starts_at, counts, period: Period::Hour }
    }

    /// All requests.
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// How many minutes are covered.
    #[expect(clippy::cast_precision_loss, reason = "a number of minutes")]
    pub fn minutes(&self) -> f64 {
        self.counts.len() as f64 * self.period.minutes()
    }

    /// The same amount for a month of 730 hours. Zero if there is no minute.
    pub fn per_month(&self, amount: f64) -> f64 {
        if self.counts.is_empty() { 0.0 } else { amount / self.minutes() * f64::from(MINUTES_PER_MONTH) }
    }

    /// The most requests of a minute. Of an hour, its mean.
    pub fn peak_per_minute(&self) -> f64 {
        self.counts.iter().copied().fold(0.0, f64::max) / self.period.minutes()
    }

    /// Each period: its requests by the minute, and its minutes.
    pub(super) fn per_minute(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let minutes = self.period.minutes();
        self.counts.iter().map(move |count| (count / minutes, minutes))
    }

    /// In how many minutes something is up that stays up for `linger` minutes after a request, at most an hour.
    pub(super) fn minutes_up(&self, linger: f64) -> f64 {
        self.minutes() - self.quiet(linger).map(|(minutes, _)| minutes).sum::<f64>()
    }

    /// How many requests come when there was none in the last `linger` minutes, at most an hour. Of a minute that has several, the first.
    pub(super) fn first_after(&self, linger: f64) -> f64 {
        self.quiet(linger).map(|(_, first)| first).sum()
    }

    /// How many requests come within `start` minutes after such a first one, beside it.
    pub(super) fn in_first(&self, start: f64, linger: f64) -> f64 {
        let mut left = 0.0;
        let mut found = 0.0;
        for (&count, (_, first)) in self.counts.iter().zip(self.quiet(linger)) {
            found += match self.period {
                Period::Minute => {
                    left = if 0.0 < first { start } else { left - 1.0 };
                    if 0.0 < left { count - first } else { 0.0 }
                }
                Period::Hour => (first * start * count / 60.0).min(count - first),
            };
        }
        found
    }

    /// Each period: in how many of its minutes there was no request in the last `linger` minutes, and how many requests come into such a minute.
    fn quiet(&self, linger: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
        let linger = linger.clamp(0.0, 60.0);
        let (mut since, mut before) = (f64::INFINITY, 0.0);
        self.counts.iter().map(move |&count| match self.period {
            Period::Minute if 0.0 < count => {
                let first = if linger < since { 1.0 } else { 0.0 };
                since = 1.0;
                (0.0, first)
            }
            Period::Minute => {
                let minutes = if linger < since { 1.0 } else { 0.0 };
                since += 1.0;
                (minutes, 0.0)
            }
            Period::Hour => {
                let rate = count / 60.0;
                let minutes = quiet_minutes(before, rate, linger);
                before = rate;
                (minutes, rate * minutes)
            }
        })
    }

    /// How many requests need an environment that is not there: it is kept for `linger` minutes after its last one, and `ready` of them always. `seconds`: how long a request
    /// takes. Requests that come at the same time need one environment each.
    pub(super) fn cold_starts(&self, seconds: f64, linger: f64, ready: f64, burst: f64) -> f64 {
        let mut recent = Highest::of(linger);
        let mut before = 0.0_f64;
        let mut cold = 0.0;
        for (&count, (_, first)) in self.counts.iter().zip(self.quiet(linger)) {
            let needed = environments(count / self.period.minutes(), seconds, burst);
            let missing = (needed - ready).max(0.0);
            cold += match self.period {
                Period::Minute => (missing - recent.highest()).clamp(0.0, count),
                // The first one after a pause, and those for which there were not enough in the hour before.
                Period::Hour if ready < 1.0 => first + (missing - before.max(1.0)).clamp(0.0, (count - first).max(0.0)),
                Period::Hour => (missing - before).clamp(0.0, count),
            };
            recent.push(missing);
            before = missing;
        }
        cold
    }

    /// The most environments that are needed at once.
    pub(super) fn most_environments(&self, seconds: f64, burst: f64) -> f64 {
        environments(self.peak_per_minute(), seconds, burst)
    }
}

/// How many environments so many requests a minute need at once. AWS's metrics give the mean of a minute, so that a peak within it is a multiple of that (`burst`).
fn environments(per_minute: f64, seconds: f64, burst: f64) -> f64 {
    if per_minute <= 0.0 {
        return 0.0;
    }
    // A single request needs one environment, whatever its length.
    let most = if per_minute <= 1.0 { 1.0 } else { per_minute };
    (per_minute * seconds / 60.0 * burst).ceil().clamp(1.0, most.ceil())
}

/// In how many minutes of an hour there was no request in the last `linger` minutes, if they come at random times: `before` a minute in the hour before, `rate` a minute in this one.
fn quiet_minutes(before: f64, rate: f64, linger: f64) -> f64 {
    // In minute m < linger the window lies in both hours: the integral of e^-(before·(linger − m) + rate·m). After that it lies in this one.
    let (none_before, none) = ((-before * linger).exp(), (-rate * linger).exp());
    let falls = before - rate;
    let in_both = if falls.abs() < 1e-9 { none * linger } else { (none - none_before) / falls };
    in_both + none * (60.0 - linger)
}

/// The highest of the last values.
struct Highest {
    of: usize,
    at: usize,
    /// Places and values, the values falling.
    values: VecDeque<(usize, f64)>,
}

impl Highest {
    fn of(minutes: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most an hour")]
        let of = minutes.clamp(0.0, 60.0).ceil() as usize;
        Self { of, at: 0, values: VecDeque::new() }
    }

    fn highest(&self) -> f64 {
        self.values.front().map_or(0.0, |(_, value)| *value)
    }

    fn push(&mut self, value: f64) {
        while self.values.back().is_some_and(|(_, last)| *last <= value) {
            self.values.pop_back();
        }
        self.values.push_back((self.at, value));
        self.at += 1;
        while self.values.front().is_some_and(|(at, _)| at + self.of < self.at) {
            self.values.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(counts: &[u64]) -> Requests {
        Requests::by_minute(&Traffic::new(Timestamp::UNIX_EPOCH, counts.iter().map(|count| Some(*count))))
    }

    #[expect(clippy::cast_possible_truncation, reason = "counts in tests")]
    fn whole(count: f64) -> i64 {
        count.round() as i64
    }

    #[test]
    fn what_stays_up_after_a_request() {
        // Two requests in minute 2, one in minute 9.
        let requests = minutes(&[0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0]);
        for (linger, up, first) in [(0.0, 2, 2), (2.0, 6, 2), (6.0, 10, 2), (7.0, 10, 1), (60.0, 10, 1)] {
            assert_eq!([requests.minutes_up(linger), requests.first_after(linger)].map(whole), [up, first], "{linger}");
        }
    }

    #[test]
    fn an_hour_is_spread_evenly() {
        // Six an hour, and what stays up for ten minutes: up with the probability 1 − 1/e.
        let requests = Requests::by_hour(Timestamp::UNIX_EPOCH, &vec![Some(6.0); 1000]);
        let up = requests.minutes_up(10.0) / requests.minutes();
        assert!((up - (1.0 - (-1.0_f64).exp())).abs() < 0.001, "{up}");
        let first = requests.first_after(10.0) / requests.total();
        assert!((first - (-1.0_f64).exp()).abs() < 0.001, "{first}");
        // Nobody calls: nothing is up, but for what the hour before left.
        let ended = Requests::by_hour(Timestamp::UNIX_EPOCH, &[Some(6000.0), None, None]);
        assert!((ended.minutes_up(10.0) - 70.0).abs() < 0.1, "{}", ended.minutes_up(10.0));
    }

    #[test]
    fn environments_are_started_for_what_comes_at_once() {
        // Three requests of 40 seconds each need two at once (times the burst), the same again needs none, more needs more.
        let requests = minutes(&[0, 3, 3, 6, 0, 0, 0, 0, 3]);
        for (linger, ready, cold) in [(3.0, 0.0, 6), (10.0, 0.0, 4), (3.0, 2.0, 2), (10.0, 4.0, 0)] {
            assert_eq!(whole(requests.cold_starts(40.0, linger, ready, 1.0)), cold, "{linger} {ready}");
        }
    }

    proptest! {
        #[test]
        fn shares_stay_shares(counts in prop::collection::vec(0_u64..50, 1..400), seconds in 0.01_f64..60.0, linger in 0.0_f64..60.0, ready in 0_u32..5) {
            let hours: Vec<Option<f32>> = counts.iter().map(|count| u16::try_from(*count).ok().map(f32::from)).collect();
            for requests in [minutes(&counts), Requests::by_hour(Timestamp::UNIX_EPOCH, &hours)] {
                let total = requests.total();
                let (up, first) = (requests.minutes_up(linger), requests.first_after(linger));
                let cold = requests.cold_starts(seconds, linger, f64::from(ready), 2.0);
                prop_assert!((-1e-6..=requests.minutes() + 1e-6).contains(&up), "{up}");
                prop_assert!((0.0..=total + 1e-6).contains(&first) && (0.0..=total + 1e-6).contains(&cold), "{first} {cold} of {total}");
                // What stays longer is up longer, and fewer requests start it.
                prop_assert!(up <= requests.minutes_up(linger + 5.0) + 1e-6);
                prop_assert!(requests.first_after(linger + 5.0) <= first + 1e-6);
                prop_assert!(requests.cold_starts(seconds, linger, f64::from(ready) + 1.0, 2.0) <= cold + 1e-6 || requests.period == Period::Hour);
            }
        }
    }
}
