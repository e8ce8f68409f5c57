//! Reads the policy. It is cached for five minutes, so that a change takes effect without a deployment.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use cost_rules::{policy::text_of, rulebook::Rulebook};
use jiff::{SignedDuration, Timestamp};

use super::settings::PolicySource;
use crate::clients::{Clients, why::why};

const KEPT: SignedDuration = SignedDuration::from_mins(5);

/// The policy that was read last, and when.
#[derive(Default)]
pub(super) struct PolicyCache(Mutex<Option<(Timestamp, Arc<Rulebook>)>>);

impl PolicyCache {
    /// The rulebook, read again if it is older than five minutes.
    ///
    /// # Errors
    /// The policy cannot be read or is wrong. The error names the file or parameter, the line and the key. Then nothing may be done.
    pub(super) async fn get(&self, source: &PolicySource, clients: &Clients, now: Timestamp) -> anyhow::Result<Arc<Rulebook>> {
        if let Some((read_at, rulebook)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
            && now.duration_since(*read_at).abs() < KEPT
        {
            return Ok(Arc::clone(rulebook));
        }
        let rulebook = Arc::new(read(source, clients).await?);
        rulebook.policy.currency(&clients.region).count_in();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&rulebook)));
        Ok(rulebook)
    }
}

async fn read(source: &PolicySource, clients: &Clients) -> anyhow::Result<Rulebook> {
    let (name, text) = match source {
        PolicySource::BuiltIn => ("the built-in policy".to_owned(), String::new()),
        PolicySource::File(path) => {
            let name = format!("policy file {}", path.display());
            let file = std::fs::read(path).with_context(|| format!("{name} cannot be read"))?;
            let text = text_of(file).map_err(|error| anyhow!("{name}: {error}"))?;
            (name, text)
        }
        PolicySource::Parameter(parameter) => {
            let name = format!("SSM parameter {parameter}");
            let answer = clients.ssm.get_parameter().name(parameter).with_decryption(true).send().await;
            let answer = answer.map_err(|error| match error.as_service_error() {
                Some(service) if service.is_parameter_not_found() => anyhow!(
                    "{name} with the policy is not there: store it with `aws ssm put-parameter --region {} --name {parameter} --type String --value file://infra/policy.toml`",
                    clients.region
                ),
                _ => anyhow!("{name} with the policy cannot be read: {}", why(&error)),
            })?;
            let text =
                answer.parameter.and_then(|parameter| parameter.value).with_context(|| format!("{name} with the policy is empty"))?;
            (name, text)
        }
    };
    Rulebook::from_toml(&text).map_err(|error| anyhow!("{name}, {error}"))
}
