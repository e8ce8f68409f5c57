//! Reads YAML with `CloudFormation`'s short tags as JSON in their long form: `!Ref X` becomes `{"Ref": "X"}`.

use anyhow::{Context as _, bail};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

pub(super) fn read(text: &str) -> anyhow::Result<Value> {
    match Yaml::load_from_str(text)?.as_slice() {
        [document] => value(document),
        documents => bail!("expected one document, and there are {}", documents.len()),
    }
}

fn value(yaml: &Yaml<'_>) -> anyhow::Result<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(yes)) => json!(yes),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        Yaml::Mapping(fields) => {
            let field = |(key, of): (&Yaml<'_>, &Yaml<'_>)| anyhow::Ok((key.as_str().context("a key is no text")?.to_owned(), value(of)?));
            Value::Object(fields.iter().map(field).collect::<Result<Map<_, _>, _>>()?)
        }
        Yaml::Tagged(tag, inner) => {
            let name = tag.suffix.as_str();
            let long = if matches!(name, "Ref" | "Condition") { name.to_owned() } else { format!("Fn::{name}") };
            json!({long: value(inner)?})
        }
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => bail!("{yaml:?} is no plain YAML"),
    })
}
