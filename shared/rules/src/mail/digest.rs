//! A mail, ready to be sent.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    plan::FindingKey,
    rules::verdict::Severity,
    vocabulary::{
        owners::{each, is_address},
        resource::UNOWNED,
    },
};

/// The room for team names in a mail's attributes, in bytes.
const TEAMS: usize = 8 * 1024;

/// The value of the attribute `owner` of the summary. `unowned` would send it to whoever subscribes to what nobody owns.
pub const PLATFORM: &str = "platform";

/// One mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The owner: `unowned` if no owner is known.
    pub owner: String,
    /// The functions that found what it is about.
    pub functions: Vec<String>,
    /// The teams of its findings: `unowned` if no team is known.
    pub teams: Vec<String>,
    /// The severity of its most urgent finding.
    pub severity: Severity,
    /// At most 99 printable ASCII characters.
    pub subject: String,
    /// Plain text. With subject and attributes it fits into one SNS message.
    pub body: String,
    /// The findings in this mail. Findings that did not fit are not among them.
    pub notified: Vec<FindingKey>,
    /// For whom it is.
    pub audience: Audience,
    /// How much it tells. `None`: it is the platform's summary.
    pub told: Option<Told>,
}

impl Digest {
    /// The values of the attribute `owner`: each owner, and `unowned` as well if one of them is no address: maybe nobody subscribes to a name.
    pub fn owners(&self) -> Vec<&str> {
        let mut owners = each(&self.owner);
        if ![UNOWNED, PLATFORM].contains(&self.owner.as_str()) && !owners.iter().all(|one| is_address(one)) {
            owners.push(UNOWNED);
        }
        owners
    }
}

/// For whom a mail is. Subscriptions can filter by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The owner. The policy says whether the platform's address gets it, too.
    Owner,
    /// The owner, and the platform's address at once.
    OwnerAndPlatform,
    /// The platform's address alone.
    Platform,
}

impl Audience {
    /// The audience of a mail to this owner. `is_urgent`: the platform has to know it at once.
    pub(crate) fn of(owner: &str, is_urgent: bool) -> Self {
        match is_urgent {
            _ if owner == UNOWNED => Self::Platform,
            true => Self::OwnerAndPlatform,
            // Maybe nobody subscribes to a name.
            false if !each(owner).into_iter().all(is_address) => Self::OwnerAndPlatform,
            false => Self::Owner,
        }
    }

    /// The values of the attribute `audience`.
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Owner => &["owner"],
            Self::OwnerAndPlatform => &["owner", "platform"],
            Self::Platform => &["platform"],
        }
    }
}

/// How much a mail tells, for the platform's summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Of how many stops it warns.
    pub warned: usize,
}

/// The teams of a mail, each once; `unowned` if there is none. More teams than fit are left out: a subscription that filters for one of them does not receive
/// the mail.
pub(crate) fn teams(teams: impl Iterator<Item = String>) -> Vec<String> {
    let mut room = TEAMS;
    let teams: BTreeSet<String> = teams.collect();
    let fits = |team: &String| {
        room = room.saturating_sub(team.len() + 3);
        0 < room
    };
    let mut teams: Vec<String> = teams.into_iter().filter(fits).collect();
    if teams.is_empty() {
        teams.push(UNOWNED.to_owned());
    }
    teams
}
