//! The lists of all kinds that may have tags: one call of the service for each, page after page.

use std::collections::BTreeSet;

use aws_sdk_sagemaker::types::{
    AutoMlJobStatus, ClusterStatus, EndpointStatus, HyperParameterTuningJobStatus, IsTrackingServerActive, ProcessingJobStatus,
    TrainingJobStatus, TransformJobStatus,
};
use aws_smithy_types::DateTime;
use cost_rules::{
    facts::{App, Audited, Notebook, Parent, RunState},
    price::Instances,
    remedy::Remedy,
    resource::{Kind, Resource, Tags, Whose, id_of_arn},
};
use jiff::{SignedDuration, Timestamp};

use super::describe::named;
use crate::{
    clients::{Clients, why::why},
    gather::{
        notebooks,
        read::{Listed, timestamp},
        studio::apps,
    },
};

/// Ended jobs are looked at for so long after their submission.
const RECENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One operation's pages: the call, the field of the answer, and what an item of it is.
macro_rules! pages {
    ($clients:ident, $kind:expr, $operation:literal, $call:expr, $items:ident, |$item:ident| $audited:expr) => {
        Listed::read(
            $clients,
            $kind,
            $operation,
            |audited: &Audited| audited.resource.id.clone(),
            async |token| {
                let page = $call.max_results(100).set_next_token(token).send().await.map_err(|error| why(&error))?;
                Ok((page.$items.unwrap_or_default().into_iter().map(|$item| $audited).collect(), page.next_token))
            },
        )
        .await
    };
}

/// Jobs: those that were submitted lately, and those before them that still run.
macro_rules! jobs {
    ($clients:ident, $kind:expr, $asked:expr, $now:expr, $operation:literal, $call:ident, $status:path, $items:ident, |$item:ident| $audited:expr) => {{
        let since = DateTime::from_secs(($now - RECENT).as_second());
        let call = || $clients.sagemaker.$call().set_name_contains(Asked::name($asked));
        if $asked.is_some() {
            pages!($clients, $kind, $operation, call(), $items, |$item| $audited)
        } else {
            let recent = async { pages!($clients, $kind, $operation, call().creation_time_after(since), $items, |$item| $audited) };
            let old = call().creation_time_before(since).status_equals($status);
            let old = async { pages!($clients, $kind, $operation, old.clone(), $items, |$item| $audited) };
            let (recent, old) = tokio::join!(Box::pin(recent), Box::pin(old));
            both($kind, recent, old)
        }
    }};
}

/// The one that is asked for: a list leaves out what does not have such a name, as far as its kind can.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) id: &'a str,
    pub(super) name: Option<&'a str>,
}

impl Asked<'_> {
    fn name(asked: Option<Asked<'_>>) -> Option<String> {
        asked?.name.map(str::to_owned)
    }

    /// Of what is in a domain.
    fn domain(asked: Option<Asked<'_>>) -> Option<String> {
        asked?.id.split('/').nth(1).map(str::to_owned)
    }
}

