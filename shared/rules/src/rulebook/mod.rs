//! The policy with its rules and overrides, and their judgement of the facts.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
};

use jiff::Timestamp;

use crate::{
    facts::{Facts, OnExceed, Tightening, Unread},
    policy::{KEEP_UNTIL_TAG, Policy, SCHEDULE_TAG, SPOT_TAG, STOPPABLE_TAG},
    remedy::Remedy,
    rules::{
        rule::{Check, Told},
        scene::Scene,
        verdict::{Verdict, Waste},
    },
    vocabulary::{
        duration::Duration,
        resource::{Kind, Resource},
    },
};

pub use self::finding::{Finding, Judgement, LeftAlone, Mode};
pub(crate) use self::overrides::Override;

mod finding;
mod overrides;
mod read;

/// The settings of all rules, for the resources that one override (or none) applies to.
pub(crate) struct RuleSet(pub(crate) Vec<ConfiguredRule>);

/// A rule that is not `off`.
pub(crate) struct ConfiguredRule {
    pub(crate) name: &'static str,
    pub(crate) common: CommonSettings,
    pub(crate) check: Box<dyn Check>,
}

/// What the policy says of every rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommonSettings {
    pub(crate) mode: Mode,
    pub(crate) grace: Duration,
    pub(crate) remind_after: Duration,
    pub(crate) escalate_after: Option<Duration>,
    pub(crate) told_together: bool,
    pub(crate) tells_kept: bool,
    pub(crate) max_actions: u32,
}

impl Policy {
    /// Which tags the policy reads. Others need not be kept in memory.
    pub fn reads_tag(&self, key: &str) -> bool {
        [SCHEDULE_TAG, KEEP_UNTIL_TAG, SPOT_TAG, STOPPABLE_TAG].contains(&key)
            || self.owner_tags.iter().chain(&self.team_tags).any(|tag| tag == key)
            || self.overrides.iter().any(|one| one.matches.tags.iter().any(|(tag, _)| tag == key))
            || self.rule_sets().flat_map(|set| &set.0).any(|rule| rule.check.reads_tag(key, self))
    }

    /// What a rule may do, by the policy and its overrides, without repetition; empty: the rule is off everywhere, and the facts that only
    /// it needs need not be read.
    pub fn modes(&self, rule: &str) -> Vec<Mode> {
        let mut modes: Vec<Mode> = vec![];
        for configured in self.rule_sets().flat_map(|set| &set.0).filter(|configured| configured.name == rule) {
            if !modes.contains(&configured.common.mode) {
                modes.push(configured.common.mode);
            }
        }
        modes
    }

