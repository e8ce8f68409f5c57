//! Exemptions by the policy.

use crate::{
    facts::{Ancestor, App, Asset, Facts},
    remedy::Remedy,
    rulebook::{Mode, Rulebook},
    samples::{app, audited, notebook, resource, tagged, with_tags},
    vocabulary::{
        price::{Instances, Prices},
        resource::Resource,
    },
};

const CHURN: &str =
    "[rules.notebook-off-hours]\nmode = \"enforce\"\n[[exempt]]\nmatch = { name = \"chur*\" }\nuntil = \"2026-12-31\"\nreason = \"demo\"";

/// The `until` of the exemption of `churn`.
fn until(policy: &str, tags: &[(&str, &str)]) -> Option<String> {
    let notebooks = vec![tagged(notebook("2026-11-23T08:00:00Z"), tags)];
    let now = "2026-11-24T02:00:00Z".parse().unwrap();
    let facts = Facts { now, prices: Prices::of_region("us-east-1", []).into(), notebooks, ..Facts::default() };
    let found = Rulebook::from_toml(policy).unwrap().evaluate(&facts).findings;
    let found = found.into_iter().find(|found| found.rule == "notebook-off-hours" && found.terms.mode == Mode::Enforce).unwrap();
    found.keep.map(|keep| keep.until.map_or_else(|| "always".to_owned(), |until| until.to_string()))
}

#[test]
fn the_policy_exempts_those_who_may_not_set_tags() {
    let own = |until: &str| CHURN.replace("\"2026-12-31\"", until);
    let tag = |day| [("cost-guard:keep-until", day)];
    for (policy, tags, expected) in [
        (CHURN.to_owned(), vec![], Some("2027-01-01T00:00:00Z")),
        (own("2026-12-31"), vec![], Some("2027-01-01T00:00:00Z")),
        (format!("timezone = \"Europe/Berlin\"\n{CHURN}"), vec![], Some("2026-12-31T23:00:00Z")),
        (CHURN.replace("chur*", "other"), vec![], None),
        (CHURN.to_owned(), tag("2027-02-01").to_vec(), Some("2027-02-02T00:00:00Z")),
        (CHURN.to_owned(), tag("2026-11-30").to_vec(), Some("2027-01-01T00:00:00Z")),
        (format!("{CHURN}\n[exemption]\nallow-always = true"), tag("always").to_vec(), Some("always")),
    ] {
        assert_eq!(until(&policy, &tags).as_deref(), expected, "{policy} {tags:?}");
    }
}

#[test]
fn a_day_was_over_for_its_owner_before_it_was() {
    const LA: &str = "2026-12-02T08:00:00Z";
    let team = "[working-hours.teams]\nvision = \"mon-fri/08:00-19:00@America/Los_Angeles\"\nnlp = \"mon-fri/08:00-19:00@Asia/Tokyo\"";
    let own = |zone: &str| format!("mon-fri/08:00-19:00@{zone}");
    for (zone, schedule, team_tag, end) in [
        ("UTC", None, None, "2026-12-02T00:00:00Z"),
        ("UTC", Some(own("America/Los_Angeles")), None, LA),
        ("UTC", None, Some("vision"), LA),
        ("UTC", Some(own("Asia/Tokyo")), Some("vision"), "2026-12-02T00:00:00Z"),
        ("Asia/Tokyo", Some(own("Europe/Berlin")), None, "2026-12-01T23:00:00Z"),
        // Never sooner than the policy says.
        ("UTC", Some(own("Asia/Tokyo")), None, "2026-12-02T00:00:00Z"),
        ("UTC", None, Some("nlp"), "2026-12-02T00:00:00Z"),
        ("UTC", Some("9 to 5".to_owned()), None, "2026-12-02T00:00:00Z"),
    ] {
        let policy = format!("timezone = \"{zone}\"\nteam-tags = [\"Team\"]\n{CHURN}\n{team}").replace("2026-12-31", "2026-12-01");
        let tags = |keep| {
            let schedule = schedule.iter().map(|hours| ("cost-guard:schedule", hours.as_str()));
            schedule.chain(team_tag.map(|team| ("Team", team))).chain(keep).collect::<Vec<_>>()
        };
        let rulebook =
            |exempts: bool| Rulebook::from_toml(&if exempts { policy.clone() } else { policy.replace("chur*", "other") }).unwrap();
        let until =
            |exempts, keep| rulebook(exempts).keep(&with_tags(resource("notebook-instance/churn"), &tags(keep)), &[]).unwrap().until;
        let (by_policy, by_tag) = (until(true, None), until(false, Some(("cost-guard:keep-until", "2026-12-01"))));
        let expected = Some(end.parse().unwrap());
        assert_eq!((by_policy, by_tag), (expected, expected), "{zone} {schedule:?} {team_tag:?}");
    }
}

