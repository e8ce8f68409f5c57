//! What keeps a client from changing anything: every operation that is not a read is refused before it is sent, and the ledger is an empty one.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        interceptors::{Intercept, context::BeforeSerializationInterceptorContextRef},
        orchestrator::{HttpRequest, HttpResponse, Metadata},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};

/// How the names of operations begin that only read. CloudTrail's `LookupEvents`, DynamoDB's `Query` and SageMaker's `Search` are whole names.
const READS: [&str; 5] = ["BatchGet", "Describe", "Get", "Head", "List"];
const READS_BY_NAME: [&str; 3] = ["LookupEvents", "Query", "Search"];

/// Whether an operation of this name changes nothing.
pub(crate) fn only_reads(operation: &str) -> bool {
    READS_BY_NAME.contains(&operation) || READS.iter().any(|read| operation.starts_with(read))
}

/// Refuses every operation that is not a read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnlyReads;

impl Intercept for OnlyReads {
    fn name(&self) -> &'static str {
        "OnlyReads"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match cfg.load::<Metadata>().map(Metadata::name) {
            Some(operation) if only_reads(operation) => Ok(()),
            operation => Err(format!("{} is refused: this only reads", operation.unwrap_or("an operation without a name")).into()),
        }
    }
}

/// An HTTP client for DynamoDB that answers everything with `{}`: a ledger that remembers nothing. It reaches nobody.
pub(super) fn no_ledger() -> SharedHttpClient {
    http_client_fn(|_, _| SharedHttpConnector::new(Nothing))
}

#[derive(Debug)]
struct Nothing;

impl HttpConnector for Nothing {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let ok = StatusCode::try_from(200).map(|status| HttpResponse::new(status, SdkBody::from("{}")));
        HttpConnectorFuture::ready(ok.map_err(|error| aws_smithy_runtime_api::client::result::ConnectorError::user(error.into())))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, process::Command};

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
    use serde_json::Value;

    use super::*;
    use crate::clients::Clients;

    fn clients() -> Clients {
        let credentials = Credentials::new("somebody", "secret", None, None, "tests");
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-central-1"));
        Clients::only_reading(&config.credentials_provider(SharedCredentialsProvider::new(credentials)).build())
    }

    #[tokio::test]
    async fn what_changes_anything_is_refused_before_it_is_sent() {
        let clients = clients();
        let stopped = clients.sagemaker.stop_notebook_instance().notebook_instance_name("x").send().await.unwrap_err();
        let published = clients.sns.publish().topic_arn("arn:aws:sns:eu-central-1:123456789012:x").message("x").send().await.unwrap_err();
        let put = clients.dynamodb.put_item().table_name("x").send().await.unwrap_err();
        for (why, operation) in
            [(format!("{stopped:?}"), "StopNotebookInstance"), (format!("{published:?}"), "Publish"), (format!("{put:?}"), "PutItem")]
        {
            assert!(why.contains(&format!("{operation} is refused: this only reads")), "{why}");
        }
    }

    #[tokio::test]
    async fn the_ledger_is_empty() {
        let clients = clients();
        assert!(clients.dynamodb.query().table_name("x").send().await.unwrap().items().is_empty());
        assert!(clients.dynamodb.get_item().table_name("x").send().await.unwrap().item().is_none());
    }

    /// The operations of the SDK crates that this crate uses, by their files: `stop_notebook_instance.rs`.
    fn operations() -> BTreeSet<String> {
        // Only this machine's packages have been downloaded.
        let only_ours = ["--offline", "--locked", "--filter-platform", "host-tuple"];
        let metadata = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1"]).args(only_ours).output().unwrap();
        let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let own = packages.iter().find(|one| one["name"] == env!("CARGO_PKG_NAME")).unwrap();
        let used = |name: &str| own["dependencies"].as_array().unwrap().iter().any(|one| one["name"] == name);
        let mut operations = BTreeSet::new();
        for one in packages.iter().filter(|one| one["name"].as_str().is_some_and(|name| name.starts_with("aws-sdk-") && used(name))) {
            let source = std::path::Path::new(one["manifest_path"].as_str().unwrap()).with_file_name("src").join("operation");
            let names = fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path());
            operations.extend(names.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())));
        }
        operations
    }

    #[test]
    fn of_all_operations_only_reads_are_let_through() {
        let all = operations();
        let let_through = |file: &&String| {
            let name: String = file.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect();
            only_reads(&name)
        };
        let (reads, refused): (Vec<&String>, Vec<&String>) = all.iter().partition(let_through);
        assert!(1_000 < all.len() && 300 < reads.len() && 500 < refused.len(), "{} operations, {} reads", all.len(), reads.len());
        // The first words of what is let through, and what begins like a read and is none.
        let verbs: BTreeSet<&str> = reads.iter().filter_map(|file| file.split('_').next()).collect();
        assert_eq!(verbs.into_iter().collect::<Vec<_>>(), ["batch", "describe", "get", "head", "list", "lookup", "query", "search"]);
        for changing in ["batch_add", "batch_delete", "batch_execute", "batch_put", "batch_update", "batch_write", "get_and_"] {
            assert!(!reads.iter().any(|file| file.starts_with(changing)), "{changing}");
        }
        for refused_one in ["stop_notebook_instance", "delete_app", "create_training_job", "publish", "put_item", "put_object", "add_tags"]
        {
            assert!(refused.iter().any(|file| *file == refused_one), "{refused_one}");
        }
    }
}
