//! What owners were warned of, as a fact for the rules: what was announced is what is done.

use crate::{
    facts::Facts,
    plan::entry::{Entry, State},
    remedy::Remedy,
    scaling::Way,
};

impl Facts {
    /// Sets the auto scaling that was announced for each endpoint.
    pub fn take_announced<'a>(&mut self, entries: impl IntoIterator<Item = &'a Entry>) {
        let is_open = |entry: &&Entry| matches!(entry.state, State::Warned | State::Acting | State::GivenUp);
        for entry in entries.into_iter().filter(is_open) {
            let announced = entry.announced.as_deref().and_then(Remedy::of_announced);
            let Some((_, attachments)) = announced.filter(|(way, _)| *way == Way::Follow) else { continue };
            if let Some(endpoint) = self.endpoints.iter_mut().find(|endpoint| endpoint.resource.id == entry.id) {
                endpoint.announced = attachments;
            }
        }
    }
}
