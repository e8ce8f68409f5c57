//! By what the name of a machine and an id are told from a person's name: words, and shapes.

use crate::vocabulary::{
    letters::is_word,
    machine_words::{ALSO_NAMES, LAST_WORDS, PARTS, SERVICES, TOOLS, WORDS, WORK},
    people::{GIVEN, full_name, has_acronym, is_group, is_in, is_of_group, is_placeholder, words},
};

/// Whether it is the name of a service of AWS, of a tool, or of a session that such a one begins.
pub fn is_machine(name: &str) -> bool {
    if are_initials_and_number(name) {
        return false;
    }
    let lower = name.to_lowercase();
    let is_of_aws = |start: &str| lower.strip_prefix(start).is_some_and(|rest| !rest.starts_with('.'));
    if is_of_aws("aws") || is_of_aws("amazon") || is_host(&lower) {
        return true;
    }
    // Where an acronym ends is not known: `MLflow`.
    if has_acronym(name) && has_tool(&words(&lower)) {
        return true;
    }
    if let Some(full) = full_name(name) {
        return match name {
            name if name.contains('.') => is_machine_with_dot(&full),
            name if name.contains(',') => has_machines_word(&full) || is_for_groups(&full),
            name => is_machine_with_capitals(&full, name.contains(' ')),
        };
    }
    let words = words(name);
    is_account_of_program(&lower)
        || is_work(&words)
        || has_machines_word(&words)
        || words.iter().any(|word| is_in(ALSO_NAMES, word))
        || is_technical(&words)
}

/// Whether a session is named after its role, `ray` in `Ray-Cluster`: roles of programs are named as the programs are. Roles of IAM Identity Center are people's.
pub fn is_named_after(session: &str, role: &str) -> bool {
    let (session, role_words) = (words(session), words(role));
    !is_of_identity_center(role) && !session.is_empty() && session.iter().all(|word| role_words.contains(word))
}

/// Whether it is a role of IAM Identity Center: its sessions are people's.
pub(super) fn is_of_identity_center(role: &str) -> bool {
    role.starts_with("AWSReservedSSO_")
}

/// Whether a name in the form `first.last` is a machine's all the same: `terraform.prod`, `svc.churn`, `jenkins.prod`.
fn is_machine_with_dot(words: &[String]) -> bool {
    // Of the others, a person may be called so: `anna.drone`, `j.emr`.
    let is_machines = |word: &String| is_in(&["robot", "runner", "svc"], word);
    let begins = words.first().is_some_and(|first| is_in(WORDS, first) || ["bot", "service", "srv"].contains(&first.as_str()));
    begins || ends_as_machine(words) || words.iter().any(is_machines) || has_tool(words) || is_tool_at_work(words)
}

/// Whether a session's name in the form `first.last` is that of a part of a program all the same: `redis.cache`, `credit.risk`, `ann-mbp.fritz.box`. Programs
/// choose the names of their sessions as they like, so fewer words make a machine than elsewhere.
pub(super) fn is_part_of_program(name: &str) -> bool {
    const NETWORKS: &[&str] = &["box", "cluster", "home", "internal", "lan", "local"];
    let words = words(name);
    let is_given = words.first().is_some_and(|first| is_in(GIVEN, first));
    let is_part =
        |word: &String| [WORK, LAST_WORDS, SERVICES, PARTS].iter().any(|list| is_in(list, word)) || is_of_group(word) || is_group(word);
    // `jan.bot` may be a person, but programs call more sessions so.
    words.iter().skip(usize::from(is_given)).any(is_part) || words.last().is_some_and(|last| is_in(NETWORKS, last) || last == "bot")
}

/// Whether a name in the form `First Last` or `FirstLast` is a machine's all the same: `Jenkins Prod`, `MyFunction`, `CodeBuild`.
fn is_machine_with_capitals(words: &[String], is_spaced: bool) -> bool {
    // `JenkinsMaster`, `MyJenkins`, and `Maria Jenkins`. `Ci` is a given name, too.
    let is_tool = |word: &String| word != "ci" && is_in(ALSO_NAMES, word);
    let is_at_work = || words.iter().any(is_tool) && words.iter().any(|word| is_in(WORK, word));
    let is_tool_in_camel_case = !is_spaced && (words.first().is_some_and(is_tool) || is_at_work());
    is_tool_in_camel_case || has_machines_word(words) || is_technical(words) || is_tool_at_work(words)
}

