//! The sections of the policy with their keys and defaults.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jiff::civil::Time;
use regex::Regex;
use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{
    facts::OnExceed,
    policy::toml::EVERY_TEAM,
    savings_plan::{Offer, Payment, Term},
    vocabulary::{
        currency::Currency,
        duration::Duration,
        globs::{Globs, filled_glob_schema, globs_schema},
        patterns::{JOBS, OWNERS, TAG_KEYS, USERS},
        price::Usd,
        text::one_line,
    },
};

/// `[exemption]`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Exemption {
    /// The longest exemption by the tag `cost-guard:keep-until`, from when the guard first saw the tag's value.
    pub max: Duration,
    /// Whether the tag's value may be `always`, for an exemption without end.
    pub allow_always: bool,
}

impl Default for Exemption {
    fn default() -> Self {
        Self { max: Duration::days(90), allow_always: false }
    }
}

/// `[prices]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PriceOverrides {
    /// The currency of the account's bill, and of all amounts in this policy. Default: CNY in the Regions in China, USD elsewhere. The shipped prices are in USD:
    /// with another currency, prices are known only if they are set here.
    pub currency: Option<Currency>,
    /// USD per hour, by instance type. Write the type in quotes: `{ "ml.m5.xlarge" = 0.23 }`.
    #[serde(deserialize_with = "super::toml::hourly")]
    #[schemars(with = "BTreeMap<String, Usd>", extend("propertyNames" = { "pattern": super::toml::INSTANCE_TYPE }))]
    pub hourly: BTreeMap<String, Decimal>,
    /// USD per GB-month of a notebook's volume.
    pub notebook_volume_gb_month: Option<Usd>,
    /// USD per second and GB of a request to a serverless endpoint. The shipped prices of this and of the next ones are those of us-east-1 only: in another Region, set all five.
    pub serverless_gb_second: Option<Usd>,
    /// USD per second and GB of provisioned concurrency that is kept ready.
    pub ready_gb_second: Option<Usd>,
    /// USD per second and GB of a request that provisioned concurrency answers, in addition.
    pub busy_gb_second: Option<Usd>,
    /// USD per GB in or out of an endpoint.
    pub hosting_data_gb: Option<Usd>,
    /// USD per GB-month of an endpoint's volume.
    pub hosting_volume_gb_month: Option<Usd>,
}

/// `[creators]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Creators {
    /// The domain that is added to a person's name that is no e-mail address, of a creator, in an owner's tag or of a budget: with
    /// `example.com`, `ann` becomes `ann@example.com`.
    #[schemars(regex(pattern = r"^[\p{L}\p{N}]+(-+[\p{L}\p{N}]+)*(\.[\p{L}\p{N}]+(-+[\p{L}\p{N}]+)*)+$"), extend("examples" = ["example.com"]))]
    pub email_domain: Option<String>,
    /// More names of users and role sessions that do not belong to a person, or their ARNs. They are not taken as owners. Names of AWS services and of
    /// known tools, ids and random names never are.
    #[serde(deserialize_with = "super::people::users")]
    #[schemars(schema_with = "users_schema")]
    pub not_people: Globs,
    /// IAM roles that people assume, such as `ADFS-*`, by their names or ARNs: a session with a name of one word, `ann`, is a person's there. In other
    /// roles it is nobody's, because programs name their sessions so, too. E-mail addresses, `first.last`, users of IAM and of IAM Identity Center are
    /// always people.
    #[serde(deserialize_with = "super::people::roles")]
    #[schemars(schema_with = "users_schema")]
    pub people_roles: Globs,
}

/// `[ownership]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct OwnershipSettings {
    /// Owners who have left: addresses or names as in the owners' tags, or patterns such as `*@contractor.example.com` (`@contractor.example.com` is the
    /// same). What they own is mailed to the owner of their team's `[[budget]]`, or as `unowned`, and their names are not written into tags.
    #[serde(deserialize_with = "super::people::owners")]
    #[schemars(schema_with = "owners_schema")]
    pub(crate) left: Globs,
}

/// `[hibernation]`: which endpoints the rules may hibernate, beside the usual ones.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct HibernationSettings {
    /// What else may be hibernated: `"gpu"`: endpoints on GPUs and other accelerators, for which AWS may have no capacity for days · `"production"`: endpoints
    /// with a tag `Environment`, `Env` or `Stage` that begins with `prod`.
    pub also: BTreeSet<AlsoSleeps>,
    /// How long before working hours begin an endpoint is created again, at least. If AWS took longer the last time, it is twice that time.
    pub wake_before: Duration,
}

