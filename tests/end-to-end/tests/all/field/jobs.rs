//! Jobs that a tool names anew each night, built-in algorithms, tuning jobs with several definitions, jobs of the SageMaker Python SDK, and names that
//! ARNs have in lower case (apache/airflow#21941, #29245; sagemaker-python-sdk#742, #2300, #3983, #6299; awslabs/mlspace#52, #68).

use end_to_end::{
    Function, Guard,
    testing::{account, days, due, guard_of, hours, mails_to, minutes, states},
};
use serde_json::json;
use simulator::{Fault, Simulator, What};

const REPORT: &str = "[rules.missing-tag]\nrequired = { CostCenter = \"[0-9]+\" }\n";
const RESUBMIT: &str = "[rules.training-on-demand]\nmode = \"enforce\"\nremedy = \"resubmit\"\ngrace = \"0s\"\n";
const BUILT_IN: &str = "image = \"664544806723.dkr.ecr.eu-central-1.amazonaws.com/linear-learner:1\"\n";

/// A training job, `more` of its section after it.
fn training(name: &str, owner: &str, more: &str) -> String {
    format!(
        "[[training-job]]\nname = \"{name}\"\ninstance-type = \"ml.m5.xlarge\"\nmax-runtime = \"20h\"\ntakes = \"3h\"\n\
         tags = {{ Owner = \"{owner}@example.com\" }}\n{more}\n"
    )
}

fn spot_enforcer(account: &Simulator, policy: &str) -> Guard {
    guard_of(Function::TrainingJobSpotEnforcer, account, policy)
}

/// The names of one nightly job in three nights.
const NIGHTLY: [(&str, [&str; 3]); 12] = [
    ("airflow", ["score-2026-11-24T01-30-00-1", "score-2026-11-25T01-30-00-1", "score-2026-11-26T01-30-00-2"]),
    ("unique", ["mnist-1795570200-cc7d", "mnist-1795656600-1a2b", "mnist-1795743000-cafe"]),
    (
        "uuid",
        [
            "fraud-3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f",
            "fraud-00112233-4455-4677-8899-aabbccddeeff",
            "fraud-12345678-9abc-4def-8012-3456789abcde",
        ],
    ),
    (
        "pipeline",
        [
            "pipelines-kytlemm1lvpq-TrainChurn-cIpzShs3Qp",
            "pipelines-a8vq2kd0s1mz-TrainChurn-TbWlqDyNzK",
            "pipelines-0m3jz8xk1qvw-TrainChurn-aBcDeFgHiJ",
        ],
    ),
    ("canvas", ["Canvas1712936374430", "Canvas1713022774431", "Canvas1713109174432"]),
    ("front", ["20261124-score-daily", "20261125-score-daily", "20261126-score-daily"]),
    ("middle", ["churn-x7k2p9-train", "churn-k3j9x2-train", "churn-9f86d08-train"]),
    ("tuner", ["xgboost-261124-0130-001-0a1b2c3d", "xgboost-261125-0130-002-1b2c3d4e", "xgboost-261126-0131-001-9f8e7d6c"]),
    ("flyte", ["f7a9c4b3e2d1a0b4c5d6-n0-0", "a6mzhqjqxkmvsqpc7zjh-n0-0", "f7wkqzprnbgm5xhvdcts-n0-0"]),
    ("letters", ["churn-wjxkqzvhpcfd", "churn-qgbvkzmxwjtp", "churn-xkhzvqpdwlgm"]),
    ("oracle", ["load-24NOV26", "load-25NOV26", "load-26NOV26"]),
    ("nothing", ["3f2b8c1e-9a4d-4c1b-8f6e-1a2b3c4d5e6f", "2026-11-25-01-30-00", "9f86d081884c7d659a2feaa0c55ad015"]),
];

