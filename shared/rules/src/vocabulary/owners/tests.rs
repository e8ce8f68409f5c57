//! Tables of texts, and whom they name.

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
        ("ann at example.com", "ann@example.com"),
        ("ann AT example dot com", "ann@example.com"),
        ("ann @ example.com", "ann@example.com"),
        ("ann at example.com; bob at example.com", BOTH),
        ("Ann <ann@example.com>, Bob <bob@example.com>", BOTH),
        ("ann@example.com, bob@example..com", "ann@example.com"),
        ("ann@@example.com", "ann@example.com"),
        ("ann＠example.com", "ann@example.com"),
        ("ann\u{200b}@example.com\u{feff}", "ann@example.com"),
        ("mu\u{308}ller@example.com", "mu\u{308}ller@example.com"),
        ("担当：ann@example.com", "ann@example.com"),
        ("ann@example.com-prod", "ann@example.com"),
        ("ann [at] example.com", "ann@example.com"),
        ("Ann {AT} example (dot) com", "ann@example.com"),
        ("user:ann@example.com", "ann@example.com"),
        ("TBD@example.com, ann@example.com", "ann@example.com"),
        ("na@example.com", "na@example.com"),
        ("test@example.com", "test@example.com"),
        ("jenkins@example.com", "jenkins@example.com"),
        ("ann@example.com&bob@example.com", BOTH),
        ("ann@example.com & bob@example.com", BOTH),
        ("ann@example.com and bob@example.com", BOTH),
        ("Decker, Ann <ann@example.com>", "ann@example.com"),
        ("ann@example.com, ML team", "ann@example.com"),
        // What stands before a slash is a directory: it was mailed, too.
        ("CORP/ann@example.com", "ann@example.com"),
        ("AzureAD/ann@example.com", "ann@example.com"),
    ] {
        assert_eq!(Named::of(text), Named::Addresses(addresses.into()), "{text}");
    }
    assert_eq!(each(BOTH), ["ann@example.com", "bob@example.com"]);
    assert_eq!((each("ann"), each("Example, Ann"), each("ann@example.com")), (vec!["ann"], vec!["Example, Ann"], vec!["ann@example.com"]));
    assert_eq!((each("ann, bob@example.com"), each("data science, ml")), (vec!["ann", "bob@example.com"], vec!["data science, ml"]));
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
        ("ray.example", "ray.example"),
        ("anna.spark", "anna.spark"),
        ("raymond", "raymond"),
        ("sparks", "sparks"),
        ("anna-maria.jenkins", "anna-maria.jenkins"),
        ("mwaanga", "mwaanga"),
        ("kms", "kms"),
        ("labelle", "labelle"),
        ("hauser", "hauser"),
        ("jsessions", "jsessions"),
        ("domino.example", "domino.example"),
        ("ann.census", "ann.census"),
        ("onlooker", "onlooker"),
        ("dominik", "dominik"),
        ("talbot", "talbot"),
        ("user-experience", "user-experience"),
        ("ann-marie.com-example", "ann-marie.com-example"),
        ("ann.comte", "ann.comte"),
        ("sa.example", "sa.example"),
        ("E12345", "E12345"),
        ("UWE", "UWE"),
        ("arn:aws:iam::123456789012:user/people/ann", "ann"),
        ("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_DataScience_0123456789abcdef/ann", "ann"),
        ("arn:aws:sts::123456789012:assumed-role/DataScience/ann.example", "ann.example"),
        ("AROAEXAMPLE:ann.example", "ann.example"),
        ("AIDAEXAMPLE:ann", "ann"),
        ("123456789012:ann", "ann"),
        (r"CORP\jdoe", "jdoe"),
        ("CORP/jdoe", "jdoe"),
        ("AzureAD/ann.example", "ann.example"),
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
        "Domino Example",
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
        "fraud-detection",
        "demand-forecast",
        "developer",
        "data-scientist",
        "student1",
        "Participant",
        "helpdesk",
        "trading-desk",
        "ai-lab",
        "vanta-auditor",
        "Decker, Arun",
        "Decker,Arun",
        "O'Neil, Ann",
        "de Vries, Jan",
        "#ml-team",
        "ann, TBD",
        "ann/ml-team",
        "eng/ml/ann",
        "R&D",
        "ask ann at example.com",
        "Ann Example (at) example.com",
    ] {
        assert_eq!(Named::of(text), Named::Other(text.into()), "{text}");
    }
}

