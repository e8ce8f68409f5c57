//! Tests of cases: what each key makes of a resource, what a wrong file is told, and the cases beside the examples of the documentation.

use std::path::{Path, PathBuf};

use super::*;

const NIGHT: &str = "2026-11-24T23:00:00+01:00";

const POLICY: &str = r#"
timezone = "Europe/Berlin"
[working-hours]
default = "mon-fri/08:00-19:00"
[rules.notebook-off-hours]
mode = "enforce"
[rules.notebook-idle]
[rules.studio-app-off-hours]
mode = "enforce"
[rules.training-on-demand]
mode = "enforce"
remedy = "resubmit"
[rules.tuning-on-demand]
mode = "enforce"
remedy = "stop"
[rules.missing-tag]
required = { Owner = ".+@.+" }
mode = "enforce"
remedy = "stop-after-grace"
[rules.endpoint-idle]
mode = "enforce"
remedy = "hibernate"
[rules.endpoint-never-at-zero]
mode = "off"
[[override]]
match = { tag.Env = "prod" }
rules.notebook-off-hours.mode = "off"
"#;

fn tested(text: &str) -> Result<Vec<Tested>, PolicyError> {
    run(&Rulebook::from_toml(POLICY).unwrap(), text)
}

/// One case at night. `more`: keys beside the resource.
fn case(resource: &str, more: &str) -> String {
    format!("[[case]]\nname = \"x\"\nat = \"{NIGHT}\"\nresource = {{ {resource} }}\n{more}\n")
}

/// What a rule makes of a resource.
fn outcome(resource: &str, rule: &str) -> Outcome {
    let expecting = |outcome: Outcome| tested(&case(resource, &format!("expect = {{ {rule} = \"{}\" }}", outcome.as_str())));
    let fits = |outcome: &Outcome| expecting(*outcome).unwrap_or_else(|error| panic!("{resource}: {error}"))[0].failures.is_empty();
    let fitting: Vec<Outcome> = Outcome::ALL.into_iter().filter(fits).collect();
    assert_eq!(fitting.len(), 1, "{resource}: {fitting:?}");
    fitting[0]
}

