//! What a rule is, and a rule without its type.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable};

use crate::{
    facts::{Facts, Subject},
    policy::{Policy, Required},
    remedy::Remedy,
    rules::{scene::Scene, verdict::Verdict},
    vocabulary::{
        duration::Duration,
        resource::{Kind, Resource, Tags},
    },
};

/// A rule. The struct is its section of the policy, `Default` its defaults.
pub trait Rule: Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Named after the waste it finds; the section `[rules.<NAME>]` of the policy and the file `<name>.rs`.
    const NAME: &'static str;
    /// Whether the policy may set `mode = "enforce"`: whether [`Rule::check`] ever gives more than [`Remedy::None`].
    const ENFORCEABLE: bool;
    /// How long an owner is warned before the guard acts, where the policy does not say.
    const GRACE: Duration = Duration::minutes(30);
    /// How long until an open finding is told again, where neither the rule's section nor the policy says; `None`: as the policy says.
    const REMIND_AFTER: Option<Duration> = None;
    /// How long until what is still open is told its owner's team as well, where the policy does not say; `None`: never.
    const ESCALATE_AFTER: Option<Duration> = None;
    /// Whether what it only reports is told once for all resources of a series.
    const TOLD_PER_SERIES: bool = false;
    /// Whether all of an owner's findings are told when one of them is.
    const TOLD_TOGETHER: bool = false;
    /// Whether its owner is told of what they wish to keep, too: that wish speaks against a stop alone.
    const TELLS_KEPT: bool = false;
    /// Another rule, and a setting of it that is this one's too, where it has none of its own.
    const SHARES: Option<(&'static str, &'static str)> = None;
    /// What it looks at, one at a time.
    type Subject: Subject;

    /// What a policy that enforces this rule has to say too, and does not.
    fn lacks(&self) -> Option<&'static str> {
        None
    }

    /// What makes no sense in these settings, in any mode.
    fn nonsense(&self) -> Option<&'static str> {
        None
    }

    /// Which tags of a resource it reads, beside those that all rules read.
    fn reads_tag(&self, _key: &str, _policy: &Policy) -> bool {
        false
    }

    /// Which tags it requires of resources.
    fn required(&self) -> Option<&Required> {
        None
    }

    /// Whether it looks at the tags of this kind.
    fn audits(&self, _kind: Kind) -> bool {
        false
    }

    /// Judges one resource. Pure and infallible: what it needs and does not know makes the verdict [`Verdict::Unknown`].
    fn check(&self, subject: &Self::Subject, scene: &Scene<'_>) -> Verdict;
}

/// Reads a rule's own settings.
type ReadRule = fn(Spanned<DeTable<'_>>) -> Result<Box<dyn Check>, toml::de::Error>;

/// A rule without its type.
pub struct Entry {
    /// [`Rule::NAME`].
    pub name: &'static str,
    /// [`Rule::ENFORCEABLE`].
    pub enforceable: bool,
    /// [`Rule::GRACE`].
    pub grace: Duration,
    /// [`Rule::REMIND_AFTER`].
    pub remind_after: Option<Duration>,
    /// [`Rule::ESCALATE_AFTER`].
    pub escalate_after: Option<Duration>,
    /// [`Rule::TOLD_TOGETHER`].
    pub told_together: bool,
    /// [`Rule::TELLS_KEPT`].
    pub tells_kept: bool,
    /// [`Rule::SHARES`].
    pub(crate) shares: Option<(&'static str, &'static str)>,
    /// The rule's own settings with their defaults, as TOML.
    pub defaults: fn() -> toml::Table,
    pub(crate) read: ReadRule,
}

impl Entry {
    pub(crate) const fn of<R: Rule>() -> Self {
        Self {
            name: R::NAME,
            enforceable: R::ENFORCEABLE,
            grace: R::GRACE,
            remind_after: R::REMIND_AFTER,
            escalate_after: R::ESCALATE_AFTER,
            told_together: R::TOLD_TOGETHER,
            tells_kept: R::TELLS_KEPT,
            shares: R::SHARES,
            // The settings are plain values: a table can always be made of them.
            defaults: || toml::Table::try_from(R::default()).unwrap_or_default(),
            read: |table| Ok(Box::new(Checked(R::deserialize(toml::Deserializer::from(table))?))),
        }
    }
}

/// A rule with its settings, over all of its subjects.
pub(crate) trait Check: Send + Sync {
    /// Judges the subjects that `select` picks, and tells each verdict that is not [`Verdict::Fine`].
    fn judge(&self, facts: &Facts, scene: &Scene<'_>, select: &dyn Fn(&Resource) -> bool, tell: &mut dyn FnMut(Told<'_>));

    /// [`Rule::lacks`].
    fn lacks(&self) -> Option<&'static str>;

    /// [`Rule::nonsense`].
    fn nonsense(&self) -> Option<&'static str>;

    /// The setting `remedy`, if the rule has one and it is not `"none"`.
    fn remedy(&self) -> Option<String>;

    /// [`Rule::reads_tag`].
    fn reads_tag(&self, key: &str, policy: &Policy) -> bool;

    /// [`Rule::required`].
    fn required(&self) -> Option<&Required>;

    /// [`Rule::audits`].
    fn audits(&self, kind: Kind) -> bool;
}

/// A verdict, and on what.
pub(crate) struct Told<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) series: Option<String>,
    pub(crate) run: Option<Timestamp>,
    pub(crate) verdict: Verdict,
}

struct Checked<R>(R);

impl<R: Rule> Check for Checked<R> {
    fn judge(&self, facts: &Facts, scene: &Scene<'_>, select: &dyn Fn(&Resource) -> bool, tell: &mut dyn FnMut(Told<'_>)) {
        for subject in R::Subject::all(facts).filter(|subject| select(subject.resource())) {
            let resource = subject.resource();
            let verdict = match resource.tags {
                Tags::Unreadable => Verdict::Unknown("its tags could not be read".into()),
                _ => self.0.check(subject, scene),
            };
            if verdict != Verdict::Fine {
                tell(Told { resource, series: subject.series().filter(|_| R::TOLD_PER_SERIES), run: subject.run(), verdict });
            }
        }
    }

    fn lacks(&self) -> Option<&'static str> {
        self.0.lacks()
    }

    fn nonsense(&self) -> Option<&'static str> {
        self.0.nonsense()
    }

    fn remedy(&self) -> Option<String> {
        let settings = toml::Table::try_from(&self.0).ok()?;
        settings.get("remedy")?.as_str().filter(|remedy| *remedy != "none").map(str::to_owned)
    }

    fn reads_tag(&self, key: &str, policy: &Policy) -> bool {
        self.0.reads_tag(key, policy)
    }

    fn required(&self) -> Option<&Required> {
        self.0.required()
    }

    fn audits(&self, kind: Kind) -> bool {
        self.0.audits(kind)
    }
}
