//! Reads what inference-advisor needs of real-time endpoints beside their requests: their models and images, and how much of their instances they use.

use std::collections::{BTreeSet, HashMap};

use cost_rules::{
    facts::{Autoscaler, Endpoint, Facts, Hosted, RunState},
    inference::{Advice, Feature, Features},
    policy::Policy,
    resource::Kind,
};
use futures_util::{StreamExt as _, stream};
use serde_json::Value;

use self::{
    images::Sizes,
    record::{features_of_config, features_of_endpoint, features_of_model, image_of, model as model_of, of_model},
};
use crate::{
    clients::Clients,
    gather::{
        endpoints::{describe_config_as, describe_model, usage},
        read::{IN_FLIGHT, Read, unread_of},
    },
};

mod images;
mod measured;
mod record;

/// What was described, by name. `None`: there is none of this name.
type Described = HashMap<String, Read<Option<Value>>>;

/// Turns the real-time endpoints of these facts into hosted ones: with their models, images and use. All others are left out. Returns how many metrics `CloudWatch` was
/// asked for. `account`: the one whose images may be read.
///
/// Never fails: what could not be read is in `facts.reading.unread`.
pub async fn read(clients: &Clients, policy: &Policy, account: Option<&str>, facts: &mut Facts) -> usize {
    let endpoints: Vec<Endpoint> = std::mem::take(&mut facts.endpoints).into_iter().filter(Endpoint::is_real_time).collect();
    // Of one that nobody calls, endpoint-idle tells; nothing more is read of it.
    let is_used = |one: &&Endpoint| one.state == RunState::InService && one.last_used().is_ok_and(|used| used.is_some());
    let configs = names(endpoints.iter().filter(is_used).filter_map(|one| one.config.as_deref()));
    let configs = described(configs, async |name| describe_config_as(clients, name).await).await;
    let models = names(configs.values().filter_map(|read| of_model(read.as_ref().ok()?.as_ref()?)));
    let models = described(models, async |name| describe_model(clients, name).await).await;
    let uris = models.values().filter_map(|read| image_of(read.as_ref().ok()?.as_ref()?));
    let sizes = Sizes::read(clients, policy, account, &names(uris)).await;
    let failed = |of: &Described, kind: Kind| {
        of.iter().filter_map(|(name, read)| Some((kind.id(name), read.as_ref().err()?.clone()))).collect::<Vec<_>>()
    };
    facts.reading.unread.extend(unread_of("configuration", &failed(&configs, Kind::EndpointConfig)));
    facts.reading.unread.extend(unread_of("model", &failed(&models, Kind::Model)));
    facts.reading.unread.extend(sizes.unread());
    facts.hosted = endpoints.into_iter().map(|endpoint| hosted(endpoint, &configs, &models, &sizes)).collect();
    let reading = measured::read(clients, &mut facts.hosted, facts.now).await;
    facts.reading.unread.extend(reading.unread);
    reading.metrics
}

/// Reads the requests of these endpoints (by id) by the minute. Returns how many metrics `CloudWatch` was asked for.
pub async fn minutes(clients: &Clients, facts: &mut Facts, ids: &BTreeSet<String>) -> usize {
    let chosen = facts.hosted.iter_mut().map(|one| &mut one.endpoint).filter(|one| ids.contains(&one.resource.id));
    let reading = Box::pin(usage::read_minutes(clients, chosen.collect(), facts.now)).await;
    facts.reading.unread.extend(reading.unread);
    reading.metrics
}

/// Forgets the requests by the minute, which need much memory.
pub fn forget_minutes(facts: &mut Facts) {
    let variants = facts.hosted.iter_mut().flat_map(|one| &mut one.endpoint.variants);
    variants.filter_map(|variant| variant.invocations.as_mut()).for_each(|invocations| invocations.minutes = None);
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    all.map(str::to_owned).collect()
}

async fn described(names: BTreeSet<String>, describe: impl AsyncFn(&str) -> Read<Option<Value>>) -> Described {
    let describe = &describe;
    stream::iter(names).map(async |name| (name.clone(), describe(&name).await)).buffer_unordered(IN_FLIGHT).collect().await
}

fn hosted(endpoint: Endpoint, configs: &Described, models: &Described, sizes: &Sizes) -> Hosted {
    let config = endpoint.config.as_deref().and_then(|name| configs.get(name));
    let model = config.and_then(|read| models.get(of_model(read.as_ref().ok()?.as_ref()?)?));
    let found = |read: Option<&Read<Option<Value>>>| read.and_then(|read| read.as_ref().ok()?.clone());
    let (config_read, model_read) = (found(config), found(model));
    let image = model_read.as_ref().and_then(image_of);
    let unread = [
        ("its configuration", config.is_some_and(Result::is_err)),
        ("its model", model.is_some_and(Result::is_err)),
        ("its image", image.is_some_and(|image| sizes.is_unread(image))),
    ];
    let unread = unread.into_iter().find(|(_, is_unread)| *is_unread).map(|(what, _)| what);
    let features = features(&endpoint, config_read.as_ref(), model_read.as_ref(), image.and_then(|image| sizes.is_large(image)));
    let model = model_read.as_ref().map(model_of);
    Hosted {
        endpoint,
        config: config_read,
        model,
        features,
        unread,
        measured: None,
        autoscaler: Autoscaler::Unread,
        advice: Advice::Pending,
    }
}

/// What an endpoint has. `is_large`: whether its image is; `None`: not known.
fn features(endpoint: &Endpoint, config: Option<&Value>, model: Option<&Value>, is_large: Option<bool>) -> Features {
    let mut features = Features { has: features_of_endpoint(endpoint), ..Features::default() };
    match config {
        Some(config) => features.has.extend(features_of_config(config)),
        None => features.unknown.extend([Feature::DataCapture, Feature::Explainer]),
    }
    match model {
        Some(model) => {
            features.has.extend(features_of_model(model));
            match is_large {
                Some(true) => _ = features.has.insert(Feature::LargeImage),
                Some(false) => {}
                None => _ = features.unknown.insert(Feature::LargeImage),
            }
        }
        None => features.unknown.extend(record::OF_MODEL),
    }
    features
}
