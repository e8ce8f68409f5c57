//! What the past does not support: growth, an ending, a single event, too few days, gaps. A saving that rests on it is computed, but not promised.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    scaling::{
        lines::{needed, number},
        load::Load,
        replay::replay,
        setting::{ScaleIn, Setting, Terms},
        traffic::{MISSING, Traffic},
    },
    vocabulary::duration::roughly,
};

/// The minutes of a day and of a week.
const DAY: usize = 24 * 60;
const WEEK: usize = 7 * DAY;
/// Growth from one week to the next that counts, and of the last two days over the same days a week before.
const WEEKLY_GROWTH: f64 = 1.25;
const RECENT_GROWTH: f64 = 1.5;
/// What is left of the traffic of a week before if it has ended.
const ENDED: f64 = 0.1;
/// How much higher than all other days the day of a single event is.
const FLASH: f64 = 1.5;
/// Gaps of so many minutes are worth a word, and so large a share of minutes without datapoints forbids a promise.
const GAP: usize = 30;
const GAPS: f64 = 0.05;

/// Something to know about a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// In plain words.
    pub text: String,
    /// The saving may not be promised because of it.
    pub forbids_promise: bool,
}

impl Doubt {
    pub(super) fn grave(text: String) -> Self {
        Self { text, forbids_promise: true }
    }

    pub(super) fn slight(text: String) -> Self {
        Self { text, forbids_promise: false }
    }
}

/// What the traffic itself does not support.
pub(super) fn doubts(traffic: &Traffic) -> Vec<Doubt> {
    let requests: Vec<Option<u64>> = traffic.iter().collect();
    if requests.iter().all(|of| of.unwrap_or(0) == 0) {
        let of = length(requests.len());
        return vec![Doubt::grave(format!("It got no requests in {of}: find out whether anybody still needs it before you scale it."))];
    }
    let ended = ended(traffic, &requests);
    let growth = growth(traffic).filter(|_| ended.is_none());
    [too_few_days(requests.len()), gaps(traffic, &requests), ended, growth, flash(traffic, &requests)].into_iter().flatten().collect()
}

fn too_few_days(minutes: usize) -> Option<Doubt> {
    let of = length(minutes);
    match minutes {
        0..WEEK => Some(Doubt::grave(format!("These are only {of} of traffic: what other days of the week bring is not in them."))),
        // A day may be cut at both ends.
        minutes if minutes + DAY < 2 * WEEK => Some(Doubt::grave(format!(
            "These are {of} of traffic: each day of the week was seen only once or twice, so a weekly rhythm may be chance."
        ))),
        _ => None,
    }
}

fn gaps(traffic: &Traffic, requests: &[Option<u64>]) -> Option<Doubt> {
    let missing = requests.iter().filter(|of| of.is_none()).count();
    let (from, longest) = longest_run(requests, Option::is_none);
    if longest < GAP && missing * 200 < requests.len() {
        return None;
    }
    let text = format!(
        "{missing} minutes have no datapoint, up to {} in a row from {} on. Nothing is known of them, and scaling does nothing in them.",
        length(longest),
        words(traffic.time_of(from))
    );
    Some(Doubt { text, forbids_promise: GAPS * to_number(requests.len()) < to_number(missing) })
}

fn ended(traffic: &Traffic, requests: &[Option<u64>]) -> Option<Doubt> {
    let is_quiet = |of: &Option<u64>| of.unwrap_or(0) == 0;
    let last = requests.iter().rposition(|of| !is_quiet(of))?;
    let silent = requests.len() - last - 1;
    let (_, before) = longest_run(&requests[..=last], is_quiet);
    if DAY <= silent && before < silent || DAY / 4 <= silent && 3 * before < silent {
        let since = words(traffic.time_of(last + 1));
        return Some(Doubt::grave(format!(
            "There were no requests since {since}: if it is not needed any more, delete it instead of scaling it."
        )));
    }
    let minutes = requests.len();
    if minutes < DAY + WEEK {
        return None;
    }
    let (now, then) = (traffic.sum(minutes - DAY..minutes), traffic.sum(minutes - DAY - WEEK..minutes - WEEK));
    (now < ENDED * then).then(|| {
        Doubt::grave(format!("The last day had {} of the requests of the same day a week before: it may have ended.", percent(now / then)))
    })
}

