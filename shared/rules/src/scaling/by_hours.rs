//! The search for scheduled actions that make a setting cheaper than tracking alone.

use crate::scaling::{
    days::Days,
    hours::{Hours, Levels},
    search::Search,
    setting::Setting,
};

/// Pieces of a day that are tried.
const PIECES: [usize; 3] = [3, 5, 9];
/// Targets that are tried with each schedule, in hundredths of what an instance carries.
const TARGETS: [u32; 4] = [95, 80, 65, 50];
/// Targets of which the short minutes are looked at, and what share of the need the minimum covers.
const TRACKED: [u32; 2] = [85, 60];
/// Shares of the need that the minimum of an hour covers, in hundredths. Tracking adds the rest.
const COVERED: [u32; 2] = [100, 60];

impl Search<'_> {
    /// Tries scheduled actions, with at least `least` instances at any time.
    pub(super) fn by_hours(&mut self, hours: &Hours, least: u32, fixed: u32) {
        let floor = self.need.floor(least, self.allowed);
        for grouping in hours.groupings(self.load) {
            for profile in self.profiles(hours, &grouping, least, fixed) {
                for pieces in PIECES {
                    let Some(schedules) = hours.actions(&profile, pieces, fixed) else { continue };
                    let min = schedules.iter().map(|action| action.min).min().unwrap_or(least);
                    let max = schedules.iter().map(|action| action.max).max().unwrap_or(fixed);
                    self.targets(&TARGETS, &floor, |search, hundredths| Setting {
                        schedules: schedules.clone(),
                        ..search.setting(min, max, hundredths)
                    });
                }
            }
        }
    }

    /// Levels by the hours, of each group of days: where tracking alone is too late, and a share of what is needed.
    fn profiles(&self, hours: &Hours, grouping: &[Days], least: u32, fixed: u32) -> Vec<Vec<(Days, Levels)>> {
        let mut profiles = vec![];
        let need = self.need.by_minute();
        for hundredths in TRACKED {
            let short = self.short_minutes(&self.setting(least, fixed, hundredths));
            let of = |days: &Days| (*days, hours.levels(short.iter().map(|minute| (*minute, need[*minute].min(fixed))), *days));
            profiles.push(grouping.iter().map(of).collect::<Vec<_>>());
        }
        let full = |days: &Days| hours.levels(need.iter().map(|need| (*need).min(fixed)).enumerate(), *days);
        let full: Vec<_> = grouping.iter().map(|days| (*days, full(days))).collect();
        for hundredths in COVERED {
            profiles.push(full.iter().map(|(days, levels)| (*days, levels.map(|level| share(level, hundredths)))).collect());
        }
        let at_least =
            |profile: &mut Vec<(Days, Levels)>| profile.iter_mut().for_each(|(_, levels)| *levels = levels.map(|level| level.max(least)));
        profiles.iter_mut().for_each(at_least);
        profiles
    }
}

/// So many hundredths of a number of instances, rounded up.
fn share(instances: u32, hundredths: u32) -> u32 {
    let all = (u64::from(instances) * u64::from(hundredths)).div_ceil(100);
    u32::try_from(all).unwrap_or(u32::MAX)
}
