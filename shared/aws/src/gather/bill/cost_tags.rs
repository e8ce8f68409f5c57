//! What the bill says about the tags that the policy requires: whether they are active cost allocation tags, and what was spent with and without them.

use std::collections::BTreeMap;

use aws_sdk_costexplorer::{
    error::ProvideErrorMetadata as _,
    types::{CostAllocationTagStatus, DateInterval, Dimension, Expression, Granularity, MatchOption, TagValues},
};
use cost_rules::{
    facts::{TagKey, TagKeyStatus, TagSpend, Unread},
    resource::{Kind, Ownership, Resource, Tags},
    rulebook::Rulebook,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rust_decimal::Decimal;

use super::{METRIC, by_usage_and_team, dimension, of_group, of_sagemaker};
use crate::{
    clients::{Clients, why::why},
    context::Context,
    event::Request,
    gather::read::{Read, every_page},
};

/// How many days of spend are read.
const DAYS: u32 = 30;

/// The spend is read once a week and cached in the ledger: each page costs 0.01 USD, and it changes slowly.
const SPEND: &str = "tag-spend";
const SPEND_EVERY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Part of AWS's error message to an account that is not the payer of its organization (aws-facts §7.6).
const NOT_THE_PAYER: &str = "Linked account";

/// USD by usage type and team.
type Spend = BTreeMap<(String, String), Decimal>;

/// What the bill says about the required tags.
#[derive(Default)]
pub struct Bill {
    /// The required tag keys, and whether they are active cost allocation tags.
    pub keys: Vec<TagKey>,
    /// What was spent with and without them, read in this run or cached.
    pub spends: Vec<TagSpend>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// How many requests to Cost Explorer it took.
    pub requests: u32,
    /// Why the spend could not be cached, if so: the next run pays for it again.
    pub failure: Option<anyhow::Error>,
}

/// Reads what the bill says about the required tags, as far as the policy has rules for it and the bill is read here. The spend is read once a week.
pub async fn bill(context: &Context, rulebook: &Rulebook, request: &Request, now: Timestamp) -> Bill {
    let (wants_spend, wants_status) = (rulebook.uses_rule("untagged-spend"), rulebook.uses_rule("inactive-cost-allocation-tag"));
    if !context.settings.reads_bill || (!wants_spend && !wants_status) {
        return Bill::default();
    }
    let mut requests = 0;
    let (keys, unread) = keys(&context.clients, rulebook, &mut requests).await;
    let of_keys = Bill { keys, unread, ..Bill::default() };
    let bill = if wants_spend { with_spend(of_keys, context, rulebook, (request, now), &mut requests).await } else { of_keys };
    Bill { requests, ..bill }
}

/// Adds what was spent.
async fn with_spend(
    Bill { mut keys, mut unread, .. }: Bill,
    context: &Context,
    rulebook: &Rulebook,
    (request, now): (&Request, Timestamp),
    requests: &mut u32,
) -> Bill {
    let ledger = context.ledger();
    let cached = match ledger.kept(SPEND).await {
        Ok(cached) => cached,
        // Without the ledger, every run would pay for it again.
        Err(error) => {
            unread.push(spend_unread(format!("{error:#}")));
            return Bill { keys, unread, ..Bill::default() };
        }
    };
    // What another version cached in another form is read again.
    let cached = cached.and_then(|(read, text)| Some((read, serde_json::from_str::<Vec<TagSpend>>(&text).ok()?)));
    if let Some((_, spends)) = cached.as_ref().filter(|(read, _)| now.duration_since(*read) < SPEND_EVERY) {
        return Bill { keys, spends: spends.clone(), unread, ..Bill::default() };
    }
    let spends = match spends(&context.clients, rulebook, &keys, now, requests).await {
        Ok(spends) => spends,
        // The cached spend is still used, and the next run tries again.
        Err(why) => {
            unread.push(spend_unread(why));
            return Bill { keys, spends: cached.map(|(_, spends)| spends).unwrap_or_default(), unread, ..Bill::default() };
        }
    };
    let mut failure = None;
    if !request.dry_run {
        let written = match serde_json::to_string(&spends) {
            Ok(text) => ledger.keep(SPEND, &text, now).await,
            Err(error) => Err(error.into()),
        };
        failure = written.err();
    }
    for key in &mut keys {
        key.spend = spends.iter().find(|spend| spend.keys.first() == Some(&key.resource.name)).cloned();
    }
    Bill { keys, spends, unread, failure, ..Bill::default() }
}

fn spend_unread(why: String) -> Unread {
    Unread::new("what SageMaker cost, with and without tags", why)
}

/// The required tag keys, and whether they are active cost allocation tags; and what of that could not be read.
async fn keys(clients: &Clients, rulebook: &Rulebook, requests: &mut u32) -> (Vec<TagKey>, Vec<Unread>) {
    let mut names: Vec<String> = rulebook.required_keys().into_iter().flatten().collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return (vec![], vec![]);
    }
    let mut unread = vec![];
    let statuses = statuses(clients, names.clone(), requests).await.unwrap_or_else(|why| {
        unread.push(Unread::new("which tags are cost allocation tags", why));
        BTreeMap::new()
    });
    let keys = names.iter().map(|key| TagKey { resource: resource(key), status: statuses.get(key).copied(), spend: None });
    (keys.collect(), unread)
}

