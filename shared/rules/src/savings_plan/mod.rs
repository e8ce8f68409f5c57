//! The arithmetic of `SageMaker` Savings Plans (money-facts §5): [`Usage`] by hour → [`Covering`] it with a plan of some [`Rates`] → the best commitment, and what one
//! costs. [`advise`] does so for all offers, without the waste.

mod advice;
mod covering;
mod deduct;
mod fixed;
mod longer;
mod outcome;
mod rates;
mod sizing;
mod usage;

#[cfg(test)]
mod tests;

pub use self::{
    advice::{Advice, ByAws, Earlier, Implied, Offered, Tried, Used},
    covering::Covering,
    deduct::{Amount, Certainty, Deducted, Deduction, Together, Vanishing},
    longer::{Days, Longer},
    outcome::Outcome,
    rates::{Offer, Payment, Rate, Rates, Term},
    sizing::{FEWEST_HOURS, Question, advise},
    usage::{ALL_OF_SAGEMAKER, Usage},
};
