//! The state of the account and its clock: what exists, what changes by itself, what people do, and what it costs. One file: all of it changes the one `World`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    estate::{
        AnomalySpec, AppSpec, CostExplorerSpec, DomainSpec, Estate, NotebookSpec, SpaceSpec, UserProfileSpec,
        fault::{Fault, What},
        plan::{Deed, Occasion, PlannedAction},
        times::Hours,
    },
    guard::template::Place,
    life::{
        alarms::Alarms,
        billing::Billing,
        hosting::Hosting,
        jobs::{Jobs, Step},
        kinds::{Assets, Kind, Planned},
        prices::Prices,
        scaling::{Scalable, Scaling},
        trail::{Creator, Recorded, iso},
    },
    services::{
        budgets::{self, Budgets},
        cloudwatch::{Metric, Point},
        dynamodb::Tables,
        events::PutEvent,
        s3::Bucket,
        sagemaker::{notebooks, studio},
        sns::{Mail, MailRate},
        ssm::Parameter,
    },
};

/// The name of the topic for the chat, which every account has.
const CHAT_TOPIC: &str = "cost-guard-chat";
/// From Pending to `InService`.
const STARTING: SignedDuration = SignedDuration::from_mins(3);
/// From Stopping to Stopped, and from Deleting to Deleted.
const STOPPING: SignedDuration = SignedDuration::from_mins(1);
/// How long `ListApps` still returns a deleted app (aws-facts §2.2).
pub(crate) const DELETED_SHOWN: SignedDuration = SignedDuration::from_hours(24);

/// The whole account.
pub(crate) struct World {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) now: Timestamp,
    pub(crate) started: Timestamp,
    /// A time long before the start. What exists without a creation time was created then.
    pub(crate) began: Timestamp,
    pub(crate) notebooks: BTreeMap<String, Notebook>,
    pub(crate) domains: BTreeMap<String, (DomainSpec, String)>,
    pub(crate) profiles: BTreeMap<(String, String), UserProfileSpec>,
    pub(crate) spaces: BTreeMap<(String, String), SpaceSpec>,
    pub(crate) apps: BTreeMap<String, App>,
    /// Tags by ARN, with all their earlier states, because the tag index may be stale.
    pub(crate) tags: BTreeMap<String, TagLog>,
    pub(crate) parameters: BTreeMap<String, Parameter>,
    pub(crate) billing: Billing,
    pub(crate) cost_explorer: CostExplorerSpec,
    pub(crate) anomalies: Vec<AnomalySpec>,
    pub(crate) payer: bool,
    pub(crate) budgets: Budgets,
    pub(crate) bucket: Option<Bucket>,
    /// The ARN of the topic for the guard's mails.
    pub(crate) topic: Option<String>,
    pub(crate) topics: BTreeSet<String>,
    /// The ARN of the topic for the chat.
    pub(crate) chat_topic: String,
    /// The account, Region and names that a template is deployed with.
    pub(crate) place: Place,
    /// Of each topic. Mails are recorded even if it is 0.
    pub(crate) confirmed_subscriptions: u32,
    pub(crate) mails: Vec<Mail>,
    /// The messages to the chat's topic.
    pub(crate) chat: Vec<Mail>,
    /// What was put on buses of EventBridge.
    pub(crate) put_events: Vec<PutEvent>,
    pub(crate) mail_rate: MailRate,
    pub(crate) metrics: BTreeMap<Metric, Vec<Point>>,
    pub(crate) tables: Tables,
    pub(crate) faults: Vec<Fault>,
    pub(crate) jobs: Jobs,
    pub(crate) assets: Assets,
    pub(crate) hosting: Hosting,
    pub(crate) alarms: Alarms,
    pub(crate) scaling: Scaling,
    /// Whether CloudTrail delivers events of who creates what.
    pub(crate) trail: bool,
    /// CloudTrail's history, oldest first.
    pub(crate) recorded: Vec<Recorded>,
    /// Deleted notebooks and their tags. They stay on the bill.
    pub(crate) gone: Vec<(Notebook, TagLog)>,
    pub(crate) prices: Prices,
    agenda: BTreeSet<(Timestamp, u64)>,
    due: BTreeMap<u64, Due>,
    sequence: u64,
    told: u64,
    pub(crate) events: Vec<(Timestamp, Value)>,
}

