//! What a rule makes of a case, and how that is told.

use std::fmt::{self, Write as _};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    rulebook::{Exempted, Finding, Judgement},
    vocabulary::text::one_line,
};

/// What a rule makes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The rule finds nothing.
    Fine,
    /// The rule finds it, and its owner is mailed. The guard does nothing about it.
    Report,
    /// The rule finds it, and the guard acts after its warning.
    Enforce,
    /// The rule would find it, but it is left alone: by its tag, by the policy, or because the rule spares such resources.
    Exempt,
    /// It is judged later, because its state is changing.
    Later,
    /// It cannot be judged: a fact is missing that the case does not give.
    Unknown,
    /// The policy switches the rule off for this resource.
    Off,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 7] = [Self::Fine, Self::Report, Self::Enforce, Self::Exempt, Self::Later, Self::Unknown, Self::Off];

    /// As in a cases file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Report => "report",
            Self::Enforce => "enforce",
            Self::Exempt => "exempt",
            Self::Later => "later",
            Self::Unknown => "unknown",
            Self::Off => "off",
        }
    }
}

/// An outcome, and why it is so. Empty: the rule does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) outcome: Outcome,
    pub(super) why: String,
}

impl Found {
    /// What a judgement of one resource at this time says of a rule. Times in the reason are by the clock of `zone`.
    pub(super) fn of(judgement: &Judgement, rule: &'static str, now: Timestamp, zone: &TimeZone) -> Self {
        let found = judgement.findings.iter().find(|finding| finding.rule == rule).map(|finding| Self::of_finding(finding, now, zone));
        let exempted = || judgement.exempted.iter().find(|exempted| exempted.rule == rule).map(Self::of_exempted);
        let unknown = || judgement.why_unknown(rule).map(|why| Self { outcome: Outcome::Unknown, why: why.to_owned() });
        let is_undecided = || judgement.undecided.iter().any(|(of, _)| *of == rule);
        let later = || is_undecided().then(|| Self { outcome: Outcome::Later, why: "its state is changing".to_owned() });
        found.or_else(exempted).or_else(unknown).or_else(later).unwrap_or(Self { outcome: Outcome::Fine, why: String::new() })
    }

    fn of_finding(finding: &Finding, now: Timestamp, zone: &TimeZone) -> Self {
        if let Some(keep) = finding.keep.as_ref().filter(|keep| keep.holds(now, now)) {
            return Self { outcome: Outcome::Exempt, why: format!("it is kept until {}", keep.value) };
        }
        let mut why = finding.waste.reason.with_zone(zone);
        if let Some(unreadable) = &finding.suspended {
            let _ = write!(why, "; nothing is done about it, because {}", unreadable.why);
        }
        Self { outcome: if finding.is_enforced() { Outcome::Enforce } else { Outcome::Report }, why }
    }

    fn of_exempted(exempted: &Exempted) -> Self {
        Self { outcome: Outcome::Exempt, why: exempted.why.clone() }
    }
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// The case's name.
    pub name: String,
    /// What is not as expected. Empty: all is.
    pub failures: Vec<Failure>,
}

/// A rule that makes something else of a case than was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule's name.
    pub rule: &'static str,
    /// What the case expects.
    pub expected: Outcome,
    /// What the rule makes of it.
    pub found: Outcome,
    /// Why, in the rule's words. Empty: the rule does not say.
    pub why: String,
}

/// `notebook-off-hours says report, expected enforce: on since …`
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, expected, found, why } = self;
        match found {
            Outcome::Off => write!(f, "{rule} is off for it, expected {}", expected.as_str())?,
            _ => write!(f, "{rule} says {}, expected {}", found.as_str(), expected.as_str())?,
        }
        if why.is_empty() { Ok(()) } else { write!(f, ": {}", one_line(why)) }
    }
}

/// What became of all cases, for people: one line for each case, of a failed one for each failure, and the sum. `file`: the cases' file.
pub fn report(file: &str, tested: &[Tested]) -> String {
    let mut text = String::new();
    for Tested { name, failures } in tested {
        let name = one_line(name);
        if failures.is_empty() {
            let _ = writeln!(text, "ok      {name}");
        }
        for failure in failures {
            let _ = writeln!(text, "FAILED  {}, case \"{name}\": {failure}", one_line(file));
        }
    }
    let failed = tested.iter().filter(|one| !one.failures.is_empty()).count();
    let noun = if tested.len() == 1 { "case" } else { "cases" };
    let _ = match failed {
        0 => writeln!(text, "{} {noun}: all as expected.", tested.len()),
        _ => writeln!(text, "{} {noun}: {failed} not as expected.", tested.len()),
    };
    text
}
