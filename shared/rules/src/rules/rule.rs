//! The trait that every rule implements, the defaults of its behavior, and an entry in the list of all rules.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use toml::{Spanned, de::DeTable};

use crate::{
    facts::{Facts, Listed, Subject},
    inference::ServingOption,
    policy::{Policy, Required},
    rules::{context::RuleContext, verdict::Verdict},
    vocabulary::{
        duration::Duration,
        price::Instances,
        resource::{Kind, Resource, Tags},
    },
};

/// A rule. The struct is its section of the policy. The comments of its fields are their text in the manual, and `Default` gives their defaults.
pub trait Rule: Default + Serialize + DeserializeOwned + JsonSchema + Send + Sync + 'static {
    /// The rule's name, after the waste that it finds. Its section of the policy is `[rules.<NAME>]`, its file `<name>.rs` with underscores.
    const NAME: &'static str;
    /// What a person can do about what it finds, in a line of a weekly summary: begins in lower case and has no full stop. Its mail says more.
    const TO_DO: &'static str;
    /// How the rule notifies and acts, where the policy does not say.
    const MANNER: Manner = Manner::DEFAULT;
    /// What the rule checks, one at a time.
    type Subject: Listed;

    /// What a policy that enforces this rule must set but does not. `None`: nothing is missing.
    fn lacks(&self) -> Option<&'static str> {
        None
    }

    /// Why these settings make no sense, in any mode. `None`: they are valid.
    fn nonsense(&self) -> Option<&'static str> {
        None
    }

    /// The remedy that the policy chose. `None`: the rule has no setting `remedy`, or it is `"none"`.
    fn remedy(&self) -> Option<RemedyName> {
        None
    }

    /// Whether the rule may find something about a subject, whatever its tags are. Of others it does not matter that their tags could not be read.
    fn concerns(&self, _subject: &Self::Subject) -> bool {
        true
    }

    /// Whether the rule reads this tag of a resource, in addition to the tags that all rules read.
    fn reads_tag(&self, _key: &str, _policy: &Policy) -> bool {
        false
    }

    /// The tags that the rule requires of resources. `None`: the rule is not about required tags.
    fn required(&self) -> Option<&Required> {
        None
    }

    /// Whether the rule checks the tags of resources of this kind.
    fn audits(&self, _kind: Kind) -> bool {
        false
    }

    /// Whether the rule needs the requests of an endpoint by the minute, which are read only where they may pay.
    fn needs_minutes(&self, _subject: &Self::Subject, _cx: &RuleContext<'_>) -> bool {
        false
    }

    /// How long callers may wait for an answer, if the rule recommends this way of serving an endpoint. `None`: it is not about this way.
    fn callers_wait(&self, _option: ServingOption) -> Option<Duration> {
        None
    }

    /// Judges one resource. Pure and infallible: if a fact that it needs is missing, the verdict is [`Verdict::Unknown`].
    fn check(&self, subject: &Self::Subject, cx: &RuleContext<'_>) -> Verdict;
}

/// Reads a rule's own settings from its table in the policy.
type ReadRule = fn(Spanned<DeTable<'_>>) -> Result<Box<dyn Check>, toml::de::Error>;

/// How a rule notifies and acts, where the policy does not say.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "questions that have nothing to do with each other")]
pub struct Manner {
    /// Whether the policy may set `mode = "enforce"`. True if [`Rule::check`] can return another remedy than [`crate::remedy::Remedy::None`].
    pub enforceable: bool,
    /// How long an owner is warned before the guard acts.
    pub grace: Duration,
    /// How long until an open finding is mailed again. `None`: the policy's general `remind-after`.
    pub remind_after: Option<Duration>,
    /// How long until the team is notified of a finding that is still open. `None`: never.
    pub escalate_after: Option<Duration>,
    /// Whether the owner is notified once for all resources of a series, as long as the guard only reports them.
    pub notified_per_series: bool,
    /// Whether an owner who is notified of one finding is notified of all their open findings.
    pub notified_together: bool,
    /// Whether the rule reports resources that their owner wishes to keep, too. The wish then only prevents a stop.
    pub notifies_exempt: bool,
    /// Whether the cost of what it finds is wasted. `false`: it costs the same when it is mended, as what has no tag does.
    pub costs_are_waste: bool,
    /// Whether a warning of waste that recurs holds for a week in any case. `false`: the policy's `repeated-warnings` decides.
    pub warns_weekly: bool,
    /// Whether the rule is off where the policy has no section for it, because it needs what few accounts have.
    pub only_if_named: bool,
    /// Another rule and one of its settings. The setting applies to this rule too, unless this rule has its own.
    pub shares: Option<(&'static str, &'static str)>,
}

impl Manner {
    /// For a rule that only reports.
    pub const DEFAULT: Self = Self {
        enforceable: false,
        grace: Duration::minutes(30),
        remind_after: None,
        escalate_after: None,
        notified_per_series: false,
        notified_together: false,
        notifies_exempt: false,
        costs_are_waste: true,
        warns_weekly: false,
        only_if_named: false,
        shares: None,
    };

    /// For a rule that the policy may enforce.
    pub const ENFORCEABLE: Self = Self { enforceable: true, ..Self::DEFAULT };
}

/// A remedy that the policy chooses with a rule's setting `remedy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemedyName {
    /// Stop the resource.
    Stop,
    /// Submit a training job again on managed Spot.
    Resubmit,
    /// Delete an endpoint, to be created again as it was.
    Hibernate,
    /// Scale an endpoint by its working hours.
    Schedule,
    /// Write the missing tags.
    Tag,
    /// Write the missing tags. After the grace, stop resources that still lack one.
    StopAfterGrace,
}