/// A notebook instance.
pub(crate) struct Notebook {
    pub(crate) spec: NotebookSpec,
    pub(crate) arn: String,
    pub(crate) status: &'static str,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) runs: Runs,
}

/// A Studio app.
pub(crate) struct App {
    pub(crate) spec: AppSpec,
    pub(crate) arn: String,
    pub(crate) status: &'static str,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) runs: Runs,
}

/// The periods for which something was billed, each with its instance type. The last period may be open.
#[derive(Default)]
pub(crate) struct Runs(Vec<(Timestamp, Option<Timestamp>, String)>);

/// All states of a resource's tags, oldest first.
#[derive(Default)]
pub(crate) struct TagLog(Vec<(Timestamp, BTreeMap<String, String>)>);

/// Something that happens at a scheduled time.
pub(crate) enum Due {
    /// A notebook or an app comes to its second status, if it still has the first one.
    Transition(String, &'static str, &'static str),
    /// A person does something.
    Planned(String, PlannedAction),
    /// A training or tuning job changes.
    Job(Step),
    /// A resource of another kind changes.
    Asset(&'static Kind, Arc<str>),
    /// A person creates something.
    Create(Box<Planned>),
    /// Budgets reads the bill for one budget.
    Budget(String),
    /// CloudWatch looks at all alarms.
    Alarms,
    /// A scheduled action of a scalable target fires, if it is still the one of this number.
    Scheduled(Scalable, String, u64),
}

/// The cost of one resource since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The kind: `notebook-instance`, `app`, `training-job`, `spot-training-job`, `endpoint`, `processing-job`, `transform-job` or `cluster`.
    pub kind: &'static str,
    /// The value of its tag `Owner`.
    pub owner: Option<String>,
    /// Its instance type; for a job with several types, all of them; `serverless`.
    pub instance_type: String,
    /// How long it ran; for a job, how long it had its instances, its warm pool included; for a serverless endpoint, how long its requests took.
    pub ran: SignedDuration,
    /// USD; `None`: the price is not known.
    pub usd: Option<Decimal>,
}

impl Runs {
    pub(crate) fn start(&mut self, at: Timestamp, instance_type: &str) {
        if self.0.last().is_none_or(|(_, end, _)| end.is_some()) {
            self.0.push((at, None, instance_type.to_owned()));
        }
    }

    pub(crate) fn end(&mut self, at: Timestamp) {
        if let Some((_, end @ None, _)) = self.0.last_mut() {
            *end = Some(at);
        }
    }

    /// The start of the run that contains this moment.
    pub(crate) fn at(&self, at: Timestamp) -> Option<Timestamp> {
        self.0.iter().rev().find(|(start, end, _)| *start <= at && end.is_none_or(|end| at < end)).map(|(start, ..)| *start)
    }

    /// The runs between two moments: start, end and instance type.
    pub(crate) fn between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp, &str)> {
        self.0
            .iter()
            .map(move |(start, end, of)| ((*start).max(from), end.unwrap_or(until).min(until), of.as_str()))
            .filter(|(start, end, _)| start < end)
    }

    /// How long each run between two moments was, and its instance type.
    fn billed(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = (SignedDuration, &str)> {
        self.0
            .iter()
            .map(move |(start, end, of)| (end.unwrap_or(until).min(until).duration_since((*start).max(from)), of.as_str()))
            .filter(|(part, _)| part.is_positive())
    }
}

impl TagLog {
    pub(crate) fn now(&self) -> BTreeMap<String, String> {
        self.0.last().map(|(_, tags)| tags.clone()).unwrap_or_default()
    }

    /// The tags that the index shows at a moment; `None`: the resource has had no tag until then, so it is not in the index.
    pub(crate) fn at(&self, at: Timestamp) -> Option<BTreeMap<String, String>> {
        let then = self.0.iter().take_while(|(since, _)| *since <= at);
        let (last, ever) = then.fold((None, false), |(_, ever), (_, tags)| (Some(tags), ever || !tags.is_empty()));
        last.filter(|_| ever).cloned()
    }

    pub(crate) fn set(&mut self, at: Timestamp, tags: BTreeMap<String, String>) {
        self.0.push((at, tags));
    }

    /// The states of the tags between two moments: start, end and tags.
    pub(crate) fn between(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp, &BTreeMap<String, String>)> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let states = [(Timestamp::MIN, &NONE)].into_iter().chain(self.0.iter().map(|(since, tags)| (*since, tags)));
        let ends = self.0.iter().map(|(since, _)| *since).chain([Timestamp::MAX]);
        let parts = states.zip(ends).map(|((since, tags), end)| (since.max(from), end.min(until), tags));
        parts.filter(|(since, end, _)| since < end).collect()
    }
}

