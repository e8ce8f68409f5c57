//! Who asks from a command line: the credentials, account and partition of a person or a program, with which everything is read and nothing is changed.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{anyhow, bail};
use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    meta::region::ProvideRegion as _,
    profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider},
    provider_config::ProviderConfig,
};
use cost_rules::{facts::TagKeyStatus, resource::Arn};

use crate::{
    Clients, Context,
    clients::{trail::Trail, why::why},
    gather::bill::cost_tags,
    settings::{PolicySource, Settings},
    subscriptions,
};

/// Somebody with credentials of their own.
pub struct Caller {
    config: SdkConfig,
    partition: String,
    /// The ARN of the user or of the role's session.
    pub arn: String,
    /// The AWS account.
    pub account: String,
    /// The Region of the profile or the environment.
    pub region: String,
}

/// Neither the caller nor the profile nor the environment says which Region.
#[derive(Debug)]
pub struct NoRegion;

impl std::fmt::Display for NoRegion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("which Region is not known: give --region, set AWS_REGION, or write `region` into the profile")
    }
}

impl std::error::Error for NoRegion {}

impl Caller {
    /// Who the credentials belong to that the AWS CLI would use: of this profile, or else of the environment, the default profile, SSO, a container or an instance. `region`: where to ask, if not in
    /// the Region of the profile or the environment.
    ///
    /// # Errors
    /// There is no Region, there are no credentials, or AWS does not accept them.
    pub async fn of(profile: Option<&str>, region: Option<&str>) -> anyhow::Result<Self> {
        if std::env::var("AWS_ENDPOINT_URL").is_ok_and(|url| url.is_empty()) {
            bail!("AWS_ENDPOINT_URL is set and empty: unset it, or give it an address");
        }
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = profile {
            // The named profile wins over the environment's credentials, as with the AWS CLI. One that assumes a role asks STS, for which it needs a Region.
            let own_region = ProfileFileRegionProvider::builder().profile_name(profile).build().region().await;
            let region = region.map(|region| Region::new(region.to_owned())).or(own_region);
            let config = ProviderConfig::default().with_region(region);
            let named = ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(named);
        }
        if let Some(region) = region {
            loader = loader.region(Region::new(region.to_owned()));
        }
        let config = loader.load().await;
        let Some(region) = config.region().map(ToString::to_string).filter(|region| !region.is_empty()) else {
            return Err(NoRegion.into());
        };
        if !region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            bail!("`{region}` is no Region: expected for example eu-central-1");
        }
        let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
        let identity = identity.map_err(|error| anyhow!("it is not known who you are: {}", in_plain_words(&why(&error))))?;
        let arn = identity.arn.unwrap_or_default();
        let Some(of) = Arn::parse(&arn) else { bail!("sts:GetCallerIdentity says no account: expected the ARN of a user or a role") };
        let (partition, account) = (of.partition.to_owned(), of.account.to_owned());
        Ok(Self { config, partition, arn, account, region })
    }

    /// Whether a Region belongs to the partition of the credentials: those of China and `GovCloud` are others.
    pub fn can_ask(&self, region: &str) -> bool {
        let partition = match region {
            _ if region.starts_with("cn-") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ if region.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        partition == self.partition
    }

    /// How many subscriptions to a topic are confirmed. `None`: SNS does not say so.
    ///
    /// # Errors
    /// SNS refuses the call.
    pub async fn confirmed_subscriptions(&self, topic_arn: &str) -> anyhow::Result<Option<u64>> {
        subscriptions::confirmed(&Clients::only_reading(&self.config), topic_arn).await
    }

    /// Whether these tag keys are active cost allocation tags.
    ///
    /// # Errors
    /// Cost Explorer refuses the list.
    pub async fn cost_allocation_tags(&self, keys: Vec<String>) -> Result<BTreeMap<String, TagKeyStatus>, String> {
        cost_tags::statuses(&Clients::only_reading(&self.config), keys, &mut 0).await
    }

    /// CloudTrail's event history of a Region.
    pub fn trail(&self, region: &str) -> Trail {
        Trail::of(&self.config.to_builder().region(Region::new(region.to_owned())).build())
    }

    /// What a function looks with in a Region. `policy`: its file, or else the built-in one. `reads_bill`: in one Region only, because the bill is of all.
    pub fn context(&self, function: &'static str, region: &str, policy: Option<PathBuf>, reads_bill: bool) -> Context {
        let config = self.config.to_builder().region(Region::new(region.to_owned())).build();
        let settings = Settings {
            policy: policy.map_or(PolicySource::BuiltIn, PolicySource::File),
            // Nobody is mailed. It says which account this is, as the topic of a function does.
            topic_arn: format!("arn:{}:sns:{region}:{}:nobody", self.partition, self.account),
            table: "none".to_owned(),
            bucket: None,
            reads_bill,
            event_bus: None,
            chat_topic_arn: None,
            log: "off".to_owned(),
        };
        Context::new(function, Clients::only_reading(&config), settings)
    }
}

/// What to do about credentials that do not work.
fn in_plain_words(why: &str) -> String {
    let why = why.trim_start_matches("AWS could not be reached: ");
    let says = |texts: &[&str]| texts.iter().any(|text| why.contains(text));
    let to_do = if says(&["no credentials found", "could not load credentials", "CredentialsNotLoaded"]) {
        return "there are no credentials: configure a profile (`aws configure sso`) and give it with --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned();
    } else if says(&["SSO token", "sso session"]) {
        "nobody is signed in: `aws sso login`, with --profile if you have several"
    } else if says(&[
        "credential provider was not enabled",
        "was not defined",
        "could not find source profile",
        "did not contain credential",
    ]) {
        "the profile, or the one from which it takes its credentials, has none: look into ~/.aws/config and ~/.aws/credentials"
    } else if says(&["RequestTimeTooSkewed", "SignatureDoesNotMatch", "not yet current"]) {
        "AWS does not accept the signature: is the clock of this machine right, and the secret key?"
    } else if says(&["ExpiredToken", "expired"]) {
        "the credentials have expired: sign in again, for example with `aws sso login`"
    } else if says(&["InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId"]) {
        "AWS does not know the access key, or the Region is not enabled in the account"
    } else {
        return why.to_owned();
    };
    format!("{to_do} ({why})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_about_credentials_is_said() {
        for (why, says) in [
            ("no credentials found in chain. Attempted: Environment", "there are no credentials: configure a profile"),
            ("ExpiredToken: The security token included in the request is expired", "the credentials have expired: sign in again"),
            (
                "SignatureDoesNotMatch: Signature expired: 20261128T080000Z is now earlier than 20261130T080000Z",
                "AWS does not accept the signature: is the clock",
            ),
            ("AWS could not be reached: the credential provider was not enabled", "the profile, or the one from which"),
            ("AWS could not be reached: failed to load the cached SSO token", "nobody is signed in: `aws sso login`"),
            (
                "SignatureDoesNotMatch: Signature not yet current: 20261130T080000Z is still later than",
                "AWS does not accept the signature: is the clock",
            ),
            ("InvalidClientTokenId: The security token included in the request is invalid", "AWS does not know the access key"),
            ("no answer in time", "no answer in time"),
        ] {
            assert!(in_plain_words(why).starts_with(says), "{}", in_plain_words(why));
        }
    }
}
