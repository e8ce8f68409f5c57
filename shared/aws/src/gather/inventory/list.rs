//! Lists the resources of all kinds that can have tags: one operation for each kind, page after page. It is one table of 26 kinds, and so longer than other files.

use std::collections::BTreeSet;

use aws_sdk_sagemaker::types::{
    AutoMlJobStatus, ClusterStatus, DomainStatus, EndpointStatus, FeatureGroupStatus, HyperParameterTuningJobStatus,
    InferenceComponentStatus, IsTrackingServerActive, ProcessingJobStatus, SpaceStatus, TrackingServerStatus, TrainingJobStatus,
    TransformJobStatus, UserProfileStatus,
};
use aws_smithy_types::DateTime;
use cost_rules::{
    facts::{App, Asset, Change, Notebook, Parent, RunState},
    price::Instances,
    remedy::Remedy,
    resource::{Kind, Ownership, Resource, Tags, id_of_arn},
};
use futures_util::future::{LocalBoxFuture, join_all};
use jiff::{SignedDuration, Timestamp};

use super::describe::named;
use crate::{
    clients::{Clients, why::why},
    gather::{
        notebooks,
        read::{Listed, is_not_in_this_region, timestamp},
        studio::apps,
    },
};

/// Ended jobs are listed for this long after their creation.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Reads the pages of one operation: the call, the field with the items, and what becomes of an item.
macro_rules! pages {
    ($clients:ident, $kind:expr, $operation:literal, $call:expr, $items:ident, |$item:ident| $audited:expr) => {
        Listed::read(
            $clients,
            $kind,
            $operation,
            |audited: &Asset| audited.resource.id.clone(),
            async |token| {
                let is_first = token.is_none();
                let page = match $call.max_results(100).set_next_token(token).send().await {
                    Ok(page) => page,
                    Err(error) if is_first && error.as_service_error().is_some_and(is_not_in_this_region) => return Ok((vec![], None)),
                    Err(error) => return Err(why(&error)),
                };
                Ok((page.$items.unwrap_or_default().into_iter().map(|$item| $audited).collect(), page.next_token))
            },
        )
        .await
    };
}

/// Lists jobs: those that were created recently, and older ones that still run, or hang while they are stopped. If one job is asked for, all with such a name.
macro_rules! jobs {
    ($clients:ident, $kind:expr, $asked:expr, $now:expr, $operation:literal, $call:ident, [$($status:path),+], $items:ident, |$item:ident| $audited:expr) => {{
        let since = DateTime::from_secs(($now - RECENT).as_second());
        let call = || $clients.sagemaker.$call().set_name_contains(Asked::name($asked));
        if $asked.is_some() {
            pages!($clients, $kind, $operation, call(), $items, |$item| $audited)
        } else {
            let recent = async { pages!($clients, $kind, $operation, call().creation_time_after(since), $items, |$item| $audited) };
            let older = |status| {
                let call = call().creation_time_before(since).status_equals(status);
                async move { pages!($clients, $kind, $operation, call.clone(), $items, |$item| $audited) }
            };
            let older = join_all([$($status),+].map(|status| Box::pin(older(status))));
            let (recent, older) = tokio::join!(Box::pin(recent), older);
            older.into_iter().fold(recent, |listed, older| both($kind, listed, older))
        }
    }};
}

/// The resource that is asked for. The list contains only resources with such a name, if the operation can filter by name.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) id: &'a str,
    pub(super) name: Option<&'a str>,
}

impl Asked<'_> {
    fn name(asked: Option<Asked<'_>>) -> Option<String> {
        asked?.name.map(str::to_owned)
    }

    /// The domain of a resource that is in one.
    fn domain(asked: Option<Asked<'_>>) -> Option<String> {
        asked?.id.split('/').nth(1).map(str::to_owned)
    }
}

