//! A simulated AWS account on loopback, with AWS's wire protocols and a virtual clock: for the demo, the end-to-end tests and the benchmarks.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, TcpListener},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use axum::{Router, extract::DefaultBodyLimit};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tokio::sync::oneshot;

pub mod estate;
mod guard;
mod life;
mod services;
mod wire;
mod world;

pub use estate::{
    Estate,
    fault::{Fault, What},
    jobs::{InstanceGroupSpec, TrainingJobSpec, TuningJobSpec},
    plan::Deed,
};
pub use guard::{
    stack::{Firing, Schedule, Stack},
    template::Template,
};
pub use life::{
    billing::Spend,
    hosting::served::Served,
    inventory::Resource,
    jobs::{TrainingJob, TuningJob},
    trail::Creator,
};
pub use services::{budgets::BudgetState, events::PutEvent, s3::Object, sns::Mail};
pub use wire::traffic::Call;
use wire::traffic::{Asked, Traffic};
pub use world::BillLine;
use world::World;

/// The largest request body that is accepted, in bytes: `DynamoDB`'s largest batch.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// A running simulation. It ends when its last clone is dropped.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    endpoint: String,
    _server: Arc<Server>,
}

/// Stops the server's thread when dropped, and waits for it.
struct Server(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.0.take() {
            // The thread may have ended already.
            let _ = end.send(());
            let _ = thread.join();
        }
    }
}

/// What the server and the [`Simulator`] share.
pub(crate) struct Shared {
    world: Mutex<World>,
    pub(crate) started: Timestamp,
    latency: Mutex<Duration>,
    pub(crate) traffic: Traffic,
    /// `None`: no template is deployed.
    deployed: Mutex<Option<guard::deployment::InForce>>,
    /// The IAM actions that callers needed.
    asked: Mutex<BTreeSet<Asked>>,
    /// When the virtual clock was last advanced to the real one. `None`: it stands until it is advanced.
    real_time: Mutex<Option<Instant>>,
}

impl Shared {
    pub(crate) fn note_asked(&self, asked: Asked) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
    }
}

/// Writes the recorded IAM actions to a file in the folder `COST_GUARD_ASKED`, if this variable is set. Another test compares them with the template's
/// permissions.
impl Drop for Shared {
    fn drop(&mut self) {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let Ok(folder) = std::env::var("COST_GUARD_ASKED") else { return };
        let asked = self.asked.get_mut().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<String> = asked.iter().filter_map(|one| serde_json::to_string(one).ok()).collect();
        let file = format!("{}-{}.jsonl", std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
        // A failure is ignored here: the test that reads the files fails if they are missing.
        let _ = std::fs::write(std::path::Path::new(&folder).join(file), lines.join("\n") + "\n");
    }
}

/// A notebook instance or a Studio app, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its ARN.
    pub arn: String,
    /// The notebook's name; for an app its space or profile, its type and its name.
    pub name: String,
    /// `InService`, …
    pub status: String,
    /// `ml.t3.medium`, …
    pub instance_type: String,
    /// When it was last started, stopped or changed.
    pub since: Timestamp,
    /// Its own tags.
    pub tags: BTreeMap<String, String>,
}

impl Shared {
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Advances the virtual clock by the real time that has passed, if it follows the real clock.
    pub(crate) fn tick(&self, world: &mut World) {
        if let Some(last) = self.real_time.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let now = Instant::now();
            let passed = SignedDuration::try_from(now.duration_since(*last)).unwrap_or_default();
            *last = now;
            world.live_until(world.now + passed);
        }
    }
}

impl Simulator {
    /// Starts on a free port of loopback.
    ///
    /// # Errors
    /// No port is free, or the estate's bill cannot be read.
    pub fn start(estate: Estate) -> anyhow::Result<Self> {
        Self::start_on(estate, 0)
    }

