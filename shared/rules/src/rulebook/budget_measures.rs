//! What the guard enforces because budgets are used up, and what the mails about these budgets say of it.

use jiff::Timestamp;

use super::Rulebook;
use crate::{
    facts::{Budget, BudgetMeasure, Facts, OnExceed},
    policy::STOPPABLE_TAG,
    vocabulary::{resource::Kind, timed_text::TimedText},
};

impl Rulebook {
    /// The measures that must be enforced from now on, sorted. If a budget or its numbers are not known, its measures so far stay in force. A budget that is
    /// exempt enforces nothing.
    pub fn wanted_measures(&self, facts: &Facts) -> Vec<BudgetMeasure> {
        let is_whole = facts.reading.complete.contains(&Kind::Budget);
        let budget_of = |measure: &BudgetMeasure| facts.budgets.iter().find(|budget| budget.resource.name == measure.budget);
        let goes_on = |held: &&BudgetMeasure| match budget_of(held) {
            Some(budget) => {
                budget.period.is_some() && (budget.spent(facts.now).is_none() || budget.limit.is_none() || budget.unhealthy.is_some())
            }
            None => !is_whole,
        };
        let mut wanted: Vec<BudgetMeasure> = facts.measures.in_force.iter().filter(goes_on).cloned().collect();
        wanted.extend(self.policy.budget_measures(&facts.budgets, facts.now));
        wanted.retain(|one| budget_of(one).is_none_or(|budget| self.is_kept(&budget.resource, facts.now).is_none()));
        wanted.sort();
        wanted
    }

    /// Adds to each budget's insight what is done because the budget is used up.
    pub fn explain_measures(&self, facts: &mut Facts) {
        for budget in &mut facts.budgets {
            budget.insight.measure = self.explained(budget, &facts.measures.in_force, facts.now);
        }
    }

    /// What is done because a budget is used up, or why it is not done although the policy asks for it. `None`: nothing has to be done.
    fn explained(&self, budget: &Budget, measures: &[BudgetMeasure], now: Timestamp) -> Option<TimedText> {
        let what = self.policy.budget(&budget.resource.name)?.on_exceed?;
        let Some(BudgetMeasure { team, until, .. }) = measures.iter().find(|one| one.budget == budget.resource.name) else {
            return self.why_not(budget, now).map(|why| format!("nothing of what the policy asks for: {why}.").into());
        };
        let of_whom = team.as_ref().map_or_else(|| "of all teams".to_owned(), |team| format!("of team {team}"));
        let what = match what {
            OnExceed::EnforceOffHours => format!("notebooks and Studio apps {of_whom} are stopped outside working hours, after a warning."),
            OnExceed::StopStoppable => format!("what {of_whom} is tagged {STOPPABLE_TAG} = yes is stopped, after a warning."),
        };
        Some(TimedText::from("until ").time(*until).text(&format!(", {what}")))
    }