impl Default for HibernationSettings {
    fn default() -> Self {
        Self { also: BTreeSet::new(), wake_before: Duration::minutes(20) }
    }
}

/// Endpoints that are hibernated only if the policy says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlsoSleeps {
    /// Endpoints on GPUs and other accelerators.
    Gpu,
    /// Endpoints of production.
    Production,
}

/// `[workflows]`: further signs of jobs that somebody's workflow waits for, beside those of AWS. No rule stops or resubmits these jobs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkflowSigns {
    /// Names of jobs that your workflows submit. Names that SageMaker Pipelines, AWS Batch, Redshift ML, Quick Sight, Canvas and Kubeflow Pipelines choose
    /// are known, those that begin with the name of Airflow or another such tool (where that is also a word or the name of data, only with the id of a run behind
    /// it), and those with the id of a run of Airflow.
    #[serde(deserialize_with = "super::workflows::names")]
    #[schemars(schema_with = "jobs_schema")]
    pub names: Globs,
    /// Names that are no sign, although they are among `names` or look as if a tool chose them. The job's tags, its variables and the pipelines that run
    /// still count.
    #[serde(deserialize_with = "super::workflows::not_names")]
    #[schemars(schema_with = "jobs_schema")]
    pub not_names: Globs,
    /// Keys of tags on jobs that your workflows submit, or names of the variables that these jobs are given: in their environment, as hyperparameters or as
    /// arguments. Tags of SageMaker Pipelines, Studio's notebook jobs, Step Functions, the AWS controllers for
    /// Kubernetes and all that begin with `aws:` are known, those with the name of Airflow or another such tool alone or before what it runs, or with `dag-id`, `workflow-id` or
    /// the like, any key whose value is the ARN of a pipeline's execution, a state machine, a build or the like, or a link to it, such as `managed-by` with the
    /// name of such a tool or of a pipeline, and `orchestrator` with any value that is no person or team. Variables are known that hold a task token, such an
    /// ARN or link, or the id of a tool's run: `AIRFLOW_CTX_DAG_RUN_ID`, `GITHUB_RUN_ID`.
    #[serde(deserialize_with = "super::workflows::keys")]
    #[schemars(schema_with = "keys_schema")]
    pub tags: Globs,
    /// Keys of tags and names of variables that are no sign, although they are among `tags` or known. What AWS itself marks always counts: the tags of
    /// SageMaker Pipelines, Step Functions and all that begin with `aws:`, and the ARN of a workflow in any value.
    #[serde(deserialize_with = "super::workflows::not_keys")]
    #[schemars(schema_with = "keys_schema")]
    pub not_tags: Globs,
}

fn users_schema(generator: &mut SchemaGenerator) -> Schema {
    globs_schema(&USERS, generator)
}

fn owners_schema(generator: &mut SchemaGenerator) -> Schema {
    globs_schema(&OWNERS, generator)
}

fn jobs_schema(generator: &mut SchemaGenerator) -> Schema {
    globs_schema(&JOBS, generator)
}

fn keys_schema(generator: &mut SchemaGenerator) -> Schema {
    globs_schema(&TAG_KEYS, generator)
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MailSettings {
    /// When owners are mailed what they need not act on today: `"at-once"`: from each run · `"daily"`: everything together on their next working morning.
    /// Warnings, failures and other urgent mails are always sent at once.
    pub reports: Reports,
    /// When owners are mailed that the same was done again to the same resource, or to the same series of jobs: `"weekly"`: in their weekly summary ·
    /// `"at-once"`: each time.
    pub repeated_stops: Repeated,
    /// How often owners are warned of what a rule of working hours stops: `"at-once"`: each time · `"weekly"`: once a week. The warning then says that it
    /// holds for a week. A resource that was started in off hours is always warned of.
    pub repeated_warnings: Repeated,
    /// What the platform's address (`AlertEmail`) gets of the owners' mails. What failed, what is critical, what nobody owns and what is about the whole account
    /// always goes there at once.
    pub platform: PlatformMails,
    /// The time of the daily mail and of the weekly summary, in the time zone of the owner's working hours.
    #[serde(deserialize_with = "time")]
    #[schemars(with = "String", regex(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"), extend("default" = "09:00"))]
    pub at: Time,
    /// Who answers questions about the mails: an address, a channel or a URL. The last lines of each mail name it.
    #[serde(deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"), extend("examples" = ["ml-platform@example.com", "#ml-platform"]))]
    pub contact: Option<String>,
    /// Where your people can read what the rules mean, for example your copy of docs/rules.md. The last lines of each mail have this link.
    #[serde(deserialize_with = "https_url")]
    #[schemars(regex(pattern = HTTPS_URL), extend("examples" = ["https://wiki.example.com/cost-guard"]))]
    pub manual_url: Option<String>,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            reports: Reports::AtOnce,
            repeated_stops: Repeated::Weekly,
            repeated_warnings: Repeated::AtOnce,
            platform: PlatformMails::Automatic,
            at: Time::constant(9, 0, 0, 0),
            contact: None,
            manual_url: None,
        }
    }
}

