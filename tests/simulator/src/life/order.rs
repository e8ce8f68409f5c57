//! Resources in the sort orders of lists, by key. The cost of a page depends on its size, not on the number of resources.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::wire::{Page, Refusal, page_of, text};

/// Something that can be listed.
pub(crate) trait Listed {
    fn name(&self) -> &str;
    fn created(&self) -> Timestamp;
    fn modified(&self) -> Timestamp;
    fn status(&self) -> &'static str;

    /// The key of its parent. The children of one parent can be listed alone.
    fn parent(&self) -> Option<&Arc<str>> {
        None
    }
}

/// A sort order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Name,
    Created,
    Modified,
    Status,
}

/// The part of an order that is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) order: Order,
    pub(crate) descending: bool,
    /// The last item of the page before, as written by `Order::place`.
    pub(crate) after: Option<&'a str>,
    /// In the order by creation, only what was created from here …
    pub(crate) created_from: Option<Timestamp>,
    /// … to here is looked at. In other orders this is ignored.
    pub(crate) created_to: Option<Timestamp>,
    /// Only the children of this parent are looked at.
    pub(crate) parent: Option<&'a str>,
}

/// A page, and the next page's token.
pub(crate) type Paged<'a, T> = (Vec<&'a T>, Option<String>);

type Found<'a, T> = Box<dyn Iterator<Item = &'a T> + 'a>;

/// Resources by name in lower case, because ARNs have it in lower case.
pub(crate) struct Ordered<T> {
    all: BTreeMap<Arc<str>, T>,
    /// The keys are those of `all`.
    by_created: BTreeSet<(Timestamp, Arc<str>)>,
    by_modified: BTreeSet<(Timestamp, Arc<str>)>,
    by_status: BTreeSet<(&'static str, Timestamp, Arc<str>)>,
    by_parent: BTreeMap<Arc<str>, BTreeSet<(Timestamp, Arc<str>)>>,
}

/// The values of a resource that may change its position in an order.
#[derive(Clone, Copy)]
struct Place {
    status: &'static str,
    modified: Timestamp,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            by_created: BTreeSet::new(),
            by_modified: BTreeSet::new(),
            by_status: BTreeSet::new(),
            by_parent: BTreeMap::new(),
        }
    }
}

impl Order {
    /// The position of an item in the order. It suffices to continue after the item, even if the item has changed since.
    pub(crate) fn place(self, one: &impl Listed) -> String {
        let key = one.name().to_lowercase();
        match self {
            Self::Name | Self::Created => key,
            Self::Modified => format!("{}|{key}", one.modified().as_nanosecond()),
            Self::Status => format!("{}|{key}", one.status()),
        }
    }
}

impl<T: Listed> Ordered<T> {
    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.all.get(name.to_lowercase().as_str())
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<&T> {
        self.all.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.all.values()
    }

    /// Adds an item and returns its key.
    pub(crate) fn insert(&mut self, one: T) -> Arc<str> {
        let key: Arc<str> = one.name().to_lowercase().into();
        self.by_created.insert((one.created(), Arc::clone(&key)));
        self.by_modified.insert((one.modified(), Arc::clone(&key)));
        self.by_status.insert((one.status(), one.created(), Arc::clone(&key)));
        if let Some(parent) = one.parent() {
            self.by_parent.entry(Arc::clone(parent)).or_default().insert((one.created(), Arc::clone(&key)));
        }
        self.all.insert(Arc::clone(&key), one);
        key
    }

