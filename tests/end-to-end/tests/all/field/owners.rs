//! Machines became owners, and one person had fourteen names (SWO-GS/auto-tag#5, #48; cloud-custodian#7950, #6900, #2520, #8274, #5448, #8010, #3879, #2930).

use end_to_end::{
    Function,
    testing::{account, guard_of, mails_to, minutes},
};
use serde_json::{Value, json};

const POLICY: &str = r#"
owner-tags = ["Owner"]
team-tags = ["Team"]
[creators]
email-domain = "example.com"
[working-hours]
default = "never"
[working-hours.teams]
vision = "always"
[rules.missing-tag]
mode = "enforce"
remedy = "tag"
required = { Owner = ".+@.+" }
"#;

/// Notebooks with these tags, each as a TOML table.
fn notebooks(tags: &[&str]) -> String {
    let notebook = |(number, tags): (usize, &&str)| format!("[[notebook]]\nname = \"n-{number}\"\nsince = \"-2d\"\ntags = {tags}\n");
    tags.iter().enumerate().map(notebook).collect()
}

#[tokio::test]
async fn one_ann_got_fourteen_mails_of_which_one_reached_her() {
    let account = account(&notebooks(&[
        "{ Owner = \"Ann@Example.com\" }",
        "{ Owner = \" ann@example.com \" }",
        "{ OWNER = \"mailto:ann@example.com\" }",
        "{ Owner = \"ann\" }",
        "{ Owner = \"arn:aws:sts::123456789012:assumed-role/DataScience/ann@example.com\" }",
        "{ Owner = \"AROAEXAMPLE:ann@example.com\" }",
        "{ Owner = \"ann@example.com:bob@example.com\" }",
        "{ Owner = \"bob@example.com/ann@example.com\" }",
        "{ Owner = \"TBD\" }",
        "{ Owner = \"n/a\" }",
    ]));
    let guard = guard_of(Function::NotebookStopper, &account, POLICY);
    let report = guard.run().await.unwrap();
    let mails = account.mails();
    let mut attributes: Vec<(&str, &str)> =
        mails.iter().map(|mail| (mail.attributes["owner"].0.as_str(), mail.attributes["owner"].1.as_str())).collect();
    attributes.sort_unstable();
    let expected = [("String", "ann@example.com"), ("String", "unowned"), ("String.Array", "[\"ann@example.com\",\"bob@example.com\"]")];
    assert_eq!(attributes, expected);
    let pair = report.findings.iter().filter(|finding| finding.owner.as_deref() == Some("ann@example.com, bob@example.com"));
    assert!(2 <= pair.count(), "{report:?}");
    guard.run().await.unwrap();
    assert_eq!(account.mails().len(), 3, "nobody is told twice");
}

#[tokio::test]
async fn a_team_in_capitals_was_judged_by_the_hours_of_others() {
    let account =
        account(&notebooks(&["{ Team = \"Vision\" }", "{ TEAM = \"VISION\" }", "{ Team = \" vision\" }", "{ Team = \"SPEECH\" }"]));
    let policy = POLICY.replace("vision = ", "speech = \"never\"\nvision = ");
    let report = guard_of(Function::NotebookStopper, &account, &policy).run().await.unwrap();
    let found = report.findings.iter().filter(|finding| finding.rule == "notebook-off-hours").map(|finding| finding.name.as_str());
    assert_eq!(found.collect::<Vec<_>>(), ["n-3"]);
    // A subscription filters by the policy's spelling.
    assert!(account.mails().iter().all(|mail| mail.attributes["team"].1 == "speech"), "{:#?}", account.mails());
    assert_eq!(account.mails().len(), 1);
}

/// CloudTrail's event of a notebook that this identity created.
fn created(notebook: &str, identity: &Value, response: &Value) -> Value {
    json!({
        "version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.sagemaker", "account": "123456789012",
        "time": "2026-11-23T08:00:00Z", "region": "eu-central-1", "resources": [],
        "detail": {
            "eventSource": "sagemaker.amazonaws.com", "eventName": "CreateNotebookInstance", "userIdentity": identity,
            "requestParameters": {"notebookInstanceName": notebook}, "responseElements": response,
        }
    })
}

