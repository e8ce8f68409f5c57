//! What the rules' tests share: one running notebook, one app, a policy that works in Berlin, and the test of the list itself.

use std::{collections::BTreeMap, sync::LazyLock};

use super::*;
use crate::facts::{AppHome, Tags};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::from_toml(
        r#"
        timezone = "Europe/Berlin"
        [working-hours]
        default = "mon-fri/08:00-19:00"
        teams = { vision = "mon-fri/08:00-19:00@America/New_York" }
        "#,
    )
    .unwrap()
});
static PRICES: LazyLock<Prices> = LazyLock::new(|| Prices::of_region("us-east-1", []));

pub(crate) fn scene(now: &str) -> Scene<'static> {
    Scene { now: now.parse().unwrap(), policy: &POLICY, prices: &PRICES }
}

pub(crate) fn resource(id: &str) -> Resource {
    Resource {
        id: id.into(),
        arn: Some(format!("arn:aws:sagemaker:us-east-1:123456789012:{id}")),
        name: id.rsplit('/').next().unwrap().into(),
        tags: Tags::Known(BTreeMap::new()),
    }
}

/// An `ml.m5.xlarge` that is on since `started`.
pub(crate) fn notebook(started: &str) -> Notebook {
    Notebook {
        resource: resource("notebook-instance/churn"),
        instance_type: Some("ml.m5.xlarge".into()),
        status: NotebookStatus::InService,
        since: Some(started.parse().unwrap()),
        volume_gb: None,
        last_used: None,
    }
}

pub(crate) fn tagged(mut notebook: Notebook, tags: &[(&str, &str)]) -> Notebook {
    notebook.resource.tags = Tags::Known(tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect());
    notebook
}

pub(crate) fn app(app_type: &str, instance_type: &str, started: &str) -> App {
    App {
        resource: resource(&format!("app/d-1/lab/{}/default", app_type.to_lowercase())),
        domain: "d-1".into(),
        home: AppHome::Space("lab".into()),
        app_type: app_type.into(),
        app_name: "default".into(),
        instance_type: Some(instance_type.into()),
        in_service: true,
        created: Some(started.parse().unwrap()),
    }
}

#[test]
fn every_file_is_registered_under_its_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|file| file.unwrap().file_name().to_str().and_then(|name| name.strip_suffix(".rs")).map(|name| name.replace('_', "-")))
        .filter(|name| name != "mod" && name != "tests")
        .collect();
    files.sort();
    let mut registered: Vec<&str> = ALL.iter().map(|entry| entry.name).collect();
    registered.sort_unstable();
    assert_eq!(files, registered, "a rule needs its file, its `mod` line and its line in ALL, all of one name");
}