impl World {
    pub(crate) fn new(estate: Estate) -> Self {
        let start = estate.start.unwrap_or_else(Timestamp::now);
        let sections = crate::estate::kinds::sections(&estate);
        let topic_arn = |name: &String| format!("arn:aws:sns:{}:{}:{name}", estate.region, estate.account);
        let mut world = Self {
            billing: Billing::new(&estate, start),
            cost_explorer: estate.cost_explorer.clone(),
            anomalies: estate.anomaly.clone(),
            payer: estate.payer,
            budgets: Budgets::default(),
            bucket: estate.bucket.as_deref().map(|name| Bucket::new(name, estate.bucket_region.as_deref().unwrap_or(&estate.region))),
            topic: estate.topic.as_ref().map(topic_arn),
            prices: Prices::of_region(&estate.region, &estate.prices),
            place: Place {
                account: estate.account.clone(),
                region: estate.region.clone(),
                names: [
                    ("Topic", &estate.topic),
                    ("ChatTopic", &Some(CHAT_TOPIC.to_owned())),
                    ("BudgetTopic", &estate.budget_topic),
                    ("Ledger", &estate.table),
                ]
                .into_iter()
                .filter_map(|(logical, name)| Some((logical, name.clone()?)))
                .collect(),
            },
            topics: estate.topic.iter().chain(&estate.budget_topic).chain([&CHAT_TOPIC.to_owned()]).map(topic_arn).collect(),
            chat_topic: topic_arn(&CHAT_TOPIC.to_owned()),
            confirmed_subscriptions: estate.confirmed_subscriptions,
            tables: Tables::new(estate.table.as_deref()),
            account: estate.account,
            region: estate.region,
            now: start,
            started: start,
            began: start - SignedDuration::from_hours(24 * 365),
            notebooks: BTreeMap::new(),
            domains: BTreeMap::new(),
            profiles: BTreeMap::new(),
            spaces: BTreeMap::new(),
            apps: BTreeMap::new(),
            tags: BTreeMap::new(),
            parameters: estate.parameters.iter().map(|(name, value)| (name.clone(), Parameter::new(value, start))).collect(),
            mails: vec![],
            chat: vec![],
            put_events: vec![],
            mail_rate: MailRate::default(),
            metrics: BTreeMap::new(),
            faults: estate.fault,
            jobs: Jobs::default(),
            assets: Assets::default(),
            alarms: Alarms::default(),
            scaling: Scaling::default(),
            hosting: Hosting::new(estate.hosting.clone()),
            trail: estate.trail,
            recorded: vec![],
            agenda: BTreeSet::new(),
            due: BTreeMap::new(),
            sequence: 0,
            told: 0,
            events: vec![],
            gone: vec![],
        };
        // Must come first, because it moves the clock.
        world.plant_jobs(estate.training_job, estate.tuning_job, start);
        // Tags from before the start are in the index, however far the index is behind.
        let long_ago = world.began;
        for domain in estate.domain {
            let arn = world.arn(&format!("domain/{}", domain.id));
            world.first_tags(&arn, long_ago, &domain.tags);
            world.domains.insert(domain.id.clone(), (domain, arn));
        }
        for profile in estate.user_profile {
            if let Some(create) = &profile.create {
                let input = studio::profile_input(&profile);
                world.plan_create("CreateUserProfile", input, create, (profile.by.as_ref(), profile.fails.as_deref()), &[], None);
                continue;
            }
            let arn = world.arn(&format!("user-profile/{}/{}", profile.domain, profile.name));
            world.first_tags(&arn, long_ago, &profile.tags);
            world.profiles.insert((profile.domain.clone(), profile.name.clone()), profile);
        }
        for space in estate.space {
            if let Some(create) = &space.create {
                let input = studio::space_input(&space);
                world.plan_create("CreateSpace", input, create, (space.by.as_ref(), space.fails.as_deref()), &[], None);
                continue;
            }
            let arn = world.arn(&format!("space/{}/{}", space.domain, space.name));
            world.first_tags(&arn, long_ago, &space.tags);
            world.spaces.insert((space.domain.clone(), space.name.clone()), space);
        }
        for spec in estate.app {
            if let Some(create) = &spec.create {
                world.plan_create(
                    "CreateApp",
                    studio::app_input(&spec),
                    create,
                    (spec.by.as_ref(), spec.fails.as_deref()),
                    &spec.plan,
                    None,
                );
                continue;
            }
            world.add_app(spec, start, long_ago);
        }
        for spec in estate.notebook {
            for number in 0..spec.count {
                let name = spec.name.replace("{}", &format!("{number:05}"));
                if let Some(create) = &spec.create {
                    let (input, who) = (notebooks::notebook_input(&world, &spec, &name), (spec.by.as_ref(), spec.fails.as_deref()));
                    world.plan_create("CreateNotebookInstance", input, create, who, &spec.plan, spec.used.clone());
                    continue;
                }
                world.add_notebook(NotebookSpec { name, count: 1, ..spec.clone() }, start, long_ago);
            }
        }
        world.plant_assets(&sections, start);
        for spec in estate.budget {
            budgets::add(&mut world, spec, estate.budget_topic.as_deref());
        }
        world
    }