/// Lists all resources of a kind, or the one that is asked for and others with such a name, without their tags.
pub(super) type List = for<'a> fn(&'a Clients, Option<Asked<'a>>, Timestamp) -> LocalBoxFuture<'a, Listed<Asset>>;

/// Defines a function of the type [`List`].
macro_rules! list {
    ($name:ident, $of:path, |$clients:ident, $kind:ident, $asked:ident, $now:ident| $body:expr) => {
        pub(super) fn $name<'a>($clients: &'a Clients, $asked: Option<Asked<'a>>, $now: Timestamp) -> LocalBoxFuture<'a, Listed<Asset>> {
            Box::pin(async move {
                let $kind = $of;
                $body
            })
        }
    };
}

list!(notebook_instances, Kind::NotebookInstance, |clients, _kind, asked, _now| {
    let Listed { items, complete, unread } = notebooks::list(clients, Asked::name(asked)).await;
    Listed { items: items.into_iter().map(of_notebook).collect(), complete, unread }
});

list!(studio_apps, Kind::App, |clients, _kind, asked, _now| {
    let Listed { items, complete, unread } = apps::list(clients, Asked::domain(asked)).await;
    Listed { items: items.into_iter().map(of_app).collect(), complete, unread }
});

list!(domains, Kind::Domain, |clients, kind, _asked, _now| pages!(
    clients,
    kind,
    "ListDomains",
    clients.sagemaker.list_domains(),
    domains,
    |one| {
        let is_leaving = matches!(one.status, Some(DomainStatus::Deleting | DomainStatus::DeleteFailed));
        Some(Asset { is_leaving, ..audited(one.domain_arn?, one.domain_name.or(one.domain_id)?)? })
    }
));

list!(user_profiles, Kind::UserProfile, |clients, kind, asked, _now| {
    let call = || {
        clients.sagemaker.list_user_profiles().set_domain_id_equals(Asked::domain(asked)).set_user_profile_name_contains(Asked::name(asked))
    };
    // Their lists contain no ARN.
    pages!(clients, kind, "ListUserProfiles", call(), user_profiles, |one| {
        let is_leaving = matches!(one.status, Some(UserProfileStatus::Deleting | UserProfileStatus::DeleteFailed));
        let (domain, name) = (one.domain_id?, one.user_profile_name?);
        Some(Asset { is_leaving, ..in_domain(kind, &domain, name, Parent { id: Kind::Domain.id(&domain), name: None }) })
    })
});

list!(spaces, Kind::Space, |clients, kind, asked, _now| {
    let call = || clients.sagemaker.list_spaces().set_domain_id_equals(Asked::domain(asked)).set_space_name_contains(Asked::name(asked));
    pages!(clients, kind, "ListSpaces", call(), spaces, |one| {
        let is_leaving = matches!(one.status, Some(SpaceStatus::Deleting | SpaceStatus::DeleteFailed));
        let (domain, name) = (one.domain_id?, one.space_name?);
        let owner = one.ownership_settings_summary.and_then(|settings| settings.owner_user_profile_name);
        let parent = match owner {
            Some(profile) => Parent { id: id_in(Kind::UserProfile, &domain, &profile), name: Some(profile) },
            None => Parent { id: Kind::Domain.id(&domain), name: None },
        };
        Some(Asset { is_leaving, ..in_domain(kind, &domain, name, parent) })
    })
});

list!(training_jobs, Kind::TrainingJob, |clients, kind, asked, now| {
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListTrainingJobs",
        list_training_jobs,
        [TrainingJobStatus::InProgress, TrainingJobStatus::Stopping],
        training_job_summaries,
        |one| {
            let running = one.training_job_status == Some(TrainingJobStatus::InProgress);
            let is_leaving = one.training_job_status == Some(TrainingJobStatus::Deleting);
            let changing = stopping(one.training_job_status == Some(TrainingJobStatus::Stopping), one.last_modified_time);
            let job = job(one.training_job_name?, one.training_job_arn?, one.creation_time, running, Remedy::StopTrainingJob)?;
            Some(Asset { is_leaving, changing, ..job })
        }
    )
});

