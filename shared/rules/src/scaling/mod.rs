//! Auto scaling of endpoints, worked out from their traffic: [`Traffic`] → [`replay()`] of a [`Setting`] → [`propose()`] the best one.

mod attachment;
mod blocks;
mod by_hours;
mod capacity;
mod chart;
mod code;
mod command;
mod days;
mod hours;
mod lines;
mod load;
mod need;
mod office_hours;
mod outlook;
mod propose;
mod replay;
mod search;
mod setting;
mod to_zero;
mod traffic;
mod words;

pub use self::{
    attachment::{
        ALARM_DESCRIPTION, Attachment, BACKLOG_METRIC, Bounds, COPIES, Counts, DIMENSION, FIRST_NAME, POLICY_NAME, ScheduledBounds,
        Tracked, Tracking, Wake, Way,
    },
    capacity::{Bound, Capacity, Datapoint, capacity},
    chart::DayChart,
    command::{autoscaling_command, how_to_set_copies, how_to_set_instances},
    days::{Days, Scheduled},
    load::Load,
    office_hours::OfficeHours,
    outlook::Doubt,
    propose::{Advice, MINUTES_PER_MONTH, Proposal, Question, propose, propose_again},
    replay::{billed_by_minute, dearer, replay},
    setting::{Replayed, ScaleIn, Setting, Terms},
    to_zero::{asynchronous_to_zero, component_to_zero},
    traffic::{Missing, Traffic},
};