    /// Changes an item. Its name, creation time and parent must stay the same.
    pub(crate) fn change<R>(&mut self, key: &str, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let (key, before) = self.all.get_key_value(key).map(|(key, one)| (Arc::clone(key), place_of(one)))?;
        let one = self.all.get_mut(&key)?;
        let result = change(one);
        let (created, now) = (one.created(), place_of(one));
        if before.modified != now.modified {
            self.by_modified.remove(&(before.modified, Arc::clone(&key)));
            self.by_modified.insert((now.modified, Arc::clone(&key)));
        }
        if before.status != now.status {
            self.by_status.remove(&(before.status, created, Arc::clone(&key)));
            self.by_status.insert((now.status, created, key));
        }
        Some(result)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        let (key, one) = self.all.remove_entry(key)?;
        self.by_created.remove(&(one.created(), Arc::clone(&key)));
        self.by_modified.remove(&(one.modified(), Arc::clone(&key)));
        self.by_status.remove(&(one.status(), one.created(), Arc::clone(&key)));
        if let Some(children) = one.parent().and_then(|parent| self.by_parent.get_mut(parent)) {
            children.remove(&(one.created(), key));
        }
        Some(one)
    }

    /// The children of a parent, oldest first.
    pub(crate) fn of(&self, parent: &str) -> impl DoubleEndedIterator<Item = &T> {
        self.by_parent.get(parent).into_iter().flatten().filter_map(|(_, key)| self.by_key(key))
    }

    /// The items of a part, in its order.
    pub(crate) fn in_order<'a>(&'a self, part: Part<'_>) -> Found<'a, T> {
        let one = |key: &'a Arc<str>| self.by_key(key);
        if let Some(parent) = part.parent {
            return self.few_in_order(parent, part);
        }
        let (mark, key) = part.after.map(|place| place.rsplit_once('|').unwrap_or(("", place))).unzip();
        let last = key.filter(|key| !key.is_empty()).and_then(|key| Some((self.all.get_key_value(key)?, mark?)));
        match part.order {
            Order::Name => {
                let bound = key.filter(|key| !key.is_empty()).map(Arc::<str>::from);
                let range = self.all.range::<Arc<str>, _>(behind(bound, part.descending));
                turned(range.map(|(_, one)| one), part.descending)
            }
            Order::Created => {
                let (mut from, mut to) = behind(last.map(|((key, one), _)| (one.created(), Arc::clone(key))), part.descending);
                let nothing: Arc<str> = "".into();
                if let Some(at) = part.created_from {
                    let bound = (at, Arc::clone(&nothing));
                    if value(&from).is_none_or(|from| *from < bound) {
                        from = Bound::Included(bound);
                    }
                }
                // Excludes the next nanosecond, so that all names at `created_to` are included.
                if let Some(at) = part.created_to.and_then(|at| at.checked_add(jiff::SignedDuration::from_nanos(1)).ok()) {
                    let bound = (at, nothing);
                    if value(&to).is_none_or(|to| bound < *to) {
                        to = Bound::Excluded(bound);
                    }
                }
                if matches!((value(&from), value(&to)), (Some(from), Some(to)) if to <= from) {
                    return Box::new(std::iter::empty());
                }
                turned(self.by_created.range((from, to)).filter_map(move |(_, key)| one(key)), part.descending)
            }
            Order::Modified => {
                let at = |mark: &str| Timestamp::from_nanosecond(mark.parse().ok()?).ok();
                let bound = last.and_then(|((key, _), mark)| Some((at(mark)?, Arc::clone(key))));
                turned(self.by_modified.range(behind(bound, part.descending)).filter_map(move |(_, key)| one(key)), part.descending)
            }
            Order::Status => {
                let known = |mark: &str| self.statuses().find(|status| *status == mark);
                let bound = last.and_then(|((key, one), mark)| Some((known(mark)?, one.created(), Arc::clone(key))));
                turned(self.by_status.range(behind(bound, part.descending)).filter_map(move |(_, _, key)| one(key)), part.descending)
            }
        }
    }

