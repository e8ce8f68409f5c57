//! The resources that share one implementation (endpoints, models, processing jobs, feature groups, …): their life, cost and events. One file: one state
//! machine.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::{
    estate::plan::{Deed, Occasion, PlannedAction},
    life::{
        hosting::fleet::Fleet,
        order::{Listed, Ordered},
        trail::Creator,
    },
    services::{
        self,
        sagemaker::{kinds::verb_of, tags::as_list},
    },
    wire::Refusal,
    world::{BillLine, Due, Runs, TagLog, World},
};

pub(crate) mod around;
pub(crate) mod hosting;
mod jobs;
pub(crate) mod newer;
pub(crate) mod records;
pub(crate) mod store;
pub(crate) mod table;

pub(crate) use table::{KINDS, Kind};

/// The life cycle of a kind.
pub(crate) enum Life {
    /// It exists at once, and has no status.
    Still,
    /// It is created, is ready, and is deleted.
    Service { creating: (&'static str, SignedDuration), ready: &'static str, deleting: SignedDuration },
    /// It runs to its end. It gets its instances after `starting`.
    Job { running: &'static str, completed: &'static str, starting: SignedDuration },
}

/// From Stopping to Stopped.
const STOPPING: SignedDuration = SignedDuration::from_mins(1);

/// How a job runs and ends if nobody stops it.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// How long it has its instances.
    pub(crate) takes: SignedDuration,
    /// Of transform jobs whose length follows from requests: these, instead of `takes`.
    pub(crate) records: Option<records::Records>,
    /// `Completed`, `Failed` or `Stopped`.
    pub(crate) ends: String,
    /// `FailureReason`
    pub(crate) failure: String,
}

impl Default for Script {
    fn default() -> Self {
        Self { takes: SignedDuration::from_hours(1), records: None, ends: "Completed".into(), failure: "AlgorithmError: ExitCode 1".into() }
    }
}

/// What a valid definition adds to a resource, after all that it names was found.
#[derive(Default)]
pub(crate) struct Grown {
    /// The key of its parent.
    parent: Option<Arc<str>>,
    /// Of an endpoint or component: its capacity.
    pub(crate) fleet: Option<Box<Fleet>>,
    /// What it copies from another resource, because that one may be deleted: an endpoint its configuration.
    pub(crate) parts: Arc<Value>,
    instances: Vec<Instances>,
    /// The longest time that a job may take.
    limit: Option<SignedDuration>,
}

/// Instances that a resource runs on.
pub(crate) struct Instances {
    /// The component in the usage type: `Host`, `Processing`, …
    pub(crate) component: &'static str,
    pub(crate) instance_type: String,
    pub(crate) count: u64,
    pub(crate) runs: Runs,
    /// Of an endpoint: the deployment and the variant that they belong to.
    pub(crate) of: String,
}

impl Instances {
    pub(crate) fn new(component: &'static str, instance_type: &str, count: u64) -> Self {
        Self { component, instance_type: instance_type.to_owned(), count, runs: Runs::default(), of: String::new() }
    }
}

