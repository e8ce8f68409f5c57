//! Resources that are deleted now, as they were created.

use cost_rules::{
    facts::{App, Notebook, RunState},
    resource::{Ownership, Resource, Tags},
};

use super::trail::Parameters;

/// A notebook that is deleted now, as it was created.
pub(super) fn notebook(id: &str, created: &Parameters) -> Notebook {
    let name = created.text("notebookInstanceName").unwrap_or_default().to_owned();
    Notebook {
        resource: Resource { id: id.to_owned(), arn: None, name, tags: Tags::Known(created.tags()), ownership: Ownership::default() },
        instance_type: created.instance_type(),
        state: RunState::Deleted,
        since: None,
        volume_gb: None,
        usage: None,
    }
}

/// An app that is deleted now, as it was created, without its tags. It counts as running, so that the owner of its space is read. `None`: the call does not say what it was.
pub(super) fn app(id: &str, created: &Parameters) -> Option<App> {
    let (home, app_type, app_name) = (created.home()?, created.text("appType")?.to_owned(), created.text("appName")?.to_owned());
    let name = format!("{} {app_type} {app_name}", home.name());
    Some(App {
        resource: Resource { id: id.to_owned(), arn: None, name, tags: Tags::Unreadable, ownership: Ownership::default() },
        domain: created.text("domainId")?.to_owned(),
        home,
        space_owner: None,
        app_type,
        app_name,
        instance_type: created.instance_type(),
        state: RunState::InService,
        created: None,
        deleted_by_guard: None,
    })
}