    /// Why a budget that is used up enforces nothing. `None`: it is not used up.
    fn why_not(&self, budget: &Budget, now: Timestamp) -> Option<String> {
        let says_nothing = budget.has_no_real_limit() || budget.unhealthy.is_some();
        let is_prepaid = !budget.prepaid().is_zero() && !self.policy.is_used_up(budget, now);
        let is_over = self.policy.is_used_up(budget, now) || ((says_nothing || is_prepaid) && budget.spent(now) > budget.limit);
        if !is_over {
            return None;
        }
        if let Some(kept) = self.is_kept(&budget.resource, now) {
            return Some(kept);
        }
        let why = match self.policy.team_of_measure(budget) {
            _ if budget.has_no_real_limit() => {
                "its limit is a dollar or less, or AWS set it far below what is spent: it says nothing of what the team may spend. Write another one"
            }
            _ if budget.unhealthy.is_some() => "it is unhealthy, so its numbers may be old: put it right",
            _ if is_prepaid => "it is used up by what was paid in advance for a Savings Plan, which nothing that is stopped brings back",
            _ if budget.is_elsewhere => "it counts only what other accounts or Regions cost, which cannot be stopped from here",
            _ if !self.policy.measures_sagemaker(budget) => {
                "it may have nothing of SageMaker in it: let it filter by the service, or give it a [[budget]] section with its own name"
            }
            None => "whose team's it is is not known: write team = \"…\" in its [[budget]] (\"*\": all teams)",
            Some(_) if budget.period?.end() <= now => "its period is over before anything could be stopped",
            Some(_) => "it could not be written down: the next run tries again",
        };
        Some(why.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::dec;

    use super::*;
    use crate::{facts::Filter, samples::budget};

    const TIGHTENS: &str = "[[budget]]\nname = \"*\"\nteam = \"*\"\non-exceed = \"stop-stoppable\"";

    fn used_up() -> Facts {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        Facts { now, budgets: vec![Budget { actual: Some(dec!(1500)), ..budget("ml") }], ..Facts::default() }
    }

    /// How many measures are wanted, and what the mail says.
    fn outcome(policy: &str, mut facts: Facts) -> (usize, String) {
        let rulebook = Rulebook::from_toml(policy).unwrap();
        facts.measures.in_force = rulebook.wanted_measures(&facts);
        rulebook.explain_measures(&mut facts);
        (facts.measures.in_force.len(), format!("{:?}", facts.budgets[0].insight.measure))
    }

    #[test]
    fn what_another_region_cost_stopped_what_runs_here() {
        for (is_elsewhere, measures) in [(false, 1), (true, 0)] {
            let mut facts = used_up();
            facts.budgets[0].is_elsewhere = is_elsewhere;
            let (wanted, told) = outcome(TIGHTENS, facts);
            assert_eq!(wanted, measures);
            assert_eq!(told.contains("other accounts or Regions"), is_elsewhere, "{told}");
        }
    }

    #[test]
    fn a_used_up_budget_without_sagemaker_in_it_stopped_notebooks() {
        let words = |values: &[&str]| values.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let sagemaker = || Filter::Service(words(&["Amazon SageMaker"]));
        let place = |is_here| Filter::Place("Region".to_owned(), is_here);
        for (filter, by_pattern, by_name) in [
            (Filter::UsageType(words(&["EUC1-BoxUsage:m5.xlarge"])), false, false),
            (Filter::UsageType(words(&["EUC1-DataTransfer-Out-Bytes"])), false, true),
            (Filter::UsageType(words(&["EUC1-Host:ml.m5.xlarge"])), false, true), // that of another Region, perhaps
            (Filter::UsageType(words(&["Host:ml.m5.xlarge"])), true, true),
            (Filter::InstanceType(words(&["m5.xlarge", "c5.xlarge"])), false, false),
            (Filter::InstanceType(words(&["ml.m5.xlarge"])), true, true),
            (Filter::Unknown("BillingEntity".to_owned()), false, true),
            (Filter::Tag("Project".to_owned(), words(&["x"])), false, true),
            (Filter::Tag("Team".to_owned(), words(&["nlp"])), true, true),
            (Filter::Tag("Team".to_owned(), words(&["vision"])), false, true), // the section's team is another one
            (Filter::All(vec![sagemaker(), Filter::Unknown("cost category x".to_owned())]), true, true),
            (Filter::All(vec![sagemaker(), place(true)]), true, true),
            (Filter::All(vec![sagemaker(), place(false)]), false, false),
            (Filter::Not(Box::new(place(true))), false, false),
            (place(true), true, true),
            (Filter::everything(), true, true),
        ] {
            for (name, stops) in [("*", by_pattern), ("ml*", by_pattern), ("ml", by_name), ("ML", by_name)] {
                let policy = format!("[[budget]]\nname = \"{name}\"\nteam = \"nlp\"\non-exceed = \"stop-stoppable\"");
                let mut facts = used_up();
                facts.budgets[0].is_elsewhere = filter.is_elsewhere();
                facts.budgets[0].filter = filter.clone();
                facts.budgets[0].resource.ownership.team = Some("nlp".to_owned());
                let (wanted, told) = outcome(&policy, facts);
                assert_eq!(wanted, usize::from(stops), "{name}: {filter:?}: {told}");
            }
        }
    }

    #[test]
    fn a_limit_that_says_nothing_is_called_what_it_is() {
        for (limit, adjusts, measures) in [(dec!(1000), false, 1), (dec!(1000), true, 1), (dec!(50), true, 0), (dec!(0), false, 0)] {
            let mut facts = used_up();
            (facts.budgets[0].limit, facts.budgets[0].adjusts) = (Some(limit), adjusts);
            let (wanted, told) = outcome(TIGHTENS, facts);
            let is_told = told.contains("or AWS set it far below what is spent: it says nothing of what the team may spend");
            assert_eq!((wanted, is_told), (measures, measures == 0), "{limit} {adjusts}: {told}");
        }
    }

    #[test]
    fn a_budget_that_the_policy_exempts_stopped_what_its_team_ran() {
        for (until, measures) in [("2026-11-19", 1), ("2026-12-31", 0)] {
            let exempt =
                format!("\n[[exempt]]\nmatch = {{ kind = \"budget\", name = \"ml\" }}\nuntil = \"{until}\"\nreason = \"fiscal year\"");
            let policy = format!("{TIGHTENS}{exempt}");
            let (wanted, told) = outcome(&policy, used_up());
            assert_eq!((wanted, told.contains("it is kept until")), (measures, measures == 0), "{told}");
            // What was in force before ends, too.
            let in_force = Rulebook::from_toml(TIGHTENS).unwrap().wanted_measures(&used_up());
            let mut facts = Facts { measures: crate::facts::Measures { in_force, unread: false }, ..used_up() };
            facts.budgets[0].actual = None;
            assert_eq!(outcome(&policy, facts).0, measures);
        }
    }
}
