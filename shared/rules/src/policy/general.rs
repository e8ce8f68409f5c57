//! The general keys and sections of the policy: everything but the rules and overrides.

use std::{collections::BTreeSet, ops::Range, sync::OnceLock};

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    policy::{
        inference::InferenceSettings,
        required_tags::why_on_no_resource,
        sections::{
            Billing, BudgetPolicy, Coverage, Creators, Exemption, HibernationSettings, MailSettings, OwnershipSettings, PriceOverrides,
            ReportSettings, SavingsPlanSettings, WorkflowSigns,
        },
        settings::Policy,
        toml::{Table, Wrong, contradiction, only_known_keys, table, wrong},
        working_hours::WorkingHours,
    },
    vocabulary::{
        duration::Duration,
        owners::each,
        time_zone::{zone_named, zone_schema},
    },
};

/// Everything but the rules and overrides. The comments of the fields are the text of the policy's schema and reference.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct General {
    /// The time zone of times in mails, of `holidays`, and of working hours that name no zone.
    #[serde(deserialize_with = "zone")]
    #[schemars(schema_with = "zone_schema", extend("default" = "UTC"))]
    pub(crate) timezone: TimeZone,
    /// Tag keys. The value of the first one that a resource has is its owner, who is mailed.
    #[schemars(extend("contains" = { "minLength": 1 }, "items" = { "type": "string", "not": { "pattern": "^[Aa][Ww][Ss]:" } }))]
    pub(crate) owner_tags: Vec<String>,
    /// Tag keys. The value of the first one that a resource has is its team.
    #[schemars(extend("items" = { "type": "string", "not": { "pattern": "^[Aa][Ww][Ss]:" } }))]
    pub(crate) team_tags: Vec<String>,
    /// The maximum number of actions of a rule in one run. Further actions are held back until the next run.
    #[schemars(range(min = 1))]
    pub(crate) max_actions: u32,
    /// The time until an open finding is mailed again. At least one hour.
    pub(crate) remind_after: Duration,
    /// When people work.
    pub(crate) working_hours: WorkingHours,
    /// How long owners may exempt a resource with the tag `cost-guard:keep-until`.
    pub(crate) exemption: Exemption,
    /// Your prices, where they differ from the shipped list prices of AWS or are missing there.
    pub(crate) prices: PriceOverrides,
    /// If no tag names an owner, the owner is who created the resource, according to CloudTrail.
    pub(crate) creators: Creators,
    /// Owners who have left.
    pub(crate) ownership: OwnershipSettings,
    /// Signs of jobs that somebody's workflow waits for: no rule stops or resubmits them.
    pub(crate) workflows: WorkflowSigns,
    /// Which endpoints may be deleted while nobody needs them, to be created again as they were.
    pub(crate) hibernation: HibernationSettings,
    /// What inference-advisor recommends, and what it assumes where nothing was measured. [inference-options.md](inference-options.md) explains the model.
    pub(crate) inference: InferenceSettings,
    /// When owners are mailed.
    pub(crate) mail: MailSettings,
    /// How the bill is read.
    pub(crate) billing: Billing,
    /// The cost report: when it is made, for whom, and where it is stored.
    pub(crate) report: ReportSettings,
    /// Which Savings Plan is advised, and who hears of it.
    pub(crate) savings_plan: SavingsPlanSettings,
    /// The share of the resources and of their cost that is tagged, as a daily table and as metrics.
    pub(crate) coverage: Coverage,
    /// Who owns budgets, and what is done when they are used up. The first one whose `name` matches a budget applies to it.
    pub(crate) budget: Vec<BudgetPolicy>,
}

impl Default for General {
    fn default() -> Self {
        Self {
            timezone: TimeZone::UTC,
            owner_tags: vec!["Owner".into(), "owner".into()],
            team_tags: vec!["Team".into(), "team".into(), "CostCenter".into()],
            max_actions: 25,
            remind_after: Duration::days(7),
            working_hours: WorkingHours::default(),
            exemption: Exemption::default(),
            prices: PriceOverrides::default(),
            creators: Creators::default(),
            ownership: OwnershipSettings::default(),
            workflows: WorkflowSigns::default(),
            hibernation: HibernationSettings::default(),
            inference: InferenceSettings::default(),
            mail: MailSettings::default(),
            billing: Billing::default(),
            report: ReportSettings::default(),
            savings_plan: SavingsPlanSettings::default(),
            coverage: Coverage::default(),
            budget: vec![],
        }
    }
}

