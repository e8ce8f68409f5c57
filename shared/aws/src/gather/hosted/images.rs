//! Reads the sizes of images in the account's own registry. AWS shows those of nobody else's (inference-facts §E2).

use std::collections::{BTreeSet, HashMap};

use aws_sdk_ecr::{
    operation::describe_images::DescribeImagesError,
    types::{ImageDetail, ImageIdentifier},
};
use cost_rules::{facts::Unread, policy::Policy};
use futures_util::{StreamExt as _, stream};

use crate::{
    clients::{Clients, why::why},
    gather::read::{IN_FLIGHT, Read, unread_of},
};

const GB: i64 = 1_000_000_000;
/// The most that a serverless endpoint takes (aws-facts §8.3).
const LARGE: i64 = 10 * GB;
/// The registry tells the compressed size, and AWS does not say which size it means. An image of this compressed size is small in any case: layers seldom shrink to less than 40 %.
const SMALL: i64 = 4 * GB;

/// Whether images have more than 10 GB, by their URI.
#[derive(Default)]
pub(super) struct Sizes {
    known: HashMap<String, bool>,
    failed: Vec<(String, String)>,
}

/// An image in a registry.
#[derive(Debug, PartialEq, Eq)]
struct Image<'a> {
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl Sizes {
    /// Reads those of these images that are in the registry of `account` in this Region. `None`: the account is not known, and none is read.
    pub(super) async fn read(clients: &Clients, policy: &Policy, account: Option<&str>, uris: &BTreeSet<String>) -> Self {
        let mut sizes = Self::default();
        let mut own = vec![];
        for uri in uris {
            if policy.inference.is_small_image(uri) {
                sizes.known.insert(uri.clone(), false);
            } else if let Some(image) = account.and_then(|account| Image::of(uri, account, &clients.region)) {
                own.push((uri, image));
            }
        }
        let read = stream::iter(own).map(async |(uri, image)| (uri, bytes(clients, &image).await)).buffer_unordered(IN_FLIGHT);
        for (uri, bytes) in read.collect::<Vec<_>>().await {
            match bytes {
                Ok(Some(bytes)) if bytes <= SMALL => _ = sizes.known.insert(uri.clone(), false),
                Ok(Some(bytes)) if LARGE < bytes => _ = sizes.known.insert(uri.clone(), true),
                Ok(_) => {}
                Err(why) => sizes.failed.push((uri.clone(), why)),
            }
        }
        sizes
    }

    /// `None`: not known.
    pub(super) fn is_large(&self, uri: &str) -> Option<bool> {
        self.known.get(uri).copied()
    }

    /// Whether it is only not known because a call failed.
    pub(super) fn is_unread(&self, uri: &str) -> bool {
        self.failed.iter().any(|(failed, _)| failed == uri)
    }

    pub(super) fn unread(&self) -> Option<Unread> {
        unread_of("image", &self.failed)
    }
}

impl<'a> Image<'a> {
    /// `None`: it is in another registry or Region.
    fn of(uri: &'a str, account: &str, region: &str) -> Option<Self> {
        let (registry, path) = uri.split_once('/')?;
        let rest = registry.strip_prefix(account)?.strip_prefix(".dkr.ecr.")?.strip_prefix(region)?;
        if !rest.starts_with(".amazonaws.com") {
            return None;
        }
        let (path, digest) = path.split_once('@').map_or((path, None), |(path, digest)| (path, Some(digest)));
        let (repository, tag) = path.split_once(':').map_or((path, None), |(repository, tag)| (repository, Some(tag)));
        let tag = tag.or_else(|| digest.is_none().then_some("latest")).filter(|_| digest.is_none());
        Some(Self { repository, tag, digest })
    }
}

/// The compressed size. `None`: it is not known, as of an image for several architectures.
async fn bytes(clients: &Clients, image: &Image<'_>) -> Read<Option<i64>> {
    clients.in_time()?;
    let id =
        ImageIdentifier::builder().set_image_tag(image.tag.map(str::to_owned)).set_image_digest(image.digest.map(str::to_owned)).build();
    let answer = clients.ecr.describe_images().repository_name(image.repository).image_ids(id).send().await;
    let answer = match answer {
        Ok(answer) => answer,
        // An endpoint runs on without its image, until an instance has to load it.
        Err(error) if error.as_service_error().is_some_and(is_gone) => return Ok(None),
        Err(error) => return Err(format!("ecr:DescribeImages: {}", why(&error))),
    };
    Ok(answer.image_details().first().and_then(ImageDetail::image_size_in_bytes))
}

fn is_gone(error: &DescribeImagesError) -> bool {
    error.is_image_not_found_exception() || error.is_repository_not_found_exception()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecr::{operation::describe_images::DescribeImagesOutput, types::error::ImageNotFoundException};
    use aws_smithy_mocks::{MockResponse, RuleMode, mock, mock_client};

    use super::*;
    use crate::testing;

    const OWN: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    #[test]
    fn images_in_the_own_registry() {
        let of = |uri: &'static str| Image::of(uri, "123456789012", "us-east-1").map(|image| (image.repository, image.tag, image.digest));
        assert_eq!(of("123456789012.dkr.ecr.us-east-1.amazonaws.com/ml/churn:7"), Some(("ml/churn", Some("7"), None)));
        assert_eq!(of("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn"), Some(("churn", Some("latest"), None)));
        assert_eq!(of("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:7@sha256:ab"), Some(("churn", None, Some("sha256:ab"))));
        assert_eq!(of("123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:7"), None);
        assert_eq!(of("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1-cpu"), None);
        assert_eq!(of("churn"), None);
    }

    #[tokio::test]
    async fn what_is_not_certain_is_not_known() {
        let images = mock!(aws_sdk_ecr::Client::describe_images).then_compute_response(|asked| {
            let of = |bytes: Option<i64>| {
                let detail = ImageDetail::builder().set_image_size_in_bytes(bytes).build();
                MockResponse::Output(DescribeImagesOutput::builder().image_details(detail).build())
            };
            match asked.repository_name() {
                Some("small") => of(Some(SMALL)),
                Some("between") => of(Some(SMALL + 1)),
                Some("large") => of(Some(LARGE + 1)),
                Some("several") => of(None),
                Some("gone") => MockResponse::Error(DescribeImagesError::ImageNotFoundException(ImageNotFoundException::builder().build())),
                _ => MockResponse::Error(DescribeImagesError::generic(testing::denied())),
            }
        });
        let clients = Clients { ecr: mock_client!(aws_sdk_ecr, RuleMode::MatchAny, [&images]).into(), ..testing::clients() };
        let names = ["small", "between", "large", "several", "gone", "secret"];
        let others = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1";
        let uris: BTreeSet<String> = names.iter().map(|name| format!("{OWN}/{name}:1")).chain([others.to_owned()]).collect();
        let sizes = Sizes::read(&clients, &Policy::default(), Some("123456789012"), &uris).await;
        let of = |name: &str| sizes.is_large(&format!("{OWN}/{name}:1"));
        assert_eq!(names.map(of), [Some(false), None, Some(true), None, None, None]);
        assert_eq!(sizes.is_large(others), None);
        let unread = sizes.unread().unwrap();
        assert!(unread.what.contains("secret:1") && unread.why.contains("ecr:DescribeImages: AccessDenied"), "{unread:?}");
        assert_eq!(names.map(|name| sizes.is_unread(&format!("{OWN}/{name}:1"))), [false, false, false, false, false, true]);
        assert_eq!(Sizes::read(&clients, &Policy::default(), None, &uris).await.known, HashMap::new(), "the account is not known");
    }
}