fn growth(traffic: &Traffic) -> Option<Doubt> {
    let minutes = traffic.minutes();
    let sum = |from: usize, until: usize| traffic.sum(minutes - from..minutes - until);
    let grown = |now: f64, then: f64, least: f64| (0.0 < then && least * then <= now).then(|| now / then);
    let text = |by: f64, what: &str| {
        Doubt::grave(format!("{what}: {by:.1} times as many requests. What comes next may need more than the past did."))
    };
    if 2 * WEEK <= minutes + DAY {
        // The same days of the week, so that a weekend is compared with a weekend.
        let both = (minutes - WEEK).min(WEEK);
        let weekly = grown(sum(both, 0), sum(both + WEEK, WEEK), WEEKLY_GROWTH);
        let recent = grown(sum(2 * DAY, 0), sum(2 * DAY + WEEK, WEEK), RECENT_GROWTH);
        weekly
            .map(|by| text(by, "It grows from week to week"))
            .or(recent.map(|by| text(by, "Its last two days are above the same days a week before")))
    } else if 4 * DAY <= minutes {
        let half = minutes / DAY / 2 * DAY;
        grown(sum(half, 0), sum(2 * half, half), RECENT_GROWTH).map(|by| text(by, "It grows"))
    } else {
        None
    }
}

/// A single event makes the peak: all days but that one and those beside it are far below.
fn flash(traffic: &Traffic, requests: &[Option<u64>]) -> Option<Doubt> {
    let peak_of = |day: &[Option<u64>]| day.iter().enumerate().filter_map(|(at, of)| Some(((*of)?, at))).max();
    let peaks: Vec<(u64, usize)> = requests.chunks(DAY).map(|day| peak_of(day).unwrap_or_default()).collect();
    let (day, (peak, minute)) = peaks.iter().enumerate().max_by_key(|(_, peak)| **peak)?;
    let others = peaks.iter().enumerate().filter(|(other, _)| 1 < other.abs_diff(day)).map(|(_, (peak, _))| *peak);
    let second = (4 <= peaks.len()).then(|| others.max()).flatten()?;
    let at = words(traffic.time_of(day * DAY + minute));
    // Small counts differ by chance.
    let by_chance = 3.0 * number(second).sqrt();
    (FLASH * number(second) <= number(*peak) && number(second) + by_chance < number(*peak))
        .then(|| Doubt::grave(format!("A single event makes the peak: {peak} requests a minute on {at}, at most {second} on other days. The next one may be larger or never come.")))
}

/// What there is to know of a setting: what it does on a bad day, at a higher peak, and from zero.
pub(super) fn of_setting(load: &Load, terms: &Terms, setting: &Setting, allowed: u64) -> Vec<Doubt> {
    let mut doubts = vec![];
    if setting.min == setting.max && setting.schedules.is_empty() {
        return doubts;
    }
    let late = Terms { metric_delay: Terms::LONG_METRIC_DELAY.max(terms.metric_delay), ..*terms };
    let short = [ScaleIn::Gradual, ScaleIn::Proportional].map(|scale_in| replay(load, setting, &late, scale_in, None).short_minutes);
    let short = short.into_iter().max().unwrap_or(0);
    if allowed < short {
        doubts.push(Doubt::slight(format!(
            "On a day on which CloudWatch's metrics are three minutes late, {short} minutes would be overloaded. The guard accepts {allowed}."
        )));
    }
    let peak = load.requests.iter().copied().filter(|requests| *requests != MISSING).max().unwrap_or(0);
    if setting.max < needed(peak, setting.target) {
        doubts.push(Doubt::slight(format!(
            "The maximum of {} bounds it at its peaks. A higher peak than in the past needs a higher one.",
            setting.max
        )));
    }
    if setting.least() == 0 {
        let text = "With no instance, the first requests wait for one or fail until it has started. It also needs a step policy that adds the first instance.";
        doubts.push(Doubt::slight(text.to_owned()));
    }
    doubts
}

/// The first longest run of such minutes: where it begins, and how long it is.
fn longest_run(requests: &[Option<u64>], is: impl Fn(&Option<u64>) -> bool) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), 0);
    for (at, of) in requests.iter().enumerate() {
        run = if is(of) { run + 1 } else { 0 };
        if best.1 < run {
            best = (at + 1 - run, run);
        }
    }
    best
}

fn length(minutes: usize) -> String {
    roughly(SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX / 60)))
}

fn words(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%a %F %H:%M UTC").to_string()
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn to_number(count: usize) -> f64 {
    number(count as u64)
}