const KEYS: [&str; 19] = [
    "timezone",
    "owner-tags",
    "team-tags",
    "max-actions",
    "remind-after",
    "working-hours",
    "exemption",
    "prices",
    "creators",
    "ownership",
    "workflows",
    "hibernation",
    "inference",
    "mail",
    "billing",
    "report",
    "savings-plan",
    "coverage",
    "budget",
];
const SECTION_KEYS: [(&str, &[&str]); 13] = [
    ("working-hours", &["default", "teams", "holidays", "zone-holidays", "team-holidays"]),
    ("exemption", &["max", "allow-always"]),
    (
        "prices",
        &[
            "currency",
            "hourly",
            "notebook-volume-gb-month",
            "serverless-gb-second",
            "ready-gb-second",
            "busy-gb-second",
            "hosting-data-gb",
            "hosting-volume-gb-month",
        ],
    ),
    ("creators", &["email-domain", "not-people", "people-roles"]),
    ("ownership", &["left"]),
    ("workflows", &["names", "not-names", "tags", "not-tags"]),
    ("hibernation", &["also", "wake-before"]),
    (
        "inference",
        &[
            "min-saving",
            "max-cold-share",
            "payload-kb",
            "cold-start",
            "stays-warm",
            "slower",
            "burst",
            "start-up",
            "scale-in",
            "batch-every",
            "savings-plan-discount",
            "small-images",
        ],
    ),
    ("mail", &["reports", "repeated-stops", "repeated-warnings", "platform", "at", "contact", "manual-url"]),
    ("billing", &["services"]),
    ("report", &["weekly", "monthly", "monthly-on", "to", "bucket", "prefix", "console-url"]),
    ("savings-plan", &["term", "payment", "finance", "use-recommendation-hours"]),
    ("coverage", &["bucket", "prefix", "metrics"]),
];

impl General {
    /// Refuses unknown keys, here and in the sections. `others`: keys of the policy that are not read here.
    pub(crate) fn only_known_keys<const N: usize>(root: &DeTable<'_>, others: [&str; N]) -> Result<(), Wrong> {
        only_known_keys(root, "the policy", KEYS.into_iter().chain(others))?;
        for (section, keys) in SECTION_KEYS {
            if let Some(value) = root.get(section) {
                is_one(value, section)?;
                only_known_keys(table(value, section)?.get_ref(), &format!("[{section}]"), keys.iter().copied())?;
            }
        }
        Ok(())
    }

    /// Reads the table. The ranges are the place of each `[[budget]]` in the text, in bytes.
    pub(crate) fn read(root: Table<'_>) -> Result<(Self, Vec<Range<usize>>), Wrong> {
        let budgets_at = budgets_at(root.get_ref())?;
        let place = |key: &str| root.get_ref().get(key).map(Spanned::span).unwrap_or_default();
        let (max_actions_at, remind_after_at) = (place("max-actions"), place("remind-after"));
        let (owner_tags_at, team_tags_at) = (place("owner-tags"), place("team-tags"));
        let within = |section: &str, key: &str| match root.get_ref().get(section).map(Spanned::get_ref) {
            Some(DeValue::Table(table)) => table.get(key).map(Spanned::span).unwrap_or_default(),
            _ => 0..0,
        };
        let creators_at = within("creators", "email-domain");
        let buckets_at = [within("coverage", "bucket"), within("report", "bucket")];
        let (left_at, contact_at) = (within("ownership", "left"), within("mail", "contact"));
        let general = Self::deserialize(toml::Deserializer::from(root))?;
        Self::is_on_resources("owner-tags", &general.owner_tags, owner_tags_at.clone())?;
        Self::is_on_resources("team-tags", &general.team_tags, team_tags_at)?;
        Self::acts_at_all(general.max_actions, max_actions_at)?;
        Self::reminds_seldom_enough(general.remind_after, remind_after_at)?;
        if general.owner_tags.iter().all(String::is_empty) {
            return wrong(owner_tags_at, "`owner-tags` names no tag: nobody would ever be mailed: write for example [\"Owner\"]");
        }
        if let Some(domain) = general.creators.email_domain.as_ref().filter(|domain| !is_domain(domain)) {
            return wrong(
                creators_at,
                format!("`email-domain` is `{domain}`: write what stands behind the @, for example \"example.com\""),
            );
        }
        for (bucket, at) in [&general.coverage.bucket, &general.report.bucket].into_iter().zip(buckets_at) {
            if let Some(bucket) = bucket.as_ref().filter(|bucket| !is_bucket(bucket)) {
                return wrong(at, format!("`bucket` is `{bucket}`: write the name of an S3 bucket alone, for example \"finops-reports\""));
            }
        }
        for (number, (one, at)) in general.budget.iter().zip(&budgets_at).enumerate() {
            if let Some(before) = general.budget.iter().take(number).find(|before| before.covers(one)) {
                let name = before.name.glob().glob();
                return contradiction(
                    at.clone(),
                    format!("this [[budget]] never applies: one before it, `{name}`, matches all of its names"),
                );
            }
        }
        general.mails_nobody_who_left(left_at, contact_at, &budgets_at)?;
        Ok((general, budgets_at))
    }

