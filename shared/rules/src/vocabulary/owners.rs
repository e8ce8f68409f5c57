//! Whom a text names: the grammar of owners' tags, users and sessions. The words and shapes by
//! which a person is told from a machine and from a group are in `people` and `machines`.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::vocabulary::{
    machines::{is_id, is_machine, is_principal},
    people::{can_be_a_person, is_group, is_nobodys_mailbox, is_placeholder},
    resource::Arn,
    text::one_line,
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
    ///
    /// In doubt it is nobody: then whoever runs the platform gets the mail. A mail to an address that does not exist reaches nobody at all.
    pub fn of(text: &str) -> Self {
        let text = one_line(text);
        if let Some(addresses) = addresses(&text) {
            let real: Vec<&str> = each(&addresses).into_iter().filter(|address| !is_nobodys_mailbox(address)).collect();
            return if real.is_empty() { Self::Nobody } else { Self::Addresses(real.join(AND)) };
        }
        match name_in(undecorated(&text)).map(undecorated) {
            None => Self::Nobody,
            Some(name) if is_placeholder(name) => Self::Nobody,
            Some(name) if is_group(name) => Self::Other(name.to_owned()),
            Some(name) if is_machine(name) || is_id(name) => Self::Nobody,
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

/// The addresses in a text, also those that are written for people: `ann (at) example.com`. `None`: there are none.
pub fn addresses(text: &str) -> Option<String> {
    const ADDRESS: &str = r"[\p{L}\p{N}_][\p{L}\p{N}._+'-]*@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?\.(?:xn--[a-z0-9-]+|\p{L}{2,})";
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ADDRESS).ok());
    static AT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s*[(\[{<]\s*at\s*[)\]}>]\s*").ok());
    static DOT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s*[(\[{<]\s*dot\s*[)\]}>]\s*").ok());
    let text = text.to_lowercase();
    let text = AT.as_ref()?.replace_all(&text, "@");
    let text = DOT.as_ref()?.replace_all(&text, ".");
    let found: BTreeSet<&str> = PATTERN.as_ref()?.find_iter(&text).map(|found| found.as_str()).collect();
    (!found.is_empty()).then(|| found.into_iter().collect::<Vec<_>>().join(AND))
}

/// The name in a text: the end of an ARN or of a principal's id (`AROAEXAMPLE:ann`), the user in a directory (`CORP\ann`, `uid=ann,ou=people`), what stands
/// behind a label (`user:ann`, `@ann`), else the whole text. `None`: the ARN names nobody.
fn name_in(text: &str) -> Option<&str> {
    const LABELS: [&str; 9] = ["contact", "email", "mail", "mailto", "name", "owner", "uid", "user", "username"];
    let text = text.trim();
    if let Some(arn) = Arn::parse(text) {
        return match arn.resource.split_once('/')? {
            ("user" | "federated-user", name) => name.rsplit('/').next(),
            ("assumed-role", name) => name.rsplit_once('/').map(|(_, session)| session),
            _ => None,
        };
    }
    if let Some(name) = in_directory(text).or_else(|| in_domain(text)).or_else(|| text.strip_prefix('@')) {
        return Some(name.trim());
    }
    match text.split_once(':') {
        Some((id, name)) if is_principal(id) || id.bytes().all(|byte| byte.is_ascii_digit()) => Some(name.trim()),
        Some((label, name)) if LABELS.contains(&label.trim().to_lowercase().as_str()) => name_in(name),
        _ => Some(text),
    }
}

/// The user in a distinguished name: `ann` in `cn=Ann Example,uid=ann,ou=people,dc=example`. `None`: it is none, or that of a group.
fn in_directory(text: &str) -> Option<&str> {
    const KEYS: [&str; 6] = ["uid", "userid", "samaccountname", "user", "owner", "cn"];
    let entries: Vec<(&str, &str)> = text.split(',').map(|entry| entry.split_once('=')).collect::<Option<_>>()?;
    let value_of = |wanted: &str| entries.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim());
    let is_of_groups = value_of("ou").is_some_and(|unit| ["group", "role", "team"].iter().any(|group| unit.to_lowercase().contains(group)));
    KEYS.into_iter().find_map(value_of).filter(|_| !is_of_groups)
}

/// The user of a Windows domain: `ann` in `CORP\ann`.
fn in_domain(text: &str) -> Option<&str> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['\\', '=', ',', '/']);
    text.split_once('\\').filter(|(domain, user)| is_plain(domain) && is_plain(user)).map(|(_, user)| user)
}

