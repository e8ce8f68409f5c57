//! Turns the calls that started, stopped and opened a resource into its runs and its uses.

use jiff::Timestamp;

use super::history::{Ending, LeftOut, Run, RunEnd, Use, Used, WhyLeftOut};

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
    /// It deleted it while it was on: an app or an endpoint.
    Delete,
    /// It deleted it while it was off, as each notebook that is deleted (aws-facts §2.1).
    DeleteStopped,
    /// It opened it.
    Open,
}

/// The state of a resource today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Today {
    /// It is on, since this time. `None`: since when is not known.
    On(Option<Timestamp>),
    /// It is off. The time is that of its last stop or change. `None`: not known.
    Off(Option<Timestamp>),
    /// It is on its way to another state, or in one that does not say whether it is on.
    Changing,
}

/// When a resource was on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// The runs whose start and end are known, oldest first.
    pub known: Vec<Run>,
    /// The others.
    pub unknown: Vec<UnknownRun>,
}

/// A run of which the history does not say when it began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRun {
    /// When it began, or the earliest time that is possible.
    pub from: Timestamp,
    /// By when it was over. `None`: it may still be on.
    pub over_by: Option<Timestamp>,
    /// What is not known.
    pub why: WhyLeftOut,
}

impl Runs {
    /// The runs by a resource's calls since `known_from`, oldest first, and by its state of today.
    ///
    /// If the first call stops it, it was on when the history begins, and maybe longer.
    pub fn of(calls: &[Call], known_from: Timestamp, today: Today) -> Self {
        let mut runs = Self::default();
        let mut open: Option<Run> = None;
        let mut is_first = true;
        for call in calls {
            let begun = |from| Run { from, end: None, instance_type: call.instance_type.clone() };
            let end = |how| Some(RunEnd { at: call.at, how });
            match call.did {
                // A call that starts what is on fails: the run before was over.
                Did::Create | Did::Start => runs.leave_out(open.replace(begun(call.at)), Some(call.at)),
                Did::DeleteStopped => runs.leave_out(open.take(), Some(call.at)),
                Did::Stop | Did::Delete => {
                    let how = if call.did == Did::Stop { Ending::Stopped } else { Ending::Deleted };
                    let run = open.take().or_else(|| is_first.then(|| begun(known_from)));
                    runs.known.extend(run.map(|run| Run { end: end(how), ..run }));
                }
                Did::Open => continue,
            }
            is_first = false;
        }
        match open {
            Some(open) => runs.end_with(open, today),
            None => runs.begin_with(is_first.then_some(known_from), today),
        }
        runs
    }

    /// Whether it may have been on after this time.
    pub fn is_any_after(&self, from: Timestamp) -> bool {
        self.known.iter().any(|run| run.until().is_none_or(|until| from < until)) || self.unknown.iter().any(|run| run.is_after(from))
    }

    /// What cannot be rehearsed of it after this time.
    pub fn left_out(&self, id: &str, from: Timestamp) -> impl Iterator<Item = LeftOut> {
        let after = self.unknown.iter().filter(move |run| run.is_after(from));
        after.map(move |run| LeftOut { id: id.to_owned(), from: run.begins(), why: run.why })
    }

    /// Adds the last run, which no call ended.
    fn end_with(&mut self, run: Run, today: Today) {
        match today {
            Today::On(_) | Today::Changing => self.known.push(run),
            Today::Off(Some(at)) if run.from < at => self.known.push(Run { end: Some(RunEnd { at, how: Ending::ByItself }), ..run }),
            Today::Off(_) => self.leave_out(Some(run), None),
        }
    }

    /// Adds the last run, which no call began. `maybe_from`: since when it may be on, if no call says anything of it.
    fn begin_with(&mut self, maybe_from: Option<Timestamp>, today: Today) {
        match (today, maybe_from) {
            (Today::On(Some(from)), _) => self.known.push(Run { from, end: None, instance_type: None }),
            (Today::On(None) | Today::Changing, Some(from)) => {
                self.unknown.push(UnknownRun { from, over_by: None, why: WhyLeftOut::StartNotKnown });
            }
            _ => {}
        }
    }

    /// Leaves out a run that ended without a call.
    fn leave_out(&mut self, run: Option<Run>, over_by: Option<Timestamp>) {
        self.unknown.extend(run.map(|run| UnknownRun { from: run.from, over_by, why: WhyLeftOut::EndNotKnown }));
    }
}

impl UnknownRun {
    /// When it began. `None`: that is what is not known.
    fn begins(&self) -> Option<Timestamp> {
        (self.why == WhyLeftOut::EndNotKnown).then_some(self.from)
    }

    fn is_after(&self, from: Timestamp) -> bool {
        self.over_by.is_none_or(|over| from < over)
    }
}

