//! Whom a text names: e-mail addresses are taken out of what holds them, and names of machines, ids and placeholders are nobody.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::vocabulary::{
    resource::Arn,
    text::{folded, one_line},
};

/// What stands between the addresses of several owners.
const AND: &str = ", ";

/// Whom a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The addresses in it, in lower case, sorted, with `, ` between them.
    Addresses(String),
    /// A name that a person may have, and that can stand before the @ of an address.
    Person(String),
    /// Something else that has a meaning for people, such as the name of a group.
    Other(String),
    /// A machine, an id or a placeholder.
    Nobody,
}

impl Named {
    /// Reads a text: a tag's value, a user's name, a session's name, or an ARN of these.
    pub fn of(text: &str) -> Self {
        let text = one_line(text);
        if let Some(addresses) = addresses(&text) {
            return Self::Addresses(addresses);
        }
        match name_in(&text) {
            None => Self::Nobody,
            Some(name) if is_group(name) => Self::Other(name.to_owned()),
            Some(name) if is_placeholder(name) || is_machine(name) || is_id(name) => Self::Nobody,
            Some(name) if can_be_a_person(name) => Self::Person(name.to_owned()),
            Some(name) => Self::Other(name.to_owned()),
        }
    }
}

/// The owners in the text of an owner: the addresses if it has several, else the whole text.
pub fn each(owner: &str) -> Vec<&str> {
    let parts: Vec<&str> = owner.split(AND).collect();
    if parts.iter().all(|part| part.contains('@')) { parts } else { vec![owner] }
}

/// The addresses in a text. `None`: there are none.
pub fn addresses(text: &str) -> Option<String> {
    const ADDRESS: &str = r"[\p{L}\p{N}_][\p{L}\p{N}._+'-]*@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?\.(?:xn--[a-z0-9-]+|\p{L}{2,})";
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ADDRESS).ok());
    let text = text.to_lowercase();
    let found: BTreeSet<&str> = PATTERN.as_ref()?.find_iter(&text).map(|found| found.as_str()).collect();
    (!found.is_empty()).then(|| found.into_iter().collect::<Vec<_>>().join(AND))
}

/// The name in a text: the end of an ARN or of a principal's id (`AROAEXAMPLE:ann`), else the whole text. `None`: the ARN names nobody.
fn name_in(text: &str) -> Option<&str> {
    let text = text.trim();
    if let Some(arn) = Arn::parse(text) {
        return match arn.resource.split_once('/')? {
            ("user" | "federated-user", name) => name.rsplit('/').next(),
            ("assumed-role", name) => name.rsplit_once('/').map(|(_, session)| session),
            _ => None,
        };
    }
    match text.split_once(':') {
        Some((id, name)) if is_principal(id) || id.bytes().all(|byte| byte.is_ascii_digit()) => Some(name.trim()),
        _ => Some(text.strip_prefix("mailto:").unwrap_or(text)),
    }
}

/// Whether it stands where an owner has to be named, and names nobody: `TBD`, `n/a`, `-`, `xxx`.
fn is_placeholder(name: &str) -> bool {
    const PLACEHOLDERS: &[&str] = &[
        "anonymous",
        "anybody",
        "anyone",
        "blank",
        "changeme",
        "default",
        "defaultuser",
        "dummy",
        "empty",
        "everybody",
        "everyone",
        "example",
        "false",
        "fixme",
        "foo",
        "generic",
        "guest",
        "me",
        "missing",
        "multiple",
        "myself",
        "na",
        "nan",
        "nil",
        "no",
        "nobody",
        "noname",
        "none",
        "noone",
        "noowner",
        "notapplicable",
        "notassigned",
        "notavailable",
        "notdefined",
        "notknown",
        "notset",
        "notspecified",
        "null",
        "owner",
        "ownername",
        "pending",
        "placeholder",
        "root",
        "shared",
        "somebody",
        "someone",
        "tba",
        "tbc",
        "tbd",
        "test",
        "tobeannounced",
        "tobeassigned",
        "tobeconfirmed",
        "tobedecided",
        "tobedefined",
        "tobedetermined",
        "todo",
        "unassigned",
        "undefined",
        "unknown",
        "unowned",
        "unset",
        "unspecified",
        "user",
        "username",
        "various",
        "youremail",
        "yourname",
    ];
    let text: String = folded(name).filter(|c| c.is_alphanumeric()).collect();
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    letters.is_empty() || text.chars().all(|c| text.starts_with(c)) || PLACEHOLDERS.contains(&letters.as_str())
}

