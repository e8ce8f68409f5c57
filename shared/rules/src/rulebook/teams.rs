//! A team that is nearly one that an `[[exempt]]` or an `[[override]]` names: without a word, it would lose what is meant for it.

use jiff::Timestamp;

use crate::{
    policy::{UnreadableTags, entries, team_slip},
    remedy::how_to_add,
    rulebook::{Finding, Rulebook},
    vocabulary::{resource::Resource, text::one_line},
};

impl Rulebook {
    /// Suspends a finding whose resource is exempt if another team is meant by its team, and tells its owner of such overrides.
    pub(super) fn tell_team(&self, finding: &mut Finding, homes: &[Resource], now: Timestamp) {
        let is_kept = finding.keep.as_ref().is_some_and(|keep| keep.until.is_none_or(|until| now < until));
        if finding.suspended.is_none() && !is_kept && !finding.waste.remedy.is_harmless() {
            finding.suspended = self.nearly_exempt(&finding.resource, homes, now);
        }
        let details = &mut finding.waste.notice.details;
        if let Some((team, meant)) = self.nearly_overridden(&finding.resource, homes) {
            let is_told = details.iter().any(|detail| detail.title.to_string().contains(&format!("If {meant} is meant")));
            details.extend((!is_told).then(|| team_slip("settings", &team, meant).into()));
        }
    }

    /// Why nothing is done about a resource: an exemption that holds now is for a team that may be meant by its team.
    pub(super) fn nearly_exempt(&self, resource: &Resource, homes: &[Resource], now: Timestamp) -> Option<UnreadableTags> {
        if self.exempts.is_empty() {
            return None;
        }
        let team = self.unnamed_team(resource)?;
        let zone = self.policy.zone_of_resource(resource);
        let mut holding = self.exempts.iter().filter(|one| one.keep(&self.policy, &zone).until.is_none_or(|until| now < until));
        let meant = holding.find_map(|one| one.matches.team_meant(resource, homes, &team))?;
        let tags = resource.tags.read().and_then(|tags| entries(tags, &self.policy.team_tags).next());
        let key = tags.map(|(key, _)| key).or(self.policy.team_tags.first().map(String::as_str))?;
        Some(UnreadableTags {
            why: format!(
                "the policy has no exemption for its team \"{}\". If {meant} is meant, correct the team's tag; if not, the policy has to name this team as well",
                one_line(&team)
            ),
            commands: how_to_add(resource.arn_or_id(), [(key, meant)]),
        })
    }

    /// The resource's team and the one that may be meant by it, for which the policy has an override.
    fn nearly_overridden(&self, resource: &Resource, homes: &[Resource]) -> Option<(String, &str)> {
        if self.overrides.is_empty() {
            return None;
        }
        let team = self.unnamed_team(resource)?;
        let meant = self.overrides.iter().find_map(|one| one.matches.team_meant(resource, homes, &team))?;
        Some((team, meant))
    }

    /// The team of a resource, if nothing in the policy is for it.
    fn unnamed_team(&self, resource: &Resource) -> Option<String> {
        self.policy.team_of(resource).filter(|team| !self.policy.names_team(team) && !self.matches().any(|one| one.has_team(team)))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        facts::Facts,
        rulebook::Rulebook,
        samples::{notebook, resource, tagged, with_tags},
        vocabulary::price::Prices,
    };

    const ENFORCED: &str = "[rules.notebook-off-hours]\nmode = \"enforce\"\n";

    #[test]
    fn a_team_with_a_slip_lost_its_exemption_and_its_override_without_a_word() {
        let exempt = |matching: &str| format!("[[exempt]]\nmatch = {{ {matching} }}\nuntil = \"2026-12-31\"\nreason = \"demo\"\n");
        let vision = exempt("team = \"vision\"");
        let science = exempt("team = \"Data Science\"");
        for (policy, team, meant) in [
            (&vision, "Visoin", Some("vision")),
            (&vision, "Vision Team", Some("vision")),
            (&vision, "nlp", None),
            (&vision, "VISION", None),
            (&science, "data-science", Some("Data Science")),
            (&science, "Data_Sience", Some("Data Science")),
            (&science, "datascience", None),
            (&exempt("team = \"vision*\""), "Visoin", None),
            (&exempt("team = \"vision\", name = \"other\""), "Visoin", None),
            (&exempt("team = \"vision\", kind = \"notebook-instance\""), "Visoin", Some("vision")),
            (&vision.replace("2026-12-31", "2026-11-22"), "Visoin", None),
            (&format!("{vision}{}", exempt("team = \"visoin\", name = \"other\"")), "Visoin", None),
            (&format!("{vision}[[budget]]\nname = \"a\"\nteam = \"Visoin\"\n"), "Visoin", None),
        ] {
            let rulebook = Rulebook::from_toml(&format!("{policy}{ENFORCED}")).unwrap();
            let found = found(&rulebook, team);
            let suspended = found.suspended.clone().map(|tags| tags.why + &tags.commands);
            let says = |meant: &str| format!("If {meant} is meant, correct the team's tag; if not");
            let is_right =
                meant.is_none_or(|meant| suspended.as_ref().is_some_and(|told| told.contains(&says(meant)) && told.contains("Key=Team,")));
            assert!(is_right && suspended.is_some() == meant.is_some(), "{policy}{team}: {suspended:?}");
            let notebook = with_tags(resource("notebook-instance/x"), &[("Team", team)]);
            let kept = rulebook.is_kept(&notebook, "2026-11-24T02:00:00Z".parse().unwrap());
            assert!(meant.is_none() || kept.is_some(), "by hand: {policy}{team}: {kept:?}");
        }
        let over = "[[override]]\nmatch = { team = \"vision\" }\nrules.notebook-off-hours.mode = \"report\"\n";
        for (team, is_told) in [("Visoin", true), ("nlp", false)] {
            let found = found(&Rulebook::from_toml(&format!("{over}{ENFORCED}")).unwrap(), team);
            let says = "The policy has no settings for its team \"Visoin\". If vision is meant, correct the team's tag.";
            let told = found.waste.notice.details.iter().filter(|detail| detail.title == says).count();
            assert_eq!((told, found.suspended.is_none()), (usize::from(is_told), true), "{team}");
        }
    }

    fn found(rulebook: &Rulebook, team: &str) -> crate::rulebook::Finding {
        let notebooks = vec![tagged(notebook("2026-11-23T08:00:00Z"), &[("Team", team)])];
        let now = "2026-11-24T02:00:00Z".parse().unwrap();
        let facts = Facts { now, prices: Prices::of_region("us-east-1", []).into(), notebooks, ..Facts::default() };
        let mut found = rulebook.evaluate(&facts).findings.into_iter();
        found.find(|found| found.rule == "notebook-off-hours").unwrap()
    }
}