/// Whether a name has no other words than those of tools and of what they do, or a tool's beside one of a group: `Travis Build`.
fn is_tool_at_work(words: &[String]) -> bool {
    is_work(words) || words.iter().all(|word| is_in(ALSO_NAMES, word)) || is_for_groups(words)
}

/// Whether it has the name of a tool, and a word that is in the names of groups: no person is named so.
fn is_for_groups(words: &[String]) -> bool {
    words.iter().any(|word| is_in(ALSO_NAMES, word)) && words.iter().any(|word| is_of_group(word))
}

fn has_machines_word(words: &[String]) -> bool {
    ends_as_machine(words) || words.iter().any(|word| is_in(WORDS, word))
}

fn ends_as_machine(words: &[String]) -> bool {
    words.last().is_some_and(|last| is_in(LAST_WORDS, last))
}

fn is_work(words: &[String]) -> bool {
    !words.is_empty() && words.iter().all(|word| is_in(WORK, word))
}

/// What people administrate with users that they share: `iamadmin`, `cloudops`.
const ADMINISTRATED: &[&str] = &[
    "aws", "cloud", "cluster", "db", "dev", "domain", "iam", "k8s", "linux", "net", "network", "org", "root", "sec", "security", "sys",
    "web",
];

/// Whether these words have the name of a tool in them, or of a service beside others, or one is the account of a program: `etluser`, `svcchurn`, `gluesession`,
/// `fluxbot`.
fn is_technical(words: &[String]) -> bool {
    let is_longer = |word: &str, mark: &str| mark.len() + 1 < word.len();
    // `buser` and `talbot` are people.
    let is_of_tool = |word: &str| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let before =
            |ends: &[&str], is_technical: fn(&str) -> bool| ends.iter().any(|end| word.strip_suffix(end).is_some_and(is_technical));
        before(&["user", "users", "bot", "runner", "admin", "acct"], is_known)
            || before(&["admin", "admins", "administrator", "ops"], |rest| ADMINISTRATED.contains(&rest))
    };
    let has_service = || 1 < words.len() && words.iter().any(|word| SERVICES.contains(&word.as_str()));
    has_tool(words)
        || has_service()
        || words.iter().any(|word| {
            is_of_tool(word)
                || (is_longer(word, "svc") && (word.starts_with("svc") || word.ends_with("svc")))
                || (is_longer(word, "session") && word.ends_with("session"))
                || (is_longer(word, "lambda") && word.starts_with("lambda"))
        })
}

/// Whether the name of a tool begins and ends where words do, `git-hub`, or is in a word that has nothing else than what tools do: `githubactions`.
fn has_tool(words: &[String]) -> bool {
    let plain = |word: &String| word.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    TOOLS.iter().any(|tool| {
        let parts: Vec<&str> = tool.split(' ').collect();
        let whole = parts.concat();
        let rest_of = |word: &String| word.strip_prefix(&whole).or_else(|| word.strip_suffix(&whole)).map(str::to_owned);
        words.windows(parts.len()).any(|run| run.iter().map(plain).eq(parts.iter().copied()))
            || words.iter().filter_map(rest_of).any(|rest| is_made_of_work(&rest, MOST_WORK))
    })
}

/// The most words of work in one word with the name of a tool. Without a limit, a text that somebody makes up may take for ever.
const MOST_WORK: usize = 3;

/// Whether letters are nothing but so many words for what machines do, one behind the other, and digits.
fn is_made_of_work(letters: &str, most: usize) -> bool {
    let letters = letters.trim_matches(|c: char| c.is_ascii_digit());
    let mut work = [WORK, WORDS, LAST_WORDS, ALSO_NAMES].into_iter().flatten();
    let is_rest = |rest: &str| 0 < most && is_made_of_work(rest, most - 1);
    letters.is_empty() || is_of_group(letters) || work.any(|word| letters.strip_prefix(word).is_some_and(is_rest))
}

/// Whether it is a word that is in the names of machines or of groups, or a placeholder that is no part of a name.
fn is_known(word: &str) -> bool {
    let is_placeholder = || 4 <= word.len() && is_placeholder(word);
    [WORDS, ALSO_NAMES, WORK, SERVICES].iter().any(|list| is_in(list, word))
        || is_of_group(word)
        || is_placeholder()
        || has_tool(&[word.to_owned()])
}

