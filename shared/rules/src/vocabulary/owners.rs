//! Whom a text names: the grammar of owners' tags, users and sessions. The words and shapes by
//! which a person is told from a machine and from a group are in `people` and `machines`.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use regex::{Captures, Regex};

use crate::vocabulary::{
    machines::{are_initials_and_number, is_id, is_machine, is_of_identity_center, is_of_role, is_part_of_program, is_principal},
    people::{can_be_a_person, full_name, has_acronym, is_group, is_nobodys_mailbox, is_of_the_past, is_placeholder},
    resource::Arn,
    text::{has_no_width, one_line},
};

/// What stands between the addresses of several owners.
const AND: &str = ", ";

/// Whom a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The addresses in it, in lower case, sorted, with `, ` between them.
    Addresses(String),
    /// A name that a person may have, and that can stand before the @ of an address.
    Person(String),
    /// The session of a role, with such a name of one word. Programs choose their sessions' names as they like, so it is a person only where the policy says so.
    Session {
        /// The role's name. Empty: not known.
        role: String,
        /// The session's name.
        name: String,
    },
    /// Two people or more, by names of this kind and by addresses: in lower case, sorted.
    Several(Vec<String>),
    /// Something else that has a meaning for people, such as the name of a group.
    Other(String),
    /// A machine, an id or a placeholder.
    Nobody,
}

impl Named {
    /// Reads a text: a tag's value, a user's name, a session's name, or an ARN of these.
    ///
    /// In doubt it is nobody: then whoever runs the platform gets the mail. A mail to an address that does not exist reaches nobody at all.
    pub fn of(text: &str) -> Self {
        let text = one_line(&seen(text));
        let text = present(&text);
        let text = without_place(&text);
        if let Some(people) = several(text).or_else(|| several_in_full(text)) {
            return Self::Several(people);
        }
        if let Some(addresses) = addresses(text) {
            let real: Vec<&str> = each(&addresses).into_iter().filter(|address| !is_nobodys_mailbox(address)).collect();
            return if real.is_empty() { Self::Nobody } else { Self::Addresses(real.join(AND)) };
        }
        let Some(Name { text: name, role }) = name_in(undecorated(text)) else { return Self::Nobody };
        let name = undecorated(name);
        let named = Self::by_name(name);
        match role.filter(|role| !is_of_identity_center(role)) {
            Some(role) => named.in_session(role),
            None => named,
        }
    }

    fn by_name(name: &str) -> Self {
        match name {
            // An address that cannot be read for certain.
            name if name.contains('@') || name.contains("..") => Self::Nobody,
            name if are_initials_and_number(name) => Self::Person(name.to_owned()),
            name if is_placeholder(name) => Self::Nobody,
            name if is_group(name) => Self::Other(name.to_owned()),
            name if is_machine(name) || is_id(name) => Self::Nobody,
            name if can_be_a_person(name) && (ends_as_domain(name) || ends_as_file(name)) => Self::Nobody,
            name if can_be_a_person(name) => Self::Person(name.to_owned()),
            name => Self::Other(name.to_owned()),
        }
    }

    /// The same, if it is the name of a session of a role that programs may use, too: of these, `first.last` is a person's name.
    fn in_session(self, role: &str) -> Self {
        match self {
            Self::Person(name) if name.contains('.') && full_name(&name).is_some() && !is_part_of_program(&name) => Self::Person(name),
            Self::Person(name) => Self::Session { role: role.to_owned(), name },
            _ => Self::Nobody,
        }
    }
}