    fn plan_create(
        &mut self,
        operation: &'static str,
        input: Value,
        create: &Occasion,
        (by, fails): (Option<&Creator>, Option<&str>),
        plan: &[PlannedAction],
        used: Option<Hours>,
    ) {
        if let Some(at) = create.next_after(self.now) {
            let (by, fails, plan) = (by.cloned().unwrap_or_default(), fails.map(str::to_owned), plan.to_vec());
            self.at(at, Due::Create(Box::new(Planned { operation, input, by, fails, plan, submit: None, used })));
        }
    }

    pub(crate) fn arn(&self, id: &str) -> String {
        format!("arn:aws:sagemaker:{}:{}:{}", self.region, self.account, id.to_lowercase())
    }

    /// The ARN of the role that all resources run with.
    pub(crate) fn role(&self) -> String {
        format!("arn:aws:iam::{}:role/DataScience", self.account)
    }

    pub(crate) fn first_tags(&mut self, arn: &str, at: Timestamp, tags: &BTreeMap<String, String>) {
        let log = self.tags.entry(arn.to_owned()).or_default();
        if !tags.is_empty() {
            log.set(at, tags.clone());
        }
    }

    pub(crate) fn add_notebook(&mut self, spec: NotebookSpec, start: Timestamp, tagged: Timestamp) {
        let arn = self.arn(&format!("notebook-instance/{}", spec.name));
        self.first_tags(&arn, tagged, &spec.tags);
        let modified = spec.since.at(start);
        let created = spec.created.map_or(modified - SignedDuration::from_hours(24 * 30), |created| created.at(start)).min(modified);
        let status = known(&NOTEBOOK_STATUSES, &spec.status);
        let mut runs = Runs::default();
        if status == "InService" {
            runs.start(modified, &spec.instance_type);
        }
        for action in spec.plan.clone() {
            self.schedule(&spec.name, action);
        }
        self.notebooks.insert(spec.name.clone(), Notebook { spec, arn, status, created, modified, runs });
    }

    /// Adds an app and returns its ARN.
    pub(crate) fn add_app(&mut self, spec: AppSpec, start: Timestamp, tagged: Timestamp) -> String {
        let home = spec.space.as_ref().or(spec.user_profile.as_ref()).cloned().unwrap_or_default();
        let id = format!("app/{}/{home}/{}/{}", spec.domain, spec.app_type, spec.name).to_lowercase();
        let arn = self.arn(&id);
        self.first_tags(&arn, tagged, &spec.tags);
        let created = spec.since.at(start);
        let status = known(&APP_STATUSES, &spec.status);
        // An app that is created again continues the bill of the earlier one.
        let mut runs = self.apps.remove(&arn).map(|before| before.runs).unwrap_or_default();
        if status == "InService" {
            runs.start(created, &spec.instance_type);
        }
        for action in spec.plan.clone() {
            self.schedule(&arn, action);
        }
        if status == "Pending" {
            self.at(start + STARTING, Due::Transition(arn.clone(), "Pending", "InService"));
        }
        self.apps.insert(arn.clone(), App { spec, arn: arn.clone(), status, created, modified: created, runs });
        arn
    }

    pub(crate) fn at(&mut self, at: Timestamp, due: Due) {
        self.sequence += 1;
        self.agenda.insert((at, self.sequence));
        self.due.insert(self.sequence, due);
    }

