//! By what a person's name is told from that of a group and from a placeholder: words, and the shapes of full names.

use std::sync::LazyLock;

use regex::Regex;

use crate::vocabulary::text::folded;

/// What stands where an owner has to be named, and names nobody. Without case, blanks, digits and marks.
const PLACEHOLDERS: &[&str] = &[
    "anonymous",
    "changeme",
    "changethis",
    "defaultuser",
    "donotreply",
    "dummy",
    "fillin",
    "fillme",
    "fillmein",
    "erikamustermann",
    "firstlast",
    "firstnamelastname",
    "fixme",
    "helloworld",
    "janedoe",
    "johndoe",
    "lastfirst",
    "maxmustermann",
    "myname",
    "myteam",
    "namesurname",
    "nobody",
    "nombreapellido",
    "nomecognome",
    "nomesobrenome",
    "noname",
    "none",
    "noone",
    "noowner",
    "noreply",
    "notapplicable",
    "notassigned",
    "notavailable",
    "notdefined",
    "notknown",
    "notset",
    "notspecified",
    "null",
    "ownername",
    "placeholder",
    "prenomnom",
    "prénomnom",
    "replaceme",
    "somebody",
    "someone",
    "tba",
    "tbc",
    "tbd",
    "tobeannounced",
    "tobeassigned",
    "tobeconfirmed",
    "tobedecided",
    "tobedefined",
    "tobedetermined",
    "todo",
    "unallocated",
    "unassigned",
    "unclaimed",
    "undefined",
    "unknown",
    "unowned",
    "unset",
    "unspecified",
    "untagged",
    "username",
    "voornaamachternaam",
    "vornamenachname",
    "youremail",
    "yourname",
    "yourteam",
];

/// Placeholders where they are all that stands there: also what is not a name, and words for everybody, whose address would mail the whole company. Before an
/// @ they may be a mailbox, or a name: `na@example.com`. In a full name they are a person's: `john.old`.
const PLACEHOLDERS_ALONE: &[&str] = &[
    "abandoned",
    "abc",
    "all",
    "alle",
    "allstaff",
    "allusers",
    "alumni",
    "anybody",
    "anyone",
    "archive",
    "archived",
    "asdf",
    "aucun",
    "aucune",
    "available",
    "bar",
    "blank",
    "brak",
    "client",
    "clients",
    "closed",
    "common",
    "company",
    "consultant",
    "contractor",
    "costcenter",
    "costcentre",
    "customer",
    "dba",
    "deactivated",
    "decommissioned",
    "default",
    "defaultowner",
    "delete",
    "deleted",
    "departed",
    "department",
    "deprecated",
    "desconhecida",
    "desconhecido",
    "desconocida",
    "desconocido",
    "disabled",
    "email",
    "employee",
    "empty",
    "entfällt",
    "everybody",
    "everyone",
    "everything",
    "example",
    "exemployee",
    "experiment",
    "expired",
    "external",
    "fake",
    "false",
    "foo",
    "foobar",
    "former",
    "formeremployee",
    "freelancer",
    "geen",
    "general",
    "generic",
    "global",
    "gone",
    "guest",
    "important",
    "inactive",
    "inconnu",
    "inconnue",
    "ingen",
    "intern",
    "internal",
    "interns",
    "itops",
    "kein",
    "keine",
    "keiner",
    "kostenstelle",
    "leaver",
    "leeg",
    "left",
    "legacy",
    "local",
    "localhost",
    "me",
    "misc",
    "missing",
    "multiple",
    "myself",
    "na",
    "nadie",
    "name",
    "nan",
    "nenhum",
    "nenhuma",
    "nessuna",
    "nessuno",
    "neznámý",
    "niemand",
    "nieznany",
    "nikt",
    "nil",
    "nincs",
    "ninguem",
    "ninguna",
    "ninguno",
    "ninguém",
    "no",
    "noc",
    "notowned",
    "notused",
    "nulla",
    "nãodefinido",
    "néant",
    "obsolete",
    "offboarded",
    "offen",
    "ohne",
    "okänd",
    "old",
    "onbekend",
    "open",
    "orphan",
    "orphaned",
    "other",
    "others",
    "owner",
    "ownerless",
    "pending",
    "people",
    "personne",
    "poc",
    "poweruser",
    "private",
    "public",
    "qwerty",
    "readonly",
    "removed",
    "reserved",
    "resigned",
    "retired",
    "rien",
    "root",
    "sample",
    "sampleowner",
    "sconosciuto",
    "self",
    "several",
    "shared",
    "spare",
    "sre",
    "staff",
    "stale",
    "students",
    "superuser",
    "temp",
    "temporary",
    "terminated",
    "test",
    "testowner",
    "tmp",
    "tobefilled",
    "todos",
    "tous",
    "true",
    "tuntematon",
    "tutti",
    "ukjent",
    "unavailable",
    "unbekannt",
    "unidentified",
    "unmanaged",
    "unused",
    "us",
    "user",
    "vacant",
    "vacío",
    "various",
    "vendor",
    "vide",
    "void",
    "waiting",
    "we",
    "yes",
    "yok",
    "неизвестен",
    "неизвестно",
    "нет",
    "никто",
    "なし",
    "不明",
    "全員",
    "共通",
    "待定",
    "所有人",
    "暂无",
    "未定",
    "未登録",
    "未知",
    "未設定",
    "未设置",
    "没有",
    "無し",
    "該当なし",
    "공용",
    "무",
    "미정",
    "없음",
    "해당없음",
];

