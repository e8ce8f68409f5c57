//! The clients of AWS's services, with their retries and timeouts.

use std::{
    ops::Deref,
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use tokio::time::Instant;

mod trust;
pub(crate) mod why;

/// Attempts per call. Ten standard attempts lose nothing under throttling, where the default three lose a quarter; adaptive retries, which slow
/// down everything for one call that is refused, make a run of minutes out of one of seconds.
const MAX_ATTEMPTS: u32 = 10;

/// Where AWS is: one client per service. Cheap to clone.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the client of the service of its name")]
pub struct Clients {
    pub region: String,
    /// When reading has to be at its end; what was not read by then is unread.
    pub read_until: Option<Instant>,
    pub budgets: Lazily<aws_sdk_budgets::Client>,
    pub sagemaker: Lazily<aws_sdk_sagemaker::Client>,
    pub tagging: Lazily<aws_sdk_resourcegroupstagging::Client>,
    pub cloudwatch: Lazily<aws_sdk_cloudwatch::Client>,
    pub costexplorer: Lazily<aws_sdk_costexplorer::Client>,
    pub dynamodb: Lazily<aws_sdk_dynamodb::Client>,
    pub s3: Lazily<aws_sdk_s3::Client>,
    pub sns: Lazily<aws_sdk_sns::Client>,
    pub ssm: Lazily<aws_sdk_ssm::Client>,
}

/// A client that is made when it is used first: each parses the endpoints of its service anew, which is much of a cold start, and no function uses
/// all of them.
#[derive(Clone)]
pub struct Lazily<C>(Arc<LazyLock<C, Box<dyn FnOnce() -> C + Send>>>);

impl<C: 'static> Lazily<C> {
    fn new(config: &SdkConfig, make: fn(&SdkConfig) -> C) -> Self {
        let config = config.clone();
        Self(Arc::new(LazyLock::new(Box::new(move || make(&config)))))
    }
}

impl<C: Send + 'static> From<C> for Lazily<C> {
    fn from(client: C) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(|| client))))
    }
}

impl<C> Deref for Lazily<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl Clients {
    /// From the environment: credentials, Region, and `AWS_ENDPOINT_URL` with its per-service forms.
    pub async fn from_env() -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        // By the variables themselves: Lambda sets them, and a configuration file that may say otherwise is nobody's cold start.
        if let Some(client) = trust::http_client(std::env::vars()) {
            loader = loader.http_client(client);
        }
        Self::new(&loader.load().await)
    }

    /// From a configuration; retries and timeouts are set here (the SDK's default is no timeout at all).
    pub fn new(config: &SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(10))
            .operation_timeout(Duration::from_mins(1))
            .build();
        let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS);
        let config = config.to_builder().retry_config(retries).timeout_config(timeouts).build();
        Self {
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            read_until: None,
            budgets: Lazily::new(&config, aws_sdk_budgets::Client::new),
            sagemaker: Lazily::new(&config, aws_sdk_sagemaker::Client::new),
            tagging: Lazily::new(&config, aws_sdk_resourcegroupstagging::Client::new),
            cloudwatch: Lazily::new(&config, aws_sdk_cloudwatch::Client::new),
            costexplorer: Lazily::new(&config, aws_sdk_costexplorer::Client::new),
            dynamodb: Lazily::new(&config, aws_sdk_dynamodb::Client::new),
            s3: Lazily::new(&config, |config| {
                // Under an address of its own there are no names of buckets in DNS.
                let by_path = config.endpoint_url().is_some();
                aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(by_path).build())
            }),
            sns: Lazily::new(&config, aws_sdk_sns::Client::new),
            ssm: Lazily::new(&config, aws_sdk_ssm::Client::new),
        }
    }
}
