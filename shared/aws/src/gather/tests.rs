//! Tests of complete reads: several services at once, some of which refuse.

use std::collections::BTreeMap;

use aws_sdk_resourcegroupstagging::{
    operation::get_resources::{GetResourcesError, GetResourcesOutput},
    types::{ResourceTagMapping, Tag as IndexTag, error::InvalidParameterException},
};
use aws_sdk_sagemaker::{
    operation::{
        describe_app::DescribeAppOutput,
        describe_notebook_instance::{DescribeNotebookInstanceError, DescribeNotebookInstanceOutput},
        list_apps::{ListAppsError, ListAppsOutput},
        list_notebook_instances::ListNotebookInstancesOutput,
        list_spaces::{ListSpacesError, ListSpacesOutput},
        list_tags::{ListTagsError, ListTagsOutput},
    },
    types::{
        AppDetails, AppStatus, AppType, NotebookInstanceStatus, NotebookInstanceSummary, OwnershipSettingsSummary, ResourceSpec,
        SpaceDetails, Tag,
    },
};
use aws_smithy_mocks::{Rule, mock};
use cost_rules::{
    facts::{Change, RunState},
    resource::AppHome,
};

use super::*;
use crate::testing::{self, arn, at, denied, error};

/// A policy whose rules need no metric.
const QUIET: &str = "[rules.notebook-idle]\nmode = \"off\"\n";
const NO_APPS: &str = "[rules.notebook-idle]\nmode = \"off\"\n[rules.studio-app-off-hours]\nmode = \"off\"\n[rules.studio-app-always-on]\nmode = \"off\"\n\
    [rules.studio-app-stuck]\nmode = \"off\"\n";