fn resource(key: &str) -> Resource {
    Resource {
        id: Kind::TagKey.id(key),
        arn: None,
        name: key.to_owned(),
        tags: Tags::Known(BTreeMap::new()),
        ownership: Ownership::default(),
    }
}

/// Whether these keys are active cost allocation tags. AWS does not list a key that has never been in a bill. `requests`: counts what AWS charges for.
///
/// # Errors
/// Cost Explorer refuses the list, or its pages do not end.
pub async fn statuses(clients: &Clients, keys: Vec<String>, requests: &mut u32) -> Read<BTreeMap<String, TagKeyStatus>> {
    let mut statuses: BTreeMap<String, TagKeyStatus> = keys.iter().map(|key| (key.clone(), TagKeyStatus::NeverSeen)).collect();
    let mut is_payer = true;
    let read = every_page(clients, async |token| {
        *requests += 1;
        let call = clients.costexplorer.list_cost_allocation_tags().set_tag_keys(Some(keys.clone())).set_next_token(token);
        match call.send().await {
            Ok(page) => {
                for tag in page.cost_allocation_tags.unwrap_or_default() {
                    let status = if tag.status == CostAllocationTagStatus::Active { TagKeyStatus::Active } else { TagKeyStatus::Inactive };
                    statuses.insert(tag.tag_key, status);
                }
                Ok(page.next_token)
            }
            Err(error) => {
                is_payer = !error.as_service_error().and_then(|error| error.message()).is_some_and(|why| why.contains(NOT_THE_PAYER));
                Err(format!("ce:ListCostAllocationTags: {}", why(&error)))
            }
        }
    });
    match read.await {
        Err(_) if !is_payer => Ok(keys.into_iter().map(|key| (key, TagKeyStatus::NotThePayer)).collect()),
        read => read.map(|()| statuses),
    }
}

/// What was spent with and without a value for each required key (or group of keys, any of which is enough).
///
/// Each page costs 0.01 USD: one request for the total, and one for each group of which a key is, or may be, active. Cost Explorer has no data for a key that
/// is not active. An account that is not the payer cannot read which keys are active: there, a key without any tagged spend counts as not active.
async fn spends(clients: &Clients, rulebook: &Rulebook, keys: &[TagKey], now: Timestamp, requests: &mut u32) -> Read<Vec<TagSpend>> {
    let status = |name: &String| keys.iter().find(|key| key.resource.name == *name).and_then(|key| key.status);
    let is_told_by = |name: &String| matches!(status(name), Some(TagKeyStatus::Active | TagKeyStatus::NotThePayer));
    let groups: Vec<Vec<String>> = rulebook.required_keys().into_iter().filter(|group| group.iter().any(is_told_by)).collect();
    if groups.is_empty() {
        return Ok(vec![]);
    }
    let total = spend(clients, rulebook, &[], now, requests).await?;
    let mut spends = vec![];
    for keys in groups {
        let is_active = keys.iter().any(|key| status(key) == Some(TagKeyStatus::Active));
        let untagged = spend(clients, rulebook, &keys, now, requests).await?;
        let mut spend = TagSpend { keys, days: DAYS, ..TagSpend::default() };
        for ((usage, team), usd) in &total {
            let untagged = untagged.get(&(usage.clone(), team.clone())).copied().unwrap_or_default();
            for split in [spend.by_usage.entry(usage.clone()).or_default(), spend.by_team.entry(team.clone()).or_default()] {
                split.tagged += *usd - untagged;
                split.untagged += untagged;
            }
        }
        if is_active || !spend.all().tagged.is_zero() {
            spends.push(spend);
        }
    }
    Ok(spends)
}

