//! Endpoint configurations and models in `SageMaker`'s JSON, and what they tell of how a model is served (inference-facts §A3, §A4).

use std::collections::{BTreeMap, BTreeSet};

use cost_rules::{
    facts::{Endpoint, Model},
    inference::Feature,
    resource::Arn,
};
use serde_json::{Value, json};

/// What only a model tells.
pub(super) const OF_MODEL: [Feature; 8] = [
    Feature::Vpc,
    Feature::NetworkIsolation,
    Feature::SeveralContainers,
    Feature::MultiModel,
    Feature::Marketplace,
    Feature::UncompressedModel,
    Feature::PrivateRegistry,
    Feature::LargeImage,
];

/// The name of the model of a configuration's first variant.
pub(super) fn of_model(config: &Value) -> Option<&str> {
    config["ProductionVariants"][0]["ModelName"].as_str()
}

/// The containers of a model: one, or several.
fn containers(model: &Value) -> Vec<&Value> {
    let several = model["Containers"].as_array().into_iter().flatten();
    let one = Some(&model["PrimaryContainer"]).filter(|container| container.is_object());
    one.into_iter().chain(several).collect()
}

/// The URI of a model's image. `None`: it has several containers, or a model package.
pub(super) fn image_of(model: &Value) -> Option<&str> {
    match containers(model)[..] {
        [one] => one["Image"].as_str(),
        _ => None,
    }
}

pub(super) fn model(described: &Value) -> Model {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let containers = containers(described);
    let container = containers.first().copied().unwrap_or(&Value::Null);
    let archive = &container["ModelDataSource"]["S3DataSource"]["S3Uri"];
    let environment: BTreeMap<&String, &Value> = container["Environment"].as_object().into_iter().flatten().collect();
    Model {
        name: text(&described["ModelName"]).unwrap_or_default(),
        image: image_of(described).map(str::to_owned),
        data_url: text(&container["ModelDataUrl"]).or_else(|| text(archive)),
        role: text(&described["ExecutionRoleArn"]),
        network: network(&described["VpcConfig"]),
        is_isolated: described["EnableNetworkIsolation"] == true,
        environment: json!(environment).to_string(),
    }
}

/// `VpcConfig` as JSON with its lists in order: the same network is the same text.
fn network(vpc: &Value) -> Option<String> {
    let ids = |field: &str| -> BTreeSet<&str> { vpc[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect() };
    let is_there = vpc["Subnets"].as_array().is_some_and(|subnets| !subnets.is_empty());
    is_there.then(|| json!({"SecurityGroupIds": ids("SecurityGroupIds"), "Subnets": ids("Subnets")}).to_string())
}

pub(super) fn features_of_endpoint(endpoint: &Endpoint) -> BTreeSet<Feature> {
    let production = endpoint.variants.iter().filter(|variant| !variant.is_shadow).count();
    let several = (1 < production).then_some(Feature::SeveralVariants);
    let shadow = endpoint.variants.iter().any(|variant| variant.is_shadow).then_some(Feature::ShadowVariants);
    several.into_iter().chain(shadow).collect()
}

pub(super) fn features_of_config(config: &Value) -> BTreeSet<Feature> {
    let captures = config["DataCaptureConfig"]["EnableCapture"] == true;
    let explains = config["ExplainerConfig"].is_object();
    let isolated = config["EnableNetworkIsolation"] == true;
    let in_vpc = network(&config["VpcConfig"]).is_some();
    chosen([
        (Feature::DataCapture, captures),
        (Feature::Explainer, explains),
        (Feature::NetworkIsolation, isolated),
        (Feature::Vpc, in_vpc),
    ])
}

pub(super) fn features_of_model(model: &Value) -> BTreeSet<Feature> {
    let containers = containers(model);
    let any = |is_so: fn(&Value) -> bool| containers.iter().any(|container| is_so(container));
    chosen([
        (Feature::Vpc, network(&model["VpcConfig"]).is_some()),
        (Feature::NetworkIsolation, model["EnableNetworkIsolation"] == true),
        (Feature::SeveralContainers, 1 < containers.len()),
        (Feature::MultiModel, any(|one| one["Mode"] == "MultiModel")),
        (Feature::Marketplace, containers.iter().any(|one| is_of_marketplace(model, one))),
        (Feature::UncompressedModel, any(is_uncompressed)),
        (Feature::PrivateRegistry, any(|one| one["ImageConfig"]["RepositoryAccessMode"] == "Vpc")),
    ])
}

fn chosen<const N: usize>(all: [(Feature, bool); N]) -> BTreeSet<Feature> {
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(feature, _)| feature).collect()
}

