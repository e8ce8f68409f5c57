//! Puts on a bus of EventBridge what became of a run's findings, if the settings name one.
//!
//! It comes last: actions, mails and the ledger do not wait for it. The ledger does not know what was put, so that the guard puts each event at most once; only
//! the bus's own word that it did not take an event, or an answer that was lost, makes it put one again. Receivers tell the same event by its `key`.

use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use cost_rules::{
    events::{Event, SOURCE, Teller, batches},
    rulebook::Rulebook,
};
use futures_util::{StreamExt as _, stream};

use crate::{clients::why::why, context::Context};

/// The most requests at the same time.
const REQUESTS_IN_FLIGHT: usize = 4;

/// Puts a run's events on a bus.
pub(super) struct Publisher<'a> {
    context: &'a Context,
    bus: &'a str,
    /// Makes the events.
    pub(super) teller: Teller<'a>,
}

/// What was not put, and why.
#[derive(Default)]
struct Left {
    events: Vec<Event>,
    /// The first reason.
    why: Option<String>,
}

impl Left {
    fn of(events: &[Event], why: impl Into<String>) -> Self {
        Self { events: events.to_vec(), why: Some(why.into()) }
    }

    fn and(mut self, other: Self) -> Self {
        self.events.extend(other.events);
        Self { why: self.why.or(other.why), ..self }
    }
}

/// How a request ended.
enum Put {
    /// The bus has answered. It did not take these events.
    Answered(Left),
    /// The bus took none of them. The SDK has tried again already, or there is no time.
    Refused(Left),
}

impl<'a> Publisher<'a> {
    /// `None`: the settings name no bus.
    pub(super) fn of(context: &'a Context, rulebook: &'a Rulebook) -> Option<Self> {
        let bus = context.settings.event_bus.as_deref()?;
        let teller = Teller {
            function: context.function,
            account: context.account().unwrap_or_default(),
            region: &context.clients.region,
            zone: &rulebook.policy.calendar.zone,
        };
        Some(Self { context, bus, teller })
    }

    /// Puts all events. What the bus did not take is put once more. Returns the failure if some are left then.
    pub(super) async fn put(&self, events: &[Event]) -> Option<String> {
        let (refused, again) = self.put_all(events).await;
        let left = if again.events.is_empty() {
            refused
        } else {
            let (refused_again, left) = self.put_all(&again.events).await;
            refused.and(refused_again).and(left)
        };
        let (all, not_put) = (events.len(), left.events.len());
        if 0 < all {
            lambda_runtime::tracing::info!(events = all - not_put, bus = self.bus, "put on the bus");
        }
        let why = left.why.filter(|_| 0 < not_put)?;
        Some(format!("{not_put} of {all} events could not be put on the bus {} (EVENT_BUS_NAME): {why}", self.bus))
    }

    /// One round: what was refused as a whole, and what may be put again.
    async fn put_all(&self, events: &[Event]) -> (Left, Left) {
        let put = stream::iter(batches(events)).map(async |batch| self.put_batch(batch).await).buffered(REQUESTS_IN_FLIGHT);
        let into = |(refused, again): (Left, Left), put: Put| match put {
            Put::Answered(left) => (refused, again.and(left)),
            Put::Refused(left) => (refused.and(left), again),
        };
        put.fold((Left::default(), Left::default()), async |lefts, put| into(lefts, put)).await
    }

    async fn put_batch(&self, batch: &[Event]) -> Put {
        let late = || Put::Refused(Left::of(batch, "this run is out of time"));
        if self.context.time_is_up() {
            return late();
        }
        let entries = batch.iter().map(|event| entry(event, self.bus)).collect();
        let sent = self.context.clients.eventbridge.put_events().set_entries(Some(entries)).send();
        match self.context.in_time(sent).await {
            None => late(),
            Some(Err(error)) => Put::Refused(Left::of(batch, why(&error))),
            Some(Ok(answer)) => Put::Answered(not_taken(batch, answer.entries())),
        }
    }
}

fn entry(event: &Event, bus: &str) -> PutEventsRequestEntry {
    let detail = serde_json::to_string(&event.detail).unwrap_or_default();
    let entry = PutEventsRequestEntry::builder().source(SOURCE).detail_type(event.detail_type.detail_type()).detail(detail);
    entry.event_bus_name(bus).set_resources(event.detail.resource.clone().map(|arn| vec![arn])).build()
}

/// The events that the bus did not take. The answer has an entry for each, in the same order: those that were taken have an id.
fn not_taken(batch: &[Event], answered: &[PutEventsResultEntry]) -> Left {
    let answers = answered.iter().map(Some).chain(std::iter::repeat(None));
    let left = batch.iter().zip(answers).filter(|(_, answer)| answer.is_none_or(|answer| answer.event_id().is_none()));
    let why = |answer: Option<&PutEventsResultEntry>| match answer.map(|answer| (answer.error_code(), answer.error_message())) {
        Some((Some(code), Some(message))) => format!("{code}: {message}"),
        Some((Some(code), None)) => code.to_owned(),
        _ => "the bus did not say why".to_owned(),
    };
    left.fold(Left::default(), |all, (event, answer)| all.and(Left::of(std::slice::from_ref(event), why(answer))))
}

#[cfg(test)]
mod tests;
