//! The page: its first screen, and its sections in the order that serves the reader.

mod cut;
mod decisions;
pub(crate) mod filters;
mod first;
mod guard;
mod lists;
mod method;
mod plans;
mod sums;
mod trend;
pub(crate) mod words;

use askama::Template;
use cost_rules::report::CostReport;

use crate::charts::patterns;

/// The whole page.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    report: &'a CostReport,
    /// The period for people.
    when: String,
    /// When it was made, for people.
    made: String,
    /// The day when it was made, for people.
    today: String,
    patterns: String,
    first: String,
    sections: Vec<Section>,
}

/// A section of the page.
struct Section {
    /// What the page's own links lead to.
    id: &'static str,
    title: &'static str,
    /// HTML, from a template.
    body: String,
}

impl Section {
    /// Whether it tells what is now, and not what was in the period.
    fn is_of_today(&self) -> bool {
        ["decisions", "sleeping", "exemptions", "inference"].contains(&self.id)
    }
}

/// What a section says if there is nothing to list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Something,
    Nothing,
}

impl Content {
    const fn of(is_empty: bool) -> Self {
        if is_empty { Self::Nothing } else { Self::Something }
    }
}

/// The sections of a report, in order.
struct Sections {
    all: Vec<Section>,
    /// What those say that have nothing to list: one section has all of it. A team's report leaves it out, because it is about that team only.
    nothing: Option<String>,
}

impl Sections {
    fn add(&mut self, id: &'static str, title: &'static str, content: Content, view: &impl Template) -> anyhow::Result<()> {
        match (content, &mut self.nothing) {
            (Content::Something, _) => self.all.push(Section { id, title, body: view.render()? }),
            (Content::Nothing, Some(nothing)) => *nothing += &view.render()?,
            (Content::Nothing, None) => {}
        }
        Ok(())
    }
}

/// The page as text.
pub(crate) fn page(report: &CostReport) -> anyhow::Result<String> {
    let sections = sections(report)?;
    let page = Page {
        report,
        when: words::span(report.period),
        made: words::moment(report.made),
        today: words::date(report.made),
        patterns: patterns(),
        first: first::First::of(report).render()?,
        sections,
    };
    Ok(page.render()?)
}

fn sections(report: &CostReport) -> anyhow::Result<Vec<Section>> {
    let mut sections = Sections { all: vec![], nothing: report.team.is_none().then(String::new) };
    for part in [guards_work, trend_of, who, instances, lists_of] {
        part(report, &mut sections)?;
    }
    let Sections { mut all, nothing } = sections;
    let nothing = nothing.filter(|body| !body.is_empty());
    all.extend(nothing.map(|body| Section { id: "nothing", title: "What else was looked at", body }));
    all.push(Section { id: "method", title: "How this is known", body: method::Method::of(report).render()? });
    Ok(all)
}

fn guards_work(report: &CostReport, sections: &mut Sections) -> anyhow::Result<()> {
    let view = guard::Guard::of(report);
    sections.add("guard", "What the guard did and saved", view.content(), &view)?;
    let view = decisions::Decisions::of(report);
    sections.add("decisions", "What needs a decision", view.content(), &view)
}

fn trend_of(report: &CostReport, sections: &mut Sections) -> anyhow::Result<()> {
    let view = trend::Trend::of(report)?;
    sections.add("trend", "Trend", view.content(), &view)
}

fn who(report: &CostReport, sections: &mut Sections) -> anyhow::Result<()> {
    let view = sums::Components::of(report);
    sections.add("components", "Components", view.content(), &view)?;
    let view = sums::Lines::teams(report);
    sections.add("teams", "Teams", view.content(), &view)?;
    let view = sums::Lines::accounts(report);
    sections.add("accounts", "Accounts", view.content(), &view)
}

fn instances(report: &CostReport, sections: &mut Sections) -> anyhow::Result<()> {
    let view = sums::InstanceTypes::of(report);
    sections.add("instance-types", "Instance types", view.content(), &view)?;
    let view = plans::Spot::of(report);
    sections.add("spot", "Spot training", view.content(), &view)?;
    let view = plans::SavingsPlans::of(report)?;
    sections.add("savings-plans", "Savings Plans", view.content(), &view)
}

fn lists_of(report: &CostReport, sections: &mut Sections) -> anyhow::Result<()> {
    let view = lists::Resources::of(report);
    sections.add("resources", "Most expensive resources", view.content(), &view)?;
    let view = lists::Sleeping::of(report);
    sections.add("sleeping", "Sleeping endpoints", view.content(), &view)?;
    let view = lists::Exemptions::of(report);
    sections.add("exemptions", "Exemptions", view.content(), &view)?;
    let view = lists::Inference::of(report);
    sections.add("inference", "Inference options", view.content(), &view)
}