list!(tuning_jobs, Kind::TuningJob, |clients, kind, asked, now| {
    type Status = HyperParameterTuningJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListHyperParameterTuningJobs",
        list_hyper_parameter_tuning_jobs,
        [Status::InProgress, Status::Stopping],
        hyper_parameter_tuning_job_summaries,
        |one| {
            let (name, arn) = (one.hyper_parameter_tuning_job_name?, one.hyper_parameter_tuning_job_arn?);
            let running = one.hyper_parameter_tuning_job_status == Some(Status::InProgress);
            let is_leaving = one.hyper_parameter_tuning_job_status == Some(Status::Deleting);
            let changing = stopping(one.hyper_parameter_tuning_job_status == Some(Status::Stopping), one.last_modified_time);
            Some(Asset { is_leaving, changing, ..job(name, arn, one.creation_time, running, Remedy::StopTuningJob)? })
        }
    )
});

list!(processing_jobs, Kind::ProcessingJob, |clients, kind, asked, now| {
    type Status = ProcessingJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListProcessingJobs",
        list_processing_jobs,
        [Status::InProgress, Status::Stopping],
        processing_job_summaries,
        |one| {
            let running = one.processing_job_status == Some(Status::InProgress);
            let changing = stopping(one.processing_job_status == Some(Status::Stopping), one.last_modified_time);
            let job = job(one.processing_job_name?, one.processing_job_arn?, one.creation_time, running, Remedy::StopProcessingJob)?;
            Some(Asset { changing, ..job })
        }
    )
});

list!(transform_jobs, Kind::TransformJob, |clients, kind, asked, now| {
    type Status = TransformJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListTransformJobs",
        list_transform_jobs,
        [Status::InProgress, Status::Stopping],
        transform_job_summaries,
        |one| {
            let running = one.transform_job_status == Some(Status::InProgress);
            let changing = stopping(one.transform_job_status == Some(Status::Stopping), one.last_modified_time);
            let job = job(one.transform_job_name?, one.transform_job_arn?, one.creation_time, running, Remedy::StopTransformJob)?;
            Some(Asset { changing, ..job })
        }
    )
});

list!(auto_ml_jobs, Kind::AutoMlJob, |clients, kind, asked, now| {
    type Status = AutoMlJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListAutoMLJobs",
        list_auto_ml_jobs,
        [Status::InProgress, Status::Stopping],
        auto_ml_job_summaries,
        |one| {
            let running = one.auto_ml_job_status == Some(Status::InProgress);
            let changing = stopping(one.auto_ml_job_status == Some(Status::Stopping), one.last_modified_time);
            let job = job(one.auto_ml_job_name?, one.auto_ml_job_arn?, one.creation_time, running, Remedy::StopAutoMlJob)?;
            Some(Asset { changing, ..job })
        }
    )
});

list!(endpoints, Kind::Endpoint, |clients, kind, asked, _now| {
    pages!(clients, kind, "ListEndpoints", clients.sagemaker.list_endpoints().set_name_contains(Asked::name(asked)), endpoints, |one| {
        use EndpointStatus as Status;
        let created = timestamp(one.creation_time.as_ref());
        // Its instances are billed while it changes, too.
        let is_off = matches!(one.endpoint_status, None | Some(Status::Creating | Status::Failed | Status::Deleting));
        let run = created.filter(|_| !is_off);
        let is_leaving = one.endpoint_status == Some(Status::Deleting);
        let changing = changing(one.endpoint_status.as_ref().map(Status::as_str), one.last_modified_time.as_ref());
        let endpoint = audited(one.endpoint_arn?, one.endpoint_name?)?;
        Some(Asset { created, run, is_leaving, changing, ..endpoint })
    })
});

