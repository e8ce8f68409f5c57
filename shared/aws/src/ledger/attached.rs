//! Auto scaling that the guard attached, in the ledger: what, how far it has come, and whether it was taken back. Kept without expiry.

use std::collections::BTreeMap;

use anyhow::Context as _;
use cost_rules::facts::{AttachStage, Attached};

use super::table::{Item, Ledger, item, text};

const KIND: &str = "attached";

impl Ledger<'_> {
    /// What was attached to endpoints, by their ids.
    ///
    /// # Errors
    /// The table cannot be read, or an item is not readable.
    pub async fn all_attached(&self) -> anyhow::Result<BTreeMap<String, Attached>> {
        self.query(KIND).await?.iter().map(attached_of).collect()
    }

    /// What was attached to this endpoint. `None`: nothing.
    ///
    /// # Errors
    /// The table cannot be read, or the item is not readable.
    pub async fn attached(&self, id: &str) -> anyhow::Result<Option<Attached>> {
        let found = self.batch(KIND, std::iter::once(id.to_owned())).await?;
        found.first().map(|item| attached_of(item).map(|(_, attached)| attached)).transpose()
    }

    /// Records what is to be attached, before the first call. `false`: something is recorded already, so that nothing else may be attached.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn begin_attaching(&self, id: &str, attached: &Attached) -> anyhow::Result<bool> {
        let put = self.clients.dynamodb.put_item().table_name(self.table).set_item(Some(self.attached_item(id, attached)?));
        self.put_if(put.condition_expression("attribute_not_exists(pk)")).await
    }

    /// Records how far it has come.
    ///
    /// # Errors
    /// The table cannot be written.
    pub async fn set_attached(&self, id: &str, attached: &Attached) -> anyhow::Result<()> {
        self.put_one(self.attached_item(id, attached)?).await
    }

    fn attached_item(&self, id: &str, attached: &Attached) -> anyhow::Result<Item> {
        let texts = [
            ("pk", Some(self.pk(KIND)?)),
            ("sk", Some(id.to_owned())),
            ("stage", Some(name(attached.stage)?)),
            ("what", Some(serde_json::to_string(attached)?)),
        ];
        Ok(item(texts, []))
    }
}

fn name(stage: AttachStage) -> anyhow::Result<String> {
    Ok(serde_json::to_value(stage)?.as_str().unwrap_or_default().to_owned())
}

fn attached_of(item: &Item) -> anyhow::Result<(String, Attached)> {
    let id = text(item, "sk").unwrap_or_default();
    let what = text(item, "what").unwrap_or_default();
    let attached = serde_json::from_str(what).with_context(|| format!("what was attached to {id}: `{what}`"))?;
    Ok((id.to_owned(), attached))
}
