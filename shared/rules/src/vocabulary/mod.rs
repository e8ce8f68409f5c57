//! Basic types that all other floors use: resources, prices, durations, periods, schedules, scopes.

pub mod calendars;
pub mod component;
pub mod currency;
pub mod duration;
mod generated;
pub mod globs;
pub mod image;
mod letters;
mod machine_words;
pub mod machines;
pub mod owners;
pub(crate) mod patterns;
pub(crate) mod people;
pub mod period;
pub mod price;
mod random_words;
pub mod resource;
pub mod schedule;
pub mod scope;
pub mod secrets;
pub mod series;
pub mod spelling;
pub mod text;
pub mod time_zone;
pub mod timed_text;
pub mod usage_type;
pub mod working_time;