fn rulebook(toml: &str) -> Rulebook {
    Rulebook::from_toml(toml).unwrap()
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn only(id: &str) -> Wanted {
    Wanted { scope: Scope::Only([(id.to_owned(), None)].into()), ..Wanted::default() }
}

fn known(tags: &[(&str, &str)]) -> Tags {
    Tags::Known(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

fn summary(name: &str) -> NotebookInstanceSummary {
    NotebookInstanceSummary::builder()
        .notebook_instance_name(name)
        .notebook_instance_arn(arn(&format!("notebook-instance/{}", name.to_lowercase())))
        .notebook_instance_status(NotebookInstanceStatus::InService)
        .last_modified_time(at("2026-11-24T08:00:00Z"))
        .build()
}

/// One page of notebooks per entry.
fn notebook_pages(pages: &'static [&'static [&'static str]]) -> Rule {
    mock!(aws_sdk_sagemaker::Client::list_notebook_instances).then_compute_output(|asked| {
        assert_eq!(asked.max_results, Some(100));
        let page: usize = asked.next_token().map_or(0, |token| token.parse().unwrap());
        let next = (page + 1 < pages.len()).then(|| (page + 1).to_string());
        let notebooks = pages[page].iter().map(|name| summary(name)).collect();
        ListNotebookInstancesOutput::builder().set_notebook_instances(Some(notebooks)).set_next_token(next).build()
    })
}

fn lab(status: AppStatus) -> AppDetails {
    let app = AppDetails::builder().domain_id("d-1").space_name("Lab").app_type(AppType::JupyterLab).app_name("default").status(status);
    app.resource_spec(ResourceSpec::builder().instance_type("ml.t3.medium".into()).build())
        .creation_time(at("2026-11-24T08:00:00Z"))
        .build()
}

const LAB: &str = "app/d-1/lab/jupyterlab/default";

fn one_app() -> Rule {
    mock!(aws_sdk_sagemaker::Client::list_apps).then_output(|| ListAppsOutput::builder().apps(lab(AppStatus::InService)).build())
}

/// The app's space, with its owner.
fn spaces(owner: Option<&'static str>) -> Rule {
    mock!(aws_sdk_sagemaker::Client::list_spaces).then_output(move || {
        let owner = owner.map(|owner| OwnershipSettingsSummary::builder().owner_user_profile_name(owner).build());
        let space = SpaceDetails::builder().domain_id("d-1").space_name("Lab").set_ownership_settings_summary(owner).build();
        ListSpacesOutput::builder().spaces(space).build()
    })
}

/// A tag index with one page: (id, tags).
fn index(resources: &'static [(&'static str, &'static [(&'static str, &'static str)])]) -> Rule {
    mock!(aws_sdk_resourcegroupstagging::Client::get_resources).then_output(|| {
        let mappings = resources.iter().map(|(id, tags)| {
            let tags = tags.iter().map(|(key, value)| IndexTag::builder().key(*key).value(*value).build().unwrap());
            ResourceTagMapping::builder().resource_arn(arn(id)).set_tags(Some(tags.collect())).build()
        });
        let mappings = mappings.collect();
        GetResourcesOutput::builder().set_resource_tag_mapping_list(Some(mappings)).pagination_token("").build()
    })
}

/// `ListTags` of one resource.
fn tags(id: &'static str, tags: &'static [(&'static str, &'static str)]) -> Rule {
    mock!(aws_sdk_sagemaker::Client::list_tags).match_requests(move |asked| asked.resource_arn() == Some(&arn(id))).then_output(|| {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
        ListTagsOutput::builder().set_tags(Some(tags)).build()
    })
}

fn described_notebook(name: &'static str, status: &'static str) -> Rule {
    mock!(aws_sdk_sagemaker::Client::describe_notebook_instance)
        .match_requests(move |asked| asked.notebook_instance_name() == Some(name))
        .then_output(move || {
            DescribeNotebookInstanceOutput::builder()
                .notebook_instance_name(name)
                .notebook_instance_arn(arn(&format!("notebook-instance/{}", name.to_lowercase())))
                .notebook_instance_status(status.into())
                .last_modified_time(at("2026-11-24T11:00:00Z"))
                .build()
        })
}

fn no_notebook() -> Rule {
    mock!(aws_sdk_sagemaker::Client::describe_notebook_instance)
        .then_error(|| DescribeNotebookInstanceError::generic(error("ValidationException", "RecordNotFound")))
}

fn described_app() -> Rule {
    mock!(aws_sdk_sagemaker::Client::describe_app).then_output(|| {
        DescribeAppOutput::builder().app_arn(arn(LAB)).status(AppStatus::InService).creation_time(at("2026-11-24T08:00:00Z")).build()
    })
}

fn account(sagemaker: &[&Rule], tagging: &[&Rule]) -> Clients {
    Clients { sagemaker: testing::sagemaker(sagemaker).into(), tagging: testing::tagging(tagging).into(), ..testing::clients() }
}

async fn everything_of(rulebook: &Rulebook, clients: &Clients) -> Facts {
    notebooks_and_apps(clients, rulebook, &Wanted::default(), now()).await
}

#[tokio::test]
async fn pages_tags_and_what_an_app_inherits() {
    let index = index(&[
        ("notebook-instance/ann", &[("Owner", "ann"), ("Extra", "x")]),
        ("space/d-1/lab", &[("Owner", "lab"), ("cost-guard:schedule", "always")]),
        ("user-profile/d-1/ann", &[("Owner", "ann"), ("cost-guard:keep-until", "2026-12-31")]),
        ("domain/d-1", &[("Owner", "domain"), ("Team", "vision")]),
    ]);
    let (notebooks, apps) = (notebook_pages(&[&["Ann"], &["Ben"]]), one_app());
    let clients = account(&[&notebooks, &apps, &spaces(Some("Ann"))], &[&index]);
    let facts = everything_of(&rulebook(&format!("owner-tags = [\"Owner\"]\nteam-tags = [\"Team\"]\n{QUIET}")), &clients).await;

    assert_eq!(facts.reading.unread, []);
    assert_eq!(facts.reading.complete, [Kind::NotebookInstance, Kind::App].into());
    let [ann, ben] = &facts.notebooks[..] else { panic!("{:?}", facts.notebooks) };
    assert_eq!((ann.resource.id.as_str(), ann.resource.name.as_str()), ("notebook-instance/ann", "Ann"));
    assert_eq!(ann.resource.tags, known(&[("Owner", "ann")]), "tags that the policy does not read are not kept");
    assert_eq!((&ben.resource.tags, ben.state), (&Tags::NotIndexed, RunState::InService));
    let app = &facts.apps[0];
    assert_eq!((app.resource.id.as_str(), &app.home, &app.resource.arn), (LAB, &AppHome::Space("Lab".into()), &None));
    assert_eq!(
        app.resource.tags,
        known(&[("Owner", "lab"), ("Team", "vision"), ("cost-guard:keep-until", "2026-12-31"), ("cost-guard:schedule", "always")])
    );
}

#[tokio::test]
async fn one_refused_list_leaves_the_others() {
    let apps = mock!(aws_sdk_sagemaker::Client::list_apps).then_error(|| ListAppsError::generic(denied()));
    let facts = everything_of(&rulebook(QUIET), &account(&[&notebook_pages(&[&["Ann"]]), &apps], &[&index(&[])])).await;
    assert_eq!((facts.notebooks.len(), facts.reading.complete), (1, [Kind::NotebookInstance].into()));
    let [unread] = &facts.reading.unread[..] else { panic!("{:?}", facts.reading.unread) };
    assert_eq!(unread.what, "Studio apps (sagemaker:ListApps)");
    assert!(unread.why.starts_with("AccessDeniedException: User: arn:aws:sts"), "{}", unread.why);
}

#[tokio::test]
async fn an_app_whose_spaces_owner_could_not_be_read_is_left_alone() {
    let refused = mock!(aws_sdk_sagemaker::Client::list_spaces).then_error(|| ListSpacesError::generic(denied()));
    let facts = everything_of(&rulebook(QUIET), &account(&[&notebook_pages(&[&["Ann"]]), &one_app(), &refused], &[&index(&[])])).await;
    assert_eq!((&facts.apps[0].resource.tags, &facts.notebooks[0].resource.tags), (&Tags::Unreadable, &Tags::NotIndexed));
    let [unread] = &facts.reading.unread[..] else { panic!("{:?}", facts.reading.unread) };
    assert_eq!(unread.what, "owners of Studio spaces (sagemaker:ListSpaces): their apps are left alone");
}

#[tokio::test]
async fn a_repeated_token_ends_the_list_and_is_told() {
    let notebooks = mock!(aws_sdk_sagemaker::Client::list_notebook_instances)
        .then_output(|| ListNotebookInstancesOutput::builder().notebook_instances(summary("Ann")).next_token("again").build());
    let facts = everything_of(&rulebook(NO_APPS), &account(&[&notebooks], &[&index(&[])])).await;
    assert_eq!((notebooks.num_calls(), facts.reading.complete.len()), (2, 0));
    assert!(facts.reading.unread[0].why.contains("page token repeated"), "{:?}", facts.reading.unread);
}

#[tokio::test]
async fn without_the_whole_index_what_it_did_not_name_is_unknown() {
    let first = mock!(aws_sdk_resourcegroupstagging::Client::get_resources)
        .match_requests(|asked| asked.pagination_token().is_none())
        .then_output(|| {
            let ann = ResourceTagMapping::builder().resource_arn(arn("notebook-instance/ann")).build();
            GetResourcesOutput::builder().resource_tag_mapping_list(ann).pagination_token("2").build()
        });
    let second = mock!(aws_sdk_resourcegroupstagging::Client::get_resources)
        .match_requests(|asked| asked.pagination_token() == Some("2"))
        .then_error(|| GetResourcesError::generic(denied()));
    let clients = account(&[&notebook_pages(&[&["Ann", "Ben"]]), &one_app(), &spaces(None)], &[&first, &second]);
    let facts = everything_of(&rulebook(QUIET), &clients).await;
    let read: Vec<&Tags> = facts.resources().map(|resource| &resource.tags).collect();
    assert_eq!(read, [&known(&[]), &Tags::Unreadable, &Tags::Unreadable]);
    assert!(facts.reading.unread[0].what.contains("tag:GetResources"), "{:?}", facts.reading.unread);
}

#[tokio::test]
async fn a_kind_that_the_index_does_not_know_has_nothing_in_it() {
    let unknown_kind = mock!(aws_sdk_resourcegroupstagging::Client::get_resources)
        .then_error(|| GetResourcesError::InvalidParameterException(InvalidParameterException::builder().build()));
    let account = account(&[&notebook_pages(&[&["Ann"]]), &one_app(), &spaces(None)], &[&unknown_kind]);
    let facts = everything_of(&rulebook(NO_APPS), &account).await;
    assert_eq!((facts.reading.unread.len(), &facts.notebooks[0].resource.tags), (0, &Tags::NotIndexed), "confirmed before it is told");
    let facts = everything_of(&rulebook(QUIET), &account).await;
    assert_eq!((facts.reading.unread.len(), &facts.notebooks[0].resource.tags), (1, &Tags::Unreadable), "one of several kinds");
}

#[tokio::test]
async fn only_what_a_rule_needs_is_read() {
    let index = mock!(aws_sdk_resourcegroupstagging::Client::get_resources)
        .match_requests(|asked| asked.resource_type_filters() == ["sagemaker:notebook-instance"])
        .then_output(|| GetResourcesOutput::builder().build());
    let facts = everything_of(&rulebook(NO_APPS), &account(&[&notebook_pages(&[&["Ann"]])], &[&index])).await;
    assert_eq!((facts.reading.unread.len(), facts.reading.complete), (0, [Kind::NotebookInstance].into()));
}

#[tokio::test]
async fn confirming_asks_the_service_itself() {
    let rulebook = rulebook(QUIET);
    let index = index(&[("domain/d-1", &[("Team", "vision")])]);
    let read = account(&[&notebook_pages(&[&["Ann", "Ben", "Eve"]]), &one_app(), &spaces(None)], &[&index]);
    let mut facts = everything_of(&rulebook, &read).await;
    let denied_to_eve = mock!(aws_sdk_sagemaker::Client::list_tags)
        .match_requests(|asked| asked.resource_arn() == Some(&arn("notebook-instance/eve")))
        .then_error(|| ListTagsError::generic(denied()));
    let ben_is_gone = mock!(aws_sdk_sagemaker::Client::list_tags)
        .match_requests(|asked| asked.resource_arn() == Some(&arn("notebook-instance/ben")))
        .then_error(|| ListTagsError::generic(error("ValidationException", "RecordNotFound")));
    let (ann, app) = (tags("notebook-instance/ann", &[("Owner", "ann")]), tags(LAB, &[("Owner", "lab")]));
    let clients = account(&[&ann, &app, &described_app(), &denied_to_eve, &ben_is_gone], &[]);
    let ids = facts.resources().map(|resource| resource.id.clone()).collect();
    notebooks::confirm(&clients, &rulebook, &mut facts, &ids).await;
    studio::confirm(&clients, &rulebook, &mut facts, &ids).await;

    let by_id: BTreeMap<&str, &Resource> = facts.resources().map(|resource| (resource.id.as_str(), resource)).collect();
    assert_eq!(by_id.len(), 3, "ben is gone: {by_id:?}");
    assert_eq!(by_id["notebook-instance/ann"].tags, known(&[("Owner", "ann")]));
    assert_eq!(by_id["notebook-instance/eve"].tags, Tags::Unreadable);
    assert_eq!((&by_id[LAB].arn, &by_id[LAB].tags), (&Some(arn(LAB)), &known(&[("Owner", "lab"), ("Team", "vision")])));
    let [unread] = &facts.reading.unread[..] else { panic!("{:?}", facts.reading.unread) };
    assert_eq!(unread.what, "tags of notebook-instance/eve");
    assert!(unread.why.starts_with("sagemaker:ListTags: AccessDeniedException"), "{}", unread.why);
}

#[tokio::test]
async fn again_tells_gone_restarted_and_not_known_apart() {
    let rulebook = rulebook(NO_APPS);
    let mut facts = everything_of(&rulebook, &account(&[&notebook_pages(&[&["Ann"]])], &[&index(&[])])).await;
    let usage = Some(cost_rules::facts::Usage { last: now(), known_until: now() });
    facts.notebooks[0].usage = usage;
    let ann = tags("notebook-instance/ann", &[("Owner", "ann")]);
    let id = "notebook-instance/ann";

    let clients = account(&[&described_notebook("Ann", "InService"), &ann], &[]);
    let fresh = notebooks::again(&clients, &rulebook, &facts, id).await.unwrap().unwrap().unwrap();
    let [notebook] = &fresh.notebooks[..] else { panic!("{fresh:?}") };
    assert_eq!(notebook.since, Some("2026-11-24T11:00:00Z".parse().unwrap()), "restarted");
    assert_eq!((&notebook.resource.tags, notebook.usage), (&known(&[("Owner", "ann")]), usage));

    assert!(notebooks::again(&account(&[&no_notebook(), &ann], &[]), &rulebook, &facts, id).await.unwrap().unwrap().is_none());

    let refused =
        mock!(aws_sdk_sagemaker::Client::describe_notebook_instance).then_error(|| DescribeNotebookInstanceError::generic(denied()));
    let why = notebooks::again(&account(&[&refused, &ann], &[]), &rulebook, &facts, id).await.unwrap().unwrap_err();
    assert!(why.starts_with("sagemaker:DescribeNotebookInstance: AccessDeniedException"), "{why}");

    let tags_refused = mock!(aws_sdk_sagemaker::Client::list_tags).then_error(|| ListTagsError::generic(denied()));
    assert!(
        notebooks::again(&account(&[&described_notebook("Ann", "InService"), &tags_refused], &[]), &rulebook, &facts, id)
            .await
            .unwrap()
            .is_err()
    );
    assert!(notebooks::again(&account(&[], &[]), &rulebook, &facts, "notebook-instance/unknown").await.is_none());
}

#[tokio::test]
async fn single_notebooks_are_read_by_the_spelling_of_the_list() {
    let rulebook = rulebook(QUIET);
    let named = mock!(aws_sdk_sagemaker::Client::describe_notebook_instance)
        .match_requests(|asked| asked.notebook_instance_name() == Some("ann"))
        .then_error(|| DescribeNotebookInstanceError::generic(error("ValidationException", "RecordNotFound")));
    let ann = tags("notebook-instance/ann", &[("Owner", "ann")]);
    let clients = account(&[&named, &notebook_pages(&[&["Ann", "Ben"]]), &described_notebook("Ann", "Stopped"), &ann], &[]);
    let facts = notebooks_and_apps(&clients, &rulebook, &only("notebook-instance/ann"), now()).await;
    let [notebook] = &facts.notebooks[..] else { panic!("{facts:?}") };
    assert_eq!((notebook.resource.name.as_str(), notebook.state), ("Ann", RunState::Stopped));
    assert_eq!((facts.reading.unread.len(), facts.reading.complete.len()), (0, 0));
}

#[tokio::test]
async fn what_does_not_exist_is_gone_and_what_is_unknown_is_not() {
    let rulebook = rulebook(QUIET);
    let no_apps =
        mock!(aws_sdk_sagemaker::Client::list_apps).then_output(|| ListAppsOutput::builder().apps(lab(AppStatus::Deleted)).build());
    let clients = account(&[&no_notebook(), &notebook_pages(&[&[]]), &no_apps], &[]);
    let scope = Scope::Only([("notebook-instance/ann".to_owned(), None), (LAB.to_owned(), None)].into());
    let facts = notebooks_and_apps(&clients, &rulebook, &Wanted { scope, ..Wanted::default() }, now()).await;
    assert_eq!(facts.reading.gone, ["notebook-instance/ann".to_owned(), LAB.to_owned()].into());
    assert_eq!(facts.resources().count(), 0);

    let refused = mock!(aws_sdk_sagemaker::Client::list_apps).then_error(|| ListAppsError::generic(denied()));
    let facts = notebooks_and_apps(&account(&[&refused], &[]), &rulebook, &only(LAB), now()).await;
    assert_eq!((facts.apps.len(), facts.reading.gone.len(), facts.reading.unread.len()), (0, 0, 1));
}

#[tokio::test]
async fn a_changed_notebook_is_read_by_its_spelt_name() {
    let wanted = Wanted { scope: Scope::Changed("notebook-instance/ann".into(), Some("Ann".into())), idle_shutdowns: false };
    let (found, ann) = (described_notebook("Ann", "Stopping"), tags("notebook-instance/ann", &[]));
    let facts = notebooks_and_apps(&account(&[&found, &ann], &[]), &rulebook(QUIET), &wanted, now()).await;
    assert_eq!(
        (facts.notebooks[0].state, facts.notebooks[0].resource.id.as_str()),
        (RunState::Changing(Change::Stopping), "notebook-instance/ann")
    );

    let facts = notebooks_and_apps(&account(&[&no_notebook()], &[]), &rulebook(QUIET), &wanted, now()).await;
    assert_eq!((facts.reading.gone.len(), facts.reading.unread.len()), (1, 0));
}
