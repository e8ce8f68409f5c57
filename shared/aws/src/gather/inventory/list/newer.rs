//! The kinds that came later to `SageMaker`, or that few accounts have: apps with an id of their own, capacity that was bought, and jobs that the guard does not stop.

use aws_sdk_sagemaker::types::{
    AiRecommendationJobStatus, LabelingJobStatus, MlflowAppStatus, OptimizationJobStatus, PartnerAppStatus, RecommendationJobStatus,
    TrainingPlanStatus, TrainingSessionStatus,
};
use aws_smithy_types::DateTime;
use cost_rules::{facts::Asset, remedy::Remedy, resource::Kind};
use futures_util::future::{LocalBoxFuture, join_all};
use jiff::Timestamp;

use super::{Asked, RECENT, audited, both, changing, job};
use crate::{
    clients::{Clients, why::why},
    gather::read::{Listed, is_not_in_this_region, name_of, timestamp},
};

list!(mlflow_apps, Kind::MlflowApp, |clients, kind, _asked, _now| {
    pages!(clients, kind, "ListMlflowApps", clients.sagemaker.list_mlflow_apps(), summaries, |one| {
        let is_leaving = matches!(one.status, Some(MlflowAppStatus::Deleting | MlflowAppStatus::Deleted));
        let changing = changing(one.status.as_ref().map(MlflowAppStatus::as_str), one.last_modified_time.as_ref());
        Some(Asset { is_leaving, changing, ..audited(one.arn?, one.name?)? })
    })
});

list!(partner_apps, Kind::PartnerApp, |clients, kind, _asked, _now| {
    pages!(clients, kind, "ListPartnerApps", clients.sagemaker.list_partner_apps(), summaries, |one| {
        let run = one.creation_time.filter(|_| one.status == Some(PartnerAppStatus::Available));
        let is_leaving = matches!(one.status, Some(PartnerAppStatus::Deleting | PartnerAppStatus::Deleted));
        // Since when it is in another state, the list does not say.
        let creating = one.status.filter(|status| *status == PartnerAppStatus::Creating);
        let changing = changing(creating.as_ref().map(PartnerAppStatus::as_str), one.creation_time.as_ref());
        Some(Asset { run: timestamp(run.as_ref()), is_leaving, changing, ..audited(one.arn?, one.name?)? })
    })
});

list!(training_plans, Kind::TrainingPlan, |clients, kind, _asked, _now| {
    pages!(clients, kind, "ListTrainingPlans", clients.sagemaker.list_training_plans(), training_plan_summaries, |one| {
        // AWS keeps plans that are over in its list.
        let is_leaving = matches!(one.status, Some(TrainingPlanStatus::Expired | TrainingPlanStatus::Failed));
        Some(Asset { is_leaving, ..audited(one.training_plan_arn?, one.training_plan_name?)? })
    })
});

list!(training_sessions, Kind::TrainingSession, |clients, kind, asked, now| {
    type Status = TrainingSessionStatus;
    jobs!(clients, kind, asked, now, "ListTrainingSessions", list_training_sessions, [Status::Running], training_session_summaries, |one| {
        // The list has no names.
        let arn = one.training_session_arn?;
        let name = name_of(&arn).to_owned();
        let is_leaving = one.training_session_status == Some(Status::Deleting);
        let is_running = one.training_session_status == Some(Status::Running);
        Some(Asset { is_leaving, ..job(name, arn, one.creation_time, is_running, Remedy::None)? })
    })
});

list!(optimization_jobs, Kind::OptimizationJob, |clients, kind, asked, now| {
    type Status = OptimizationJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListOptimizationJobs",
        list_optimization_jobs,
        [Status::Inprogress],
        optimization_job_summaries,
        |one| {
            let is_running = one.optimization_job_status == Some(Status::Inprogress);
            job(one.optimization_job_name?, one.optimization_job_arn?, one.creation_time, is_running, Remedy::None)
        }
    )
});

list!(inference_recommendations_jobs, Kind::InferenceRecommendationsJob, |clients, kind, asked, now| {
    type Status = RecommendationJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListInferenceRecommendationsJobs",
        list_inference_recommendations_jobs,
        [Status::InProgress],
        inference_recommendations_jobs,
        |one| {
            let is_leaving = matches!(one.status, Some(Status::Deleting | Status::Deleted));
            let is_running = one.status == Some(Status::InProgress);
            Some(Asset { is_leaving, ..job(one.job_name?, one.job_arn?, one.creation_time, is_running, Remedy::None)? })
        }
    )
});

list!(ai_recommendation_jobs, Kind::AiRecommendationJob, |clients, kind, asked, now| {
    type Status = AiRecommendationJobStatus;
    jobs!(
        clients,
        kind,
        asked,
        now,
        "ListAIRecommendationJobs",
        list_ai_recommendation_jobs,
        [Status::InProgress],
        ai_recommendation_jobs,
        |one| {
            let is_running = one.ai_recommendation_job_status == Some(Status::InProgress);
            job(one.ai_recommendation_job_name?, one.ai_recommendation_job_arn?, one.creation_time, is_running, Remedy::None)
        }
    )
});

