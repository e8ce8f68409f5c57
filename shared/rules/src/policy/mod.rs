//! The policy: what the guard looks for, what it may do, and when. Read from TOML ([`Policy::from_toml`]); applied to the facts ([`Policy::evaluate`]).

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use jiff::{Timestamp, ToSpan as _, civil::Date};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    budgets::is_over,
    duration::Duration,
    facts::{Audited, Budget, Creator, Facts, Kind, Resource, Unread, Whose},
    finding::{Finding, Judgement, Keep, LeftAlone, Mode, Remedy, Verdict, Waste},
    price::{Prices, Usd},
    rules::{Check, Globs, Scene, Told},
    schedule::{Calendar, Schedule},
    tagging::Requirement,
};

mod read;

pub use read::PolicyError;
pub(crate) use read::nearest;

/// Tag with a resource's own working hours.
pub const SCHEDULE_TAG: &str = "cost-guard:schedule";
/// Tag with the last day that a resource is kept, `2026-12-31`, or `always`.
pub const KEEP_UNTIL_TAG: &str = "cost-guard:keep-until";
/// Tag with which the owner of a training job asks that it be submitted again as Spot: `resubmit`.
pub const SPOT_TAG: &str = "cost-guard:spot";

/// Tag with which the owner of a resource says that it may be stopped when its budget is used up: `yes`, or `no`.
pub const STOPPABLE_TAG: &str = "cost-guard:stoppable";

/// How the policy says that a budget is for all teams.
const EVERY_TEAM: &str = "*";

/// The policy. `Policy::from_toml("")` is the default: every rule, report only.
pub struct Policy {
    /// The policy's time zone and holidays.
    pub calendar: Calendar,
    /// The first of these tags that is present names the owner.
    pub owner_tags: Vec<String>,
    /// The first of these tags that is present names the team.
    pub team_tags: Vec<String>,
    /// Working hours where neither a resource nor its team has its own.
    pub hours: Schedule,
    /// Working hours by team.
    pub team_hours: BTreeMap<String, Schedule>,
    /// How long a wish to keep a resource may hold.
    pub exemption: Exemption,
    /// Prices that go before the shipped ones.
    pub prices: PriceOverrides,
    /// Who creates resources.
    pub creators: Creators,
    /// What the bill is asked for.
    pub billing: Billing,
    /// Where the tag coverage goes.
    pub coverage: Coverage,
    budgets: Vec<BudgetPolicy>,
    rules: RuleSet,
    overrides: Vec<Override>,
    prices_read: OnceLock<(String, Arc<Prices>)>,
}

/// `[exemption]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    /// How long `cost-guard:keep-until` holds at most, from when the guard first saw it.
    pub max: Duration,
    /// Whether `cost-guard:keep-until = always` is allowed, and holds for ever.
    pub allow_always: bool,
}

impl Default for Exemption {
    fn default() -> Self {
        Self { max: Duration::days(90), allow_always: false }
    }
}

/// `[prices]`, in USD
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceOverrides {
    /// Per hour of an instance type.
    #[serde(deserialize_with = "read::hourly")]
    pub hourly: BTreeMap<String, Decimal>,
    /// Per GB and month of a notebook's volume.
    pub notebook_volume_gb_month: Option<Usd>,
}

/// `[creators]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Creators {
    /// What makes an owner of a creator's name that is no e-mail address: `ann` → `ann@example.com`.
    pub email_domain: Option<String>,
    /// Sessions of roles that are nobody's: patterns of their names.
    pub not_people: Globs,
}

impl Default for Creators {
    fn default() -> Self {
        let machines = [
            "SageMaker",
            "SageMaker-*",
            "botocore-session-*",
            "aws-sdk-*",
            "aws-go-sdk-*",
            "AWSCodeBuild*",
            "codebuild*",
            "i-*",
            "GitHubActions",
            "terraform*",
        ];
        Self { email_domain: None, not_people: Globs::of(&machines) }
    }
}

/// `[billing]`
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Billing {
    /// What SageMaker is called in Cost Explorer's dimension SERVICE (aws-facts §7.2).
    pub services: Vec<String>,
}

impl Default for Billing {
    fn default() -> Self {
        Self { services: vec!["Amazon SageMaker".into()] }
    }
}

/// `[coverage]`: what share of the resources and the dollars is tagged.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coverage {
    /// The S3 bucket for the CSV; `None`: there is none.
    pub bucket: Option<String>,
    /// What its key begins with.
    pub prefix: String,
    /// Which metrics there are beside the whole's. Each costs what CloudWatch asks for a custom metric, per month.
    pub metrics: Vec<CoverageMetric>,
}