/// When a resource was used, by its calls, oldest first.
pub fn uses(calls: &[Call]) -> Vec<Use> {
    let used = |call: &Call| {
        let what = match call.did {
            Did::Open => Used::Opened,
            Did::Create | Did::Start => Used::Started,
            Did::Stop | Did::Delete | Did::DeleteStopped => return None,
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

    /// The runs by these calls since the 1st.
    fn runs(calls: &[(&str, Did)], today: Today) -> Runs {
        let calls: Vec<Call> = calls.iter().map(|(time, did)| call(time, *did)).collect();
        Runs::of(&calls, at("01T00:00"), today)
    }

    fn on(since: &str) -> Today {
        Today::On(Some(at(since)))
    }

    fn off(since: &str) -> Today {
        Today::Off(Some(at(since)))
    }

    #[test]
    fn a_resource_is_on_between_its_calls() {
        use Did::{Create, Delete, DeleteStopped, Open, Start, Stop};
        use Ending::{ByItself, Deleted, Stopped};
        for (calls, today, expected) in [
            (&[("03T08:00", Start), ("03T18:00", Stop)][..], off("03T18:01"), &[("03T08:00", Some(("03T18:00", Stopped)))][..]),
            // It was on when the history begins.
            (&[("03T18:00", Stop)], off("03T18:01"), &[("01T00:00", Some(("03T18:00", Stopped)))]),
            (&[("03T18:00", Delete)], Today::Off(None), &[("01T00:00", Some(("03T18:00", Deleted)))]),
            // Only what is off can be deleted of notebooks.
            (&[("03T18:00", DeleteStopped)], Today::Off(None), &[]),
            (&[("03T18:00", Stop), ("04T08:00", Start)], on("04T08:03"), &[("01T00:00", Some(("03T18:00", Stopped))), ("04T08:00", None)]),
            // Deleting what is stopped ends no run.
            (
                &[("03T08:00", Create), ("03T18:00", Stop), ("04T08:00", DeleteStopped)],
                Today::Off(None),
                &[("03T08:00", Some(("03T18:00", Stopped)))],
            ),
            (&[("03T08:00", Create), ("03T18:00", Delete)], Today::Off(None), &[("03T08:00", Some(("03T18:00", Deleted)))]),
            // No call at all.
            (&[], on("02T08:00"), &[("02T08:00", None)]),
            (&[], off("02T08:00"), &[]),
            // It ended without a call.
            (&[("03T08:00", Start)], off("03T09:00"), &[("03T08:00", Some(("03T09:00", ByItself)))]),
            (&[("03T08:00", Start)], Today::Changing, &[("03T08:00", None)]),
            (&[("03T08:00", Start), ("03T18:00", Stop)], Today::Changing, &[("03T08:00", Some(("03T18:00", Stopped)))]),
            // Opening it is no start, and a second stop is none.
            (&[("03T08:00", Open), ("03T18:00", Stop), ("03T18:05", Stop)], off("03T18:01"), &[("01T00:00", Some(("03T18:00", Stopped)))]),
        ] {
            let end = |(time, how): (&str, Ending)| RunEnd { at: at(time), how };
            let run = |(from, until): &(&str, Option<(&str, Ending)>)| Run { from: at(from), end: until.map(end), instance_type: None };
            let expected = Runs { known: expected.iter().map(run).collect(), unknown: vec![] };
            assert_eq!(runs(calls, today), expected, "{calls:?} {today:?}");
        }
    }

    #[test]
    fn what_no_call_ends_or_begins_is_left_out_and_named() {
        use Did::{Create, DeleteStopped, Start, Stop};
        use WhyLeftOut::{EndNotKnown, StartNotKnown};
        for (calls, today, known, unknown) in [
            // The start of Monday failed, that of Tuesday did not.
            (
                &[("02T08:00", Start), ("03T08:00", Start)][..],
                on("03T08:03"),
                Some("03T08:00"),
                ("02T08:00", Some("03T08:00"), EndNotKnown),
            ),
            (
                &[("02T08:00", Create), ("03T08:00", Create), ("03T18:00", Stop)],
                off("03T18:00"),
                Some("03T08:00"),
                ("02T08:00", Some("03T08:00"), EndNotKnown),
            ),
            // Nobody deleted it by a call, and the state of today does not say when it ended.
            (&[("03T08:00", Create)], Today::Off(None), None, ("03T08:00", None, EndNotKnown)),
            (&[("03T08:00", Start)], off("03T07:00"), None, ("03T08:00", None, EndNotKnown)),
            // A notebook is off when it is deleted.
            (&[("03T08:00", Create), ("05T08:00", DeleteStopped)], Today::Off(None), None, ("03T08:00", Some("05T08:00"), EndNotKnown)),
            // It is on its way to another state, and no call says why.
            (&[], Today::Changing, None, ("01T00:00", None, StartNotKnown)),
            (&[], Today::On(None), None, ("01T00:00", None, StartNotKnown)),
        ] {
            let (from, over_by, why) = unknown;
            let runs = runs(calls, today);
            assert_eq!(runs.known.first().map(|run| run.from), known.map(at), "{calls:?} {today:?}");
            assert_eq!(runs.unknown, [UnknownRun { from: at(from), over_by: over_by.map(at), why }], "{calls:?} {today:?}");
            let left_out = LeftOut { id: "app/a".into(), from: (why == EndNotKnown).then(|| at(from)), why };
            assert_eq!(runs.left_out("app/a", at("02T12:00")).collect::<Vec<_>>(), [left_out], "{calls:?} {today:?}");
        }
        // What was over before the rehearsal begins is not named.
        let over = runs(&[("02T08:00", Create), ("05T08:00", DeleteStopped)], Today::Off(None));
        assert!(over.left_out("notebook-instance/a", at("05T08:00")).next().is_none() && !over.is_any_after(at("05T08:00")));
        assert!(over.is_any_after(at("05T07:59")));
    }

    #[test]
    fn who_opens_or_starts_it_uses_it() {
        let calls = [call("03T08:00", Did::Start), call("03T09:00", Did::Open), call("03T18:00", Did::Stop)];
        let used: Vec<(Timestamp, Used)> = uses(&calls).into_iter().map(|one| (one.at, one.what)).collect();
        assert_eq!(used, [(at("03T08:00"), Used::Started), (at("03T09:00"), Used::Opened)]);
    }
}
