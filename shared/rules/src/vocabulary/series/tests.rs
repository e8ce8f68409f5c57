//! Tables of names, and the series that they are of.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::vocabulary::resource::{Ownership, Tags};

#[test]
fn what_a_tool_generates_is_left_out() {
    let expected = [
        // The SageMaker Python SDK.
        ("churn-train-2026-11-24-09-10-00-123", "churn-train"),
        ("mnist-1795570200-cc7d", "mnist"),
        ("mnist-1795570200-1234", "mnist"),
        ("mnist-1795570200-cafe", "mnist"),
        ("churn-20261124091000", "churn"),
        // Dates and times.
        ("churn-train-20261124T091000Z", "churn-train"),
        ("transform-2026-11-25T01-30-00", "transform"),
        ("score-2026-11-25T01-30-00-1", "score"),
        ("scheduled--2026-11-25T00-00-00-00-00-score", "scheduled-score"),
        ("score-2026-11-25-01-30-00-123456", "score"),
        ("20261125-score", "score"),
        ("daily-20261125-0130-score", "daily-score"),
        ("daily-25-11-2026-score", "daily-score"),
        ("daily-26-11-25-score", "daily-score"),
        ("daily-25Nov2026", "daily"),
        ("daily-Wed-Nov-25-2026-score", "daily-score"),
        ("daily-2026-11-25-01h30m00s", "daily"),
        ("daily-2026-11-25-0130pm-utc", "daily"),
        ("weekly-2026-W48", "weekly"),
        ("monthly-2026-11-forecast", "monthly-forecast"),
        ("Canvas1712936374430", "Canvas"),
        ("train20261124", "train"),
        ("v20261124T0130-train", "v-train"),
        ("metaflow-1795570200123456-train", "metaflow-train"),
        // Hexadecimal ids.
        ("fraud-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "fraud"),
        ("3f2b8c1e-9a4d-face-8f6e-1a2b3c4d5e6f-fraud", "fraud"),
        ("12345678-9a4d-4c1b-8f6e-1a2b3c4d5e6f-fraud", "fraud"),
        ("a-long-name-of-a-team-and-its-model-3f2b8c1e-9a4d-4c1b-8f", "a-long-name-of-a-team-and-its-model"),
        ("xgb-9f86d081884c", "xgb"),
        ("9f86d08-train-xgb", "train-xgb"),
        ("xgb-v1-g9f86d08", "xgb-v1"),
        ("tuning-job-1-57d7f377bfe54b40b1", "tuning-job"),
        // Random letters and digits.
        ("churn-train-kytlemm1lvpq-cIpzShs3Qp-0", "churn-train"),
        ("churn-train-q2hj8vaeo1kd-TbWlqDyNzK", "churn-train"),
        ("train-x7k2p9-churn", "train-churn"),
        ("train-kytlemm1lvpq", "train"),
        ("train-cIpzShs3Qp-churn", "train-churn"),
        ("train-01HF8ZQ3J5V7W9X2Y4B6D8F0GK", "train"),
        ("train-aBcDeFgHiJ", "train"),
        ("xgb-bk7xq", "xgb"),
        // Letters alone, as Kubernetes may generate them.
        ("train-job-xkzqw", "train-job"),
        ("train-job-bcdfg", "train-job"),
        // Random words, with the number of a run or without.
        ("train-gentle-fox", "train"),
        ("train-gentle-fox-42", "train"),
        ("sweep-churn-admiring-einstein", "sweep-churn"),
        ("xgb-wxzqv", "xgb"),
        ("TrainingJob-20261125013000-X7KQ", "TrainingJob"),
        // Counters.
        ("bert-base-uncased-0007", "bert-base-uncased"),
        ("nightly-41", "nightly"),
        ("build-4711-train", "build-train"),
        ("train-run42-churn", "train-run-churn"),
        ("part-00017-train", "part-train"),
        ("train-10001-churn", "train-churn"),
        ("TrainFlow-1234-train-5678", "TrainFlow-train"),
        ("TrainFlow-41234-train-105678", "TrainFlow-train"),
        // Months and days without a year.
        ("train-nov24", "train"),
        ("train-24Nov-churn", "train-churn"),
        // An id, and what a tool puts behind it.
        ("train-7x9kq-1234567890", "train"),
        ("train-wxzqv-1234567890", "train"),
        ("train-9f86d08-41", "train"),
        ("9f86d08-41", ""),
        ("train-x7k2p9-2", "train"),
        ("train-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f-2", "train"),
        ("train-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f-2", "train"),
        ("AWSBatchchurn3f2b8c1e9a4d4c1b8f6e1a2b3c4d5e6f", "AWSBatchchurn"),
        ("AWSBatchchurn-train12345678901234567890123456789012", "AWSBatchchurn-train"),
        // Random letters and digits that have no more order than chance gives them: of Flyte, of a name in base 64, of cuid, and letters alone.
        ("train-a6mzhqjqxkmvsqpc7zjh-n0-0", "train-n0-0"),
        ("f7wkqzprnbgm5xhvdcts-n0-0", "n0-0"),
        ("churn-mz3kq0rsnz2hxsvlk1dg", "churn"),
        ("churn-ckopqwooh000001la8mbi2im9", "churn"),
        ("churn-wjxkqzvhpcfd", "churn"),
        ("churn-YQzVDnUUMBXf", "churn"),
        ("churn-i7sdqp4c", "churn"),
        // The tuner of the SageMaker Python SDK, and a training job that it started.
        ("xgboost-261124-0130", "xgboost"),
        ("xgboost-261124-0130-001-0a1b2c3d", "xgboost"),
        // Rules of Debugger, behind a job's name that is cut off.
        ("mnist-tensorflow-2026-11-2-VanishingGradient-1a2b3c4d", "mnist-tensorflow-VanishingGradient"),
        ("data-wrangler-flow-processing-24-01-30-00-1a2b3c4d", "data-wrangler-flow-processing"),
        ("data-wrangler-flow-processing-24-13-45-00-1a2b3c4d", "data-wrangler-flow-processing"),
        // Days with two digits of the year, and weeks of a fiscal year.
        ("churn-24NOV26", "churn"),
        ("churn-24-Nov-26-train", "churn-train"),
        ("churn-nov-24-26", "churn"),
        ("demand-fy26-w48-train", "demand-train"),
        ("demand-fy27p02", "demand"),
        // Random words in front.
        ("mystifying-hopper-train", "train"),
        ("churn-gentle-fox-train", "churn-train"),
        // A commit, as `git describe` names it; one of several; a day of the week; Kubernetes behind a time; a few more words of Weights & Biases.
        ("score-v1-2-3-4-g6c5ce47", "score-v1-2-3"),
        ("score-v1-2-3-14-g6c5ce47-train", "score-v1-2-3-train"),
        ("score-night-1-of-3", "score-night"),
        ("score-tuesday", "score"),
        ("score-29001440-blcbb", "score"),
        ("score-20261125-x7kzq", "score"),
        ("score-brave-moon-13", "score"),
        ("score-quiet-fog-14", "score"),
        ("ScoreModel-ZSlB5er8", "ScoreModel"),
        // Weeks, without a year or behind it; a merge request of GitLab.
        ("report-kw48", "report"),
        ("report-week48-churn", "report-churn"),
        ("report-2026-kw48", "report"),
        ("churn-mr123", "churn-mr"),
        // A short day of the week, and words of MLflow and of Prefect.
        ("score-Tue", "score"),
        ("score-thu", "score"),
        ("score-bemused-stag-123", "score"),
        ("score-wise-otter", "score"),
        // Months and days in other languages.
        ("score-30-novembre-2026", "score"),
        ("score-1-decembre-2026", "score"),
        ("score-01dic2026", "score"),
        ("score-2026-dez-01", "score"),
        ("score-1-okt-26", "score"),
        ("score-montag", "score"),
        ("score-mardi", "score"),
        // Counters without a dash.
        ("train-sprint41", "train-sprint"),
        ("round3", "round"),
        ("train-exp012-x", "train-exp-x"),
        ("score-seq00041", "score-seq"),
        ("score-night41", "score-night"),
        // What may be a short random id.
        ("score-d5de", "score"),
        ("score-d5de1", "score"),
        ("score-JSJC61", "score"),
        ("score-y29db8", "score"),
        ("score-v41", "score"),
        ("score-euc1-20261125-kqdlmt", "score-euc1"),
        ("score-euc1-20261125-k4dlm7", "score-euc1"),
        // Pipelines.
        ("pipelines-kytlemm1lvpq-TrainChurn-cIpzShs3Qp", "pipelines-TrainChurn"),
        ("pipelines-kytlemm1lvpq-train-churn-aBcDeFgHiJ", "pipelines-train-churn"),
        ("pipelines-kytlemm1lvp-Tune-cIpzS", "pipelines-Tune"),
    ];
    let found = expected.map(|(name, _)| (name, job_stem(name).unwrap_or_default()));
    let wrong: Vec<_> = found.iter().zip(expected).filter(|(found, expected)| found.1 != expected.1).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_tells_the_work_is_kept() {
    for name in [
        "train-resnet50",
        "train-resnet101",
        "bert-base-v2",
        "model-a",
        "model-b",
        "wav2vec2-large",
        "word2vec",
        "seq2seq",
        "yolov8n",
        "vgg16",
        "vgg16bn",
        "ResNet50V2",
        "Qwen2VL7B",
        "llama-3-8b",
        "llama-3-70b",
        "mixtral8x7b",
        "resnext50-32x4d",
        "efficientnetb0",
        "lightgbm4",
        "lstm128x2",
        "Llama3Instruct8B",
        "lightgbm4v2",
        "r2plus1d",
        "phi3mini128k",
        "gpt4o",
        "t5-small",
        "decade",
        "decade2",
        "facade",
        "MyTraining",
        "XGBoostDailyTrain",
        "transformers-MyTraining",
        "monitor-quality",
        "may-forecast",
        "marketing",
        "mai-forecast",
        "train-gen3",
        "montag-blues",
        "html5",
        "imagenet21k",
        "region-eu",
        "fp16",
        "DeBERTa",
        "march-madness",
        "bert-dec-layers12",
        "pharm-nsclc",
        "pharm-hrhpv",
        "random-forest",
        "train-happy-users",
        "postgresql",
        "catboostlgbmblend",
        "speechbrainxvector",
        "efficientnetv2",
        "hrnet-w48",
        "deeplabv3plus",
        "hdbscan",
        "mt5-base",
        "fy26-plan",
        "x86-vs-arm",
        "xgb2",
        "t5",
        "churn-v2",
        "llama-405b",
        "train-a100",
        "vgg16x2",
        "black-friday-sales",
        "monday-blues",
        "sun-spots",
        "sat-images",
        "twilight-saga",
        "fraud2026",
        "score-cafe",
        "train-bad1",
    ] {
        assert_eq!(job_stem(name).as_deref(), Some(name));
        for generated in ["20261124-091000", "2026-11-25T01-30-00-1", "3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f"] {
            assert_eq!(job_stem(&format!("{name}-{generated}")).as_deref(), Some(name), "{generated}");
            assert_eq!(job_stem(&format!("{generated}-{name}")).as_deref(), Some(name), "{generated}");
        }
    }
    // A number that is not needed to make the name unique belongs to the work.
    for (name, stem) in [
        ("fold-1-20261124", "fold-1"),
        ("churn-kw48-20261124", "churn-kw48"),
        // Layers of a network are no date.
        ("mlp-64-32-16-churn-20261124", "mlp-64-32-16-churn"),
        ("resnet-50-2026-11-24-09-10-00-123", "resnet-50"),
        ("20261124-fold-2", "fold-2"),
        ("exp12-20261124", "exp12"),
        ("customer-10001-train-20261124", "customer-10001-train"),
        ("lr-0001-3f2b8c1e9a4d", "lr-0001"),
        ("9f86d08-llama-1024-ctx-2048", "llama-1024-ctx-2048"),
        ("train-dec12-20261124", "train-dec12"),
    ] {
        assert_eq!(job_stem(name).as_deref(), Some(stem), "{name}");
    }
}

#[test]
fn the_sdk_names_jobs_in_three_ways() {
    for (name, is_of_sdk) in [
        ("kmeans-2018-01-31-14-07-29-021", true),
        ("huggingface-pytorch-training-2026-11-24-09-10-00-123", true),
        ("mnist-1795570200-cc7d", true),
        ("mnist-1795570200-0000", true),
        ("churn-20261124091000", true),
        ("kmeans-2018-01-31-14-07-29", false),
        ("kmeans-2018-13-31-14-07-29-021", false),
        ("kmeans-2018-01-31-14-07-29-021-spot", false),
        ("churn-20261124", false),
        ("churn-99991399091000", false),
        ("mnist-1795570200", false),
        ("mnist-1795570200-CC7D1", false),
        ("churn", false),
    ] {
        assert_eq!(is_named_by_sdk(name), is_of_sdk, "{name}");
    }
}

fn job(name: &str, tags: &[(&str, &str)]) -> Resource {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    Resource { id: Kind::TrainingJob.id(name), name: name.into(), arn: None, tags: Tags::Known(tags), ownership: Ownership::default() }
}

#[test]
fn a_name_that_tells_nothing_is_of_the_series_of_its_work() {
    let (one, other) = ("3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-25-01-30-00-123");
    for nothing in [one, other, "42", "x7k2p9", ""] {
        assert_eq!(job_stem(nothing), None, "{nothing}");
    }
    let id = |name: &str, work| series_id(Kind::TrainingJob, &job(name, &[]), work);
    assert_eq!(id(one, Some("churn role/ml")), id(other, Some("churn role/ml")));
    assert_ne!(id(one, Some("churn role/ml")), id(one, Some("fraud role/ml")));
    assert_ne!(id(one, None), id(other, None), "nothing is known of either");
    assert_eq!(id("churn-20261124", Some("any")), "job-series/training-job/churn");
    // What is left of an execution of Flyte is the number of its node, which each workflow has.
    let (one, other) = ("f7wkqzprnbgm5xhvdcts-n0-0", "a6mzhqjqxkmvsqpc7zjh-n0-0");
    assert_eq!(id(one, Some("churn role/ml")), id(other, Some("churn role/ml")));
    assert_ne!(id(one, Some("churn role/ml")), id(other, Some("fraud role/ml")));
}

#[test]
fn random_words_are_of_a_series_only_if_the_work_is_the_same() {
    let id = |name: &str, work| series_id(Kind::TrainingJob, &job(name, &[]), work);
    for (one, other) in [
        ("gentle-fox", "wandering-sun-7"),
        ("train-gentle-fox", "train-happy-whale"),
        // MLflow and Docker: their owner was mailed every night, because not both words were in the lists.
        ("bright-grouse-596", "resilient-horse-71"),
        ("churn-legendary-newt-835", "churn-auspicious-shoat-0"),
        ("silky-fox", "zen-hopper"),
    ] {
        assert_eq!(id(one, Some("churn role/ml")), id(other, Some("churn role/ml")));
        assert_ne!(id(one, Some("churn role/ml")), id(other, Some("fraud role/ml")));
        assert_ne!(id(one, None), id(other, None), "it is not known what they do");
    }
    // Something else makes the name unique, so that these words may be the work: a whale that is happy.
    assert_eq!(job_stem("happy-whale-20261124").as_deref(), Some("happy-whale"));
    assert_eq!(id("churn-gentle-fox", Some("churn")), "job-series/training-job/churn~churn");
}

#[test]
fn what_may_be_a_random_id_is_of_a_series_only_if_the_work_is_the_same() {
    let id = |name: &str, work| series_id(Kind::TrainingJob, &job(name, &[]), work);
    for (one, other, without_work) in [
        ("score-d5de", "score-1fc2e", false),
        ("score-JSJC61", "score-KRTX42", false),
        ("score-20261125-y29db8", "score-20261126-y29db8", true),
        ("train-a100x8", "train-h100x8", false),
        ("score-v41", "score-v42", false),
    ] {
        assert_eq!(id(one, Some("churn role/ml")), id(other, Some("churn role/ml")), "{one}");
        assert_ne!(id(one, Some("churn role/ml")), id(other, Some("fraud role/ml")), "{one}");
        assert_eq!(id(one, None) == id(other, None), without_work, "{one}: it is not known what they do");
    }
}

/// Only the first of them was told to its owner.
#[test]
fn abbreviations_of_different_work_were_one_series() {
    let id = |name: &str, work| series_id(Kind::TrainingJob, &job(name, &[]), work);
    for (one, other) in [("train-ctrmtl", "train-cvrmtl"), ("train-cstmrsgmt", "train-lgstcs"), ("train-trnsprt", "train-hlthchk")] {
        assert_ne!(id(one, Some("ctr role/ml")), id(other, Some("cvr role/ml")), "{one}");
        assert_ne!(id(one, None), id(other, None), "{one}: it is not known what they do");
        assert_eq!(id(one, Some("churn role/ml")), id(other, Some("churn role/ml")), "{one}");
        assert_ne!(id(&format!("{one}-20261124"), None), id(&format!("{other}-20261124"), None), "{one}");
    }
}

#[test]
fn a_time_or_a_random_id_is_made_by_a_tool() {
    for (name, is_made) in [
        ("churn-2026-11-24-01-30-00-123", true),
        ("pytorch-inference-2026-11-24-01-30-00-123", true),
        ("churn-20261124", true),
        ("pipelines-kytlemm1lvpq-CreateModel-cIpzShs3Qp", true),
        ("fraud-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", true),
        ("churn-1795570200-cc7d", true),
        ("churn", false),
        ("churn-v2", false),
        ("churn-00017", false),
        ("resnet101-gpt-2", false),
        ("", false),
    ] {
        assert_eq!(is_made_anew(name), is_made, "{name}");
    }
}

#[test]
fn steps_of_the_same_name_are_of_their_pipelines() {
    let of = |execution: &str, pipeline: &str| {
        let arn = format!("arn:aws:sagemaker:eu-central-1:123456789012:pipeline/{pipeline}/execution/{execution}");
        series_id(Kind::TrainingJob, &job(&format!("pipelines-{execution}-Train-cIpzShs3Qp"), &[(PIPELINE_TAGS[0], &arn)]), None)
    };
    assert_eq!(of("kytlemm1lvpq", "churn"), of("a8vq2kd0s1mz", "churn"));
    assert_ne!(of("kytlemm1lvpq", "churn"), of("kytlemm1lvpq", "fraud"));
}

proptest! {
    #[test]
    fn every_name_has_a_stem_of_its_own_parts(name in "[a-zA-Z0-9-]{0,63}") {
        let stem = job_stem(&name);
        prop_assert_eq!(&stem, &job_stem(&name));
        prop_assert!(stem.is_none_or(|stem| stem.len() <= name.len().max("pipelines".len())));
    }

    #[test]
    fn a_uuid_is_found_whatever_its_digits(uuid in "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}") {
        prop_assert_eq!(job_stem(&format!("fraud-{uuid}")), Some("fraud".to_owned()));
        prop_assert_eq!(job_stem(&format!("{uuid}-fraud-nn")), Some("fraud-nn".to_owned()));
    }
}
