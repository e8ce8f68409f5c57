//! What all gatherers share: pages, lists, and the messages about what could not be read.

use std::collections::{BTreeSet, HashMap, HashSet};

use aws_sdk_sagemaker::error::ProvideErrorMetadata;
use aws_smithy_types::DateTime;
use cost_rules::{
    facts::{Facts, Subject, Unread},
    resource::Kind,
};
use jiff::Timestamp;
use rust_decimal::{Decimal, dec, prelude::FromPrimitive as _};
use tokio::time::Instant;

use crate::clients::Clients;

/// The most single resources that are read at the same time. AWS does not publish its quotas; with this many, no call is lost when a quota is reached.
pub(super) const IN_FLIGHT: usize = 8;

/// The largest amount that is accepted.
const MOST: Decimal = dec!(1_000_000_000_000_000);

/// The most names in a message about resources that could not be read.
const NAMES_TOLD: usize = 5;

/// What was read, or why it could not be read, with the operation and AWS's error code.
pub(crate) type Read<T> = Result<T, String>;

/// The result of reading lists.
pub struct Listed<T> {
    pub(super) items: Vec<T>,
    /// The kinds that were listed completely.
    pub(super) complete: Vec<Kind>,
    pub(super) unread: Vec<Unread>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { items: vec![], complete: vec![], unread: vec![] }
    }
}

impl<T> Listed<T> {
    /// Reads a list, page after page. `page` reads the page of a token and returns its items and the next token; an item is `None` if AWS gave it no name or no
    /// ARN. `id` identifies an item: one that is on two pages, because the list changed while it was read, is returned once.
    pub(super) async fn read(
        clients: &Clients,
        kind: Kind,
        operation: &str,
        id: impl Fn(&T) -> String,
        page: impl AsyncFnMut(Option<String>) -> Read<(Vec<Option<T>>, Option<String>)>,
    ) -> Self {
        Self::read_of(clients, kind, &format!("sagemaker:{operation}"), id, page).await
    }

    /// The same for any service: `operation` includes the service, as in `sagemaker:ListApps`.
    pub(super) async fn read_of(
        clients: &Clients,
        kind: Kind,
        operation: &str,
        id: impl Fn(&T) -> String,
        mut page: impl AsyncFnMut(Option<String>) -> Read<(Vec<Option<T>>, Option<String>)>,
    ) -> Self {
        let (mut items, mut ids, mut nameless) = (vec![], HashSet::new(), 0);
        let read = every_page(clients, async |token| {
            let (found, next) = page(token).await?;
            for item in found {
                match item {
                    Some(item) if ids.insert(id(&item)) => items.push(item),
                    Some(_) => {}
                    None => nameless += 1,
                }
            }
            Ok(next)
        });
        let why = read.await.err().or_else(|| (0 < nameless).then(|| format!("{nameless} came without a name or an ARN")));
        let unread = why.map(|why| Unread::new(format!("{}s ({operation})", kind.words()), why));
        Self { items, complete: if unread.is_none() { vec![kind] } else { vec![] }, unread: unread.into_iter().collect() }
    }

    /// Returns the items. Adds the complete kinds, and what could not be read, to the facts.
    pub fn into_facts(self, facts: &mut Facts) -> Vec<T> {
        facts.reading.complete.extend(self.complete);
        facts.reading.unread.extend(self.unread);
        self.items
    }
}

impl<T: Subject> Listed<T> {
    /// Returns the items that have these ids. Ids that are not in a complete list are gone. The kinds do not become complete: only some items are returned.
    pub(super) fn only(mut self, ids: &BTreeSet<String>, facts: &mut Facts) -> Vec<T> {
        self.items.retain(|item| ids.contains(&item.resource().id));
        if !self.complete.is_empty() {
            let is_listed = |id: &&String| self.items.iter().any(|item| item.resource().id == **id);
            facts.reading.gone.extend(ids.iter().filter(|id| !is_listed(id)).cloned());
        }
        facts.reading.unread.extend(self.unread);
        self.items
    }
}

