//! A SAM template, with its parameters, conditions and intrinsic functions resolved for one account, as far as triggers and roles need it.
//!
//! An unknown property or function is an error: a trigger or permission that was ignored would make the tests prove nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value};

mod resolve;
mod yaml;

use resolve::Resolver;

/// A SAM template.
#[derive(Clone, Debug)]
pub struct Template(Value);

/// The account and Region that a template is deployed in.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) account: String,
    pub(crate) region: String,
    /// The names of the account's existing resources, by the template's logical names.
    pub(crate) names: BTreeMap<&'static str, String>,
}

/// A function of a template, as it is deployed.
pub(crate) struct Deployed {
    /// `NotebookStopper`
    pub(crate) logical: String,
    /// The name of its binary: `notebook-stopper`.
    pub(crate) name: String,
    /// Type and properties of each trigger, by the trigger's name.
    pub(crate) events: BTreeMap<String, (String, Value)>,
    /// The statements of its role, managed policies included.
    pub(crate) statements: Vec<Value>,
}

/// What is deployed: the functions, and the keys of the topics.
pub(crate) struct Deployment {
    pub(crate) functions: Vec<Deployed>,
    /// The KMS keys' ARNs, by the ARN of the topic that they encrypt.
    pub(crate) keys: BTreeMap<String, String>,
    /// The filter policies of the subscriptions that have one, by their logical names.
    pub(crate) filters: BTreeMap<String, Value>,
}

impl Template {
    /// Reads a template from a file.
    ///
    /// # Errors
    /// The file cannot be read, or is not a template.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// Reads a template from its text.
    ///
    /// # Errors
    /// The text is not a template.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let document = yaml::read(text)?;
        ensure!(document["Resources"].is_object(), "a template has `Resources`");
        Ok(Self(document))
    }

    fn section(&self, name: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.0.get(name).and_then(Value::as_object).into_iter().flatten()
    }

    /// The parameters' values: the given ones, and the defaults of the others.
    fn parameters(&self, given: &[(&str, &str)]) -> anyhow::Result<BTreeMap<String, String>> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut parameters: BTreeMap<String, String> =
            self.section("Parameters").filter_map(|(name, of)| Some((name.clone(), text(of.get("Default")?)))).collect();
        for (name, value) in given {
            let known = self.0["Parameters"].get(name).with_context(|| format!("the template has no parameter {name}"))?;
            let allowed: Option<Vec<String>> =
                known.get("AllowedValues").and_then(Value::as_array).map(|all| all.iter().map(text).collect());
            ensure!(
                allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|one| one == value)),
                "{name} is `{value}`: expected one of {allowed:?}"
            );
            parameters.insert((*name).to_owned(), (*value).to_owned());
        }
        Ok(parameters)
    }

    pub(crate) fn deployed(&self, place: &Place, given: &[(&str, &str)]) -> anyhow::Result<Deployment> {
        let resolver = Resolver { template: &self.0, parameters: self.parameters(given)?, place };
        let mut deployment = Deployment { functions: vec![], keys: BTreeMap::new(), filters: BTreeMap::new() };
        for (logical, resource) in self.section("Resources") {
            if let Some(condition) = resource.get("Condition").and_then(Value::as_str)
                && !resolver.named_condition(condition)?
            {
                continue;
            }
            match resource["Type"].as_str().unwrap_or_default() {
                "AWS::Serverless::Function" => {
                    deployment.functions.push(function(&resolver, logical, resource).with_context(|| logical.clone())?);
                }
                "AWS::SNS::Subscription" => {
                    let filter = resolver.resolved(&resource["Properties"]["FilterPolicy"])?.filter(|filter| !filter.is_null());
                    deployment.filters.extend(filter.map(|filter| (logical.clone(), filter)));
                }
                "AWS::SNS::Topic" => {
                    if let Some(key) = resolver.resolved(&resource["Properties"]["KmsMasterKeyId"])? {
                        let key = key.as_str().with_context(|| format!("{logical}: expected a key's id"))?.to_owned();
                        deployment.keys.insert(resolver.arn(logical)?, resolver.key_arn(&key));
                    }
                }
                _ => {}
            }
        }
        ensure!(!deployment.functions.is_empty(), "the template has no function");
        Ok(deployment)
    }
}

fn function(resolver: &Resolver<'_>, logical: &str, resource: &Value) -> anyhow::Result<Deployed> {
    let binary = &resource["Metadata"]["BuildProperties"]["Binary"];
    let name = binary.as_str().context("it has no BuildProperties.Binary")?.to_owned();
    let mut events = BTreeMap::new();
    for (event, of) in resource["Properties"]["Events"].as_object().into_iter().flatten() {
        let properties = resolver.resolved(&of["Properties"])?.with_context(|| format!("{event} has no properties"))?;
        events.insert(event.clone(), (of["Type"].as_str().unwrap_or_default().to_owned(), properties));
    }
    ensure!(resource["Properties"]["Policies"].is_null(), "Policies of a function are not simulated: give it a Role of the template");
    let statements = match resource["Properties"].get("Role") {
        None => vec![],
        Some(role) => {
            let name = role["Fn::GetAtt"].as_str().and_then(|of| of.strip_suffix(".Arn"));
            let name = name.filter(|name| resolver.type_of(name) == Some("AWS::IAM::Role"));
            let name = name.with_context(|| format!("the role {role} is not simulated: expected one of the template"))?;
            statements(resolver, &resolver.template["Resources"][name]["Properties"]).with_context(|| name.to_owned())?
        }
    };
    Ok(Deployed { logical: logical.to_owned(), name, events, statements })
}

/// The statements of a role's policies: of the template's managed ones, and of its own.
fn statements(resolver: &Resolver<'_>, role: &Value) -> anyhow::Result<Vec<Value>> {
    let listed = |name: &str| role[name].as_array().into_iter().flatten();
    let managed = listed("ManagedPolicyArns").map(|policy| {
        let name = policy["Ref"].as_str().filter(|name| resolver.type_of(name) == Some("AWS::IAM::ManagedPolicy"));
        let name = name.with_context(|| format!("the managed policy {policy} is not simulated: expected one of the template"))?;
        Ok(&resolver.template["Resources"][name]["Properties"]["PolicyDocument"])
    });
    let own = listed("Policies").map(|policy| Ok(&policy["PolicyDocument"]));
    let mut statements = vec![];
    for document in managed.chain(own).collect::<anyhow::Result<Vec<_>>>()? {
        match resolver.resolved(&document["Statement"])? {
            Some(Value::Array(of)) => statements.extend(of),
            _ => bail!("a policy without statements is not simulated: {document}"),
        }
    }
    Ok(statements)
}

/// Refuses unknown properties, because their effect is not simulated.
pub(crate) fn only(properties: &Value, known: &[&str]) -> anyhow::Result<()> {
    let names: BTreeSet<&str> = properties.as_object().map(Map::keys).into_iter().flatten().map(String::as_str).collect();
    match names.iter().find(|name| !known.contains(name)) {
        Some(name) => bail!("`{name}` is not simulated: {}", known.join(", ")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
