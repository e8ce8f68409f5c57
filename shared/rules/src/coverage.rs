//! Tag coverage: what share of the resources, and of the dollars, has the tags that the policy requires. Pure.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::AddAssign,
};

use rust_decimal::Decimal;

use crate::{
    facts::{Facts, Split, TagSpend},
    rulebook::Judgement,
    rulebook::Rulebook,
    vocabulary::{
        resource::{Kind, Resource, UNOWNED},
        text::folded,
        usage_type::kind_of_usage,
    },
};

/// The rules that find missing tags and values that are not accepted.
const RULES: [&str; 2] = ["missing-tag", "invalid-tag-value"];

/// A number of resources or an amount of USD: the total, and the tagged part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "its own words")]
pub struct Share {
    pub total: Decimal,
    pub tagged: Decimal,
}

impl Share {
    /// The tagged part in percent, with one decimal. `None`: the total is zero.
    pub fn percent(&self) -> Option<Decimal> {
        (Decimal::ZERO < self.total).then(|| (self.tagged * Decimal::ONE_HUNDRED / self.total).round_dp(1))
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.tagged += other.tagged;
    }
}

impl From<Split> for Share {
    fn from(split: Split) -> Self {
        Self { total: split.total(), tagged: split.tagged }
    }
}

/// What share of the resources, and of the dollars of some days, is tagged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// The number of resources, by team (`unowned` if none is known) and kind. Tagged are those that have all required tags with accepted values.
    pub resources: BTreeMap<(String, Kind), Share>,
    /// USD with and without each required tag.
    pub spends: Vec<TagSpend>,
}

/// One line of the table (CSV).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `resources`, or `usd-30d`: USD of the last 30 days.
    pub measure: String,
    /// The tag's keys; empty: all required tags.
    pub tag: String,
    /// The team; empty: all teams.
    pub team: String,
    /// The kind; empty: all kinds.
    pub kind: &'static str,
    /// The total, and the tagged part of it.
    pub share: Share,
}

impl Coverage {
    /// Counts the resources that a rule requires tags of. Exempt ones are not counted, nor those that could not be judged, which are in the report as unread.
    pub fn of(rulebook: &Rulebook, facts: &Facts, judgement: &Judgement, spends: Vec<TagSpend>) -> Self {
        let found = judgement.findings.iter().filter(|finding| RULES.contains(&finding.rule));
        let found: BTreeSet<&str> = found.map(|finding| finding.resource.id.as_str()).collect();
        let exempted = judgement.exempted.iter().map(|one| one.resource.id.as_str());
        let uncounted: BTreeSet<&str> = judgement.undecided.iter().map(|(_, id)| id.as_str()).chain(exempted).collect();
        let is_counted = |resource: &&Resource| !uncounted.contains(resource.id.as_str()) && rulebook.requires_tags_of(resource);
        let mut resources: BTreeMap<(String, Kind), Share> = BTreeMap::new();
        for resource in facts.assets.iter().map(|audited| &audited.resource).filter(is_counted) {
            let Some(kind) = resource.kind() else { continue };
            let team = rulebook.policy.team_of(resource).unwrap_or_else(|| UNOWNED.to_owned());
            let tagged = if found.contains(resource.id.as_str()) { Decimal::ZERO } else { Decimal::ONE };
            *resources.entry((team, kind)).or_default() += Share { total: Decimal::ONE, tagged };
        }
        Self { resources, spends }.with_one_spelling()
    }