    /// What a rule does, in words: `off`, `report`, `enforce after 30m`, and where overrides change that, in their order.
    pub fn says_of(&self, rule: &str) -> String {
        let says = |set: &RuleSet| {
            let Some(configured) = set.0.iter().find(|configured| configured.name == rule) else { return "off".to_owned() };
            let CommonSettings { mode, grace, max_actions, .. } = configured.common;
            match (mode, configured.check.remedy()) {
                (Mode::Report, None) => "report".to_owned(),
                (Mode::Report, Some(remedy)) => format!("report ({remedy} begins with mode = \"enforce\")"),
                // Where nothing is lost nobody is warned.
                (Mode::Enforce, Some(remedy)) if remedy == "tag" => format!("enforce (tag) at once, at most {max_actions} a run"),
                (Mode::Enforce, None) if grace == Duration::minutes(0) => format!("enforce at once, at most {max_actions} a run"),
                (Mode::Enforce, None) => format!("enforce after {grace}, at most {max_actions} a run"),
                (Mode::Enforce, Some(remedy)) => format!("enforce ({remedy}) after {grace}, at most {max_actions} a run"),
            }
        };
        // What several rules want is said of the one that has it.
        let has_own = |rule: &str| crate::rules::ALL.iter().any(|entry| entry.name == rule && entry.shares.is_none());
        let says = |set: &RuleSet| {
            let configured = set.0.iter().find(|configured| configured.name == rule);
            let required = configured.and_then(|configured| configured.check.required()).filter(|_| has_own(rule));
            let wants = required.map(|required| required.each(self).iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
            says(set) + &wants.map(|wants| format!(": wants {wants}")).unwrap_or_default()
        };
        let base = says(&self.rules);
        let mut text = base.clone();
        for one in &self.overrides {
            let here = says(&one.rules);
            if here != base {
                let _ = write!(text, "; {here} for {}", one.matches);
            }
        }
        text
    }

    /// Whether a rule is on for any resource.
    pub fn uses_rule(&self, name: &str) -> bool {
        !self.modes(name).is_empty()
    }

    /// Whether anything at all is enforced.
    pub fn enforces(&self) -> bool {
        self.budgets.iter().any(|one| one.on_exceed.is_some())
            || crate::rules::ALL.iter().any(|rule| self.modes(rule.name).contains(&Mode::Enforce))
    }

    /// Whether any rule looks at the tags of this kind.
    pub fn audits(&self, kind: Kind) -> bool {
        self.rule_sets().flat_map(|set| &set.0).any(|rule| rule.check.audits(kind))
    }

    /// Whether a rule says of this resource that it is tagged, or not.
    pub fn requires_tags_of(&self, resource: &Resource) -> bool {
        let team = self.team_of(resource);
        let set = self.overrides.iter().find(|one| one.matches.is_match(resource, team.as_deref())).map_or(&self.rules, |one| &one.rules);
        resource.kind().is_some_and(|kind| set.0.iter().any(|rule| rule.check.audits(kind)))
    }

    /// The tags that are required of any resource: the keys of each, any of which will do.
    pub fn required_keys(&self) -> Vec<Vec<String>> {
        let mut wanted: Vec<Vec<String>> = vec![];
        for rule in self.rule_sets().flat_map(|set| &set.0) {
            for one in rule.check.required().iter().flat_map(|required| required.each(self)) {
                if !wanted.iter().any(|known| known == one.keys) {
                    wanted.push(one.keys.to_vec());
                }
            }
        }
        wanted
    }

    /// Whether any rule that is enforced has this `remedy`.
    pub fn enforces_by(&self, remedy: &str) -> bool {
        let enforced = self.rule_sets().flat_map(|set| &set.0).filter(|rule| rule.common.mode == Mode::Enforce);
        enforced.into_iter().any(|rule| rule.check.remedy().as_deref() == Some(remedy))
    }

    fn rule_sets(&self) -> impl Iterator<Item = &RuleSet> {
        std::iter::once(&self.rules).chain(self.overrides.iter().map(|one| &one.rules))
    }

    /// Applies every rule to every resource. Pure, infallible, and the same for the same facts.
    pub fn evaluate(&self, facts: &Facts) -> Judgement {
        let scene = Scene {
            now: facts.now,
            policy: self,
            prices: &facts.prices,
            tightenings: &facts.tightenings,
            unread_tightenings: facts.unread_tightenings,
        };
        let overridden: HashMap<&str, usize> = match self.overrides.as_slice() {
            [] => HashMap::new(),
            overrides => facts
                .resources()
                .filter_map(|resource| {
                    let team = self.team_of(resource);
                    Some((resource.id.as_str(), overrides.iter().position(|one| one.matches.is_match(resource, team.as_deref()))?))
                })
                .collect(),
        };
        let mut judgement = Judgement::default();
        let mut unknown: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
        for (set, which) in self.rule_sets().zip(std::iter::once(None).chain((0..).map(Some))) {
            for rule in &set.0 {
                let select = |resource: &Resource| overridden.get(resource.id.as_str()).copied() == which;
                rule.check.judge(facts, &scene, &select, &mut |Told { resource, series, run, verdict }| match verdict {
                    Verdict::Fine => {}
                    Verdict::Later => drop(judgement.undecided.insert((rule.name, resource.id.clone()))),
                    Verdict::Unknown(why) => {
                        judgement.undecided.insert((rule.name, resource.id.clone()));
                        unknown.entry((rule.name, why)).or_default().push(resource.name.clone());
                    }
                    Verdict::LeftAlone(why) => judgement.left_alone.push(LeftAlone {
                        rule: rule.name,
                        resource: resource.clone(),
                        owner: self.owner_of(resource),
                        team: self.team_of(resource),
                        why,
                    }),
                    Verdict::Waste(waste) => {
                        // What an override says of a resource goes before what a budget says of all.
                        let tightens = |what: &OnExceed| which.is_none() && what.rules().contains(&rule.name);
                        let what = [OnExceed::EnforceOffHours, OnExceed::StopStoppable].into_iter().find(tightens);
                        let tightening = what.and_then(|what| scene.tightening(what, resource));
                        // What was warned of because of one that cannot be read stays so.
                        if facts.unread_tightenings && what.is_some() && tightening.is_none() && rule.common.mode != Mode::Enforce {
                            judgement.undecided.insert((rule.name, resource.id.clone()));
                            return;
                        }
                        judgement.findings.push(Finding { series, ..self.finding(rule, resource, run, *waste, tightening) });
                    }
                });
            }
        }
        judgement.unknown = unknown.into_iter().map(|((rule, why), names)| Unread { what: for_rule(rule, &names), why }).collect();
        judgement.findings.sort_by(|a, b| (a.rule, &a.resource.id).cmp(&(b.rule, &b.resource.id)));
        judgement.left_alone.sort_by(|a, b| (a.rule, &a.resource.id).cmp(&(b.rule, &b.resource.id)));
        judgement
    }

    fn finding(
        &self,
        rule: &ConfiguredRule,
        resource: &Resource,
        run: Option<Timestamp>,
        mut waste: Waste,
        tightening: Option<&Tightening>,
    ) -> Finding {
        let CommonSettings { mut mode, grace, remind_after, escalate_after, told_together, tells_kept, max_actions } = rule.common;
        // What the policy enforces anyway has no end.
        let tightening = tightening.filter(|one| mode != Mode::Enforce || one.what == OnExceed::StopStoppable);
        if let Some(Tightening { budget, until, .. }) = tightening {
            mode = Mode::Enforce;
            let _ = write!(waste.reason, "; enforced until {}, because the budget {budget} is used up", self.clock(*until));
        }
        // Where nothing can be done, there is nothing to warn of.
        let mode = if waste.remedy == Remedy::None { Mode::Report } else { mode };
        let speaks_against = !waste.remedy.is_harmless() && (mode == Mode::Enforce || !tells_kept);
        Finding {
            rule: rule.name,
            series: None,
            run,
            owner: self.owner_of(resource),
            team: self.team_of(resource),
            mode,
            grace: if waste.remedy.is_harmless() { Duration::minutes(0) } else { grace },
            remind_after,
            escalate_after,
            told_together,
            max_actions,
            keep: self.keep(resource).and_then(Result::ok).filter(|_| speaks_against),
            suspended: self.unreadable_tag(resource),
            tightened: tightening.cloned(),
            resource: resource.clone(),
            waste,
        }
    }
}

/// `notebook-idle: 37 resources (a, b, c, …)`
fn for_rule(rule: &str, names: &[String]) -> String {
    let shown = names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if 5 < names.len() { ", …" } else { "" };
    format!("{rule}: {} of its resources ({shown}{more})", names.len())
}

#[cfg(test)]
mod tests;
