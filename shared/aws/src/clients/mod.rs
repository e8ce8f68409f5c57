//! The clients of AWS's services, with their retries and timeouts.

use std::{
    ops::Deref,
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use tokio::time::Instant;

use self::reading::{OnlyReads, no_ledger};

mod reading;
pub(crate) mod trail;
mod trust;
pub(crate) mod why;

/// Attempts per call. Under throttling, ten standard attempts lose no call, where the default three lose a quarter of them. Adaptive retries slow down
/// everything for one call that is refused: a run of seconds becomes one of minutes.
const MAX_ATTEMPTS: u32 = 10;

/// Attempts per call to Cost Explorer, each of which it charges for.
const PAID_ATTEMPTS: u32 = 3;

/// The clients of AWS's services, one each. Cheap to clone.
#[derive(Clone)]
#[expect(missing_docs, reason = "each is the client of the service of its name")]
pub struct Clients {
    pub region: String,
    /// When reading must end. What was not read by then is reported as unread.
    pub read_until: Option<Instant>,
    pub autoscaling: Lazily<aws_sdk_applicationautoscaling::Client>,
    pub budgets: Lazily<aws_sdk_budgets::Client>,
    pub sagemaker: Lazily<aws_sdk_sagemaker::Client>,
    pub tagging: Lazily<aws_sdk_resourcegroupstagging::Client>,
    pub cloudwatch: Lazily<aws_sdk_cloudwatch::Client>,
    pub computeoptimizer: Lazily<aws_sdk_computeoptimizer::Client>,
    pub costexplorer: Lazily<aws_sdk_costexplorer::Client>,
    pub dynamodb: Lazily<aws_sdk_dynamodb::Client>,
    pub ecr: Lazily<aws_sdk_ecr::Client>,
    pub eventbridge: Lazily<aws_sdk_eventbridge::Client>,
    pub s3: Lazily<aws_sdk_s3::Client>,
    pub savingsplans: Lazily<aws_sdk_savingsplans::Client>,
    pub sns: Lazily<aws_sdk_sns::Client>,
    pub ssm: Lazily<aws_sdk_ssm::Client>,
}

/// A client that is created when it is first used. Each one parses the endpoints of its service, which takes much of a cold start, and no function uses all of
/// them.
#[derive(Clone)]
pub struct Lazily<C>(Arc<LazyLock<C, Box<dyn FnOnce() -> C + Send>>>);

impl<C: 'static> Lazily<C> {
    fn new(config: &SdkConfig, make: impl FnOnce(&SdkConfig) -> C + Send + 'static) -> Self {
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
    /// Clients from the environment: credentials, Region, and `AWS_ENDPOINT_URL` with its per-service forms.
    pub async fn from_env() -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        // Only the environment variables decide, because Lambda sets them. Where a configuration file says otherwise, it is no Lambda, and the cold start does
        // not matter.
        if let Some(client) = trust::http_client(std::env::vars()) {
            loader = loader.http_client(client);
        }
        Self::new(&loader.load().await)
    }

    /// Clients from a configuration. Retries and timeouts are set here (the SDK's default is no timeout).
    pub fn new(config: &SdkConfig) -> Self {
        Self::with(config, None)
    }

    /// Clients that refuse every operation that is not a read. Their ledger is empty, whatever there is.
    pub fn only_reading(config: &SdkConfig) -> Self {
        Self::with(config, Some(OnlyReads))
    }

    fn with(config: &SdkConfig, only_reads: Option<OnlyReads>) -> Self {
        macro_rules! client {
            ($sdk:ident, $config:expr) => {
                client!($sdk, $config, |_, builder| builder)
            };
            ($sdk:ident, $config:expr, $more:expr) => {
                Lazily::new($config, move |config| {
                    let more: fn(&SdkConfig, $sdk::config::Builder) -> $sdk::config::Builder = $more;
                    let builder = more(config, $sdk::config::Builder::from(config));
                    let builder = match only_reads {
                        Some(only_reads) => builder.interceptor(only_reads),
                        None => builder,
                    };
                    $sdk::Client::from_conf(builder.build())
                })
            };
        }
        let config = patient(config);
        // A large bill takes Cost Explorer longer than other services. Who does not wait for the answer pays for it, and asks and pays again.
        let patience = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Duration::from_secs(50))
            .operation_timeout(Duration::from_mins(2))
            .build();
        let paid =
            config.to_builder().retry_config(RetryConfig::standard().with_max_attempts(PAID_ATTEMPTS)).timeout_config(patience).build();
        let ledgers = if only_reads.is_some() { config.to_builder().http_client(no_ledger()).build() } else { config.clone() };
        Self {
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            read_until: None,
            autoscaling: client!(aws_sdk_applicationautoscaling, &config),
            budgets: client!(aws_sdk_budgets, &config),
            sagemaker: client!(aws_sdk_sagemaker, &config),
            tagging: client!(aws_sdk_resourcegroupstagging, &config),
            cloudwatch: client!(aws_sdk_cloudwatch, &config),
            computeoptimizer: client!(aws_sdk_computeoptimizer, &config),
            costexplorer: client!(aws_sdk_costexplorer, &paid),
            dynamodb: client!(aws_sdk_dynamodb, &ledgers),
            ecr: client!(aws_sdk_ecr, &config),
            eventbridge: client!(aws_sdk_eventbridge, &config),
            s3: client!(aws_sdk_s3, &config, |config, builder| {
                // A custom endpoint has no DNS names for buckets.
                builder.force_path_style(config.endpoint_url().is_some())
            }),
            savingsplans: client!(aws_sdk_savingsplans, &config),
            sns: client!(aws_sdk_sns, &config),
            ssm: client!(aws_sdk_ssm, &config),
        }
    }
}

/// The same configuration with the retries and timeouts of calls that are free.
fn patient(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_mins(1))
        .build();
    let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS);
    config.to_builder().retry_config(retries).timeout_config(timeouts).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_explorer_is_waited_for_longer_and_asked_less_often() {
        let clients = Clients::new(&SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build());
        let of = |retries: Option<&RetryConfig>, timeouts: Option<&TimeoutConfig>| {
            let timeouts = timeouts.unwrap();
            (retries.unwrap().max_attempts(), timeouts.operation_attempt_timeout().unwrap(), timeouts.operation_timeout().unwrap())
        };
        let (paid, free) = (clients.costexplorer.config(), clients.sagemaker.config());
        assert_eq!(of(paid.retry_config(), paid.timeout_config()), (3, Duration::from_secs(50), Duration::from_mins(2)));
        assert_eq!(of(free.retry_config(), free.timeout_config()), (10, Duration::from_secs(10), Duration::from_mins(1)));
    }
}