/// Words that ask for an owner: `enter your name here`.
const ASKING: &[&str] = &[
    "address",
    "contact",
    "email",
    "firstname",
    "here",
    "lastname",
    "mail",
    "name",
    "names",
    "owner",
    "owners",
    "person",
    "surname",
    "user",
    "value",
];

/// Words that may stand beside [`ASKING`] or a placeholder.
const FILLING: &[&str] = &[
    "add", "be", "change", "enter", "fill", "first", "full", "in", "insert", "is", "it", "last", "me", "my", "no", "not", "please", "put",
    "replace", "set", "the", "this", "to", "update", "with", "yet", "your",
];

/// Words in the names of groups and of what they run. Nobody is named so, except [`GIVEN`].
const OF_GROUPS: &[&str] = &[
    "admin",
    "administrator",
    "admins",
    "agent",
    "analyst",
    "analysts",
    "analytics",
    "api",
    "app",
    "audit",
    "auditor",
    "automation",
    "backend",
    "batch",
    "bootcamp",
    "build",
    "builder",
    "churn",
    "classification",
    "classifier",
    "cleaner",
    "cron",
    "cronjob",
    "data",
    "demo",
    "deploy",
    "deployer",
    "deployment",
    "dept",
    "desk",
    "detection",
    "dev",
    "developer",
    "developers",
    "devops",
    "endpoint",
    "endpoints",
    "engineering",
    "etl",
    "finance",
    "finops",
    "forecast",
    "forecasting",
    "fraud",
    "frontend",
    "fullstack",
    "function",
    "group",
    "hackathon",
    "helpdesk",
    "inference",
    "infra",
    "infrastructure",
    "it",
    "job",
    "lab",
    "labs",
    "launcher",
    "loader",
    "ml",
    "mlops",
    "model",
    "models",
    "nightly",
    "notebook",
    "notebooks",
    "ops",
    "participant",
    "pipeline",
    "pipelines",
    "platform",
    "prediction",
    "predictor",
    "prod",
    "production",
    "project",
    "qa",
    "recommender",
    "research",
    "retrain",
    "sandbox",
    "scheduler",
    "science",
    "scientist",
    "scientists",
    "scoring",
    "segmentation",
    "service",
    "services",
    "staging",
    "starter",
    "stopper",
    "student",
    "support",
    "sysadmin",
    "system",
    "task",
    "team",
    "train",
    "trainer",
    "training",
    "trigger",
    "uat",
    "worker",
    "workflow",
    "workflows",
    "workshop",
];

/// What a group or a function is called where it is all that stands there. In a longer name it may be a person's: `ann.sales`.
const GROUPS_ALONE: &[&str] = &[
    "accounting",
    "audit",
    "billing",
    "board",
    "communications",
    "compliance",
    "computervision",
    "controlling",
    "design",
    "ds",
    "facilities",
    "genai",
    "governance",
    "growth",
    "hpc",
    "hr",
    "humanresources",
    "infosec",
    "leadership",
    "legal",
    "llm",
    "llms",
    "logistics",
    "management",
    "marketing",
    "nlp",
    "office",
    "operations",
    "personalization",
    "privacy",
    "procurement",
    "product",
    "purchasing",
    "quality",
    "rd",
    "recommendations",
    "risk",
    "rnd",
    "sales",
    "search",
    "secops",
    "security",
    "speech",
    "strategy",
    "swe",
    "treasury",
    "vision",
];

/// Words of [`OF_GROUPS`] that are given names too, at the beginning of a full name.
pub(super) const GIVEN: &[&str] = &["dev", "job"];

/// Words of [`OF_GROUPS`] that are surnames too, behind a word that is none of a group.
const SURNAMES: &[&str] = &["builder", "cleaner", "student", "trainer", "worker"];