    /// Refuses a list of owners who have left that is everybody, or that has somebody whom the policy itself names.
    fn mails_nobody_who_left(&self, left_at: Range<usize>, contact_at: Range<usize>, budgets_at: &[Range<usize>]) -> Result<(), Wrong> {
        const ELSE: &str = "who has left (`left` in [ownership]): name somebody else";
        if let Some(pattern) = self.ownership.left.texts().iter().find(|text| text.chars().all(|c| c == '*')) {
            return wrong(left_at, format!("`left`: `{pattern}` is everybody: name those who have left"));
        }
        let left = self.ownership.left.as_owners(&self.creators);
        let is_of_left =
            |named: &str| self.creators.owner_named(named).is_some_and(|owner| each(&owner).iter().any(|one| left.has_owner(one)));
        if let Some(contact) = self.mail.contact.as_deref().filter(|contact| is_of_left(contact)) {
            return contradiction(contact_at, format!("`contact` is `{contact}`, {ELSE}"));
        }
        for (owner, at) in self.budget.iter().zip(budgets_at).filter_map(|(budget, at)| Some((budget.owner.as_deref()?, at))) {
            if is_of_left(owner) {
                return contradiction(at.clone(), format!("this [[budget]] has the owner `{owner}`, {ELSE}"));
            }
        }
        Ok(())
    }

    pub(crate) fn into_policy(mut self) -> Policy {
        let (calendar, calendars) = self.working_hours.calendars(&self.timezone);
        Policy {
            calendar,
            calendars,
            owner_tags: self.owner_tags,
            team_tags: self.team_tags,
            other_tags: BTreeSet::new(),
            hours: self.working_hours.default,
            team_hours: self.working_hours.teams,
            exemption: self.exemption,
            prices: self.prices,
            left: self.ownership.left.as_owners(&self.creators),
            creators: self.creators,
            workflows: self.workflows,
            hibernation: self.hibernation,
            inference: self.inference,
            mail: self.mail,
            billing: self.billing,
            report: self.report,
            savings_plan: self.savings_plan,
            coverage: self.coverage,
            budgets: self.budget,
            prices_read: OnceLock::new(),
        }
    }

    /// Refuses tag keys that are on the bill only, and keys as the bill spells them. Others of AWS are on resources: `aws:cloudformation:stack-name`.
    fn is_on_resources(key: &str, tags: &[String], at: Range<usize>) -> Result<(), Wrong> {
        match tags.iter().find_map(|tag| why_on_no_resource(tag)) {
            Some(why) => wrong(at, format!("`{key}` names {why}")),
            None => Ok(()),
        }
    }

    /// Refuses `max-actions = 0`.
    pub(crate) fn acts_at_all(max_actions: u32, at: Range<usize>) -> Result<(), Wrong> {
        if max_actions == 0 {
            return wrong(at, "`max-actions` is 0: write mode = \"report\" for what must not act");
        }
        Ok(())
    }

    /// Refuses a `remind-after` of less than an hour: each run would mail the finding again.
    pub(crate) fn reminds_seldom_enough(remind_after: Duration, at: Range<usize>) -> Result<(), Wrong> {
        if remind_after < Duration::hours(1) {
            return wrong(at, format!("`remind-after` is {remind_after}: an hour is the least, a week is usual"));
        }
        Ok(())
    }
}

impl Default for Policy {
    fn default() -> Self {
        General::default().into_policy()
    }
}

#[cfg(test)]
impl Policy {
    /// Reads a policy without rules and overrides.
    pub(crate) fn from_toml(text: &str) -> Result<Self, super::toml::PolicyError> {
        let root = ::toml::de::DeTable::parse(text).map_err(|error| Wrong::from(error).in_text(text))?;
        General::read(root).map(|(general, _)| general.into_policy()).map_err(|wrong| wrong.in_text(text))
    }
}

/// Refuses `[[section]]` of a section that stands once.
fn is_one(value: &Spanned<DeValue<'_>>, section: &str) -> Result<(), Wrong> {
    let for_single = if section == "exemption" { "; for single resources write [[exempt]]" } else { "" };
    match value.get_ref() {
        DeValue::Array(_) => wrong(value.span(), format!("`{section}` stands once: write [{section}]{for_single}")),
        _ => Ok(()),
    }
}

/// The place of each `[[budget]]` in the text. Refuses unknown keys, and a `[[budget]]` without a name.
fn budgets_at(root: &DeTable<'_>) -> Result<Vec<Range<usize>>, Wrong> {
    let Some(value) = root.get("budget") else { return Ok(vec![]) };
    let DeValue::Array(items) = value.get_ref() else { return wrong(value.span(), "`budget` is a list: write [[budget]]") };
    for item in items {
        let budget = table(item, "budget")?;
        only_known_keys(budget.get_ref(), "[[budget]]", ["name", "owner", "team", "on-exceed"])?;
        if !budget.get_ref().contains_key("name") {
            return contradiction(item.span(), "this [[budget]] has no `name`: write for example name = \"ml-dev*\"");
        }
    }
    Ok(items.iter().map(Spanned::span).collect())
}

/// Whether an address can end with it: `example.com`.
fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let ends_well = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        label.chars().all(|c| c.is_alphanumeric() || c == '-') && ends_well(label.chars().next()) && ends_well(label.chars().next_back())
    };
    text.contains('.') && text.split('.').all(is_label)
}

/// Whether AWS accepts a bucket's name. The less common naming rules are not checked.
fn is_bucket(name: &str) -> bool {
    let is_plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|c| is_plain(c) || matches!(c, b'-' | b'.'))
        && [name.bytes().next(), name.bytes().last()].into_iter().flatten().all(is_plain)
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    zone_named(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}
