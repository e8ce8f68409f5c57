//! `[working-hours]`: when people work, and on which days nobody does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{civil::Date, tz::TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use toml::value::Datetime;

use crate::{
    policy::{
        guard_keys::{SCHEDULE_TAG, Slip},
        required_tags::plain,
        settings::Policy,
        toml::{DAY, TEAM, by_team, day},
    },
    vocabulary::{
        calendars::Calendars,
        resource::Resource,
        schedule::Schedule,
        text::{alike, one_line},
        time_zone::{ZONE, zone_named},
        working_time::Calendar,
    },
};

/// The section as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WorkingHours {
    /// Working hours where neither the resource nor its team has its own.
    pub(super) default: Schedule,
    /// Working hours by team.
    #[serde(deserialize_with = "by_team")]
    #[schemars(extend("propertyNames" = { "pattern": TEAM }))]
    pub(super) teams: BTreeMap<String, Schedule>,
    /// Days on which nobody works in the policy's `timezone`. Working hours in another time zone are not changed by them. If `timezone` is `UTC`, they are
    /// the days of the time zone of `default`, too.
    holidays: Days,
    /// Days on which nobody works, by time zone: `{ "Asia/Bangkok" = ["2026-12-07"] }`. They apply to working hours in this time zone.
    #[serde(deserialize_with = "by_zone")]
    #[schemars(schema_with = "by_zone_schema")]
    zone_holidays: BTreeMap<String, Days>,
    /// Days on which a team does not work, instead of those of its time zone. They do not apply to a resource with its own working hours in another time zone.
    #[serde(deserialize_with = "by_team")]
    #[schemars(extend("propertyNames" = { "pattern": TEAM }))]
    team_holidays: BTreeMap<String, Days>,
}

impl Default for WorkingHours {
    fn default() -> Self {
        let usual = "mon-fri/08:00-19:00".parse().unwrap_or_else(|_| Schedule::always());
        Self {
            default: usual,
            teams: BTreeMap::new(),
            holidays: Days::default(),
            zone_holidays: BTreeMap::new(),
            team_holidays: BTreeMap::new(),
        }
    }
}

impl WorkingHours {
    /// The policy's own calendar, and those of other zones and of teams.
    pub(super) fn calendars(&mut self, zone: &TimeZone) -> (Calendar, Calendars) {
        let calendar = |days: Days| Calendar { zone: zone.clone(), holidays: days.0 };
        let mut zones = std::mem::take(&mut self.zone_holidays);
        let mut own = std::mem::take(&mut self.holidays);
        // UTC is the time zone of no country, so the days are meant for where the usual working hours are.
        let bare = calendar(Days::default());
        let is_utc = zone.iana_name() == Some("UTC");
        if let Some(usual) = self.default.zone(&bare).iana_name().filter(|_| is_utc) {
            zones.entry(usual.to_owned()).or_default().0.extend(&own.0);
        }
        own.0.extend(zone.iana_name().and_then(|name| zones.remove(name)).unwrap_or_default().0);
        let all = |days: BTreeMap<String, Days>| days.into_iter().map(|(name, days)| (name, calendar(days))).collect();
        (calendar(own), Calendars { by_zone: all(zones), by_team: all(std::mem::take(&mut self.team_holidays)), without_holidays: bare })
    }
}

/// The working hours of a resource.
#[derive(Debug)]
pub(crate) struct HoursOf<'a> {
    pub(crate) schedule: Schedule,
    /// Where they come from, for people: `its own`, `team vision's`, `the policy's`.
    pub(crate) whose: String,
    /// The days on which nobody works.
    pub(crate) calendar: &'a Calendar,
    /// What its owner is told: its team has no hours, and one with nearly the same name has.
    pub(crate) slip: Option<String>,
}

