//! The settings of the policy that all rules share. Nothing here depends on a rule.

pub(crate) use self::{
    budgets::NearlyService,
    general::General,
    ownership::{entries, values},
    rates::NO_RATES,
    toml::{DAY, Table, Wrong, contradiction, day, filled_glob, glob, is_named, nearest_or_newer, only_known_keys, table, tables, wrong},
    working_hours::{HoursOf, is_mistyped_team, is_nearly_team, team_slip},
};
pub use self::{
    guard_keys::{KEEP_UNTIL_TAG, SCHEDULE_TAG, SPOT_TAG, STOPPABLE_TAG},
    guard_tags::{Keep, UnreadableTags},
    inference::InferenceSettings,
    required_tags::{MOST_TAGS, Met, Required, Requirement, is_legal_key, is_legal_value},
    sections::{
        AlsoSleeps, Billing, BudgetPolicy, Coverage, CoverageMetric, Creators, Exemption, HibernationSettings, MailSettings, PlatformMails,
        PriceOverrides, Repeated, ReportSettings, Reports, SavingsPlanSettings, WorkflowSigns,
    },
    settings::Policy,
    toml::{PolicyError, text_of},
    workflows::names_workflow,
};

mod budgets;
mod general;
mod guard_keys;
mod guard_tags;
mod hibernation;
mod inference;
mod left;
mod mornings;
mod ownership;
mod people;
mod rates;
mod required_tags;
mod sections;
mod settings;
mod toml;
mod workflows;
mod working_hours;
