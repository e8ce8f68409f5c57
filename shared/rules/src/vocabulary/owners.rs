//! Whom a text names: the grammar of owners' tags, users and sessions. The words and shapes by
//! which a person is told from a machine and from a group are in `people` and `machines`.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use crate::vocabulary::{
    machines::{is_id, is_machine, is_principal},
    people::{can_be_a_person, is_group, is_nobodys_mailbox, is_placeholder},
    resource::Arn,
    text::one_line,
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
        let text = one_line(text);
        if let Some(addresses) = addresses(&text) {
            let real: Vec<&str> = each(&addresses).into_iter().filter(|address| !is_nobodys_mailbox(address)).collect();
            return if real.is_empty() { Self::Nobody } else { Self::Addresses(real.join(AND)) };
        }
        match name_in(undecorated(&text)).map(undecorated) {
            None => Self::Nobody,
            Some(name) if is_placeholder(name) => Self::Nobody,
            Some(name) if is_group(name) => Self::Other(name.to_owned()),
            Some(name) if is_machine(name) || is_id(name) => Self::Nobody,
            Some(name) if can_be_a_person(name) => Self::Person(name.to_owned()),
            Some(name) => Self::Other(name.to_owned()),
        }
    }
}

/// The owners in the text of an owner: the addresses if it has several, else the whole text.
pub fn each(owner: &str) -> Vec<&str> {
    let parts: Vec<&str> = owner.split(AND).collect();
    if parts.iter().all(|part| part.contains('@')) { parts } else { vec![owner] }
}

/// An owner without those of several who are gone. `None`: nobody is left.
pub(crate) fn without(owner: &str, is_gone: impl Fn(&str) -> bool) -> Option<String> {
    let here: Vec<&str> = each(owner).into_iter().filter(|one| !is_gone(one)).collect();
    (!here.is_empty()).then(|| here.join(AND))
}

/// The addresses in a text, also those that are written for people: `ann (at) example.com`. `None`: there are none.
pub fn addresses(text: &str) -> Option<String> {
    const ADDRESS: &str = r"[\p{L}\p{N}_][\p{L}\p{N}._+'-]*@[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?\.(?:xn--[a-z0-9-]+|\p{L}{2,})";
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ADDRESS).ok());
    static AT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s*[(\[{<]\s*at\s*[)\]}>]\s*").ok());
    static DOT: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s*[(\[{<]\s*dot\s*[)\]}>]\s*").ok());
    let text = text.to_lowercase();
    let text = AT.as_ref()?.replace_all(&text, "@");
    let text = DOT.as_ref()?.replace_all(&text, ".");
    let found: BTreeSet<&str> = PATTERN.as_ref()?.find_iter(&text).map(|found| found.as_str()).collect();
    (!found.is_empty()).then(|| found.into_iter().collect::<Vec<_>>().join(AND))
}

/// The name in a text: the end of an ARN or of a principal's id (`AROAEXAMPLE:ann`), the user in a directory (`CORP\ann`, `uid=ann,ou=people`), what stands
/// behind a label (`user:ann`, `@ann`), else the whole text. `None`: the ARN names nobody.
fn name_in(text: &str) -> Option<&str> {
    const LABELS: [&str; 9] = ["contact", "email", "mail", "mailto", "name", "owner", "uid", "user", "username"];
    let text = text.trim();
    if let Some(arn) = Arn::parse(text) {
        return match arn.resource.split_once('/')? {
            ("user" | "federated-user", name) => name.rsplit('/').next(),
            ("assumed-role", name) => name.rsplit_once('/').map(|(_, session)| session),
            _ => None,
        };
    }
    if let Some(name) = in_directory(text).or_else(|| in_domain(text)).or_else(|| text.strip_prefix('@')) {
        return Some(name.trim());
    }
    match text.split_once(':') {
        Some((id, name)) if is_principal(id) || id.bytes().all(|byte| byte.is_ascii_digit()) => Some(name.trim()),
        Some((label, name)) if LABELS.contains(&label.trim().to_lowercase().as_str()) => name_in(name),
        _ => Some(text),
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

/// The user of a Windows domain: `ann` in `CORP\ann`.
fn in_domain(text: &str) -> Option<&str> {
    let is_plain = |part: &str| !part.is_empty() && !part.contains(['\\', '=', ',', '/']);
    text.split_once('\\').filter(|(domain, user)| is_plain(domain) && is_plain(user)).map(|(_, user)| user)
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