#[test]
fn a_session_of_one_word_became_the_mailbox_of_nobody() {
    let arn = |role: &str, name: &str| format!("arn:aws:sts::123456789012:assumed-role/{role}/{name}");
    for name in ["scorer", "refit", "ann", "Ann", "lead-alerts", "LeadAlerts", "feature_refresh", "e1234567"] {
        for (text, role) in
            [(arn("Deploy", name), "Deploy"), (format!("AROAEXAMPLE:{name}"), ""), (format!("owner:AROAEXAMPLE:{name}"), "")]
        {
            assert_eq!(Named::of(&text), Named::Session { role: role.into(), name: name.into() }, "{text}");
        }
        for text in [name.to_owned(), format!("arn:aws:iam::123456789012:user/{name}"), arn("AWSReservedSSO_ML_0123456789abcdef", name)] {
            assert_eq!(Named::of(&text), Named::Person(name.into()), "{text}");
        }
    }
    assert_eq!(Named::of(&arn("Deploy", "churn-alerts")), Named::Nobody);
}

#[test]
fn a_team_or_a_function_became_a_mailbox() {
    for text in
        ["HR", "Legal", "NLP", "nlp", "oncall", "on-call", "On Call", "vision-oncall", "oncall-vision", "R&D", "rnd", "Marketing", "LLM"]
    {
        assert_eq!(Named::of(text), Named::Other(text.into()), "{text}");
    }
    for person in ["ann.legal", "john.sales", "hrvoje", "legalla", "nlpeter", "oncalle", "visions", "Searcher"] {
        assert_eq!(Named::of(person), Named::Person(person.into()), "{person}");
    }
}

#[test]
fn who_had_left_by_the_tag_itself_was_mailed() {
    for text in [
        "was ann@example.com",
        "Was: Ann@example.com",
        "(was ann)",
        "ex-ann",
        "Ex ann",
        "ex.ann",
        "formerly ann",
        "former: ann@example.com",
        "previously Ann Example",
        "used to be ann@example.com",
        "ehemals ann@example.com",
        "ann (left)",
        "ann@example.com (left 2026-03)",
        "ann@example.com - left",
        "ann [inactive]",
        "Ann Example (Ex)",
        "ann left",
        "ann has left the company",
        "was ann; formerly bob@example.com",
    ] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
    for (text, address) in [
        ("was ann@example.com, now bob@example.com", "bob@example.com"),
        ("bob@example.com, formerly ann@example.com", "bob@example.com"),
        ("bob@example.com; ann@example.com (left)", "bob@example.com"),
        ("ex-ann@example.com", "ex-ann@example.com"),
        ("former@example.com", "former@example.com"),
        ("wasim@example.com", "wasim@example.com"),
    ] {
        assert_eq!(Named::of(text), Named::Addresses(address.into()), "{text}");
    }
    assert_eq!(Named::of("was ann, now bob"), Named::Person("bob".into()));
    for person in ["wasim", "exner", "ann.left", "formera", "previn", "leftwich"] {
        assert_eq!(Named::of(person), Named::Person(person.into()), "{person}");
    }
    assert_eq!(Named::of("Ann Left"), Named::Other("Ann Left".into()));
}