list!(endpoint_configs, Kind::EndpointConfig, |clients, kind, asked, _now| {
    let call = || clients.sagemaker.list_endpoint_configs().set_name_contains(Asked::name(asked));
    pages!(clients, kind, "ListEndpointConfigs", call(), endpoint_configs, |one| {
        let created = timestamp(one.creation_time.as_ref());
        Some(Asset { created, ..audited(one.endpoint_config_arn?, one.endpoint_config_name?)? })
    })
});

list!(models, Kind::Model, |clients, kind, asked, _now| {
    let call = || clients.sagemaker.list_models().set_name_contains(Asked::name(asked));
    pages!(clients, kind, "ListModels", call(), models, |one| {
        let created = timestamp(one.creation_time.as_ref());
        Some(Asset { created, ..audited(one.model_arn?, one.model_name?)? })
    })
});

list!(inference_components, Kind::InferenceComponent, |clients, kind, asked, _now| {
    let call = || clients.sagemaker.list_inference_components().set_name_contains(Asked::name(asked));
    pages!(clients, kind, "ListInferenceComponents", call(), inference_components, |one| {
        let component = audited(one.inference_component_arn?, one.inference_component_name?)?;
        let is_leaving = one.inference_component_status == Some(InferenceComponentStatus::Deleting);
        let changing =
            changing(one.inference_component_status.as_ref().map(InferenceComponentStatus::as_str), one.last_modified_time.as_ref());
        Some(Asset { parent: one.endpoint_name.map(|endpoint| named(Kind::Endpoint, endpoint)), is_leaving, changing, ..component })
    })
});

list!(feature_groups, Kind::FeatureGroup, |clients, kind, asked, _now| {
    let call = || clients.sagemaker.list_feature_groups().set_name_contains(Asked::name(asked));
    pages!(clients, kind, "ListFeatureGroups", call(), feature_group_summaries, |one| {
        let is_leaving = one.feature_group_status == Some(FeatureGroupStatus::Deleting);
        let changing = changing(one.feature_group_status.as_ref().map(FeatureGroupStatus::as_str), one.creation_time.as_ref());
        // Since when it is in another state, the list does not say. A deletion that failed is over, whenever that was.
        let changing = changing.and_then(|(change, since)| match change {
            Change::Creating | Change::CreateFailed => Some((change, since)),
            Change::DeleteFailed => Some((change, None)),
            _ => None,
        });
        Some(Asset { is_leaving, changing, ..audited(one.feature_group_arn?, one.feature_group_name?)? })
    })
});

list!(pipelines, Kind::Pipeline, |clients, kind, asked, _now| {
    let call = || clients.sagemaker.list_pipelines().set_pipeline_name_prefix(Asked::name(asked));
    pages!(clients, kind, "ListPipelines", call(), pipeline_summaries, |one| audited(one.pipeline_arn?, one.pipeline_name?))
});

list!(tracking_servers, Kind::TrackingServer, |clients, kind, _asked, _now| {
    pages!(clients, kind, "ListMlflowTrackingServers", clients.sagemaker.list_mlflow_tracking_servers(), tracking_server_summaries, |one| {
        let run = one.creation_time.filter(|_| one.is_active == Some(IsTrackingServerActive::Active));
        let server = audited(one.tracking_server_arn?, one.tracking_server_name?)?;
        let is_leaving = one.tracking_server_status == Some(TrackingServerStatus::Deleting);
        let changing = changing(one.tracking_server_status.as_ref().map(TrackingServerStatus::as_str), one.last_modified_time.as_ref());
        Some(Asset { run: timestamp(run.as_ref()), is_leaving, changing, ..server })
    })
});