/// Whether it says that it is a group of people: `SageMaker Team`.
fn is_group(name: &str) -> bool {
    const GROUPS: &[&str] = &["team", "group", "squad", "guild", "dept", "department"];
    let text: String = folded(name).collect();
    GROUPS.iter().any(|group| text.trim_end_matches('s').ends_with(group) && text != *group)
}

/// Whether it is the name of a service of AWS, of a tool, or of a session that such a one begins.
pub fn is_machine(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "airflow",
        "ansible",
        "argocd",
        "assumedrole",
        "atlantis",
        "autoscaling",
        "azuredevops",
        "bitbucket",
        "boto3",
        "botocore",
        "buildkite",
        "circleci",
        "cloudformation",
        "cloudwatch",
        "codebuild",
        "codecommit",
        "codedeploy",
        "codepipeline",
        "controltower",
        "crossplane",
        "dagster",
        "databricks",
        "datazone",
        "env0",
        "eventbridge",
        "flyte",
        "github",
        "gitlab",
        "gluejob",
        "karpenter",
        "kubeflow",
        "kubernetes",
        "lambda",
        "metaflow",
        "mlflow",
        "mwaa",
        "noreply",
        "octopusdeploy",
        "oidc",
        "prefect",
        "sagemaker",
        "serverless",
        "serviceaccount",
        "servicecatalog",
        "servicerole",
        "session",
        "spacelift",
        "spinnaker",
        "stacksets",
        "stepfunction",
        "teamcity",
        "tekton",
        "terraform",
        "terragrunt",
        "trustedadvisor",
        "zenml",
    ];
    const WORDS: &[&str] = &[
        "amazon", "aws", "bot", "cd", "cdk", "ci", "cicd", "dms", "ec2", "ecs", "eks", "emr", "fargate", "glue", "jenkins", "k8s",
        "pulumi", "redshift", "role", "runner", "sdk", "ssm", "sso", "svc", "ubuntu",
    ];
    let name = name.to_lowercase();
    // `john.lambda` is a person, `svc.churn` is none.
    if let Some((first, last)) =
        name.split_once('.').filter(|(first, last)| [first, last].iter().all(|part| part.chars().all(char::is_alphabetic)))
    {
        return matches!(first, "bot" | "ci" | "service" | "svc") || last.is_empty();
    }
    let joined = name.replace(['-', '_', ' '], "");
    let is_of_aws = |start: &str| name.strip_prefix(start).is_some_and(|rest| !rest.starts_with('.'));
    let mut words = name.split(|c: char| !c.is_alphanumeric() && c != '.');
    is_of_aws("aws")
        || is_of_aws("amazon")
        || PARTS.iter().any(|part| joined.contains(part))
        || is_host(&name)
        || words.any(|word| WORDS.contains(&word))
}

/// Whether it is the name of a host by its address: `ip-10-0-0-1`.
fn is_host(name: &str) -> bool {
    name.strip_prefix("ip-").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '-'))
}

/// Whether it has an id in it: digits, a time, a UUID, hexadecimal digits, a random text, or the id of a principal.
fn is_id(name: &str) -> bool {
    let whole: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_id = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let letters = part.chars().filter(|c| c.is_alphabetic()).count();
        // `e1234567` may be the number of an employee.
        let is_numbered = part.trim_start_matches(char::is_alphabetic).bytes().all(|byte| byte.is_ascii_digit()) && letters <= 3;
        (letters == 0 && 6 <= digits)
            || 8 <= digits
            || (8 <= part.len() && is_hex(part) && 0 < digits && !is_numbered)
            || is_random(part)
            || is_principal(part)
    };
    (16 <= whole.len() && is_hex(&whole)) || name.split(|c: char| !c.is_alphanumeric()).any(is_id)
}

/// Whether letters and digits stand in it without an order that a name has.
fn is_random(part: &str) -> bool {
    let pairs = || part.chars().zip(part.chars().skip(1));
    let rises = pairs().filter(|(a, b)| a.is_lowercase() && b.is_uppercase()).count();
    let has_digit_inside = part.trim_matches(|c: char| c.is_ascii_digit()).contains(|c: char| c.is_ascii_digit());
    let length = part.chars().count();
    28 <= length || (10 <= length && (has_digit_inside || (3 <= rises && length <= 4 * rises)))
}