#[test]
fn who_was_owner_before_or_is_not_meant_was_mailed() {
    for text in [
        "bob@example.com (was ann@example.com)",
        "bob@example.com (prev. ann@example.com)",
        "bob@example.com [formerly Ann Example]",
        "Bob <bob@example.com> (previously Ann <ann@example.com>)",
        "bob@example.com was ann@example.com",
        "bob@example.com, prev. ann@example.com",
        "ann@example.com -> bob@example.com",
        "ann@example.com->bob@example.com",
        "ann@example.com => zoe@example.com → bob@example.com",
        "ann@example.com (now bob@example.com)",
        "ann@example.com, now: bob@example.com",
        "bob@example.com, not ann@example.com",
        "bob@example.com (not ann@example.com)",
        "bob@example.com not ann@example.com",
        "bob@example.com; please don't mail ann@example.com",
        "do not delete, bob@example.com",
        "Do not stop: ask bob@example.com",
        "bob@example.com (on-call)",
        // With the signs that a tag of SageMaker can have.
        "formerly ann@example.com / now bob@example.com",
        "old:ann@example.com new:bob@example.com",
        "was ann@example.com now bob@example.com",
        "was ann@example.com - now bob@example.com",
        "ann@example.com to bob@example.com",
        "from ann@example.com to bob@example.com",
        "ann@example.com moved to bob@example.com",
        "ann@example.com handed over to bob@example.com",
        "transferred from ann@example.com to bob@example.com",
        "bob@example.com instead of ann@example.com",
        "ann@example.com until 2026-06 bob@example.com",
        "previous=ann@example.com current=bob@example.com",
    ] {
        assert_eq!(Named::of(text), Named::Addresses("bob@example.com".into()), "{text}");
    }
    for text in ["ann@example.com escalate to bob@example.com", "ann@example.com reports to bob@example.com"] {
        assert!(matches!(Named::of(text), Named::Addresses(all) if all.contains("ann@example.com")), "{text}");
    }
    for text in [
        "not ann@example.com",
        "not:ann@example.com",
        "previous=ann@example.com",
        "ann@example.com:left 2026-03",
        "ann@example.com no longer works here",
        "Not Ann Example",
        "do not mail ann@example.com",
        "Do not e-mail ann@example.com",
        "please do not contact ann@example.com",
        "don't ask ann@example.com",
        "never ann@example.com",
        "no longer ann@example.com",
        "except ann@example.com",
    ] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
    for (text, person) in [
        ("was ann now bob", "bob"),
        ("was ann - now bob", "bob"),
        ("ann -> bob", "bob"),
        ("ann (now bob)", "bob"),
        ("bob (was ann)", "bob"),
        ("notker", "notker"),
        ("nowak", "nowak"),
    ] {
        assert_eq!(Named::of(text), Named::Person(person.into()), "{text}");
    }
    for address in ["not@example.com", "nowak@example.com", "not-ann@example.com"] {
        assert_eq!(Named::of(address), Named::Addresses(address.into()), "{address}");
    }
}

#[test]
fn several_names_are_several_people() {
    for text in ["ann, bob", "ann,bob", "ann;bob", "ann and bob", "ann und bob", "ann & bob", "ann&bob", "Ann/Bob", "Bob; ann, TBD"] {
        assert_eq!(Named::of(text), Named::Several(vec!["ann".into(), "bob".into()]), "{text}");
    }
    for text in ["ann@example.com, bob", "bob; Ann@Example.com", "ann@example.com & Bob"] {
        assert_eq!(Named::of(text), Named::Several(vec!["ann@example.com".into(), "bob".into()]), "{text}");
    }
    assert_eq!(Named::of("Ann, Bob, Carl"), Named::Several(vec!["ann".into(), "bob".into(), "carl".into()]));
}

