//! What is read from the template with which parameters, and that nothing unknown is ignored.

use std::path::Path;

use super::*;
use crate::guard::roles::Roles;

fn place() -> Place {
    let names = [("Topic", "mails"), ("BudgetTopic", "budgets"), ("Ledger", "ledger")].map(|(logical, name)| (logical, name.to_owned()));
    Place { account: "123456789012".into(), region: "eu-central-1".into(), names: names.into() }
}

fn template() -> Template {
    Template::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/template.yaml")).unwrap()
}

fn sids(parameters: &[(&str, &str)], function: &str) -> Vec<String> {
    Roles::new(&template().deployed(&place(), parameters).unwrap()).unwrap().statements(function)
}

#[test]
fn a_role_has_what_the_parameters_say() {
    let everything = [
        ("AllowEnforcement", "yes"),
        ("AllowResubmission", "yes"),
        ("AllowHibernation", "yes"),
        ("ReportBucket", "finops"),
        ("PolicyParameter", "/p/q"),
    ];
    for (parameters, function, sid, has) in [
        (&[][..], "notebook-stopper", "FindNotebooksAndApps", true),
        (&[], "notebook-stopper", "KeepTheLedger", true),
        (&[], "notebook-stopper", "ReadThePolicy", false),
        (&[], "notebook-stopper", "StopWhatIsWasted", false),
        (&everything[..1], "notebook-stopper", "StopWhatIsWasted", true),
        (&everything[..1], "training-job-spot-enforcer", "SubmitJobsAgain", false),
        (&everything[1..], "training-job-spot-enforcer", "SubmitJobsAgain", false),
        (&everything[..2], "training-job-spot-enforcer", "PassTheJobsRole", true),
        (&everything, "tag-auditor", "StoreTheCoverage", true),
        (&everything, "budget-alerter", "ReadThePolicy", true),
    ] {
        assert_eq!(sids(parameters, function).iter().any(|one| one == sid), has, "{function}: {sid} with {parameters:?}");
    }
    assert_eq!(sids(&[("IsHomeRegion", "no")], "budget-alerter"), [""; 0], "budgets are another Region's");
}

#[test]
fn names_are_those_of_the_account() {
    let parameters = [("PolicyParameter", "/p/q"), ("ReportBucket", "finops"), ("AllowEnforcement", "yes"), ("AllowResubmission", "yes")];
    let deployment = template().deployed(&place(), &parameters).unwrap();
    let all: String = deployment.functions.iter().flat_map(|function| &function.statements).map(Value::to_string).collect();
    for arn in [
        "\"arn:aws:dynamodb:eu-central-1:123456789012:table/ledger\"",
        "\"arn:aws:sns:eu-central-1:123456789012:mails\"",
        "\"arn:aws:ssm:eu-central-1:123456789012:parameter/p/q\"",
        "\"arn:aws:s3:::finops/*\"",
        "\"arn:aws:iam::123456789012:role/*\"",
        "\"arn:aws:budgets::123456789012:budget/*\"",
    ] {
        assert!(all.contains(arn), "{arn}: {all}");
    }
    assert!(!all.contains("${") && !all.contains("Fn::") && !all.contains("NoValue"), "{all}");
    let key = "arn:aws:kms:eu-central-1:123456789012:key/cost-guard-TopicKey";
    assert_eq!(deployment.keys["arn:aws:sns:eu-central-1:123456789012:mails"], key);
    assert!(all.contains(key), "{all}");
}

#[test]
fn what_is_wrong_is_said() {
    let of = |parameters: &[(&str, &str)]| format!("{:#}", template().deployed(&place(), parameters).err().unwrap());
    assert!(of(&[("AllowEnforcment", "yes")]).contains("no parameter AllowEnforcment"));
    assert!(of(&[("AllowEnforcement", "maybe")]).contains("AllowEnforcement is `maybe`: expected one of"));
    assert!(Template::parse("Resources: {}\n---\nResources: {}").is_err());
    assert!(format!("{:#}", Template::parse("A: 1").unwrap_err()).contains("Resources"));
}

/// Deploys a template with one function that has these properties.
fn small(properties: &str) -> anyhow::Result<Deployment> {
    let function = "Type: AWS::Serverless::Function\n    Metadata: {BuildProperties: {Binary: f}}\n    Properties:";
    Template::parse(&format!("Conditions:\n  Never: !Equals [a, b]\nResources:\n  F:\n    {function}\n{properties}"))?
        .deployed(&place(), &[])
}

#[test]
fn functions_of_the_template_mean_what_they_do_in_cloudformation() {
    let policy = |resource: &str| {
        let role = "      Role: !GetAtt R.Arn\n  R:\n    Type: AWS::IAM::Role\n    Properties:";
        let deployment = small(&format!(
            "{role}\n      Policies:\n        - PolicyDocument:\n            Statement:\n              - Resource: {resource}\n"
        ))?;
        anyhow::Ok(deployment.functions[0].statements[0]["Resource"].clone())
    };
    for (written, meant) in [
        ("!If [Never, a, b]", "b"),
        ("!Sub '${AWS::Region}/x'", "eu-central-1/x"),
        ("!Sub ['${A}-${AWS::Partition}', {A: !If [Never, a, b]}]", "b-aws"),
        ("{Ref: AWS::AccountId}", "123456789012"),
        ("{'Fn::Sub': '${AWS::StackName}'}", "cost-guard"),
    ] {
        assert_eq!(policy(written).unwrap(), meant, "{written}");
    }
    for (written, why) in [
        ("!Ref Nobody", "Nobody is not a parameter"),
        ("!GetAtt F.Name", "Fn::GetAtt of F.Name is not simulated"),
        ("!GetAtt F.Arn", "is not simulated"),
        ("!Join ['', [a]]", "Fn::Join"),
        ("!If [Sometimes, a, b]", "no condition Sometimes"),
    ] {
        let error = format!("{:#}", policy(written).unwrap_err());
        assert!(error.contains(why), "{written}: {error}");
    }
    for (written, why) in [
        ("      Policies: []\n", "Policies of a function are not simulated"),
        ("      Role: arn:aws:iam::123456789012:role/mine\n", "expected one of the template"),
        (
            "      Role: !GetAtt R.Arn\n  R:\n    Type: AWS::IAM::Role\n    Properties: {ManagedPolicyArns: [arn:aws:iam::aws:policy/X]}\n",
            "the managed policy \"arn:aws:iam::aws:policy/X\" is not simulated",
        ),
    ] {
        let error = format!("{:#}", small(written).err().unwrap());
        assert!(error.contains(why), "{written}: {error}");
    }
}

#[test]
fn a_topic_of_ones_own_is_published_to_with_its_key() {
    let (topic, key) = ("arn:aws:sns:eu-central-1:210987654321:costs", "arn:aws:kms:eu-central-1:210987654321:key/1");
    let of = |parameters: &[(&str, &str)]| {
        let deployment = template().deployed(&place(), parameters).unwrap();
        let text: Vec<String> = deployment.functions.iter().flat_map(|function| &function.statements).map(Value::to_string).collect();
        [topic, key, ":mails\"", "cost-guard-TopicKey"].map(|arn| text.iter().any(|one| one.contains(arn)))
    };
    assert_eq!(of(&[]), [false, false, true, true]);
    assert_eq!(of(&[("TopicArn", topic)]), [true, false, false, false]);
    assert_eq!(of(&[("TopicArn", topic), ("TopicKeyArn", key)]), [true, true, false, false]);
}
