//! What is known about the account at one moment: plain data. `None` and `Unreadable` mean "could not be read", never "there is none".

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

use crate::price::Prices;

/// What the rules look at. Built by `cost-aws` from the account, or by a test from literals.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The present, in whose light everything is judged.
    pub now: Timestamp,
    /// What instances cost per hour in this Region ([`crate::policy::Policy::prices_of`]).
    pub prices: Arc<Prices>,
    /// SageMaker notebook instances.
    pub notebooks: Vec<Notebook>,
    /// Studio apps that are not deleted.
    pub apps: Vec<App>,
    /// Who sets an idle shutdown in Studio: domains, user profiles, spaces.
    pub idle_shutdowns: Vec<IdleShutdown>,
    /// Kinds of which every resource of the Region is in these facts. What is missing from a complete kind is gone.
    pub complete: BTreeSet<Kind>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

impl Facts {
    /// All resources, of all kinds.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        let notebooks = self.notebooks.iter().map(|notebook| &notebook.resource);
        let apps = self.apps.iter().map(|app| &app.resource);
        notebooks.chain(apps).chain(self.idle_shutdowns.iter().map(|settings| &settings.resource))
    }

    /// All resources, to complete what is known of them.
    pub fn resources_mut(&mut self) -> impl Iterator<Item = &mut Resource> {
        let notebooks = self.notebooks.iter_mut().map(|notebook| &mut notebook.resource);
        let apps = self.apps.iter_mut().map(|app| &mut app.resource);
        notebooks.chain(apps).chain(self.idle_shutdowns.iter_mut().map(|settings| &mut settings.resource))
    }
}

/// A kind of resource, spelt as in its ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A SageMaker notebook instance.
    NotebookInstance,
    /// A Studio app: `JupyterLab`, `CodeEditor`, `KernelGateway`, …
    App,
    /// A Studio domain.
    Domain,
    /// A user profile of a domain.
    UserProfile,
    /// A space of a domain.
    Space,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::NotebookInstance, Self::App, Self::Domain, Self::UserProfile, Self::Space];

    /// As it stands in an ARN: `notebook-instance`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotebookInstance => "notebook-instance",
            Self::App => "app",
            Self::Domain => "domain",
            Self::UserProfile => "user-profile",
            Self::Space => "space",
        }
    }

    /// For a person: `notebook instance`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotebookInstance => "notebook instance",
            Self::App => "Studio app",
            Self::Domain => "Studio domain",
            Self::UserProfile => "Studio user profile",
            Self::Space => "Studio space",
        }
    }

    /// The kind of the resource that an id or the last part of an ARN names.
    pub fn of(id: &str) -> Option<Self> {
        let (kind, _) = id.split_once('/')?;
        Self::ALL.into_iter().find(|known| known.as_str() == kind)
    }
}

/// What all kinds have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Which one, within the Region: the last part of its ARN in lower case, `notebook-instance/x` or
    /// `app/d-1/space/jupyterlab/default`. Lists of Studio apps name no ARN, but all that this needs.
    pub id: String,
    /// Its ARN as the API gave it (AWS may write names in lower case there: it is never built).
    pub arn: Option<String>,
    /// Its name.
    pub name: String,
    /// Its tags, with those of its parents under them.
    pub tags: Tags,
}

impl Resource {
    /// What it is, by its id.
    pub fn kind(&self) -> Option<Kind> {
        Kind::of(&self.id)
    }

    /// The ARN, or the id where no ARN is known.
    pub fn arn_or_id(&self) -> &str {
        self.arn.as_deref().unwrap_or(&self.id)
    }
}

/// The id of the resource that an ARN names: its last part in lower case.
pub fn id_of_arn(arn: &str) -> Option<String> {
    let last = arn.strip_prefix("arn:")?.splitn(5, ':').nth(4)?;
    last.contains('/').then(|| last.to_lowercase())
}