/// All resources of a kind, or the one that is asked for and others of such a name; without their tags.
pub(super) async fn list(clients: &Clients, kind: Kind, asked: Option<Asked<'_>>, now: Timestamp) -> Listed<Audited> {
    let (name, domain) = (Asked::name(asked), Asked::domain(asked));
    let sagemaker = &clients.sagemaker;
    match kind {
        Kind::NotebookInstance => {
            let Listed { items, complete, unread } = notebooks::list(clients, name).await;
            Listed { items: items.into_iter().map(of_notebook).collect(), complete, unread }
        }
        Kind::App => {
            let Listed { items, complete, unread } = apps::list(clients, domain).await;
            Listed { items: items.into_iter().map(of_app).collect(), complete, unread }
        }
        Kind::Domain => pages!(clients, kind, "ListDomains", sagemaker.list_domains(), domains, |one| {
            audited(one.domain_arn?, one.domain_name.or(one.domain_id)?)
        }),
        Kind::UserProfile => {
            let call = || sagemaker.list_user_profiles().set_domain_id_equals(domain.clone()).set_user_profile_name_contains(name.clone());
            // Their lists name no ARN.
            pages!(clients, kind, "ListUserProfiles", call(), user_profiles, |one| {
                let (domain, name) = (one.domain_id?, one.user_profile_name?);
                Some(in_domain(kind, &domain, name, Parent { id: Kind::Domain.id(&domain), name: None }))
            })
        }
        Kind::Space => {
            let call = || sagemaker.list_spaces().set_domain_id_equals(domain.clone()).set_space_name_contains(name.clone());
            pages!(clients, kind, "ListSpaces", call(), spaces, |one| {
                let (domain, name) = (one.domain_id?, one.space_name?);
                let owner = one.ownership_settings_summary.and_then(|settings| settings.owner_user_profile_name);
                let parent = match owner {
                    Some(profile) => Parent { id: id_in(Kind::UserProfile, &domain, &profile), name: Some(profile) },
                    None => Parent { id: Kind::Domain.id(&domain), name: None },
                };
                Some(in_domain(kind, &domain, name, parent))
            })
        }
        Kind::TrainingJob => {
            jobs!(
                clients,
                kind,
                asked,
                now,
                "ListTrainingJobs",
                list_training_jobs,
                TrainingJobStatus::InProgress,
                training_job_summaries,
                |one| {
                    let running = one.training_job_status == Some(TrainingJobStatus::InProgress);
                    job(one.training_job_name?, one.training_job_arn?, one.creation_time, running, Remedy::StopTrainingJob)
                }
            )
        }
        Kind::TuningJob => {
            type Status = HyperParameterTuningJobStatus;
            jobs!(
                clients,
                kind,
                asked,
                now,
                "ListHyperParameterTuningJobs",
                list_hyper_parameter_tuning_jobs,
                Status::InProgress,
                hyper_parameter_tuning_job_summaries,
                |one| {
                    let (name, arn) = (one.hyper_parameter_tuning_job_name?, one.hyper_parameter_tuning_job_arn?);
                    let running = one.hyper_parameter_tuning_job_status == Some(Status::InProgress);
                    job(name, arn, one.creation_time, running, Remedy::StopTuningJob)
                }
            )
        }
        Kind::ProcessingJob => {
            type Status = ProcessingJobStatus;
            jobs!(
                clients,
                kind,
                asked,
                now,
                "ListProcessingJobs",
                list_processing_jobs,
                Status::InProgress,
                processing_job_summaries,
                |one| {
                    let running = one.processing_job_status == Some(Status::InProgress);
                    job(one.processing_job_name?, one.processing_job_arn?, one.creation_time, running, Remedy::StopProcessingJob)
                }
            )
        }
        Kind::TransformJob => {
            type Status = TransformJobStatus;
            jobs!(clients, kind, asked, now, "ListTransformJobs", list_transform_jobs, Status::InProgress, transform_job_summaries, |one| {
                let running = one.transform_job_status == Some(Status::InProgress);
                job(one.transform_job_name?, one.transform_job_arn?, one.creation_time, running, Remedy::StopTransformJob)
            })
        }
        Kind::AutoMlJob => {
            type Status = AutoMlJobStatus;
            jobs!(clients, kind, asked, now, "ListAutoMLJobs", list_auto_ml_jobs, Status::InProgress, auto_ml_job_summaries, |one| {
                let running = one.auto_ml_job_status == Some(Status::InProgress);
                job(one.auto_ml_job_name?, one.auto_ml_job_arn?, one.creation_time, running, Remedy::StopAutoMlJob)
            })
        }
        Kind::Endpoint => {
            pages!(clients, kind, "ListEndpoints", sagemaker.list_endpoints().set_name_contains(name.clone()), endpoints, |one| {
                let run = one.creation_time.filter(|_| one.endpoint_status == Some(EndpointStatus::InService));
                let endpoint = audited(one.endpoint_arn?, one.endpoint_name?)?;
                Some(Audited { run: timestamp(run.as_ref()), ..endpoint })
            })
        }
        Kind::EndpointConfig => {
            let call = || sagemaker.list_endpoint_configs().set_name_contains(name.clone());
            pages!(clients, kind, "ListEndpointConfigs", call(), endpoint_configs, |one| audited(
                one.endpoint_config_arn?,
                one.endpoint_config_name?
            ))
        }
        Kind::Model => {
            let call = || sagemaker.list_models().set_name_contains(name.clone());
            pages!(clients, kind, "ListModels", call(), models, |one| audited(one.model_arn?, one.model_name?))
        }
        Kind::InferenceComponent => {
            let call = || sagemaker.list_inference_components().set_name_contains(name.clone());
            pages!(clients, kind, "ListInferenceComponents", call(), inference_components, |one| {
                let component = audited(one.inference_component_arn?, one.inference_component_name?)?;
                Some(Audited { parent: one.endpoint_name.map(|endpoint| named(Kind::Endpoint, endpoint)), ..component })
            })
        }
        Kind::FeatureGroup => {
            let call = || sagemaker.list_feature_groups().set_name_contains(name.clone());
            pages!(clients, kind, "ListFeatureGroups", call(), feature_group_summaries, |one| audited(
                one.feature_group_arn?,
                one.feature_group_name?
            ))
        }
        Kind::Pipeline => {
            let call = || sagemaker.list_pipelines().set_pipeline_name_prefix(name.clone());
            pages!(clients, kind, "ListPipelines", call(), pipeline_summaries, |one| audited(one.pipeline_arn?, one.pipeline_name?))
        }
        Kind::TrackingServer => {
            pages!(clients, kind, "ListMlflowTrackingServers", sagemaker.list_mlflow_tracking_servers(), tracking_server_summaries, |one| {
                let run = one.creation_time.filter(|_| one.is_active == Some(IsTrackingServerActive::Active));
                let server = audited(one.tracking_server_arn?, one.tracking_server_name?)?;
                Some(Audited { run: timestamp(run.as_ref()), ..server })
            })
        }
        Kind::Cluster => {
            pages!(clients, kind, "ListClusters", sagemaker.list_clusters().set_name_contains(name.clone()), cluster_summaries, |one| {
                let run = one.creation_time.filter(|_| one.cluster_status == Some(ClusterStatus::Inservice));
                let cluster = audited(one.cluster_arn?, one.cluster_name?)?;
                Some(Audited { run: timestamp(run.as_ref()), ..cluster })
            })
        }
        Kind::JobSeries | Kind::TagKey | Kind::Budget | Kind::Spend => Listed::default(),
    }
}