    /// The same with one spelling of each team, because case and blanks do not count: that of most resources, else that of most dollars.
    fn with_one_spelling(self) -> Self {
        let mut spellings: HashMap<String, String> = HashMap::new();
        let of_resources = self.by_team().into_iter().map(|(team, share)| (team, share.total)).collect();
        let of_dollars = self.spends.iter().map(|spend| spend.by_team.iter().map(|(team, split)| (team.as_str(), split.total())).collect());
        for mut teams in std::iter::once(of_resources).chain(of_dollars).collect::<Vec<Vec<(&str, Decimal)>>>() {
            teams.sort_by_key(|(team, total)| (Reverse(*total), *team));
            for (team, _) in teams {
                spellings.entry(folded(team).collect()).or_insert_with(|| team.to_owned());
            }
        }
        let spelt = |team: String| spellings.get(&folded(&team).collect::<String>()).cloned().unwrap_or(team);
        let mut resources: BTreeMap<(String, Kind), Share> = BTreeMap::new();
        for ((team, kind), share) in self.resources {
            *resources.entry((spelt(team), kind)).or_default() += share;
        }
        let mut spends = self.spends;
        for spend in &mut spends {
            for (team, split) in std::mem::take(&mut spend.by_team) {
                let sum = spend.by_team.entry(spelt(team)).or_default();
                sum.tagged += split.tagged;
                sum.untagged += split.untagged;
            }
        }
        Self { resources, spends }
    }

    /// All resources.
    pub fn all(&self) -> Share {
        self.sum_by(|_, _| ()).remove(&()).unwrap_or_default()
    }

    /// The resources, by team.
    pub fn by_team(&self) -> BTreeMap<&str, Share> {
        self.sum_by(|team, _| team)
    }

    /// The resources, by kind.
    pub fn by_kind(&self) -> BTreeMap<&'static str, Share> {
        self.sum_by(|_, kind| kind.as_str())
    }

    fn sum_by<'a, K: Ord>(&'a self, key: impl Fn(&'a str, Kind) -> K) -> BTreeMap<K, Share> {
        let mut sums: BTreeMap<K, Share> = BTreeMap::new();
        for ((team, kind), share) in &self.resources {
            *sums.entry(key(team, *kind)).or_default() += *share;
        }
        sums
    }

    /// The lines of the table: resources, then USD.
    pub fn rows(&self) -> Vec<Row> {
        let of_resources = self.resources.iter().map(|((team, kind), share)| Row {
            measure: "resources".to_owned(),
            tag: String::new(),
            team: team.clone(),
            kind: kind.as_str(),
            share: *share,
        });
        let of_spend = self.spends.iter().flat_map(|spend| {
            let row = |team: &str, kind, share| Row {
                measure: format!("usd-{}d", spend.days),
                tag: spend.keys.join(" or "),
                team: team.to_owned(),
                kind,
                share,
            };
            let by_team = spend.by_team.iter().map(move |(team, split)| row(or_unowned(team), "", (*split).into()));
            let by_kind = spend_by_kind(spend).into_iter().map(move |(kind, share)| row("", kind.map_or("other", Kind::as_str), share));
            by_team.chain(by_kind)
        });
        of_resources.chain(of_spend).collect()
    }
}

/// The team, or `unowned` if it is empty.
pub fn or_unowned(team: &str) -> &str {
    if team.is_empty() { UNOWNED } else { team }
}

/// The spend by kind, in USD. `None`: spend that belongs to no kind (volumes, tokens, labelling).
pub fn spend_by_kind(spend: &TagSpend) -> BTreeMap<Option<Kind>, Share> {
    let mut by_kind: BTreeMap<Option<Kind>, Share> = BTreeMap::new();
    for (usage, split) in &spend.by_usage {
        *by_kind.entry(kind_of_usage(usage)).or_default() += (*split).into();
    }
    by_kind
}

#[cfg(test)]
mod tests {
    use rust_decimal::{Decimal, dec};

    use super::*;
    use crate::{
        samples::audited,
        vocabulary::{resource::Tags, usage_type::without_region},
    };