/// By what the coverage's metrics are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageMetric {
    /// One per team.
    Team,
    /// One per kind of resource.
    Kind,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { bucket: None, prefix: "tag-coverage/".into(), metrics: vec![CoverageMetric::Team, CoverageMetric::Kind] }
    }
}

/// `[[budget]]`: whose some budgets are, and what the guard does when they are used up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BudgetPolicy {
    /// Which budgets: a pattern of their names.
    #[serde(deserialize_with = "read::pattern")]
    name: globset::GlobMatcher,
    /// Who is told of them.
    #[serde(default, deserialize_with = "read::name")]
    pub owner: Option<String>,
    /// The team that they are for; `*`: all. Where it is not said, the one team that a budget's filter names.
    #[serde(default, deserialize_with = "read::name")]
    pub team: Option<String>,
    /// What is done when one is used up.
    pub on_exceed: Option<OnExceed>,
}

impl std::fmt::Display for BudgetPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, owner, team, on_exceed } = self;
        write!(f, "{}: ", name.glob().glob())?;
        match on_exceed {
            None => write!(f, "told")?,
            Some(what) => write!(f, "told, and used up they enforce {}", what.rules().join(" and "))?,
        }
        match team.as_deref() {
            Some(EVERY_TEAM) => write!(f, ", for all teams")?,
            Some(team) => write!(f, ", for team {team}")?,
            None => write!(f, ", for the one team that their filter names (of another they tighten nothing)")?,
        }
        owner.iter().try_for_each(|owner| write!(f, "; their mails have owner={owner}"))
    }
}

/// What the guard does when a budget is used up, until its period ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnExceed {
    /// Both off-hours rules are enforced for its team.
    EnforceOffHours,
    /// What of its team is tagged `cost-guard:stoppable = yes` is stopped after a grace.
    StopStoppable,
}

impl OnExceed {
    /// The rules that are enforced then.
    pub const fn rules(self) -> &'static [&'static str] {
        match self {
            Self::EnforceOffHours => &["notebook-off-hours", "studio-app-off-hours"],
            Self::StopStoppable => &["stoppable-over-budget"],
        }
    }
}

/// Rules that are enforced because a budget is used up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tightening {
    /// The budget's name.
    pub budget: String,
    /// For whom; `None`: for everybody.
    pub team: Option<String>,
    /// What is done.
    pub what: OnExceed,
    /// When the budget's period ends, and this with it.
    pub until: Timestamp,
}

impl Tightening {
    /// Whether it is for a resource of this team.
    pub fn is_for(&self, team: Option<&str>) -> bool {
        self.team.is_none() || self.team.as_deref() == team
    }
}

/// The settings of all rules, for the resources that one override (or none) applies to.
struct RuleSet(Vec<ConfiguredRule>);

/// A rule that is not `off`.
struct ConfiguredRule {
    name: &'static str,
    common: CommonSettings,
    check: Box<dyn Check>,
}

/// What the policy says of every rule.
#[derive(Clone, Copy, Debug)]
struct CommonSettings {
    mode: Mode,
    grace: Duration,
    remind_after: Duration,
    escalate_after: Option<Duration>,
    told_together: bool,
    tells_kept: bool,
    max_actions: u32,
}

/// `[[override]]`: other settings for some resources.
struct Override {
    matches: Match,
    rules: RuleSet,
}

/// What an override applies to: all that it names must match. Patterns are globs: `prod*`.
#[derive(Default)]
struct Match {
    tags: Vec<(String, globset::GlobMatcher)>,
    team: Option<globset::GlobMatcher>,
    name: Option<globset::GlobMatcher>,
    kind: Option<globset::GlobMatcher>,
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

    /// What the policy says of budgets.
    pub fn budgets(&self) -> &[BudgetPolicy] {
        &self.budgets
    }

    /// What the policy says of a budget.
    pub fn budget(&self, name: &str) -> Option<&BudgetPolicy> {
        self.budgets.iter().find(|one| one.name.is_match(name))
    }

    /// Whether a used-up budget may tighten any of these rules.
    pub fn may_tighten(&self, rules: &[&str]) -> bool {
        self.budgets.iter().filter_map(|one| one.on_exceed).any(|what| what.rules().iter().any(|rule| rules.contains(rule)))
    }