list!(labeling_jobs, Kind::LabelingJob, |clients, kind, asked, now| {
    type Status = LabelingJobStatus;
    jobs!(clients, kind, asked, now, "ListLabelingJobs", list_labeling_jobs, [Status::InProgress], labeling_job_summary_list, |one| {
        let is_running = one.labeling_job_status == Some(Status::InProgress);
        job(one.labeling_job_name?, one.labeling_job_arn?, one.creation_time, is_running, Remedy::None)
    })
});

#[cfg(test)]
mod tests {
    use aws_sdk_sagemaker::{
        operation::{
            list_mlflow_apps::{ListMlflowAppsError, ListMlflowAppsOutput},
            list_training_jobs::ListTrainingJobsOutput,
            list_training_sessions::ListTrainingSessionsOutput,
        },
        types::{MlflowAppSummary, TrainingJobStatus, TrainingJobSummary, TrainingSessionSummary},
    };
    use aws_smithy_mocks::{Rule, mock};

    use super::{super::List, *};
    use crate::testing::{self, arn, at, error};

    async fn listed(list: List, rules: &[&Rule]) -> Listed<Asset> {
        let clients = Clients { sagemaker: testing::sagemaker(rules).into(), ..testing::clients() };
        list(&clients, None, "2026-11-24T12:00:00Z".parse().unwrap()).await
    }

    fn refused() -> ListMlflowAppsError {
        let says = "The requested operation is not supported in the called region.";
        ListMlflowAppsError::generic(error("UnknownOperationException", says))
    }

    #[tokio::test]
    async fn a_region_without_the_operation_has_none_but_not_in_the_middle_of_a_list() {
        let none = mock!(aws_sdk_sagemaker::Client::list_mlflow_apps).then_error(refused);
        let Listed { items, complete, unread } = listed(mlflow_apps, &[&none]).await;
        assert_eq!((items.len(), complete, unread.len()), (0, vec![Kind::MlflowApp], 0));

        let app = || MlflowAppSummary::builder().arn(arn("mlflow-app/app-0123456789AB")).name("runs").build();
        let first = mock!(aws_sdk_sagemaker::Client::list_mlflow_apps)
            .match_requests(|asked| asked.next_token().is_none())
            .then_output(move || ListMlflowAppsOutput::builder().summaries(app()).next_token("more").build());
        let then =
            mock!(aws_sdk_sagemaker::Client::list_mlflow_apps).match_requests(|asked| asked.next_token().is_some()).then_error(refused);
        let Listed { items, complete, unread } = listed(mlflow_apps, &[&first, &then]).await;
        let found: Vec<_> = items.iter().map(|one| (one.resource.id.as_str(), one.resource.name.as_str())).collect();
        assert_eq!(found, [("mlflow-app/app-0123456789ab", "runs")]);
        assert_eq!((complete.len(), unread.len()), (0, 1));
    }

    #[tokio::test]
    async fn a_job_of_weeks_that_hangs_in_its_stop_is_listed() {
        let of = |status: Option<TrainingJobStatus>, name: Option<&'static str>| {
            let asked = status.clone();
            mock!(aws_sdk_sagemaker::Client::list_training_jobs)
                .match_requests(move |request| request.status_equals() == asked.as_ref())
                .then_output(move || {
                    let one = |name: &str| {
                        let job =
                            TrainingJobSummary::builder().training_job_name(name).training_job_arn(arn(&format!("training-job/{name}")));
                        job.set_training_job_status(status.clone()).creation_time(at("2026-11-01T00:00:00Z")).build()
                    };
                    ListTrainingJobsOutput::builder().set_training_job_summaries(Some(name.into_iter().map(one).collect())).build()
                })
        };
        let rules =
            [of(None, None), of(Some(TrainingJobStatus::InProgress), Some("runs")), of(Some(TrainingJobStatus::Stopping), Some("hangs"))];
        let Listed { items, complete, .. } = listed(super::super::training_jobs, &rules.each_ref()).await;
        let found: Vec<_> = items.iter().map(|one| (one.resource.name.as_str(), one.run.is_some(), one.changing.is_some())).collect();
        assert_eq!((found, complete), (vec![("runs", true, false), ("hangs", false, true)], vec![Kind::TrainingJob]));
    }

    #[tokio::test]
    async fn a_session_is_named_by_its_arn() {
        let session = TrainingSessionSummary::builder()
            .training_session_arn(arn("training-session/Tune-1"))
            .training_session_status(TrainingSessionStatus::Running)
            .creation_time(at("2026-11-24T08:00:00Z"))
            .build();
        let rule = mock!(aws_sdk_sagemaker::Client::list_training_sessions)
            .then_output(move || ListTrainingSessionsOutput::builder().training_session_summaries(session.clone()).build());
        let found = listed(training_sessions, &[&rule]).await.items;
        let found: Vec<_> = found.iter().map(|one| (one.resource.name.as_str(), one.run.is_some(), one.stop == Remedy::None)).collect();
        assert_eq!(found, [("Tune-1", true, true)]);
    }
}