    #[test]
    fn counts_by_team_and_kind_and_leaves_out_what_is_not_known() {
        let rulebook = Rulebook::from_toml("[rules.missing-tag]\nrequired = { Team = \"[a-z]+\" }").unwrap();
        let mut unread = audited("model/d", &[]);
        unread.resource.tags = Tags::Unreadable;
        let audited = vec![
            audited("model/a", &[("Team", "nlp")]),
            audited("model/b", &[("Team", "nlp")]),
            audited("model/c", &[]),
            audited("endpoint/a", &[("Team", "NLP")]),
            unread,
        ];
        let facts = Facts { assets: audited, ..Facts::default() };
        let coverage = Coverage::of(&rulebook, &facts, &rulebook.evaluate(&facts), vec![]);
        let share = |total: i64, tagged: i64| Share { total: total.into(), tagged: tagged.into() };
        let expected = [
            (("nlp".to_owned(), Kind::Endpoint), share(1, 0)),
            (("nlp".to_owned(), Kind::Model), share(2, 2)),
            (("unowned".to_owned(), Kind::Model), share(1, 0)),
        ];
        assert_eq!(coverage.resources, expected.into());
        assert_eq!((coverage.all(), coverage.all().percent()), (share(4, 2), Some(dec!(50))));
        assert_eq!(coverage.by_kind(), [("endpoint", share(1, 0)), ("model", share(3, 2))].into());
        assert_eq!(coverage.by_team()["nlp"], share(3, 2), "NLP and nlp are one team");
    }

    #[test]
    fn a_team_has_one_spelling() {
        let split = |tagged| Split { tagged, untagged: dec!(1) };
        let share = |total| Share { total, tagged: dec!(0) };
        let resources = [(("Vision".to_owned(), Kind::Model), share(dec!(2))), (("VISION".to_owned(), Kind::Model), share(dec!(1)))];
        let by_team = [("vision", dec!(9)), ("NLP", dec!(1)), ("n l p", dec!(5)), ("", dec!(1))]
            .map(|(team, tagged)| (team.to_owned(), split(tagged)));
        let spends = vec![TagSpend { by_team: by_team.into(), ..TagSpend::default() }];
        let coverage = Coverage { resources: resources.into(), spends }.with_one_spelling();
        assert_eq!(coverage.resources, [(("Vision".to_owned(), Kind::Model), share(dec!(3)))].into());
        let expected = [("", split(dec!(1))), ("Vision", split(dec!(9))), ("n l p", Split { tagged: dec!(6), untagged: dec!(2) })];
        assert_eq!(coverage.spends[0].by_team, expected.map(|(team, split)| (team.to_owned(), split)).into());
    }

    #[test]
    fn usage_types_are_of_kinds() {
        for (usage_type, kind) in [
            ("EUC1-Notebk:ml.m5.xlarge", Some(Kind::NotebookInstance)),
            ("EU-Studio:JupyterLab-ml.t3.medium", Some(Kind::App)),
            ("USE1-TrSpt:ml.p3.2xlarge", Some(Kind::TrainingJob)),
            ("ServerlessInf:Mem-4GB", Some(Kind::Endpoint)),
            ("USE1-Processing_DW:ml.m5.4xlarge", Some(Kind::ProcessingJob)),
            ("Cluster-Reserved:ml.p5.48xlarge", Some(Kind::Cluster)),
            ("Data-Bytes-Out", None),
            ("EUC1-LabeledObject", None),
        ] {
            assert_eq!(kind_of_usage(without_region(usage_type)), kind, "{usage_type}");
        }
    }

    #[test]
    fn dollars_are_summed_by_kind() {
        let split = |tagged, untagged| Split { tagged, untagged };
        let usages = [
            ("Host:ml.m5.xlarge", split(dec!(1), dec!(2))),
            ("AsyncInf:ml.m5.xlarge", split(dec!(3), Decimal::ZERO)),
            ("x", split(dec!(5), dec!(1))),
        ];
        let by_usage = usages.map(|(usage, split)| (usage.to_owned(), split)).into();
        let by_kind = spend_by_kind(&TagSpend { by_usage, ..TagSpend::default() });
        assert_eq!(by_kind, [(Some(Kind::Endpoint), split(dec!(4), dec!(2)).into()), (None, split(dec!(5), dec!(1)).into())].into());
    }
}