    /// What is enforced because these budgets are used up: for the team that the policy names, or the one that a budget counts. A budget of no team tightens nothing.
    pub fn tightenings(&self, budgets: &[Budget], now: Timestamp) -> Vec<Tightening> {
        let of = |budget: &Budget| {
            let what = self.budget(&budget.resource.name)?.on_exceed?;
            let until = budget.period.filter(|_| self.is_used_up(budget, now))?.end();
            let team = self.tightened_team(budget)?;
            (now < until).then(|| Tightening { budget: budget.resource.name.clone(), team, what, until })
        };
        budgets.iter().filter_map(of).collect()
    }

    /// Whether all of a budget that counts `SageMaker` is spent.
    pub fn is_used_up(&self, budget: &Budget, now: Timestamp) -> bool {
        let numbers = budget.spent(now).zip(budget.limit).filter(|_| budget.filter.takes_sagemaker(self) != Some(false));
        numbers.is_some_and(|(spent, limit)| is_over(spent, limit, Decimal::ONE_HUNDRED))
    }

    /// For whom a budget tightens, if for anybody: the team that the policy names (`Some(None)`: all teams), else the one that its filter names, if that is all that
    /// it names and can be told here.
    pub fn tightened_team(&self, budget: &Budget) -> Option<Option<String>> {
        match self.budget(&budget.resource.name).and_then(|one| one.team.as_deref()) {
            Some(EVERY_TEAM) => Some(None),
            Some(team) => Some(Some(team.to_owned())),
            None if budget.filter.untold(self).is_empty() => budget.filter.team(&self.team_tags).map(|team| Some(team.to_owned())),
            None => None,
        }
    }

    /// Whether the policy still asks for what was tightened.
    pub fn asks_for(&self, tightening: &Tightening) -> bool {
        self.budget(&tightening.budget).is_some_and(|one| {
            let team = one.team.as_deref();
            let is_team = team.is_none() || team == tightening.team.as_deref() || (team == Some(EVERY_TEAM) && tightening.team.is_none());
            one.on_exceed == Some(tightening.what) && is_team
        })
    }

    /// Whose a budget is: of whom the policy says, else of the one team that it counts.
    pub fn settle_whose_budget(&self, budget: &mut Budget) {
        let own = self.budget(&budget.resource.name);
        let of_filter = || budget.filter.team(&self.team_tags).map(str::to_owned);
        let team = own.and_then(|one| one.team.clone()).map_or_else(of_filter, |team| (team != EVERY_TEAM).then_some(team));
        budget.resource.whose = Whose { owner: own.and_then(|one| one.owner.clone()), team };
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

    /// The prices that hold in a Region. Read once: a process looks after one Region.
    pub fn prices_of(&self, region: &str) -> Arc<Prices> {
        let read = || Arc::new(Prices::of_region(region, &self.prices.hourly));
        let (of, prices) = self.prices_read.get_or_init(|| (region.to_owned(), read()));
        if of == region { Arc::clone(prices) } else { read() }
    }

    /// A moment for people, in the policy's time zone: `Mon 2026-11-23 09:00 CET`.
    pub fn clock(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.calendar.zone.clone()).strftime("%a %F %H:%M %Z").to_string()
    }