#[tokio::test]
async fn a_nightly_job_is_told_once_whatever_names_it() {
    let nightly = NIGHTLY.iter().flat_map(|(owner, names)| {
        (24..).zip(names).map(|(day, name)| training(name, owner, &format!("create = \"2026-11-{day} 01:30\"")))
    });
    let estate: String = nightly.collect();
    for function in [Function::TrainingJobSpotEnforcer, Function::TagAuditor] {
        let account = account(&estate);
        let guard = guard_of(function, &account, REPORT);
        account.advance(hours(18));
        let mut told = vec![];
        for _ in 0..3 {
            let report = guard.run().await.unwrap();
            assert!(report.findings.len() >= NIGHTLY.len(), "{report:?}");
            told.push(account.mails().len());
            account.advance(days(1));
        }
        let mails = account.mails();
        let by_owner = NIGHTLY.map(|(owner, _)| (owner, mails_to(&mails, &format!("{owner}@example.com")).len()));
        assert_eq!(by_owner, NIGHTLY.map(|(owner, _)| (owner, 1)), "{function:?}, mails after each night: {told:?}");
    }
}

#[tokio::test]
async fn different_work_of_one_owner_is_told_apart() {
    let names = ["train-resnet50", "train-resnet101", "bert-base-v2", "model-a"];
    let estate: String = names.map(|name| training(&format!("{name}-20261123-0130"), "ann", "created = \"-10m\"")).concat();
    let account = account(&estate);
    spot_enforcer(&account, REPORT).run().await.unwrap();
    let mails = account.mails();
    for name in names {
        assert!(mails.iter().any(|mail| mail.message.contains(name)), "{name}: {mails:?}");
    }
}

#[tokio::test]
async fn a_refused_definition_was_tried_for_ever_and_handed_to_its_owner() {
    let account = account(&training("churn", "ann", "created = \"-10m\""));
    let refusal = "You can't override the metric definitions for Amazon SageMaker algorithms";
    account.add_fault(Fault::new("sagemaker:CreateTrainingJob", What::Refuse("ValidationException".into(), refusal.into())));
    let guard = spot_enforcer(&account, RESUBMIT);
    for _ in 0..4 {
        guard.run().await.unwrap();
        guard.wake(due()).await.unwrap();
        account.advance(minutes(20));
    }
    let mails = account.mails();
    assert_eq!((mails.len(), account.calls().get("sagemaker:CreateTrainingJob")), (1, Some(&1)), "{mails:?}");
    assert!(mails[0].message.contains(refusal) && !mails[0].message.contains("--cli-input-json"), "{}", mails[0].message);
}

#[tokio::test]
async fn a_built_in_algorithm_is_given_lines_that_aws_takes() {
    for policy in ["", RESUBMIT] {
        let account = account(&training("churn", "ann", &format!("created = \"-10m\"\n{BUILT_IN}")));
        spot_enforcer(&account, policy).run().await.unwrap();
        let mails = account.mails();
        assert_eq!((mails.len(), account.training_jobs().len()), (1, 1));
        assert!(mails[0].message.contains("max_run=3600, max_wait=3600)"), "{}", mails[0].message);
    }
}

#[tokio::test]
async fn a_built_in_algorithm_is_resubmitted_without_what_aws_fills_in() {
    let definition = "definition = { AlgorithmSpecification = { TrainingInputMode = \"File\", TrainingImage = \
                      \"813361260812.dkr.ecr.eu-central-1.amazonaws.com/object-detection:1\", MetricDefinitions = [{ Name = \"loss\", Regex = \"loss=(.*)\" }] } }\n";
    let account =
        account(&training("churn", "ann", &format!("created = \"-10m\"\ncheckpoint = \"s3://ml-company/checkpoints\"\n{definition}")));
    let guard = spot_enforcer(&account, RESUBMIT);
    guard.run().await.unwrap();
    let described = guard.context.clients.sagemaker.describe_training_job().training_job_name("churn-spot").send().await.unwrap();
    let algorithm = described.algorithm_specification.unwrap();
    assert_eq!((algorithm.metric_definitions.map(|all| all.len()), algorithm.training_image.is_some()), (None, true));
}

