//! How many events fit into one request.

use crate::events::{Event, SOURCE};

/// The most entries of a `PutEvents` request.
pub const MOST_ENTRIES: usize = 10;

/// The most bytes of all entries of a `PutEvents` request.
pub const MOST_BYTES: usize = 256 * 1024;

/// Splits events into requests, in their order. Each has as many as fit: at most [`MOST_ENTRIES`], and fewer than [`MOST_BYTES`] together.
pub fn batches(events: &[Event]) -> Vec<&[Event]> {
    let mut batches = vec![];
    let (mut from, mut bytes) = (0, 0);
    for (index, event) in events.iter().enumerate() {
        let own = size(event);
        if from < index && (MOST_ENTRIES <= index - from || MOST_BYTES <= bytes + own) {
            batches.push(&events[from..index]);
            (from, bytes) = (index, 0);
        }
        bytes += own;
    }
    batches.extend(Some(&events[from..]).filter(|rest| !rest.is_empty()));
    batches
}

/// The size of an entry as EventBridge counts it: source, detail type, detail and resources (eb-putevent-size).
fn size(event: &Event) -> usize {
    let detail = serde_json::to_string(&event.detail).map_or(0, |json| json.len());
    let resource = event.detail.resource.as_ref().map_or(0, String::len);
    SOURCE.len() + event.detail_type.detail_type().len() + detail + resource
}