#[test]
fn a_word_that_is_nobody_alone_is_a_persons_name_in_a_full_one() {
    for name in [
        "john.old",
        "will.self",
        "mary.void",
        "peter.hub",
        "sam.other",
        "john.public",
        "pat.general",
        "DanaVoid",
        "alle.andersson",
        "todos.anna",
    ] {
        assert_eq!(Named::of(name), Named::Person(name.into()), "{name}");
    }
    for name in ["Will Self", "Old, John", "Mary Void"] {
        assert_eq!(Named::of(name), Named::Other(name.into()), "{name}");
    }
    for name in ["e1234567", "UWE", "alla", "stafford", "oldman", "tempest", "selfridge", "hubert", "voidt", "Barr", "mister-x2"] {
        assert_eq!(Named::of(name), Named::Person(name.into()), "{name}");
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
        "unallocated",
        "owner-tbd",
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
        "unbekannt",
        "Inconnu",
        "desconocido",
        "Não definido",
        "нет",
        "未定",
        "미정",
        "deleted",
        "former-employee",
        "vacant",
        "contractor",
        "all",
        "All-Staff",
        "alle",
        "tous",
        "todos",
        "temp",
        "tmp",
        "old",
        "deprecated",
        "orphaned",
        "resigned",
        "expired",
        "self",
        "us",
        "others",
        "misc",
        "public",
        "localhost",
        "asdf",
        "foobar",
        "void",
        "poc",
        "SRE",
        "noc",
        "dba",
        "superuser",
        "JIRA-123",
        "ML-7",
        "var.owner",
        "local.owner",
        "data.aws_caller_identity.current.user_id",
        "${var.owner}",
        // Of documentation.
        "user@domain.com",
        "name@company.com",
        "email@example.com",
        "Owner@example.com",
        "example@example.com",
        "cost-center-42",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:role/DataScience",
    ] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
}

#[test]
fn an_address_that_is_not_certain_names_nobody() {
    for text in [
        "ann@example,com",
        "ann@example..com",
        "ann..x@example.com",
        "ann.@example.com",
        "ann@exa mple.com",
        "ann@example-.com",
        "ann@example.com2",
        "ann@example.c0m",
        "ann@example.com.1",
        "ann@example.com_bob@example.com",
        "ann@example.com@vendor.example",
        "ann@localhost",
        "ann@10.0.0.1",
        "ann@",
        "r&d@example.com",
        "o’neil@example.com",
        "an\u{202e}n@example.com",
        "ann_example.com#EXT#@tenant.example.com",
        "https://example.com/@ann",
        // An @ that is missing, or written as some other sign.
        "ann.example.com",
        "ann_at_example.com",
        "ann-example-com",
        "ann+example.com",
        "@example.com",
        "example.local",
    ] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
}

#[test]
fn machines_name_nobody() {
    for text in [
        "MacBook-Pro",
        "ann-laptop",
        "DESKTOP-ABC123",
        "claude-code",
        "langgraph-agent",
        "etluser2",
        "studentuser3",
        "AWSCloudFormation",
        "awscloudformation",
        "cloud-formation",
        "step-functions",
        "atlantis",
        "AzureDevOps",
        "snowflake",
        "SnowflakeIntegration",
        "dataiku-dss",
        "DataRobot",
        "ClearML",
        "SkyPilot",
        "airbyte",
        "domino",
        "domino-prod",
        "looker",
        "LookerIntegration",
        "temporal",
        "temporal-worker",
        "fivetran",
        "hightouch",
        "hightouch-sync",
        "census",
        "census_prod",
        "dbt-cloud",
        "vault-churn",
        "PowerBI",
        "QuickSight",
        "HyperPodCluster",
        "DatadogIntegration",
        "cloud-custodian",
        "c7n",
        "rundeck",
        "kubectl",
        "okta-sync",
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
        "ml.user",
        "DataScienceRole",
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
        "CognitoIdentityCredentials",
        "web-identity-token",
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
        "sa-churn",
        "npa_churn",
        "fid_churn",
        "adm-ann",
        "break-glass",
        "gh-actions",
        "semantic-release",
        "orchestrator",
        "scheduled-ingestion",
        "StatesExecution",
        "OrcaSecurity",
        "CrowdStrikeCSPM",
        "cloud9",
        "jupyterhub",
        "bedrock-agent",
        "mcp-server",
        "wiz",
        "spark",
        "ray",
        "ray-head",
        "hue",
        "kaggle",
        "colab",
        "code-editor",
        "saml2aws",
        "leapp",
        "assume-role-ann",
        "ann-cli",
        "jhub-ann",
        "hub",
        // Users of programs, named after the service of AWS that they use.
        "s3-uploader",
        "ecr_push",
        "sns-publisher",
        "dynamodb-rw",
        "RdsExport",
        "devin-ai-integration",
        "programmatic-access",
        "CrossAccountAccess",
    ] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
}

