//! What the tests of this crate share: clients that answer by rules instead of the network.

use aws_smithy_mocks::{Rule, RuleMode, mock_client};
use aws_smithy_types::{DateTime, error::ErrorMetadata};

use crate::Clients;

/// Clients without any rule: a call ends the test. Give those that are to answer in their place: `Clients { sagemaker, ..testing::clients() }`.
pub(crate) fn clients() -> Clients {
    Clients {
        region: "us-east-1".into(),
        sagemaker: sagemaker(&[]),
        tagging: tagging(&[]),
        cloudwatch: cloudwatch(&[]),
        dynamodb: mock_client!(aws_sdk_dynamodb, RuleMode::MatchAny, none()),
        sns: mock_client!(aws_sdk_sns, RuleMode::MatchAny, none()),
        ssm: mock_client!(aws_sdk_ssm, RuleMode::MatchAny, none()),
    }
}

fn none() -> &'static [&'static Rule] {
    &[]
}

pub(crate) fn sagemaker(rules: &[&Rule]) -> aws_sdk_sagemaker::Client {
    mock_client!(aws_sdk_sagemaker, RuleMode::MatchAny, rules)
}

pub(crate) fn tagging(rules: &[&Rule]) -> aws_sdk_resourcegroupstagging::Client {
    mock_client!(aws_sdk_resourcegroupstagging, RuleMode::MatchAny, rules)
}

pub(crate) fn cloudwatch(rules: &[&Rule]) -> aws_sdk_cloudwatch::Client {
    mock_client!(aws_sdk_cloudwatch, RuleMode::MatchAny, rules)
}

/// An error as AWS sends it, for `SomeError::generic`.
pub(crate) fn error(code: &str, message: &str) -> ErrorMetadata {
    ErrorMetadata::builder().code(code).message(message).build()
}

/// `AccessDeniedException`
pub(crate) fn denied() -> ErrorMetadata {
    error("AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/guard/x is not authorized")
}

/// `2026-11-24T12:00:00Z`, for the SDK.
pub(crate) fn at(time: &str) -> DateTime {
    DateTime::from_secs(time.parse::<jiff::Timestamp>().unwrap().as_second())
}

/// The ARN of a resource by id.
pub(crate) fn arn(id: &str) -> String {
    format!("arn:aws:sagemaker:us-east-1:123456789012:{id}")
}