#[test]
fn each_key_counts() {
    use Outcome::{Enforce, Exempt, Fine, Later, Off, Report, Unknown};
    let notebook = "kind = \"notebook-instance\"";
    let app = "kind = \"app\", running-for = \"9h\"";
    let job = "kind = \"training-job\"";
    let tuning = "kind = \"hyper-parameter-tuning-job\"";
    let endpoint = "kind = \"endpoint\", last-used = \"9d\"";
    for (kind, more, rule, expected) in [
        (notebook, "running-for = \"9h\"", "notebook-off-hours", Enforce),
        // An ordinary one has run for an hour, within the grace of a late start.
        (notebook, "", "notebook-off-hours", Fine),
        (notebook, "stopped-for = \"9h\"", "notebook-off-hours", Fine),
        (notebook, "stopped-for = \"99d\"", "notebook-forgotten", Report),
        (notebook, "stopping-for = \"1m\"", "notebook-off-hours", Later),
        (notebook, "stopping-for = \"9h\"", "notebook-stuck", Report),
        (notebook, "running-for = \"9h\", tags = { \"cost-guard:keep-until\" = \"2026-11-30\" }", "notebook-off-hours", Exempt),
        (notebook, "running-for = \"9h\", tags = { \"cost-guard:keep-until\" = \"2026-11-20\" }", "notebook-off-hours", Enforce),
        (notebook, "running-for = \"9h\", tags = { \"cost-guard:keep-until\" = \"soon\" }", "notebook-off-hours", Report),
        (notebook, "tags = { \"cost-guard:keep-until\" = \"soon\" }", "guard-tag-unreadable", Report),
        (notebook, "running-for = \"9h\", tags = { Env = \"prod\" }", "notebook-off-hours", Off),
        (notebook, "running-for = \"9h\"", "notebook-idle", Unknown),
        (notebook, "running-for = \"9h\", last-used = \"4h\"", "notebook-idle", Report),
        (notebook, "running-for = \"9h\", last-used = \"1h\"", "notebook-idle", Fine),
        (app, "", "studio-app-off-hours", Enforce),
        (app, "app-type = \"JupyterServer\"", "studio-app-off-hours", Fine),
        (app, "home-tags = { \"cost-guard:keep-until\" = \"2026-11-30\" }", "studio-app-off-hours", Exempt),
        (app, "user-profile = \"ann\", app-type = \"KernelGateway\"", "missing-tag", Enforce),
        (app, "instance-type = \"system\"", "missing-tag", Report),
        (job, "", "training-on-demand", Enforce),
        (job, "spot = true", "training-on-demand", Fine),
        (job, "spot = true", "spot-without-checkpoint", Report),
        (job, "spot = true, checkpoints = true", "spot-without-checkpoint", Fine),
        (job, "python-sdk = true", "training-on-demand", Report),
        (job, "running-for = \"20h\"", "training-on-demand", Report),
        (job, "running-for = \"20h\", max-runtime = \"4d\"", "training-on-demand", Enforce),
        (job, "ended-for = \"2h\"", "training-on-demand", Fine),
        (job, "keep-alive = \"1h\"", "training-on-demand", Exempt),
        (job, "part-of = \"hyper-parameter-tuning-job/churn\"", "training-on-demand", Exempt),
        (tuning, "", "tuning-on-demand", Enforce),
        (tuning, "spot = true", "tuning-on-demand", Fine),
        (tuning, "instance-type = \"ml.t3.medium\"", "tuning-on-demand", Exempt),
        (tuning, "instance-type = \"ml.t3.medium\", parallel = 4", "tuning-on-demand", Enforce),
        (endpoint, "", "endpoint-idle", Enforce),
        (endpoint, "instance-type = \"ml.g5.xlarge\"", "endpoint-idle", Report),
        (endpoint, "running-for = \"2d\"", "endpoint-idle", Fine),
        (endpoint, "updating-for = \"1h\"", "endpoint-idle", Later),
        (endpoint, "creating-for = \"30d\"", "resource-stuck", Report),
        (endpoint, "creating-for = \"1h\"", "resource-stuck", Fine),
        (job, "stopping-for = \"3d\"", "resource-stuck", Report),
        (tuning, "stopping-for = \"3d\"", "resource-stuck", Report),
        (job, "", "resource-stuck", Fine),
        (endpoint, "asynchronous = true", "endpoint-never-at-zero", Off),
        ("kind = \"endpoint\"", "", "endpoint-idle", Fine),
        ("kind = \"endpoint\", instance-count = 2", "", "endpoint-off-hours", Fine),
        ("kind = \"endpoint\", instance-count = 2", "called = \"mon-fri/09:00-17:00\"", "endpoint-off-hours", Report),
        ("kind = \"transform-job\"", "", "missing-tag", Enforce),
        ("kind = \"transform-job\"", "created-by = \"AmazonMWAA-airflow\"", "missing-tag", Report),
        ("kind = \"transform-job\"", "created-by = \"states.amazonaws.com\"", "missing-tag", Report),
        ("kind = \"transform-job\"", "created-by = \"terraform\"", "missing-tag", Enforce),
        ("kind = \"transform-job\"", "stopped-for = \"1h\"", "missing-tag", Report),
        ("kind = \"transform-job\"", "tags = { Owner = \"ann@example.com\" }", "missing-tag", Fine),
        ("kind = \"model\"", "", "missing-tag", Report),
        ("kind = \"model\"", "created-by = \"ann@example.com\"", "missing-tag", Enforce),
        ("kind = \"model\"", "tags = { Owner = \"nobody\" }", "invalid-tag-value", Report),
    ] {
        let resource = if more.is_empty() { kind.to_owned() } else { format!("{kind}, {more}") };
        assert_eq!(outcome(&resource, rule), expected, "{rule} of {resource}");
    }
}

#[test]
fn every_kind_can_be_tested_by_its_tags() {
    for kind in Kind::TAGGED {
        let resource = |tags: &str| format!("kind = \"{}\", tags = {{ {tags} }}", kind.as_str());
        assert_ne!(outcome(&resource(""), "missing-tag"), Outcome::Fine, "{kind:?}");
        assert_eq!(outcome(&resource("Owner = \"ann@example.com\""), "missing-tag"), Outcome::Fine, "{kind:?}");
    }
}

