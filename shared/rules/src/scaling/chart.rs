//! A small chart of one day for mails: what the load needs, hour by hour, and the instances now and proposed.
//!
//! Each hour is a line that begins with a bar. So it stays readable in a proportional font, in which columns do not line up.

use jiff::{SignedDuration, ToSpan as _, ZonedDateTime, tz::TimeZone};

use crate::scaling::{
    lines::number,
    load::Load,
    replay::billed_by_minute,
    setting::{Setting, Terms},
    traffic::MISSING,
};

/// The bar of the highest hour, in characters.
const WIDTH: u32 = 30;
/// Eighths of a character.
const EIGHTHS: [char; 7] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// The busiest day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayChart {
    /// When it begins, by the clock of the chart.
    pub begins: ZonedDateTime,
    /// The chart.
    pub text: String,
}

impl DayChart {
    /// The busiest day with the instances of today and those of a setting. `None`: the traffic has no whole day.
    pub(super) fn new(load: &Load, settings: [&Setting; 2], terms: &Terms, zone: &TimeZone) -> Option<Self> {
        let from = busiest_day(load, zone)?;
        let [now, proposed] = settings.map(|setting| billed_by_minute(load, setting, terms, None));
        let begins = load.starts_at.checked_add(SignedDuration::from_mins(i64::try_from(from).ok()?)).ok()?;
        Some(Self {
            begins: begins.to_zoned_datetime(zone.clone()),
            text: chart_of_day(load, terms.per_instance, from, &now, &proposed, zone),
        })
    }
}

/// One day, hour by hour, as lines of at most 72 characters. `now` and `proposed` are the instances of each minute of the load, and `from` the minute at which
/// the day begins.
fn chart_of_day(load: &Load, per_instance: f64, from: usize, now: &[u32], proposed: &[u32], zone: &TimeZone) -> String {
    let until = (from + 24 * 60).min(load.minutes());
    let hours: Vec<usize> = (from..until).step_by(60).collect();
    let most = |of: &[u32], hour: usize| of.get(hour..(hour + 60).min(of.len())).and_then(|of| of.iter().max().copied()).unwrap_or(0);
    let needs: Vec<Option<f64>> = hours.iter().map(|hour| need(load, per_instance, *hour, until)).collect();
    let highest = needs.iter().flatten().copied().fold(1.0, f64::max);
    let lines = hours.iter().zip(&needs).map(|(hour, need)| {
        let at = load.starts_at.checked_add(SignedDuration::from_mins(i64::try_from(*hour).unwrap_or(0))).unwrap_or(load.starts_at);
        let time = at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string();
        let load = need.map_or_else(|| "? no data".to_owned(), |need| format!("{} {need:.1}", bar(need / highest)));
        format!("{time} {load} of {}, proposed {}\n", most(now, *hour), most(proposed, *hour))
    });
    lines.collect()
}

/// The minute at which the whole day with the most requests begins. `None`: the traffic has no whole day.
fn busiest_day(load: &Load, zone: &TimeZone) -> Option<usize> {
    let starts_at = load.starts_at.to_zoned_datetime(zone.clone());
    let midnights = (0..=i64::try_from(load.minutes() / (24 * 60)).ok()? + 1).filter_map(|day| {
        let midnight = starts_at.checked_add(day.days()).ok()?.start_of_day().ok()?;
        usize::try_from(midnight.timestamp().duration_since(load.starts_at).as_mins()).ok()
    });
    let whole = midnights.filter(|from| from + 24 * 60 <= load.minutes());
    let requests = |from: &usize| load.requests[*from..from + 24 * 60].iter().filter(|requests| **requests != MISSING).sum::<u64>();
    // Of equal days, the last one.
    whole.max_by_key(requests)
}

/// The instances that the busiest minute of an hour needs, with a fraction. `None`: no minute has a datapoint.
fn need(load: &Load, per_instance: f64, from: usize, until: usize) -> Option<f64> {
    let minutes = &load.requests[from..(from + 60).min(until)];
    minutes.iter().filter(|requests| **requests != MISSING).max().map(|requests| number(*requests) / per_instance)
}

fn bar(share: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 240")]
    let eighths = (share.clamp(0.0, 1.0) * f64::from(WIDTH * 8)).round() as usize;
    let full = std::iter::repeat_n('█', eighths / 8);
    full.chain((eighths % 8).checked_sub(1).map(|part| EIGHTHS[part])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::Traffic;

    #[test]
    fn the_busiest_day_is_a_whole_one_by_the_zones_clock() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        // From noon on, 60 hours: Tuesday and Wednesday are whole, and Wednesday has more requests.
        let requests = (0..60 * 60_u64).map(|minute| Some(if minute < 720 { 100 } else { minute / 60 }));
        let load = Load::new(&Traffic::new("2026-11-23T11:00:00Z".parse().unwrap(), requests));
        assert_eq!(busiest_day(&load, &zone), Some((12 + 24) * 60));
        let short = Load::new(&Traffic::new("2026-11-23T11:00:00Z".parse().unwrap(), vec![Some(1); 1440]));
        assert_eq!(busiest_day(&short, &zone), None);
    }

    #[test]
    fn a_day_is_24_short_lines() {
        let requests = (0..2 * 1440_u64).map(|minute| match minute / 60 % 24 {
            3 => None,
            hour => Some(hour * 50),
        });
        let load = Load::new(&Traffic::new("2026-11-23T00:00:00Z".parse().unwrap(), requests));
        let (now, proposed) = (vec![12; 2880], vec![4; 2880]);
        let chart = chart_of_day(&load, 100.0, 1440, &now, &proposed, &TimeZone::UTC);
        let lines: Vec<&str> = chart.lines().collect();
        assert_eq!(lines.len(), 24);
        assert_eq!(lines[0], "00:00  0.0 of 12, proposed 4");
        assert_eq!(lines[1], "01:00 █▎ 0.5 of 12, proposed 4");
        assert_eq!(lines[3], "03:00 ? no data of 12, proposed 4");
        assert_eq!(lines[23], format!("23:00 {} 11.5 of 12, proposed 4", "█".repeat(30)));
        assert!(lines.iter().all(|line| line.chars().count() <= 72));
    }
}