    /// Whose a resource is.
    pub fn owner_of(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| first_tag(tags, &self.owner_tags)).or_else(|| resource.whose.owner.clone())
    }

    /// Whose team's a resource is.
    pub fn team_of(&self, resource: &Resource) -> Option<String> {
        resource.tags.read().and_then(|tags| first_tag(tags, &self.team_tags)).or_else(|| resource.whose.team.clone())
    }

    /// The owner whom a creator stands for; `None`: it is no person.
    pub fn owner_by(&self, creator: &Creator) -> Option<String> {
        let user = creator.user.trim();
        if user.is_empty() || self.creators.not_people.is_match(user) {
            return None;
        }
        Some(match &self.creators.email_domain {
            Some(domain) if !user.contains('@') => format!("{user}@{domain}"),
            _ => user.to_owned(),
        })
    }

    /// Whose a resource is by a tag that is nearly the owner's or the team's, by its creator and by what it belongs to; what none of them tells stays as it was.
    pub fn settle_whose(&self, audited: &mut Audited) {
        let creator = audited.creator.as_ref().and_then(|creator| self.owner_by(creator));
        let tags = audited.resource.tags.read();
        let nearly =
            |keys: &[String]| Some(Requirement::any_value(keys).near_miss(tags?)?.1.trim().to_owned()).filter(|value| !value.is_empty());
        let by_ancestors = |keys: &[String]| audited.ancestors.iter().find_map(|ancestor| first_tag(&ancestor.tags, keys));
        let owner = nearly(&self.owner_tags).or(creator).or_else(|| by_ancestors(&self.owner_tags));
        let team = nearly(&self.team_tags).or_else(|| by_ancestors(&self.team_tags));
        let whose = &mut audited.resource.whose;
        whose.owner = owner.or(whose.owner.take());
        whose.team = team.or(whose.team.take());
    }

    /// The working hours of a resource, and whose they are for people: `its own`, `team vision's`, `the policy's`.
    ///
    /// # Errors
    /// The resource's own hours cannot be read.
    pub(crate) fn hours_of(&self, resource: &Resource) -> Result<(Schedule, String), String> {
        if let Some(own) = resource.tags.read().and_then(|tags| tags.get(SCHEDULE_TAG)) {
            return match own.parse() {
                Ok(schedule) => Ok((schedule, "its own".into())),
                Err(_) => Err(format!("its tag {SCHEDULE_TAG} cannot be read")),
            };
        }
        let team = self.team_of(resource);
        match team.and_then(|team| Some((self.team_hours.get(&team)?.clone(), format!("team {team}'s")))) {
            Some(hours) => Ok(hours),
            None => Ok((self.hours.clone(), "the policy's".into())),
        }
    }

    /// What is wrong with a resource's `cost-guard:` tags, and how to write them.
    pub(crate) fn unreadable_tag(&self, resource: &Resource) -> Option<String> {
        let tags = resource.tags.read()?;
        let not_one_of = |key: &str, known: &[&str]| {
            let value = tags.get(key).filter(|value| !known.contains(&value.trim()))?;
            let known = known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(" or ");
            Some(format!("`{value}` is not known: write {known}"))
        };
        let wrong = [
            (SCHEDULE_TAG, tags.get(SCHEDULE_TAG).and_then(|value| value.parse::<Schedule>().err()).map(|error| error.to_string())),
            (KEEP_UNTIL_TAG, self.keep(resource).and_then(Result::err)),
            (STOPPABLE_TAG, not_one_of(STOPPABLE_TAG, &["yes", "no"])),
            (SPOT_TAG, not_one_of(SPOT_TAG, &["resubmit"])),
        ];
        let wrong: Vec<String> =
            wrong.into_iter().filter_map(|(key, why)| Some(format!("its tag {key} cannot be read: {}", why?))).collect();
        (!wrong.is_empty()).then(|| wrong.join("; "))
    }

    /// The owner's wish to keep a resource, if there is one.
    fn keep(&self, resource: &Resource) -> Option<Result<Keep, String>> {
        let value = resource.tags.read()?.get(KEEP_UNTIL_TAG)?;
        Some(match value.trim() {
            "always" if self.exemption.allow_always => Ok(Keep { value: value.clone(), until: None, longest: None }),
            "always" => Err("the policy does not allow `always`: write a day, for example 2026-12-31".into()),
            day => day.parse::<Date>().map_err(|_| format!("`{value}` is not a day: write a day, for example 2026-12-31")).map(|day| {
                let end = day.saturating_add(1.day()).to_zoned_datetime(self.calendar.zone.clone());
                let until = end.map_or(Timestamp::MAX, |end| end.timestamp());
                Keep { value: value.clone(), until: Some(until), longest: Some(self.exemption.max) }
            }),
        })
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

fn first_tag(tags: &BTreeMap<String, String>, keys: &[String]) -> Option<String> {
    keys.iter().filter_map(|key| tags.get(key)).map(|value| value.trim()).find(|value| !value.is_empty()).map(str::to_owned)
}

impl std::fmt::Display for Match {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tags = self.tags.iter().map(|(key, glob)| format!("{key}={}", glob.glob()));
        let team = self.team.iter().map(|glob| format!("team {}", glob.glob()));
        let name = self.name.iter().map(|glob| format!("name {}", glob.glob()));
        let kind = self.kind.iter().map(|glob| format!("kind {}", glob.glob()));
        f.write_str(&tags.chain(team).chain(name).chain(kind).collect::<Vec<_>>().join(" and "))
    }
}

impl Match {
    fn is_match(&self, resource: &Resource, team: Option<&str>) -> bool {
        let Some(tags) = resource.tags.read() else { return false };
        self.tags.iter().all(|(key, glob)| tags.get(key).is_some_and(|value| glob.is_match(value)))
            && self.team.as_ref().is_none_or(|glob| team.is_some_and(|team| glob.is_match(team)))
            && self.name.as_ref().is_none_or(|glob| glob.is_match(&resource.name))
            && self.kind.as_ref().is_none_or(|glob| resource.kind().is_some_and(|kind| glob.is_match(kind.as_str())))
    }
}

#[cfg(test)]
mod tests;
