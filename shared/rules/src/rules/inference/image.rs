//! What an image's URI tells: which server is in it.

/// Parts of the URIs of AWS's images that can serve several models on CPUs (inference-facts §E3).
const MULTI_MODEL: [&str; 10] = [
    "xgboost",
    "scikit-learn",
    "/knn",
    "linear-learner",
    "randomcutforest",
    "tensorflow-inference",
    "pytorch-inference",
    "mxnet-inference",
    "tensorflow-serving",
    "tritonserver",
];
/// On GPUs, AWS serves several models with Triton only.
const ON_GPU: &str = "tritonserver";

/// Whether the server of an image can serve several models. `false` also where that is not known: an own image tells it by a label that AWS shows to nobody.
pub(super) fn serves_several(image: &str, has_gpus: bool) -> bool {
    let image = image.to_ascii_lowercase();
    if has_gpus { image.contains(ON_GPU) } else { MULTI_MODEL.iter().any(|part| image.contains(part)) }
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
        ] {
            assert_eq!(serves_several(image, has_gpus), serves, "{image} {has_gpus}");
        }
    }
}
