//! ECR: the sizes of images in the account's own registry.

use serde_json::{Value, json};

use crate::{
    services::{On, Operation},
    wire::{Refusal, text},
    world::World,
};

const REPOSITORY: On = On::Of(|world, input| repository_arn(world, text(input, "repositoryName").unwrap_or_default()));

pub(super) const OPERATIONS: &[Operation] = &[Operation::new("DescribeImages", REPOSITORY, |world, input| images(world, input))];

fn repository_arn(world: &World, name: &str) -> String {
    format!("arn:aws:ecr:{}:{}:repository/{name}", world.region, world.account)
}

fn images(world: &World, input: &Value) -> Result<Value, Refusal> {
    let repository = text(input, "repositoryName").unwrap_or_default();
    let all = &world.hosting.spec.images;
    let of_this = |name: &str| name.split_once(':').is_some_and(|(own, _)| own == repository);
    if !all.keys().any(|name| of_this(name)) {
        // The codes are AWS's own, the texts are not.
        return Err(Refusal::new(400, "RepositoryNotFoundException", format!("The repository with name '{repository}' does not exist")));
    }
    let tags = input.get("imageIds").and_then(Value::as_array).into_iter().flatten().filter_map(|id| text(id, "imageTag"));
    let found = tags.map(|tag| match all.get(&format!("{repository}:{tag}")) {
        Some(gb) => Ok(json!({"registryId": "", "repositoryName": repository, "imageTags": [tag], "imageSizeInBytes": (gb * 1e9).round()})),
        None => Err(Refusal::new(400, "ImageNotFoundException", format!("The image with imageTag '{tag}' does not exist"))),
    });
    Ok(json!({"imageDetails": found.collect::<Result<Vec<_>, _>>()?}))
}
