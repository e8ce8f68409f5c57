//! Images of jobs: `<account>.dkr.ecr.<Region>.amazonaws.com/<repository>:<tag>`, or `<account>.dkr-ecr.<Region>.on.aws/…` (IPv6).

/// The algorithms that are built into `SageMaker` and write no checkpoints, by their repository.
const WITHOUT_CHECKPOINTS: [&str; 15] = [
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
    // The first version, 0.72. Later ones are `sagemaker-xgboost`.
    "xgboost",
];

/// The built-in algorithms that can write checkpoints.
const WITH_CHECKPOINTS: [&str; 4] = ["image-classification", "object-detection", "sagemaker-xgboost", "semantic-segmentation"];

/// The accounts in which AWS keeps the images of its built-in algorithms, by Region (aws-facts §2.3).
const ACCOUNTS: &str = include_str!("../../data/built_in_algorithm_accounts.txt");

/// Whether a built-in algorithm never writes checkpoints, whatever its job's settings are.
pub fn never_writes_checkpoints(algorithm: &str) -> bool {
    WITHOUT_CHECKPOINTS.contains(&algorithm)
}

/// Whether a built-in algorithm writes checkpoints, if its job says where to.
pub fn can_write_checkpoints(algorithm: &str) -> bool {
    WITH_CHECKPOINTS.contains(&algorithm)
}

/// The built-in algorithm of this image: `linear-learner`. `None`: the image is a framework's, or a company's own, which may have the same name.
pub fn built_in_algorithm(image: &str) -> Option<&str> {
    let (registry, repository) = without_version(image).split_once('/')?;
    let (account, host) = registry.split_once('.')?;
    let is_algorithm = WITHOUT_CHECKPOINTS.contains(&repository) || WITH_CHECKPOINTS.contains(&repository);
    let is_registry = host.starts_with("dkr.ecr") || host.starts_with("dkr-ecr");
    (is_algorithm && is_registry && is_of_aws(account)).then_some(repository)
}

fn is_of_aws(account: &str) -> bool {
    // The Regions' names are no accounts.
    ACCOUNTS.split_whitespace().any(|of| of == account && of.starts_with(|c: char| c.is_ascii_digit()))
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
    fn images_of_aws_are_known_by_their_repository_and_account() {
        for (image, algorithm) in [
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1", Some("linear-learner")),
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/kmeans:latest", Some("kmeans")),
            ("664544806723.dkr.ecr.eu-central-1.amazonaws.com/pca", Some("pca")),
            ("492215442770.dkr.ecr.eu-central-1.amazonaws.com/sagemaker-xgboost:1.7-1", Some("sagemaker-xgboost")),
            ("390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/blazingtext:1", Some("blazingtext")),
            ("382416733822.dkr.ecr.us-east-1.amazonaws.com/ntm@sha256:0123abcd", Some("ntm")),
            ("382416733822.dkr.ecr-fips.us-east-1.amazonaws.com/knn:1", Some("knn")),
            ("811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1", Some("object-detection")),
            ("246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1", Some("sagemaker-xgboost")),
            ("813361260812.dkr.ecr.eu-central-1.amazonaws.com/xgboost:1", Some("xgboost")),
            // Names that IPv6 knows, too.
            ("664544806723.dkr-ecr.eu-central-1.on.aws/linear-learner:1", Some("linear-learner")),
            ("811284229777.dkr-ecr-fips.us-east-1.on.aws/object-detection@sha256:0123abcd", Some("object-detection")),
            ("390948362332.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/blazingtext:1", Some("blazingtext")),
            ("123456789012.dkr-ecr.eu-central-1.on.aws/linear-learner:1", None),
            // The customer's own, or a shared account's of the company.
            ("999988887777.dkr.ecr.eu-central-1.amazonaws.com/xgboost:1", None),
            ("999988887777.dkr-ecr.eu-central-1.on.aws/kmeans", None),
            ("eu-central-1.dkr.ecr.eu-central-1.amazonaws.com/kmeans", None),
            ("664544806723.registry.example.com/kmeans", None),
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
            assert_eq!(built_in_algorithm(image), algorithm, "{image}");
        }
    }

    #[test]
    fn the_accounts_are_accounts() {
        for line in ACCOUNTS.lines() {
            let (region, accounts) = line.split_once(' ').unwrap();
            assert!(region.contains('-'), "{line}");
            assert!(accounts.split(' ').all(|one| one.len() == 12 && one.bytes().all(|byte| byte.is_ascii_digit())), "{line}");
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