impl Policy {
    /// The working hours of a resource: its own, else its team's, else the policy's.
    ///
    /// # Errors
    /// The resource's own hours cannot be read.
    pub(crate) fn hours_of(&self, resource: &Resource) -> Result<HoursOf<'_>, String> {
        let team = self.team_of(resource);
        let team_hours = team.as_ref().and_then(|team| alike(&self.team_hours, team));
        let usual = team_hours.map_or(&self.hours, |(_, hours)| hours);
        let own = self.own_hours_of(resource)?;
        let whose = match (&own, team_hours) {
            (Some(_), _) => "its own".to_owned(),
            (None, Some((team, _))) => format!("team {team}'s"),
            (None, None) => "the policy's".to_owned(),
        };
        let is_by_default = own.is_none() && team_hours.is_none();
        let meant = team.as_ref().filter(|_| is_by_default).and_then(|team| Some((team, self.team_meant(team)?)));
        let slip = meant.map(|(team, (what, meant))| team_slip(what, team, meant));
        let schedule = own.unwrap_or_else(|| usual.clone());
        // The team's days are those of where it is: not of somebody of the team who works in another zone.
        let is_where_the_team_is = schedule.zone(&self.calendar).iana_name() == usual.zone(&self.calendar).iana_name();
        let of_team =
            team.as_ref().and_then(|team| alike(&self.calendars.by_team, team)).map(|(_, days)| days).filter(|_| is_where_the_team_is);
        let calendar = of_team.unwrap_or_else(|| self.calendars.of(&schedule, &self.calendar));
        Ok(HoursOf { schedule, whose, calendar, slip })
    }

    /// The team with hours or holidays of its own that may be meant by the name of one without: `vision` by `Visoin` or `Vision Team`, and what it has.
    fn team_meant(&self, team: &str) -> Option<(&str, &str)> {
        let is_meant = |known: &&String| is_nearly_team(team, known);
        let by_hours = self.team_hours.keys().find(is_meant).map(|team| ("working hours", team.as_str()));
        let holidays = &self.calendars.by_team;
        let by_holidays = || holidays.keys().filter(|_| alike(holidays, team).is_none()).find(is_meant);
        by_hours.or_else(|| by_holidays().map(|team| ("holidays", team.as_str())))
    }

    /// The working hours by the resource's own tag. `None`: it has no such tag.
    fn own_hours_of(&self, resource: &Resource) -> Result<Option<Schedule>, String> {
        let Some(tags) = resource.tags.read() else { return Ok(None) };
        if let Some(key) = tags.keys().find(|key| self.slip_of(key) == Some(Slip::Of(SCHEDULE_TAG))) {
            return Err(format!("its tag \"{key}\" cannot be read"));
        }
        let own = tags.get(SCHEDULE_TAG).map(|own| own.parse());
        own.transpose().map_err(|_| format!("its tag {SCHEDULE_TAG} cannot be read"))
    }
}

/// What is told of a team for which the policy has nothing, if one with nearly the same name is meant.
pub(crate) fn team_slip(what: &str, team: &str, meant: &str) -> String {
    format!("The policy has no {what} for its team \"{}\". If {meant} is meant, correct the team's tag.", one_line(team))
}

/// Whether a known team may be meant by the name of another.
pub(crate) fn is_nearly_team(team: &str, known: &str) -> bool {
    !has_another_number(team, known) && (has_words_of(team, known) || is_mistyped(&letters_of_team(team), &letters_of_team(known)))
}

/// Whether a known team's name is written with slips: `visoin`, but not `vision-eu`, which may be another team.
pub(crate) fn is_mistyped_team(team: &str, known: &str) -> bool {
    !has_another_number(team, known) && is_mistyped(&letters_of_team(team), &letters_of_team(known))
}

/// Whether the teams `ml-1` and `ml-2` differ by their numbers.
fn has_another_number(team: &str, known: &str) -> bool {
    number_of_team(team).zip(number_of_team(known)).is_some_and(|(number, known)| number != known)
}