    /// The same for the children of a parent. They are few, so they are sorted each time.
    fn few_in_order<'a>(&'a self, parent: &str, part: Part<'_>) -> Found<'a, T> {
        let mut found: Vec<&T> = self.of(parent).collect();
        match part.order {
            Order::Created => {}
            Order::Name => found.sort_by_key(|one| one.name().to_lowercase()),
            Order::Modified => found.sort_by_key(|one| one.modified()),
            Order::Status => found.sort_by_key(|one| one.status()),
        }
        if part.descending {
            found.reverse();
        }
        let key = part.after.map(|place| place.rsplit('|').next().unwrap_or_default());
        let skip = key.and_then(|key| found.iter().position(|one| one.name().to_lowercase() == key)).map_or(0, |place| place + 1);
        Box::new(found.into_iter().skip(skip))
    }

    /// Every status that occurs, once each.
    fn statuses(&self) -> impl Iterator<Item = &'static str> {
        let mut next = self.by_status.first().map(|(status, ..)| *status);
        std::iter::from_fn(move || {
            let status = next?;
            let behind = (Bound::Excluded((status, Timestamp::MAX, "".into())), Bound::Unbounded);
            next = self.by_status.range::<(&'static str, Timestamp, Arc<str>), _>(behind).next().map(|(status, ..)| *status);
            Some(status)
        })
    }

    /// One page of a part, with only the items that `wanted` accepts.
    pub(crate) fn page(&self, part: Part<'_>, size: usize, wanted: impl Fn(&&T) -> bool) -> Paged<'_, T> {
        let mut found = self.in_order(part).filter(wanted);
        let page: Vec<&T> = found.by_ref().take(size).collect();
        let next = found.next().and(page.last()).map(|last| format!("after:{}", part.order.place(*last)));
        (page, next)
    }
}

fn place_of(one: &impl Listed) -> Place {
    Place { status: one.status(), modified: one.modified() }
}

/// How a list is sorted: the names and orders of `SortBy`, and the default.
pub(crate) struct Sorting {
    pub(crate) by: &'static [(&'static str, Order)],
    pub(crate) default: Order,
    /// The default direction.
    pub(crate) descending: bool,
}

/// What an input asks of a list: the order, the direction and the page.
pub(crate) struct Asked {
    pub(crate) order: Order,
    pub(crate) descending: bool,
    pub(crate) page: Page,
}

impl Sorting {
    /// Reads `SortBy`, `SortOrder`, `MaxResults` and `NextToken`.
    pub(crate) fn asked(&self, input: &Value) -> Result<Asked, Refusal> {
        let known = |value: &str, field: &str, known: &[&str]| crate::services::sagemaker::training::one_of(value, field, known);
        let names: Vec<&str> = self.by.iter().map(|(name, _)| *name).collect();
        let by = text(input, "SortBy");
        let order = text(input, "SortOrder");
        by.map_or(Ok(()), |by| known(by, "sortBy", &names))?;
        order.map_or(Ok(()), |order| known(order, "sortOrder", &["Ascending", "Descending"]))?;
        Ok(Asked {
            order: by.and_then(|by| self.by.iter().find(|(name, _)| *name == by)).map_or(self.default, |(_, order)| *order),
            descending: order.map_or(self.descending, |order| order == "Descending"),
            page: page_of(input, 10)?,
        })
    }
}

fn value<T>(bound: &Bound<T>) -> Option<&T> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(value),
        Bound::Unbounded => None,
    }
}

/// The range after an item, in the wanted direction.
fn behind<T>(place: Option<T>, descending: bool) -> (Bound<T>, Bound<T>) {
    match (place, descending) {
        (None, _) => (Bound::Unbounded, Bound::Unbounded),
        (Some(place), false) => (Bound::Excluded(place), Bound::Unbounded),
        (Some(place), true) => (Bound::Unbounded, Bound::Excluded(place)),
    }
}

fn turned<'a, T>(ascending: impl DoubleEndedIterator<Item = &'a T> + 'a, descending: bool) -> Found<'a, T> {
    if descending { Box::new(ascending.rev()) } else { Box::new(ascending) }
}
