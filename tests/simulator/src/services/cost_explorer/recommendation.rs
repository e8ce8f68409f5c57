//! Which Savings Plan AWS would recommend: the commitment that would have cost least in the past hours, with the plans that are active now.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy, dec};
use serde_json::{Value, json};

use super::{data_unavailable, has_data, zoned};
use crate::{
    estate::{Offer, Payment},
    life::billing::{Hour, Plans, day_of, midnight, plus_days, sizing},
    services::savings_plans::offering_id,
    wire::{Refusal, text},
    world::World,
};

const TYPES: [&str; 4] = ["COMPUTE_SP", "EC2_INSTANCE_SP", "SAGEMAKER_SP", "DATABASE_SP"];
const TERMS: [(&str, i64); 2] = [("ONE_YEAR", 1), ("THREE_YEARS", 3)];
const PAYMENTS: [(&str, Payment); 3] =
    [("NO_UPFRONT", Payment::NoUpfront), ("PARTIAL_UPFRONT", Payment::PartialUpfront), ("ALL_UPFRONT", Payment::AllUpfront)];
const LOOK_BACKS: [(&str, i64); 3] = [("SEVEN_DAYS", 7), ("THIRTY_DAYS", 30), ("SIXTY_DAYS", 60)];
/// With less on-demand spend an hour AWS recommends nothing.
const LEAST: Decimal = dec!(0.1);
/// The days of a month of estimated savings.
const MONTH: Decimal = dec!(30);

/// What a recommendation is asked for.
struct Question {
    offer: Offer,
    days: i64,
    /// Of the whole organization, or only of this account.
    is_of_payer: bool,
    /// The hours end here.
    until: Timestamp,
}

/// What is recommended, and why.
struct Answer {
    /// All usage that a plan may cover.
    all: Vec<Hour>,
    /// What the active plans leave of it.
    left: Vec<Hour>,
    commitment: Decimal,
    outcome: sizing::Outcome,
}

/// One value of a list, or AWS's refusal of an unknown one.
fn one_of<T: Copy>(input: &Value, field: &str, known: &[(&str, T)]) -> Result<T, Refusal> {
    let written = text(input, field).unwrap_or_default();
    let names = || known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = known.iter().find(|(name, _)| *name == written).map(|(_, value)| *value);
    found.ok_or_else(|| Refusal::invalid_value(written, field, &format!("Member must satisfy enum value set: [{}]", names())))
}