/// The text without those who are gone or not meant, and without the word that says so of the others: `bob` of `was ann, now bob`, `ann -> bob`, `bob (was ann)`.
fn present(text: &str) -> Cow<'_, str> {
    let text = without_asides(successor(text).unwrap_or(text));
    // A tag of SageMaker can have no other sign between two people. Without blanks, it is a path.
    let spaced = text.replace(" / ", " ; ");
    let parts: Vec<&str> = spaced.split_inclusive([',', ';', '|']).collect();
    if !parts.iter().any(|part| is_of_the_past(part)) {
        return text;
    }
    let kept: String = parts.into_iter().filter(|part| !is_of_the_past(part)).collect();
    let kept = kept.trim();
    let now = |word: &str| kept.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).map(|_| kept[word.len()..].trim());
    now("now ").unwrap_or(kept).trim_end_matches([',', ';', '|']).to_owned().into()
}

/// Who comes after the others: behind the last arrow, the one behind `now`, or who is called new: `old:ann new:bob`. Between two addresses, `to` is an arrow, also behind `handed over`:
/// `from ann@example.com to bob@example.com`. `None`: nobody does.
fn successor(text: &str) -> Option<&str> {
    static ARROW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^.*\S\s*(?:[-=]>|→)\s*(\S.*)$").ok());
    static NOW: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^.*\S\s*[(\[,;]\s*now:?\s+([^\s()\[\],;]+)\s*[)\]]?\s*$").ok());
    static NEW: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)^.*\S\s+(?:current|new|now)(?:\s+owner)?\s*[:=]\s*([^()\[\],;]*[^\s()\[\],;])\s*$").ok());
    static WAS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^\s*was\s[^,;|/]*\snow\s+([^\s,;|/]+)\s*$").ok());
    static TO: LazyLock<Option<Regex>> = LazyLock::new(|| {
        const WHEN: &str = r"(?:[^,;|/@]*\s)?(?:new|now|then|(?:till|until)\s+[\d./-]+)";
        // Who reports or escalates to somebody stays the owner.
        const HANDED: &str = r"(?:(?:changed|goes|handed|has|is|moved|moves|over|passed|reassigned|transferred|was)\s+)*to";
        Regex::new(&format!(r"(?i)^[^,;|/]*\S@\S+\s+(?:{WHEN}|{HANDED})\s+(\S+@[^\s,;|/]+)\s*$")).ok()
    });
    static INSTEAD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)^\s*(\S+)\s+instead\s+of\s+\S+\s*$").ok());
    [&ARROW, &NOW, &NEW, &WAS, &TO, &INSTEAD].iter().find_map(|pattern| Some(pattern.as_ref()?.captures(text)?.get(1)?.as_str()))
}

/// The text without what is said of somebody who is gone or not meant, in brackets or behind an address: `bob@example.com (was ann@example.com)`.
fn without_asides(text: &str) -> Cow<'_, str> {
    static ASIDE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s*[(\[]([^()\[\]]*)[)\]]").ok());
    static BEHIND: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)^(.*@\S*\w)\s+(?:[-–—]\s*)?((?:was|formerly|previously|prev\.?|ex|not)[\s:]+\S+@.*)$").ok());
    let Some((aside, behind)) = ASIDE.as_ref().zip(BEHIND.as_ref()) else { return text.into() };
    let kept = aside.replace_all(text, |found: &Captures<'_>| if is_of_the_past(&found[1]) { String::new() } else { found[0].to_owned() });
    match behind.captures(&kept).and_then(|found| found.get(1)) {
        Some(before) => before.as_str().to_owned().into(),
        None => kept,
    }
}

/// The owners in the text of an owner, if it has several (as `joined` writes them), else the whole text. `Decker, Arun` is one person.
pub fn each(owner: &str) -> Vec<&str> {
    let is_one = |part: &&str| part.contains('@') || !part.contains(|c: char| c.is_whitespace() || c.is_uppercase());
    let parts: Vec<&str> = owner.split(AND).collect();
    if parts.iter().all(is_one) { parts } else { vec![owner] }
}

/// Several owners as the text of one owner, each once.
pub(crate) fn joined(owners: impl Iterator<Item = String>) -> String {
    owners.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(AND)
}