/// A resource of one of these kinds.
pub(crate) struct Asset {
    pub(crate) kind: &'static Kind,
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The input of its `Create…` call, without the name and the tags.
    pub(crate) definition: Arc<Value>,
    pub(crate) grown: Grown,
    pub(crate) script: Arc<Script>,
    /// Its statuses, each with its time; the first is its creation.
    pub(crate) history: Vec<(Timestamp, &'static str)>,
    pub(crate) next: Option<(Timestamp, &'static str)>,
    by: Option<Creator>,
}

/// The inputs of a resource's creation.
pub(crate) struct New {
    pub(crate) name: String,
    pub(crate) definition: Arc<Value>,
    pub(crate) grown: Grown,
    pub(crate) script: Arc<Script>,
    pub(crate) by: Option<Creator>,
}

/// All resources of these kinds.
#[derive(Default)]
pub(crate) struct Assets {
    shelves: BTreeMap<&'static str, Ordered<Asset>>,
    /// How jobs run and end, by kind and start of the name. Jobs that an API call creates use them, too.
    pub(crate) scripts: Vec<(&'static str, String, Arc<Script>)>,
    /// Deleted resources that had instances. They stay on the bill.
    gone: Vec<(Asset, TagLog)>,
    submissions: u64,
}

/// A creation that people have planned.
pub(crate) struct Planned {
    pub(crate) operation: &'static str,
    /// The input of the call.
    pub(crate) input: Value,
    pub(crate) by: Creator,
    /// The error code with which the call is refused.
    pub(crate) fails: Option<String>,
    /// What people do with it afterwards.
    pub(crate) plan: Vec<PlannedAction>,
    /// If it is repeated: the field of the name, the start of each name, and the times.
    pub(crate) submit: Option<(String, String, Vec<Occasion>)>,
    /// Only for a notebook: when it is used.
    pub(crate) used: Option<crate::estate::times::Hours>,
}

impl Listed for Asset {
    fn name(&self) -> &str {
        &self.name
    }

    fn created(&self) -> Timestamp {
        self.history.first().map_or(Timestamp::MIN, |(at, _)| *at)
    }

    fn modified(&self) -> Timestamp {
        self.history.last().map_or(Timestamp::MIN, |(at, _)| *at)
    }

    fn status(&self) -> &'static str {
        self.history.last().map_or("", |(_, status)| status)
    }

    fn parent(&self) -> Option<&Arc<str>> {
        self.grown.parent.as_ref()
    }
}

impl Asset {
    pub(crate) fn new(world: &World, kind: &'static Kind, new: New, at: Timestamp) -> Self {
        let New { name, definition, grown, script, by } = new;
        let arn = kind.arn_of(world, &name);
        let mut asset = Self { kind, name, arn, definition, grown, script, history: vec![], next: None, by };
        match kind.life {
            Life::Still => asset.enter(at, ""),
            Life::Service { creating: (creating, takes), ready, .. } => {
                let (manner, lives) = (world.hosting.manner(kind, &asset.name), world.lives(at));
                let begun = asset.grown.fleet.as_mut().map(|fleet| fleet.begin(at, &manner, takes, lives));
                let (takes, ready) = begun.unwrap_or((takes, ready));
                asset.enter(at, creating);
                asset.next = Some((at + takes, ready)).filter(|_| creating != ready);
            }
            Life::Job { running, completed, starting } => {
                asset.enter(at, running);
                let limit = asset.grown.limit.unwrap_or(SignedDuration::MAX);
                let takes = world.job_takes(kind, &asset, at);
                let ends = match asset.script.ends.as_str() {
                    _ if limit < takes => kind.spelt("Stopped"),
                    end @ ("Failed" | "Stopped") => kind.spelt(end),
                    _ => completed,
                };
                asset.run_from(at + starting);
                asset.next = Some((at + starting + takes.min(limit), ends));
            }
        }
        asset
    }

    fn run_from(&mut self, at: Timestamp) {
        for one in &mut self.grown.instances {
            one.runs.start(at, &one.instance_type);
        }
    }

    /// Changes the status. Its instances start or stop with it.
    pub(crate) fn enter(&mut self, at: Timestamp, status: &'static str) {
        self.history.push((at, status));
        if let Some(fleet) = &mut self.grown.fleet {
            fleet.enter(at, status, &mut self.grown.instances);
            return;
        }
        let (runs, ends) = match self.kind.life {
            Life::Still => (false, false),
            Life::Service { ready, .. } => (status == ready, matches!(status, "Deleting" | "Failed" | "OutOfService" | "Deleted")),
            Life::Job { running, .. } => (false, status != running && status != "Stopping"),
        };
        if runs {
            self.run_from(at);
        }
        if ends {
            self.grown.instances.iter_mut().for_each(|one| one.runs.end(at));
        }
    }

    /// Simulates the resource until a moment, without changes from outside.
    pub(crate) fn live_until(&mut self, until: Timestamp) {
        while let Some((at, status)) = self.next.filter(|(at, _)| *at <= until) {
            self.next = None;
            self.enter(at, status);
        }
    }

    /// Stops a running job.
    fn stop(&mut self, at: Timestamp) {
        if matches!(self.kind.life, Life::Job { running, .. } if running == self.status()) {
            self.enter(at, "Stopping");
            self.next = Some((at + STOPPING, "Stopped"));
        }
    }

    /// Deletes it, unless a deletion has begun.
    fn delete(&mut self, at: Timestamp) {
        match self.kind.life {
            Life::Job { .. } => {}
            Life::Still => self.enter(at, "Deleted"),
            Life::Service { deleting, .. } => {
                if self.status() != "Deleting" {
                    self.enter(at, "Deleting");
                    self.next = Some((at + deleting, "Deleted"));
                }
            }
        }
    }

    /// When a job got its instances; `None`: it has not got any by now.
    fn started(&self, now: Timestamp) -> Option<Timestamp> {
        let Life::Job { starting, .. } = self.kind.life else { return None };
        let starts = self.created() + starting;
        Some(starts).filter(|starts| *starts <= now && self.ended().is_none_or(|ended| *starts < ended))
    }

    /// When a job ended.
    fn ended(&self) -> Option<Timestamp> {
        let Life::Job { running, .. } = self.kind.life else { return None };
        Some(self.modified()).filter(|_| self.status() != running && self.status() != "Stopping")
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        match &self.grown.fleet {
            Some(fleet) => fleet.failure.as_deref(),
            None => Some(self.script.failure.as_str()).filter(|_| self.status().contains("Fail")),
        }
    }

    /// For the bill: the component, the number of instances, and their runs.
    pub(crate) fn metered(&self) -> impl Iterator<Item = (&'static str, u64, &Runs)> {
        self.grown.instances.iter().map(|one| (one.component, one.count, &one.runs))
    }

    /// Whether it is going to change by itself, or has changed since a moment. Always true except for jobs.
    pub(crate) fn is_of_interest(&self, since: Timestamp) -> bool {
        self.next.is_some() || since <= self.modified() || !matches!(self.kind.life, Life::Job { .. })
    }
}

impl Assets {
    pub(crate) fn shelf(&self, kind: &Kind) -> Option<&Ordered<Asset>> {
        self.shelves.get(kind.name)
    }

    pub(crate) fn get(&self, kind: &Kind, name: &str) -> Option<&Asset> {
        self.shelf(kind)?.get(name).filter(|asset| asset.name == name)
    }

    /// Finds a resource by ARN. A cluster's ARN does not end with its name.
    pub(crate) fn by_arn(&self, kind: &Kind, arn: &str) -> Option<&Asset> {
        let all = self.shelf(kind)?;
        let name = arn.splitn(6, ':').nth(5).and_then(|id| id.split_once('/')).map(|(_, name)| name);
        let is = |asset: &&Asset| asset.arn == arn;
        name.and_then(|name| all.get(name)).filter(is).or_else(|| all.iter().find(is))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Asset> {
        self.shelves.values().flat_map(Ordered::iter)
    }

    pub(crate) fn gone(&self) -> impl Iterator<Item = &(Asset, TagLog)> {
        self.gone.iter()
    }

    /// The script of a job that an API call creates: that of the estate's job with the longest name contained in the new name, or an hour.
    pub(crate) fn script_for(&self, kind: &Kind, name: &str) -> Arc<Script> {
        let fits = self.scripts.iter().filter(|(of, base, _)| *of == kind.name && !base.is_empty() && name.contains(base.as_str()));
        fits.max_by_key(|(_, base, _)| base.len()).map(|(.., script)| Arc::clone(script)).unwrap_or_default()
    }
}

impl World {
    /// How long a job that is created now has its instances.
    fn job_takes(&self, kind: &Kind, job: &Asset, at: Timestamp) -> SignedDuration {
        let Some(records) = &job.script.records else { return job.script.takes };
        let alike = self.assets.shelf(kind).into_iter().flat_map(Ordered::iter).filter(|one| Arc::ptr_eq(&one.script, &job.script));
        let before = alike.map(Asset::created).max().unwrap_or(at - SignedDuration::from_hours(24));
        records.takes(&job.definition, (before, at))
    }

    /// Creates a resource. The definition has been validated.
    pub(crate) fn create_asset(&mut self, kind: &'static Kind, new: New, tags: &BTreeMap<String, String>) {
        let asset = Asset::new(self, kind, new, self.now);
        self.first_tags(&asset.arn, self.now, tags);
        let key = self.shelve(asset);
        self.tell_of_asset(kind, &key, 0);
    }

    /// Stores a resource, and schedules its next change.
    pub(crate) fn shelve(&mut self, asset: Asset) -> Arc<str> {
        let (kind, next) = (asset.kind, asset.next);
        let key = self.assets.shelves.entry(kind.name).or_default().insert(asset);
        if let Some((at, _)) = next {
            self.at(at, Due::Asset(kind, Arc::clone(&key)));
        }
        key
    }

    /// Carries out a resource's change that is due.
    pub(crate) fn asset_step(&mut self, kind: &'static Kind, key: &Arc<str>) {
        self.change_asset(kind, key, Asset::live_until);
    }

    pub(crate) fn stop_asset(&mut self, kind: &'static Kind, name: &str) {
        self.change_asset(kind, &name.to_lowercase().into(), Asset::stop);
    }

    pub(crate) fn delete_asset(&mut self, kind: &'static Kind, name: &str) {
        self.change_asset(kind, &name.to_lowercase().into(), Asset::delete);
    }

    /// Changes a resource, with all consequences: events, bill, next change.
    pub(crate) fn change_asset(&mut self, kind: &'static Kind, key: &Arc<str>, change: impl FnOnce(&mut Asset, Timestamp)) {
        let now = self.now;
        let outcome = self.assets.shelves.get_mut(kind.name).and_then(|shelf| {
            shelf.change(key, |asset| {
                let (changes, due) = (asset.history.len(), asset.next);
                change(asset, now);
                (changes..asset.history.len(), asset.next.filter(|next| due != Some(*next)), asset.status())
            })
        });
        let Some((changes, next, status)) = outcome else { return };
        for change in changes {
            self.tell_of_asset(kind, key, change);
        }
        if let Some((at, _)) = next {
            self.at(at, Due::Asset(kind, Arc::clone(key)));
        }
        if status == "Deleted" {
            self.remove_asset(kind, key);
        }
        self.hosting_changed(kind, key, status);
    }

    fn remove_asset(&mut self, kind: &Kind, key: &str) {
        let Some(asset) = self.assets.shelves.get_mut(kind.name).and_then(|shelf| shelf.remove(key)) else { return };
        let tags = self.tags.remove(&asset.arn).unwrap_or_default();
        if !asset.grown.instances.is_empty() {
            self.assets.gone.push((asset, tags));
        }
        for kind in KINDS.iter().filter(|child| child.dies_with == Some(kind.name)) {
            let children: Vec<String> =
                self.assets.shelf(kind).into_iter().flat_map(|shelf| shelf.of(key)).map(|child| child.name.to_lowercase()).collect();
            for child in children {
                self.remove_asset(kind, &child);
            }
        }
    }

    fn tell_of_asset(&mut self, kind: &'static Kind, key: &str, change: usize) {
        let Some(event) = &kind.event else { return };
        let Some(asset) = self.assets.shelf(kind).and_then(|shelf| shelf.by_key(key)) else { return };
        let Some((at, status)) = asset.history.get(change).copied() else { return };
        let mut detail = (event.detail)(self, asset, (at, status));
        detail[kind.field("Name")] = asset.name.as_str().into();
        detail[kind.field("Arn")] = asset.arn.as_str().into();
        detail["Tags"] = json!(self.tags.get(&asset.arn).map(TagLog::now).unwrap_or_default());
        let arn = asset.arn.clone();
        // The documentation's sample of an endpoint's event has milliseconds in `time`; other events have a date.
        let time = if event.time_in_milliseconds { self.now.as_millisecond().to_string() } else { crate::life::trail::iso(self.now) };
        self.tell_at(&time, &format!("SageMaker {} State Change", event.title), &[&arn], &detail);
    }

    /// Does what a person would do to a resource, by ARN or `kind/name`; false: there is no such resource.
    pub(crate) fn asset_deed(&mut self, what: &str, deed: &Deed) -> bool {
        let id = if what.starts_with("arn:") { what.splitn(6, ':').nth(5).unwrap_or_default() } else { what };
        let found = id.split_once('/').and_then(|(path, name)| {
            KINDS.iter().filter(|kind| kind.path == path || kind.name == path).find_map(|kind| {
                let asset = if id == what { self.assets.shelf(kind)?.get(name)? } else { self.assets.by_arn(kind, what)? };
                Some((kind, asset.name.clone(), asset.arn.clone()))
            })
        });
        let Some((kind, name, arn)) = found else { return false };
        match deed {
            Deed::Tag(key, value) => drop(self.change_tags(&arn, |tags| drop(tags.insert(key.clone(), value.clone())))),
            Deed::Untag(key) => drop(self.change_tags(&arn, |tags| drop(tags.remove(key)))),
            Deed::Hosting(deed) => self.hosting_deed(kind, &name, deed),
            // As the API does it; a refusal has no effect. None of these can be started again.
            Deed::Stop | Deed::Delete | Deed::Start | Deed::Open => {
                let operation = if *deed == Deed::Stop { kind.stop } else { kind.delete.filter(|_| *deed == Deed::Delete) };
                drop(operation.map(|operation| services::call(self, "sagemaker", operation, &json!({kind.field("Name"): name}))));
            }
        }
        true
    }

    /// Carries out a planned creation.
    pub(crate) fn planned_creation(&mut self, mut planned: Planned) {
        if let Some((field, base, _)) = &planned.submit {
            self.assets.submissions += 1;
            // The milliseconds make the names unique; they have no other meaning.
            let name = crate::estate::jobs::submitted_name(base, self.now, 123 + 37 * self.assets.submissions);
            planned.input[field.as_str()] = name.into();
        }
        let answer = match &planned.fails {
            Some(code) => Err(refusal_of(code)),
            None => services::call(self, "sagemaker", planned.operation, &planned.input),
        };
        self.note_call(&planned.by, planned.operation, &planned.input, answer.as_ref());
        let arn = answer.as_ref().ok().and_then(Value::as_object).and_then(|answer| answer.values().next()?.as_str());
        if let Some(arn) = arn.map(str::to_owned) {
            for action in &planned.plan {
                self.schedule(&arn, action.clone());
            }
            self.set_creator(planned.operation, &arn, &planned.by);
            if let Some(notebook) = self.notebooks.values_mut().find(|notebook| notebook.arn == arn) {
                notebook.spec.used.clone_from(&planned.used);
            }
        }
        self.plan_creation(planned);
    }

    /// Schedules the next repetition of a planned creation.
    pub(crate) fn plan_creation(&mut self, planned: Planned) {
        let next = planned.submit.as_ref().and_then(|(.., submit)| submit.iter().filter_map(|one| one.next_after(self.now)).min());
        if let Some(at) = next {
            self.at(at, Due::Create(Box::new(planned)));
        }
    }

    /// Records who created a resource.
    fn set_creator(&mut self, operation: &str, arn: &str, by: &Creator) {
        let Some((kind, _)) = verb_of(operation) else { return };
        let key = self.assets.by_arn(kind, arn).map(|asset| asset.name.to_lowercase());
        if let Some((key, shelf)) = key.zip(self.assets.shelves.get_mut(kind.name)) {
            shelf.change(&key, |asset| asset.by = Some(by.clone()));
        }
    }

    /// The cost of resources with instances since a moment, without jobs that had ended by then.
    pub(crate) fn asset_lines(&self, from: Timestamp) -> Vec<BillLine> {
        let line = |asset: &Asset, tags: Option<&TagLog>| {
            let instances = &asset.grown.instances;
            let ran = |one: &Instances| {
                one.runs.between(from, self.now).map(|(from, until, _)| until.duration_since(from)).sum::<SignedDuration>()
            };
            // The numbers of instances that a variant has had are one after another.
            let of = |of: &str| instances.iter().filter(|one| one.of == of).map(ran).sum::<SignedDuration>();
            let whole = instances.iter().map(|one| of(&one.of)).max()?;
            if whole.is_zero() && !asset.is_of_interest(from) {
                return None;
            }
            let cost = |one: &Instances| {
                Some(self.hourly(&one.instance_type)? * Decimal::from(one.count) * Decimal::from(ran(one).as_secs()) / Decimal::from(3600))
            };
            Some(BillLine {
                arn: asset.arn.clone(),
                name: asset.name.clone(),
                kind: asset.kind.name,
                owner: tags.and_then(|log| log.now().get("Owner").cloned()),
                instance_type: types_of(instances).join(" + "),
                ran: whole,
                usd: instances.iter().map(cost).sum::<Option<Decimal>>().map(|usd| usd.round_dp(6)),
            })
        };
        let there = self.assets.iter().filter_map(|asset| line(asset, self.tags.get(&asset.arn)));
        there.chain(self.assets.gone().filter_map(|(asset, tags)| line(asset, Some(tags)))).collect()
    }
}

/// The instance types, each once for each variant.
fn types_of(instances: &[Instances]) -> Vec<&str> {
    let mut types: Vec<(&str, &str)> = instances.iter().map(|one| (one.of.as_str(), one.instance_type.as_str())).collect();
    types.dedup_by(|one, before| !one.0.is_empty() && one == before);
    types.into_iter().map(|(_, instance_type)| instance_type).collect()
}

/// The refusal of a planned call. The texts are recorded from real accounts, where a recording was found.
pub(crate) fn refusal_of(code: &str) -> Refusal {
    let message = match code {
        "ResourceLimitExceeded" => {
            "The account-level service limit 'Number of instances across active usage' is 0 Instances, with current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase for this quota."
        }
        "AccessDenied" | "AccessDeniedException" => {
            "User is not authorized to perform this action because no identity-based policy allows it"
        }
        "ThrottlingException" => "Rate exceeded",
        _ => "The request was refused",
    };
    Refusal::new(400, crate::estate::fault::Said::from(code).text(), message)
}

/// The input of a `Create…` call: the definition with the name and the tags.
pub(crate) fn input_of(definition: &Value, field: &str, name: &str, tags: &BTreeMap<String, String>) -> Value {
    let mut input = definition.clone();
    input[field] = name.into();
    if !tags.is_empty() {
        input["Tags"] = as_list(tags.clone()).into();
    }
    input
}

#[cfg(test)]
mod tests;