/// Whether it stands where an owner has to be named, and names nobody: `TBD`, `n/a`, `-`, `xxx`, `FILL_ME_IN`, `your name here`.
pub(crate) fn is_placeholder(name: &str) -> bool {
    let text: String = folded(name).filter(|c| c.is_alphanumeric()).collect();
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    letters.is_empty()
        || text.chars().all(|c| text.starts_with(c))
        || [PLACEHOLDERS, PLACEHOLDERS_ALONE].iter().any(|list| list.contains(&letters.as_str()))
        || is_ticket(name)
        || is_variable(name)
        || asks_for_an_owner(name)
}

/// Whether it is a variable of Terraform that was written as a text: `var.owner`.
fn is_variable(name: &str) -> bool {
    const BEGINNINGS: [&str; 5] = ["var", "local", "data", "module", "each"];
    name.split_once('.').is_some_and(|(first, rest)| BEGINNINGS.contains(&first) && !rest.is_empty() && !rest.contains(char::is_whitespace))
}

/// Whether it is the key of a ticket: `JIRA-123`.
pub(crate) fn is_ticket(name: &str) -> bool {
    let is_project = |text: &str| (2..=10).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_uppercase());
    let is_number = |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    name.split_once('-').is_some_and(|(project, number)| is_project(project) && is_number(number))
}

/// Whether nobody reads the mail to an address: `noreply@example.com`, `TBD@example.com`, `your.name@example.com`.
pub(super) fn is_nobodys_mailbox(address: &str) -> bool {
    let name = address.split(['@', '+']).next().unwrap_or_default();
    let letters: String = folded(name).filter(|c| c.is_alphabetic()).collect();
    let is_crossed_out = 2 <= letters.len() && letters.bytes().all(|letter| letter == b'x');
    // As documentation has them. With a number, a company may name its people so.
    let is_sample = ["email", "example", "name", "owner", "user"].iter().any(|word| name.eq_ignore_ascii_case(word));
    is_crossed_out || is_sample || PLACEHOLDERS.contains(&letters.as_str()) || asks_for_an_owner(name)
}

/// Whether two words or more do nothing but ask for an owner, or say that there is none: `<insert owner here>`, `no owner yet`, `unknown user`.
fn asks_for_an_owner(name: &str) -> bool {
    let words = words(name);
    // A short one, such as `na`, may be half of a name.
    let is_long = |word: &str| 3 < word.len() || ["tba", "tbc", "tbd"].contains(&word);
    let is_placeholder = |word: &str| is_long(word) && [PLACEHOLDERS, PLACEHOLDERS_ALONE].iter().any(|list| list.contains(&word));
    let asks = |word: &String| is_in(ASKING, word) || is_placeholder(word);
    2 <= words.len() && words.iter().any(asks) && words.iter().all(|word| asks(word) || is_in(FILLING, word))
}

/// Whether it says that it is a group of people, or what such a one does: `SageMaker Team`, `HR`, `on-call`.
pub(crate) fn is_group(name: &str) -> bool {
    const GROUPS: &[&str] = &["team", "group", "squad", "guild", "dept", "department"];
    let text: String = folded(name).collect();
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    // Whoever is on call changes: `vision-oncall`.
    let words = words(name);
    let is_on_call =
        || words.iter().any(|word| is_in(&["oncall"], word)) || words.windows(2).any(|pair| pair[0] == "on" && pair[1] == "call");
    is_on_call()
        || GROUPS_ALONE.contains(&letters.as_str())
        || GROUPS.iter().any(|group| text.trim_end_matches('s').ends_with(group) && text != *group)
}

/// Whether it says that it names somebody who is gone or not meant: `was ann@example.com`, `ex-ann`, `formerly Ann`, `ann (left)`, `not ann`.
pub(super) fn is_of_the_past(name: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        const BEFORE: &str = "ancien(?:ne)?|anciennement|before|ehemals|ex|former|formerly|früher|originally|prev\\.?|previous|previously|until recently|used to be|\
                              vormals|was|were";
        const BEHIND: &str = "deactivated|departed|disabled|ex|former|gone|has left|inactive|left|no longer (?:here|with us)|offboarded|resigned|retired|terminated";
        const VERB: &str = "ask|bother|contact|e-?mail|mail|message|notify|ping|send to|use|write to|write";
        // An address may begin so: `ex-ann@example.com`.
        let before = format!(r"(?:{BEFORE})(?:[\s:=(]+.|[-_.][^@]*$)");
        let behind = format!(r".*[^\s(\[](?:\s*[(\[]\s*|\s+[-–—]\s+)(?:{BEHIND})\b.*|.*\S\s*[:=]\s*(?:{BEHIND})[\s\d/-]*$");
        // `do not delete, ann@example.com` is Ann's.
        let not = format!(
            r"(?:(?:except|not)[\s:=]+\S+(?:\s+\S+)?\s*$|(?:please\s+)?(?:do not|don['’]?t|never|no longer)\s+(?:(?:{VERB})\s+)?\S*@)"
        );
        Regex::new(&format!(r"^\s*[(\[]?(?i:{before}|{behind}|{not}|.*\S\s+has left.*|.*\S\s+no longer\b[^@]*$)|^.*[^\s(\[]\s+(?:left|gone|retired|inactive)\W*$"))
            .ok()
    });
    PATTERN.as_ref().is_some_and(|pattern| pattern.is_match(name))
}

