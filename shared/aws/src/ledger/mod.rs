//! The ledger: one `DynamoDB` table with what the guard remembers between runs. Every write is conditional, so that two runs at once do no harm.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `finding#<place>` | `<rule>#<resource id>` | an open or recently closed finding, with the action it led to |
//! | `saving#<place>` | `<time>#<rule>#<resource id>` | what a stop saved, estimated |
//! | `saving#<place>` | `<time>#spot#<job id>` | what Spot saved on a job that ended, realised |
//! | `resubmission#<place>` | the new job's id | a training job that is submitted again as Spot, with its definition |
//! | `creator#<place>` | a resource id | who created it, as CloudTrail told |
//! | `cache#<place>` | a name | when something that is read seldom was read last, and what came of it |
//!
//! `<place>` is `<function>#<account>#<region>`: one table may serve the functions of many accounts and Regions. The account is that of the function's
//! own ARN, as Lambda tells it, or else that of its topic's.
//!
//! `expires` is the table's TTL attribute (seconds since 1970). Findings of all rules of a function are read with one query.

pub mod budget_measures;
mod findings;
mod memory;
mod resubmissions;
mod savings;
mod table;

pub use findings::Unwritten;
pub(crate) use findings::{Keys, by_rule};
pub(crate) use resubmissions::LONGEST_DEFINITION;
pub use resubmissions::{Resubmission, Stage};
pub use table::Ledger;
