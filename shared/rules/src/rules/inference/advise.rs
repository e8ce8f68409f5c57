//! Works out what is advised: for each endpoint alone, and then for groups of them. Pure; the rules only tell of it.

use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    facts::Hosted,
    inference::{Advice, Fit, Given, PricedType, ServingOption, Sharing, options, recommended},
    rules::{
        context::RuleContext,
        inference::workload::{Known, offered},
    },
    vocabulary::duration::Duration,
};

/// Works out what is advised, for endpoint after endpoint.
pub(crate) struct Adviser<'a> {
    cx: &'a RuleContext<'a>,
    offered: Vec<PricedType<'static>>,
}

impl<'a> Adviser<'a> {
    /// For all endpoints of a Region.
    pub(crate) fn new(cx: &'a RuleContext<'a>) -> Self {
        Self { cx, offered: offered(cx.prices) }
    }

    /// What is advised for an endpoint alone, by its requests by the minute if they are known, else by the hour.
    ///
    /// `may_wait`: how long its callers may wait with each option ([`recommended`]).
    pub(crate) fn advice(&self, hosted: &Hosted, may_wait: impl Fn(ServingOption) -> Option<Duration>) -> Advice {
        Known::of(hosted, self.cx).map_or_else(|advice| advice, |known| Advice::Given(Box::new(self.given(&known, may_wait))))
    }

    fn given(&self, known: &Known<'_>, may_wait: impl Fn(ServingOption) -> Option<Duration>) -> Given {
        let settings = &self.cx.policy.inference;
        let rates = known.hosted.endpoint.resource.region().and_then(|region| self.cx.policy.rates_of(region));
        let assumptions = settings.assumptions();
        let mut estimates = options(&known.workload(&self.offered), &assumptions, rates.as_ref());
        // It serves its requests, whatever the documented limits are.
        estimates.iter_mut().filter(|one| one.option == ServingOption::RealTime).for_each(|one| one.fit = Fit::Yes);
        let usd = |option: ServingOption| estimates.iter().find(|one| one.option == option).and_then(|one| one.usd).map(|usd| usd.expected);
        let usd_today = usd(ServingOption::RealTime).unwrap_or_default();
        let usd_told = usd(ServingOption::RealTimeScaled).map_or(0.0, |scaled| usd_today - scaled);
        let must_save = settings.min_saving.0.to_f64().unwrap_or_default() + usd_told;
        let best = recommended(&estimates, &assumptions, must_save, may_wait);
        let best = best.and_then(|best| estimates.iter().position(|one| std::ptr::eq(one, best)));
        Given { estimates, usd_today, usd_told, best, sharing: Sharing::Alone }
    }
}