/// Whether a team's name begins or ends with the whole name of another, and has further words: `Vision Team` and `ml/vision`, but not `television`.
fn has_words_of(team: &str, known: &str) -> bool {
    let known = letters_of_team(known);
    let is_end = |last: char, next: char| last.is_alphanumeric() != next.is_alphanumeric() || (last.is_lowercase() && next.is_uppercase());
    let pairs = team.char_indices().zip(team.chars().skip(1));
    let mut ends = pairs.filter(|((_, last), next)| is_end(*last, *next)).map(|((at, last), _)| at + last.len_utf8());
    let is_beside = |at: usize| [&team[..at], &team[at..]].iter().any(|part| letters_of_team(part) == known);
    let is_with_team = || letters_of_team(team).strip_suffix("team").is_some_and(|front| front == known);
    3 <= known.len() && (ends.any(is_beside) || is_with_team())
}

/// Whether letters are those of a known name with slips in them. The first letter is rarely one, and makes another word: `brisk` is not `risk`.
fn is_mistyped(letters: &str, known: &str) -> bool {
    let sorted = |text: &str| {
        let mut all: Vec<char> = text.chars().collect();
        all.sort_unstable();
        all
    };
    let distance = strsim::osa_distance(letters, known);
    let begins_alike = letters.chars().next() == known.chars().next();
    distance <= known.len() / 4 && (begins_alike || sorted(letters) == sorted(known))
}

/// What tells teams of the same name apart: the number or the one letter at its end, as in `squad-12` and `team-a`.
fn number_of_team(team: &str) -> Option<String> {
    let lower = team.trim().to_lowercase();
    let last = lower.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let number = last.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = if last.chars().count() == 1 { last } else { number };
    Some(number.to_owned()).filter(|number| !number.is_empty())
}

/// The letters of a team's name, however its words are joined: `rd` of `R&D`, `r-and-d` and `rnd`.
fn letters_of_team(team: &str) -> String {
    const AND: [&str; 4] = ["and", "et", "n", "und"];
    let lower = team.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !AND.contains(word));
    let letters = words.map(plain).collect::<String>();
    match letters.chars().collect::<Vec<_>>()[..] {
        [first, 'n', last] => format!("{first}{last}"),
        _ => letters,
    }
}

/// Days, each as a text or as TOML's own date: `["2026-12-25", 2027-01-01]`.
#[derive(Debug, Default, Serialize)]
struct Days(BTreeSet<Date>);

/// What stands where a list of days is expected.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Days(Vec<Day>),
    NoList(de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Day {
    Text(String),
    Toml(Datetime),
    Number(i64),
    Other(de::IgnoredAny),
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written::Days(days) = Written::deserialize(deserializer)? else {
            return Err(de::Error::custom(
                "expected a list of days, for example [\"2026-12-25\"]. Days of a time zone stand in `zone-holidays` under its name in quotes, those of a team in \
                 `team-holidays`",
            ));
        };
        let read = |written| {
            let text = match written {
                Day::Text(text) => text,
                Day::Toml(day) => day.to_string(),
                Day::Number(number) => number.to_string(),
                Day::Other(_) => return Err(de::Error::custom("something in the list is not a day: write for example \"2026-12-25\"")),
            };
            day(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is not a day: write for example \"2026-12-25\"")))
        };
        Ok(Self(days.into_iter().map(read).collect::<Result<_, _>>()?))
    }
}

impl JsonSchema for Days {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Days".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": { "title": "day", "type": "string", "pattern": DAY, "examples": ["2026-12-25"] } })
    }
}

/// Reads days by time zone. The zones get the name that [`zone_named`] gives them.
fn by_zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Days>, D::Error> {
    let mut zones = BTreeMap::<String, Days>::new();
    for (name, days) in BTreeMap::<String, Days>::deserialize(deserializer)? {
        let zone = zone_named(&name).map_err(de::Error::custom)?;
        zones.entry(zone.iana_name().unwrap_or(&name).to_owned()).or_default().0.extend(days.0);
    }
    Ok(zones)
}