impl MailSettings {
    /// Whom people ask, in the middle of a sentence.
    pub(crate) fn whom_to_ask(&self) -> String {
        self.contact
            .as_deref()
            .map_or_else(|| "the team that runs your ML platform".to_owned(), |contact| one_line(contact).trim().to_owned())
    }
}

/// When owners are mailed what they need not act on today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reports {
    /// From each run.
    AtOnce,
    /// Together, on the owner's next working morning.
    Daily,
}

/// When owners are mailed the same again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repeated {
    /// Each time.
    AtOnce,
    /// Once a week.
    Weekly,
}

/// What the platform's address gets of the owners' mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PlatformMails {
    /// Each mail, until ten owners were mailed within 30 days; from then on the daily summary.
    Automatic,
    /// Each mail.
    EachMail,
    /// One mail each working morning, of all owners.
    DailySummary,
    /// One mail on the first working morning of each week, of all owners.
    WeeklySummary,
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    let written_well = text.len() == 5 && text.as_bytes()[2] == b':';
    let time = Time::strptime("%H:%M", &text).ok().filter(|_| written_well);
    time.ok_or_else(|| de::Error::custom(format!("`{text}` is not a time: write for example \"09:00\"")))
}

/// The form of a link that every mail program recognizes, as a regular expression.
const HTTPS_URL: &str = r"^https://[^\s/?#]+\S*$";

fn https_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(HTTPS_URL).ok());
    let text = String::deserialize(deserializer)?;
    if PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(&text)) {
        return Ok(Some(text));
    }
    Err(de::Error::custom(format!("`{text}` is not a link: write for example \"https://wiki.example.com/cost-guard\"")))
}

/// `[billing]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Billing {
    // aws-facts §7.2
    /// The names of SageMaker in Cost Explorer's dimension SERVICE.
    pub services: Vec<String>,
}

impl Default for Billing {
    fn default() -> Self {
        Self { services: vec!["Amazon SageMaker".into()] }
    }
}

/// `[report]`: the cost report that cost-reporter makes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReportSettings {
    /// Whether a report on the last week is made on the first working morning of each week.
    pub weekly: bool,
    /// Whether a report on the last month is made on the first working morning from `monthly-on` on.
    pub monthly: bool,
    /// The day of the month from which on the last month is reported. Until about the 7th AWS adds credits, refunds and tax.
    #[serde(deserialize_with = "month_day")]
    #[schemars(range(min = 1, max = 28))]
    pub monthly_on: i8,
    /// Who gets the report, besides whoever runs the platform: the value of `owner` that the subscription filters by. Absent: nobody else.
    #[serde(deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"), extend("examples" = ["finops@example.com"]))]
    pub to: Option<String>,
    /// The S3 bucket for the page, the table and the JSON. Absent: the stack's own.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"), extend("examples" = ["finops-reports"]))]
    pub bucket: Option<String>,
    /// The prefix of the keys in the bucket: folders, each with a `/` after it.
    #[serde(deserialize_with = "key_prefix")]
    #[schemars(regex(pattern = "^([^/\\s]+/)*$"))]
    pub prefix: String,
    /// The link to an object in the AWS console: an address that begins with `https://`. `{bucket}`, `{key}` and `{region}` are filled in.
    #[serde(deserialize_with = "console_url")]
    #[schemars(regex(pattern = "^https://"))]
    pub console_url: String,
}

impl Default for ReportSettings {
    fn default() -> Self {
        Self {
            weekly: true,
            monthly: true,
            monthly_on: 4,
            to: None,
            bucket: None,
            prefix: "cost-report/".into(),
            console_url: "https://{region}.console.aws.amazon.com/s3/object/{bucket}?region={region}&prefix={key}".into(),
        }
    }
}

/// Folders in a bucket.
fn key_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let prefix = String::deserialize(deserializer)?;
    let is_folder = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace) && !part.contains(char::is_control);
    let is_right = prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|folders| folders.split('/').all(is_folder));
    let wrong = || {
        format!(
            "`prefix` is `{}`: write folders without blanks, each with a / after it, for example \"cost-report/\"",
            prefix.escape_debug()
        )
    };
    if is_right { Ok(prefix) } else { Err(de::Error::custom(wrong())) }
}