/// Whether it is the id that IAM gives a role, a user or a key.
fn is_principal(part: &str) -> bool {
    let is_of_iam = ["AROA", "AIDA", "ASIA", "AKIA"].iter().any(|start| part.starts_with(start));
    is_of_iam && 8 <= part.len() && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether a person may have this name, and it can stand before the @ of an address.
fn can_be_a_person(name: &str) -> bool {
    const OF_GROUPS: &[&str] = &[
        "admin",
        "administrator",
        "admins",
        "agent",
        "analytics",
        "api",
        "app",
        "automation",
        "batch",
        "build",
        "builder",
        "cron",
        "data",
        "deploy",
        "deployer",
        "deployment",
        "dept",
        "dev",
        "devops",
        "engineering",
        "finance",
        "finops",
        "function",
        "group",
        "inference",
        "infra",
        "infrastructure",
        "it",
        "job",
        "ml",
        "mlops",
        "nightly",
        "ops",
        "pipeline",
        "platform",
        "prod",
        "production",
        "project",
        "research",
        "retrain",
        "scheduler",
        "science",
        "service",
        "services",
        "staging",
        "support",
        "sysadmin",
        "system",
        "task",
        "team",
        "train",
        "training",
        "trigger",
        "worker",
        "workflow",
    ];
    let mut words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let is_local_part = name.chars().all(|c| c.is_alphanumeric() || "._+-'".contains(c));
    is_local_part
        && name.starts_with(char::is_alphanumeric)
        && name.ends_with(char::is_alphanumeric)
        && !words.any(|word| OF_GROUPS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_out_of_what_holds_them() {
        const BOTH: &str = "ann@example.com, bob@example.com";
        for (text, addresses) in [
            ("ann@example.com", "ann@example.com"),
            ("Ann@Example.com", "ann@example.com"),
            (" ann@example.com ", "ann@example.com"),
            ("mailto:ann@example.com", "ann@example.com"),
            ("Ann Example ann@example.com", "ann@example.com"),
            ("Ann Example <ann@example.com>", "ann@example.com"),
            ("ann+ml@example.com", "ann+ml@example.com"),
            ("ann.o'example@mail.example.co.uk", "ann.o'example@mail.example.co.uk"),
            ("arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com", "ann@example.com"),
            ("arn:aws-cn:sts::123456789012:assumed-role/AWSReservedSSO_Data_0123456789abcdef/Ann@example.com", "ann@example.com"),
            ("AROAEXAMPLE:ann@example.com", "ann@example.com"),
            ("ann@example.com.", "ann@example.com"),
            ("ann@xn--bcher-kva.xn--p1ai", "ann@xn--bcher-kva.xn--p1ai"),
            ("ann@example.com:bob@example.com", BOTH),
            ("bob@example.com ann@example.com", BOTH),
            ("ann@example.com/bob@example.com", BOTH),
            ("ann@example.com+bob@example.com", BOTH),
            ("ann@example.com - Bob@example.com = ANN@example.com", BOTH),
            ("ann@example.com;bob@example.com,ann@example.com", BOTH),
            ("ann@example.com\nbob@example.com", BOTH),
        ] {
            assert_eq!(Named::of(text), Named::Addresses(addresses.into()), "{text}");
        }
        assert_eq!(each(BOTH), ["ann@example.com", "bob@example.com"]);
        assert_eq!(
            (each("ann"), each("Example, Ann"), each("ann@example.com")),
            (vec!["ann"], vec!["Example, Ann"], vec!["ann@example.com"])
        );
    }

    #[test]
    fn names_are_those_of_persons_or_of_others() {
        for (text, name) in [
            ("ann", "ann"),
            (" Ann ", "Ann"),
            ("ann.example", "ann.example"),
            ("ann-marie", "ann-marie"),
            ("AnnMarieVanDerExample", "AnnMarieVanDerExample"),
            ("ann_example2", "ann_example2"),
            ("e1234567", "e1234567"),
            ("mary.jenkins", "mary.jenkins"),
            ("jan.bot", "jan.bot"),
            ("john.lambda", "john.lambda"),
            ("jeff.sessions", "jeff.sessions"),
            ("peter.mwaanga", "peter.mwaanga"),
            ("aws.example", "aws.example"),
            ("i-ling", "i-ling"),
            ("Zoë", "Zoë"),
            ("arn:aws:iam::123456789012:user/people/ann", "ann"),
            ("arn:aws:sts::123456789012:assumed-role/DataScience/ann", "ann"),
            ("AROAEXAMPLE:ann", "ann"),
            ("123456789012:ann", "ann"),
        ] {
            assert_eq!(Named::of(text), Named::Person(name.into()), "{text}");
        }
        for text in [
            "Ann Example",
            "Data Science Team",
            "platform-team",
            "SageMaker Team",
            "admin",
            "ml-ops",
            "nightly-retrain",
            "ann/bob",
            "ann,bob",
            "ann@localhost",
        ] {
            assert_eq!(Named::of(text), Named::Other(text.into()), "{text}");
        }
    }

    #[test]
    fn placeholders_name_nobody() {
        for text in [
            "",
            " ",
            "-",
            "--",
            ".",
            "?",
            "/",
            "TBD",
            "tbd.",
            "T.B.D.",
            "n/a",
            "N/A",
            "NA",
            "none",
            "None",
            "unknown",
            "UNKNOWN",
            "to be defined",
            "not set",
            "null",
            "xxx",
            "x",
            "todo",
            "Nobody",
            "unassigned",
            "unowned",
            "change-me",
            "@",
            "12345",
            "+49 123",
            "default-user",
            "arn:aws:iam::123456789012:root",
            "arn:aws:iam::123456789012:role/DataScience",
        ] {
            assert_eq!(Named::of(text), Named::Nobody, "{text}");
        }
    }

    #[test]
    fn machines_name_nobody() {
        for text in [
            "AWSCloudFormation",
            "awscloudformation",
            "cloud-formation",
            "step-functions",
            "atlantis",
            "AzureDevOps",
            "prefect",
            "dagster",
            "svc.churn",
            "ip-10-0-0-1",
            "noreply",
            "serviceaccount",
            "servicecatalog",
            "AWSServiceRoleForAutoScaling",
            "CodeBuild",
            "AWSCodeBuild-3f2b8c1e-9a4d",
            "codebuild-project",
            "AmazonMWAA-airflow",
            "GlueJobRunnerSession",
            "gluejobrunnersession",
            "AutoScaling",
            "EKS",
            "TrustedAdvisor",
            "SSO",
            "AWSConfig-Describe",
            "SageMaker",
            "SageMaker-ExecutionSession",
            "GitHub_to_AWS_via_FederatedOIDC",
            "GitHubActions",
            "githubactions",
            "gitlab-ci",
            "gitlab-runner-1",
            "jenkins",
            "Jenkins",
            "jenkins-prod",
            "ml_jenkins",
            "terraform-20261124",
            "TerraformCloud",
            "botocore-session-1795570200",
            "aws-sdk-js-1795570200",
            "aws-go-sdk-1795570200",
            "deploy-bot",
            "ci",
            "CI-user",
            "root",
            "svc-ml",
            "MyRoleSession",
            "ecs-service-scheduler",
            "circleci",
            "bitbucket-pipelines",
            "LambdaDescribeHandlerSession",
        ] {
            assert_eq!(Named::of(text), Named::Nobody, "{text}");
        }
    }

    #[test]
    fn ids_name_nobody() {
        for text in [
            "qEXEbkBYBbJUqCBvEVWdpxHoEGdvKjYw",
            "abcdefghijklmnopqrstuvwxyzabcdef",
            "kytlemm1lvpq",
            "cIpzShs3Qp",
            "qEXEbkBYBbJUqCBv",
            "1795570200",
            "1795570200123456789",
            "123456",
            "i-0abc1234def567890",
            "i-0123abcd",
            "3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f",
            "3F2B8C1E-9A4D-4C1B-8F6E-1A2B3C4D5E6F",
            "9f86d081884c",
            "9f86d081",
            "task-3f2b8c1e9a4d4c1b8f6e1a2b3c4d5e6f",
            "ann-1795570200",
            "AROAEXAMPLEID",
            "AROAEXAMPLE:i-0abc1234def567890",
            "2026-11-24",
            "default-20261124T091000",
            "arn:aws:sts::123456789012:assumed-role/Train/1795570200",
        ] {
            assert_eq!(Named::of(text), Named::Nobody, "{text}");
        }
    }
}