    pub(crate) fn schedule(&mut self, what: &str, action: PlannedAction) {
        if let Some(at) = action.next_after(self.now) {
            self.at(at, Due::Planned(what.to_owned(), action));
        }
    }

    /// When something next happens by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.first().map(|(at, _)| *at)
    }

    /// Advances the clock to a moment, with all that happens until then. It never goes back.
    pub(crate) fn live_until(&mut self, until: Timestamp) {
        while let Some((at, sequence)) = self.agenda.first().copied().filter(|(at, _)| *at <= until) {
            self.agenda.remove(&(at, sequence));
            self.now = at.max(self.now);
            match self.due.remove(&sequence) {
                Some(Due::Transition(what, from, to)) => self.transition(&what, from, to),
                Some(Due::Planned(what, action)) => {
                    self.deed(&what, &action.action);
                    self.schedule(&what, action);
                }
                Some(Due::Job(step)) => self.job_step(step),
                Some(Due::Asset(kind, key)) => self.asset_step(kind, &key),
                Some(Due::Create(planned)) => self.planned_creation(*planned),
                Some(Due::Budget(name)) => budgets::refresh(self, &name),
                Some(Due::Alarms) => self.look_at_alarms(),
                Some(Due::Scheduled(of, name, number)) => self.scale_by_schedule(&of, &name, number),
                None => {}
            }
        }
        self.now = until.max(self.now);
    }

    fn transition(&mut self, what: &str, from: &'static str, to: &'static str) {
        if let Some(app) = self.apps.get_mut(what).filter(|app| app.status == from) {
            (app.status, app.modified) = (to, self.now);
            if to == "InService" {
                app.runs.start(self.now, &app.spec.instance_type);
            }
        } else if self.notebooks.get(what).is_some_and(|notebook| notebook.status == from) {
            if to == "Deleted" { self.delete_notebook(what) } else { self.set_notebook(what, to) }
        }
    }

    fn set_notebook(&mut self, name: &str, status: &'static str) {
        let now = self.now;
        let Some(notebook) = self.notebooks.get_mut(name) else { return };
        (notebook.status, notebook.modified) = (status, now);
        match status {
            "InService" => notebook.runs.start(now, &notebook.spec.instance_type),
            "Stopping" | "Deleting" => notebook.runs.end(now),
            _ => {}
        }
        self.tell_of_notebook(name, status);
    }

    fn tell_of_notebook(&mut self, name: &str, status: &str) {
        let Some(notebook) = self.notebooks.get(name) else { return };
        let arn = notebook.arn.clone();
        let detail = json!({
            "NotebookInstanceArn": notebook.arn, "NotebookInstanceName": name, "NotebookInstanceStatus": status,
            "InstanceType": notebook.spec.instance_type, "LastModifiedTime": notebook.modified.as_millisecond(),
            "CreationTime": notebook.created.as_millisecond(), "DirectInternetAccess": "Enabled", "RoleArn": self.role(),
            "Tags": self.tags.get(&notebook.arn).map(TagLog::now).unwrap_or_default(),
        });
        self.tell("SageMaker Notebook Instance State Change", &[&arn], &detail);
    }

    /// Adds an event, as `EventBridge` delivers it.
    pub(crate) fn tell(&mut self, detail_type: &str, resources: &[&str], detail: &Value) {
        self.tell_at(&iso(self.now), detail_type, resources, detail);
    }

    /// The same with this text in the event's `time`, because some services write it differently.
    pub(crate) fn tell_at(&mut self, time: &str, detail_type: &str, resources: &[&str], detail: &Value) {
        let event = json!({
            "version": "0", "id": format!("event-{}-{}", self.told, self.now.as_millisecond()),
            "detail-type": detail_type, "source": "aws.sagemaker", "account": self.account,
            "time": time, "region": self.region, "resources": resources, "detail": detail,
        });
        self.told += 1;
        self.events.push((self.now, event));
    }

    /// Starts a notebook. The caller has checked that it is stopped or failed.
    pub(crate) fn start(&mut self, name: &str) {
        self.set_notebook(name, "Pending");
        self.at(self.now + STARTING, Due::Transition(name.to_owned(), "Pending", "InService"));
    }

    /// Stops a notebook that is in service. It is not billed from now on.
    pub(crate) fn stop(&mut self, name: &str) {
        self.set_notebook(name, "Stopping");
        self.at(self.now + STOPPING, Due::Transition(name.to_owned(), "Stopping", "Stopped"));
    }

    /// Starts the deletion of a notebook, as the API does.
    pub(crate) fn begin_deletion(&mut self, name: &str) {
        self.set_notebook(name, "Deleting");
        self.at(self.now + STOPPING, Due::Transition(name.to_owned(), "Deleting", "Deleted"));
    }

    /// Completes the deletion of a notebook.
    fn delete_notebook(&mut self, name: &str) {
        self.tell_of_notebook(name, "Deleted");
        if let Some(mut notebook) = self.notebooks.remove(name) {
            notebook.runs.end(self.now);
            let tags = self.tags.remove(&notebook.arn).unwrap_or_default();
            self.gone.push((notebook, tags));
        }
    }

    pub(crate) fn delete_app(&mut self, arn: &str) {
        let now = self.now;
        if let Some(app) = self.apps.get_mut(arn).filter(|app| !matches!(app.status, "Deleted" | "Deleting")) {
            (app.status, app.modified) = ("Deleting", now);
            app.runs.end(now);
            self.at(now + STOPPING, Due::Transition(arn.to_owned(), "Deleting", "Deleted"));
        }
    }

    /// Deletes an app as a person does.
    fn delete_app_by_hand(&mut self, arn: &str) {
        if self.apps.get(arn).is_some_and(|app| !matches!(app.status, "Deleted" | "Deleting")) {
            self.note_app("DeleteApp", arn);
            self.delete_app(arn);
        }
    }

    pub(crate) fn start_app(&mut self, arn: &str) {
        let now = self.now;
        if self.apps.get(arn).is_some_and(|app| app.status == "Deleted") {
            self.note_app("CreateApp", arn);
        }
        if let Some(app) = self.apps.get_mut(arn).filter(|app| app.status == "Deleted") {
            (app.status, app.created, app.modified) = ("InService", now, now);
            app.runs.start(now, &app.spec.instance_type);
        }
    }

    /// Does what a person would do to a notebook or job (by name or ARN), an app (by ARN) or another resource (by ARN or `kind/name`).
    pub(crate) fn deed(&mut self, what: &str, deed: &Deed) {
        let by_arn = self.notebooks.iter().find(|(name, notebook)| *name == what || notebook.arn == what).map(|(name, _)| name.clone());
        if by_arn.is_none() && (self.job_deed(what, deed) || self.asset_deed(what, deed)) {
            return;
        }
        match (deed, by_arn) {
            (Deed::Tag(key, value), name) => {
                let arn = name.and_then(|name| Some(self.notebooks.get(&name)?.arn.clone())).unwrap_or_else(|| what.to_owned());
                self.change_tags(&arn, |tags| drop(tags.insert(key.clone(), value.clone())));
            }
            (Deed::Untag(key), name) => {
                let arn = name.and_then(|name| Some(self.notebooks.get(&name)?.arn.clone())).unwrap_or_else(|| what.to_owned());
                self.change_tags(&arn, |tags| drop(tags.remove(key)));
            }
            (Deed::Start, Some(name)) => {
                if self.notebooks.get(&name).is_some_and(|notebook| matches!(notebook.status, "Stopped" | "Failed")) {
                    self.note_notebook("StartNotebookInstance", &name);
                    self.start(&name);
                }
            }
            (Deed::Stop, Some(name)) => {
                if self.notebooks.get(&name).is_some_and(|notebook| notebook.status == "InService") {
                    self.note_notebook("StopNotebookInstance", &name);
                    self.stop(&name);
                }
            }
            (Deed::Open, Some(name)) => {
                if self.notebooks.get(&name).is_some_and(|notebook| notebook.status == "InService") {
                    self.note_notebook("CreatePresignedNotebookInstanceUrl", &name);
                }
            }
            (Deed::Delete, Some(name)) => {
                self.note_notebook("DeleteNotebookInstance", &name);
                self.delete_notebook(&name);
            }
            (Deed::Start, None) => self.start_app(what),
            (Deed::Stop | Deed::Delete, None) => self.delete_app_by_hand(what),
            (Deed::Open, None) => {
                if self.apps.get(what).is_some_and(|app| app.status == "InService") {
                    self.note_app("CreatePresignedDomainUrl", what);
                }
            }
            (Deed::Hosting(_), _) => {}
        }
    }

    /// Changes the tags of a resource; false: there is no such resource.
    pub(crate) fn change_tags(&mut self, arn: &str, change: impl FnOnce(&mut BTreeMap<String, String>)) -> bool {
        let now = self.now;
        let Some(log) = self.tags.get_mut(arn) else { return false };
        let mut tags = log.now();
        change(&mut tags);
        log.set(now, tags);
        true
    }

    /// The first active fault that matches.
    pub(crate) fn fault(&self, wanted: impl Fn(&What) -> bool) -> Option<&Fault> {
        self.faults.iter().find(|fault| wanted(&fault.what))
    }

    /// The events that were delivered since the last call of this function.
    pub(crate) fn take_events(&mut self) -> Vec<Value> {
        let late = self
            .faults
            .iter()
            .find_map(|fault| if let What::LateEvents(by) = fault.what { Some(by.signed()) } else { None })
            .unwrap_or_default();
        let twice = self.fault(|what| matches!(what, What::DuplicateEvents)).is_some();
        let now = self.now;
        let (arrived, under_way): (Vec<_>, Vec<_>) = std::mem::take(&mut self.events).into_iter().partition(|(at, _)| *at + late <= now);
        self.events = under_way;
        arrived.into_iter().flat_map(|(_, event)| std::iter::repeat_n(event, if twice { 2 } else { 1 })).collect()
    }

    /// USD per hour of an instance type; `None`: the price is not known.
    pub(crate) fn hourly(&self, instance_type: &str) -> Option<Decimal> {
        self.prices.hourly(instance_type)
    }

    /// The cost of each resource from a moment until now.
    pub(crate) fn bill(&self, from: Timestamp) -> Vec<BillLine> {
        let owner = |arn: &str| self.tags.get(arn).and_then(|log| log.now().get("Owner").cloned());
        let line = |kind, arn: &str, name: String, instance_type: &str, runs: &Runs, owner: Option<String>| {
            let cost = |(part, instance_type): (SignedDuration, &str)| {
                let hourly = if instance_type == "system" { Some(Decimal::ZERO) } else { self.prices.hourly(instance_type) };
                Some(hourly? * Decimal::from(part.as_secs()) / Decimal::from(3600))
            };
            let known = instance_type == "system" || self.prices.hourly(instance_type).is_some();
            let usd: Option<Decimal> = runs.billed(from, self.now).map(cost).sum();
            BillLine {
                arn: arn.to_owned(),
                name,
                kind,
                owner,
                instance_type: instance_type.to_owned(),
                ran: runs.billed(from, self.now).map(|(part, _)| part).sum(),
                usd: usd.filter(|_| known).map(|usd| usd.round_dp(6)),
            }
        };
        let notebook = |notebook: &Notebook, owner| {
            line("notebook-instance", &notebook.arn, notebook.spec.name.clone(), &notebook.spec.instance_type, &notebook.runs, owner)
        };
        let notebooks = self.notebooks.values().map(|one| notebook(one, owner(&one.arn)));
        let gone = self.gone.iter().map(|(one, tags)| notebook(one, tags.now().get("Owner").cloned()));
        let apps = self.apps.values().map(|app| {
            let home = app.spec.space.as_ref().or(app.spec.user_profile.as_ref()).cloned().unwrap_or_default();
            line("app", &app.arn, format!("{home} {}", app.spec.app_type), &app.spec.instance_type, &app.runs, owner(&app.arn))
        });
        notebooks
            .chain(gone)
            .chain(apps)
            .chain(self.job_lines(from))
            .chain(self.asset_lines(from))
            .chain(self.serverless_lines(from))
            .collect()
    }
}

/// The statuses of a notebook instance in the API.
pub(crate) const NOTEBOOK_STATUSES: [&str; 9] =
    ["Pending", "InService", "Stopping", "Stopped", "Failed", "Deleting", "Updating", "PendingMaintenance", "InMaintenance"];

/// The statuses of a Studio app in the API.
pub(crate) const APP_STATUSES: [&str; 5] = ["Deleted", "Deleting", "Failed", "InService", "Pending"];

/// The `&'static` form of a status. The estate's statuses were checked when it was read; an unknown status of a test's own estate becomes `Failed`.
fn known(statuses: &[&'static str], status: &str) -> &'static str {
    statuses.iter().find(|known| **known == status).copied().unwrap_or("Failed")
}

#[cfg(test)]
mod tests;