fn name_of<T: PartialEq>(known: &[(&'static str, T)], value: &T) -> &'static str {
    known.iter().find(|(_, one)| one == value).map_or("", |(name, _)| *name)
}

impl Question {
    fn read(world: &World, input: &Value) -> Result<Self, Refusal> {
        let offer = Offer { years: one_of(input, "TermInYears", &TERMS)?, payment: one_of(input, "PaymentOption", &PAYMENTS)? };
        let days = one_of(input, "LookbackPeriodInDays", &LOOK_BACKS)?;
        let is_of_payer = text(input, "AccountScope") != Some("LINKED");
        // The last day that is complete in the data.
        Ok(Self { offer, days, is_of_payer, until: midnight(day_of(world.billing.settled())) })
    }

    /// The id of a recommendation says what was asked.
    fn id(&self) -> String {
        let payment = Payment::ALL.iter().position(|known| *known == self.offer.payment).unwrap_or_default();
        let scope = u8::from(self.is_of_payer);
        format!("{:08}-{payment:04}-{:04}-{scope:04}-{:012}", self.offer.years, self.days, self.until.as_second())
    }

    fn of_id(id: &str) -> Option<Self> {
        let mut numbers = id.split('-').map(|part| part.parse::<i64>().ok());
        let mut next = || numbers.next().flatten();
        let (years, payment, days, scope, until) = (next()?, next()?, next()?, next()?, next()?);
        let payment = *Payment::ALL.get(usize::try_from(payment).ok()?)?;
        let question = Self { offer: Offer { years, payment }, days, is_of_payer: scope == 1, until: Timestamp::from_second(until).ok()? };
        (question.id() == id && Offer::ALL.contains(&question.offer)).then_some(question)
    }

    /// `Payer`, as the real answers have it, though the model has `PAYER`.
    fn scope(&self) -> &'static str {
        if self.is_of_payer { "Payer" } else { "Linked" }
    }

    /// `None`: nothing is recommended.
    fn answer(&self, world: &World) -> Option<Answer> {
        let from = midnight(plus_days(day_of(self.until), -self.days));
        let plans = &world.billing.plans;
        let all = world.billing.coverable(from, self.until, |kind| self.is_of_payer || kind.account == world.account);
        let left: Vec<Hour> = all.iter().map(|hour| plans.left_of(hour.clone(), world.now)).collect();
        let spend: Decimal = left.iter().map(Hour::on_demand).sum();
        let commitment = sizing::best(plans, &left, self.offer).round_dp_with_strategy(3, RoundingStrategy::ToZero);
        let is_enough = LEAST * Decimal::from(left.len()) <= spend && !commitment.is_zero();
        is_enough.then(|| Answer { outcome: sizing::outcome(plans, &left, commitment, self.offer), all, left, commitment })
    }
}

/// An amount as recommendations have it.
fn ten(amount: Decimal) -> Value {
    format!("{amount:.10}").into()
}

fn percent(part: Decimal, of: Decimal) -> Decimal {
    if of.is_zero() { Decimal::ZERO } else { part * dec!(100) / of }
}

impl Answer {
    fn spend(&self) -> Decimal {
        self.left.iter().map(Hour::on_demand).sum()
    }

    fn savings(&self) -> Decimal {
        self.spend() - self.outcome.cost()
    }

    fn monthly_savings(&self) -> Decimal {
        self.savings() * MONTH * dec!(24) / Decimal::from(self.left.len())
    }

    /// The fields that the recommendation and its details share.
    fn numbers(&self, question: &Question) -> Value {
        let hourly: Vec<Decimal> = self.left.iter().map(Hour::on_demand).collect();
        let (least, most) = (hourly.iter().min().copied().unwrap_or_default(), hourly.iter().max().copied().unwrap_or_default());
        let term = Decimal::from(question.offer.seconds() / 3600);
        json!({
            "UpfrontCost": ten(self.commitment * question.offer.payment.upfront() * term), "CurrencyCode": "USD",
            "EstimatedROI": ten(percent(self.savings(), self.outcome.commitment)), "EstimatedSPCost": ten(self.outcome.commitment),
            "EstimatedOnDemandCost": ten(self.outcome.on_demand), "EstimatedOnDemandCostWithCurrentCommitment": ten(self.spend()),
            "EstimatedSavingsAmount": ten(self.savings()), "EstimatedSavingsPercentage": ten(percent(self.savings(), self.spend())),
            "HourlyCommitmentToPurchase": format!("{:.3}", self.commitment),
            "EstimatedAverageUtilization": ten(percent(self.outcome.used, self.outcome.commitment)),
            "EstimatedMonthlySavingsAmount": ten(self.monthly_savings()), "CurrentMinimumHourlyOnDemandSpend": ten(least),
            "CurrentMaximumHourlyOnDemandSpend": ten(most),
            "CurrentAverageHourlyOnDemandSpend": ten(self.spend() / Decimal::from(hourly.len())),
        })
    }

    fn summary(&self) -> Value {
        json!({
            "EstimatedROI": ten(percent(self.savings(), self.outcome.commitment)), "CurrencyCode": "USD",
            "EstimatedTotalCost": ten(self.outcome.cost()), "CurrentOnDemandSpend": ten(self.spend()),
            "EstimatedSavingsAmount": ten(self.savings()), "TotalRecommendationCount": "1",
            "DailyCommitmentToPurchase": ten(self.commitment * dec!(24)), "HourlyCommitmentToPurchase": format!("{:.3}", self.commitment),
            "EstimatedSavingsPercentage": ten(percent(self.savings(), self.spend())),
            "EstimatedMonthlySavingsAmount": ten(self.monthly_savings()), "EstimatedOnDemandCostWithCurrentCommitment": ten(self.spend()),
        })
    }

    /// The hours, each with what is covered now and what would be.
    fn hours(&self, plans: &Plans, question: &Question) -> Vec<Value> {
        let from = midnight(plus_days(day_of(question.until), -question.days));
        let hour = |(number, (all, left)): (i64, (&Hour, &Hour))| {
            let (used, rest) = plans.use_of(left.clone(), self.commitment, question.offer);
            let (all, left, rest) = (all.on_demand(), left.on_demand(), rest.on_demand());
            json!({
                "StartTime": zoned(from + jiff::SignedDuration::from_hours(number)), "EstimatedOnDemandCost": ten(rest),
                "CurrentCoverage": ten(percent(all - left, all)), "EstimatedCoverage": ten(percent(all - rest, all)),
                "EstimatedNewCommitmentUtilization": ten(percent(used, self.commitment)),
            })
        };
        (0..).zip(self.all.iter().zip(&self.left)).map(hour).collect()
    }
}

pub(super) fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let plan_type = one_of(input, "SavingsPlansType", &TYPES.map(|name| (name, name)))?;
    let question = Question::read(world, input)?;
    if input.get("Filter").is_some_and(|filter| !filter.is_null()) {
        return Err(Refusal::not_simulated("ce", "a filter of recommendations"));
    }
    has_data(world)?;
    // Nothing that plans of other types cover is simulated.
    let answer = question.answer(world).filter(|_| plan_type == "SAGEMAKER_SP");
    let mut recommendation = json!({
        "AccountScope": question.scope(), "SavingsPlansType": plan_type, "TermInYears": name_of(&TERMS, &question.offer.years),
        "PaymentOption": name_of(&PAYMENTS, &question.offer.payment), "LookbackPeriodInDays": name_of(&LOOK_BACKS, &question.days),
        "SavingsPlansPurchaseRecommendationDetails": [],
    });
    if let Some(answer) = answer {
        let mut detail = answer.numbers(&question);
        detail["SavingsPlansDetails"] = json!({"Region": "", "InstanceFamily": "", "OfferingId": offering_id("SageMaker", question.offer)});
        detail["AccountId"] = world.account.clone().into();
        detail["RecommendationDetailId"] = question.id().into();
        recommendation["SavingsPlansPurchaseRecommendationDetails"] = json!([detail]);
        recommendation["SavingsPlansPurchaseRecommendationSummary"] = answer.summary();
    }
    let metadata = json!({"RecommendationId": question.id(), "GenerationTimestamp": zoned(question.until), "AdditionalMetadata": "{}"});
    Ok(json!({"Metadata": metadata, "SavingsPlansPurchaseRecommendation": recommendation}))
}

pub(super) fn details(world: &World, input: &Value) -> Result<Value, Refusal> {
    let id = text(input, "RecommendationDetailId").unwrap_or_default();
    let question = Question::of_id(id).ok_or_else(|| Refusal::validation(format!("RecommendationDetailId {id} is invalid")))?;
    has_data(world)?;
    let answer = question.answer(world).ok_or_else(|| data_unavailable("The recommendation is not available any more"))?;
    let plans = &world.billing.plans;
    let active = plans.owned.iter().filter(|plan| plan.is_of_sagemaker() && plan.state(world.now) == "active");
    let existing: Decimal = active.map(|plan| plan.spec.commitment).sum();
    let total: Decimal = answer.all.iter().map(Hour::on_demand).sum();
    let mut data = answer.numbers(&question);
    let more = json!({
        "AccountScope": question.scope(), "LookbackPeriodInDays": name_of(&LOOK_BACKS, &question.days), "SavingsPlansType": "SAGEMAKER_SP",
        "TermInYears": name_of(&TERMS, &question.offer.years), "PaymentOption": name_of(&PAYMENTS, &question.offer.payment),
        "AccountId": world.account, "InstanceFamily": "", "Region": "", "OfferingId": offering_id("SageMaker", question.offer),
        "GenerationTimestamp": zoned(question.until), "LatestUsageTimestamp": zoned(question.until), "ExistingHourlyCommitment": ten(existing),
        "CurrentAverageCoverage": ten(percent(total - answer.spend(), total)),
        "EstimatedAverageCoverage": ten(percent(total - answer.outcome.on_demand, total)),
        "MetricsOverLookbackPeriod": answer.hours(plans, &question),
    });
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    Ok(json!({"RecommendationDetailId": id, "RecommendationDetailData": data}))
}

#[cfg(test)]
mod tests;