/// The Region's spend on `SageMaker` that has none of these keys; without keys, all of it. By usage type and the first of the policy's team tags; without a
/// team tag, the team is empty.
async fn spend(clients: &Clients, rulebook: &Rulebook, without: &[String], now: Timestamp, requests: &mut u32) -> Read<Spend> {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    let first = (now - SignedDuration::from_hours(24 * i64::from(DAYS))).to_zoned_datetime(TimeZone::UTC).date();
    let period = DateInterval::builder().start(first.to_string()).end(today.to_string()).build().map_err(|error| error.to_string())?;
    let absent =
        |key: &String| Expression::builder().tags(TagValues::builder().key(key).match_options(MatchOption::Absent).build()).build();
    let here = dimension(Dimension::Region, vec![clients.region.clone()]);
    let filter = of_sagemaker(rulebook, std::iter::once(here).chain(without.iter().map(absent)));
    let mut spend = Spend::new();
    let read = every_page(clients, async |token| {
        *requests += 1;
        let call = clients.costexplorer.get_cost_and_usage();
        let call = call.time_period(period.clone()).granularity(Granularity::Monthly).metrics(METRIC).filter(filter.clone());
        let call = call.set_group_by(Some(by_usage_and_team(rulebook)));
        let page = call.set_next_page_token(token).send().await.map_err(|error| format!("ce:GetCostAndUsage: {}", why(&error)))?;
        for group in page.results_by_time.into_iter().flatten().flat_map(|period| period.groups.unwrap_or_default()) {
            let (usage, team, amounts) = of_group(group)?;
            *spend.entry((usage, team)).or_default() += amounts.usd;
        }
        Ok(page.next_page_token)
    });
    read.await.map(|()| spend)
}