#[tokio::test]
async fn a_cluster_of_groups_is_resubmitted_without_zeros() {
    let groups = "definition = { ResourceConfig = { InstanceCount = 0, VolumeSizeInGB = 30, InstanceGroups = [{ InstanceGroupName = \"cpu\", \
                  InstanceType = \"ml.m5.xlarge\", InstanceCount = 2 }] } }\n";
    let account = account(&training("churn", "ann", &format!("created = \"-10m\"\n{groups}")));
    let guard = spot_enforcer(&account, RESUBMIT);
    guard.run().await.unwrap();
    let described = guard.context.clients.sagemaker.describe_training_job().training_job_name("churn-spot").send().await.unwrap();
    let resources = described.resource_config.unwrap();
    assert_eq!((resources.instance_count, resources.instance_groups.map(|groups| groups.len())), (None, Some(1)));
}

#[tokio::test]
async fn a_job_under_fit_is_not_resubmitted() {
    let manifest = "definition = { InputDataConfig = [{ ChannelName = \"train\", DataSource = { S3DataSource = { S3DataType = \"ManifestFile\", \
                    S3Uri = \"s3://ml-company/kmeans/.amazon.manifest\" } } }] }\n";
    for (name, more) in
        [("kmeans-2018-01-31-14-07-29-021", ""), ("mnist-1795570200-cc7d", ""), ("churn-20261123075000", ""), ("churn", manifest)]
    {
        let account = account(&training(name, "ann", &format!("created = \"-10m\"\n{more}")));
        let report = spot_enforcer(&account, RESUBMIT).run().await.unwrap();
        assert_eq!((states(&report), account.training_jobs().len()), (vec![("training-on-demand", "reported")], 1), "{name}");
        assert!(report.findings[0].reason.contains("fit() may be waiting for its name"), "{report:?}");
    }
}

#[tokio::test]
async fn an_arn_in_lower_case_finds_its_job() {
    let tuning = "[[tuning-job]]\nname = \"KMeans-Tune\"\ncreated = \"-10m\"\ndefinition = [{ takes = \"20h\" }]\n";
    let account = account(&format!("{}{tuning}", training("KMeans-Train", "ann", "created = \"-10m\"")));
    for (function, rule) in [
        (Function::TrainingJobSpotEnforcer, ["training-on-demand", "tuning-on-demand"]),
        (Function::TagAuditor, ["missing-tag", "missing-tag"]),
    ] {
        for (id, rule) in ["training-job/kmeans-train", "hyper-parameter-tuning-job/kmeans-tune"].into_iter().zip(rule) {
            let arn = format!("arn:aws:sagemaker:eu-central-1:123456789012:{id}");
            let report = guard_of(function, &account, REPORT).wake(json!({"resources": [arn]})).await.unwrap();
            assert!(states(&report).iter().any(|(of, _)| *of == rule), "{function:?} {id}: {report:?}");
        }
    }
}

#[tokio::test]
async fn a_tuning_job_costs_no_more_than_its_limit() {
    let tuning = "[[tuning-job]]\nname = \"hpo\"\ncreated = \"-10m\"\njobs = 500\nparallel = 2\nmax-runtime = \"1h\"\ntags = { Owner = \"ann@example.com\" }\n\
                  definition = [{ name = \"a\", instance-type = \"ml.m5.xlarge\", takes = \"20h\", max-runtime = \"20h\" }, \
                  { name = \"b\", instance-type = \"ml.p3.2xlarge\", spot = true, takes = \"20h\", max-runtime = \"20h\" }]\n";
    let account = account(tuning);
    let report = spot_enforcer(&account, "").run().await.unwrap();
    let found = report.findings.iter().find(|found| found.rule == "tuning-on-demand").unwrap();
    assert!(found.reason.starts_with("1 of its 2 definitions did not ask for managed Spot"), "{}", found.reason);
    // Two at a time on an ml.m5.xlarge, for what is left of an hour.
    assert_eq!(found.monthly_cost_usd, Some(0.46), "{found:?}");
}

#[tokio::test]
async fn five_training_jobs_four_at_a_time_cost_as_much_as_eight() {
    let tuning = "[[tuning-job]]\nname = \"hpo\"\ncreated = \"-10m\"\njobs = 5\nparallel = 4\ntags = { Owner = \"ann@example.com\" }\n\
                  definition = [{ name = \"a\", instance-type = \"ml.m5.xlarge\", takes = \"1h\", max-runtime = \"1h\" }]\n";
    let report = spot_enforcer(&account(tuning), "").run().await.unwrap();
    let found = report.findings.iter().find(|found| found.rule == "tuning-on-demand").unwrap();
    // Five hours at $0.276: all of them may wait for their instances yet.
    assert_eq!(found.monthly_cost_usd, Some(1.38), "{found:?}");
}