fn session(name: &str) -> Value {
    json!({"type": "AssumedRole", "arn": format!("arn:aws:sts::123456789012:assumed-role/Deploy/{name}")})
}

#[tokio::test]
async fn machines_were_written_as_owners() {
    let identities = [
        session("AWSCloudFormation"),
        session("servicecatalog"),
        session("qEXEbkBYBbJUqCBvEVWdpxHoEGdvKjYw"),
        session("GitHub_to_AWS_via_FederatedOIDC"),
        session("jenkins"),
        json!({"type": "AssumedRole", "arn": "arn:aws:sts::123456789012:assumed-role/Deploy/dan", "invokedBy": "cloudformation.amazonaws.com"}),
        session("Ann@example.com"),
        json!({"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ann"}),
    ];
    let account = account(&notebooks(&["{ Team = \"nlp\" }"; 8]));
    let guard = guard_of(Function::TagAuditor, &account, POLICY);
    for (number, identity) in identities.iter().enumerate() {
        let name = format!("n-{number}");
        // Of the last one, CloudTrail left out the response.
        let arn = json!({"notebookInstanceArn": format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}")});
        let response = if number == 7 { json!({"omitted": true}) } else { arn };
        guard.wake(created(&name, identity, &response)).await.unwrap();
        let written = account
            .tags_of(&format!("arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/{name}"))
            .unwrap_or_default()
            .get("Owner")
            .cloned();
        assert_eq!(written.as_deref(), (5 < number).then_some("ann@example.com"), "{identity}");
    }
    let mails = account.mails();
    assert_eq!((mails_to(&mails, "unowned").len(), mails.len()), (6, 8));
}

#[tokio::test]
async fn a_creator_that_cannot_be_found_is_in_the_report() {
    let account = account("");
    let mut event = created("", &session("ann"), &json!({"omitted": true}));
    event["detail"]["eventName"] = "CreateCluster".into();
    let report = guard_of(Function::TagAuditor, &account, POLICY).wake(event).await.unwrap();
    assert!(report.unread.iter().any(|unread| unread.why.contains("CreateCluster")), "{report:?}");
}

#[tokio::test]
async fn who_had_left_was_warned_and_nobody_else() {
    let account = account(&notebooks(&[
        "{ Owner = \"zoe@example.com\", Team = \"nlp\" }",
        "{ Owner = \"zoe@example.com\" }",
        "{ Owner = \"zoe@example.com, ann@example.com\" }",
    ]));
    let policy = format!("{POLICY}\n[rules.notebook-off-hours]\nmode = \"enforce\"\n[mail]\ncontact = \"#ml-platform\"\n");
    guard_of(Function::NotebookStopper, &account, &policy).run().await.unwrap();
    assert_eq!(mails_to(&account.mails(), "zoe@example.com").len(), 1);
    account.advance(minutes(30));
    let left = "[ownership]\nleft = [\"zoe\"]\n[[budget]]\nname = \"nlp\"\nteam = \"nlp\"\nowner = \"lead\"\n";
    let guard = guard_of(Function::NotebookStopper, &account, &format!("{policy}{left}"));
    assert_eq!(guard.run().await.unwrap().actions.len(), 0, "who stands in was not warned yet");
    let mails = account.mails();
    let after = |owner: &str| mails_to(&mails, owner).into_iter().map(|mail| mail.message.as_str()).collect::<Vec<_>>();
    for (owner, says) in
        [("lead@example.com", "For lead@example.com."), ("unowned", "No owner is known: "), ("ann@example.com", "For ann@example.com.")]
    {
        let [mail] = after(owner)[..] else { panic!("{owner}: {mails:#?}") };
        assert!(mail.starts_with(says) && mail.contains("Questions, or not yours? Write to #ml-platform."), "{mail}");
        assert_eq!(mail.contains("\n  Its owner zoe@example.com has left (policy).\n"), owner != "ann@example.com", "{mail}");
    }
    assert_eq!(after("zoe@example.com").len(), 1, "nobody reads a second one");
    account.advance(minutes(30));
    assert_eq!(guard.run().await.unwrap().actions.len(), 3);
}
