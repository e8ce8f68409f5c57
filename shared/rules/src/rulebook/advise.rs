//! Works out what is advised for endpoints, before the rules tell of it. Pure and infallible.

use crate::{
    facts::{Facts, Hosted},
    inference::{Advice, ServingOption},
    rulebook::{Rulebook, rule_set::RuleSet},
    rules::{
        inference::{advise::Adviser, endpoints_fit_multi_model::EndpointsFitMultiModel, groups::shared},
        rule::Rule,
    },
    vocabulary::{duration::Duration, resource::Resource},
};

impl Rulebook {
    /// Works out which other way of serving is advised, for these endpoints (by id) alone. Only ways are recommended whose rule is on for the endpoint.
    pub fn advise(&self, facts: &mut Facts, is_meant: impl Fn(&str) -> bool) {
        let mut hosted = std::mem::take(&mut facts.hosted);
        let cx = self.context(facts);
        let adviser = Adviser::new(&cx);
        for one in hosted.iter_mut().filter(|one| is_meant(&one.endpoint.resource.id)) {
            let rules = self.rules_of(&one.endpoint.resource);
            one.advice = adviser.advice(one, |option| callers_wait(rules, option));
        }
        facts.hosted = hosted;
    }

    /// The same by their requests by the minute. Where those could not be read, nothing is advised: by the hour, nobody knows how many requests come at once.
    pub fn advise_by_minute(&self, facts: &mut Facts, is_meant: impl Fn(&str) -> bool) {
        self.advise(facts, &is_meant);
        let is_read = |one: &Hosted| one.endpoint.variants.iter().filter_map(|of| of.invocations.as_ref()).all(|of| of.minutes.is_some());
        for one in facts.hosted.iter_mut().filter(|one| is_meant(&one.endpoint.resource.id) && !is_read(one)) {
            one.advice = Advice::Unknown("its requests by the minute could not be read".into());
        }
    }

    /// Works out which endpoints could share one, after all of them were advised alone.
    pub fn advise_sharing(&self, facts: &mut Facts) {
        let is_on =
            |resource: &Resource| self.rules_of(resource).0.iter().any(|rule| rule.registration.name == EndpointsFitMultiModel::NAME);
        // What its owner keeps is not moved with others either. Without its tags, its team and stage are not known, nor whether it is kept.
        let may_share = |resource: &Resource| is_on(resource) && self.is_kept(resource, facts.now).is_none();
        let shared = shared(&facts.hosted, &self.context(facts), may_share);
        for (place, sharing) in shared {
            if let Advice::Given(given) = &mut facts.hosted[place].advice {
                given.sharing = sharing;
            }
        }
    }

    /// The rules that are on for a resource.
    pub(super) fn rules_of(&self, resource: &Resource) -> &RuleSet {
        self.override_of(resource, &resource.homes()).map_or(&self.rules, |number| &self.overrides[number].rules)
    }
}

/// How long callers may wait with an option. `None`: no rule about it is on.
fn callers_wait(rules: &RuleSet, option: ServingOption) -> Option<Duration> {
    rules.0.iter().find_map(|rule| rule.check.callers_wait(option))
}
