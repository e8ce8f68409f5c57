//! Generates docs/rules.md: each rule's doc comment with the table of its settings and their defaults.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use cost_rules::{
    duration::Duration,
    rulebook::{COMMON_KEYS, Rulebook},
    rules::{self, rule::Manner},
};
use serde_json::Value;

/// The text of the page.
pub(crate) fn page() -> anyhow::Result<String> {
    let schema = Rulebook::schema();
    let sections = &schema["properties"]["rules"]["properties"];
    let mut text = String::from(
        "<!-- Made by `make docs` from the doc comments in shared/rules/src/rules. A test fails when it is stale. -->\n\
         # The rules\n\n\
         Each rule has a section `[rules.<name>]` in the policy. Beside its own settings below it has these:\n\n",
    );
    text += HEAD;
    for key in COMMON_KEYS {
        writeln!(text, "| `{key}` | {} | {} |", default_of_all(key, &schema), meaning(&sections[rules::ALL[0].name], key)?)?;
    }
    for rule in rules::ALL {
        let path = file_of(rule.name)?;
        let source = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        text.push('\n');
        for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
            // Headings move one level down, because the page has a title of its own.
            let line = line.strip_prefix(' ').unwrap_or(line);
            let deeper = if line.starts_with('#') { "#" } else { "" };
            writeln!(text, "{deeper}{line}")?;
        }
        let defaults = (rule.defaults)();
        if defaults.is_empty() {
            text += "None of its own.\n";
            continue;
        }
        text += HEAD;
        for (key, default) in defaults {
            writeln!(text, "| `{key}` | `{default}` | {} |", meaning(&sections[rule.name], &key)?)?;
        }
    }
    Ok(text)
}

const HEAD: &str = "| setting | default | meaning |\n|---|---|---|\n";

/// The doc comment of a setting, on one line.
fn meaning(section: &Value, key: &str) -> anyhow::Result<String> {
    let meaning = section["properties"][key]["description"].as_str().with_context(|| format!("`{key}` has no doc comment"))?;
    Ok(meaning.replace('\n', " "))
}

/// The default of a setting that all rules have, and the rules with another default.
fn default_of_all(key: &str, policy: &Value) -> String {
    let of_policy = format!("the policy's (`{}`)", policy["properties"][key]["default"]);
    match key {
        "grace" => with_others(&format!("`\"{}\"`", Manner::DEFAULT.grace), |manner| {
            Some(manner.grace).filter(|grace| manner.enforceable && *grace != Manner::DEFAULT.grace)
        }),
        "remind-after" => with_others(&of_policy, |manner| manner.remind_after),
        "escalate-after" => with_others("never", |manner| manner.escalate_after),
        "max-actions" => of_policy,
        "mode" => {
            let off = rules::ALL.iter().filter(|rule| rule.manner.only_if_named).map(|rule| format!("`{}`", rule.name));
            let off = off.collect::<Vec<_>>().join(", ");
            format!("{}; off without a section of its own: {off}", of_all_rules(key, policy))
        }
        _ => of_all_rules(key, policy),
    }
}

/// The default of a setting, as each rule has it.
fn of_all_rules(key: &str, policy: &Value) -> String {
    format!("`{}`", policy["properties"]["rules"]["properties"][rules::ALL[0].name]["properties"][key]["default"])
}

/// `never; "14d": missing-tag, invalid-tag-value`
fn with_others(usual: &str, other: impl Fn(&Manner) -> Option<Duration>) -> String {
    let mut others: BTreeMap<Duration, Vec<String>> = BTreeMap::new();
    for rule in rules::ALL {
        if let Some(length) = other(&rule.manner) {
            others.entry(length).or_default().push(format!("`{}`", rule.name));
        }
    }
    let words = others.into_iter().map(|(length, rules)| {
        let length = if length == Duration::LONGEST { "never".to_owned() } else { format!("`\"{length}\"`") };
        format!("; {length}: {}", rules.join(", "))
    });
    usual.to_owned() + &words.collect::<String>()
}

/// The source file of a rule: in the folder of its area, or in the folder above.
fn file_of(rule: &str) -> anyhow::Result<PathBuf> {
    let rules = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/src/rules"));
    let file = format!("{}.rs", rule.replace('-', "_"));
    let areas = fs::read_dir(rules).with_context(|| format!("{} cannot be read", rules.display()))?;
    let mut places = areas.filter_map(|area| Some(area.ok()?.path().join(&file))).chain([rules.join(&file)]);
    places.find(|path| path.is_file()).with_context(|| format!("no {file} under {}", rules.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_the_headings_of_the_manual() {
        let manual = page().unwrap();
        for rule in rules::ALL {
            let section =
                manual.split(&format!("\n## {}\n", rule.name)).nth(1).unwrap_or_else(|| panic!("{} has no `# {}`", rule.name, rule.name));
            let section = section.split("\n## ").next().unwrap();
            for heading in ["### What it finds", "### Why it costs money", "### What happens, and what is lost", "### Settings"] {
                assert!(section.contains(heading), "{}: {heading} is missing", rule.name);
            }
        }
    }
}
