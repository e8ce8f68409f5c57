//! The proposal: of all settings that keep the share of short minutes, the cheapest one.

use jiff::tz::TimeZone;

use crate::scaling::{
    chart::DayChart,
    days::without_repeats,
    hours::Hours,
    lines::{needed, number},
    load::Load,
    need::Need,
    outlook::{self, Doubt},
    replay::{dearer, replay},
    search::Search,
    setting::{Replayed, ScaleIn, Setting, Terms},
    traffic::{MISSING, Traffic},
};

/// What a proposal is made of.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is assumed of the instances.
    pub terms: Terms,
    /// How many instances run today.
    pub instances: u32,
    /// Never fewer than this: 1 for a plain variant, 2 where production asks for it, 0 where the kind can scale to zero.
    pub min_instances: u32,
    /// The largest share of minutes that may be short.
    pub max_short_share: f64,
    /// The time zone of scheduled actions.
    pub zone: TimeZone,
}

/// What is advised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Target tracking.
    Scale,
    /// Target tracking and scheduled actions.
    Schedule,
    /// A fixed number of instances.
    Fixed,
    /// No instances while nobody calls.
    ToZero,
}

impl Advice {
    /// Its name in the output of `cost-guard`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scale => "scale",
            Self::Schedule => "schedule",
            Self::Fixed => "fixed",
            Self::ToZero => "to-zero",
        }
    }
}

/// A proposal.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// What is advised.
    pub advice: Advice,
    /// The setting. With [`Advice::Fixed`], minimum and maximum are the same, and the target is never used.
    pub setting: Setting,
    /// Why it is this one.
    pub reason: String,
    /// Its replay: the more expensive one of both ways of scaling in.
    pub replay: Replayed,
    /// The replay of the instances of today.
    pub today: Replayed,
    /// How many minutes may be short.
    pub allowed: u64,
    /// Its busiest day. `None`: the traffic has no whole day.
    pub day: Option<DayChart>,
    /// What the past does not support, or what else there is to know.
    pub doubts: Vec<Doubt>,
}

/// Minutes of a month: 730 hours.
pub const MINUTES_PER_MONTH: u32 = 730 * 60;

/// Scheduled actions must make a setting cheaper by this many hundredths: they are one more thing to keep right.
const SCHEDULE_MARGIN: u64 = 5;
/// Scaling must make it cheaper than a fixed number by this many hundredths.
const SCALE_MARGIN: u64 = 1;
/// The head-room of the maximum over what the highest peak needs, in hundredths, where it costs nothing.
const HEAD_ROOM: u32 = 20;

impl Proposal {
    /// Whether the saving may be promised.
    pub fn is_promised(&self) -> bool {
        !self.doubts.iter().any(|doubt| doubt.forbids_promise)
    }

    /// The instance-hours that it saves in a month of 730 hours.
    pub fn saved_hours_per_month(&self) -> f64 {
        let saved = number(self.today.instance_minutes) - number(self.replay.instance_minutes);
        saved / number(self.today.minutes.max(1)) * f64::from(MINUTES_PER_MONTH) / 60.0
    }
}

/// Works out a proposal. It is never more expensive than today.
pub fn propose(traffic: &Traffic, question: &Question) -> Proposal {
    let load = Load::new(traffic);
    let need = Need::of(&load, question.terms.per_instance);
    let allowed = allowed(&load, question.max_short_share);
    let fixed = need.fixed(allowed).max(question.min_instances).max(1);
    let is_open =
        load.requests.iter().any(|requests| *requests != MISSING) && question.min_instances <= question.instances && !need.is_absurd();
    let found = if is_open { search(&load, question, &need, allowed) } else { None };
    let (setting, reason) = match found {
        Some(setting) => (setting, "the cheapest setting that keeps the share of short minutes".to_owned()),
        None if is_open && fixed < question.instances => (
            Setting::fixed(fixed, question.terms.per_instance),
            format!("{fixed} carry the load as well as {}, and scaling saves no more", question.instances),
        ),
        None => (today(question), why_today(question, fixed, is_open)),
    };
    let proposal = with(traffic, &load, question, setting, reason);
    debug_assert!(proposal.replay.instance_minutes <= u64::from(question.instances) * load.minutes() as u64);
    proposal
}