    /// Starts on a port of loopback.
    ///
    /// # Errors
    /// The port is taken, or the estate's bill cannot be read.
    pub fn start_on(estate: Estate, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port} of loopback cannot be had"))?;
        listener.set_nonblocking(true)?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (bill, region) = (estate.bill.clone(), estate.region.clone());
        let mut world = World::new(estate);
        if let Some(bill) = bill {
            world.billing.add_bill(&bill, &region)?;
        }
        let shared = Arc::new(Shared {
            started: world.now,
            world: Mutex::new(world),
            latency: Mutex::default(),
            traffic: Traffic::default(),
            deployed: Mutex::default(),
            asked: Mutex::default(),
            real_time: Mutex::default(),
        });
        let (end, ended) = oneshot::channel::<()>();
        let app = Router::new().fallback(wire::serve).layer(DefaultBodyLimit::max(MOST_BYTES)).with_state(Arc::clone(&shared));
        // The server has its own thread and runtime, so it goes on serving while a test blocks its runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    _ = ended => {}
                }
            });
        });
        Ok(Self { shared, endpoint, _server: Arc::new(Server(Some((end, thread)))) })
    }

    /// `http://127.0.0.1:<port>`, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The ARN of the estate's topic; empty if it has none.
    pub fn topic_arn(&self) -> String {
        self.shared.world().topic.clone().unwrap_or_default()
    }

    /// The account's Region.
    pub fn region(&self) -> String {
        self.shared.world().region.clone()
    }

    /// The current time of the virtual clock.
    pub fn now(&self) -> Timestamp {
        let mut world = self.shared.world();
        self.shared.tick(&mut world);
        world.now
    }

    /// Advances the clock to a time, with all that happens until then. It never goes back.
    pub fn live_until(&self, until: Timestamp) {
        self.shared.world().live_until(until);
    }

    /// Advances the clock by a length of time.
    pub fn advance(&self, by: SignedDuration) {
        let until = self.now() + by;
        self.live_until(until);
    }

    /// Lets the virtual clock follow the real one from now on.
    pub fn run_in_real_time(&self) {
        *self.shared.real_time.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The events since the last call of this function, oldest first.
    pub fn take_events(&self) -> Vec<serde_json::Value> {
        self.shared.world().take_events()
    }

    /// How many calls there were, refused ones included, by `service:Operation`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.shared.traffic.calls()
    }

    /// How many calls were refused, by `service:Operation Code`.
    pub fn refused(&self) -> BTreeMap<String, u64> {
        self.shared.traffic.refused()
    }

    /// The highest number of simultaneous calls, by `service:Operation`.
    pub fn most_in_flight(&self) -> BTreeMap<String, u64> {
        self.shared.traffic.most_in_flight()
    }

    /// Every call, in the order in which the calls were served.
    pub fn call_log(&self) -> Vec<Call> {
        self.shared.traffic.log()
    }

    /// Resets the call counts and the log.
    pub fn reset_counts(&self) {
        self.shared.traffic.forget();
    }

    /// Forgets the recorded IAM actions. A test that deliberately calls what a role does not allow must not make the template's permissions look incomplete.
    pub fn forget_asked(&self) {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Sets how long every call takes, in real time.
    pub fn set_latency(&self, latency: Duration) {
        *self.shared.latency.lock().unwrap_or_else(PoisonError::into_inner) = latency;
    }

    /// Adds a fault to the calls from now on.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world().faults.push(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Every mail so far, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.world().mails.clone()
    }

    /// Every event that was put on a bus of EventBridge so far, oldest first.
    pub fn put_events(&self) -> Vec<PutEvent> {
        self.shared.world().put_events.clone()
    }

    /// Every message to the chat's topic so far, oldest first.
    pub fn chat(&self) -> Vec<Mail> {
        self.shared.world().chat.clone()
    }

    /// The ARN of the topic for the chat.
    pub fn chat_topic_arn(&self) -> String {
        self.shared.world().chat_topic.clone()
    }

    /// Whether SNS has suspended an e-mail subscription to the topic, because mails came too fast.
    pub fn is_mail_suspended(&self) -> bool {
        self.shared.world().mail_rate.is_suspended
    }

    /// The number of mails so far.
    pub fn mail_count(&self) -> usize {
        self.shared.world().mails.len()
    }

    /// The cost of each resource since the start.
    pub fn bill(&self) -> Vec<BillLine> {
        self.shared.world().bill(self.shared.started)
    }

    /// The account's spend until now, by day and kind of usage: what runs here, from its own start on, planted spend and requests to Cost Explorer.
    pub fn spend(&self) -> Vec<Spend> {
        let mut world = self.shared.world();
        self.shared.tick(&mut world);
        world.spend()
    }

    /// What the requests to Cost Explorer have cost, in USD.
    pub fn cost_explorer_usd(&self) -> Decimal {
        self.shared.world().billing.requests_usd()
    }

    /// What became of the requests to endpoints and components between two moments.
    pub fn served(&self, from: Timestamp, until: Timestamp) -> Vec<Served> {
        let mut world = self.shared.world();
        self.shared.tick(&mut world);
        let until = until.min(world.now);
        world.served(from, until)
    }

    /// The budgets, as of the last time that Budgets read the bill.
    pub fn budgets(&self) -> Vec<BudgetState> {
        let mut world = self.shared.world();
        self.shared.tick(&mut world);
        world.budgets.states()
    }

    /// The name of the bucket, if there is one.
    pub fn bucket(&self) -> Option<String> {
        self.shared.world().bucket.as_ref().map(|bucket| bucket.name().to_owned())
    }

    /// Changes how many subscriptions to a topic are confirmed.
    pub fn confirm_subscriptions(&self, count: u32) {
        self.shared.world().confirmed_subscriptions = count;
    }

    /// The objects in the bucket, by key.
    pub fn objects(&self) -> Vec<Object> {
        self.shared.world().bucket.as_ref().map(services::s3::Bucket::objects).unwrap_or_default()
    }

    /// The content of an object.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.shared.world().bucket.as_ref()?.content(key)
    }

    /// All notebook instances.
    pub fn notebooks(&self) -> Vec<Running> {
        let world = self.shared.world();
        let of = |notebook: &world::Notebook| Running {
            arn: notebook.arn.clone(),
            name: notebook.spec.name.clone(),
            status: notebook.status.to_owned(),
            instance_type: notebook.spec.instance_type.clone(),
            since: notebook.modified,
            tags: world.tags.get(&notebook.arn).map(world::TagLog::now).unwrap_or_default(),
        };
        world.notebooks.values().map(of).collect()
    }

    /// A notebook instance by name.
    pub fn notebook(&self, name: &str) -> Option<Running> {
        self.notebooks().into_iter().find(|notebook| notebook.name == name)
    }

    /// All Studio apps.
    pub fn apps(&self) -> Vec<Running> {
        let world = self.shared.world();
        let of = |app: &world::App| Running {
            arn: app.arn.clone(),
            name: format!(
                "{} {} {}",
                app.spec.space.as_ref().or(app.spec.user_profile.as_ref()).cloned().unwrap_or_default(),
                app.spec.app_type,
                app.spec.name
            ),
            status: app.status.to_owned(),
            instance_type: app.spec.instance_type.clone(),
            since: app.modified,
            tags: world.tags.get(&app.arn).map(world::TagLog::now).unwrap_or_default(),
        };
        world.apps.values().map(of).collect()
    }

    /// All training jobs, by name.
    pub fn training_jobs(&self) -> Vec<TrainingJob> {
        self.shared.world().training_jobs()
    }

    /// A training job by name.
    pub fn training_job(&self, name: &str) -> Option<TrainingJob> {
        self.shared.world().training_job(name)
    }

    /// All tuning jobs, by name.
    pub fn tuning_jobs(&self) -> Vec<TuningJob> {
        self.shared.world().tuning_jobs()
    }

    /// A tuning job by name.
    pub fn tuning_job(&self, name: &str) -> Option<TuningJob> {
        self.tuning_jobs().into_iter().find(|job| job.name == name)
    }

    /// All SageMaker resources that can have tags, by ARN.
    pub fn resources(&self) -> Vec<Resource> {
        self.shared.world().resources()
    }

    /// The tags of a resource, by ARN; `None`: there is no such resource.
    pub fn tags_of(&self, arn: &str) -> Option<BTreeMap<String, String>> {
        self.shared.world().tags.get(arn).map(world::TagLog::now)
    }

    /// Does what a person would do to a notebook or job (by name or ARN), an app (by ARN) or another resource (by ARN or `kind/name`).
    pub fn deed(&self, what: &str, deed: &Deed) {
        self.shared.world().deed(what, deed);
    }

    /// Sets an SSM parameter.
    pub fn put_parameter(&self, name: &str, value: &str) {
        services::ssm::put(&mut self.shared.world(), name, value);
    }

    /// Replaces the items of a `DynamoDB` table.
    ///
    /// # Errors
    /// There is no such table, or an item does not fit the table.
    pub fn restore_table(&self, table: &str, items: &[serde_json::Value]) -> anyhow::Result<()> {
        self.shared.world().tables.restore(table, items).map_err(|refusal| anyhow::anyhow!("{}: {}", refusal.code, refusal.message))
    }

    /// The items of a `DynamoDB` table.
    pub fn table_items(&self, table: &str) -> Vec<serde_json::Value> {
        self.shared.world().tables.items(table)
    }
}

#[cfg(test)]
mod tests;
