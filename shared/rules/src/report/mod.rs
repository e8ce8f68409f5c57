//! The cost report: what SageMaker cost in a period, why, what the guard did and saved, and what needs a decision. Pure.
//!
//! The bill's rows are summed up by each cut, and [`CostReport`] is made of the sums and of the ledger. It is a page (crate cost-page), a mail, JSON (its own
//! form) and a table.
//! All amounts are amortized cost, unless a field says otherwise; each sum is of exact decimals and is rounded only where it is printed.

pub(crate) use self::words::{ALL_TEAMS, SEVERAL_TEAMS, SEVERAL_TYPES, days_in_words};
pub use self::{
    budget::{BudgetOnRecord, Counts},
    cuts::{BillRow, Cuts, UNTAGGED},
    due::{BILLED_FROM, Due, due, is_billed},
    form::{
        Advice, Became, Budget, Cause, Change, ChargeType, ComponentLine, CostReport, Decision, Did, Exemption, Forecast, Found,
        GuardsWork, InstanceType, Line, Method, Month, PlanAdvice, ResourceLine, Resources, Savings, SavingsPlans, Series, Sleeping, Spot,
        Trend, Unchecked,
    },
    mail::{Stored, mail},
    make::{make, teams},
    money::{Hours, Money},
    period::{ReportPeriod, ReportUnit},
    remembered::from_findings,
    sources::Sources,
    table::{COLUMNS, TableOf, table},
    words::{Ask, AverageDay, LACKS_CHARGES, NEVER_COVERED, NO_RESOURCE_DATA, NOT_SURE, without},
};

mod budget;
mod cuts;
mod due;
mod form;
mod mail;
mod make;
mod money;
mod period;
mod realised;
mod remembered;
mod sources;
mod table;
#[cfg(test)]
mod tests;
mod words;
