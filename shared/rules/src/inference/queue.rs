//! How long an asynchronous endpoint has an instance, and how many requests wait for one, with the auto scaling of AWS's guide (aws-facts §3.5): it goes while the queue is
//! short, whether requests come or not, and the next request brings it back.

use crate::inference::requests::Requests;

/// The target of the requests in the queue of an instance. Below nine tenths of it, the instance goes.
const TARGET: f64 = 5.0;
const LOW: f64 = 0.9;

/// How long something takes, in minutes.
pub(super) struct Pace {
    /// From a request to the instance that answers it, if there is none.
    pub(super) wakes: f64,
    /// How long an instance stays while the queue is short.
    pub(super) stays: f64,
    /// How long a request takes.
    pub(super) request: f64,
}

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Queued {
    /// The minutes with an instance that serves.
    pub(super) up: f64,
    /// How often an instance was started.
    pub(super) starts: f64,
    /// Requests that came while there was none.
    pub(super) waiting: f64,
}

enum State {
    Gone,
    /// Minutes until it serves.
    Starting(f64),
    /// Minutes until it goes.
    Serves(f64),
}

impl Queued {
    pub(super) fn of(requests: &Requests, pace: &Pace) -> Self {
        let is_long = |per_minute: f64| LOW * TARGET <= per_minute * pace.request;
        let mut queued = Self::default();
        let mut state = State::Gone;
        for (per_minute, minutes) in requests.per_minute() {
            if 1.0 < minutes {
                queued.add_hour(per_minute, minutes, pace, is_long(per_minute));
                continue;
            }
            state = match state {
                State::Gone if per_minute <= 0.0 => State::Gone,
                State::Gone => queued.wake(per_minute, pace),
                State::Starting(left) if 0.0 < left => {
                    queued.waiting += per_minute;
                    State::Starting(left - 1.0)
                }
                State::Starting(_) => queued.serve(pace.stays),
                State::Serves(_) if is_long(per_minute) => queued.serve(pace.stays),
                State::Serves(left) if 0.0 < left => queued.serve(left),
                State::Serves(_) if 0.0 < per_minute => queued.wake(per_minute, pace),
                State::Serves(_) => State::Gone,
            };
        }
        queued
    }

    /// A minute whose requests bring an instance back.
    fn wake(&mut self, per_minute: f64, pace: &Pace) -> State {
        self.starts += 1.0;
        self.waiting += per_minute;
        State::Starting(pace.wakes - 1.0)
    }

    /// A minute in which an instance serves that goes after so many more.
    fn serve(&mut self, left: f64) -> State {
        self.up += 1.0;
        State::Serves(left - 1.0)
    }

    /// An hour, or another time, with requests at random times: so many of the cycles of waiting, starting and serving as fit.
    fn add_hour(&mut self, per_minute: f64, minutes: f64, pace: &Pace, is_long: bool) {
        if per_minute <= 0.0 {
            return;
        }
        if is_long {
            self.up += minutes;
            return;
        }
        let cycles = minutes / (1.0 / per_minute + pace.wakes + pace.stays);
        self.starts += cycles;
        self.up += cycles * pace.stays;
        self.waiting += (cycles * (1.0 + per_minute * pace.wakes)).min(per_minute * minutes);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::scaling::Traffic;

    const PACE: Pace = Pace { wakes: 8.0, stays: 20.0, request: 0.1 };

    fn of(counts: impl IntoIterator<Item = u64>, pace: &Pace) -> Queued {
        Queued::of(&Requests::by_minute(&Traffic::new(Timestamp::UNIX_EPOCH, counts.into_iter().map(Some))), pace)
    }

    #[test]
    fn an_instance_goes_while_requests_come_and_the_next_one_brings_it_back() {
        // One request: eight minutes until it is answered, twenty until the instance goes.
        assert_eq!(of([1].into_iter().chain(vec![0; 60]), &PACE), Queued { up: 20.0, starts: 1.0, waiting: 1.0 });
        // One each minute, for two cycles of 28 minutes.
        assert_eq!(of(vec![1; 56], &PACE), Queued { up: 40.0, starts: 2.0, waiting: 16.0 });
        // So many that some always wait: it stays.
        assert_eq!(of(vec![50; 68], &PACE), Queued { up: 60.0, starts: 1.0, waiting: 400.0 });
        assert_eq!(of(vec![0; 60], &PACE), Queued::default());
    }

    #[test]
    fn hours_give_what_their_minutes_give() {
        for per_minute in [1_u64, 4, 30] {
            let minutes = of(vec![per_minute; 14 * 1440], &PACE);
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let hours = Queued::of(&Requests::by_hour(Timestamp::UNIX_EPOCH, &vec![Some(per_minute as f32 * 60.0); 14 * 24]), &PACE);
            for (one, other) in [(minutes.up, hours.up), (minutes.waiting, hours.waiting), (minutes.starts, hours.starts)] {
                assert!((one / other - 1.0).abs() < 0.1, "{per_minute}: {minutes:?} {hours:?}");
            }
        }
    }
}
