//! Which endpoints could share one: those of the same image, role, network, key, isolation, data capture and environment, of one team and one stage.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::prelude::ToPrimitive as _;

use crate::{
    facts::Hosted,
    inference::{Candidate, Feature, Given, Group, HOURS, Limits, Load, Member, PricedType, Shared, Sharing, pack},
    rules::{
        context::RuleContext,
        endpoints::sleep::stage_of,
        inference::{
            image::serves_several,
            workload::{Known, offered},
        },
    },
    vocabulary::resource::{Arn, Resource},
};

/// What endpoints must have in common, to be served by the same containers and to have the same people behind them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike<'a> {
    image: &'a str,
    role: Option<&'a str>,
    network: Option<&'a str>,
    key: Option<&'a str>,
    is_isolated: bool,
    /// Where its requests are captured, as JSON. `None`: they are not.
    captures: Option<String>,
    environment: &'a str,
    /// The team, or the owner where there is none.
    whose: Option<String>,
    stage: Option<String>,
}

/// What is advised for groups: by the place of each member among the endpoints. `may_share`: whether the rule about it is on for an endpoint.
pub(crate) fn shared(all: &[Hosted], cx: &RuleContext<'_>, may_share: impl Fn(&Resource) -> bool) -> HashMap<usize, Sharing> {
    let mut alike: BTreeMap<Alike<'_>, Vec<(usize, Known<'_>)>> = BTreeMap::new();
    for (place, hosted) in all.iter().enumerate().filter(|(_, one)| may_share(&one.endpoint.resource)) {
        if let Some((key, known)) = candidate(hosted, cx) {
            alike.entry(key).or_default().push((place, known));
        }
    }
    let types = offered(cx.prices);
    let groups = alike.into_values().filter(|some| 1 < some.len());
    groups.flat_map(|some| of_alike(all, &some, &types, cx)).collect()
}

/// Whether an endpoint may share one with others, and with which ones.
fn candidate<'a>(hosted: &'a Hosted, cx: &'a RuleContext<'_>) -> Option<(Alike<'a>, Known<'a>)> {
    const FORBIDS: [Feature; 8] = [
        Feature::SeveralVariants,
        Feature::ShadowVariants,
        Feature::SeveralContainers,
        Feature::MultiModel,
        Feature::Marketplace,
        Feature::UncompressedModel,
        Feature::PrivateRegistry,
        Feature::Explainer,
    ];
    let is_given = hosted.advice.given().is_some();
    let forbids = |feature: &Feature| hosted.features.has.contains(feature) || hosted.features.unknown.contains(feature);
    let model = hosted.model.as_ref().filter(|_| is_given && !FORBIDS.iter().any(forbids))?;
    // How many instances a load was divided between is not known of each hour, and a shared endpoint would need auto scaling of its own.
    let known = Known::of(hosted, cx).ok().filter(|known| !known.is_scaled())?;
    let (image, resource) = (model.image.as_deref()?, &hosted.endpoint.resource);
    let account = resource.arn.as_deref().and_then(Arn::parse).map(|arn| arn.account);
    if model.data_url.is_none() || !serves_several(image, account, 0 < known.today.has.gpus) {
        return None;
    }
    let config = hosted.config.as_ref()?;
    let alike = Alike {
        image,
        role: model.role.as_deref(),
        network: model.network.as_deref(),
        key: config["KmsKeyId"].as_str(),
        is_isolated: model.is_isolated,
        captures: hosted.features.has.contains(&Feature::DataCapture).then(|| config["DataCaptureConfig"].to_string()),
        environment: &model.environment,
        whose: cx.policy.team_of(resource).or_else(|| cx.policy.owner_of(resource)),
        stage: stage_of(resource),
    };
    Some((alike, known))
}

