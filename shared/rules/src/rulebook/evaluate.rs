//! Applies the rules to the facts. Pure and infallible; the same facts always give the same judgement.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

use crate::{
    facts::{BudgetMeasure, Facts, OnExceed, Unread, Workflow},
    policy::Keep,
    remedy::Remedy,
    rulebook::{Exempted, Finding, Judgement, Mode, Rulebook, Terms, rule_set::ConfiguredRule},
    rules::{
        context::RuleContext,
        rule::Judged,
        verdict::{Verdict, Waste},
    },
    vocabulary::{duration::Duration, resource::Resource, timed_text::TimedText},
};

/// The names of the resources for which a rule lacked a fact, by rule and reason.
type Unknown = BTreeMap<(&'static str, String), Vec<String>>;

impl Rulebook {
    /// Applies every rule to every resource.
    pub fn evaluate(&self, facts: &Facts) -> Judgement {
        let cx = self.context(facts);
        let mut judgement = Judgement::default();
        let mut unknown = Unknown::new();
        self.each_rule(facts, |rule, is_override, is_of_set| {
            for mut judged in rule.check.judge(facts, &cx, is_of_set) {
                name_domains(&mut judged.homes, facts);
                self.enter(&mut judgement, &mut unknown, &cx, (rule, is_override), judged);
            }
        });
        let told = |((rule, why), names): ((&'static str, String), Vec<String>)| {
            let cause = format!("{rule}: {why}");
            Unread::new(for_rule(rule, &names), why).with_cause(cause).of_rule(rule)
        };
        judgement.unknown = unknown.into_iter().map(told).collect();
        judgement.findings.sort_by(|a, b| (a.rule, &a.resource.id).cmp(&(b.rule, &b.resource.id)));
        judgement.exempted.sort_by(|a, b| (a.rule, &a.resource.id).cmp(&(b.rule, &b.resource.id)));
        judgement
    }

    /// The ids of the endpoints of which a rule needs the requests by the minute.
    pub fn needs_minutes(&self, facts: &Facts) -> BTreeSet<String> {
        let cx = self.context(facts);
        let mut ids = BTreeSet::new();
        self.each_rule(facts, |rule, _, is_of_set| {
            ids.extend(rule.check.needs_minutes(facts, &cx, is_of_set).into_iter().map(|resource| resource.id.clone()));
        });
        ids
    }

    /// The names of the rules that are on for any of these resources.
    pub fn rules_on(&self, facts: &Facts) -> BTreeSet<&'static str> {
        let mut names = BTreeSet::new();
        self.each_rule(facts, |rule, _, is_of_set| {
            names.extend(facts.resources().any(is_of_set).then_some(rule.registration.name));
        });
        names
    }

    pub(super) fn context<'a>(&'a self, facts: &'a Facts) -> RuleContext<'a> {
        let Facts { now, prices, measures, workflows, .. } = facts;
        RuleContext { now: *now, policy: &self.policy, prices, measures, workflows }
    }

    /// Calls `of` for each rule of the policy and of its overrides: with the rule, whether it is of an override, and which resources its settings apply to.
    fn each_rule(&self, facts: &Facts, mut of: impl FnMut(&ConfiguredRule, bool, &dyn Fn(&Resource) -> bool)) {
        let overridden = self.overridden(facts);
        for (set, number) in self.rule_sets().zip(std::iter::once(None).chain((0..).map(Some))) {
            let is_of_set = |resource: &Resource| overridden.get(resource.id.as_str()).copied() == number;
            set.0.iter().for_each(|rule| of(rule, number.is_some(), &is_of_set));
        }
    }

    /// The resources to which an override applies, by their ids, with the number of the first one.
    fn overridden<'f>(&self, facts: &'f Facts) -> HashMap<&'f str, usize> {
        let mut overridden = HashMap::new();
        for subject in facts.subjects().filter(|_| !self.overrides.is_empty()) {
            let mut homes = subject.homes();
            name_domains(&mut homes, facts);
            if let Some(number) = self.override_of(subject.resource(), &homes) {
                let first = overridden.entry(subject.resource().id.as_str()).or_insert(number);
                *first = number.min(*first);
            }
        }
        overridden
    }

    /// Adds one verdict to the judgement. The flag beside `rule`: whether the rule's settings come from an override.
    fn enter(
        &self,
        judgement: &mut Judgement,
        unknown: &mut Unknown,
        cx: &RuleContext<'_>,
        (rule, is_override): (&ConfiguredRule, bool),
        judged: Judged<'_>,
    ) {
        let name = rule.registration.name;
        let resource = judged.resource;
        match judged.verdict {
            Verdict::Fine => {}
            Verdict::Later => judgement.leave_undecided(name, resource, judged.series),
            Verdict::Unknown(why) => {
                judgement.leave_undecided(name, resource, judged.series);
                unknown.entry((name, why)).or_default().push(resource.name.clone());
            }
            Verdict::Exempt(why) => judgement.exempted.push(Exempted {
                rule: name,
                resource: resource.clone(),
                owner: self.policy.owner_of(resource),
                team: self.policy.team_of(resource),
                why,
            }),
            Verdict::Waste(mut waste) => {
                let mut may_wait_for_it = false;
                if waste.remedy.ends_job()
                    && let Some((why, is_known)) = self.workflow(cx, resource, judged.part_of)
                {
                    let _ = write!(waste.reason, "; only reported, because {why}");
                    waste.remedy = Remedy::None;
                    may_wait_for_it = !is_known;
                }
                // A used-up budget does not enforce what an override sets.
                let may_enforce = |what: &OnExceed| !is_override && what.rules().contains(&name);
                let what = [OnExceed::EnforceOffHours, OnExceed::StopStoppable].into_iter().find(may_enforce);
                let measure = what.and_then(|what| cx.measure(what, resource));
                // If the measures could not be read, what was warned of because of one stays as it is.
                if cx.measures.unread && what.is_some() && measure.is_none() && rule.terms.mode != Mode::Enforce {
                    judgement.leave_undecided(name, resource, judged.series);
                    return;
                }
                if let Some(over) = self.policy.over_wish(resource, judged.run, cx.now).filter(|_| waste.remedy != Remedy::None) {
                    waste.notice.details.push(over.into());
                }
                let keep = self.keep(resource, &judged.homes);
                let mut finding = self.finding(rule, resource, *waste, measure, keep);
                self.tell_team(&mut finding, &judged.homes, cx.now);
                judgement.findings.push(Finding {
                    series: judged.series,
                    run: judged.run,
                    instance_type: judged.instance_type,
                    may_wait_for_it,
                    ..finding
                });
            }
        }
    }

    /// Why a job may be neither stopped nor resubmitted, and whether that is known: a workflow waits for it, or whether one does is not known.
    fn workflow(&self, cx: &RuleContext<'_>, job: &Resource, part_of: Option<&str>) -> Option<(String, bool)> {
        if let Some(workflow) = part_of.map(str::to_owned).or_else(|| self.policy.workflow_of(job)) {
            return Some((format!("{workflow} waits for it"), true));
        }
        match cx.workflows.get(&job.id)? {
            Workflow::None => None,
            Workflow::Waits(workflow) => Some((format!("{workflow} waits for it"), true)),
            Workflow::Unknown(why) => Some((format!("it is not known whether a workflow waits for it: {why}"), false)),
        }
    }

    fn finding(
        &self,
        rule: &ConfiguredRule,
        resource: &Resource,
        mut waste: Waste,
        measure: Option<&BudgetMeasure>,
        keep: Option<Keep>,
    ) -> Finding {
        let Terms { mut mode, grace, .. } = rule.terms;
        waste.recurs &= rule.terms.warned_weekly;
        // If the policy enforces the rule anyway, enforcement does not end with the budget's period.
        let measure = measure.filter(|one| mode != Mode::Enforce || one.what == OnExceed::StopStoppable);
        if let Some(BudgetMeasure { budget, until, .. }) = measure {
            mode = Mode::Enforce;
            let until = TimedText::from("; enforced until ").time(*until).text(&format!(", because the budget {budget} is used up"));
            waste.reason.append(&until);
            waste.was.iter_mut().for_each(|was| was.append(&until));
        }
        if let Some(left) = self.policy.owner_who_left(resource) {
            waste.notice.details.push(format!("Its owner {left} has left (policy).").into());
        }
        if let Some((key, value)) = self.policy.tag_of_nobody(resource) {
            waste.notice.details.push(format!("Its tag {key} is \"{value}\", which names nobody who can be mailed.").into());
        }
        // Without an action there is nothing to enforce.
        let mode = if waste.remedy == Remedy::None { Mode::Report } else { mode };
        let is_harmless = waste.remedy.is_harmless();
        let exempts = !is_harmless && (mode == Mode::Enforce || !rule.registration.manner.notifies_exempt);
        Finding {
            rule: rule.registration.name,
            series: None,
            run: None,
            instance_type: None,
            owner: self.policy.owner_of(resource),
            team: self.policy.team_of(resource),
            terms: Terms { mode, grace: if is_harmless { Duration::minutes(0) } else { grace }, ..rule.terms },
            keep: keep.filter(|_| exempts),
            suspended: self.policy.unreadable_tags(resource),
            measure: measure.cloned(),
            may_wait_for_it: false,
            resource: resource.clone(),
            waste,
        }
    }
}

/// Names domains by their names, where these are known: an app knows the id of its domain only.
fn name_domains(homes: &mut [Resource], facts: &Facts) {
    for home in homes {
        home.name = facts.domain_names.get(&home.id).unwrap_or(&home.name).clone();
    }
}

/// For people: `notebook-idle: 37 resources not judged (a, b, c, d, e, …)`.
fn for_rule(rule: &str, names: &[String]) -> String {
    let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if 5 < names.len() { ", …" } else { "" };
    let resources = if names.len() == 1 { "resource" } else { "resources" };
    format!("{rule}: {} {resources} not judged ({shown}{more})", names.len())
}