/// Two lists of one kind.
fn both(kind: Kind, mut one: Listed<Audited>, other: Listed<Audited>) -> Listed<Audited> {
    if one.complete.is_empty() || other.complete.is_empty() {
        one.complete.retain(|complete| *complete != kind);
    }
    let known: BTreeSet<String> = one.items.iter().map(|audited| audited.resource.id.clone()).collect();
    one.items.extend(other.items.into_iter().filter(|audited| !known.contains(&audited.resource.id)));
    one.unread.extend(other.unread);
    one.unread.dedup();
    one
}

fn of_notebook(notebook: Notebook) -> Audited {
    let instances = notebook.instance_type.into_iter().map(|instance_type| Instances { instance_type, count: 1 }).collect();
    let run = notebook.since.filter(|_| notebook.state == RunState::InService);
    Audited { run, instances, stop: Remedy::StopNotebook, ..bare(notebook.resource) }
}

fn of_app(app: App) -> Audited {
    let stop = app.delete();
    let name = Some(app.home.name().to_owned());
    let parent = Some(Parent { id: app.home.id(&app.domain), name });
    let instances = app.instance_type.into_iter().map(|instance_type| Instances { instance_type, count: 1 }).collect();
    let run = app.created.filter(|_| app.state == RunState::InService);
    Audited { run, instances, stop, parent, ..bare(app.resource) }
}

fn bare(resource: Resource) -> Audited {
    Audited {
        resource,
        tag_count: 0,
        run: None,
        instances: vec![],
        limit: None,
        stop: Remedy::None,
        parent: None,
        ancestors: vec![],
        creator: None,
        doubt: None,
    }
}

/// One whose ARN says which it is. `None`: it does not.
fn audited(arn: String, name: String) -> Option<Audited> {
    let id = id_of_arn(&arn)?;
    Some(bare(Resource { id, arn: Some(arn), name, tags: Tags::Unreadable, whose: Whose::default() }))
}

/// One of a domain, whose list names no ARN.
fn in_domain(kind: Kind, domain: &str, name: String, parent: Parent) -> Audited {
    let id = id_in(kind, domain, &name);
    Audited { parent: Some(parent), ..bare(Resource { id, arn: None, name, tags: Tags::Unreadable, whose: Whose::default() }) }
}

fn id_in(kind: Kind, domain: &str, name: &str) -> String {
    kind.id(&format!("{domain}/{name}"))
}

fn job(name: String, arn: String, created: Option<DateTime>, running: bool, stop: Remedy) -> Option<Audited> {
    let run = timestamp(created.as_ref()).filter(|_| running);
    Some(Audited { run, stop, ..audited(arn, name)? })
}