list!(clusters, Kind::Cluster, |clients, kind, asked, _now| {
    pages!(
        clients,
        kind,
        "ListClusters",
        clients.sagemaker.list_clusters().set_name_contains(Asked::name(asked)),
        cluster_summaries,
        |one| {
            type Status = ClusterStatus;
            let is_off = matches!(one.cluster_status, None | Some(Status::Creating | Status::Failed | Status::Deleting));
            let run = one.creation_time.filter(|_| !is_off);
            let cluster = audited(one.cluster_arn?, one.cluster_name?)?;
            let is_leaving = one.cluster_status == Some(Status::Deleting);
            // Since when it is in another state, the list does not say.
            let creating = one.cluster_status.filter(|status| *status == Status::Creating);
            let changing = changing(creating.as_ref().map(Status::as_str), one.creation_time.as_ref());
            Some(Asset { run: timestamp(run.as_ref()), is_leaving, changing, ..cluster })
        }
    )
});

mod newer;

/// How each kind that can have tags is listed.
pub(super) const ALL: &[(Kind, List)] = &[
    (Kind::NotebookInstance, notebook_instances),
    (Kind::App, studio_apps),
    (Kind::Domain, domains),
    (Kind::UserProfile, user_profiles),
    (Kind::Space, spaces),
    (Kind::TrainingJob, training_jobs),
    (Kind::TuningJob, tuning_jobs),
    (Kind::ProcessingJob, processing_jobs),
    (Kind::TransformJob, transform_jobs),
    (Kind::AutoMlJob, auto_ml_jobs),
    (Kind::Endpoint, endpoints),
    (Kind::EndpointConfig, endpoint_configs),
    (Kind::Model, models),
    (Kind::InferenceComponent, inference_components),
    (Kind::FeatureGroup, feature_groups),
    (Kind::Pipeline, pipelines),
    (Kind::TrackingServer, tracking_servers),
    (Kind::MlflowApp, newer::mlflow_apps),
    (Kind::PartnerApp, newer::partner_apps),
    (Kind::TrainingPlan, newer::training_plans),
    (Kind::TrainingSession, newer::training_sessions),
    (Kind::OptimizationJob, newer::optimization_jobs),
    (Kind::InferenceRecommendationsJob, newer::inference_recommendations_jobs),
    (Kind::AiRecommendationJob, newer::ai_recommendation_jobs),
    (Kind::LabelingJob, newer::labeling_jobs),
    (Kind::Cluster, clusters),
];

/// How the kinds are listed that cost money while they run, and the kinds that these may belong to.
pub(super) const RUNNING: &[(Kind, List)] = &[
    (Kind::NotebookInstance, notebook_instances),
    (Kind::App, studio_apps),
    (Kind::Domain, domains),
    (Kind::UserProfile, user_profiles),
    (Kind::Space, spaces),
    (Kind::TrainingJob, training_jobs),
    (Kind::TuningJob, tuning_jobs),
    (Kind::ProcessingJob, processing_jobs),
    (Kind::TransformJob, transform_jobs),
    (Kind::AutoMlJob, auto_ml_jobs),
    (Kind::Endpoint, endpoints),
    (Kind::EndpointConfig, endpoint_configs),
    (Kind::Model, models),
    (Kind::Pipeline, pipelines),
    (Kind::TrackingServer, tracking_servers),
    (Kind::PartnerApp, newer::partner_apps),
    (Kind::OptimizationJob, newer::optimization_jobs),
    (Kind::InferenceRecommendationsJob, newer::inference_recommendations_jobs),
    (Kind::Cluster, clusters),
];

/// Merges two lists of one kind. The kind is complete only if it is in both.
fn both(kind: Kind, mut one: Listed<Asset>, other: Listed<Asset>) -> Listed<Asset> {
    if one.complete.is_empty() || other.complete.is_empty() {
        one.complete.retain(|complete| *complete != kind);
    }
    let known: BTreeSet<String> = one.items.iter().map(|audited| audited.resource.id.clone()).collect();
    one.items.extend(other.items.into_iter().filter(|audited| !known.contains(&audited.resource.id)));
    one.unread.extend(other.unread);
    one.unread.dedup();
    one
}