/// Whether a mail can be addressed to an owner.
pub(crate) fn is_address(owner: &str) -> bool {
    owner.contains('@')
}

/// An owner without those of several who are gone. `None`: nobody is left.
pub(crate) fn without(owner: &str, is_gone: impl Fn(&str) -> bool) -> Option<String> {
    let here: Vec<&str> = each(owner).into_iter().filter(|one| !is_gone(one)).collect();
    (!here.is_empty()).then(|| here.join(AND))
}

/// The addresses in a text, also those that are written for people: `ann (at) example.com`. What may be another address than it seems, such as
/// `ann@example..com`, is left out. `None`: there are none.
pub fn addresses(text: &str) -> Option<String> {
    let text = seen(text).to_lowercase();
    let text = with_semicolons(&text);
    let pieces = text.split([',', ';', '|', '\n']);
    let found: BTreeSet<String> =
        pieces.flat_map(|piece| written_out(piece).map_or_else(|| addresses_in(piece), |one| vec![one])).collect();
    (!found.is_empty()).then(|| joined(found.into_iter()))
}

/// The people in a text that names two or more, not all of them by addresses: `ann, bob`, `Ann/Bob`, `ann@example.com; bob`. `None`: it does not, or not all
/// of it are names of people. `Decker, Arun` is one person, and so are `Decker, Arun <arun@example.com>` and `CORP/ann@example.com`.
fn several(text: &str) -> Option<Vec<String>> {
    static SEPARATORS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?i)[,;|/]|\s(?:and|und|&)\s").ok());
    let with_semicolons = with_semicolons(text);
    let parts: Vec<&str> = SEPARATORS.as_ref()?.split(&with_semicolons).map(str::trim).collect();
    let is_path = is_address(text) && text.replace(" / ", "").contains('/');
    if parts.len() < 2 || is_path || in_domain(text).is_some() || text.contains(['<', '(']) || full_name(&text.replace(',', ", ")).is_some()
    {
        return None;
    }
    let mut people = BTreeSet::new();
    for part in parts {
        match Named::of(part) {
            Named::Person(name) => drop(people.insert(name.to_lowercase())),
            Named::Addresses(address) if !part.contains(char::is_whitespace) => drop(people.insert(address)),
            Named::Nobody if is_placeholder(part) => {}
            _ => return None,
        }
    }
    let is_by_address = people.iter().all(|one| is_address(one));
    (2 <= people.len() && !is_by_address).then(|| people.into_iter().collect())
}

/// The people in a text of full names with `+` or ` - ` between them, as a tag of SageMaker can have no comma: `ann.example+bob.example`. `ann+ml` is one mailbox.
fn several_in_full(text: &str) -> Option<Vec<String>> {
    let spaced = text.replace('+', " - ");
    let parts: BTreeSet<String> = spaced.split(" - ").map(|part| part.trim().to_lowercase()).collect();
    (2 <= parts.len() && parts.iter().all(|part| is_full(part))).then(|| parts.into_iter().collect())
}

/// Whether it is `first.last` of a person.
fn is_full(name: &str) -> bool {
    name.contains('.') && full_name(name).is_some() && matches!(Named::by_name(name), Named::Person(_))
}

/// The text without where the person is: `user/ann`, `123456789012:user/ann`, and `d-abcdefghij12/ann`, a user profile of a domain.
fn without_place(text: &str) -> &str {
    static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:(?:\d{12}:)?(?i:users?)|d-[a-z0-9]{8,})/").ok());
    let found = PLACE.as_ref().and_then(|place| place.find(text));
    found.map_or(text, |place| &text[place.end()..])
}

/// The text with `;` for each `&` that stands between names or addresses. In `r&d@example.com` it is a part of the name.
fn with_semicolons(text: &str) -> Cow<'_, str> {
    let mut parts = text.split('&');
    let is_between = !is_address(text) || parts.all(is_address);
    if is_between { text.replace('&', ";").into() } else { text.into() }
}

