//! What an image's URI tells: which server is in it.

use crate::vocabulary::image::without_version;

/// The repositories of AWS's images that can serve several models on CPUs (inference-facts §E3).
const MULTI_MODEL: [&str; 13] = [
    "xgboost",
    "sagemaker-xgboost",
    "sagemaker-scikit-learn",
    "knn",
    "linear-learner",
    "randomcutforest",
    "tensorflow-inference",
    "huggingface-tensorflow-inference",
    "pytorch-inference",
    "huggingface-pytorch-inference",
    "mxnet-inference",
    "sagemaker-tensorflow-serving",
    ON_GPU,
];
/// On GPUs, AWS serves several models with Triton only.
const ON_GPU: &str = "sagemaker-tritonserver";

/// Whether the server of an image can serve several models. `false` also where that is not known: an own image, in the registry of `account`, tells it by a label that AWS shows to nobody.
pub(super) fn serves_several(image: &str, account: Option<&str>, has_gpus: bool) -> bool {
    let Some((registry, repository)) = without_version(image).split_once('/') else { return false };
    let is_own = account.is_some_and(|account| registry.split('.').next() == Some(account));
    !is_own && if has_gpus { repository == ON_GPU } else { MULTI_MODEL.contains(&repository) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_several_models() {
        for (image, has_gpus, serves) in [
            ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", false, true),
            ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", false, true),
            ("763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-inference:2.1-cpu", false, true),
            ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.1-gpu", true, false),
            ("785573368785.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:23.10-py3", true, true),
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com/churn:7", false, false),
            // Own ones that are named after AWS's.
            ("123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1", false, false),
            ("999988887777.dkr.ecr.us-east-1.amazonaws.com/risk/xgboost-api:7", false, false),
            ("registry.example.com/my-tritonserver", true, false),
            ("sagemaker-xgboost", false, false),
        ] {
            assert_eq!(serves_several(image, Some("123456789012"), has_gpus), serves, "{image} {has_gpus}");
        }
    }
}
