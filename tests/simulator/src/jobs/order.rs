//! Orders to page through the training jobs by key: a page costs what is on it, however many jobs there are.

use std::{ops::Bound, sync::Arc};

use jiff::Timestamp;

use super::{Jobs, life::Job};

/// By what jobs are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Name,
    Created,
    Modified,
    Status,
}

/// Which part of an order is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) order: Order,
    pub(crate) descending: bool,
    /// The place of the last job of the page before, as `place` wrote it.
    pub(crate) after: Option<&'a str>,
    /// Of the order by creation, only what was created from here …
    pub(crate) created_from: Option<Timestamp>,
    /// … to here is looked at; of others, all.
    pub(crate) created_to: Option<Timestamp>,
}

type Found<'a> = Box<dyn Iterator<Item = &'a Job> + 'a>;

impl Order {
    /// Where in the order a job is: all that is needed to go on behind it, even when it has changed meanwhile.
    pub(crate) fn place(self, job: &Job) -> String {
        let key = job.name.to_lowercase();
        match self {
            Self::Name | Self::Created => key,
            Self::Modified => format!("{}/{key}", job.modified().as_nanosecond()),
            Self::Status => format!("{}/{key}", job.last().status),
        }
    }
}

impl Jobs {
    /// The jobs of a part, in its order.
    pub(crate) fn in_order<'a>(&'a self, part: Part<'_>) -> Found<'a> {
        let job = |key: &'a Arc<str>| self.by_key(key);
        let (mark, key) = part.after.map(|place| place.rsplit_once('/').unwrap_or(("", place))).unzip();
        let last = key.filter(|key| !key.is_empty()).and_then(|key| Some((self.by_name().get_key_value(key)?, mark?)));
        match part.order {
            Order::Name => {
                let bound = key.filter(|key| !key.is_empty()).map(Arc::<str>::from);
                let range = self.by_name().range::<Arc<str>, _>(behind(bound, part.descending));
                turned(range.map(|(_, job)| job), part.descending)
            }
            Order::Created => {
                let (mut from, mut to) = behind(last.map(|((key, job), _)| (job.created(), Arc::clone(key))), part.descending);
                let nothing: Arc<str> = "".into();
                if let Some(at) = part.created_from {
                    let bound = (at, Arc::clone(&nothing));
                    if value(&from).is_none_or(|from| *from < bound) {
                        from = Bound::Included(bound);
                    }
                }
                // The first moment behind: names of any length are before it.
                if let Some(at) = part.created_to.and_then(|at| at.checked_add(jiff::SignedDuration::from_nanos(1)).ok()) {
                    let bound = (at, nothing);
                    if value(&to).is_none_or(|to| bound < *to) {
                        to = Bound::Excluded(bound);
                    }
                }
                if matches!((value(&from), value(&to)), (Some(from), Some(to)) if to <= from) {
                    return Box::new(std::iter::empty());
                }
                turned(self.by_created.range((from, to)).filter_map(move |(_, key)| job(key)), part.descending)
            }
            Order::Modified => {
                let at = |mark: &str| Timestamp::from_nanosecond(mark.parse().ok()?).ok();
                let bound = last.and_then(|((key, _), mark)| Some((at(mark)?, Arc::clone(key))));
                turned(self.by_modified.range(behind(bound, part.descending)).filter_map(move |(_, key)| job(key)), part.descending)
            }
            Order::Status => {
                let known = |mark: &str| crate::training::STATUSES.iter().find(|status| **status == mark).copied();
                let bound = last.and_then(|((key, job), mark)| Some((known(mark)?, job.created(), Arc::clone(key))));
                turned(self.by_status.range(behind(bound, part.descending)).filter_map(move |(_, _, key)| job(key)), part.descending)
            }
        }
    }
}

fn value<T>(bound: &Bound<T>) -> Option<&T> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

/// What lies behind a place, in the order that is wanted.
fn behind<T>(place: Option<T>, descending: bool) -> (Bound<T>, Bound<T>) {
    match (place, descending) {
        (None, _) => (Bound::Unbounded, Bound::Unbounded),
        (Some(place), false) => (Bound::Excluded(place), Bound::Unbounded),
        (Some(place), true) => (Bound::Unbounded, Bound::Excluded(place)),
    }
}

fn turned<'a>(ascending: impl DoubleEndedIterator<Item = &'a Job> + 'a, descending: bool) -> Found<'a> {
    if descending { Box::new(ascending.rev()) } else { Box::new(ascending) }
}
