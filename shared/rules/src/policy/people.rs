//! Reads whom the policy names: `people-roles` and `not-people` in `[creators]`, and `left` in `[ownership]`.

use serde::{Deserialize as _, Deserializer, de};

use crate::vocabulary::{
    globs::Globs,
    patterns::{OWNERS, USERS},
    resource::Arn,
};

/// Reads patterns of roles.
pub(super) fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    names(deserializer, "people-roles", role)
}

/// Reads patterns of users and sessions.
pub(super) fn users<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    names(deserializer, "not-people", user)
}

/// Reads patterns of owners.
pub(super) fn owners<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Globs, D::Error> {
    Globs::deserialize(deserializer)?.of_texts("left", &OWNERS)
}

/// Reads patterns of names. `name_in`: the name in an ARN or a path; the error says what to write.
fn names<'de, D: Deserializer<'de>>(deserializer: D, key: &str, name_in: fn(&str) -> Result<&str, String>) -> Result<Globs, D::Error> {
    let written = Vec::<String>::deserialize(deserializer)?;
    let wrong = |text: &String, why| de::Error::custom(format!("`{key}` has `{text}`, {why}"));
    let read = |text: &String| name_in(text.trim()).map(str::to_owned).map_err(|why| wrong(text, why));
    Globs::read(written.iter().map(read).collect::<Result<_, _>>()?).map_err(de::Error::custom)?.of_texts(key, &USERS)
}

/// The name of a role: of its ARN, of that of a session of it, or behind its path.
fn role(text: &str) -> Result<&str, String> {
    match Arn::parse(text).map_or(text, |arn| arn.resource).split_once('/') {
        Some(("user" | "federated-user", _)) => Err("which is no role: write the name of a role, for example \"ADFS-*\"".to_owned()),
        Some(("assumed-role", session)) => Ok(session.split('/').next().unwrap_or_default()),
        Some(("role", name)) => behind_path(name, "role"),
        Some(_) => behind_path(text.rsplit_once(':').map_or(text, |(_, id)| id), "role"),
        None => Ok(text),
    }
}

/// The name of a user or of a session: of its ARN, or behind its path.
fn user(text: &str) -> Result<&str, String> {
    match Arn::parse(text).map_or(text, |arn| arn.resource).split_once('/') {
        Some(("role", _)) => Err("which is a role: its sessions are people only where `people-roles` has it. Write names of users or of \
             sessions, for example \"etl-*\""
            .to_owned()),
        Some(("user" | "federated-user" | "assumed-role", name)) => behind_path(name, "user or a session"),
        Some(_) => behind_path(text, "user or a session"),
        None => Ok(text),
    }
}

/// The name behind a path. Of a pattern with a `/`, it is not certain what is meant.
fn behind_path<'t>(text: &'t str, what: &str) -> Result<&'t str, String> {
    let Some((path, name)) = text.rsplit_once('/') else { return Ok(text) };
    if text.contains(['*', '?', '[', '{']) {
        let meant = if name.contains(char::is_alphanumeric) { name } else { path.rsplit('/').next().unwrap_or_default() };
        return Err(format!("which has a `/`: write the name of a {what} alone, for example \"{meant}\""));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    #[test]
    fn a_role_or_a_user_that_is_named_otherwise_matched_nobody() {
        const IAM: &str = "arn:aws:iam::123456789012:";
        const STS: &str = "arn:aws:sts::123456789012:";
        for (key, text, read) in [
            ("people-roles", "DataScience", Ok("DataScience")),
            ("people-roles", "ADFS-*", Ok("ADFS-*")),
            ("people-roles", "*", Ok("*")),
            ("people-roles", &format!("{IAM}role/DataScience"), Ok("DataScience")),
            ("people-roles", &format!("{IAM}role/Data*"), Ok("Data*")),
            ("people-roles", &format!("{IAM}role/team/DataScience"), Ok("DataScience")),
            ("people-roles", &format!("{STS}assumed-role/DataScience/ann"), Ok("DataScience")),
            ("people-roles", "role/DataScience", Ok("DataScience")),
            ("people-roles", "team/DataScience", Ok("DataScience")),
            ("people-roles", "DataScience/*", Err("write the name of a role alone, for example \"DataScience\"")),
            ("people-roles", "team/Data*", Err("write the name of a role alone, for example \"Data*\"")),
            ("people-roles", &format!("{IAM}user/ann"), Err("which is no role")),
            ("people-roles", "Data.*", Err("here \"Data*\" may be meant")),
            ("people-roles", "^Data", Err("here \"Data\" may be meant")),
            ("people-roles", "DataScience, MLOps", Err("here \"{DataScience,MLOps}\" may be meant")),
            ("not-people", "etl-*", Ok("etl-*")),
            ("not-people", "svc.ml.*", Ok("svc.ml.*")),
            ("not-people", &format!("{IAM}user/scorer"), Ok("scorer")),
            ("not-people", &format!("{IAM}user/machines/scorer"), Ok("scorer")),
            ("not-people", &format!("{STS}assumed-role/Deploy/scorer"), Ok("scorer")),
            ("not-people", "user/scorer", Ok("scorer")),
            ("not-people", "Deploy/*", Err("write the name of a user or a session alone")),
            ("not-people", &format!("{IAM}role/Deploy"), Err("which is a role")),
            ("not-people", "scor.*", Err("here \"scor*\" may be meant")),
        ] {
            let policy = Policy::from_toml(&format!("[creators]\n{key} = [\"{text}\"]"));
            match (policy, read) {
                (Ok(policy), Ok(read)) => {
                    let creators = &policy.creators;
                    let globs = if key == "not-people" { &creators.not_people } else { &creators.people_roles };
                    assert_eq!(globs.texts(), [read], "{text}");
                }
                (Err(error), Err(says)) => assert!(error.to_string().contains(says) && error.to_string().contains(text), "{text}: {error}"),
                (policy, read) => panic!("{text}: {:?}, {read:?}", policy.err()),
            }
        }
    }
}
