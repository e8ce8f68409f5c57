//! Tests of the rule missing-tag.

use super::*;
use crate::facts::{Ancestor, Creator};
use crate::samples::*;
use crate::vocabulary::price::Instances;

const RULE: &str = r#"remedy = "tag"
    required = { CostCenter = "[A-Z]{2}[0-9]{4}", Owner = ".+@.+" }"#;

fn rule(text: &str) -> MissingTag {
    toml::from_str(text).unwrap()
}

fn policy() -> Policy {
    Policy::from_toml("owner-tags = [\"Owner\", \"owner\"]\nteam-tags = [\"Team\"]\n[creators]\nemail-domain = \"example.com\"").unwrap()
}

fn judge(rule: &str, audited: &Asset) -> Verdict {
    let policy = policy();
    self::rule(rule).check(audited, &RuleContext { policy: &policy, ..context("2026-11-24T12:00:00Z") })
}

fn waste(rule: &str, audited: &Asset) -> Waste {
    match judge(rule, audited) {
        Verdict::Waste(waste) => *waste,
        verdict => panic!("{verdict:?}"),
    }
}

fn created_by(user: &str, audited: Asset) -> Asset {
    Asset { creator: Some(Creator { user: user.into(), maker: String::new() }), ..audited }
}

fn ancestor(id: &str, tags: &[(&str, &str)]) -> Ancestor {
    Ancestor {
        id: id.into(),
        name: id.rsplit('/').next().unwrap().into(),
        tags: tags.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
    }
}