/// The text without characters that cannot be seen, and with `@` and `.` as a keyboard for Latin letters writes them.
fn seen(text: &str) -> String {
    let plain = |c: char| match c {
        '＠' | '﹫' => '@',
        '．' | '。' => '.',
        c => c,
    };
    let mut plain: String = text.chars().filter(|c| !has_no_width(*c)).map(plain).collect();
    while plain.contains("@@") {
        plain = plain.replace("@@", "@");
    }
    plain
}

const LOCAL: &str = r"[\p{L}\p{N}_][\p{L}\p{M}\p{N}._+'-]*";
const DOMAIN: &str = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}.-]*[\p{L}\p{M}\p{N}])?\.(?:xn--[a-z0-9-]+|\p{L}{2,})";

/// The address that a text is as a whole, with blanks or `at` in it: `ann at example dot com`, `mailto:ann@ example.com`. In a longer text, `at` is a word.
fn written_out(text: &str) -> Option<String> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let at = r"(?:\s*@\s*|\s*[(\[{<]\s*at\s*[)\]}>]\s*|\s+at\s+)";
        Regex::new(&format!(r"^\s*(?:[a-z-]+\s*[:=]\s*)?({LOCAL}){at}({DOMAIN})[\s.]*$")).ok()
    });
    static DOT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s*[(\[{<]\s*dot\s*[)\]}>]\s*|\s+dot\s+").ok());
    let text = DOT.as_ref()?.replace_all(text, ".");
    let found = PATTERN.as_ref()?.captures(&text)?;
    Some(format!("{}@{}", &found[1], &found[2])).filter(|address| is_right(address))
}

/// The addresses within a text that begin and end where they seem to.
fn addresses_in(text: &str) -> Vec<String> {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!("{LOCAL}@{DOMAIN}")).ok());
    // What may be a part of the name before the @: `r&d@example.com` is not `d@example.com`.
    let begins = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || is_mark(c) || "_.@&!#$%^*~?’‘´�".contains(c));
    let ends = |after: &str| {
        let goes_on = after.strip_prefix('.').is_some_and(|more| more.starts_with(char::is_alphanumeric));
        !goes_on && !after.starts_with(|c: char| c.is_alphanumeric() || is_mark(c) || "_@%�".contains(c))
    };
    let found = PATTERN.iter().flat_map(|pattern| pattern.find_iter(text));
    let whole = found.filter(|found| begins(&text[..found.start()]) && ends(&text[found.end()..]));
    whole.map(|found| found.as_str().to_owned()).filter(|address| is_right(address)).collect()
}

/// Whether it ends as an address does, without an @ in it: `ann_at_example.com`, `ann.example.com`. With a domain behind it, it would be nobody's address.
fn ends_as_domain(name: &str) -> bool {
    const ENDS: [&str; 9] = ["com", "corp", "edu", "gov", "internal", "lan", "local", "net", "org"];
    let (front, end) = name.rsplit_once(['.', '-', '_']).unwrap_or_default();
    !front.is_empty() && ENDS.contains(&end.to_lowercase().as_str())
}

/// Whether it is the name of a file, by which programs name their sessions: `main.py`.
fn ends_as_file(name: &str) -> bool {
    const ENDS: [&str; 8] = ["ipynb", "js", "json", "py", "sh", "ts", "yaml", "yml"];
    name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end.to_lowercase().as_str()))
}

/// Whether an address has no dot too many.
fn is_right(address: &str) -> bool {
    !address.contains("..") && !address.contains(".@")
}

/// Whether it is a mark that belongs to the letter before it.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// A name in a text.
struct Name<'t> {
    text: &'t str,
    /// The role whose session has this name. Empty: it is not known which one.
    role: Option<&'t str>,
}

impl<'t> Name<'t> {
    const fn plain(text: &'t str) -> Self {
        Self { text, role: None }
    }
}

