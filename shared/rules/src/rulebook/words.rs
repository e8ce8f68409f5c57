//! What `check-policy` says about a rule: `off`, `report`, `enforce after 30m`, and what overrides change.

use std::fmt;

use crate::{
    rulebook::{
        Mode, Rulebook, Terms,
        rule_set::{ConfiguredRule, RuleSet},
    },
    rules::{self, rule::RemedyName},
    vocabulary::duration::Duration,
};

/// A rule of a rulebook, for display to people.
pub struct RuleWords<'a> {
    rulebook: &'a Rulebook,
    rule: &'a str,
}

impl Rulebook {
    /// What a rule does, in words.
    pub fn words_of<'a>(&'a self, rule: &'a str) -> RuleWords<'a> {
        RuleWords { rulebook: self, rule }
    }
}

impl fmt::Display for RuleWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.of_set(&self.rulebook.rules);
        f.write_str(&base)?;
        for one in &self.rulebook.overrides {
            let here = self.of_set(&one.rules);
            if here != base {
                write!(f, "; {here} for {}", one.matches)?;
            }
        }
        Ok(())
    }
}

impl RuleWords<'_> {
    fn of_set(&self, set: &RuleSet) -> String {
        match set.0.iter().find(|configured| configured.registration.name == self.rule) {
            Some(configured) => mode(configured) + &self.required(configured),
            None => "off".to_owned(),
        }
    }

    /// The required tags. Rules may share this setting, and then only the rule that has it shows them.
    fn required(&self, configured: &ConfiguredRule) -> String {
        let has_own = rules::ALL.iter().any(|known| known.name == self.rule && known.manner.shares.is_none());
        match configured.check.required().filter(|_| has_own) {
            Some(required) => {
                let each = required.each(&self.rulebook.policy);
                format!(": wants {}", each.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
            }
            None => String::new(),
        }
    }
}

fn mode(configured: &ConfiguredRule) -> String {
    let Terms { mode, grace, max_actions, .. } = configured.terms;
    match (mode, configured.check.remedy()) {
        (Mode::Report, None) => "report".to_owned(),
        (Mode::Report, Some(remedy)) => format!("report ({remedy} begins with mode = \"enforce\")"),
        // Writing tags loses nothing, so the owner is not warned first.
        (Mode::Enforce, Some(RemedyName::Tag)) => format!("enforce (tag) at once, at most {max_actions} a run"),
        (Mode::Enforce, None) if grace == Duration::minutes(0) => format!("enforce at once, at most {max_actions} a run"),
        (Mode::Enforce, None) => format!("enforce after {grace}, at most {max_actions} a run"),
        (Mode::Enforce, Some(remedy)) => format!("enforce ({remedy}) after {grace}, at most {max_actions} a run"),
    }
}
