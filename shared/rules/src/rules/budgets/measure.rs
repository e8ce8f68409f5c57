//! What the guard enforces because budgets are used up, and what the mails about these budgets say of it.

use jiff::Timestamp;

use crate::{
    facts::{Budget, BudgetMeasure, Facts, OnExceed},
    policy::{Policy, STOPPABLE_TAG},
    vocabulary::{resource::Kind, timed_text::TimedText},
};

/// The measures that must be enforced from now on, sorted. If a budget or its numbers are not known, its measures so far stay in force.
pub fn wanted(facts: &Facts, policy: &Policy) -> Vec<BudgetMeasure> {
    let is_whole = facts.reading.complete.contains(&Kind::Budget);
    let goes_on = |held: &&BudgetMeasure| match facts.budgets.iter().find(|budget| budget.resource.name == held.budget) {
        Some(budget) => {
            budget.period.is_some() && (budget.spent(facts.now).is_none() || budget.limit.is_none() || budget.unhealthy.is_some())
        }
        None => !is_whole,
    };
    let mut wanted: Vec<BudgetMeasure> = facts.measures.in_force.iter().filter(goes_on).cloned().collect();
    wanted.extend(policy.budget_measures(&facts.budgets, facts.now));
    wanted.sort();
    wanted
}

/// Adds to each budget's insight what is done because the budget is used up.
pub fn explain_measures(facts: &mut Facts, policy: &Policy) {
    for budget in &mut facts.budgets {
        budget.insight.measure = words(policy, budget, &facts.measures.in_force, facts.now);
    }
}

/// What is done because a budget is used up, or why it is not done although the policy asks for it. `None`: nothing has to be done.
fn words(policy: &Policy, budget: &Budget, measures: &[BudgetMeasure], now: Timestamp) -> Option<TimedText> {
    let what = policy.budget(&budget.resource.name)?.on_exceed?;
    let Some(BudgetMeasure { team, until, .. }) = measures.iter().find(|one| one.budget == budget.resource.name) else {
        let why = match policy.team_of_measure(budget) {
            _ if budget.has_no_real_limit() => {
                "its limit is a dollar or less, which says nothing of what the team may spend: write another one"
            }
            _ if budget.unhealthy.is_some() => "it is unhealthy, so its numbers may be old: put it right",
            _ if budget.is_elsewhere => "it counts only what other accounts or Regions cost, which cannot be stopped from here",
            None => "whose team's it is is not known: write team = \"…\" in its [[budget]] (\"*\": all teams)",
            Some(_) if budget.period?.end() <= now => "its period is over before anything could be stopped",
            Some(_) => "it could not be written down: the next run tries again",
        };
        let says_nothing = budget.has_no_real_limit() || budget.unhealthy.is_some();
        let is_over = policy.is_used_up(budget, now) || (says_nothing && budget.spent(now) > budget.limit);
        return is_over.then(|| format!("nothing of what the policy asks for: {why}.").into());
    };
    let of_whom = team.as_ref().map_or_else(|| "of all teams".to_owned(), |team| format!("of team {team}"));
    let what = match what {
        OnExceed::EnforceOffHours => format!("notebooks and Studio apps {of_whom} are stopped outside working hours, after a warning."),
        OnExceed::StopStoppable => format!("what {of_whom} is tagged {STOPPABLE_TAG} = yes is stopped, after a warning."),
    };
    Some(TimedText::from("until ").time(*until).text(&format!(", {what}")))
}
