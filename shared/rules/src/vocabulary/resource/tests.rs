//! Tests of ids and ARNs.

use super::*;

#[test]
fn an_arn_has_six_parts_and_the_last_one_may_have_colons() {
    let arn = |partition, service, region, account, resource| Some(Arn { partition, service, region, account, resource });
    for (text, parsed) in [
        (
            "arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn",
            arn("aws", "sagemaker", "eu-central-1", "123456789012", "notebook-instance/churn"),
        ),
        (
            "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/churn",
            arn("aws-cn", "sagemaker", "cn-north-1", "123456789012", "endpoint/churn"),
        ),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:guard", arn("aws-us-gov", "sns", "us-gov-west-1", "123456789012", "guard")),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:guard:live",
            arn("aws", "lambda", "us-east-1", "123456789012", "function:guard:live"),
        ),
        ("arn:aws:budgets::123456789012:budget/ML: all", arn("aws", "budgets", "", "123456789012", "budget/ML: all")),
        ("arn:aws:s3:::bucket", arn("aws", "s3", "", "", "bucket")),
        ("arn:aws:sagemaker:eu-central-1:123456789012", None),
        ("notebook-instance/churn", None),
        ("ARN:aws:sns:us-east-1:123456789012:guard", None),
        ("", None),
    ] {
        assert_eq!(Arn::parse(text), parsed, "{text}");
    }
}

#[test]
fn an_id_is_in_lower_case_but_for_a_budget() {
    for (arn, id) in [
        ("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/Churn-EDA", Some("notebook-instance/churn-eda")),
        ("arn:aws-cn:sagemaker:cn-north-1:123456789012:app/d-1/ann/JupyterLab/Default", Some("app/d-1/ann/jupyterlab/default")),
        ("arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:endpoint/churn", Some("endpoint/churn")),
        ("arn:aws:budgets::123456789012:budget/ML-Dev: all", Some("budget/ML-Dev: all")),
        ("arn:aws:sns:eu-central-1:123456789012:guard", None),
        ("endpoint/churn", None),
    ] {
        assert_eq!(id_of_arn(arn).as_deref(), id, "{arn}");
    }
}

#[test]
fn a_command_names_the_region_where_there_is_one() {
    for (arn, option) in [
        ("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/churn", "--region eu-central-1 "),
        ("arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:endpoint/churn", "--region us-gov-west-1 "),
        ("arn:aws:budgets::123456789012:budget/ml-dev", ""),
        ("app/d-1/ann/jupyterlab/default", ""),
    ] {
        assert_eq!(region_option(arn), option, "{arn}");
    }
}