#[test]
fn letters_of_a_tool_that_meet_in_a_persons_name_make_no_machine() {
    for name in [
        "arundecker",
        "graf_ana",
        "PowerBill",
        "RowanDBrown",
        "rowandbrown",
        "azeppelin",
        "buser",
        "dbuser",
        "rbuser",
        "kluser",
        "jsmuser",
        "varundeckard",
        "fgrafanas",
        "asplunkett",
        "ana.prefecto",
        "d.buser",
        "abot",
        "lcabot",
        "osagemakere",
        "msessiona",
    ] {
        assert_eq!(Named::of(name), Named::Person(name.into()), "{name}");
    }
    for name in [
        "Arun Decker",
        "Murray Letts",
        "Graf, Ana",
        "GRAF Anastasia",
        "Power, Bill",
        "Simone Loginova",
        "Githu, Brian",
        "Ana Prefecto",
        "Anna Zeppelin",
        "Daniel Buser",
        "Peter Kluser",
        "Anna Muser",
        "Urs Huser",
        "Varun Deckard",
        "Mats Plunkett",
        "Jose Ssion",
        "Kubec Ostrow",
        "Livia Flowers",
    ] {
        assert_eq!(Named::of(name), Named::Other(name.into()), "{name}");
    }
}

#[test]
fn a_tools_name_is_a_persons_in_a_full_name_and_a_machines_alone_or_at_work() {
    use crate::vocabulary::machine_words::ALSO_NAMES;
    for tool in ALSO_NAMES {
        let capital = tool[..1].to_uppercase() + &tool[1..];
        let person = format!("anna.{tool}");
        assert_eq!(Named::of(&person), Named::Person(person.clone()));
        for person in [format!("Anna {capital}"), format!("{capital}, Anna"), format!("{} Anna", capital.to_uppercase())] {
            // `CI` and `CD` are abbreviations.
            let expected =
                if person.starts_with("CI ") || person.starts_with("CD ") { Named::Nobody } else { Named::Other(person.clone()) };
            assert!(Named::of(&person) == expected || tool == &"aws", "{person}: {:?}", Named::of(&person));
        }
        for machine in
            [tool.to_string(), format!("{tool}-prod"), format!("{tool}.prod"), format!("{tool}-deployer"), format!("{capital} Build")]
        {
            assert!(Named::of(&machine) == Named::Nobody || machine == "aws.prod", "{machine}: {:?}", Named::of(&machine));
        }
    }
    for person in ["Okta Wijaya", "Livy Potts", "Trino Alvarez", "Argo Rossi", "Oleg Argo", "Spark, Ray", "Salt, Helm", "Maria-Luisa Chef"]
    {
        assert_eq!(Named::of(person), Named::Other(person.into()));
    }
    for person in ["MariaJenkins", "AnnaHelm", "oleg.argo", "okta.wijaya"] {
        assert_eq!(Named::of(person), Named::Person(person.into()));
    }
}