/// What is known of a resource's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// They were read.
    Known(BTreeMap<String, String>),
    /// The tag index does not name the resource: it never had a tag, or the index has not caught up. Good enough to
    /// pass a resource over, not good enough to report it: that is confirmed first.
    NotIndexed,
    /// They could not be read: nothing may be said of the resource.
    Unreadable,
}

impl Tags {
    /// The tags by key, empty for a resource that the index does not name; `None` if they could not be read.
    pub fn read(&self) -> Option<&BTreeMap<String, String>> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Self::Known(tags) => Some(tags),
            Self::NotIndexed => Some(&NONE),
            Self::Unreadable => None,
        }
    }
}

/// A SageMaker notebook instance.
#[derive(Clone, Debug)]
pub struct Notebook {
    /// Which one and whose.
    pub resource: Resource,
    /// `ml.t3.medium`.
    pub instance_type: Option<String>,
    /// What it is doing.
    pub status: NotebookStatus,
    /// Last change by the control plane, which is the start of a running one and the stop of a stopped one.
    pub since: Option<Timestamp>,
    /// Size of its volume in GB, where it was asked for.
    pub volume_gb: Option<i32>,
    /// When somebody or something last used it, by the idle agent's metric. `None`: no fresh datapoint.
    pub last_used: Option<Timestamp>,
}

/// The states that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotebookStatus {
    /// Running, and billed by the hour. The only state that a stop is legal in.
    InService,
    /// Stopped: only its volume is billed.
    Stopped,
    /// On its way between states, failed or in maintenance: left alone.
    Other,
}

/// A Studio app.
#[derive(Clone, Debug)]
pub struct App {
    /// Which one and whose.
    pub resource: Resource,
    /// The domain's id: `d-…`.
    pub domain: String,
    /// The space or the user profile that it runs in.
    pub home: AppHome,
    /// `JupyterLab`, as the API spells it.
    pub app_type: String,
    /// Its name, `default` for most.
    pub app_name: String,
    /// `ml.t3.medium`, or `system` for one that costs nothing.
    pub instance_type: Option<String>,
    /// Whether it is in service; else it is on its way between states, or failed.
    pub in_service: bool,
    /// When it was created, which is when it started: an app is never stopped, only deleted.
    pub created: Option<Timestamp>,
}

/// Where an app runs. Exactly one of the two is set in the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppHome {
    /// A space, by name: `JupyterLab` and `CodeEditor`.
    Space(String),
    /// A user profile, by name: Studio Classic, Canvas, `RStudio`.
    UserProfile(String),
}

impl AppHome {
    /// The name of the space or the user profile.
    pub fn name(&self) -> &str {
        match self {
            Self::Space(name) | Self::UserProfile(name) => name,
        }
    }

    /// The id of the space or user profile in this domain.
    pub fn id(&self, domain: &str) -> String {
        match self {
            Self::Space(name) => format!("space/{domain}/{name}").to_lowercase(),
            Self::UserProfile(name) => format!("user-profile/{domain}/{name}").to_lowercase(),
        }
    }
}

/// What a domain, a user profile or a space itself says of Studio's idle shutdown. What it does not say, it inherits.
#[derive(Clone, Debug)]
pub struct IdleShutdown {
    /// Which one and whose.
    pub resource: Resource,
    /// For `JupyterLab`.
    pub jupyter_lab: IdleSettings,
    /// For `CodeEditor`.
    pub code_editor: IdleSettings,
}

/// `AppLifecycleManagement.IdleSettings` of one app type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdleSettings {
    /// `LifecycleManagement`: `ENABLED` or `DISABLED`; spaces have none.
    pub enabled: Option<bool>,
    /// `IdleTimeoutInMinutes`.
    pub timeout_minutes: Option<i32>,
}

/// Something that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What: `Studio apps`, `tags of notebook-instance/x`.
    pub what: String,
    /// Why, with AWS's own error code.
    pub why: String,
}