/// The text without what marks it as a place to fill in, or as a quotation: `<owner>`, `[owner]`, `${owner}`, `"ann"`.
fn undecorated(text: &str) -> &str {
    const AROUND: [(&str, &str); 9] =
        [("<", ">"), ("[", "]"), ("{", "}"), ("(", ")"), ("${", "}"), ("\"", "\""), ("'", "'"), ("`", "`"), ("__", "__")];
    let text = text.trim();
    let inner = AROUND.iter().find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    inner.map_or(text, undecorated)
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
            ("ann(at)example.com", "ann@example.com"),
            ("ann [at] example.com", "ann@example.com"),
            ("Ann {AT} example (dot) com", "ann@example.com"),
            ("user:ann@example.com", "ann@example.com"),
            ("TBD@example.com, ann@example.com", "ann@example.com"),
            ("na@example.com", "na@example.com"),
            ("test@example.com", "test@example.com"),
            ("jenkins@example.com", "jenkins@example.com"),
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
            ("wolfeschlegelsteinhausenberger", "wolfeschlegelsteinhausenberger"),
            ("anna-maria.papadopoulou-christodoulou", "anna-maria.papadopoulou-christodoulou"),
            ("a12345678", "a12345678"),
            ("jane19850412", "jane19850412"),
            ("dev.patel", "dev.patel"),
            ("DevPatel", "DevPatel"),
            ("CiZhang", "CiZhang"),
            ("ci.zhang", "ci.zhang"),
            ("sarah.jenkins2", "sarah.jenkins2"),
            ("travis.example", "travis.example"),
            ("anna-maria.jenkins", "anna-maria.jenkins"),
            ("mwaanga", "mwaanga"),
            ("hauser", "hauser"),
            ("jsessions", "jsessions"),
            ("talbot", "talbot"),
            ("arn:aws:iam::123456789012:user/people/ann", "ann"),
            ("arn:aws:sts::123456789012:assumed-role/DataScience/ann", "ann"),
            ("AROAEXAMPLE:ann", "ann"),
            ("123456789012:ann", "ann"),
            (r"CORP\jdoe", "jdoe"),
            ("uid=ann,ou=people,dc=example,dc=com", "ann"),
            ("CN=ann, OU=People, DC=example", "ann"),
            ("cn=Ann Example,uid=ann,ou=people", "ann"),
            ("user:ann", "ann"),
            ("Owner: ann", "ann"),
            ("mailto:ann", "ann"),
            ("@ann", "ann"),
            ("<ann>", "ann"),
            ("\"ann\"", "ann"),
        ] {
            assert_eq!(Named::of(text), Named::Person(name.into()), "{text}");
        }
        for text in [
            "Ann Example",
            "Ci Zhang",
            "Sarah Jenkins",
            "Dev Patel",
            "Jan Bot",
            "cn=vision,ou=groups,dc=example",
            "ml.platform",
            "dev.ops",
            "DataScience",
            "data-pipelines",
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
            "yes",
            "No",
            "FILL_ME_IN",
            "<owner>",
            "[OWNER]",
            "${owner}",
            "<insert owner here>",
            "Your Name",
            "your-email-here",
            "first.last",
            "firstname.lastname",
            "unknown user",
            "no owner yet",
            "owner:TBD",
            "TBD@example.com",
            "<tbd@example.com>",
            "noreply@example.com",
            "No-Reply@example.com",
            "do.not.reply@example.com",
            "first.last@example.com",
            "your.name@example.com",
            "your_email+ml@example.com",
            "changeme@example.com",
            "xxx@example.com",
            "nobody@example.com, none@example.com",
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
            "jenkins.prod",
            "terraform.ci",
            "airflow.scheduler",
            "Jenkins Prod",
            "Travis Build",
            "GitHub Actions",
            "ChurnBot",
            "kfp",
            "kfp-runner",
            "travis",
            "drone",
            "harness",
            "gha",
            "gha-deploy",
            "buildkite",
            "argo",
            "argocd",
            "airflow",
            "Chatbot",
            "robot",
            "svcchurn",
            "terraform-user",
            "churn-user",
            "MLUser",
            "etluser",
            "ec2-user",
            "lambda",
            "lambdahandler",
            "MyFunction",
            "cronjob",
            "cron-job",
            "etl",
            "pipeline",
            "scheduler",
            "deploy",
            "deploy-prod",
            r"CORP\svc-churn",
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
            "a20261124",
            "churn20261124",
            "s1795570200",
            "churn-ProcessFunction-1A2B3C4D5E6F",
            "arn:aws:sts::123456789012:assumed-role/Train/1795570200",
        ] {
            assert_eq!(Named::of(text), Named::Nobody, "{text}");
        }
    }
}
