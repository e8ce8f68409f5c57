//! A test of the module structure: it reads the `use` lines of both shared crates. A floor imports only lower floors, and no files import each other in a circle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The floors of cost-rules, from the lowest to the highest. Modules of the same floor do not import each other.
const RULES: &[&[&str]] = &[
    &["vocabulary"],
    &["savings_plan", "scaling"],
    &["inference", "remedy"],
    &["facts"],
    &["policy"],
    &["rules"],
    &["rulebook"],
    &["cases", "plan", "coverage"],
    &["events", "mail"],
    &["rehearsal", "report"],
];

/// The floors of cost-aws, likewise.
const AWS: &[&[&str]] = &[
    &["clients"],
    &["context"],
    &["bucket", "event", "ledger"],
    &["gather"],
    &["act"],
    &["area", "report", "subscriptions"],
    &["mailer"],
    &["caller", "cost_report", "coverage", "detach", "hibernation", "regular_mails", "settle", "serve"],
];

/// The modules of a crate, by path (`facts::notebooks`), each with the modules that its `use` lines name. Tests are left out.
#[expect(clippy::disallowed_methods, reason = "this test reads the source")]
fn imports(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let files = files(source);
    let modules: BTreeSet<String> = files.iter().map(|file| module_of(source, file)).collect();
    let of_file = |file: &PathBuf| {
        let module = module_of(source, file);
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let named = paths(code).into_iter().filter_map(|path| resolve(&path, &module, &modules)).filter(|named| *named != module);
        (module.clone(), named.collect())
    };
    files.iter().map(of_file).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.file_name().and_then(|name| name.to_str()) {
            _ if path.is_dir() => files(&path),
            Some("lib.rs" | "tests.rs" | "testing.rs" | "samples.rs" | "floors.rs") => vec![],
            Some(name) if Path::new(name).extension().is_some_and(|extension| extension == "rs") => vec![path],
            _ => vec![],
        })
        .collect()
}

fn module_of(source: &Path, file: &Path) -> String {
    let path = file.strip_prefix(source).unwrap().with_extension("");
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).filter(|part| *part != "mod").collect();
    parts.join("::")
}

/// The paths in `use` lines: `use crate::{a::B, c}` has `crate::a::B` and `crate::c`. A re-export (`pub use`) does not count as an import.
fn paths(code: &str) -> Vec<String> {
    let lines = code.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((*at - line.len(), line))
    });
    let uses = lines
        .filter(|(_, line)| line.trim_start().starts_with("use "))
        .filter_map(|(at, _)| code[at..].trim_start().strip_prefix("use ")?.split_once(';'));
    let uses = uses.map(|(tree, _)| tree);
    uses.filter(|tree| ["crate", "super", "self"].iter().any(|root| tree.starts_with(root))).flat_map(|tree| flat("", tree)).collect()
}

fn flat(prefix: &str, tree: &str) -> Vec<String> {
    let Some((head, inner)) = tree.split_once('{') else { return vec![format!("{prefix}{}", tree.trim())] };
    let prefix = format!("{prefix}{}", head.trim());
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let mut depth = 0;
    let branches = inner.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    branches.filter(|branch| !branch.trim().is_empty()).flat_map(|branch| flat(&prefix, branch.trim())).collect()
}

/// The module that a path names: the longest part of the path that is a module.
fn resolve(path: &str, module: &str, modules: &BTreeSet<String>) -> Option<String> {
    let mut parts: Vec<&str> = vec![];
    for part in path.split("::") {
        match part {
            "crate" => parts.clear(),
            "self" if parts.is_empty() => parts.extend(module.split("::")),
            "super" if parts.is_empty() => {
                parts.extend(module.split("::"));
                parts.pop();
            }
            "super" => drop(parts.pop()),
            part => parts.push(part.split(' ').next().unwrap_or_default()),
        }
    }
    (1..=parts.len()).rev().map(|length| parts[..length].join("::")).find(|known| modules.contains(known))
}

fn upwards(imports: &BTreeMap<String, BTreeSet<String>>, floors: &[&[&str]]) -> Vec<String> {
    let floor = |module: &str| {
        let room = module.split("::").next().unwrap_or_default();
        floors
            .iter()
            .position(|rooms| rooms.contains(&room))
            .unwrap_or_else(|| panic!("{module} is on no floor: add it to this test's list"))
    };
    let room = |module: &str| module.split("::").next().map(str::to_owned);
    let is_wrong = |of: &str, named: &str| room(of) != room(named) && floor(of) <= floor(named);
    let all = imports.iter().flat_map(|(of, named)| named.iter().map(move |named| (of, named)));
    all.filter(|(of, named)| is_wrong(of, named)).map(|(of, named)| format!("{of} imports {named}")).collect()
}

/// The files of a circle of imports, if there is one.
fn circle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit<'a>(
        module: &'a str,
        imports: &'a BTreeMap<String, BTreeSet<String>>,
        trail: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(at) = trail.iter().position(|seen| *seen == module) {
            return Some(trail[at..].iter().map(|seen| (*seen).to_owned()).collect());
        }
        if !done.insert(module) {
            return None;
        }
        trail.push(module);
        let found = imports.get(module).into_iter().flatten().find_map(|next| visit(next, imports, trail, done));
        trail.pop();
        found
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| visit(module, imports, &mut vec![], &mut done))
}

#[test]
fn a_floor_imports_lower_floors_only_and_no_files_import_each_other_in_a_circle() {
    for (folder, floors) in [("src", RULES), ("../aws/src", AWS)] {
        let imports = imports(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
        assert!(10 < imports.len(), "{folder}: the files were not found");
        assert_eq!(upwards(&imports, floors), Vec::<String>::new(), "{folder}: imports upwards");
        assert_eq!(circle(&imports), None, "{folder}: a circle of files");
    }
}

#[test]
fn the_test_sees_what_it_looks_for() {
    let modules: BTreeSet<String> = ["a", "a::b", "c"].map(str::to_owned).into();
    assert_eq!(
        paths("use crate::{a::{B, b::C}, c};\nuse super::x::Y;\nuse std::fmt;"),
        ["crate::a::B", "crate::a::b::C", "crate::c", "super::x::Y"]
    );
    assert_eq!(resolve("crate::a::b::C", "c", &modules).as_deref(), Some("a::b"));
    assert_eq!(resolve("super::B", "a::b", &modules).as_deref(), Some("a"));
    let of = |links: &[(&str, &str)]| -> BTreeMap<String, BTreeSet<String>> {
        links.iter().map(|(of, named)| ((*of).to_owned(), [(*named).to_owned()].into())).collect()
    };
    assert_eq!(upwards(&of(&[("low", "high")]), &[&["low"], &["high"]]), ["low imports high"]);
    assert!(upwards(&of(&[("high", "low")]), &[&["low"], &["high"]]).is_empty());
    assert!(circle(&of(&[("a", "b"), ("b", "c"), ("c", "a")])).is_some() && circle(&of(&[("a", "b"), ("b", "c")])).is_none());
}
