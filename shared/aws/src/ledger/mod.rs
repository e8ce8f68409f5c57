//! The ledger: one `DynamoDB` table with what the guard remembers between runs. Every write is conditional, so that two runs at once do no harm.
//!
//! | pk | sk | item |
//! |---|---|---|
//! | `finding#<function>` | `<rule>#<resource id>` | an open or recently closed finding, with the action it led to |
//! | `saving#<function>` | `<time>#<rule>#<resource id>` | what a stop saved, estimated |
//! | `saving#<function>` | `<time>#spot#<job id>` | what Spot saved on a job that ended, realised |
//! | `resubmission#<function>` | the new job's id | a training job that is submitted again as Spot, with its definition |
//! | `creator#<function>` | a resource id | who created it, as CloudTrail told |
//! | `kept#<function>` | a name | when something that is read seldom was read last, and what came of it |
//!
//! `expires` is the table's TTL attribute (seconds since 1970). Findings of all rules of a function are read with one query.

mod findings;
mod memory;
mod resubmissions;
mod savings;
mod table;
pub mod tightenings;

pub use findings::Unwritten;
pub(crate) use findings::{Keys, by_rule};
pub(crate) use resubmissions::LONGEST_DEFINITION;
pub use resubmissions::{Resubmission, Stage};
pub use table::Ledger;