/// The proposal of a setting that was proposed before. `None`: by now it would not keep the share of short minutes.
pub fn propose_again(traffic: &Traffic, question: &Question, setting: Setting) -> Option<Proposal> {
    let load = Load::new(traffic);
    let allowed = allowed(&load, question.max_short_share);
    let is_kept = |scale_in| replay(&load, &setting, &question.terms, scale_in, None).short_minutes <= allowed;
    let is_kept = [ScaleIn::Gradual, ScaleIn::Proportional].into_iter().all(is_kept) && question.min_instances <= setting.least();
    is_kept
        .then(|| with(traffic, &load, question, setting, "it was proposed before, and still keeps the share of short minutes".to_owned()))
}

/// The proposal of this setting.
fn with(traffic: &Traffic, load: &Load, question: &Question, setting: Setting, reason: String) -> Proposal {
    let allowed = allowed(load, question.max_short_share);
    let [today, replay] = [&today(question), &setting].map(|setting| dearer(load, setting, &question.terms, None));
    let mut doubts = outlook::doubts(traffic);
    doubts.extend(outlook::of_setting(load, &question.terms, &setting, allowed));
    let day = DayChart::new(load, [&self::today(question), &setting], &question.terms, &question.zone);
    Proposal { advice: advice(&setting), setting, reason, replay, today, allowed, day, doubts }
}

/// How many minutes may be short.
pub(super) fn allowed(load: &Load, share: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the minutes")]
    // A share like 0.1 of 30 minutes is three, whatever the binary fraction.
    let allowed = (number(load.minutes() as u64) * share.clamp(0.0, 1.0) + 1e-6).floor() as u64;
    allowed
}

fn today(question: &Question) -> Setting {
    Setting::fixed(question.instances, question.terms.per_instance)
}

fn why_today(question: &Question, fixed: u32, is_open: bool) -> String {
    let now = question.instances;
    match () {
        () if now < question.min_instances => {
            format!("{now} run, fewer than the minimum of {}: nothing is cheaper", question.min_instances)
        }
        () if !is_open => "nothing is known of its traffic".to_owned(),
        () if now < fixed => format!("{now} are too few already: {fixed} would keep the share of short minutes"),
        () => "no cheaper setting keeps the share of short minutes".to_owned(),
    }
}

fn advice(setting: &Setting) -> Advice {
    match setting {
        _ if setting.least() == 0 && 0 < setting.max => Advice::ToZero,
        Setting { schedules, .. } if !schedules.is_empty() => Advice::Schedule,
        Setting { min, max, .. } if min == max => Advice::Fixed,
        _ => Advice::Scale,
    }
}

/// The cheapest setting that is cheaper than a fixed number.
fn search(load: &Load, question: &Question, need: &Need, allowed: u64) -> Option<Setting> {
    let least = question.min_instances;
    // A maximum above the instances of today is no harm: what counts is the cost.
    let fixed = need.fixed(allowed).max(least).max(1);
    let limit = u64::from(fixed.min(question.instances)) * load.minutes() as u64;
    let mut plain = Search::new(load, question.terms, need, allowed, limit - limit / 100 * SCALE_MARGIN);
    plain.coarse(least, fixed);
    plain.fine(least);
    let cost = plain.best().map_or(limit, |found| found.replayed.instance_minutes);
    let mut hourly = Search::new(load, question.terms, need, allowed, cost - cost / 100 * SCHEDULE_MARGIN);
    hourly.by_hours(&Hours::of(load, question.zone.clone(), &question.terms), least, fixed);
    hourly.fine(least);
    let best = hourly.best().or(plain.best())?.setting.clone();
    let schedules = without_repeats(best.schedules.clone(), load.starts_at);
    Some(with_head_room(load, question, Setting { schedules, ..best }, allowed))
}

/// The same setting with a higher maximum, where that costs next to nothing: the next peak may be higher than the last.
fn with_head_room(load: &Load, question: &Question, setting: Setting, allowed: u64) -> Setting {
    let peak = load.requests.iter().copied().filter(|requests| *requests != MISSING).max().unwrap_or(0);
    let most = needed(peak, setting.target).saturating_add(needed(peak, setting.target).saturating_mul(HEAD_ROOM).div_ceil(100));
    if most <= setting.max {
        return setting;
    }
    let mut schedules = setting.schedules.clone();
    for action in &mut schedules {
        action.max = most;
    }
    let higher = Setting { max: most, schedules, ..setting.clone() };
    let (before, after) = (dearer(load, &setting, &question.terms, None), dearer(load, &higher, &question.terms, None));
    let is_as_good = after.instance_minutes <= before.instance_minutes + before.instance_minutes / 100
        && after.short_minutes <= allowed.min(before.short_minutes);
    if is_as_good { higher } else { setting }
}

#[cfg(test)]
mod tests;