/// The name of the user or of the session in what `CloudTrail` says of a creator: `ann` in `arn:aws:sts::123456789012:assumed-role/DataScience/ann`.
pub(crate) fn user_in(creator: &str) -> &str {
    name_in(creator).map_or(creator, |name| name.text)
}

/// The name in a text: the end of an ARN or of a principal's id (`AROAEXAMPLE:ann`), the user in a directory (`CORP\ann`, `uid=ann,ou=people`), what stands
/// behind a label (`user:ann`, `@ann`, before a full name any: `lead=ann.example`), else the whole text. `None`: the ARN names nobody.
fn name_in(text: &str) -> Option<Name<'_>> {
    const LABELS: [&str; 9] = ["contact", "email", "mail", "mailto", "name", "owner", "uid", "user", "username"];
    let text = text.trim();
    if let Some(arn) = Arn::parse(text) {
        return match arn.resource.split_once('/')? {
            ("user" | "federated-user", name) => name.rsplit('/').next().map(Name::plain),
            ("assumed-role", name) => name.rsplit_once('/').map(|(role, session)| Name { text: session, role: Some(role) }),
            _ => None,
        };
    }
    if let Some(name) = in_directory(text).or_else(|| in_domain(text)).or_else(|| text.strip_prefix('@')) {
        return Some(Name::plain(name.trim()));
    }
    match text.split_once(':') {
        Some((id, name)) if is_principal(id) => Some(Name { text: name.trim(), role: is_of_role(id).then_some("") }),
        Some((id, name)) if id.bytes().all(|byte| byte.is_ascii_digit()) => Some(Name::plain(name.trim())),
        Some((label, name)) if LABELS.contains(&label.trim().to_lowercase().as_str()) => name_in(name),
        _ => {
            let behind_label = text.split_once([':', '=', '/']).map(|(_, name)| name.trim()).filter(|name| is_full(name));
            Some(Name::plain(behind_label.unwrap_or(text)))
        }
    }
}

/// The user in a distinguished name: `ann` in `cn=Ann Example,uid=ann,ou=people,dc=example`. `None`: it is none, or that of a group.
fn in_directory(text: &str) -> Option<&str> {
    const KEYS: [&str; 6] = ["uid", "userid", "samaccountname", "user", "owner", "cn"];
    let entries: Vec<(&str, &str)> = text.split(',').map(|entry| entry.split_once('=')).collect::<Option<_>>()?;
    let value_of = |wanted: &str| entries.iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim());
    let is_of_groups = value_of("ou").is_some_and(|unit| ["group", "role", "team"].iter().any(|group| unit.to_lowercase().contains(group)));
    KEYS.into_iter().find_map(value_of).filter(|_| !is_of_groups)
}

/// The user of a Windows domain: `ann` in `CORP\ann`, or in `CORP/ann`, because a tag of SageMaker can have no backslash. `Ann/Bob` are two people.
fn in_domain(text: &str) -> Option<&str> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['\\', '=', ',', '/']);
    let is_domain = |(domain, user): &(&str, &str)| has_acronym(domain) && !has_acronym(user) && !user.starts_with(char::is_whitespace);
    let parted = text.split_once('\\').or_else(|| text.split_once('/').filter(is_domain));
    parted.filter(|(domain, user)| is_plain(domain) && is_plain(user)).map(|(_, user)| user)
}

/// The text without what marks it as a place to fill in, or as a quotation: `<owner>`, `[owner]`, `${owner}`, `"ann"`.
fn undecorated(text: &str) -> &str {
    const AROUND: [(&str, &str); 9] =
        [("<", ">"), ("[", "]"), ("{", "}"), ("(", ")"), ("${", "}"), ("\"", "\""), ("'", "'"), ("`", "`"), ("__", "__")];
    let text = text.trim();
    let inner = AROUND.iter().find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    inner.map_or(text, undecorated)
}

#[cfg(test)]
mod tests;
