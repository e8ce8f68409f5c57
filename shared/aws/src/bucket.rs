//! Writes objects into S3.

use aws_sdk_s3::{
    config::{Config, Region},
    error::SdkError,
    operation::put_object::PutObjectError,
    primitives::ByteStream,
};

use crate::clients::{Clients, why::why};

/// An object to be written. The bucket encrypts it, and may be in another Region.
pub(crate) struct Object<'a> {
    /// The bucket's name.
    pub(crate) bucket: &'a str,
    /// The key.
    pub(crate) key: &'a str,
    /// Its type, for browsers.
    pub(crate) content_type: &'a str,
    /// What is written.
    pub(crate) body: Vec<u8>,
}

impl Object<'_> {
    /// Writes it, in place of what had its key before.
    ///
    /// # Errors
    /// S3 refuses it. The error names bucket, key and reason.
    pub(crate) async fn put(&self, clients: &Clients) -> Result<(), String> {
        let mut sent = self.put_in(clients, None).await;
        // The SDK does not follow S3's redirect to a bucket in another Region (aws-facts §5).
        if let Some(elsewhere) = sent.as_ref().err().and_then(region_of_bucket).filter(|of_bucket| *of_bucket != clients.region) {
            sent = self.put_in(clients, Some(elsewhere)).await;
        }
        sent.map_err(|error| format!("s3:PutObject s3://{}/{}: {}", self.bucket, self.key, why(&error)))
    }

    async fn put_in(&self, clients: &Clients, region: Option<String>) -> Result<(), SdkError<PutObjectError>> {
        let body = ByteStream::from(self.body.clone());
        let call = clients.s3.put_object().bucket(self.bucket).key(self.key).content_type(self.content_type).body(body);
        let call = call.content_disposition("inline");
        match region.map(|region| Config::builder().region(Region::new(region))) {
            Some(config) => call.customize().config_override(config).send().await,
            None => call.send().await,
        }
        .map(drop)
    }
}

/// The bucket's Region, by a refusal of S3.
fn region_of_bucket(error: &SdkError<PutObjectError>) -> Option<String> {
    error.raw_response()?.headers().get("x-amz-bucket-region").map(str::to_owned)
}
