//! Several endpoints into one that they share, and back.

use std::fmt::Write as _;

use serde_json::json;

use super::{BUCKET, Moving, again, block, new_name};
use crate::{
    inference::{Member, Shared},
    rules::verdict::Detail,
    vocabulary::text::{argument, json_argument},
};

impl Moving<'_> {
    /// The steps by which several endpoints become one, and back.
    pub(in crate::rules::inference) fn to_shared(&self, shared: &Shared) -> Vec<Detail> {
        let second = new_name(self.name(), "shared");
        let mut lines = vec!["# 1. Put all models into one place, which the role may read.".to_owned()];
        let copy =
            |member: &Member| format!("aws s3 cp {} {BUCKET}/{second}/{}.tar.gz", argument(&member.data_url), argument(&member.name));
        lines.extend(shared.members.iter().map(copy));
        lines.push("# 2. Create the shared endpoint. The old ones go on.".to_owned());
        let has_environment = !matches!(self.model.environment.as_str(), "" | "{}");
        lines.extend(has_environment.then(|| {
            format!("# Add the container's Environment from: {}--model-name {}", self.command("describe-model"), argument(&self.model.name))
        }));
        let mut variant = self.variant().clone();
        variant["ModelName"] = json!(second);
        variant["InstanceType"] = json!(shared.group.instance_type);
        variant["InitialInstanceCount"] = json!(shared.group.instances);
        lines.push(self.create_multi_model(&second));
        lines.extend(self.create(&self.config_with(&second, &variant)));
        lines.extend([
            format!("# 3. Let your callers call {second} with the model's name: --target-model {}.tar.gz", argument(self.name())),
            "# 4. When nobody has called the old ones for some days, delete them.".to_owned(),
        ]);
        lines.extend(
            shared.members.iter().map(|member| format!("{}--endpoint-name {}", self.command("delete-endpoint"), argument(&member.name))),
        );
        // Each has its own: what the shared one has are those of the oldest.
        let again = shared.members.iter().flat_map(|Member { name, config, tags, .. }| {
            let tags = self.give_tags(name, tags);
            again(self, name, config).into_iter().chain(tags)
        });
        let mut back =
            vec!["# After step 4, create the old ones again first. Auto scaling that you want has to be attached again:".to_owned()];
        back.extend(again);
        back.push(format!("# Let your callers call the old ones again. When nobody calls {second} any more, delete it:"));
        back.extend(self.delete(&second));
        back.push(format!("{}--model-name {second}", self.command("delete-model")));
        vec![block("Move them, in this order:", lines), block("Go back:", back)]
    }

    /// The command that creates the model of all of them, which has this name and a folder of this name.
    fn create_multi_model(&self, name: &str) -> String {
        let container = json!({"Image": self.model.image, "Mode": "MultiModel", "ModelDataUrl": format!("{BUCKET}/{name}/")});
        let mut create = format!(
            "{}--model-name {name} --execution-role-arn {} --primary-container {}",
            self.command("create-model"),
            argument(self.model.role.as_deref().unwrap_or("YOUR-ROLE")),
            json_argument(&container)
        );
        if let Some(network) = self.network() {
            let _ = write!(create, " --vpc-config {}", json_argument(&network));
        }
        create += if self.model.is_isolated { " --enable-network-isolation" } else { "" };
        create
    }
}
