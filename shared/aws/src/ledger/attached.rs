//! Auto scaling that the guard attached, in the ledger: what, how far it has come, and whether it was taken back. Kept without expiry.

use std::collections::BTreeMap;

use anyhow::Context as _;
use aws_sdk_dynamodb::types::AttributeValue;
use cost_rules::facts::{AttachStage, Attached};
use serde_json::{Map, Value};

use super::table::{Item, Ledger, item, stage_text, text};

const KIND: &str = "attached";
/// The field that a condition looks at. It is an attribute of its own, and not in the rest.
const STAGE: &str = "stage";

impl Ledger<'_> {
    /// What was attached to endpoints, by their ids. `Err` of one: its item is not readable.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn all_attached(&self) -> anyhow::Result<BTreeMap<String, anyhow::Result<Attached>>> {
        Ok(self.query(KIND).await?.iter().map(|item| (id_of(item).to_owned(), attached_of(item))).collect())
    }

    /// What was attached to this endpoint. `None`: nothing.
    ///
    /// # Errors
    /// The table cannot be read, or the item is not readable.
    pub async fn attached(&self, id: &str) -> anyhow::Result<Option<Attached>> {
        self.one(KIND, id).await?.as_ref().map(attached_of).transpose()
    }

    /// Records what is to be attached, before the first call, on top of what was read. `false`: another run has changed that in the meantime, so that nothing may be
    /// attached.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn begin_attaching(&self, id: &str, attached: &Attached, was: Option<AttachStage>) -> anyhow::Result<bool> {
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.attached_item(id, attached)?));
        let put = match was {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(stage) => put
                .condition_expression("#stage = :was")
                .expression_attribute_names("#stage", STAGE)
                .expression_attribute_values(":was", AttributeValue::S(stage_text(stage)?)),
        };
        self.put_if(put).await
    }

    /// Records how far it has come.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn set_attached(&self, id: &str, attached: &Attached) -> anyhow::Result<()> {
        self.put_one(self.attached_item(id, attached)?).await
    }

    fn attached_item(&self, id: &str, attached: &Attached) -> anyhow::Result<Item> {
        let mut what = serde_json::to_value(attached)?;
        let stage = what.as_object_mut().and_then(|what| what.remove(STAGE)).unwrap_or_default();
        let texts = [
            ("pk", Some(self.pk(KIND)?)),
            ("sk", Some(id.to_owned())),
            (STAGE, stage.as_str().map(str::to_owned)),
            ("what", Some(what.to_string())),
        ];
        Ok(item(texts, []))
    }
}

fn id_of(item: &Item) -> &str {
    text(item, "sk").unwrap_or_default()
}

fn attached_of(item: &Item) -> anyhow::Result<Attached> {
    let mut what: Map<String, Value> = text(item, "what").and_then(|what| serde_json::from_str(what).ok()).unwrap_or_default();
    what.insert(STAGE.to_owned(), text(item, STAGE).into());
    let read = serde_json::from_value(what.into());
    read.with_context(|| format!("the ledger's item of what was attached to {} is not readable", id_of(item)))
}
