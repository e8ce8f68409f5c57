//! Turns the calls that started, stopped and opened a resource into its runs and its uses.

use jiff::Timestamp;

use super::history::{Run, Use, Used};

/// A call in an account's history that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// What it did.
    pub did: Did,
    /// Who made it. `None`: not known.
    pub by: Option<String>,
    /// What the resource runs on from this call on. `None`: the call does not say.
    pub instance_type: Option<String>,
}

/// What a call did to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// It created it, which also starts it.
    Create,
    /// It started it.
    Start,
    /// It stopped it.
    Stop,
    /// It deleted it.
    Delete,
    /// It opened it.
    Open,
}

/// When a resource was on, by its calls since `known_from`, oldest first, and by its state of today: since when it is on (`Ok`), or when it was last stopped or changed (`Err`).
///
/// If the first call stops it, it was on when the history begins, and maybe longer.
pub fn runs(calls: &[Call], known_from: Timestamp, today: Result<Option<Timestamp>, Option<Timestamp>>) -> Vec<Run> {
    let mut runs = vec![];
    let mut open: Option<Run> = None;
    let mut is_first = true;
    for call in calls {
        let begun = |from| Run { from, until: None, instance_type: call.instance_type.clone() };
        match call.did {
            Did::Create | Did::Start => open = open.or_else(|| Some(begun(call.at))),
            Did::Stop | Did::Delete => {
                let run = open.take().or_else(|| is_first.then(|| begun(known_from)));
                runs.extend(run.map(|run| Run { until: Some(call.at), ..run }));
            }
            Did::Open => continue,
        }
        is_first = false;
    }
    match (open, today) {
        (Some(run), Ok(_)) => runs.push(run),
        // Nobody stopped it by a call: it failed, or AWS stopped it.
        (Some(run), Err(since)) => runs.extend(since.filter(|since| run.from < *since).map(|since| Run { until: Some(since), ..run })),
        // Nobody started it by a call that the history has.
        (None, Ok(Some(since))) => runs.push(Run { from: since, until: None, instance_type: None }),
        (None, _) => {}
    }
    runs
}

/// When a resource was used, by its calls, oldest first.
pub fn uses(calls: &[Call]) -> Vec<Use> {
    let used = |call: &Call| {
        let what = match call.did {
            Did::Open => Used::Opened,
            Did::Create | Did::Start => Used::Started,
            Did::Stop | Did::Delete => return None,
        };
        Some(Use { at: call.at, what, by: call.by.clone() })
    };
    calls.iter().filter_map(used).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-{time}:00Z").parse().unwrap()
    }

    fn call(time: &str, did: Did) -> Call {
        Call { at: at(time), did, by: Some("ann".into()), instance_type: None }
    }

    #[test]
    fn a_resource_is_on_between_its_calls() {
        use Did::{Create, Delete, Open, Start, Stop};
        let (on, off) = (|since: &str| Ok(Some(at(since))), |since: &str| Err(Some(at(since))));
        for (calls, today, expected) in [
            (&[("03T08:00", Start), ("03T18:00", Stop)][..], off("03T18:01"), &[("03T08:00", Some("03T18:00"))][..]),
            // It was on when the history begins.
            (&[("03T18:00", Stop)], off("03T18:01"), &[("01T00:00", Some("03T18:00"))]),
            (&[("03T18:00", Stop), ("04T08:00", Start)], on("04T08:03"), &[("01T00:00", Some("03T18:00")), ("04T08:00", None)]),
            // Deleting what is stopped ends no run.
            (&[("03T08:00", Create), ("03T18:00", Stop), ("04T08:00", Delete)], Err(None), &[("03T08:00", Some("03T18:00"))]),
            (&[("03T08:00", Create), ("03T18:00", Delete)], Err(None), &[("03T08:00", Some("03T18:00"))]),
            // No call at all.
            (&[], on("02T08:00"), &[("02T08:00", None)]),
            (&[], off("02T08:00"), &[]),
            (&[], Ok(None), &[]),
            // It ended without a call.
            (&[("03T08:00", Start)], off("03T09:00"), &[("03T08:00", Some("03T09:00"))]),
            (&[("03T08:00", Start)], off("03T07:00"), &[]),
            // Opening it is no start, and a second stop is none.
            (&[("03T08:00", Open), ("03T18:00", Stop), ("03T18:05", Stop)], off("03T18:01"), &[("01T00:00", Some("03T18:00"))]),
        ] {
            let calls: Vec<Call> = calls.iter().map(|(time, did)| call(time, *did)).collect();
            let run = |(from, until): &(&str, Option<&str>)| Run { from: at(from), until: until.map(at), instance_type: None };
            assert_eq!(runs(&calls, at("01T00:00"), today), expected.iter().map(run).collect::<Vec<_>>(), "{calls:?}");
        }
    }

    #[test]
    fn who_opens_or_starts_it_uses_it() {
        let calls = [call("03T08:00", Did::Start), call("03T09:00", Did::Open), call("03T18:00", Did::Stop)];
        let used: Vec<(Timestamp, Used)> = uses(&calls).into_iter().map(|one| (one.at, one.what)).collect();
        assert_eq!(used, [(at("03T08:00"), Used::Started), (at("03T09:00"), Used::Opened)]);
    }
}