#[test]
fn tools_are_machines_however_they_are_written() {
    for tool in [
        "gitops",
        "GitOps",
        "git-ops",
        "fluxcd",
        "flux-cd",
        "FluxCD",
        "gocd",
        "codefresh",
        "appveyor",
        "helmfile",
        "kustomize",
        "cdktf",
        "CDKTF",
        "scalr",
        "saltstack",
        "kedro",
        "bentoml",
        "BentoML",
        "mlrun",
        "MLRun",
        "polyaxon",
        "lakeFS",
        "pachyderm",
        "checkov",
        "semgrep",
        "trivy",
        "SonarQube",
        "velero",
        "opslevel",
        "kargo",
        "devtron",
        "ghactions",
        "gitea",
        "forgejo",
        "phabricator",
        "mergify",
        "copybara",
        "greenkeeper",
        "pyup",
        "weblate",
        "transifex",
        "crowdin",
        "jenkinsx",
        "autosys",
        "control-m",
        "dvc",
        "hopsworks",
        "woodpecker",
        "release-please",
        "dependency-track",
        "humanitec",
        "backstage",
        "debezium",
        "traefik",
        "nginx",
        "kyverno",
        "linkerd",
        "kedro-prod",
        "kedro.prod",
        "Trivy Prod",
        "trivy2",
        "checkov-deployer",
        "MLflow",
        "mlflowserver",
        "WandB",
        "terraformprod",
        "snowflakeml",
        "gitlabci",
        "flux-sync",
        "db-syncer",
        "fluxbot",
        "jenkinsbot",
        "Flux Bot",
        "source-controller",
        "helm-controller",
        "trivy-operator",
        "velero-server",
        "zuul-executor",
        "cert-manager",
        "cluster-autoscaler",
        "image-scanner",
        "log-daemon",
        "sparkuser",
        "mluser",
    ] {
        assert_eq!(Named::of(tool), Named::Nobody, "{tool}");
    }
    let made_up = format!("github{}x", "cicd".repeat(60));
    assert_eq!(Named::of(&made_up), Named::Person(made_up.clone()), "found out at once");
    // These are given names, too.
    for person in ["luigi", "gerrit", "singer", "buddy", "seldon", "mage"] {
        assert_eq!(Named::of(person), Named::Person(person.into()));
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
        "U02ABCDEF",
        "W012A3CDE",
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

/// Companies whose users have numbers have no other names for them: nobody there heard of anything.
#[test]
fn initials_that_are_also_a_word_made_a_number_nobody() {
    for name in [
        "na123456",
        "me12345",
        "it12345",
        "hr1234",
        "ml12345",
        "ci1234",
        "cd12345",
        "qa12345",
        "ds12345",
        "tf12345",
        "gh1234",
        "ops1234",
        "dev12345",
        "abc1234",
        "bar2001",
        "foo1999",
        "sre1234",
        "tmp1234",
        "bot1234",
        "ray1234",
        "ecs1234",
        "cdk1234",
        "gha1234",
        "app1234",
        "ML12345",
        "nt12345",
        "hk1234567",
    ] {
        assert_eq!(Named::of(name), Named::Person(name.into()), "{name}");
        assert!(!is_machine(name), "{name}");
    }
    for name in ["ml12", "test12", "ci2", "dev123", "a20261124", "s1795570200", "test1234", "ml-1234", "12345"] {
        assert!(!matches!(Named::of(name), Named::Person(_)), "{name}: {:?}", Named::of(name));
    }
}

/// Files, hosts and parts of programs became mailboxes of nobody.
#[test]
fn a_session_with_a_dot_is_not_always_a_persons() {
    for name in [
        "main.py",
        "run.sh",
        "config.yaml",
        "node.js",
        "lambda.handler",
        "index.handler",
        "my.session",
        "test.session",
        "default.session",
        "root.session",
        "temp.creds",
        "ann-mbp.fritz.box",
        "login.node",
        "head.node",
        "node.cluster",
        "gpu.cluster",
        "slurm.login",
        "kafka.connect",
        "hive.metastore",
        "postgres.backup",
        "redis.cache",
        "web.backend",
        "core.dns",
        "acme.bot",
        "credit.risk",
        "daily.score",
        "john.doe",
        "max.mustermann",
        "vorname.nachname",
        "nombre.apellido",
        "prenom.nom",
        "hello.world",
    ] {
        let named = Named::of(&format!("arn:aws:sts::123456789012:assumed-role/DataScience/{name}"));
        assert!(!matches!(named, Named::Person(_)), "{name}: {named:?}");
    }
    for name in ["ann.example", "dev.patel", "anna-maria.example2", "mary.jenkins", "john.lambda"] {
        let named = Named::of(&format!("arn:aws:sts::123456789012:assumed-role/DataScience/{name}"));
        assert_eq!(named, Named::Person(name.into()), "{name}");
    }
    for name in ["main.py", "john.doe", "Max.Mustermann", "jane.doe@example.com"] {
        assert_eq!(Named::of(name), Named::Nobody, "{name}");
    }
}

#[test]
fn users_that_people_share_became_mailboxes() {
    for text in ["iamadmin", "cloudadmin", "awsadmin", "dbadmin2", "cloudops", "netadmin", "cursor", "kiro"] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
    for text in
        ["backend", "frontend", "datascience", "datascientist", "dataengineer", "mlengineer2", "modeltraining", "hackathon", "workshop"]
    {
        assert!(matches!(Named::of(text), Named::Other(_)), "{text}: {:?}", Named::of(text));
    }
    for text in ["ann", "kiro.example", "f.engineer", "padmin", "devlin", "user1234@example.com", "names@example.com"] {
        assert!(matches!(Named::of(text), Named::Person(_) | Named::Addresses(_)), "{text}: {:?}", Named::of(text));
    }
}

#[test]
fn people_whose_name_is_a_word_of_groups_were_nobody() {
    for name in ["job.cohen", "job.abraham", "JobCohen", "will.worker", "max.trainer", "ann.student", "bob.builder"] {
        assert_eq!(Named::of(name), Named::Person(name.into()), "{name}");
    }
    for name in ["job.runner", "job.scheduler", "dev.worker", "ml.worker", "spark.worker", "fraud.trainer", "job-cohen", "student1"] {
        assert!(!matches!(Named::of(name), Named::Person(_)), "{name}: {:?}", Named::of(name));
    }
}

#[test]
fn one_person_or_two_were_another_text() {
    for text in ["ann.example+bob.example", "Ann.Example + bob.example", "bob.example - ann.example"] {
        assert_eq!(Named::of(text), Named::Several(vec!["ann.example".into(), "bob.example".into()]), "{text}");
    }
    for (text, person) in [
        ("d-abcdefghij12/ann-example", "ann-example"),
        ("user/ann", "ann"),
        ("users/ann", "ann"),
        ("123456789012:user/ann", "ann"),
        ("employee:ann.example", "ann.example"),
        ("lead=ann.example", "ann.example"),
        ("nlp/ann.example", "ann.example"),
    ] {
        assert_eq!(Named::of(text), Named::Person(person.into()), "{text}");
    }
    assert_eq!(Named::of("ann..example"), Named::Nobody);
    for text in ["eng/ml/ann", "ann - berlin", "nlp/ann"] {
        assert_eq!(Named::of(text), Named::Other(text.into()), "{text}");
    }
}

#[test]
fn users_of_programs_and_placeholders_of_other_languages_became_mailboxes() {
    for text in [
        "testuser",
        "guestuser",
        "tempuser",
        "s3user",
        "kubeuser",
        "slurmuser",
        "samluser",
        "scimuser",
        "ghrunner",
        "tfrunner",
        "k6runner",
        "itadmin",
        "codespaces",
        "gitpod",
        "slurm",
        "pcluster",
        "kops",
        "kube",
        "healthcheck",
        "saml",
        "vllm",
        "ohne",
        "kein",
        "offen",
        "entfällt",
        "aucune",
        "nessuna",
        "ninguna",
        "nenhuma",
        "desconocida",
        "rien",
        "vide",
        "leeg",
        "ingen",
        "okänd",
        "yok",
        "nikt",
        "никто",
        "所有人",
        "未登録",
        "全員",
        "available",
        "inactive",
        "removed",
        "reserved",
        "alumni",
        "leaver",
        "abandoned",
        "stale",
        "decommissioned",
        "unmanaged",
        "not-owned",
        "ownerless",
        "TO-BE-FILLED",
        "testowner",
        "sample-owner",
    ] {
        assert_eq!(Named::of(text), Named::Nobody, "{text}");
    }
    for person in
        ["buser", "mauser", "turner", "samuel", "kuba", "nada", "openshaw", "offenbach", "mustafa", "badmin", "brunner", "trunner"]
    {
        assert_eq!(Named::of(person), Named::Person(person.into()), "{person}");
    }
}
