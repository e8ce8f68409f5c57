//! All SageMaker resources in the account that can have tags, of all kinds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    life::order::Listed as _,
    world::{TagLog, World},
};

/// A resource, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Resource {
    /// The kind in its ARN: `notebook-instance`, `endpoint`, `hyper-parameter-tuning-job`, …
    pub kind: &'static str,
    /// Its ARN.
    pub arn: String,
    /// Its name; a domain's id; the last part of an app's ARN.
    pub name: String,
    /// `InService`, …; empty: its kind has no status.
    pub status: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was created.
    pub created: Timestamp,
}

impl World {
    pub(crate) fn resources(&self) -> Vec<Resource> {
        let resource = |kind, arn: String, name: &str, status: &str, created| Resource {
            kind,
            tags: self.tags.get(&arn).map(TagLog::now).unwrap_or_default(),
            arn,
            name: name.to_owned(),
            status: status.to_owned(),
            created,
        };
        let made = |created: Option<crate::estate::When>| created.map_or(self.began, |created| created.at(self.started));
        let notebooks =
            self.notebooks.values().map(|one| resource("notebook-instance", one.arn.clone(), &one.spec.name, one.status, one.created));
        let domains = self.domains.values().map(|(one, arn)| resource("domain", arn.clone(), &one.id, "InService", self.began));
        let profiles = self.profiles.values().map(|one| {
            let arn = self.arn(&format!("user-profile/{}/{}", one.domain, one.name));
            resource("user-profile", arn, &one.name, "InService", made(one.created))
        });
        let spaces = self.spaces.values().map(|one| {
            let arn = self.arn(&format!("space/{}/{}", one.domain, one.name));
            resource("space", arn, &one.name, "InService", made(one.created))
        });
        let apps = self.apps.values().map(|one| resource("app", one.arn.clone(), &one.spec.name, one.status, one.created));
        let training =
            self.jobs.training.iter().map(|one| resource("training-job", self.job_arn(&one.name), &one.name, one.status(), one.created()));
        let tuning = self
            .jobs
            .tunings
            .values()
            .map(|one| resource("hyper-parameter-tuning-job", self.tuning_arn(&one.name), &one.name, one.status(), one.created()));
        // Executions are left out: they have the tags of their pipeline.
        let others = self.assets.iter().filter(|one| one.kind.name != "pipeline-execution");
        let others = others.map(|one| resource(one.kind.path, one.arn.clone(), &one.name, one.status(), one.created()));
        let studio = domains.chain(profiles).chain(spaces).chain(apps);
        let mut all: Vec<Resource> = notebooks.chain(studio).chain(training).chain(tuning).chain(others).collect();
        all.sort_by(|one, other| one.arn.cmp(&other.arn));
        all
    }
}
