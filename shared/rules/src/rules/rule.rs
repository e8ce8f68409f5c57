//! What a rule is, and a rule without its type.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable};

use crate::{
    facts::{Facts, Listed, Subject as _},
    policy::{Policy, Required},
    rules::{context::RuleContext, verdict::Verdict},
    vocabulary::{
        duration::Duration,
        resource::{Kind, Resource, Tags},
    },
};

/// A rule. The struct is its section of the policy, its fields' comments what the manual says of them, `Default` its defaults.
pub trait Rule: Default + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// Named after the waste it finds; the section `[rules.<NAME>]` of the policy and the file `<name>.rs`.
    const NAME: &'static str;
    /// How it is notified and enforced, where the policy does not say.
    const MANNER: Manner = Manner::DEFAULT;
    /// What it looks at, one at a time.
    type Subject: Listed;

    /// What a policy that enforces this rule has to say too, and does not.
    fn lacks(&self) -> Option<&'static str> {
        None
    }

    /// What makes no sense in these settings, in any mode.
    fn nonsense(&self) -> Option<&'static str> {
        None
    }

    /// Which remedy the policy chose, of a rule with the setting `remedy`.
    fn remedy(&self) -> Option<RemedyName> {
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
    fn check(&self, subject: &Self::Subject, cx: &RuleContext<'_>) -> Verdict;
}

/// Reads a rule's own settings.
type ReadRule = fn(Spanned<DeTable<'_>>) -> Result<Box<dyn Check>, toml::de::Error>;

/// How a rule is notified and enforced, where the policy does not say.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four questions that have nothing to do with each other")]
pub struct Manner {
    /// Whether the policy may set `mode = "enforce"`: whether [`Rule::check`] ever gives more than [`crate::remedy::Remedy::None`].
    pub enforceable: bool,
    /// How long an owner is warned before the guard acts.
    pub grace: Duration,
    /// How long until an open finding is mailed again; `None`: as the policy says.
    pub remind_after: Option<Duration>,
    /// How long until the team is notified of what is still open; `None`: never.
    pub escalate_after: Option<Duration>,
    /// Whether the owner is notified once of all resources of a series, while the guard does nothing about them.
    pub notified_per_series: bool,
    /// Whether the owner is notified of all their findings when they are notified of one.
    pub notified_together: bool,
    /// Whether the owner is notified of what they wish to keep, too: that wish speaks against a stop alone.
    pub notifies_exempt: bool,
    /// Another rule, and a setting of it that is this one's too, where it has none of its own.
    pub shares: Option<(&'static str, &'static str)>,
}

impl Manner {
    /// Of a rule that only reports.
    pub const DEFAULT: Self = Self {
        enforceable: false,
        grace: Duration::minutes(30),
        remind_after: None,
        escalate_after: None,
        notified_per_series: false,
        notified_together: false,
        notifies_exempt: false,
        shares: None,
    };

    /// Of a rule that the policy may have enforced.
    pub const ENFORCEABLE: Self = Self { enforceable: true, ..Self::DEFAULT };
}

/// A remedy that the policy chooses by a rule's setting `remedy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyName {
    /// Stop it.
    Stop,
    /// Submit a training job again on managed Spot.
    Resubmit,
    /// Write the missing tags.
    Tag,
    /// Write the missing tags, and stop what still lacks some after the grace.
    StopAfterGrace,
}

impl fmt::Display for RemedyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "stop",
            Self::Resubmit => "resubmit",
            Self::Tag => "tag",
            Self::StopAfterGrace => "stop-after-grace",
        })
    }
}

/// A rule without its type.
pub struct Registration {
    /// [`Rule::NAME`].
    pub name: &'static str,
    /// [`Rule::MANNER`].
    pub manner: Manner,
    /// The rule's own settings with their defaults, as TOML.
    pub defaults: fn() -> toml::Table,
    pub(crate) read: ReadRule,
}

impl Registration {
    pub(crate) const fn of<R: Rule>() -> Self {
        Self {
            name: R::NAME,
            manner: R::MANNER,
            // The settings are plain values: a table can always be made of them.
            defaults: || toml::Table::try_from(R::default()).unwrap_or_default(),
            read: |table| Ok(Box::new(Checked(R::deserialize(toml::Deserializer::from(table))?))),
        }
    }
}

/// A rule with its settings, over all of its subjects.
pub(crate) trait Check: Send + Sync {
    /// Judges the subjects that `select` picks: each verdict that is not [`Verdict::Fine`].
    fn judge<'a>(&self, facts: &'a Facts, cx: &RuleContext<'_>, select: &dyn Fn(&Resource) -> bool) -> Vec<Judged<'a>>;

    /// [`Rule::lacks`].
    fn lacks(&self) -> Option<&'static str>;

    /// [`Rule::nonsense`].
    fn nonsense(&self) -> Option<&'static str>;

    /// [`Rule::remedy`].
    fn remedy(&self) -> Option<RemedyName>;

    /// [`Rule::reads_tag`].
    fn reads_tag(&self, key: &str, policy: &Policy) -> bool;

    /// [`Rule::required`].
    fn required(&self) -> Option<&Required>;

    /// [`Rule::audits`].
    fn audits(&self, kind: Kind) -> bool;
}

/// A verdict, and on what.
pub(crate) struct Judged<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) series: Option<String>,
    pub(crate) run: Option<Timestamp>,
    /// [`crate::facts::Subject::part_of`]
    pub(crate) part_of: Option<&'a str>,
    pub(crate) verdict: Verdict,
}

struct Checked<R>(R);

impl<R: Rule> Check for Checked<R> {
    fn judge<'a>(&self, facts: &'a Facts, cx: &RuleContext<'_>, select: &dyn Fn(&Resource) -> bool) -> Vec<Judged<'a>> {
        let judged = R::Subject::all(facts).filter(|subject| select(subject.resource())).map(|subject| {
            let resource = subject.resource();
            let verdict = match resource.tags {
                Tags::Unreadable => Verdict::Unknown("its tags could not be read".into()),
                _ => self.0.check(subject, cx),
            };
            Judged {
                resource,
                series: subject.series().filter(|_| R::MANNER.notified_per_series),
                run: subject.run(),
                part_of: subject.part_of(),
                verdict,
            }
        });
        judged.filter(|judged| judged.verdict != Verdict::Fine).collect()
    }

    fn lacks(&self) -> Option<&'static str> {
        self.0.lacks()
    }

    fn nonsense(&self) -> Option<&'static str> {
        self.0.nonsense()
    }

    fn remedy(&self) -> Option<RemedyName> {
        self.0.remedy()
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