/// Whether a model package of another account is in it: those of the marketplace belong to others. A package of one's own is a plain model.
fn is_of_marketplace(model: &Value, container: &Value) -> bool {
    let account = |arn: &Value| Some(Arn::parse(arn.as_str()?)?.account.to_owned());
    container["ModelPackageName"].is_string() && account(&container["ModelPackageName"]) != account(&model["ModelArn"])
}

fn is_uncompressed(container: &Value) -> bool {
    let source = &container["ModelDataSource"]["S3DataSource"];
    source["CompressionType"] == "None" || source["S3DataType"] == "S3Prefix"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(container: &Value, more: &Value) -> Value {
        let mut model = json!({"ModelName": "churn", "ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/churn", "PrimaryContainer": container});
        model.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        model
    }

    #[test]
    fn what_a_model_has() {
        let plain = json!({"Image": "i", "ModelDataUrl": "s3://b/m.tar.gz"});
        let package = |account: &str| json!({"ModelPackageName": format!("arn:aws:sagemaker:us-east-1:{account}:model-package/churn/3")});
        for (container, more, has) in [
            (plain.clone(), json!({}), vec![]),
            (plain.clone(), json!({"VpcConfig": {"Subnets": ["a"], "SecurityGroupIds": ["b"]}}), vec![Feature::Vpc]),
            (plain.clone(), json!({"EnableNetworkIsolation": true}), vec![Feature::NetworkIsolation]),
            (json!({"Image": "i", "Mode": "MultiModel"}), json!({}), vec![Feature::MultiModel]),
            (package("865070037744"), json!({}), vec![Feature::Marketplace]),
            (package("123456789012"), json!({}), vec![]),
            (
                json!({"Image": "i", "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}}}),
                json!({}),
                vec![Feature::UncompressedModel],
            ),
            (json!({"Image": "i", "ImageConfig": {"RepositoryAccessMode": "Vpc"}}), json!({}), vec![Feature::PrivateRegistry]),
            (Value::Null, json!({"Containers": [{"Image": "a"}, {"Image": "b"}]}), vec![Feature::SeveralContainers]),
        ] {
            assert_eq!(features_of_model(&described(&container, &more)), has.into_iter().collect(), "{container} {more}");
        }
    }

    #[test]
    fn the_same_network_and_environment_are_the_same_text() {
        let of = |subnets: [&str; 2], environment: Value| {
            model(&described(
                &json!({"Image": "i", "Environment": environment}),
                &json!({"VpcConfig": {"Subnets": subnets, "SecurityGroupIds": ["g"]}}),
            ))
        };
        let one = of(["a", "b"], json!({"A": "1", "B": "2"}));
        assert_eq!(one, of(["b", "a"], json!({"B": "2", "A": "1"})));
        assert_ne!(one.environment, of(["a", "b"], json!({"A": "1"})).environment);
        assert_eq!(one.network.as_deref(), Some(r#"{"SecurityGroupIds":["g"],"Subnets":["a","b"]}"#));
    }

    #[test]
    fn an_image_is_known_of_one_container_only() {
        let of = |container: &Value, more: &Value| image_of(&described(container, more)).map(str::to_owned);
        assert_eq!(of(&json!({"Image": "i"}), &json!({})).as_deref(), Some("i"));
        assert_eq!(of(&Value::Null, &json!({"Containers": [{"Image": "a"}]})).as_deref(), Some("a"));
        assert_eq!(of(&Value::Null, &json!({"Containers": [{"Image": "a"}, {"Image": "b"}]})), None);
        assert_eq!(of(&json!({"ModelPackageName": "p"}), &json!({})), None);
    }
}
