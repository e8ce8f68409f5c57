//! Links to the pages of resources in the AWS console.

use crate::vocabulary::{
    resource::{Arn, Kind},
    text::url_part,
};

/// The page of a resource in the SageMaker console. A Studio app, space or profile has that of its domain. `None`: its kind has no page there, or its ARN is
/// not known.
///
/// `name` is spelled as on the resource: in an ARN, AWS may write it in lower case.
pub fn console_link(arn: &str, id: &str, name: &str) -> Option<String> {
    let Arn { partition, region, .. } = Arn::parse(arn).filter(|arn| arn.service == "sagemaker" && !arn.region.is_empty())?;
    let host = match partition {
        "aws" => "console.aws.amazon.com",
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ => return None,
    };
    let domain = || id.split('/').nth(1);
    let (app, folder, page) = match Kind::of(id)? {
        Kind::NotebookInstance => ("home", "notebook-instances", name),
        Kind::Domain | Kind::UserProfile | Kind::Space | Kind::App => ("home", "studio", domain()?),
        Kind::TrainingJob => ("home", "jobs", name),
        Kind::TuningJob => ("home", "hyper-tuning-jobs", name),
        Kind::ProcessingJob => ("home", "processing-jobs", name),
        Kind::TransformJob => ("home", "transform-jobs", name),
        Kind::LabelingJob => ("groundtruth", "labeling-jobs/details", name),
        Kind::Endpoint => ("home", "endpoints", name),
        Kind::EndpointConfig => ("home", "endpointConfig", name),
        Kind::Model => ("home", "models", name),
        Kind::Cluster => ("home", "cluster-management", name),
        _ => return None,
    };
    let (region, page) = (url_part(region), url_part(page));
    Some(format!("https://{region}.{host}/sagemaker/{app}?region={region}#/{folder}/{page}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(partition: &str, region: &str, id: &str, name: &str) -> Option<String> {
        console_link(&format!("arn:{partition}:sagemaker:{region}:123456789012:{id}"), id, name)
    }

    #[test]
    fn each_kind_that_has_a_page_has_a_link() {
        for (id, page) in [
            ("notebook-instance/churn-eda", Some("home#/notebook-instances/Churn-EDA")),
            ("training-job/churn-eda", Some("home#/jobs/Churn-EDA")),
            ("hyper-parameter-tuning-job/churn-eda", Some("home#/hyper-tuning-jobs/Churn-EDA")),
            ("processing-job/churn-eda", Some("home#/processing-jobs/Churn-EDA")),
            ("transform-job/churn-eda", Some("home#/transform-jobs/Churn-EDA")),
            ("labeling-job/churn-eda", Some("groundtruth#/labeling-jobs/details/Churn-EDA")),
            ("endpoint/churn-eda", Some("home#/endpoints/Churn-EDA")),
            ("endpoint-config/churn-eda", Some("home#/endpointConfig/Churn-EDA")),
            ("model/churn-eda", Some("home#/models/Churn-EDA")),
            ("cluster/a1b2c3", Some("home#/cluster-management/Churn-EDA")),
            ("domain/d-1a2b", Some("home#/studio/d-1a2b")),
            ("user-profile/d-1a2b/churn-eda", Some("home#/studio/d-1a2b")),
            ("space/d-1a2b/churn-eda", Some("home#/studio/d-1a2b")),
            ("app/d-1a2b/lab/jupyterlab/churn-eda", Some("home#/studio/d-1a2b")),
            ("automl-job/churn-eda", None),
            ("job-series/churn-eda", None),
            ("pipeline/churn-eda", None),
        ] {
            let page = page.map(|page| page.replace('#', "?region=eu-central-1#"));
            let expected = page.map(|page| format!("https://eu-central-1.console.aws.amazon.com/sagemaker/{page}"));
            assert_eq!(link("aws", "eu-central-1", id, "Churn-EDA"), expected, "{id}");
        }
    }

    #[test]
    fn each_partition_has_its_console() {
        for (partition, region, start) in [
            ("aws", "us-east-1", Some("https://us-east-1.console.aws.amazon.com/sagemaker/home?region=us-east-1#/")),
            ("aws-cn", "cn-north-1", Some("https://cn-north-1.console.amazonaws.cn/sagemaker/home?region=cn-north-1#/")),
            (
                "aws-us-gov",
                "us-gov-west-1",
                Some("https://us-gov-west-1.console.amazonaws-us-gov.com/sagemaker/home?region=us-gov-west-1#/"),
            ),
            ("aws-iso", "us-iso-east-1", None),
        ] {
            let expected = start.map(|start| format!("{start}models/churn"));
            assert_eq!(link(partition, region, "model/churn", "churn"), expected, "{partition}");
        }
    }

    #[test]
    fn a_name_cannot_lead_elsewhere_and_without_an_arn_there_is_no_link() {
        let page = link("aws", "us-east-1", "model/x", "a b/../ü?#<").unwrap();
        assert!(page.ends_with("#/models/a%20b%2F..%2F%C3%BC%3F%23%3C"), "{page}");
        assert_eq!(console_link("app/d-1/lab/jupyterlab/default", "app/d-1/lab/jupyterlab/default", "default"), None);
        assert_eq!(console_link("arn:aws:budgets::123456789012:budget/ml", "budget/ml", "ml"), None);
    }
}
