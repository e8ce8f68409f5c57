//! A client of CloudTrail's event history. Only the command line makes one, so that no function links it.

use std::time::Duration;

use aws_config::SdkConfig;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use super::{patient, reading::OnlyReads};

/// `LookupEvents` takes two requests a second of an account and a Region (aws-facts §1.3).
const BETWEEN: Duration = Duration::from_millis(500);

/// `CloudTrail`'s event history of a Region: the management events of 90 days, which every account has.
pub struct Trail {
    pub(crate) client: aws_sdk_cloudtrail::Client,
    next: Mutex<Instant>,
    between: Duration,
}

impl Trail {
    /// Reads only, as all that a command line asks for.
    pub(crate) fn of(config: &SdkConfig) -> Self {
        let config = aws_sdk_cloudtrail::config::Builder::from(&patient(config)).interceptor(OnlyReads).build();
        Self::with(aws_sdk_cloudtrail::Client::from_conf(config), BETWEEN)
    }

    /// With so much time between two requests.
    pub(crate) fn with(client: aws_sdk_cloudtrail::Client, between: Duration) -> Self {
        Self { client, next: Mutex::new(Instant::now()), between }
    }

    /// Waits until the next request may be sent.
    pub(crate) async fn turn(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + self.between;
    }
}

#[cfg(test)]
mod tests {
    use aws_config::BehaviorVersion;

    use super::*;

    #[tokio::test]
    async fn what_changes_a_trail_is_refused() {
        let trail = Trail::of(&SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build());
        let stopped = trail.client.stop_logging().name("x").send().await.unwrap_err();
        assert!(format!("{stopped:?}").contains("StopLogging is refused: this only reads"), "{stopped:?}");
    }

    #[tokio::test]
    async fn requests_have_a_pause_between_them() {
        let config = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
        let trail = Trail::with(aws_sdk_cloudtrail::Client::new(&config), Duration::from_millis(20));
        let began = Instant::now();
        for _ in 0..3 {
            trail.turn().await;
        }
        assert!(Duration::from_millis(40) <= began.elapsed());
    }
}