impl Clients {
    /// Returns an error if there is no time left to read. To be called before every call that is one of many.
    pub(super) fn in_time(&self) -> Read<()> {
        match self.read_until {
            Some(until) if until < Instant::now() => Err("this run was out of time for it".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Reads page after page; `page` reads the page of a token and returns the next token. A repeated token is an error: the SDK's own paginators end silently in
/// that case, as if the list were complete.
pub(super) async fn every_page(clients: &Clients, mut page: impl AsyncFnMut(Option<String>) -> Read<Option<String>>) -> Read<()> {
    let mut seen = HashSet::new();
    let mut token = None;
    loop {
        clients.in_time()?;
        match page(token).await?.filter(|next| !next.is_empty()) {
            None => return Ok(()),
            Some(next) if seen.insert(next.clone()) => token = Some(next),
            Some(_) => return Err("page token repeated: the rest of the list could not be read".to_owned()),
        }
    }
}

/// Single resources that were read, by id: those that exist, those that are gone, and those that could not be read, with the reason.
pub(super) struct Looked<T> {
    pub(super) there: HashMap<String, T>,
    pub(super) gone: BTreeSet<String>,
    pub(super) failed: Vec<(String, String)>,
}

impl<T> FromIterator<(String, Read<Option<T>>)> for Looked<T> {
    fn from_iter<I: IntoIterator<Item = (String, Read<Option<T>>)>>(reads: I) -> Self {
        let mut looked = Self { there: HashMap::new(), gone: BTreeSet::new(), failed: vec![] };
        for (id, read) in reads {
            match read {
                Ok(Some(found)) => drop(looked.there.insert(id, found)),
                Ok(None) => drop(looked.gone.insert(id)),
                Err(why) => looked.failed.push((id, why)),
            }
        }
        looked
    }
}

/// One message about single resources (id, reason) that could not be read: one message each would hide the rest of the report. `None`: there are none.
pub(super) fn unread_of(what: &str, failed: &[(String, String)]) -> Option<Unread> {
    let (_, why) = failed.first()?;
    let names = failed.iter().take(NAMES_TOLD).map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ");
    let failures = match failed.len() {
        1 => format!("{what} of {names}"),
        many if many <= NAMES_TOLD => format!("{what} of {many} resources ({names})"),
        many => format!("{what} of {many} resources ({names}, …)"),
    };
    Some(Unread::new(failures, why).with_cause(format!("{what} of resources")))
}

/// Whether an error says that the resource does not exist. Few operations of `SageMaker` have an error of their own for this; the others say it in the message
/// of a `ValidationException`.
pub(crate) fn says_gone(error: &impl ProvideErrorMetadata) -> bool {
    let message = error.message().unwrap_or_default();
    match error.code() {
        Some("ResourceNotFound" | "ResourceNotFoundException") => true,
        Some("ValidationException") => {
            ["RecordNotFound", "not found", "Could not find", "does not exist"].iter().any(|text| message.contains(text))
        }
        _ => false,
    }
}

/// Whether an error says that the Region does not have the operation, and so no such resources: "The requested operation is not supported in the called
/// region."
pub(super) fn is_not_in_this_region(error: &impl ProvideErrorMetadata) -> bool {
    error.code() == Some("UnknownOperationException")
}

pub(super) fn name_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// An amount as AWS writes it: `12`, `12.50`, `1.2E+3`.
pub(super) fn decimal(text: &str) -> Read<Decimal> {
    let amount =
        text.parse().or_else(|_| Decimal::from_scientific(text)).map_err(|_| format!("an amount is `{text}`, expected a number"))?;
    // Larger amounts are errors, and sums of them could overflow.
    if MOST < Decimal::abs(&amount) { Err(format!("an amount is `{text}`: that cannot be")) } else { Ok(amount) }
}

/// An amount that the SDK has only as a binary float, rounded to six decimal places.
pub(super) fn amount(number: f64) -> Option<Decimal> {
    Decimal::from_f64(number).map(|amount| amount.round_dp(6).normalize())
}

pub(super) fn timestamp(time: Option<&DateTime>) -> Option<Timestamp> {
    Timestamp::from_millisecond(time?.to_millis().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    #[tokio::test]
    async fn pages_are_read_until_there_is_no_next_one() {
        for (tokens, calls, complete) in [
            (vec![None], 1, true),
            (vec![Some("a"), None], 2, true),
            (vec![Some("a"), Some("")], 2, true),
            (vec![Some("a"), Some("a")], 2, false),
            (vec![Some("a"), Some("b"), Some("a")], 3, false),
        ] {
            let mut asked = vec![];
            let clients = crate::testing::clients();
            let read = every_page(&clients, async |token| {
                asked.push(token);
                Ok(tokens[asked.len() - 1].map(str::to_owned))
            });
            let read = read.await;
            assert_eq!((asked.len(), read.is_ok()), (calls, complete), "{tokens:?}");
            assert!(read.err().is_none_or(|why| why.contains("page token repeated")), "{tokens:?}");
        }
    }

    #[tokio::test]
    async fn reading_ends_when_its_time_is_over() {
        let late = Clients { read_until: Some(Instant::now()), ..crate::testing::clients() };
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let why = every_page(&late, async |_| panic!("no call is begun")).await.unwrap_err();
        assert!(why.contains("out of time"), "{why}");
    }

    #[tokio::test]
    async fn what_is_on_two_pages_is_there_once() {
        let page = async |token: Option<String>| match token {
            None => Ok((vec![Some("a"), Some("b")], Some("next".to_owned()))),
            Some(_) => Ok((vec![Some("b"), Some("c")], None)),
        };
        let listed = Listed::read(&crate::testing::clients(), Kind::App, "ListApps", |item| (*item).to_owned(), page).await;
        assert_eq!((listed.items, listed.complete), (vec!["a", "b", "c"], vec![Kind::App]));
    }

    #[test]
    fn many_failures_are_one_line() {
        let failed: Vec<_> = (0..7).map(|index| (format!("notebook-instance/{index}"), "AccessDeniedException: no".to_owned())).collect();
        assert_eq!(unread_of("tags", &[]), None);
        assert_eq!(unread_of("tags", &failed[..1]).unwrap().what, "tags of notebook-instance/0");
        assert_eq!(unread_of("tags", &failed[..2]).unwrap().what, "tags of 2 resources (notebook-instance/0, notebook-instance/1)");
        let many = unread_of("tags", &failed).unwrap();
        assert!(many.what.starts_with("tags of 7 resources (") && many.what.ends_with("/4, …)"), "{}", many.what);
    }

    #[test]
    fn only_a_word_of_the_service_makes_a_resource_gone() {
        for (code, message, gone) in [
            ("ValidationException", "RecordNotFound", true),
            ("ValidationException", "Could not find notebook", true),
            ("ValidationException", "1 validation error detected", false),
            ("ResourceNotFound", "", true),
            ("AccessDeniedException", "not authorized: role not found", false),
            ("ThrottlingException", "Rate exceeded", false),
        ] {
            assert_eq!(says_gone(&ErrorMetadata::builder().code(code).message(message).build()), gone, "{code}: {message}");
        }
    }
}