impl fmt::Display for RemedyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "stop",
            Self::Resubmit => "resubmit",
            Self::Hibernate => "hibernate",
            Self::Schedule => "schedule",
            Self::Tag => "tag",
            Self::StopAfterGrace => "stop-after-grace",
        })
    }
}

/// An entry in the list of all rules: a rule without its Rust type.
pub struct Registration {
    /// [`Rule::NAME`].
    pub name: &'static str,
    /// [`Rule::TO_DO`].
    pub to_do: &'static str,
    /// [`Rule::MANNER`].
    pub manner: Manner,
    /// The kinds of resources that the rule is about.
    pub(crate) kinds: &'static [Kind],
    /// Whether the rule has anything to judge in these facts.
    pub(crate) has_subject: fn(&Facts) -> bool,
    /// The rule's own settings with their defaults, as TOML.
    pub defaults: fn() -> toml::Table,
    pub(crate) read: ReadRule,
}

impl Registration {
    pub(crate) const fn of<R: Rule>() -> Self {
        Self {
            name: R::NAME,
            to_do: R::TO_DO,
            manner: R::MANNER,
            kinds: R::Subject::KINDS,
            has_subject: |facts| R::Subject::all(facts).next().is_some(),
            // The settings are plain values, so this conversion cannot fail.
            defaults: || toml::Table::try_from(R::default()).unwrap_or_default(),
            read: |table| Ok(Box::new(Checked(R::deserialize(toml::Deserializer::from(table))?))),
        }
    }
}

/// A rule with its settings, without its Rust type. It judges all subjects at once.
pub(crate) trait Check: Send + Sync {
    /// Judges the subjects that `select` picks. Returns each verdict that is not [`Verdict::Fine`].
    fn judge<'a>(&self, facts: &'a Facts, cx: &RuleContext<'_>, select: &dyn Fn(&Resource) -> bool) -> Vec<Judged<'a>>;

    /// The selected subjects of which the rule needs the requests by the minute ([`Rule::needs_minutes`]).
    fn needs_minutes<'a>(&self, facts: &'a Facts, cx: &RuleContext<'_>, select: &dyn Fn(&Resource) -> bool) -> Vec<&'a Resource>;

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

    /// [`Rule::callers_wait`].
    fn callers_wait(&self, option: ServingOption) -> Option<Duration>;
}

/// A verdict and the resource that it is about.
pub(crate) struct Judged<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) series: Option<String>,
    pub(crate) run: Option<Timestamp>,
    /// Of its [`crate::facts::Subject::instances`], if all are of one type.
    pub(crate) instance_type: Option<String>,
    /// [`crate::facts::Subject::part_of`]
    pub(crate) part_of: Option<&'a str>,
    /// [`crate::facts::Subject::homes`]
    pub(crate) homes: Vec<Resource>,
    pub(crate) verdict: Verdict,
}

struct Checked<R>(R);

impl<R: Rule> Check for Checked<R> {
    fn judge<'a>(&self, facts: &'a Facts, cx: &RuleContext<'_>, select: &dyn Fn(&Resource) -> bool) -> Vec<Judged<'a>> {
        let judged = R::Subject::all(facts).filter(|subject| select(subject.resource()) && self.0.concerns(subject)).map(|subject| {
            let resource = subject.resource();
            let verdict = match resource.tags {
                Tags::Unreadable => Verdict::Unknown("its tags could not be read".into()),
                _ => self.0.check(subject, cx),
            };
            Judged {
                resource,
                series: subject.series().filter(|_| R::MANNER.notified_per_series),
                run: subject.run(),
                instance_type: Instances::only_type(&subject.instances()).map(str::to_owned),
                part_of: subject.part_of(),
                homes: subject.homes(),
                verdict,
            }
        });
        judged.filter(|judged| judged.verdict != Verdict::Fine).collect()
    }

    fn needs_minutes<'a>(&self, facts: &'a Facts, cx: &RuleContext<'_>, select: &dyn Fn(&Resource) -> bool) -> Vec<&'a Resource> {
        let subjects = R::Subject::all(facts).filter(|subject| select(subject.resource()) && self.0.needs_minutes(subject, cx));
        subjects.map(Subject::resource).collect()
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

    fn callers_wait(&self, option: ServingOption) -> Option<Duration> {
        self.0.callers_wait(option)
    }
}