/// The groups of endpoints that may share one.
fn of_alike(all: &[Hosted], some: &[(usize, Known<'_>)], types: &[PricedType<'_>], cx: &RuleContext<'_>) -> Vec<(usize, Sharing)> {
    let candidates: Vec<Candidate<'_>> = some.iter().filter_map(|(place, known)| packed(*place, known, cx)).collect();
    let needs_volume = some.iter().any(|(_, known)| known.needs_volume());
    let types = types.iter().filter(|one| !needs_volume || !one.has.local_disks).map(|one| on_shared(one, some, cx));
    let packing = pack(&candidates, &types.collect::<Vec<_>>(), &Limits::default());
    let min_saving = cx.policy.inference.min_saving.0.to_f64().unwrap_or_default();
    // Each counts as what it would cost alone in its best way: sharing must save more than that.
    let worth = packing.groups.into_iter().filter(|group| min_saving <= group.usd_per_month_today - group.usd_per_month);
    let told = worth.map(|mut group| {
        let data = some.iter().filter(|(place, _)| group.members.contains(place)).map(|(_, known)| known.usd_of_data(cx));
        group.usd_per_month += data.sum::<f64>();
        shared_by(all, group)
    });
    told.flat_map(|shared| of_members(all, shared)).collect()
}

/// An instance type with what it would cost for a shared endpoint: as much of a Savings Plan and as large a volume as for each of them alone.
fn on_shared<'a>(one: &PricedType<'a>, some: &[(usize, Known<'_>)], cx: &RuleContext<'_>) -> PricedType<'a> {
    let volume = some.iter().map(|(_, known)| known.usd_of_volume(cx)).fold(0.0, f64::max);
    PricedType { usd_per_hour: one.usd_per_hour * (1.0 - cx.policy.inference.savings_plan_discount) + volume, ..*one }
}

/// An endpoint as a candidate: it counts as what it would cost alone in its best way, without the data in and out, which costs the same on a shared endpoint.
fn packed<'a>(place: usize, known: &Known<'a>, cx: &RuleContext<'_>) -> Option<Candidate<'a>> {
    let (has, instances, used) = (known.today.has, f64::from(known.instances), known.used()?);
    let alone = (known.hosted.advice.given()?.usd_alone() - known.usd_of_data(cx)).max(0.0) / HOURS / instances;
    let hours = &known.invocations.hours;
    // In an hour without a datapoint, it may have been as busy as ever.
    let of_hour = |shares: &[f32], hour: usize, busiest: f64| known.in_hour(shares, hour).unwrap_or(busiest);
    // The last hour is not over: when it has just begun, nothing is known of any endpoint.
    let begun = hours.len().checked_sub(1).filter(|last| known.in_hour(&known.measured.cpu, *last).is_none());
    let load = (0..begun.unwrap_or(hours.len())).map(|hour| Load {
        vcpus: of_hour(&known.measured.cpu, hour, used.cpu) * f64::from(has.vcpu) * instances,
        requests: f64::from(hours[hour].unwrap_or_default()) / 60.0,
        gpus: of_hour(&known.measured.gpu, hour, used.gpu) * f64::from(has.gpus) * instances,
    });
    Some(Candidate {
        id: place,
        today: PricedType { usd_per_hour: alone, ..known.today },
        instances: known.instances,
        at_least: known.instances.min(2),
        load: load.collect(),
        memory_gib: known.memory_gib()?,
        gpu_memory_gib: used.gpu_memory * has.gpu_memory_gib,
        model_gib: None,
    })
}

/// A group with the names of its members, and what they cost today.
fn shared_by(all: &[Hosted], mut group: Group) -> Shared {
    let name = |place: usize| all[place].endpoint.resource.name.clone();
    let sum = |of: fn(&Given) -> f64| group.members.iter().filter_map(|place| all[*place].advice.given()).map(of).sum::<f64>();
    let (usd_today, usd_told) = (sum(|given| given.usd_today), sum(|given| given.usd_told));
    group.usd_per_month_today = usd_today;
    let member = |place: &usize| Member {
        name: name(*place),
        config: all[*place].endpoint.config.clone().unwrap_or_default(),
        data_url: all[*place].model.as_ref().and_then(|model| model.data_url.clone()).unwrap_or_default(),
        tags: all[*place].endpoint.resource.tags.read().cloned().unwrap_or_default(),
    };
    let members = group.members.iter().map(member).collect();
    let noisiest = group.busiest.map(|busiest| (name(busiest.noisiest), busiest.share));
    Shared { members, group, noisiest, usd_told }
}

/// What each member of a group is told.
fn of_members(all: &[Hosted], shared: Shared) -> Vec<(usize, Sharing)> {
    let places = shared.group.members.clone();
    // The oldest: where a new one joins them, the same one goes on telling of them.
    let age = |place: &usize| (all[*place].endpoint.created, &all[*place].endpoint.resource.name);
    let Some(first) = places.iter().copied().min_by(|one, other| age(one).cmp(&age(other))) else { return vec![] };
    let name = all[first].endpoint.resource.name.clone();
    let others = places.iter().filter(|place| **place != first).map(|place| (*place, Sharing::Of(name.clone())));
    others.chain([(first, Sharing::First(Box::new(shared)))]).collect()
}