fn of_notebook(notebook: Notebook) -> Asset {
    let instances = notebook.instance_type.into_iter().map(|instance_type| Instances { instance_type, count: 1 }).collect();
    let run = notebook.since.filter(|_| notebook.state == RunState::InService);
    Asset {
        run,
        is_leaving: notebook.state.is_leaving(),
        changing: on_its_way(notebook.state),
        instances,
        stop: Remedy::StopNotebook,
        ..bare(notebook.resource)
    }
}

/// Since when it is on its way to another state, the lists do not say.
const fn on_its_way(state: RunState) -> Option<(Change, Option<Timestamp>)> {
    if let RunState::Changing(change) = state { Some((change, None)) } else { None }
}

fn of_app(app: App) -> Asset {
    let stop = app.delete();
    let name = Some(app.home.name().to_owned());
    let parent = Some(Parent { id: app.home.id(&app.domain), name });
    // A session of Canvas is not billed by the instance that it is said to have.
    let instances = app.billed_as().map(|on| Instances { instance_type: on.to_owned(), count: 1 }).into_iter().collect();
    let run = app.created.filter(|_| app.state == RunState::InService);
    Asset { run, is_leaving: app.state.is_leaving(), changing: on_its_way(app.state), instances, stop, parent, ..bare(app.resource) }
}

fn bare(resource: Resource) -> Asset {
    Asset {
        resource,
        tag_count: 0,
        created: None,
        run: None,
        is_leaving: false,
        changing: None,
        instances: vec![],
        limit: None,
        stop: Remedy::None,
        parent: None,
        part_of: None,
        work: None,
        is_spot: false,
        ancestors: vec![],
        creator: None,
        ownership_unknown: None,
    }
}

/// A resource by its ARN. `None`: the ARN is not one of a known kind.
fn audited(arn: String, name: String) -> Option<Asset> {
    let id = id_of_arn(&arn)?;
    Some(bare(Resource { id, arn: Some(arn), name, tags: Tags::Unreadable, ownership: Ownership::default() }))
}

/// A resource in a domain, whose list contains no ARN.
fn in_domain(kind: Kind, domain: &str, name: String, parent: Parent) -> Asset {
    let id = id_in(kind, domain, &name);
    Asset { parent: Some(parent), ..bare(Resource { id, arn: None, name, tags: Tags::Unreadable, ownership: Ownership::default() }) }
}

fn id_in(kind: Kind, domain: &str, name: &str) -> String {
    kind.id(&format!("{domain}/{name}"))
}

/// The state of a job that is being stopped. `since`: when it last changed.
fn stopping(is_stopping: bool, since: Option<DateTime>) -> Option<(Change, Option<Timestamp>)> {
    is_stopping.then(|| (Change::Stopping, timestamp(since.as_ref())))
}

/// The state of what serves, if it should be in it for minutes only. `since`: when it last changed.
fn changing(status: Option<&str>, since: Option<&DateTime>) -> Option<(Change, Option<Timestamp>)> {
    let change = match status? {
        "Creating" => Change::Creating,
        "Starting" => Change::Pending,
        "Updating" => Change::Updating,
        "RollingBack" => Change::RollingBack,
        "UpdateRollbackFailed" => Change::UpdateRollbackFailed,
        "OutOfService" => Change::OutOfService,
        "CreateFailed" => Change::CreateFailed,
        "UpdateFailed" => Change::UpdateFailed,
        "StartFailed" => Change::StartFailed,
        "StopFailed" => Change::StopFailed,
        "DeleteFailed" => Change::DeleteFailed,
        "Stopping" => Change::Stopping,
        "Deleting" => Change::Deleting,
        _ => return None,
    };
    Some((change, timestamp(since)))
}

fn job(name: String, arn: String, created: Option<DateTime>, running: bool, stop: Remedy) -> Option<Asset> {
    let run = timestamp(created.as_ref()).filter(|_| running);
    Some(Asset { run, stop, ..audited(arn, name)? })
}
