//! Which root certificates the TLS connections to AWS trust: only Amazon's own, where they are enough. To parse the machine's 150 instead would take half of
//! the CPU of a cold start (`make bench`).

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnectorSettings, SharedHttpClient},
    runtime_components::RuntimeComponents,
};

/// The five root certificates that Amazon Trust Services recommends for custom trust stores; the first expires in 2037
/// (<https://www.amazontrust.com/repository/>).
const AMAZON_ROOTS: &str = include_str!("../amazon-roots.pem");

/// Prefixes of Regions in other partitions, which also use certificates of other authorities.
const OTHER_PARTITIONS: [&str; 4] = ["cn-", "us-gov-", "us-iso", "eusc-"];

/// Variables that require other certificates: a certificate file or folder, as behind a proxy that inspects TLS, or another endpoint.
const OTHERS: [&str; 3] = ["SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_ENDPOINT_URL"];

/// The HTTP client that trusts only Amazon's roots. `None`: the default client is needed, because the environment requires other certificates, or the Region is
/// unknown or in another partition.
pub(crate) fn http_client(variables: impl Iterator<Item = (String, String)>) -> Option<SharedHttpClient> {
    let mut region = String::new();
    for (name, value) in variables {
        if OTHERS.iter().any(|others| name.starts_with(others)) {
            return None;
        }
        if name == "AWS_REGION" {
            region = value;
        }
    }
    if region.is_empty() || OTHER_PARTITIONS.iter().any(|prefix| region.starts_with(prefix)) {
        return None;
    }
    Some(
        Builder::new().build_with_connector_fn(|settings, components| {
            connector(settings.cloned(), components.and_then(RuntimeComponents::sleep_impl))
        }),
    )
}

/// Except for the roots, this is what the SDK builds by default, including the proxy of the environment. Panics if a root cannot be parsed.
fn connector(settings: Option<HttpConnectorSettings>, sleep: Option<SharedAsyncSleep>) -> Connector {
    let trust = TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(AMAZON_ROOTS));
    let mut connector = Connector::builder();
    connector.set_connector_settings(settings).set_sleep_impl(sleep).set_proxy_config(Some(ProxyConfig::from_env()));
    connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(trust.build().unwrap_or_default()).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roots_can_be_parsed() {
        connector(None, None);
    }

    #[test]
    fn amazons_roots_only_where_they_are_all_that_is_needed() {
        let client =
            |variables: &[(&str, &str)]| http_client(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        assert!(client(&[("AWS_REGION", "eu-central-1"), ("PATH", "/bin")]).is_some());
        for region in ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", ""] {
            assert!(client(&[("AWS_REGION", region)]).is_none(), "{region}");
        }
        for others in ["SSL_CERT_FILE", "SSL_CERT_DIR", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"] {
            assert!(client(&[("AWS_REGION", "eu-central-1"), (others, "x")]).is_none(), "{others}");
        }
    }
}