#[tokio::test]
async fn one_unknown_price_makes_the_price_of_a_tuning_job_unknown() {
    let tuning = "[[tuning-job]]\nname = \"hpo\"\ncreated = \"-10m\"\njobs = 5\nparallel = 4\ntags = { Owner = \"ann@example.com\" }\n\
                  definition = [{ name = \"a\", instance-type = \"ml.t2.medium\", takes = \"20h\" }, \
                  { name = \"b\", instance-type = \"ml.p9.giant\", takes = \"20h\" }]\n";
    let estate = format!("{tuning}{}", training("churn", "ann", "created = \"-10m\"").replace("ml.m5.xlarge", "ml.p9.giant"));
    let stop = "mode = \"enforce\"\nremedy = \"stop\"\nmin-hourly-cost = 0.5\ngrace = \"0s\"\n";
    let policy = format!("[rules.tuning-on-demand]\n{stop}[rules.training-on-demand]\n{stop}");
    let account = account(&estate);
    let report = spot_enforcer(&account, &policy).run().await.unwrap();
    let reported: Vec<_> = report.findings.iter().filter(|found| found.state == "reported").collect();
    assert_eq!(reported.len(), 2, "{report:?}");
    for found in reported {
        assert!(found.reason.contains("only reported, because no price is known for it"), "{}", found.reason);
    }
    let mail = &account.mails()[0];
    for price in ["price not known (4 x ml.p9.giant)", "price not known (1 x ml.p9.giant)"] {
        assert!(mail.message.contains(price), "{}", mail.message);
    }
    guard_of(Function::TagAuditor, &account, REPORT).run().await.unwrap();
    let untagged = account.mails().into_iter().skip(1).find(|mail| mail.message.contains("hpo")).unwrap();
    assert!(
        untagged.message.contains("price not known (4 x ml.p9.giant)") && !untagged.message.contains("at most"),
        "{}",
        untagged.message
    );
}

#[tokio::test]
async fn a_tuning_job_of_a_built_in_algorithm_is_given_lines_that_aws_takes() {
    for (repository, lines) in
        [("linear-learner", "max_run=3600, max_wait=3600)"), ("object-detection", "max_wait=<max_run or more>, checkpoint_s3_uri")]
    {
        let tuning = format!(
            "[[tuning-job]]\nname = \"hpo\"\ncreated = \"-10m\"\njobs = 5\nparallel = 4\ntags = {{ Owner = \"ann@example.com\" }}\n\
             definition = [{{ instance-type = \"ml.m5.xlarge\", takes = \"20h\", \
             image = \"664544806723.dkr.ecr.eu-central-1.amazonaws.com/{repository}:1\" }}]\n"
        );
        let account = account(&tuning);
        spot_enforcer(&account, "").run().await.unwrap();
        let mails = account.mails();
        assert_eq!(mails.len(), 1);
        assert!(mails[0].message.contains(lines) && !mails[0].message.contains("Its code must"), "{}", mails[0].message);
    }
}

/// The first `XGBoost` was taken for one that writes checkpoints, and AWS refused the job that waits for more than an hour.
#[tokio::test]
async fn the_first_xgboost_writes_no_checkpoints() {
    let image = "image = \"664544806723.dkr.ecr.eu-central-1.amazonaws.com/xgboost:1\"\n";
    let account = account(&training("churn", "ann", &format!("created = \"-10m\"\ncheckpoint = \"s3://ml/c\"\n{image}")));
    spot_enforcer(&account, RESUBMIT).run().await.unwrap();
    let mails = account.mails();
    assert_eq!((mails.len(), account.training_jobs().len()), (1, 1));
    assert!(mails[0].message.contains("xgboost writes no checkpoints"), "{}", mails[0].message);
}
