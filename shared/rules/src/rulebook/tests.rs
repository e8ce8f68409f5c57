//! Tests of the policy: which errors are reported and how, how overrides apply, how unknown facts stay unknown.

use std::collections::BTreeMap;

use super::*;
use crate::{
    facts::{BudgetMeasure, Facts, Measures, OnExceed, Workflow},
    policy::KEEP_UNTIL_TAG,
    rulebook::Rulebook,
    samples::{notebook, resource, tagged, training_job, with_tags},
    vocabulary::duration::Duration,
    vocabulary::{price::Prices, resource::Tags},
};

mod exempt;
mod schema;

const NIGHT: &str = "2026-11-24T02:00:00Z";

fn facts(notebooks: Vec<crate::facts::Notebook>) -> Facts {
    Facts { now: NIGHT.parse().unwrap(), prices: Prices::of_region("us-east-1", []).into(), notebooks, ..Facts::default() }
}

fn named(name: &str, tags: &[(&str, &str)]) -> crate::facts::Notebook {
    let mut notebook = tagged(notebook("2026-11-23T08:00:00Z"), tags);
    notebook.resource.id = format!("notebook-instance/{name}");
    notebook.resource.name = name.into();
    notebook
}

/// Wrong policies, each with the line of its error and a part of the message.
const WRONG: &[(&str, usize, &str)] = &[
    ("max-action = 3", 1, "`max-action` is not a key of the policy: did you mean `max-actions`?"),
    ("\n[working-hour]\ndefault = \"always\"", 2, "did you mean `working-hours`?"),
    ("[working-hours]\ndefalt = \"always\"", 2, "`defalt` is not a key of [working-hours]: did you mean `default`?"),
    ("[working-hours]\ndefault = \"9 to 5\"", 2, "is not working hours: write for example"),
    ("[working-hours.teams]\nvision = \"mon-fri/08:00-19:00@Berlin\"", 2, "`Berlin` is not a time zone"),
    ("[working-hours]\nholidays = [\"25.12.2026\"]", 2, "`25.12.2026` is not a day"),
    ("timezone = \"Europe/Berln\"", 1, "`Europe/Berln` is not a time zone: write an IANA name"),
    ("timezone = \"EST\"", 1, "`EST` has no summer time: write \"America/New_York\""),
    ("[working-hours]\ndefault = \"mon-fri/08:00-19:00@Etc/GMT-7\"", 2, "7 hours ahead of UTC all year, without summer time"),
    ("remind-after = \"-7d\"", 1, "`-7d` is negative"),
    ("remind-after = 7", 1, "`remind-after`: a duration is a text: write for example \"30m\" or \"7d\""),
    ("\nmax-actions = \"25\"", 2, "`max-actions`: invalid type"),
    ("[rules.notebook-idle]\nmode = true", 2, "`mode`: "),
    ("[working-hours]\nholidays = [2026-12-25T08:00:00]", 2, "`2026-12-25T08:00:00` is not a day"),
    ("[working-hours]\nholidays = [20261225]", 2, "`holidays`: `20261225` is not a day"),
    ("[working-hours]\nholidays = [true]", 2, "`holidays`: something in the list is not a day"),
    ("[working-hours]\nholidays = 2026-12-25", 2, "`holidays`: expected a list of days, for example [\"2026-12-25\"]"),
    ("[working-hours]\nholidays = { \"Asia/Bangkok\" = [\"2026-12-07\"] }", 2, "Days of a time zone stand in `zone-holidays`"),
    ("[working-hours.zone-holidays]\nEurope.Berlin = [\"2026-12-25\"]", 2, "under its name in quotes"),
    ("[working-hours]\nteams = { Vision = \"always\", vision = \"never\" }", 2, "`Vision` and `vision` are the same team"),
    ("[working-hours]\nteam-holidays = { \" vision\" = [], \"VISION\" = [] }", 2, "are the same team"),
    ("[working-hours]\nteams = { \"\" = \"always\" }", 2, "`teams`: the name of a team is empty"),
    ("[working-hours]\nteam-holidays = { \" \" = [\"2026-12-07\"] }", 2, "the name of a team is empty"),
    ("[workflows]\nnames = [\"train.*\"]", 2, "`names` has `train.*`, which is no pattern of names: a pattern is for example \"churn*\""),
    (
        "[workflows]\ntags = [\"flow\", \"Pipeline=churn\"]",
        2,
        "`tags` has `Pipeline=churn`, which is no pattern of keys of tags: the value of a tag",
    ),
    ("[workflows]\ntags = [\"Pipeline: churn\"]", 2, "the value of a tag does not count: write the key alone, \"Pipeline\""),
    (
        "[workflows]\nnames = [\"train-{date}\"]",
        2,
        "`names` has `train-{date}`, which is no pattern of names: a pattern is for example \"churn*\"",
    ),
    ("[workflows]\ntags = [\"wf-[a-z]+\"]", 2, "`wf-[a-z]+`, which is no pattern of keys of tags: a pattern is for example"),
    (
        "[[override]]\nmatch = { team = \"vision|nlp\" }\nrules.notebook-idle.mode = \"off\"",
        2,
        "`team`: `vision|nlp` is no pattern of teams",
    ),
    ("[[override]]\nmatch = { tag.Stage = \"!dev\" }\nrules.notebook-idle.mode = \"off\"", 2, "`!dev` is no pattern of values of tags"),
    ("[[override]]\nmatch = { tag.\"Env*\" = \"dev\" }\nrules.notebook-idle.mode = \"off\"", 2, "`Env*` is no key of a tag"),
    (
        "[[exempt]]\nmatch = { kind = \"budget\", tag.a = \"b\" }\nuntil = \"2026-12-31\"\nreason = \"x\"",
        2,
        "`tag` matches nothing of kind",
    ),
    ("[[exempt]]\nmatch = { kind = \"model\", name = \"a b\" }\nuntil = \"2026-12-31\"\nreason = \"x\"", 2, "`a b` has a blank"),
    ("[workflows]\nnot-tags = [\"zone=b\"]", 2, "`not-tags` has `zone=b`, which is no pattern of keys of tags: the value of a tag"),
    ("[workflows]\nnot-name = [\"flow-*\"]", 2, "did you mean `not-names`?"),
    ("[[override]]\nmatch = { name = \"default\" }\nrules.notebook-idle.mode = \"off\"", 2, "`default` is the name of no app"),
    (
        "[[override]]\nmatch = { kind = \"app\" }\nrules.notebook-idle.mode = \"off\"",
        3,
        "this [[override]] changes nothing for notebook-idle",
    ),
    ("[workflows]\nnames = [\"\"]", 2, "`names`: a pattern is empty"),
    ("[workflows]\ntags = [\"a\", \" \"]", 2, "a pattern is empty"),
    ("[workflows]\nnames = \"pipelines-*\"", 2, "expected a list: ["),
    ("[workflows]\ntags = { a = \"b\" }", 2, "`tags`: invalid type: table, expected a list: ["),
    ("[creators]\nnot-people = [\"\"]", 2, "a pattern is empty"),
    ("[creators]\npeople-roles = [\"\"]", 2, "a pattern is empty"),
    ("[creators]\npeople-role = [\"ADFS-*\"]", 2, "did you mean `people-roles`?"),
    ("[mail]\ncontact = \" \"", 2, "`contact`: is empty: leave it out"),
    ("[mail]\ncontact = [\"ann@example.com\"]", 2, "`contact`: invalid type"),
    ("[mail]\nmanual-url = \"http://example.com\"", 2, "`manual-url`: `http://example.com` is not a link: write for example \"https://"),
    ("[mail]\nmanual-url = \"https://\"", 2, "is not a link"),
    ("[mail]\nmanual-url = \"https://example.com/the rules\"", 2, "is not a link"),
    ("[mail]\nmanual = \"https://example.com\"", 2, "did you mean `manual-url`?"),
    ("[ownership]\nleft = [\"**\"]", 2, "`left`: `**` is everybody: name those who have left"),
    ("[ownership]\nleft = [\"\"]", 2, "a pattern is empty"),
    ("[ownership]\nleft = \"zoe\"", 2, "expected a list: ["),
    ("[mail]\ncontact = \"zoe@example.com\"\n[ownership]\nleft = [\"Zoe@example.com\"]", 2, "`contact` is `zoe@example.com`, who has left"),
    (
        "[creators]\nemail-domain = \"example.com\"\n[ownership]\nleft = [\"z*@example.com\"]\n[[budget]]\nname = \"a\"\nowner = \"zoe\"",
        5,
        "this [[budget]] has the owner `zoe`, who has left (`left` in [ownership]): name somebody else",
    ),
    ("[[budget]]\nname = \" \"", 2, "`name`: is empty: write for example"),
    ("[[exempt]]\nmatch = { name = \"\" }\nuntil = \"2026-12-31\"\nreason = \"x\"", 2, "a pattern is empty"),
    ("[[override]]\nmatch = { team = \" \" }\nrules.notebook-idle.mode = \"off\"", 2, "a pattern is empty"),
    ("[[exempt]]\nmatch = { name = \"a\" }\nuntil = \"2026-12-31T10:00\"\nreason = \"x\"", 3, "which is not a day"),
    ("[[exempt]]\nmatch = { name = \"a\" }\nuntil = 2026-12-31T10:00:00\nreason = \"x\"", 3, "which is not a day"),
    ("[[exempt]]\nmatch = { name = \"a\" }\nuntil = \"2026-12-31[Europe/Berlin]\"\nreason = \"x\"", 3, "which is not a day"),
    ("[[exempt]]\nmatch = { name = \"a\" }\nuntil = 20261231\nreason = \"x\"", 3, "`until` is not a day: write for example"),
    ("timezone = \"GMT\"", 1, "`GMT` has no summer time: write \"Europe/London\""),
    ("[working-hours]\nzone-holidays = { \"Asia/Bankok\" = [\"2026-12-07\"] }", 2, "`Asia/Bankok` is not a time zone"),
    ("[working-hours]\nteam-holidays = { vision = \"2026-12-07\" }", 2, "`vision`: "),
    ("[working-hours.holiday-zones]\n\"Asia/Bangkok\" = [\"2026-12-07\"]", 1, "did you mean"),
    ("owner-tags = [\"Owner\", \"aws:createdBy\"]", 1, "`owner-tags` names `aws:createdBy`, which is on the bill only"),
    ("\nteam-tags = [\"AWS:CreatedBy\"]", 2, "`team-tags` names `AWS:CreatedBy`, which is on the bill only"),
    (
        "team-tags = [\"user:Team\"]",
        1,
        "`team-tags` names `user:Team`, as the bill spells it: write the key that resources have, such as `Team`",
    ),
    ("team-tags = [\"Team\", \"resource_tags_user_team\"]", 1, "the key that resources have, such as `team`"),
    ("team-tags = [\"resourceTags/user:Team\"]", 1, "the key that resources have, such as `Team`"),
    ("owner-tags = [\" User:Owner\"]", 1, "`owner-tags` names `User:Owner`, as the bill spells it"),
    ("owner-tags = []", 1, "`owner-tags` names no tag"),
    ("[rules.notebook-idle]\nidle-after = \"0s\"", 1, "`idle-after` is less than ten minutes"),
    ("[[override]]\nmatch = { team = \"x\" }\nrules = {}", 3, "changes nothing"),
    ("[prices]\nhourly = { \"t3.medium\" = 0.05 }", 2, "`t3.medium` is not an instance type of SageMaker"),
    ("[rules.notebook-offhours]\nmode = \"enforce\"", 1, "`notebook-offhours` is not a rule: did you mean `notebook-off-hours`?"),
    ("\n[rules.notebook-off-hours]\ngraze = \"1h\"", 3, "`graze` is not a key of [rules.notebook-off-hours]: did you mean `grace`?"),
    ("[rules.notebook-off-hours]\n\ngrace = \"soon\"", 3, "`soon` is not a duration"),
    ("[rules.notebook-off-hours]\nlate-start-grace = \"-4h\"", 2, "`-4h` is negative"),
    ("[rules.notebook-off-hours]\nmode = \"enfore\"", 2, "unknown variant `enfore`, expected one of `report`, `enforce`, `off`"),
    ("[rules.notebook-forgotten]\nmode = \"enforce\"", 2, "[rules.notebook-forgotten] cannot be enforced, it only reports"),
    ("[rules.notebook-idle]\nmax-actions = 0", 2, "`max-actions` is 0"),
    ("max-actions = 0", 1, "`max-actions` is 0"),
    ("remind-after = \"0s\"", 1, "`remind-after` is 0s: an hour is the least"),
    ("[rules.notebook-idle]\n\nremind-after = \"5m\"", 3, "`remind-after` is 5m"),
    ("[exemption]\nmax = \"99999999h\"", 2, "longer than ten years"),
    ("[prices]\nnotebook-volume-gb-month = 1e27", 2, "is more than 100000 USD"),
    ("[rules.training-on-demand]\n\nmode = \"enforce\"", 3, "is to be enforced, but has no `remedy`: write remedy = \"stop\""),
    ("[rules.tuning-on-demand]\nremedy = \"resubmit\"", 2, "unknown variant `resubmit`"),
    ("[rules.studio-app-off-hours]\napp-types = [\"RStudioServerPro\"]", 2, "unknown variant `RStudioServerPro`"),
    ("[[override]]\nrules.notebook-idle.mode = \"off\"", 1, "has no `match`"),
    ("[[override]]\nmatch = { team = \"x\" }", 1, "changes nothing"),
    ("[[override]]\nmatch = { team = \"[\" }\nrules.notebook-idle.mode = \"off\"", 2, "`[` is not a pattern"),
    ("[[override]]\nmatch = { team = \"x\" }\nrules.notebook-idle.idle-aft = \"1h\"", 3, "did you mean `idle-after`?"),
    ("[[override]]\nmatch = {}\nrules.notebook-idle.mode = \"off\"", 2, "names nothing"),
    ("[[override]]\nmatch = { tag = {} }\nrules.notebook-idle.mode = \"off\"", 2, "`tag` is empty: write for example"),
    ("[[exempt]]\nmatch = { name = \"^churn$\" }\nuntil = \"2026-12-31\"\nreason = \"x\"", 2, "`^churn$` is no pattern of names"),
    ("[[exemption]]\nmax = \"30d\"", 1, "`exemption` stands once: write [exemption]; for single resources write [[exempt]]"),
    ("[[mail]]\nat = \"08:00\"\n[[mail]]\nat = \"09:00\"", 1, "`mail` stands once: write [mail]"),
    ("[prices]\nhourly = { ml.m5.xlarge = 0.2 }", 2, "stands in quotes"),
    ("[prices]\nhourly = { \"ml.m5.xlarge\" = -1 }", 2, "is not a price"),
    ("budget = 3", 1, "`budget` is a list"),
    ("[[budget]]\nname = \"ml*\"\non-exceeded = \"stop-stoppable\"", 3, "did you mean `on-exceed`?"),
    ("[[budget]]\non-exceed = \"stop-stoppable\"", 1, "has no `name`"),
    ("[[budget]]\nname = \"ml[\"", 2, "`ml[` is not a pattern"),
    ("[[budget]]\nname = \"ml*\"\non-exceed = \"stop-everything\"", 3, "`on-exceed`: unknown variant `stop-everything`"),
    (
        "[rules.stoppable-over-budget]\nmode = \"off\"\n[[budget]]\nname = \"ml*\"\non-exceed = \"stop-stoppable\"",
        3,
        "enforces stoppable-over-budget, but the policy says mode = \"off\"",
    ),
    ("[rules.budget-exceeded]\nthresholds = [0, 80]", 2, "`0` is no threshold: write whole percents of the limit, for example [80, 100]"),
    ("[rules.budget-exceeded]\nthresholds = [\"80%\"]", 2, "is no threshold: write whole percents"),
    (
        "[[budget]]\nname = \"*\"\n[[budget]]\nname = \"ml\"",
        3,
        "this [[budget]] never applies: one before it, `*`, matches all of its names",
    ),
    ("[creators]\nemail-domain = \"https://example.com\"", 2, "`email-domain` is `https://example.com`: write what stands behind the @"),
    ("[creators]\nemail-domain = \"example.com, example.org\"", 2, "`email-domain` is `example.com, example.org`"),
    ("[creators]\nemail-domain = \"example.com.\"", 2, "`email-domain` is `example.com.`"),
    ("[creators]\nemail-domain = \"@example.com\"", 2, "`email-domain` is `@example.com`: write what stands behind the @"),
    ("[coverage]\nbucket = \"s3://finops\"", 2, "`bucket` is `s3://finops`: write the name of an S3 bucket alone"),
    ("[rules.missing-tag]\nkinds = []", 2, "no kinds"),
    ("[rules.missing-tag]\nkinds = [\"notebook\"]", 2, "did you mean `notebook-instance`?"),
    ("[rules.missing-tag]\nrequired = [\"Owner\"]", 2, "expected keys with their values: { Owner = "),
    ("rules = 3", 1, "`rules` is a section"),
    ("timezone =", 1, ""),
];