#[test]
fn a_wrong_file_is_told_where_and_what_was_expected() {
    let notebook = "kind = \"notebook-instance\"";
    let expect = "expect = { notebook-off-hours = \"fine\" }";
    for (text, says) in [
        (String::new(), "has no `case`: write for example [[case]]"),
        ("case = 1".into(), "line 1: `case` is a list: write [[case]]"),
        ("case = []".into(), "line 1: `case` is empty"),
        ("[[case]]\nname = \"x\"".into(), "line 1: a [[case]] has no `at`: write for example at = \"2026-11-24T21:30:00+01:00\""),
        (case(notebook, "expects = {}"), "has no `expect`"),
        (case(notebook, &format!("{expect}\nonly-it = true")), "line 6: `only-it` is not a key of a [[case]]: did you mean `only`?"),
        (case(notebook, "expect = {}"), "`expect` names no rule"),
        (case(notebook, &format!("{expect}\nonly = 1")), "line 6: `only`: invalid type: integer `1`, expected a boolean"),
        (case(notebook, expect).replace("\"x\"", "\" \""), "`name` is no text"),
        (case(notebook, expect) + &case(notebook, expect), "two cases have the `name` \"x\""),
        (case(notebook, expect).replace("+01:00", ""), "line 3: `at` is `2026-11-24T23:00:00`, which is no time with its offset"),
        (case(notebook, expect).replace("2026", "9999"), "line 3: `at` is before the year 2000 or after 2199"),
        (
            case(notebook, "expect = { notebook-of-hours = \"fine\" }"),
            "line 5: `expect`: `notebook-of-hours` is not a rule: did you mean `notebook-off-hours`?",
        ),
        (
            case(notebook, "expect = { studio-app-off-hours = \"fine\" }"),
            "line 5: `expect`: `studio-app-off-hours` never looks at resources of the kind `notebook-instance`: a case can test `notebook-off-hours`, ",
        ),
        (
            case("kind = \"endpoint\"", "expect = { endpoint-fits-async = \"fine\" }"),
            "`endpoint-fits-async` needs more than a case can say of the kind `endpoint`: a case can test `endpoint-without-autoscaling`, ",
        ),
        (case(notebook, "expect = { notebook-off-hours = \"enforced\" }"), "`enforced` is no outcome: did you mean `enforce`?"),
        (case(notebook, "expect = { notebook-off-hours = true }"), "an outcome is a text, one of `fine`, `report`"),
        (case("kind = \"notebook\"", expect), "`notebook` is no `kind` of a case: did you mean `notebook-instance`?"),
        (case("kind = \"budget\"", expect), "line 4: `budget` is no `kind` of a case"),
        (case("running-for = \"5h\"", expect), "line 4: a case's `resource` has no `kind`"),
        (
            case("kind = \"notebook-instance\", runing-for = \"5h\"", expect),
            "`runing-for` is not a key of a `notebook-instance` of a case: did you mean `running-for`?",
        ),
        (case("kind = \"model\", running-for = \"5h\"", expect), "`running-for` is not a key of a `model` of a case: known are "),
        (
            case("kind = \"notebook-instance\", running-for = \"5\"", expect),
            "line 4: `running-for`: `5` is not a duration: write for example \"30m\"",
        ),
        (
            case("kind = \"notebook-instance\", running-for = \"5h\", stopped-for = \"5h\"", expect),
            "`running-for` and `stopped-for` exclude each other",
        ),
        (
            case("kind = \"notebook-instance\", instance-type = \"m5.large\"", expect),
            "`instance-type` is none: write for example \"ml.t3.medium\"",
        ),
        (case("kind = \"notebook-instance\", tags = { Owner = 1 }", expect), "the tag `Owner` is no text"),
        (case("kind = \"app\", app-type = \"jupyterlab\"", expect), "`jupyterlab` is no `app-type`"),
        (case("kind = \"app\", space = \"a\", user-profile = \"b\"", expect), "`space` and `user-profile` exclude each other"),
        (case("kind = \"endpoint\", instance-count = 0", expect), "line 4: `instance-count`: "),
        (case("kind = \"endpoint\", called = \"by day\"", expect), "line 4: `called`: "),
    ] {
        let error = tested(&text).err().unwrap_or_else(|| panic!("no error: {text}")).to_string();
        assert!(error.contains(says), "{text}\n{error}");
    }
}

#[test]
fn a_failure_says_what_the_rule_says_and_why() {
    let notebook = "kind = \"notebook-instance\", running-for = \"9h\", tags = { \"cost-guard:keep-until\" = \"soon\" }";
    let text = case(notebook, "expect = { notebook-off-hours = \"enforce\" }")
        + &case("kind = \"model\", tags = { Owner = \"ann@example.com\" }", "expect = { missing-tag = \"fine\" }")
            .replace("\"x\"", "\"y\"");
    let said = report("policy.cases.toml", &tested(&text).unwrap());
    let start =
        "FAILED  policy.cases.toml, case \"x\": notebook-off-hours says report, expected enforce: on since Tue 2026-11-24 14:00 CET (9h)";
    assert!(said.starts_with(start), "{said}");
    assert!(said.contains("; nothing is done about it, because "), "{said}");
    assert!(said.ends_with("\nok      y\n2 cases: 1 not as expected.\n"), "{said}");
    let off = case("kind = \"notebook-instance\", tags = { Env = \"prod\" }", "expect = { notebook-off-hours = \"fine\" }");
    assert!(
        report("f", &tested(&off).unwrap()).contains("notebook-off-hours is off for it, expected fine\n"),
        "what is off judges nothing"
    );
}