/// Whether a word is in the names of groups, or of what they run.
pub(crate) fn is_of_group(word: &str) -> bool {
    is_in(OF_GROUPS, word) || is_two_of_groups(word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// Whether two such words are written in one: `datascience`, `mlengineer`.
fn is_two_of_groups(word: &str) -> bool {
    // People are called so, too: `Engineer`.
    let is_last = |rest: &str| OF_GROUPS.contains(&rest) || ["engineer", "engineers"].contains(&rest);
    OF_GROUPS.iter().any(|first| word.strip_prefix(first).is_some_and(is_last))
}

/// Whether a word is in a list, with or without the digits at its end.
pub(super) fn is_in(list: &[&str], word: &str) -> bool {
    list.contains(&word) || list.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))
}

/// Whether a person may have this name, and it can stand before the @ of an address.
pub(super) fn can_be_a_person(name: &str) -> bool {
    let is_local_part = name.chars().all(|c| c.is_alphanumeric() || "._+-'".contains(c));
    let is_of_work = || match full_name(name).as_deref() {
        Some([first, rest @ ..]) if is_in(GIVEN, first) => rest.iter().any(|word| is_of_group(word)),
        Some([first, last]) if name.contains('.') && is_in(SURNAMES, last) => is_of_group(first) || is_group(first),
        _ => words(name).iter().any(|word| is_of_group(word)),
    };
    is_local_part && name.starts_with(char::is_alphanumeric) && name.ends_with(char::is_alphanumeric) && !is_of_work()
}

/// The words of a name in lower case. They end at what is neither a letter nor a digit, and before a capital in camel case. Numbers are left out.
pub(super) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let is_hump = |at: usize| {
        let (before, after) = (chars[at - 1], chars.get(at + 1));
        chars[at].is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && after.is_some_and(|c| c.is_lowercase())))
    };
    let mut words = vec![String::new()];
    for (at, c) in chars.iter().enumerate() {
        let ends = !c.is_alphanumeric() || (0 < at && is_hump(at));
        if ends {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| word.contains(|c: char| !c.is_ascii_digit()));
    words
}

/// The words of a text in the form in which people write a first and a last name: `ann.example`, `anna-maria.example2`, `Ann Example`, `AnnExample`,
/// `Example, Ann`, `EXAMPLE Ann`. Words that are names of people as well as of tools are names of people there.
pub(crate) fn full_name(name: &str) -> Option<Vec<String>> {
    let is_of_letters = |part: &str| {
        let letters = part.replace(['-', '\''], "");
        !letters.is_empty() && letters.chars().all(char::is_alphabetic)
    };
    // Two capitals are an abbreviation: `CI`.
    let is_in_capitals = |part: &str| 2 < part.chars().count() && part.chars().all(|c| c.is_uppercase() || "-'".contains(c));
    let is_capitalized = |part: &str| part.starts_with(char::is_uppercase) && (part.contains(char::is_lowercase) || is_in_capitals(part));
    let is_in_camel_case = || name.starts_with(char::is_uppercase) && is_of_letters(name) && !name.contains('-') && !has_acronym(name);
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let spaced = name.replacen(", ", " ", 1);
    let is_spaced = || {
        let has_small_letter = spaced != name || name.contains(char::is_lowercase);
        has_small_letter && spaced.contains(' ') && spaced.split_whitespace().all(|part| is_of_letters(part) && is_capitalized(part))
    };
    let is_full =
        (plain.contains('.') && name.len() - plain.len() <= 2 && plain.split('.').all(is_of_letters)) || is_spaced() || is_in_camel_case();
    Some(words(plain)).filter(|words| is_full && (2..=4).contains(&words.len()))
}

/// Whether two capitals stand beside each other: `CIRunner`.
pub(super) fn has_acronym(name: &str) -> bool {
    name.chars().zip(name.chars().skip(1)).any(|(a, b)| a.is_uppercase() && b.is_uppercase())
}