#[test]
fn says_what_is_wrong_where_and_what_was_expected() {
    for (text, line, says) in WRONG {
        let error = Rulebook::from_toml(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
        assert!(error.message.contains(says), "{text}: {error}");
        assert_eq!(error.line, Some(*line), "{text}: {error}");
    }
}

#[test]
fn a_byte_order_mark_from_a_parameter_is_no_error() {
    assert!(Rulebook::from_toml("\u{feff}max-actions = 3").is_ok());
}

#[test]
fn all_errors_are_named_in_one_go() {
    let of = |text: &str| Rulebook::check(text).err().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
    let text = r#"
        max-action = 3
        remind-after = "5m"
        [working-hours]
        default = "9-5"
        holidays = ["?"]
        [rules.training-on-demand]
        mode = "enforce"
        remedy = "sotp"
        graze = "1h"
        [rules.notebook-ilde]
        [[budget]]
        name = "ml*"
        team = ""
        on-exceed = "?"
        [[override]]
        match = { team = "x", nam = "x", kind = "?" }
        rules.notebook-idle.mode = "of"
        rules.notebook-idle.idle-after = "1m""#;
    let lines: Vec<String> = of(text).iter().map(|error| error.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(lines, [2, 3, 5, 6, 9, 10, 11, 14, 15, 17, 17, 18, 18].map(|line| format!("line {line}")), "{:#?}", of(text));
    assert!(of(text).iter().all(|error| error.contains('`')), "each names its key: {:#?}", of(text));

    let contradictions = "[rules.training-on-demand]\nmode = \"enforce\"\n[rules.tuning-on-demand]\nmode = \"enforce\"\n";
    assert_eq!(of(contradictions).len(), 2);
    let with_a_slip = of(&format!("{contradictions}graze = 3"));
    assert!(with_a_slip.len() == 1 && with_a_slip[0].contains("`graze`"), "it may be why the others are wrong: {with_a_slip:?}");

    let many: Vec<String> = (0..30).map(|number| format!("key-{number} = 1")).collect();
    assert_eq!(of(&many.join("\n")).len(), MOST_ERRORS);
    assert_eq!(of("timezone =").len(), 1);
}

#[test]
fn the_first_error_is_the_one_that_a_function_reports() {
    for (text, ..) in WRONG {
        let (first, all) = (Rulebook::from_toml(text).err().unwrap(), Rulebook::check(text).err().unwrap());
        assert!(all.contains(&first), "{text}: {all:?}");
    }
}

#[test]
fn the_default_reports_with_every_rule_and_enforces_nothing() {
    let rulebook = Rulebook::from_toml("").unwrap();
    assert!(!rulebook.enforces());
    assert!(crate::rules::ALL.iter().all(|rule| rulebook.uses_rule(rule.name) != rule.manner.only_if_named));
}

#[test]
fn the_first_override_that_matches_applies_and_no_other() {
    let rulebook = Rulebook::from_toml(
        r#"
        [rules.notebook-off-hours]
        mode = "enforce"
        grace = "1h"
        [[override]]
        match = { tag.Environment = "prod*" }
        rules.notebook-off-hours.mode = "report"
        [[override]]
        match = { team = "N l*", name = "tmp-*" }
        rules.notebook-off-hours.mode = "off"
        "#,
    )
    .unwrap();
    let notebooks = vec![
        named("plain", &[]),
        named("prod", &[("Environment", "production"), ("Team", "nlp")]),
        named("tmp-1", &[("Team", "nlp")]),
        named("tmp-1b", &[("TEAM", "NLP ")]),
        named("tmp-2", &[("Team", "vision")]),
    ];
    let found: Vec<_> = rulebook
        .evaluate(&facts(notebooks))
        .findings
        .into_iter()
        .map(|found| (found.resource.name, found.terms.mode, found.terms.grace))
        .collect();
    let hour = Duration::hours(1);
    assert_eq!(
        found,
        [("plain".to_owned(), Mode::Enforce, hour), ("prod".to_owned(), Mode::Report, hour), ("tmp-2".to_owned(), Mode::Enforce, hour)],
        "an override keeps what it does not change"
    );
}

#[test]
fn a_used_up_budget_enforces_for_its_team_what_no_override_speaks_against() {
    let rulebook = Rulebook::from_toml(
        "[[budget]]\nname = \"ml\"\non-exceed = \"enforce-off-hours\"\n[[override]]\nmatch = { tag.Environment = \"prod*\" }\nrules.notebook-off-hours.mode = \"report\"",
    )
    .unwrap();
    assert!(
        rulebook.enforces()
            && rulebook.policy.may_enforce_more(&["notebook-off-hours"])
            && !rulebook.policy.may_enforce_more(&["missing-tag"])
    );
    let notebooks = || {
        vec![
            named("nlps", &[(" team", "NLP")]),
            named("visions", &[("Team", "vision")]),
            named("prod", &[("Team", "nlp"), ("Environment", "prod")]),
            named("kept", &[("Team", "nlp"), (KEEP_UNTIL_TAG, "2027-01-01")]),
        ]
    };
    let measure = |until: &str| BudgetMeasure {
        budget: "ml".into(),
        team: Some("nlp".into()),
        what: OnExceed::EnforceOffHours,
        until: until.parse().unwrap(),
    };
    let enforced = |budget_measures: Vec<BudgetMeasure>| {
        let judgement = rulebook.evaluate(&Facts { measures: Measures { in_force: budget_measures, unread: false }, ..facts(notebooks()) });
        let found = judgement.findings.into_iter().filter(|found| found.rule == "notebook-off-hours" && found.terms.mode == Mode::Enforce);
        found.map(|found| (found.resource.name, found.keep.is_some(), found.waste.reason.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(enforced(vec![]), []);
    assert_eq!(enforced(vec![measure("2020-01-01T00:00:00Z")]), [], "that period is over");
    let found = enforced(vec![measure("2099-01-01T00:00:00Z")]);
    assert_eq!(found.iter().map(|(name, kept, _)| (name.as_str(), *kept)).collect::<Vec<_>>(), [("kept", true), ("nlps", false)]);
    assert!(found[1].2.ends_with("because the budget ml is used up"), "{}", found[1].2);
}

#[test]
fn owner_and_team_come_from_the_first_tag_that_says_something() {
    let rulebook = Rulebook::from_toml("owner-tags = [\"Owner\", \"owner\"]\nteam-tags = [\"Team\"]").unwrap();
    let owner = |tags: &[(&str, &str)]| rulebook.policy.owner_of(&named("x", tags).resource);
    assert_eq!(owner(&[("owner", "ann@example.com"), ("Owner", " ")]).as_deref(), Some("ann@example.com"));
    assert_eq!(owner(&[("Team", "nlp")]), None);
}

#[test]
fn unreadable_tags_leave_a_resource_undecided() {
    let mut unreadable = named("dark", &[]);
    unreadable.resource.tags = Tags::Unreadable;
    let judgement = Rulebook::from_toml("").unwrap().evaluate(&facts(vec![unreadable]));
    assert_eq!(judgement.findings, []);
    assert!(judgement.undecided.contains(&("notebook-off-hours", "notebook-instance/dark".to_owned())));
    assert!(judgement.unknown.iter().any(|line| line.what.contains("dark") && line.why.contains("tags could not be read")));
}

#[test]
fn a_wish_to_keep_holds_to_the_end_of_its_day() {
    let rulebook = Rulebook::from_toml("timezone = \"Europe/Berlin\"").unwrap();
    let keep = rulebook.evaluate(&facts(vec![named("x", &[(KEEP_UNTIL_TAG, "2026-12-31")])])).findings[0].keep.clone().unwrap();
    assert_eq!(keep.until, Some("2026-12-31T23:00:00Z".parse().unwrap()));
    assert_eq!(keep.longest, Some(Duration::days(90)));
    let always = Rulebook::from_toml("[exemption]\nallow-always = true").unwrap();
    let keep = always.evaluate(&facts(vec![named("x", &[(KEEP_UNTIL_TAG, "always")])])).findings[0].keep.clone().unwrap();
    assert_eq!((keep.until, keep.longest), (None, None));
}

#[test]
fn an_unreadable_wish_suspends_enforcement() {
    let rulebook = Rulebook::from_toml("[rules.notebook-off-hours]\nmode = \"enforce\"").unwrap();
    let findings = rulebook.evaluate(&facts(vec![named("x", &[(KEEP_UNTIL_TAG, "next week")])])).findings;
    assert_eq!(findings.iter().map(|found| found.rule).collect::<Vec<_>>(), ["guard-tag-unreadable", "notebook-off-hours"]);
    assert!(findings[1].suspended.as_ref().unwrap().why.contains("`next week` is not a day"));
}

#[test]
fn a_key_that_is_nearly_right_suspends_enforcement() {
    let rulebook = Rulebook::from_toml("[rules.notebook-off-hours]\nmode = \"enforce\"").unwrap();
    let of = |key: &str| rulebook.evaluate(&facts(vec![named("x", &[(key, "2026-12-31")])])).findings;
    for key in [
        "Cost-Guard:keep-until",
        "cost-guard:keep_until",
        "costguard:keep-until",
        "cost-guard:keep-until ",
        "cost-guard:snooze",
        "keep-until",
    ] {
        assert!(rulebook.reads_tag(key), "{key}: what is not kept in memory cannot be seen");
        let findings = of(key);
        assert_eq!(findings.iter().map(|found| found.rule).collect::<Vec<_>>(), ["guard-tag-unreadable", "notebook-off-hours"], "{key}");
        assert!(findings[1].suspended.as_ref().unwrap().why.contains(key), "{:?}", findings[1].suspended);
    }
    for key in ["cost-group", "cost-guardian", "keep"] {
        assert!(!rulebook.reads_tag(key) && of(key).iter().all(|found| found.suspended.is_none()), "{key}");
    }
    assert_eq!(of("Cost-Guard:Schedule").len(), 1, "its hours are not known, so it is told of its tag alone");
}

/// A mail said that a resource had no tag `Owner`, although it had one.
#[test]
fn an_owners_tag_that_names_nobody_is_told_with_its_value() {
    let rulebook = Rulebook::from_toml("").unwrap();
    for (tags, told) in [
        (&[("Owner", "TBD")][..], Some("Its tag Owner is \"TBD\", which names nobody who can be mailed.")),
        (&[("owner", "12345678")], Some("Its tag owner is \"12345678\"")),
        (&[("OWNER", "svc-ml")], Some("Its tag OWNER is \"svc-ml\"")),
        (&[("Owner", "TBD"), ("owner", "ann@example.com")], None),
        (&[("Owner", " ")], None),
        (&[], None),
    ] {
        let found = rulebook.evaluate(&facts(vec![named("x", tags)])).findings;
        let details: Vec<String> = found[0].waste.notice.details.iter().map(|detail| format!("{detail:?}")).collect();
        let detail = details.iter().find(|detail| detail.contains("names nobody")).map(|detail| detail.replace("\\\"", "\""));
        assert_eq!(detail.is_some(), told.is_some(), "{tags:?}: {details:?}");
        assert!(detail.unwrap_or_default().contains(told.unwrap_or_default()), "{tags:?}");
    }
}

#[test]
fn a_notebook_was_stopped_because_of_a_wrong_year_and_nothing_said_so() {
    const OVER: &str = "that day is over.";
    const STALE: &str = "that day was over when it was started. The tag was copied or left over, or its year is wrong";
    let rulebook = Rulebook::from_toml("[exemption]\nallow-always = true").unwrap();
    for (value, told) in [
        ("2025-12-31", Some(STALE)),
        ("0206-12-31", Some(STALE)),
        ("2026-11-22", Some(STALE)),
        ("2026-11-23", Some(OVER)),
        ("2026-12-31", None),
        ("always", None),
        ("soon", None),
    ] {
        let found = rulebook.evaluate(&facts(vec![named("x", &[("cost-guard:keep-until", value)])])).findings;
        let details = format!("{:?}", found.iter().map(|one| &one.waste.notice.details).collect::<Vec<_>>());
        let says = format!("Its tag cost-guard:keep-until is {value}: {}", told.unwrap_or_default());
        assert_eq!(details.contains(&says), told.is_some(), "{value}: {details}");
    }
}

#[test]
fn a_key_that_an_override_matches_or_a_rule_requires_is_right() {
    let rulebook = Rulebook::from_toml(
        "[rules.missing-tag]\nrequired = { \"cost-guard:team\" = \".+\" }\n[[override]]\nmatch = { tag.\"cost-guard:tier\" = \"gold\" }\nrules.notebook-off-hours.mode = \"report\"",
    )
    .unwrap();
    for (key, slip) in [("cost-guard:tier", false), ("cost-guard:team", false), ("cost-guard:teams", true)] {
        let findings = rulebook.evaluate(&facts(vec![named("x", &[(key, "gold")])])).findings;
        assert_eq!(findings.iter().any(|found| found.suspended.is_some()), slip, "{key}");
    }
}

#[test]
fn the_same_facts_give_the_same_findings() {
    let rulebook = Rulebook::from_toml("").unwrap();
    let notebooks: BTreeMap<&str, _> = ["b", "a", "c"].map(|name| (name, named(name, &[]))).into();
    let forward = rulebook.evaluate(&facts(notebooks.values().cloned().collect())).findings;
    let backward = rulebook.evaluate(&facts(notebooks.values().rev().cloned().collect())).findings;
    assert_eq!(forward, backward);
}

#[test]
fn a_job_that_a_workflow_waits_for_is_only_reported() {
    const EXECUTION: &str = "arn:aws:states:eu-central-1:123456789012:execution:Train:run-1";
    let stop = "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"stop\"\n";
    let verdict = |policy: &str, name: &str, tags: &[(&str, &str)], workflow: Option<Workflow>| {
        let mut job = training_job("2026-11-24T01:00:00Z");
        job.resource = with_tags(resource(&format!("training-job/{name}")), tags);
        let workflows = workflow.into_iter().map(|workflow| (job.resource.id.clone(), workflow)).collect();
        let judgement = Rulebook::from_toml(policy).unwrap().evaluate(&Facts { training_jobs: vec![job], workflows, ..facts(vec![]) });
        let found = judgement.findings.into_iter().find(|found| found.rule == "training-on-demand").unwrap();
        (found.is_enforced(), found.waste.reason.to_string())
    };
    for (name, tags, workflow, because) in [
        ("churn", &[][..], None, None),
        ("churn", &[], Some(Workflow::None), None),
        ("churn", &[], Some(Workflow::Waits("pipeline/p/execution/e".into())), Some("because pipeline/p/execution/e waits for it")),
        ("churn", &[], Some(Workflow::Unknown("denied".into())), Some("because it is not known whether a workflow waits for it: denied")),
        ("pipelines-abc-Train-xyz", &[], None, Some("because the workflow that its name tells of waits for it")),
        ("pipelines-abc-Train-xyz", &[], Some(Workflow::None), Some("because the workflow that its name tells of waits for it")),
        ("churn", &[("AWS_STEP_FUNCTIONS_EXECUTION_ARN", EXECUTION)], None, Some(EXECUTION)),
        ("churn", &[("sagemaker:pipeline-name", "p")], None, Some("the workflow that its tag sagemaker:pipeline-name tells of")),
        ("churn", &[("services.k8s.aws/namespace", "ml")], None, Some("its tag services.k8s.aws/namespace")),
        // CREATE MODEL of Redshift ML, the components of Kubeflow Pipelines, notebook jobs of Studio, a job of a stack.
        ("redshiftml-20220621190735686935-xgboost", &[], None, Some("the workflow that its name tells of")),
        ("TrainingJob-20261124010203-AbC4", &[], None, Some("the workflow that its name tells of")),
        ("trainingjob-20261124010203-abc4", &[], Some(Workflow::None), Some("the workflow that its name tells of")),
        ("churn", &[("sagemaker:is-scheduling-notebook-job", "true")], None, Some("its tag sagemaker:is-scheduling-notebook-job")),
        ("churn", &[("sagemaker-notebook-execution", "TRUE")], None, Some("its tag sagemaker-notebook-execution")),
        ("churn", &[("aws:cloudformation:stack-name", "ml")], None, Some("its tag aws:cloudformation:stack-name")),
        ("redshiftml-demo", &[], None, None),
        ("TrainingJob-20261124", &[], None, None),
        ("churn", &[("sagemaker:project-name", "p")], None, None),
        ("churn", &[("Pipeline", "p")], None, None),
    ] {
        let (is_enforced, reason) = verdict(stop, name, tags, workflow);
        assert_eq!((is_enforced, reason.contains("only reported")), (because.is_none(), because.is_some()), "{name} {tags:?}: {reason}");
        assert!(because.is_none_or(|because| reason.contains(because)), "{because:?}: {reason}");
    }
    let own = "names = [\"flow-*\"]\ntags = [\"Airflow\"]\nnot-names = [\"flow-report-*\"]\nnot-tags = [\"airflow-zone\"]";
    let own = format!("{stop}[workflows]\n{own}");
    for (name, tags, is_enforced) in [
        ("flow-1", &[][..], false),
        ("flow-report-1", &[], true),
        ("churn", &[("Airflow", "dag")], false),
        ("churn", &[("airflow-zone", "b")], true),
        ("pipelines-1", &[], false),
        ("other", &[], true),
    ] {
        assert_eq!(verdict(&own, name, tags, None).0, is_enforced, "{name}");
    }
}
