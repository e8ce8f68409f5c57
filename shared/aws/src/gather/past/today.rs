//! Whether a resource is on today, and since when.

use cost_rules::{
    facts::{App, Change, Endpoint, Notebook, RunState},
    rehearsal::Today,
};

pub(super) fn of_notebook(notebook: &Notebook) -> Today {
    match notebook.state {
        RunState::InService => Today::On(notebook.since),
        RunState::Stopped | RunState::Failed | RunState::Deleted => Today::Off(notebook.since),
        // Only a notebook that is off can be updated (aws-facts §2.1). Since when it is off, its last change no longer says.
        RunState::Changing(Change::Updating) => Today::Off(None),
        RunState::Changing(_) | RunState::Other => Today::Changing,
    }
}

pub(super) fn of_app(app: &App) -> Today {
    match app.state {
        RunState::InService => Today::On(app.created),
        // Nothing says when it was deleted or failed.
        RunState::Stopped | RunState::Failed | RunState::Deleted => Today::Off(None),
        RunState::Changing(_) | RunState::Other => Today::Changing,
    }
}

pub(super) fn of_endpoint(endpoint: &Endpoint) -> Today {
    match endpoint.state {
        // It serves while it is updated.
        RunState::InService | RunState::Changing(Change::Updating) => Today::On(endpoint.created),
        RunState::Stopped | RunState::Failed | RunState::Deleted => Today::Off(endpoint.modified),
        RunState::Changing(_) | RunState::Other => Today::Changing,
    }
}

#[cfg(test)]
mod tests {
    use cost_rules::resource::{AppHome, Ownership, Resource, Tags};
    use jiff::Timestamp;

    use super::*;
    use crate::testing;

    fn at(day: u32) -> Timestamp {
        format!("2026-11-{day:02}T08:00:00Z").parse().unwrap()
    }

    fn resource(id: &str) -> Resource {
        Resource { id: id.to_owned(), arn: None, name: "a".to_owned(), tags: Tags::NotIndexed, ownership: Ownership::default() }
    }

    #[test]
    fn what_is_updated_is_on_if_it_is_an_endpoint() {
        use RunState::{Changing, Deleted, Failed, InService, Other, Stopped};
        let (since, created, modified) = (Some(at(3)), Some(at(1)), Some(at(5)));
        for (state, notebook, app, endpoint) in [
            (InService, Today::On(since), Today::On(created), Today::On(created)),
            (Changing(Change::Updating), Today::Off(None), Today::Changing, Today::On(created)),
            (Changing(Change::Pending), Today::Changing, Today::Changing, Today::Changing),
            (Changing(Change::Deleting), Today::Changing, Today::Changing, Today::Changing),
            (Other, Today::Changing, Today::Changing, Today::Changing),
            (Stopped, Today::Off(since), Today::Off(None), Today::Off(modified)),
            (Failed, Today::Off(since), Today::Off(None), Today::Off(modified)),
            (Deleted, Today::Off(since), Today::Off(None), Today::Off(modified)),
        ] {
            let of =
                Notebook { resource: resource("notebook-instance/a"), instance_type: None, state, since, volume_gb: None, usage: None };
            assert_eq!(of_notebook(&of), notebook, "{state:?}");
            let of = App {
                resource: resource("app/d-1/a/jupyterlab/default"),
                domain: "d-1".into(),
                home: AppHome::UserProfile("a".into()),
                space_owner: None,
                app_type: "JupyterLab".into(),
                app_name: "default".into(),
                instance_type: None,
                state,
                created,
                deleted_by_guard: None,
            };
            assert_eq!(of_app(&of), app, "{state:?}");
            assert_eq!(of_endpoint(&Endpoint { state, created, modified, ..testing::endpoint() }), endpoint, "{state:?}");
        }
    }
}