#[test]
fn an_exemption_needs_an_end_and_a_reason() {
    for (text, says) in [
        ("[[exempt]]\nuntil = \"2026-12-31\"\nreason = \"x\"", "has no `match`"),
        ("[[exempt]]\nmatch = { name = \"x\" }\nreason = \"x\"", "has no `until`: write for example until = \"2026-12-31\""),
        ("[[exempt]]\nmatch = { name = \"x\" }\nuntil = \"2026-12-31\"", "has no `reason`"),
        ("[[exempt]]\nmatch = { name = \"x\" }\nuntil = \"always\"\nreason = \"x\"", "`until` is `always`, which is not a day"),
        ("[[exempt]]\nmatch = { name = \"x\" }\nuntil = 5\nreason = \"x\"", "`until` is not a day"),
        ("[[exempt]]\nmatch = { name = \"x\" }\nuntil = \"2026-12-31\"\nreason = \" \"", "`reason` is no text"),
        ("[[exempt]]\nmatch = {}\nuntil = \"2026-12-31\"\nreason = \"x\"", "names nothing"),
        ("[[exempt]]\nmatch = { name = \"x\" }\nuntill = \"2026-12-31\"\nreason = \"x\"", "did you mean `until`?"),
        ("exempt = 3", "`exempt` is a list"),
    ] {
        let error = Rulebook::from_toml(text).err().unwrap().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn what_is_over_is_named() {
    let rulebook = Rulebook::from_toml(CHURN).unwrap();
    let over = |now: &str| rulebook.exempts(now.parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(over("2026-12-31T23:59:59Z"), [("name chur* until 2026-12-31 (demo)".to_owned(), false)]);
    assert_eq!(over("2027-01-01T00:00:00Z"), [("name chur* until 2026-12-31 (demo)".to_owned(), true)]);
}

/// What may stand in a `match`, and whether it covers the app `lab jupyterlab default` of Ann's space in the domain `d-1`, Company.
const SCOPES: [(&str, bool); 12] = [
    ("name = \"lab\"", true),
    ("name = \"Lab\", kind = \"space\"", true),
    ("kind = \"domain\", name = \"d-1\"", true),
    ("kind = \"domain\", name = \"Company\"", true),
    ("name = \"comp*\"", true),
    ("kind = \"domain\", name = \"other\"", false),
    ("kind = \"app\"", true),
    ("kind = \"app\", name = \"lab *\"", true),
    ("kind = \"user-profile\", name = \"Ann\"", true), // who owns the space
    ("kind = \"space\", name = \"ann\"", false),
    ("kind = \"space\", name = \"other\"", false),
    ("kind = \"notebook-instance\"", false),
];

fn facts_with_app() -> Facts {
    let mut app = app("JupyterLab", "ml.m5.xlarge", "2026-11-23T08:00:00Z");
    app.resource.name = "lab JupyterLab default".to_owned();
    let apps = vec![App { space_owner: Some("user-profile/d-1/ann".to_owned()), ..app }];
    let now = "2026-11-24T02:00:00Z".parse().unwrap();
    let domain_names = [("domain/d-1".to_owned(), "Company".to_owned())].into();
    Facts { now, prices: Prices::of_region("us-east-1", []).into(), apps, domain_names, ..Facts::default() }
}

/// The override was accepted and did nothing, and the exemption with the same `match` held.
#[test]
fn an_override_covers_an_app_with_its_space_its_profile_or_its_domain() {
    let is_covered = |matching: &str| {
        let policy = format!("[[override]]\nmatch = {{ {matching} }}\nrules.studio-app-off-hours.mode = \"off\"");
        let facts = facts_with_app();
        let rulebook = Rulebook::from_toml(&policy).unwrap();
        !rulebook.evaluate(&facts).findings.into_iter().any(|found| found.rule == "studio-app-off-hours")
    };
    // An override of another kind is refused.
    for (matching, expected) in SCOPES.into_iter().filter(|(matching, _)| !matching.contains("notebook")) {
        assert_eq!(is_covered(matching), expected, "{matching}");
    }
}

#[test]
fn an_override_is_about_the_kinds_of_its_rules() {
    const NOTEBOOKS: &str = "the rule is only about resources of the kind \"notebook-instance\", which `match` leaves out";
    for (kind, rule, says) in [
        ("app", "notebook-idle", Some(NOTEBOOKS)),
        ("{app,space}", "notebook-off-hours", Some(NOTEBOOKS)),
        ("notebook-instance", "studio-app-off-hours", Some("of the kind \"app\"")),
        ("training-job", "endpoint-idle", Some("of the kind \"endpoint\"")),
        ("budget", "missing-tag", Some("changes nothing for missing-tag")),
        ("notebook-*", "notebook-idle", None),
        ("*", "notebook-idle", None),
        ("space", "studio-app-off-hours", None),
        ("domain", "studio-app-off-hours", None),
        ("model", "missing-tag", None),
        ("processing-job", "guard-tag-unreadable", None),
    ] {
        let text = format!("[[override]]\nmatch = {{ kind = \"{kind}\" }}\nrules.{rule}.mode = \"off\"");
        let errors = Rulebook::check(&text).err().unwrap_or_default();
        assert_eq!(errors.len(), usize::from(says.is_some()), "{text}: {errors:?}");
        assert!(errors.iter().all(|error| error.to_string().contains(says.unwrap_or_default())), "{text}: {errors:?}");
    }
}

#[test]
fn an_app_is_exempt_with_its_space_its_profile_or_its_domain() {
    let is_exempt = |matching: &str| {
        let policy = format!(
            "[rules.studio-app-off-hours]\nmode = \"enforce\"\n[[exempt]]\nmatch = {{ {matching} }}\nuntil = \"2026-12-31\"\nreason = \"demo\""
        );
        let facts = facts_with_app();
        let rulebook = Rulebook::from_toml(&policy).unwrap();
        let found = [rulebook.evaluate(&facts), rulebook.evaluate(&Facts { apps: facts.apps.clone(), ..facts.of_this_moment() })]
            .map(|judged| judged.findings.into_iter().find(|found| found.rule == "studio-app-off-hours").unwrap().keep.is_some());
        assert_eq!(found[0], found[1], "{matching}: read again before the action");
        found[0]
    };
    for (matching, expected) in SCOPES {
        assert_eq!(is_exempt(matching), expected, "{matching}");
    }
}

#[test]
fn a_domain_is_exempt_by_its_name_and_by_its_id() {
    let is_exempt = |matching: &str| {
        let policy = format!("[[exempt]]\nmatch = {{ {matching} }}\nuntil = \"2026-12-31\"\nreason = \"demo\"");
        let domain = Resource { name: "Company".to_owned(), ..with_tags(resource("domain/d-1"), &[]) };
        Rulebook::from_toml(&policy).unwrap().keep(&domain, &[]).is_some()
    };
    for (matching, expected) in
        [("name = \"company\"", true), ("name = \"d-1\"", true), ("name = \"d-2\"", false), ("kind = \"space\", name = \"d-1\"", false)]
    {
        assert_eq!(is_exempt(matching), expected, "{matching}");
    }
    for (matching, by_name) in [
        ("name = \"company\"", true),
        ("kind = \"{domain,space}\", name = \"d-1\"", true),
        ("kind = \"app\", name = \"x *\"", false),
        ("kind = \"domain\"", false),
    ] {
        let policy = format!("[[exempt]]\nmatch = {{ {matching} }}\nuntil = \"2026-12-31\"\nreason = \"demo\"");
        assert_eq!(Rulebook::from_toml(&policy).unwrap().names_domains(), by_name, "{matching}");
    }
}

#[test]
fn a_pattern_that_no_name_can_match_is_refused_with_what_to_write() {
    const ANY: &str = "a pattern is for example \"churn*\"";
    const NO_APP: &str = "is the name of no app: an app's name is that of its space or user profile, its type and its own name";
    const NOTEBOOK: &str = "write kind = \"notebook-instance\", name = \"churn\"";
    for (matching, says) in [
        ("name = \"arn:aws:sagemaker:eu-central-1:123456789012:notebook-instance/churn\"", NOTEBOOK),
        ("name = \"notebook-instance/churn\"", NOTEBOOK),
        ("name = \"app/d-1/lab/jupyterlab/default\"", "write kind = \"app\", name = \"…\""),
        ("name = \"churn,other\"", ANY),
        ("name = \"^churn$\"", ANY),
        ("name = \"churn.*\"", ANY),
        ("name = \"churn.+\"", ANY),
        ("name = \"(churn|fraud)\"", ANY),
        ("name = \"team/churn\"", ANY),
        ("name = \"churn-* or fraud-*\"", ANY),
        ("name = \"churn and fraud\"", ANY),
        ("name = \"churn:1\"", ANY),
        // All apps are called so: it protected none of them.
        ("name = \"default\"", NO_APP),
        ("name = \" Default\"", NO_APP),
        ("kind = \"*\", name = \"default\"", NO_APP),
        ("kind = \"app\", name = \"default\"", NO_APP),
        ("kind = \"app\", name = \"lab\"", NO_APP),
        ("name = \"churn,other\", kind = \"endpoint\"", ANY),
        ("tag = {}", "`tag` is empty: write for example tag.Environment"),
    ] {
        for section in ["[[exempt]]\nuntil = \"2026-12-31\"\nreason = \"x\"", "[[override]]\nrules.notebook-idle.mode = \"off\""] {
            let text = format!("{section}\nmatch = {{ {matching} }}").replace("notebook-idle", "guard-tag-unreadable");
            let errors = Rulebook::check(&text).err().unwrap();
            assert!(errors.len() == 1 && errors[0].to_string().contains(says), "{text}: {errors:?}");
        }
    }
    for matching in [
        "name = \"churn\"",
        "name = \"ch?rn-[0-9]*\"",
        "name = \"[!a]*\"",
        "name = \"{churn,fraud-[ab]}*\"",
        "name = \"lab jupyterlab default\"",
        "name = \"my_features\"",
        "name = \"default*\"",
        "name = \"default\", kind = \"notebook-instance\"",
        "name = \"lab jupyterlab default\", kind = \"app\"",
        "name = \"ML: all, $500/month\", kind = \"budget\"",
        "name = \"team/x\", kind = \"*\"",
    ] {
        let text = format!("[[override]]\nrules.guard-tag-unreadable.mode = \"off\"\nmatch = {{ {matching} }}");
        assert_eq!(Rulebook::check(&text).err(), None, "{text}");
    }
}

/// Each was accepted, and protected nothing.
#[test]
fn a_pattern_of_another_language_in_a_match_is_refused_with_the_right_form() {
    const NO_NOT: &str = "none says what is not meant";
    for (matching, says) in [
        ("name = \"{train, score}-*\"", "here \"{train,score}-*\" may be meant"),
        ("name = \"{ train,score }-*\"", "here \"{train,score}-*\" may be meant"),
        ("name = \"churn-[0-9]{8}\"", "here \"churn-[0-9]*\" may be meant"),
        ("name = \"churn-[0-9]{2,4}\"", "here \"churn-[0-9]*\" may be meant"),
        ("name = \"churn-[a-z]+\"", "here \"churn-[a-z]*\" may be meant"),
        ("name = \"churn-{{date}}\"", "here \"churn-*\" may be meant"),
        ("name = \"churn-{date}\"", "here \"churn-*\" may be meant"),
        ("name = \"churn-[date]\"", "here \"churn-*\" may be meant"),
        ("name = \"[env]-churn\"", "here \"*-churn\" may be meant"),
        ("name = \"nightly train\", kind = \"training-job\"", "has a blank, which no name of this kind has"),
        ("tag.Environment = \"prod|staging\"", "here \"{prod,staging}\" may be meant"),
        ("tag.Environment = \"prod, staging\"", "here \"{prod,staging}\" may be meant"),
        ("tag.Environment = \"{prod, staging}\"", "here \"{prod,staging}\" may be meant"),
        ("tag.Environment = \"(prod|staging)\"", "here \"{prod,staging}\" may be meant"),
        ("tag.Environment = \"^prod$\"", "here \"prod\" may be meant"),
        ("tag.Environment = \"prod.*\"", "here \"prod*\" may be meant"),
        ("tag.Environment = \".*prod.*\"", "here \"*prod*\" may be meant"),
        ("tag.Environment = \"!dev\"", NO_NOT),
        ("tag.Environment = \"/prod/\"", "here \"prod\" may be meant"),
        ("tag.Environment = \"prod or staging\"", "here \"{prod,staging}\" may be meant"),
        ("tag.\"Env*\" = \"prod\"", "only its value may be a pattern"),
        ("tag.\"Env|Stage\" = \"prod\"", "only its value may be a pattern"),
        ("tag.\"\" = \"prod\"", "only its value may be a pattern"),
        ("team = \"vision|nlp\"", "here \"{vision,nlp}\" may be meant"),
        ("team = \"vision, nlp\"", "here \"{vision,nlp}\" may be meant"),
        ("team = \"vision or nlp\"", "here \"{vision,nlp}\" may be meant"),
        ("team = \"vision.*\"", "here \"vision*\" may be meant"),
        ("team = \"^vision\"", "here \"vision\" may be meant"),
        ("team = \"!vision\"", NO_NOT),
    ] {
        for section in ["[[exempt]]\nuntil = \"2026-12-31\"\nreason = \"x\"", "[[override]]\nrules.guard-tag-unreadable.mode = \"off\""] {
            let text = format!("{section}\nmatch = {{ {matching} }}");
            let errors = Rulebook::check(&text).err().unwrap_or_default();
            assert!(errors.len() == 1 && errors[0].to_string().contains(says), "{text}: {errors:?}");
        }
    }
    let of_budgets = "[[exempt]]\nmatch = { kind = \"budget\", tag.Stage = \"dev\" }\nuntil = \"2026-12-31\"\nreason = \"x\"";
    let errors = Rulebook::check(of_budgets).err().unwrap();
    assert!(errors[0].to_string().contains("`tag` matches nothing of kind = \"budget\", which has no tags here"), "{errors:?}");
    for matching in [
        "tag.Environment = \"prod*\"",
        "tag.Environment = \"{prod,staging}\"",
        "tag.Environment = \"\"",
        "tag.Version = \"1.*\"",
        "tag.Service = \"acme.ml.*\"",
        "tag.Owner = \"*@example.*\"",
        "tag.Path = \"/ml/prod/*\"",
        "tag.Department = \"Research and Development\"",
        "tag.\"aws:cloudformation:stack-name\" = \"ml-[0-9]?\"",
        "tag.\"Kosten Stelle\" = \"*\", kind = \"*\"",
        "team = \"{vision, nlp}*\"",
        "team = \"R&D\"",
        "team = \"ml/[a-c]\"",
        "name = \"{lab,desk} jupyterlab default\", kind = \"app\"",
        "name = \"churn-v{1,2}\"",
        "name = \"[A-Za-z]*-[ab]\"",
    ] {
        let text = format!("[[override]]\nrules.guard-tag-unreadable.mode = \"off\"\nmatch = {{ {matching} }}");
        assert_eq!(Rulebook::check(&text).err(), None, "{text}");
    }
}

#[test]
fn spaces_around_a_pattern_do_not_count() {
    for matching in ["name = \"churn \"", "name = \" churn\"", "tag.Stage = \" prod \"", "kind = \" notebook-instance \""] {
        let policy = CHURN.replace("name = \"chur*\"", matching);
        assert!(until(&policy, &[("Stage", "prod")]).is_some(), "{matching}");
    }
}

/// tag-auditor knows an app by its own tags, and what it is in by theirs.
#[test]
fn an_app_without_tags_is_exempt_with_what_it_is_in() {
    let is_exempt = |matching: &str| {
        let policy = format!(
            "[rules.missing-tag]\nmode = \"enforce\"\nremedy = \"stop-after-grace\"\nrequired = {{ CostCenter = \".+\" }}\n\
             [[exempt]]\nmatch = {{ {matching} }}\nuntil = \"2026-12-31\"\nreason = \"demo\""
        );
        let app = app("JupyterLab", "ml.m5.xlarge", "2026-11-23T08:00:00Z");
        let ancestor = |id: &str, tags: &[(&str, &str)]| Ancestor {
            id: id.to_owned(),
            name: if id == "domain/d-1" { "Company" } else { id.rsplit('/').next().unwrap() }.to_owned(),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        let ancestors =
            vec![ancestor("space/d-1/lab", &[("Stage", "prod")]), ancestor("user-profile/d-1/ann", &[]), ancestor("domain/d-1", &[])];
        let instances = vec![Instances { instance_type: "ml.m5.xlarge".into(), count: 1 }];
        let asset = Asset { run: app.created, stop: app.delete(), instances, ancestors, ..audited(&app.resource.id, &[]) };
        let now = "2026-11-24T02:00:00Z".parse().unwrap();
        let facts = Facts { now, prices: Prices::of_region("us-east-1", []).into(), assets: vec![asset], ..Facts::default() };
        let found = Rulebook::from_toml(&policy).unwrap().evaluate(&facts).findings;
        let found = found.into_iter().find(|found| found.rule == "missing-tag").unwrap();
        assert!(matches!(found.waste.remedy, Remedy::DeleteApp { .. }), "{found:?}");
        found.keep.is_some()
    };
    for (matching, expected) in [
        ("kind = \"user-profile\", name = \"ann\"", true),
        ("kind = \"domain\", name = \"d-1\"", true),
        ("kind = \"domain\", name = \"company\"", true),
        ("kind = \"domain\", name = \"other\"", false),
        ("kind = \"space\", tag.Stage = \"prod\"", true),
        ("kind = \"app\", tag.Stage = \"prod\"", false),
        ("kind = \"user-profile\", name = \"bob\"", false),
    ] {
        assert_eq!(is_exempt(matching), expected, "{matching}");
    }
}

/// An order of a person was carried out although the policy kept the endpoint.
#[test]
fn the_reason_why_something_is_kept_is_its_tags_or_the_policys() {
    let rulebook = Rulebook::from_toml(CHURN).unwrap();
    let kept = |name: &str, tags: &[(&str, &str)], now: &str| {
        rulebook.is_kept(&with_tags(resource(&format!("endpoint/{name}")), tags), now.parse().unwrap())
    };
    for (name, tags, now, expected) in [
        ("fraud", &[][..], "2026-11-24T02:00:00Z", None),
        ("churn", &[], "2026-11-24T02:00:00Z", Some("it is kept until 2026-12-31 by the policy: demo")),
        ("churn", &[], "2027-01-01T00:00:00Z", None),
        ("fraud", &[("cost-guard:keep-until", "2026-11-24")], "2026-11-24T02:00:00Z", Some("its tag cost-guard:keep-until = 2026-11-24")),
        ("fraud", &[("cost-guard:keep-until", "2026-11-24")], "2026-11-25T00:00:00Z", None),
        ("fraud", &[("cost-guard:keep-until", "soon")], "2026-11-24T02:00:00Z", Some("`soon` is not a day")),
        (
            "fraud",
            &[("Cost-Guard:keep-until", "2026-11-24")],
            "2026-11-24T02:00:00Z",
            Some("its tag \"Cost-Guard:keep-until\" cannot be read"),
        ),
    ] {
        let why = kept(name, tags, now);
        assert_eq!(why.is_some(), expected.is_some(), "{name} {tags:?}: {why:?}");
        assert!(why.as_deref().unwrap_or_default().contains(expected.unwrap_or_default()), "{name} {tags:?}: {why:?}");
    }
}