/// Whether it begins as companies name the accounts of programs, and those with which people administrate: `sa-churn`, `npa_ml`, `adm-ann`.
fn is_account_of_program(lower: &str) -> bool {
    const BEGINNINGS: [&str; 7] = ["adm", "fid", "npa", "sa", "srv", "svc", "sys"];
    lower.split_once(['-', '_']).is_some_and(|(first, rest)| BEGINNINGS.contains(&first) && !rest.is_empty())
}

/// Whether it is the name of a host by its address: `ip-10-0-0-1`.
fn is_host(name: &str) -> bool {
    name.strip_prefix("ip-").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '-'))
}

/// Whether it has an id in it: digits, a time, a UUID, hexadecimal digits, a random text, or the id of a principal.
pub(super) fn is_id(name: &str) -> bool {
    let whole: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_id = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let letters = part.chars().filter(|c| c.is_alphabetic()).count();
        let is_counted = (letters == 0 && 6 <= digits) || 8 <= digits || (8 <= part.len() && is_hex(part) && 0 < digits);
        (is_counted && !is_numbered_person(part)) || is_random(part) || is_principal(part) || is_of_slack(part)
    };
    (16 <= whole.len() && is_hex(&whole)) || name.split(|c: char| !c.is_alphanumeric()).any(is_id)
}

/// Whether it is the id of a member in Slack: `U02ABCDEF`.
fn is_of_slack(part: &str) -> bool {
    let has_digit_inside = part.trim_matches(|c: char| c.is_ascii_digit()).contains(|c: char| c.is_ascii_digit());
    9 <= part.len()
        && part.starts_with(['U', 'W'])
        && has_digit_inside
        && part.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// Whether it is the number of an employee, `e1234567`, or a name with a date of birth, `jane19850412`. Today's date behind a name is that of a session.
///
/// Companies whose users have numbers have no other names for them: if these were nobody's, nobody there would hear of anything. Programs rarely name their
/// sessions so.
fn is_numbered_person(part: &str) -> bool {
    let number = part.trim_start_matches(char::is_alphabetic);
    let letters = part.chars().count() - number.chars().count();
    let year = number.get(..4).filter(|_| number.len() == 8 && is_day(number)).and_then(|year| year.parse::<u16>().ok());
    let is_birth = year.is_some_and(|year| (1930..=2010).contains(&year));
    let is_recent = year.is_some_and(|year| (2011..=2099).contains(&year));
    number.bytes().all(|byte| byte.is_ascii_digit())
        && match letters {
            0 => false,
            1..=3 => number.len() <= 9 && !is_recent,
            _ => is_birth,
        }
}

/// Whether it is one to three initials and a number of four digits or more, as universities, banks and insurers name their users: `ml12345`. Two letters are
/// some word of machines or groups as often as not.
pub(super) fn are_initials_and_number(name: &str) -> bool {
    let number = name.trim_start_matches(char::is_alphabetic);
    let letters = name.chars().count() - number.chars().count();
    (1..=3).contains(&letters) && 4 <= number.len() && is_numbered_person(name)
}

/// Whether these eight digits end with a month and a day.
fn is_day(number: &str) -> bool {
    let part = |from, to| number.get(from..to).and_then(|part: &str| part.parse::<u8>().ok());
    part(4, 6).is_some_and(|month| (1..=12).contains(&month)) && part(6, 8).is_some_and(|day| (1..=31).contains(&day))
}

/// Whether letters and digits stand in it without an order that a name has. Names of 28 letters and more are rare, so they have to look like words.
fn is_random(part: &str) -> bool {
    let pairs = || part.chars().zip(part.chars().skip(1));
    let rises = pairs().filter(|(a, b)| a.is_lowercase() && b.is_uppercase()).count();
    let has_digit_inside = part.trim_matches(|c: char| c.is_ascii_digit()).contains(|c: char| c.is_ascii_digit());
    let length = part.chars().count();
    (28 <= length && part.is_ascii() && !is_word(part)) || (10 <= length && (has_digit_inside || (3 <= rises && length <= 4 * rises)))
}

/// Whether it is the id that IAM gives a role, a user or a key.
pub(super) fn is_principal(part: &str) -> bool {
    let is_of_iam = ["AROA", "AIDA", "ASIA", "AKIA"].iter().any(|start| part.starts_with(start));
    is_of_iam && 8 <= part.len() && part.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Whether the id of a principal is that of a role.
pub(super) fn is_of_role(principal: &str) -> bool {
    principal.starts_with("AROA")
}
