//! The ledger: one `DynamoDB` table with what the guard remembers between runs. Writes of findings and resubmissions are conditional, so that two runs at the
//! same time do no harm.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `finding#<place>` | `<rule>#<resource id>` | an open or recently closed finding, with the action it led to |
//! | `saving#<place>` | `<time>#<rule>#<resource id>` | what a stop saved, estimated |
//! | `saving#<place>` | `<time>#spot#<job id>` | what Spot saved on a job that ended, realised |
//! | `resubmission#<place>` | the new job's id | a training job that is resubmitted as Spot, with its definition |
//! | `attached#<place>` | an endpoint's id | auto scaling that the guard attached to it, and how far that has come; never expires |
//! | `hibernation#<place>` | an endpoint's id | an endpoint that was hibernated, and how far that has come; never expires |
//! | `blueprint#<place>` | an endpoint's id | what it takes to create it again; never expires |
//! | `creator#<place>` | a resource id | who created it, according to CloudTrail |
//! | `waiting#<place>` | `<time>#<function>#<rule>#<resource id>` | what an owner is told in the next daily or weekly mail, for cost-reporter |
//! | `mailed#<place>` | `daily#<owner>`, `weekly#<owner>`, `platform#` | until when an owner was mailed what waited, and the platform its summary |
//! | `sent#<place>` | `<time>#<function>#<owner>` | a mail that was sent, for the platform's summary |
//! | `trouble#<place>` | `<time>#<function>` | what went wrong in a run, for the platform's summary |
//! | `report#<place>` | a period | that its cost report was mailed, or until when a run makes it (`lapses`) |
//! | `cache#<place>` | a name | a cached value, and when it was cached |
//!
//! `<place>` is `<function>#<account>#<region>`: functions of many accounts and Regions can share one table. The account comes from the function's ARN, or else
//! from its topic's ARN. Of the bill, the place is of no function: `cache#bill#<account>#<region>`.
//!
//! `expires` is the table's TTL attribute (seconds since 1970). Findings of all rules of a function are read with one query.

mod attached;
pub mod budget_measures;
mod findings;
mod hibernations;
mod memory;
mod platform;
mod reports;
mod resubmissions;
mod savings;
mod table;
mod waiting;

pub(crate) use findings::{Keys, by_rule};
pub use findings::{Together, Unwritten};
pub(crate) use hibernations::LONGEST_BLUEPRINT;
pub(crate) use resubmissions::LONGEST_DEFINITION;
pub use resubmissions::{Resubmission, Stage};
pub use table::Ledger;

/// The functions that keep findings and savings.
pub const FUNCTIONS: [&str; 7] = [
    "budget-alerter",
    "endpoint-autoscaler",
    "inference-advisor",
    "notebook-stopper",
    "savings-plan-advisor",
    "tag-auditor",
    "training-job-spot-enforcer",
];