/// A link whose parts in braces are known.
fn console_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let url = String::deserialize(deserializer)?;
    let filled = ["{bucket}", "{region}", "{key}"].iter().fold(url.clone(), |url, name| url.replace(name, "x"));
    let has_host = filled.strip_prefix("https://").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let is_right = has_host && !filled.contains(|c: char| matches!(c, '{' | '}') || c.is_whitespace() || c.is_control());
    let wrong = || {
        let shown = url.escape_debug();
        format!("`console-url` is `{shown}`: write an address that begins with https://; {{bucket}}, {{key}} and {{region}} are filled in")
    };
    if is_right { Ok(url) } else { Err(de::Error::custom(wrong())) }
}

/// A day that every month has.
fn month_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i8, D::Error> {
    let day = i64::deserialize(deserializer)?;
    let known = i8::try_from(day).ok().filter(|day| (1..=28).contains(day));
    known.ok_or_else(|| de::Error::custom(format!("`{day}` is no day that every month has: write a number from 1 to 28")))
}

/// `[savings-plan]`: which plan is advised, and who hears of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavingsPlanSettings {
    /// For how long you would commit yourselves. The advice has the numbers of the other ways to buy beside it.
    pub term: Term,
    /// When you would pay.
    pub payment: Payment,
    /// Who decides about commitments: their mails have this as the attribute `owner`. Absent: whoever runs the platform.
    #[schemars(extend("examples" = ["finops@example.com"]))]
    pub finance: Option<String>,
    /// Where Cost Explorer has no hourly data, works with the hours of AWS's own recommendation. AWS does not document how it means them, so compare the advice with
    /// AWS's number before you buy.
    pub use_recommendation_hours: bool,
}

impl SavingsPlanSettings {
    /// The way to buy that is advised.
    pub const fn offer(&self) -> Offer {
        Offer { term: self.term, payment: self.payment }
    }
}

/// `[coverage]`: the share of the resources and of the dollars that is tagged.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Coverage {
    /// The S3 bucket for the table (CSV). Absent: no table is written.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"), extend("examples" = ["finops-reports"]))]
    pub bucket: Option<String>,
    /// The prefix of the table's key in the bucket.
    pub prefix: String,
    /// Which metrics are written in addition to the total. CloudWatch bills each team and each kind as a custom metric, for the hour in which it is written.
    pub metrics: Vec<CoverageMetric>,
}

/// How the metrics of the coverage are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageMetric {
    /// One per team.
    Team,
    /// One per kind of resource.
    Kind,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { bucket: None, prefix: "tag-coverage/".into(), metrics: vec![] }
    }
}

/// `[[budget]]`: who owns some budgets, and what the guard does when they are used up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BudgetPolicy {
    /// The names of the budgets that this applies to. Case does not count. A budget whose name is the whole pattern is meant as well.
    #[serde(deserialize_with = "super::toml::pattern")]
    #[schemars(schema_with = "filled_glob_schema")]
    pub(crate) name: globset::GlobMatcher,
    /// Who is mailed. Absent: whoever runs the platform.
    #[serde(default, deserialize_with = "super::toml::name")]
    #[schemars(regex(pattern = r"\S"))]
    pub owner: Option<String>,
    /// The team that they are for. `*`: all teams. Absent: the one team in the budget's filter.
    #[serde(default, deserialize_with = "super::toml::team")]
    #[schemars(regex(pattern = r"^\s*(\*|[^*?\[{,;|\s]([^*?\[{,;|]*[^*?\[{,;|\s])?)\s*$"))]
    pub team: Option<String>,
    /// What is done when a budget is used up, until its period ends. Absent: nothing.
    pub on_exceed: Option<OnExceed>,
}

impl BudgetPolicy {
    /// Whether it certainly matches all names that a later one matches.
    pub(crate) fn covers(&self, later: &Self) -> bool {
        let [own, later] = [self, later].map(|one| one.name.glob().glob().to_lowercase());
        own == later || ["*", "**"].contains(&own.as_str())
    }
}

impl std::fmt::Display for BudgetPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, team, on_exceed, .. } = self;
        write!(f, "{}: ", name.glob().glob())?;
        match on_exceed {
            None => write!(f, "told")?,
            Some(what) => write!(f, "told, and used up they enforce {}", what.rules().join(" and "))?,
        }
        match team.as_deref() {
            Some(EVERY_TEAM) => write!(f, ", for all teams"),
            Some(team) => write!(f, ", for team {team}"),
            None => write!(f, ", for the one team that their filter names (of another they tighten nothing)"),
        }
    }
}