#[cfg(test)]
mod tests {
    use aws_sdk_costexplorer::{
        operation::{
            get_cost_and_usage::{GetCostAndUsageError, GetCostAndUsageOutput},
            list_cost_allocation_tags::{ListCostAllocationTagsError, ListCostAllocationTagsOutput},
        },
        types::{CostAllocationTag, CostAllocationTagType, Group, MetricValue, ResultByTime},
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use cost_rules::facts::Split;
    use rust_decimal::dec;

    use super::*;
    use crate::testing;

    fn clients(rules: &[&Rule]) -> Clients {
        Clients { costexplorer: mock_client!(aws_sdk_costexplorer, RuleMode::MatchAny, rules).into(), ..testing::clients() }
    }

    fn rulebook() -> Rulebook {
        Rulebook::from_toml("team-tags = [\"Team\"]\n[rules.missing-tag]\nrequired = { CostCenter = \".+\", Project = \".+\" }").unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    /// `CostCenter` is active; `Project` has never been seen.
    fn tags() -> Rule {
        mock!(aws_sdk_costexplorer::Client::list_cost_allocation_tags).then_output(|| {
            let tag = CostAllocationTag::builder().tag_key("CostCenter").r#type(CostAllocationTagType::UserDefined);
            let tag = tag.status(CostAllocationTagStatus::Active).build().unwrap();
            ListCostAllocationTagsOutput::builder().cost_allocation_tags(tag).build()
        })
    }

    fn group(usage: &str, team: &str, amount: &str, unit: &str) -> Group {
        let cost = MetricValue::builder().amount(amount).unit(unit).build();
        Group::builder().keys(usage).keys(format!("Team${team}")).metrics(METRIC, cost).build()
    }

    fn page(groups: Vec<Group>, next: Option<&str>) -> GetCostAndUsageOutput {
        let period = ResultByTime::builder().set_groups(Some(groups)).build();
        GetCostAndUsageOutput::builder().results_by_time(period).set_next_page_token(next.map(str::to_owned)).build()
    }

    #[tokio::test]
    async fn pages_are_summed_and_only_active_keys_are_asked_for() {
        let rule = mock!(aws_sdk_costexplorer::Client::get_cost_and_usage).then_compute_output(|asked| {
            let period = asked.time_period().unwrap();
            assert_eq!((period.start(), period.end()), ("2026-10-25", "2026-11-24"));
            let filters = asked.filter().unwrap().and();
            let absent = filters.iter().find_map(|filter| filter.tags().and_then(|tags| tags.key()));
            match (absent, asked.next_page_token()) {
                (None, None) => page(
                    vec![group("EUC1-Host:ml.m5.large", "nlp", "10.5", "USD"), group("EUC1-Notebk:ml.t3.medium", "", "2", "USD")],
                    Some("2"),
                ),
                (None, Some(_)) => page(vec![group("EUC1-Host:ml.m5.large", "nlp", "1E+1", "USD")], None),
                (Some("CostCenter"), None) => page(vec![group("EUC1-Notebk:ml.t3.medium", "", "2", "USD")], None),
                asked => panic!("{asked:?}"),
            }
        });
        let clients = clients(&[&tags(), &rule]);
        let (keys, unread) = keys(&clients, &rulebook(), &mut 0).await;
        let spends = spends(&clients, &rulebook(), &keys, now(), &mut 0).await.unwrap();
        assert_eq!((unread, rule.num_calls(), spends.len()), (vec![], 3, 1));
        let statuses: Vec<_> = keys.iter().map(|key| (key.resource.id.as_str(), key.status)).collect();
        assert_eq!(statuses, [("tag-key/CostCenter", Some(TagKeyStatus::Active)), ("tag-key/Project", Some(TagKeyStatus::NeverSeen))]);
        let spend = &spends[0];
        let split = |tagged, untagged| Split { tagged, untagged };
        assert_eq!(
            spend.by_usage,
            [("Host:ml.m5.large".into(), split(dec!(20.5), dec!(0))), ("Notebk:ml.t3.medium".into(), split(dec!(0), dec!(2)))].into()
        );
        assert_eq!(spend.by_team, [(String::new(), split(dec!(0), dec!(2))), ("nlp".into(), split(dec!(20.5), dec!(0)))].into());
    }

    #[tokio::test]
    async fn a_member_account_is_told_from_one_that_may_not_ask() {
        let refused = |message: &'static str| {
            mock!(aws_sdk_costexplorer::Client::list_cost_allocation_tags)
                .then_error(move || ListCostAllocationTagsError::generic(testing::error("AccessDeniedException", message)))
        };
        let untagged =
            mock!(aws_sdk_costexplorer::Client::get_cost_and_usage).then_output(|| page(vec![group("Host:x", "", "5", "USD")], None));
        let member = refused("Linked account doesn't have access to cost allocation tags.");
        let of_member = clients(&[&member, &untagged]);
        let (found, unread) = keys(&of_member, &rulebook(), &mut 0).await;
        assert_eq!(spends(&of_member, &rulebook(), &found, now(), &mut 0).await, Ok(vec![]), "nobody knows whether these are active");
        assert!(found.iter().all(|key| key.status == Some(TagKeyStatus::NotThePayer)) && unread.is_empty());
        let denied = clients(&[&refused("User is not authorized")]);
        let (found, unread) = keys(&denied, &rulebook(), &mut 0).await;
        assert_eq!(spends(&denied, &rulebook(), &found, now(), &mut 0).await, Ok(vec![]), "nothing is bought that cannot be understood");
        assert!(found.iter().all(|key| key.status.is_none()));
        assert_eq!(
            (unread[0].what.as_str(), unread[0].why.contains("ce:ListCostAllocationTags")),
            ("which tags are cost allocation tags", true)
        );
    }

    #[tokio::test]
    async fn what_is_no_number_of_dollars_is_unread() {
        for (amount, unit, says) in
            [("12", "EUR", "is in EUR, expected USD"), ("twelve", "USD", "an amount is `twelve`, expected a number")]
        {
            let rule = mock!(aws_sdk_costexplorer::Client::get_cost_and_usage)
                .then_output(move || page(vec![group("Host:x", "", amount, unit)], None));
            let clients = clients(&[&tags(), &rule]);
            let (found, _) = keys(&clients, &rulebook(), &mut 0).await;
            let why = spends(&clients, &rulebook(), &found, now(), &mut 0).await.unwrap_err();
            assert!(why.contains(says), "{why}");
        }
        let new = mock!(aws_sdk_costexplorer::Client::get_cost_and_usage)
            .then_error(|| GetCostAndUsageError::generic(testing::error("DataUnavailableException", "no data yet")));
        let clients = clients(&[&tags(), &new]);
        let (found, _) = keys(&clients, &rulebook(), &mut 0).await;
        assert!(spends(&clients, &rulebook(), &found, now(), &mut 0).await.unwrap_err().contains("DataUnavailableException"));
    }
}
