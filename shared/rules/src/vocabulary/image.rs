//! Images of jobs: `<account>.dkr.ecr.<Region>.amazonaws.com/<repository>:<tag>`.

/// The algorithms that are built into `SageMaker` and write no checkpoints, by their repository.
const WITHOUT_CHECKPOINTS: [&str; 14] = [
    "blazingtext",
    "factorization-machines",
    "forecasting-deepar",
    "ipinsights",
    "kmeans",
    "knn",
    "lda",
    "linear-learner",
    "ntm",
    "object2vec",
    "pca",
    "randomcutforest",
    "seq2seq",
    "topic-modeling",
];

/// The built-in algorithms that can write checkpoints.
const WITH_CHECKPOINTS: [&str; 5] = ["image-classification", "object-detection", "sagemaker-xgboost", "semantic-segmentation", "xgboost"];

/// Whether a built-in algorithm never writes checkpoints, whatever its job's settings are.
pub fn never_writes_checkpoints(algorithm: &str) -> bool {
    WITHOUT_CHECKPOINTS.contains(&algorithm)
}

/// The built-in algorithm of this image: `linear-learner`. `None`: the image is a framework's, or the customer's own. `account`: the customer's account.
/// AWS keeps the images in an account for each Region, so that they are known by their repository in another account.
pub fn built_in_algorithm<'a>(image: &'a str, account: &str) -> Option<&'a str> {
    let (registry, _) = image.split_once('/')?;
    let (of, host) = registry.split_once('.')?;
    let repository = without_version(image).split_once('/')?.1;
    let is_foreign = of.len() == 12 && of.bytes().all(|byte| byte.is_ascii_digit()) && of != account && host.starts_with("dkr.ecr");
    let is_algorithm = WITHOUT_CHECKPOINTS.contains(&repository) || WITH_CHECKPOINTS.contains(&repository);
    (is_foreign && is_algorithm).then_some(repository)
}

/// An image without its tag and its digest, which differ from one build to the next.
pub fn without_version(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        Some((front, tag)) if !tag.contains('/') => front,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_aws_are_known_by_their_repository_in_another_account() {
        let built_in = |image| built_in_algorithm(image, "123456789012");
        for (image, algorithm) in [
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1", Some("linear-learner")),
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/kmeans:latest", Some("kmeans")),
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/pca", Some("pca")),
            ("492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1", Some("sagemaker-xgboost")),
            ("390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/blazingtext:1", Some("blazingtext")),
            ("382416733822.dkr.ecr.us-east-1.amazonaws.com/ntm@sha256:0123abcd", Some("ntm")),
            ("382416733822.dkr.ecr-fips.us-east-1.amazonaws.com/knn:1", Some("knn")),
            ("811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1", Some("object-detection")),
            // The customer's own.
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1", None),
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com/kmeans", None),
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/team/kmeans:1", None),
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner-fork:1", None),
            // Frameworks and other registries.
            ("763104351884.dkr.ecr.eu-central-1.amazonaws.com/pytorch-training:2.3-gpu", None),
            ("registry.example.com:5000/kmeans:1", None),
            ("kmeans", None),
            ("", None),
        ] {
            assert_eq!(built_in(image), algorithm, "{image}");
        }
    }

    #[test]
    fn a_build_does_not_change_the_work() {
        for (image, without) in [
            ("1.dkr.ecr.eu-central-1.amazonaws.com/team/churn:build-17", "1.dkr.ecr.eu-central-1.amazonaws.com/team/churn"),
            ("1.dkr.ecr.eu-central-1.amazonaws.com/churn:2@sha256:0123", "1.dkr.ecr.eu-central-1.amazonaws.com/churn"),
            ("registry.example.com:5000/churn", "registry.example.com:5000/churn"),
            ("churn", "churn"),
        ] {
            assert_eq!(without_version(image), without);
        }
    }
}