#[test]
fn only_refuses_what_other_rules_find() {
    let notebook = "kind = \"notebook-instance\", running-for = \"9h\"";
    let failures = |resource: &str, more: &str| tested(&case(resource, more)).unwrap().remove(0).failures;
    let expect = "expect = { notebook-off-hours = \"enforce\" }";
    assert!(failures(notebook, expect).is_empty());
    let found = failures(notebook, &format!("{expect}\nonly = true"));
    assert_eq!(
        found.iter().map(|one| (one.rule, one.expected, one.found)).collect::<Vec<_>>(),
        [("missing-tag", Outcome::Fine, Outcome::Enforce)]
    );
    let owned = format!("{notebook}, tags = {{ Owner = \"ann@example.com\" }}");
    assert!(failures(&owned, &format!("{expect}\nonly = true")).is_empty());
    assert_eq!(failures(&owned, "expect = {}\nonly = true").len(), 1, "of a case that expects nothing");
}

/// The policies of the documentation with their cases: each file's path and text.
#[expect(clippy::disallowed_methods, reason = "this test reads the documentation")]
fn examples() -> Vec<(PathBuf, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let policies = files.filter(|file| !file.to_string_lossy().ends_with(".cases.toml"));
    let texts = policies.map(|file| {
        let cases = std::fs::read_to_string(file.with_extension("cases.toml"));
        (file.clone(), std::fs::read_to_string(&file).unwrap(), cases.unwrap_or_else(|_| panic!("{} has no cases", file.display())))
    });
    texts.collect()
}

#[test]
fn the_examples_do_what_their_cases_say() {
    assert_eq!(examples().len(), 4);
    for (file, policy, cases) in examples() {
        let tested = run(&Rulebook::from_toml(&policy).unwrap(), &cases).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(3 <= tested.len(), "{}", file.display());
        let said = report(&file.display().to_string(), &tested);
        assert!(said.ends_with(": all as expected.\n"), "{said}");
    }
}

#[test]
fn no_case_of_the_examples_holds_for_every_policy() {
    // With each rule off, only what expects nothing of a rule would hold.
    let off: Vec<String> = rules::ALL.iter().map(|rule| format!("[rules.{}]\nmode = \"off\"\n", rule.name)).collect();
    for (file, _, cases) in examples() {
        let tested = run(&Rulebook::from_toml(&off.concat()).unwrap(), &cases).unwrap();
        assert!(tested.iter().all(|one| !one.failures.is_empty()), "{}", file.display());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this test reads the documentation")]
fn the_page_has_every_outcome_and_every_key() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy-tests.md")).unwrap();
    let has = |name: &str| {
        page.contains(&format!("| `{name}` |")) || page.contains(&format!("| `{name}`, `")) || page.contains(&format!(", `{name}`"))
    };
    let outcomes = Outcome::ALL.iter().map(|one| one.as_str().to_owned());
    // What is near to no key is told all of them.
    let keys = Kind::TAGGED.iter().flat_map(|kind| {
        let wrong = tested(&case(&format!("kind = \"{}\", 9 = 1", kind.as_str()), "expect = { missing-tag = \"fine\" }"));
        let error = wrong.unwrap_err().message;
        let keys = error.split_once(": known are ").unwrap_or_else(|| panic!("{error}")).1.to_owned();
        keys.split(", ").map(|key| key.trim_matches('`').to_owned()).collect::<Vec<_>>()
    });
    let missing: Vec<String> = outcomes.chain(keys).filter(|name| !has(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the page shows is what its example prints with the policy of the shared platform.
#[test]
#[expect(clippy::disallowed_methods, reason = "this test reads the documentation")]
fn the_page_shows_what_its_example_prints() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/policy-tests.md")).unwrap();
    let cases = page.split_once("```toml\n").unwrap().1.split_once("```").unwrap();
    let shown = cases.1.split_once("```\n").unwrap().1.split_once("```").unwrap().0;
    let (_, policy, _) = examples().into_iter().find(|(file, ..)| file.ends_with("shared-platform.toml")).unwrap();
    assert_eq!(report("policy.cases.toml", &run(&Rulebook::from_toml(&policy).unwrap(), cases.0).unwrap()), shown);
}
