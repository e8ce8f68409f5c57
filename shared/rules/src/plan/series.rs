//! Names the other resources of a series in the mail about the one that is told for all of them.

use std::collections::BTreeMap;

use crate::{
    plan::{entry::FindingKey, step::Planned},
    rules::verdict::Detail,
    vocabulary::{
        resource::{Kind, Resource},
        text::argument,
    },
};

/// The most resources of a series that a mail names.
const MOST_NAMED: usize = 40;

/// Adds the other resources of its series to each finding that is told. Only of what stays, such as models: a job ends by itself, and tags that it gets then
/// change nothing.
pub(crate) fn name_others(planned: &mut [Planned]) {
    let mut of_series: BTreeMap<FindingKey, Vec<usize>> = BTreeMap::new();
    let stays = |one: &Planned| one.finding.series.is_some() && one.finding.resource.kind().is_some_and(|kind| !kind.is_job());
    for (index, one) in planned.iter().enumerate().filter(|(_, one)| stays(one)) {
        of_series.entry(one.entry.key()).or_default().push(index);
    }
    for indices in of_series.into_values().filter(|indices| 1 < indices.len()) {
        let Some(told) = indices.iter().copied().find(|index| planned[*index].step.only_reports()) else { continue };
        let others: Vec<&Resource> =
            indices.into_iter().filter(|index| *index != told).map(|index| &planned[index].finding.resource).collect();
        let detail = others_of(&planned[told].finding.resource, &others);
        planned[told].finding.waste.notice.details.push(detail);
    }
}

fn others_of(told: &Resource, others: &[&Resource]) -> Detail {
    let mut list: Vec<String> = others.iter().take(MOST_NAMED).map(|one| one.arn_or_id().to_owned()).collect();
    if MOST_NAMED < others.len() {
        let all = list_all(told, others).map(|command| format!(": {command}")).unwrap_or_default();
        list.push(format!("… and {} more{all}", others.len() - MOST_NAMED));
    }
    Detail { title: format!("Also:  {} more of its series, for which the same holds:", others.len()).into(), list }
}

/// The AWS CLI command that lists the ARNs of a series, and of what else has such a name.
fn list_all(told: &Resource, others: &[&Resource]) -> Option<String> {
    let (list, field, arn) = match told.kind()? {
        Kind::Model => ("list-models", "Models", "ModelArn"),
        Kind::EndpointConfig => ("list-endpoint-configs", "EndpointConfigs", "EndpointConfigArn"),
        _ => return None,
    };
    let begins = others.iter().fold(told.name.as_str(), |begin, one| common_beginning(begin, &one.name));
    let filter = if begins.is_empty() { String::new() } else { format!("--name-contains {} ", argument(begins)) };
    Some(format!("aws sagemaker {list} {}{filter}--query '{field}[].{arn}' --output text", told.region_option()))
}

/// What both texts begin with.
fn common_beginning<'a>(one: &'a str, other: &str) -> &'a str {
    let length = one.char_indices().zip(other.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    &one[..length.unwrap_or(one.len().min(other.len()))]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        facts::{Asset, Facts, Reading},
        plan::{Entry, Plan, State, Step, plan},
        rulebook::Rulebook,
        samples::audited,
        vocabulary::{resource::Tags, scope::Scope},
    };

    const NOW: &str = "2026-11-24T12:00:00Z";

    fn model(name: &str) -> Asset {
        audited(&format!("model/{name}"), &[("Owner", "ann@example.com")])
    }

    fn planned(assets: Vec<Asset>, reading: Reading, entries: Vec<Entry>) -> Plan {
        let rulebook = Rulebook::from_toml("[rules.missing-tag]\nrequired = { CostCenter = \".+\" }").unwrap();
        let facts = Facts { now: NOW.parse().unwrap(), assets, reading, ..Facts::default() };
        plan(rulebook.evaluate(&facts), &facts, Some(entries), &Scope::Everything)
    }

    fn told(plan: &Plan) -> Vec<(&str, Vec<Detail>)> {
        let told = plan.planned.iter().filter(|one| one.step == Step::Report);
        told.map(|one| (one.finding.resource.name.as_str(), one.finding.waste.notice.details.clone())).collect()
    }

    #[test]
    fn a_mail_about_a_series_of_models_names_all_of_them() {
        let models = |count: u32| (0..count).map(|n| model(&format!("churn-20261124{:06}", 91_000 + n))).chain([model("fraud")]).collect();
        let few = planned(models(3), Reading::default(), vec![]);
        let [("churn-20261124091000", ref others), ("fraud", ref none)] = told(&few)[..] else { panic!("{:?}", told(&few)) };
        assert_eq!(others[0].title, "Also:  2 more of its series, for which the same holds:");
        assert!(others[0].list.iter().zip(["1", "2"]).all(|(arn, end)| arn.starts_with("arn:aws:sagemaker:") && arn.ends_with(end)));
        assert_eq!((others.len(), others[0].list.len(), none.len()), (1, 2, 0));

        let many = planned(models(61), Reading::default(), vec![]);
        let others = &told(&many)[0].1[0];
        assert_eq!(others.list.len(), MOST_NAMED + 1);
        let last = others.list.last().unwrap();
        assert!(last.starts_with("… and 20 more: aws sagemaker list-models --region "), "{last}");
        assert!(last.ends_with(" --name-contains churn-202611240910 --query 'Models[].ModelArn' --output text"), "{last}");
    }

    #[test]
    fn a_series_is_gone_only_if_all_of_its_kind_was_read() {
        let name = "churn-20261124091000";
        let entry = planned(vec![model(name)], Reading::default(), vec![]).planned.remove(0).entry;
        assert_eq!(entry.id, "job-series/model/churn@ann@example.com");
        let dark = || {
            let mut dark = model(name);
            dark.resource.tags = Tags::Unreadable;
            dark
        };
        for (series, assets, closed) in [
            (BTreeSet::from([Kind::Model]), vec![], 1),
            (BTreeSet::from([Kind::Model, Kind::TrainingJob]), vec![], 1),
            (BTreeSet::from([Kind::TrainingJob, Kind::JobSeries]), vec![], 0),
            (BTreeSet::new(), vec![], 0),
            (BTreeSet::from([Kind::Model]), vec![dark()], 0),
        ] {
            // The resources themselves, or all other kinds, do not tell that the series is gone.
            let complete = Kind::ALL.iter().copied().filter(|kind| *kind != Kind::Model).collect();
            let reading = Reading { complete, complete_series: series.clone(), ..Reading::default() };
            let entry = Entry { state: State::Reported, version: 1, ..entry.clone() };
            assert_eq!(planned(assets, reading, vec![entry]).closed.len(), closed, "{series:?}");
        }
    }

    #[test]
    fn what_names_have_in_common_is_whole_characters() {
        for (one, other, common) in
            [("churn-1", "churn-2", "churn-"), ("a", "abc", "a"), ("abc", "a", "a"), ("zö", "zä", "z"), ("", "a", "")]
        {
            assert_eq!(common_beginning(one, other), common);
        }
    }
}
