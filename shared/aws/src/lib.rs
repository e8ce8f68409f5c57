//! The only crate that knows the AWS SDK.
