//! `CloudFormation`'s intrinsic functions and conditions, for one account and one set of parameters.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use super::Place;

/// The pseudo parameter that removes a property.
const NO_VALUE: &str = "AWS::NoValue";

/// The stack's name. The names of its resources begin with it.
const STACK: &str = "cost-guard";

pub(super) struct Resolver<'a> {
    pub(super) template: &'a Value,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) place: &'a Place,
}

impl Resolver<'_> {
    /// A part of the template with its functions resolved; `None`: it resolves to nothing (`AWS::NoValue`).
    pub(super) fn resolved(&self, value: &Value) -> anyhow::Result<Option<Value>> {
        Ok(match value {
            Value::Null => None,
            Value::Array(items) => {
                Some(Value::Array(items.iter().filter_map(|item| self.resolved(item).transpose()).collect::<Result<_, _>>()?))
            }
            Value::Object(fields) => match fields.iter().next() {
                Some((name, argument)) if fields.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) => self.call(name, argument)?,
                _ => {
                    let field = |(name, of): (&String, &Value)| Some((name.clone(), self.resolved(of).transpose()?));
                    let fields = fields.iter().filter_map(field).map(|(name, of)| of.map(|of| (name, of)));
                    Some(Value::Object(fields.collect::<Result<Map<_, _>, _>>()?))
                }
            },
            plain => Some(plain.clone()),
        })
    }

    fn call(&self, name: &str, argument: &Value) -> anyhow::Result<Option<Value>> {
        let wrong = || format!("{name} of {argument}");
        Ok(match (name, argument) {
            ("Ref", Value::String(of)) if of == NO_VALUE => None,
            ("Ref", Value::String(of)) => Some(json!(self.reference(of)?)),
            ("Fn::GetAtt", Value::String(of)) => Some(json!(self.attribute(of)?)),
            ("Fn::Sub", Value::String(text)) => Some(json!(self.substituted(text, &Map::new())?)),
            ("Fn::Sub", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(text), Value::Object(own)] => Some(json!(self.substituted(text, own)?)),
                _ => bail!(wrong()),
            },
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(condition), yes, no] => self.resolved(if self.named_condition(condition)? { yes } else { no })?,
                _ => bail!(wrong()),
            },
            _ => bail!("{} is not simulated", wrong()),
        })
    }

    /// Whether a condition of the template holds.
    pub(super) fn named_condition(&self, name: &str) -> anyhow::Result<bool> {
        self.condition(self.template["Conditions"].get(name).with_context(|| format!("the template has no condition {name}"))?)
    }

    fn condition(&self, value: &Value) -> anyhow::Result<bool> {
        let (name, argument) = value
            .as_object()
            .filter(|fields| fields.len() == 1)
            .and_then(|fields| fields.iter().next())
            .context("a condition is one function")?;
        let all = || argument.as_array().into_iter().flatten().map(|one| self.condition(one)).collect::<Result<Vec<bool>, _>>();
        Ok(match (name.as_str(), argument) {
            ("Condition", Value::String(of)) => self.named_condition(of)?,
            ("Fn::Equals", Value::Array(sides)) if sides.len() == 2 => self.resolved(&sides[0])? == self.resolved(&sides[1])?,
            ("Fn::Not", Value::Array(of)) if of.len() == 1 => !self.condition(&of[0])?,
            ("Fn::And", Value::Array(_)) => all()?.into_iter().all(|one| one),
            ("Fn::Or", Value::Array(_)) => all()?.into_iter().any(|one| one),
            _ => bail!("the condition {value} is not simulated"),
        })
    }

    pub(super) fn type_of(&self, logical: &str) -> Option<&str> {
        self.template["Resources"].get(logical)?["Type"].as_str()
    }

    fn reference(&self, name: &str) -> anyhow::Result<String> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        Ok(match (name, self.type_of(name)) {
            ("AWS::AccountId", _) => self.place.account.clone(),
            ("AWS::Region", _) => self.place.region.clone(),
            ("AWS::Partition", _) => "aws".into(),
            ("AWS::StackName", _) => STACK.into(),
            (_, Some("AWS::SNS::Topic")) => self.arn(name)?,
            (_, Some(_)) => self.name(name),
            (_, None) => bail!("{name} is not a parameter with a value, nor a resource"),
        })
    }

    fn name(&self, logical: &str) -> String {
        self.place.names.get(logical).cloned().unwrap_or_else(|| format!("{STACK}-{logical}"))
    }

    pub(super) fn key_arn(&self, id: &str) -> String {
        format!("arn:aws:kms:{}:{}:key/{id}", self.place.region, self.place.account)
    }

    /// The ARN of a resource of the stack.
    pub(super) fn arn(&self, logical: &str) -> anyhow::Result<String> {
        let name = self.name(logical);
        let (service, what) = match self.type_of(logical) {
            Some("AWS::SNS::Topic") => ("sns", name),
            Some("AWS::SQS::Queue") => ("sqs", name),
            Some("AWS::DynamoDB::Table") => ("dynamodb", format!("table/{name}")),
            Some("AWS::Logs::LogGroup") => ("logs", format!("log-group:{name}:*")),
            Some("AWS::KMS::Key") => return Ok(self.key_arn(&name)),
            Some("AWS::S3::Bucket") => return Ok(format!("arn:aws:s3:::{}", name.to_lowercase())),
            other => bail!("{logical}: the ARN of {other:?} is not simulated"),
        };
        Ok(format!("arn:aws:{service}:{}:{}:{what}", self.place.region, self.place.account))
    }

    fn attribute(&self, of: &str) -> anyhow::Result<String> {
        match of.split_once('.') {
            Some((logical, "Arn")) => self.arn(logical),
            _ => bail!("Fn::GetAtt of {of} is not simulated"),
        }
    }

    fn substituted(&self, text: &str, own: &Map<String, Value>) -> anyhow::Result<String> {
        let mut parts = text.split("${");
        let mut done = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').with_context(|| format!("`{text}` has a ${{ without an end"))?;
            let value = match own.get(name) {
                Some(value) => self
                    .resolved(value)?
                    .as_ref()
                    .and_then(Value::as_str)
                    .map(str::to_owned)
                    .with_context(|| format!("{name} is no text"))?,
                None if name.contains('.') => self.attribute(name)?,
                None => self.reference(name)?,
            };
            done.extend([value.as_str(), rest]);
        }
        Ok(done)
    }
}