fn by_zone_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = generator.subschema_for::<BTreeMap<String, Days>>();
    schema.insert("propertyNames".into(), serde_json::json!({ "pattern": format!("^{ZONE}$") }));
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{resource, with_tags};

    const POLICY: &str = r#"
        timezone = "America/New_York"
        [working-hours]
        default = "mon-fri/09:00-18:00"
        holidays = ["2026-11-26", 2026-12-25]
        teams = { bangkok = "mon-fri/09:00-18:00@Asia/Bangkok", berlin = "mon-fri/09:00-18:00@Europe/Berlin" }
        zone-holidays = { "asia/bangkok" = ["2026-12-07"], "America/New_York" = ["2027-01-01"] }
        team-holidays = { berlin = ["2026-12-24"], sales = ["2026-11-27"] }
        "#;

    fn works_on(policy: &str, tags: &[(&str, &str)], day: &str) -> bool {
        let policy = Policy::from_toml(policy).unwrap();
        let resource = with_tags(resource("notebook-instance/x"), tags);
        let HoursOf { schedule, calendar, .. } = policy.hours_of(&resource).unwrap();
        let noon = day.parse::<Date>().unwrap().at(12, 0, 0, 0).to_zoned_datetime(schedule.zone(calendar).clone()).unwrap();
        schedule.is_working(noon.timestamp(), calendar)
    }

    #[test]
    fn a_holiday_of_one_country_is_none_of_another() {
        let own = |hours: &'static str| ("cost-guard:schedule", hours);
        for (tags, day, works) in [
            (&[][..], "2026-11-26", false), // the policy's own
            (&[], "2026-12-25", false),
            (&[], "2027-01-01", false), // what is written for the zone of the policy is its own, too
            (&[], "2026-12-07", true),
            (&[("Team", "bangkok")], "2026-11-26", true),
            (&[("Team", "bangkok")], "2026-12-07", false),
            (&[own("mon-fri/09:00-18:00@Asia/Bangkok")], "2026-11-26", true),
            (&[own("mon-fri/09:00-18:00@Asia/Bangkok")], "2026-12-07", false),
            (&[own("mon-fri/09:00-18:00@Asia/Tokyo")], "2026-11-26", true),
            (&[own("mon-fri/09:00-18:00@Asia/Tokyo")], "2026-12-07", true),
            (&[own("mon-fri/09:00-18:00@America/New_York")], "2026-11-26", false),
            (&[own("mon-fri/09:00-18:00@america/new_york")], "2026-11-26", false),
            (&[own("mon-fri/09:00-18:00")], "2026-11-26", false), // it is in the policy's zone
            (&[own("mon-fri/09:00-18:00"), ("Team", "bangkok")], "2026-11-26", false),
            (&[own("always")], "2026-11-26", true),
            (&[own("mon-fri/09:00-18:00@US/Eastern")], "2026-11-26", false), // another name of the policy's zone
            (&[own("mon-fri/10:00-18:00@Europe/Oslo")], "2026-12-25", true), // Berlin's clock is not Berlin's country
            // A team's days are instead of those of its zone.
            (&[("Team", "berlin")], "2026-12-24", false),
            (&[("Team", "berlin")], "2026-11-26", true),
            (&[("Team", "sales")], "2026-11-27", false),
            (&[("Team", "sales")], "2026-11-26", true),
            (&[own("mon-fri/10:00-18:00@Europe/Berlin"), ("Team", "berlin")], "2026-12-24", false),
            (&[own("mon-fri/10:00-18:00@Asia/Bangkok"), ("Team", "berlin")], "2026-12-24", true),
            (&[own("mon-fri/10:00-18:00@Asia/Bangkok"), ("Team", "sales")], "2026-11-27", true),
            (&[own("mon-fri/10:00-18:00@Asia/Bangkok"), ("Team", "sales")], "2026-12-07", false),
        ] {
            assert_eq!(works_on(POLICY, tags, day), works, "{tags:?} on {day}");
        }
    }

    #[test]
    fn a_team_with_a_slip_was_judged_by_the_hours_of_others_without_a_word() {
        let policy = Policy::from_toml("[working-hours.teams]\nvision = \"always\"\n\"Data Science\" = \"always\"").unwrap();
        for (tags, meant) in [
            (&[("Team", "Visoin")][..], Some("vision")),
            (&[("Team", "Vision Team")], Some("vision")),
            (&[("Team", "ml/vision")], Some("vision")),
            (&[("Team", "data-sience")], Some("Data Science")),
            (&[("Team", "VISION")], None),
            (&[("Team", "nlp")], None),
            (&[("Team", "Visoin"), ("cost-guard:schedule", "always")], None),
            (&[], None),
        ] {
            let slip = policy.hours_of(&with_tags(resource("notebook-instance/x"), tags)).unwrap().slip;
            let told = meant.is_none_or(|meant| slip.as_ref().is_some_and(|slip| slip.contains(&format!("If {meant} is meant"))));
            assert!(told && slip.is_some() == meant.is_some(), "{tags:?}: {slip:?}");
        }
    }

    #[test]
    fn a_team_with_another_number_passed_for_one_with_a_slip() {
        for (team, known, is_nearly) in [
            ("squad-12", "squad-13", false),
            ("team1", "Team2", false),
            ("team-a", "team-b", false),
            ("Team A", "team-a", true),
            ("sqaud-12", "squad-12", true),
            ("vision", "vision-2", true),
            ("vision-2", "vision", true),
        ] {
            assert_eq!(is_nearly_team(team, known), is_nearly, "{team}, {known}");
        }
    }

    /// An exemption for one team was one for the other, for years.
    #[test]
    fn a_team_whose_name_is_inside_anothers_passed_for_one_with_a_slip() {
        for (team, known, is_nearly) in [
            ("research", "search", false),
            ("presales", "sales", false),
            ("devops", "ops", false),
            ("television", "vision", false),
            ("supervision", "vision", false),
            ("brisk", "risk", false),
            ("score", "core", false),
            ("leads", "ads", false),
            ("visionaries", "vision", false),
            ("Vision Team", "vision", true),
            ("VisionTeam", "vision", true),
            ("visionteam", "vision", true),
            ("vision-eu", "vision", true),
            ("eu/vision", "vision", true),
            ("ivsion", "vision", true),
            ("serach", "search", true),
        ] {
            assert_eq!(is_nearly_team(team, known), is_nearly, "{team}, {known}");
        }
    }

    #[test]
    fn a_team_whose_name_has_other_marks_was_judged_by_the_hours_of_others_without_a_word() {
        for (known, written) in [
            ("Data Science", &["data-science", "data_science", "DATA.SCIENCE", "data & science"][..]),
            ("data-science", &["Data Science"]),
            ("R&D", &["r-and-d", "R and D", "rnd", "RnD", "r+d"]),
            ("rnd", &["R&D", "r-and-d", "R und D"]),
            ("research & development", &["Research and Development", "research-development"]),
        ] {
            for (policy, what) in [
                (format!("[working-hours.teams]\n\"{known}\" = \"always\""), "working hours"),
                (format!("[working-hours.team-holidays]\n\"{known}\" = [\"2026-12-07\"]"), "holidays"),
            ] {
                let policy = Policy::from_toml(&policy).unwrap();
                for team in written {
                    let slip = policy.hours_of(&with_tags(resource("notebook-instance/x"), &[("Team", team)])).unwrap().slip;
                    let says = format!("no {what} for its team \"{team}\". If {known} is meant, correct the team's tag.");
                    assert!(slip.as_ref().is_some_and(|slip| slip.contains(&says)), "{known}, {team}: {slip:?}");
                }
                for team in ["r-or-d", "red", "vision", "end", "dnd", known] {
                    let slip = policy.hours_of(&with_tags(resource("notebook-instance/x"), &[("Team", team)])).unwrap().slip;
                    assert_eq!(slip, None, "{known}, {team}");
                }
            }
        }
    }

    #[test]
    fn holidays_without_a_country_are_those_of_the_usual_working_hours() {
        let policy = "[working-hours]\ndefault = \"mon-fri/08:00-19:00@Europe/Berlin\"\nholidays = [\"2026-12-25\"]\n\
            teams = { bangkok = \"mon-fri/09:00-18:00@Asia/Bangkok\", zulu = \"mon-fri/09:00-18:00@UTC\" }";
        for (team, works) in [("nlp", false), ("bangkok", true), ("zulu", false)] {
            assert_eq!(works_on(policy, &[("Team", team)], "2026-12-25"), works, "{team}");
        }
        for utc in ["Etc/UTC", "Etc/Universal", "Zulu"] {
            assert!(!works_on(&format!("timezone = \"{utc}\"\n{policy}"), &[], "2026-12-25"), "{utc}");
        }
        let elsewhere = policy.replace("[working-hours]", "timezone = \"America/New_York\"\n[working-hours]");
        assert!(works_on(&elsewhere, &[], "2026-12-25"), "the days are those of New York");
    }

    #[test]
    fn a_zone_of_two_names_has_the_same_holidays() {
        let policy = "timezone = \"US/Eastern\"\n[working-hours]\nholidays = [\"2026-11-26\"]\n\
            teams = { pune = \"mon-fri/09:00-18:00@Asia/Calcutta\", goa = \"mon-fri/09:00-18:00@Asia/Kolkata\", home = \"mon-fri/09:00-18:00@America/New_York\" }\n\
            zone-holidays = { \"Asia/Kolkata\" = [\"2026-12-08\"], \"Asia/Calcutta\" = [\"2026-12-09\"], \"America/New_York\" = [\"2026-12-10\"] }\n\
            team-holidays = { goa = [\"2026-12-11\"] }";
        let calcutta = ("cost-guard:schedule", "mon-fri/10:00-18:00@Asia/Calcutta");
        for (tags, day, works) in [
            (&[("Team", "pune")][..], "2026-12-08", false),
            (&[("Team", "pune")], "2026-12-09", false),
            (&[("Team", "pune")], "2026-11-26", true),
            (&[("Team", "home")], "2026-11-26", false),
            (&[("Team", "home")], "2026-12-10", false),
            (&[], "2026-12-10", false),
            (&[("Team", "goa"), calcutta], "2026-12-11", false), // the team's days, where the team is
            (&[("Team", "goa"), calcutta], "2026-12-08", true),
        ] {
            assert_eq!(works_on(policy, tags, day), works, "{tags:?} on {day}");
        }
    }

    #[test]
    fn days_are_texts_or_dates() {
        let holidays =
            |days: &str| Policy::from_toml(&format!("[working-hours]\nholidays = {days}")).map(|policy| policy.calendar.holidays);
        let christmas = BTreeSet::from(["2026-12-25".parse().unwrap()]);
        for days in ["[\"2026-12-25\"]", "[2026-12-25]", "[2026-12-25, \"2026-12-25\"]"] {
            assert_eq!(holidays(days).unwrap(), christmas, "{days}");
        }
        for days in ["[2026-12-25T08:00:00]", "[2026-12-25T08:00:00Z]", "[08:00:00]", "[\"2026-12-25T08:00\"]", "[\"25.12.2026\"]"] {
            let error = holidays(days).unwrap_err().to_string();
            assert!(error.contains("is not a day: write for example \"2026-12-25\""), "{days}: {error}");
        }
        for days in
            ["[20261225]", "[\"20261225\"]", "[true]", "[[\"2026-12-25\"]]", "[{ a = 1 }]", "[\"2026-12-25[UTC]\"]", "[\"+002026-12-25\"]"]
        {
            let error = holidays(days).unwrap_err().to_string();
            assert!(error.contains("is not a day: write for example"), "{days}: {error}");
        }
        for days in ["\"2026-12-25\"", "2026-12-25", "{ \"Europe/Berlin\" = [\"2026-12-25\"] }", "true", "3"] {
            let error = holidays(days).unwrap_err().to_string();
            assert!(
                error.contains("`holidays`: expected a list of days, for example [\"2026-12-25\"]. Days of a time zone"),
                "{days}: {error}"
            );
        }
    }
}