fn written(waste: &Waste) -> Vec<(&str, &str)> {
    match &waste.remedy {
        Remedy::AddTags { tags, .. } => tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
        Remedy::None => vec![],
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_tags_what_is_being_deleted() {
    for id in [
        "endpoint/x",
        "notebook-instance/x",
        "feature-group/x",
        "cluster/x",
        "domain/d-1",
        "app/d-1/ann/jupyterlab/default",
        "space/d-1/lab",
    ] {
        let leaving = Asset { is_leaving: true, ..audited(id, &[]) };
        assert_eq!(judge(RULE, &leaving), Verdict::Later, "{id}");
        assert!(matches!(judge(RULE, &audited(id, &[])), Verdict::Waste(_)), "{id}");
    }
}

#[test]
fn what_a_job_of_clarify_or_of_inference_recommender_hosts_for_minutes_is_nobodys_to_tag() {
    for (id, created, is_found) in [
        ("endpoint/sm-clarify-fraud-1795570200-5fe3", "2026-11-24T11:50:00Z", false),
        ("endpoint-config/sm-clarify-config-1795570200-5fe3", "2026-11-24T11:50:00Z", false),
        ("endpoint/sm-epc-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-23T12:00:01Z", false),
        ("model/sm-epc-3f2b8c1e", "2026-11-24T11:50:00Z", false),
        // What the job left behind is billed.
        ("endpoint/sm-epc-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-23T12:00:00Z", true),
        ("endpoint/fraud-sm-clarify-1795570200-5fe3", "2026-11-24T11:50:00Z", true),
        ("feature-group/sm-clarify-fraud", "2026-11-24T11:50:00Z", true),
    ] {
        let made = Asset { created: Some(created.parse().unwrap()), ..audited(id, &[]) };
        assert_eq!(matches!(judge(RULE, &made), Verdict::Waste(_)), is_found, "{id} {created}");
        assert_eq!(judge(RULE, &made) == Verdict::Later, !is_found, "{id} {created}");
    }
}

#[test]
fn what_runs_at_an_unknown_price_says_so() {
    let system = |app_type: &str| {
        let app = app(app_type, "system", "2026-11-20T12:00:00Z");
        Asset {
            stop: app.delete(),
            instances: vec![Instances { instance_type: "system".into(), count: 1 }],
            ..audited("app/d-1/ann/x/default", &[])
        }
    };
    let unknown = Instances { instance_type: Instances::UNKNOWN_TYPE.into(), count: 3 };
    for (asset, unpriced) in [
        (audited("endpoint/without-config", &[]), Some(0)),
        (Asset { instances: vec![unknown], ..audited("endpoint/without-config", &[]) }, Some(3)),
        (audited("mlflow-tracking-server/runs", &[]), Some(0)),
        (audited("automl-job/pilot", &[]), Some(0)),
        (audited("partner-app/app-0123456789ab", &[]), Some(0)),
        (audited("optimization-job/quantized", &[]), Some(0)),
        (audited("training-session/tuned", &[]), None),
        (audited("labeling-job/cats", &[]), None),
        (audited("app/d-1/ann/jupyterlab/default", &[]), Some(0)),
        (system("Canvas"), Some(1)),
        (system("JupyterServer"), None),
        (audited("model/churn", &[]), None),
    ] {
        let running = Asset { run: Some("2026-11-20T12:00:00Z".parse().unwrap()), ..asset };
        let told = waste(RULE, &running).notice.unpriced.map(|instances| Instances::number(&instances));
        assert_eq!(told, unpriced, "{}", running.resource.id);
        assert_eq!(waste(RULE, &Asset { run: None, ..running }).notice.unpriced, None);
    }
}

#[test]
fn what_is_there_is_fine_whatever_its_value() {
    assert_eq!(judge(RULE, &audited("endpoint/x", &[("CostCenter", "AB1234"), ("Owner", "ann@example.com")])), Verdict::Fine);
    assert_eq!(judge(RULE, &audited("endpoint/x", &[("CostCenter", "?"), ("Owner", "")])), Verdict::Fine, "invalid-tag-value's");
    let others = format!("{RULE}\nkinds = [\"model\"]");
    assert_eq!(judge(&others, &audited("endpoint/x", &[])), Verdict::Fine);
    assert!(matches!(judge(&others, &audited("model/x", &[])), Verdict::Waste(_)));
}

#[test]
fn what_is_missing_is_named_with_what_is_wanted() {
    let waste = waste(RULE, &audited("endpoint/x", &[("costcenter", "ab12")]));
    assert_eq!(
        waste.reason,
        "it lacks the tags CostCenter (a value of the pattern [A-Z]{2}[0-9]{4}) and Owner (an e-mail address); its tag \"costcenter\" (ab12) does not \
         count: the key must be exactly CostCenter"
    );
    assert_eq!((waste.notice.key.as_deref(), &waste.remedy), (Some("CostCenter, Owner"), &Remedy::None), "the value is not right");
    assert!(waste.notice.advice.unwrap().ends_with("endpoint/x --tags 'Key=CostCenter,Value=<CostCenter>' 'Key=Owner,Value=<Owner>'"));
}

#[test]
fn values_come_from_near_misses_creators_and_parents_in_this_order() {
    let domain = || ancestor("domain/d-1", &[("CostCenter", "DD0001"), ("owner", "platform@example.com")]);
    let bare = || audited("app/d-1/lab/jupyterlab/default", &[]);
    for (audited, expected) in [
        (bare(), vec![]),
        (created_by("ann", bare()), vec![("Owner", "ann@example.com")]),
        (created_by("bob@elsewhere.org", bare()), vec![("Owner", "bob@elsewhere.org")]),
        (created_by("SageMaker", bare()), vec![]),
        (created_by("ann,bob", bare()), vec![]), // SageMaker allows no comma
        (created_by("ann", Asset { ancestors: vec![domain()], ..bare() }), vec![("CostCenter", "DD0001"), ("Owner", "ann@example.com")]),
        (Asset { ancestors: vec![domain()], ..bare() }, vec![("CostCenter", "DD0001"), ("Owner", "platform@example.com")]),
        (
            // The nearest parent decides, and its value is not valid.
            Asset { ancestors: vec![ancestor("space/d-1/lab", &[("CostCenter", "wrong")]), domain()], ..bare() },
            vec![("Owner", "platform@example.com")],
        ),
        (
            Asset { ancestors: vec![domain()], ..audited("endpoint/x", &[("Cost-Center", "EE0005")]) },
            vec![("CostCenter", "EE0005"), ("Owner", "platform@example.com")],
        ),
        // An existing value is never overwritten.
        (Asset { ancestors: vec![domain()], ..audited("endpoint/x", &[("CostCenter", "?"), ("Owner", "x")]) }, vec![]),
    ] {
        match judge(RULE, &audited) {
            Verdict::Waste(waste) => assert_eq!(written(&waste), expected, "{audited:?}"),
            verdict => assert!(verdict == Verdict::Fine && expected.is_empty(), "{audited:?}: {verdict:?}"),
        }
    }
}

#[test]
fn who_has_left_is_written_into_no_tag() {
    let left = "owner-tags = [\"Owner\"]\n[creators]\nemail-domain = \"example.com\"\n[ownership]\nleft = [\"zoe\"]";
    let policy = Policy::from_toml(left).unwrap();
    let cx = RuleContext { policy: &policy, ..context("2026-11-24T12:00:00Z") };
    let domain = |owner| ancestor("domain/d-1", &[("CostCenter", "DD0001"), ("Owner", owner)]);
    let bare = || audited("endpoint/x", &[("CostCenter", "EE0005")]);
    for (audited, expected) in [
        (created_by("zoe", bare()), vec![]),
        (created_by("zoe", Asset { ancestors: vec![domain("bob@example.com")], ..bare() }), vec![("Owner", "bob@example.com")]),
        (Asset { ancestors: vec![domain("zoe@example.com")], ..bare() }, vec![]),
        (Asset { ancestors: vec![domain("bob@example.com / zoe@example.com")], ..bare() }, vec![]),
        (audited("endpoint/x", &[("CostCenter", "EE0005"), ("owner", "Zoe@example.com")]), vec![]),
    ] {
        let Verdict::Waste(waste) = rule(RULE).check(&audited, &cx) else { panic!("{audited:?}") };
        assert_eq!(written(&waste), expected, "{audited:?}");
    }
}

#[test]
fn without_room_nothing_is_written() {
    let full = |tag_count| created_by("ann", Asset { tag_count, ..audited("endpoint/x", &[]) });
    assert_eq!(written(&waste(RULE, &full(49))).len(), 1);
    let waste = waste(RULE, &full(50));
    assert!(
        waste.remedy == Remedy::None && waste.reason.to_string().ends_with("it has 50 tags, and SageMaker takes 50: remove one first"),
        "{waste:?}"
    );
}

#[test]
fn what_runs_is_stopped_only_where_no_tag_can_be_written() {
    let stopping = RULE.replace("\"tag\"", "\"stop-after-grace\"");
    let run = Some("2026-11-24T08:00:00Z".parse().unwrap());
    let running = Asset { run, stop: Remedy::StopNotebook, ..audited("notebook-instance/x", &[]) };
    assert_eq!(waste(&stopping, &running).remedy, Remedy::StopNotebook);
    assert_eq!(waste(&stopping, &Asset { run: None, ..running.clone() }).remedy, Remedy::None, "it is stopped");
    assert_eq!(waste(RULE, &running).remedy, Remedy::None);
    assert_eq!(written(&waste(&stopping, &created_by("ann", running))), [("Owner", "ann@example.com")]);
    assert_eq!(waste(&stopping, &Asset { run, ..audited("endpoint/x", &[]) }).remedy, Remedy::None, "an endpoint cannot be stopped");
    let app = app("JupyterLab", "ml.t3.medium", "2026-11-24T08:00:00Z");
    let instances = vec![Instances { instance_type: "ml.t3.medium".into(), count: 1 }];
    let of_space = |key| Asset {
        run,
        stop: app.delete(),
        instances: instances.clone(),
        ancestors: vec![ancestor("space/d-1/lab", &[(key, "2026-12-31")])],
        ..audited(&app.resource.id, &[])
    };
    for (key, kept) in [("Name", false), ("cost-guard:keep-until", true), ("Cost-Guard:keep-until", true), ("cost-guard:snooze", true)] {
        assert_eq!(waste(&stopping, &of_space(key)).remedy == Remedy::None, kept, "{key} on its space");
    }
}

#[test]
fn an_ended_job_is_told_for_the_next_one() {
    let waste = waste(RULE, &audited("processing-job/prep-1", &[]));
    assert!(waste.notice.advice.unwrap().starts_with("tag the next one"), "tags change nothing of the past");
}

#[test]
fn without_required_keys_an_owner_and_a_team_will_do() {
    assert_eq!(judge("", &audited("model/x", &[("owner", "ann"), ("Team", "nlp")])), Verdict::Fine);
    assert_eq!(waste("", &audited("model/x", &[("Team", "nlp")])).notice.key.as_deref(), Some("Owner or owner"));
}
