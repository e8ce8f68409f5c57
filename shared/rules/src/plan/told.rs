//! What endpoint-autoscaler has told of endpoints, as a fact for the rules of inference-advisor: no dollar is told twice.

use std::collections::HashMap;

use rust_decimal::Decimal;

use crate::{
    facts::{Autoscaler, Facts},
    plan::entry::{Entry, State},
};

impl Facts {
    /// Sets what endpoint-autoscaler has told of each hosted endpoint, by its entries in the ledger. `None`: they could not be read.
    pub fn take_told(&mut self, entries: Option<&[Entry]>) {
        let Some(entries) = entries else { return };
        let mut told: HashMap<&str, Option<Decimal>> = HashMap::new();
        let is_open = |entry: &&Entry| matches!(entry.state, State::Reported | State::Warned | State::Acting | State::GivenUp);
        for entry in entries.iter().filter(is_open) {
            let most = told.entry(&entry.id).or_default();
            *most = entry.usd_per_month.max(*most);
        }
        for hosted in &mut self.hosted {
            hosted.autoscaler = told.get(hosted.endpoint.resource.id.as_str()).map_or(Autoscaler::Nothing, |usd| Autoscaler::Saves(*usd));
        }
    }
}
