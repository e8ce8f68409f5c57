//! The trend of the cost: by day against forecast and budget, and by seven days and component.

use askama::Template;
use cost_rules::report::{self, CostReport, Money, Series};
use jiff::civil::Date;
use rust_decimal::{Decimal, dec};

use super::{
    Content, filters,
    words::{about, day, many},
};
use crate::charts::{Blocks, Caption, Daily, MOST_SERIES, Room};

/// How many days a block has. All blocks are whole, so that none looks cheaper than it is.
const BLOCK: usize = 7;
/// What is less prints as nothing.
const CENT: Decimal = dec!(0.01);
/// A line needs more than one day, and bars more than one block.
const LEAST: usize = 2;

/// The section.
#[derive(Template)]
#[template(path = "trend.html")]
pub(super) struct Trend {
    daily: Option<DailyFigure>,
    weekly: Option<BlocksFigure>,
}

/// The cost by day.
struct DailyFigure {
    lead: String,
    svgs: [String; 2],
    estimated_from: Option<String>,
    forecast: Option<Money>,
    budget: Option<Money>,
    budget_name: Option<String>,
    rows: Vec<DayRow>,
}

struct DayRow {
    day: Date,
    /// `None`: the day is not on the bill.
    usd: Option<Money>,
    is_estimated: bool,
}

/// The cost by seven days and component.
struct BlocksFigure {
    svgs: [String; 2],
    names: Vec<String>,
    /// The parts of a bar from the top down, each with the number of its pattern.
    legend: Vec<(usize, String)>,
    rows: Vec<BlockRow>,
    /// Whether AWS may still correct some of the last days.
    is_estimated: bool,
    /// Whether some days are not on the bill.
    lacks_days: bool,
}

struct BlockRow {
    from: Date,
    usd: Vec<Money>,
    total: Money,
}

impl Trend {
    pub(super) fn of(report: &CostReport) -> anyhow::Result<Self> {
        let trend = &report.trend;
        let daily = (LEAST <= trend.days.len()).then(|| DailyFigure::of(trend)).transpose()?;
        let weekly = (LEAST * BLOCK <= trend.days.len() && !trend.components.is_empty()).then(|| BlocksFigure::of(trend)).transpose()?;
        Ok(Self { daily, weekly })
    }

    pub(super) fn content(&self) -> Content {
        Content::of(self.daily.is_none())
    }
}

impl DailyFigure {
    fn of(trend: &report::Trend) -> anyhow::Result<Self> {
        let usd = |at: usize, day: &Date| (!trend.missing.contains(day)).then(|| total(&trend.components, at..=at));
        let days: Vec<(Date, Option<Money>)> = trend.days.iter().enumerate().map(|(at, day)| (*day, usd(at, day))).collect();
        let last = days.last().map(|(day, _)| *day);
        let forecast = trend.forecast_per_day.zip(trend.forecast_until).filter(|(_, until)| last < Some(*until));
        let caption = Caption { title: "Cost by day", description: described(trend, &days) };
        let chart = Daily { days, estimated_from: trend.estimated_from, forecast, budget: trend.budget_per_day, caption };
        Ok(Self {
            lead: lead(trend, &chart.days),
            svgs: [chart.svg(Room::Wide)?, chart.svg(Room::Narrow)?],
            estimated_from: trend.estimated_from.map(day),
            forecast: forecast.map(|(usd, _)| usd),
            budget: trend.budget_per_day,
            budget_name: trend.budget.clone(),
            rows: rows(trend, &chart.days),
        })
    }
}

fn rows(trend: &report::Trend, days: &[(Date, Option<Money>)]) -> Vec<DayRow> {
    let is_estimated = |day: Date| trend.estimated_from.is_some_and(|from| from <= day);
    days.iter().rev().map(|(day, usd)| DayRow { day: *day, usd: *usd, is_estimated: is_estimated(*day) }).collect()
}

/// What the line shows, in a sentence for screen readers.
fn described(trend: &report::Trend, days: &[(Date, Option<Money>)]) -> String {
    let estimated = trend.estimated_from.map(|from| format!(" From {} on the days are estimated.", day(from))).unwrap_or_default();
    let budget = trend.budget_per_day.map(|usd| format!(" The budget allows {usd} a day.")).unwrap_or_default();
    let forecast = trend.forecast_per_day.map(|usd| format!(" AWS forecasts {usd} a day for the rest of the month.")).unwrap_or_default();
    format!("{}{estimated}{budget}{forecast} The table below has all amounts.", lead(trend, days))
}

/// The highest day, and how many days these are.
fn lead(trend: &report::Trend, days: &[(Date, Option<Money>)]) -> String {
    let known = days.iter().filter_map(|(day, usd)| Some((day, (*usd)?)));
    let Some((highest, usd)) = known.max_by_key(|(_, usd)| *usd).filter(|(_, usd)| CENT <= usd.0) else {
        return format!("Nothing was spent in the last {}.", many(days.len(), "day"));
    };
    let estimated = if trend.estimated_from.is_some_and(|from| from <= *highest) { "an estimated " } else { "" };
    let weekday = highest.strftime("%A,");
    format!("The most expensive of the last {} was {weekday} {}, with {estimated}{}.", many(days.len(), "day"), day(*highest), about(usd))
}

impl BlocksFigure {
    fn of(trend: &report::Trend) -> anyhow::Result<Self> {
        let blocks = blocks(trend.days.len());
        let parts = parts(trend, &blocks);
        let below = blocks.iter().filter_map(|block| Some(trend.days.get(*block.start())?.strftime("%d %b").to_string())).collect();
        let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
        let legend = names.iter().cloned().enumerate().rev().collect();
        let rows = block_rows(trend, &blocks, &parts);
        let chart =
            Blocks { below, caption: Caption { title: "Cost by seven days and component", description: described_blocks(&rows) }, parts };
        Ok(Self {
            svgs: [chart.svg(Room::Wide)?, chart.svg(Room::Narrow)?],
            names,
            legend,
            rows,
            is_estimated: trend.estimated_from.is_some(),
            lacks_days: !trend.missing.is_empty(),
        })
    }
}

type Block = std::ops::RangeInclusive<usize>;

/// Whole blocks of days that end with the last one, by the places of their days.
fn blocks(days: usize) -> Vec<Block> {
    let skipped = days % BLOCK;
    (0..days / BLOCK).map(|number| skipped + number * BLOCK).map(|from| from..=from + BLOCK - 1).collect()
}

/// The components that cost most, and one for all others, each with its USD by block.
fn parts(trend: &report::Trend, blocks: &[Block]) -> Vec<(String, Vec<Money>)> {
    let shown = if trend.components.len() <= MOST_SERIES + 1 { trend.components.len() } else { MOST_SERIES };
    let (first, others) = trend.components.split_at(shown);
    let by_block = |all: &[Series]| blocks.iter().map(|block| total(all, block.clone())).collect();
    let mut parts: Vec<(String, Vec<Money>)> =
        first.iter().map(|one| (one.component.words().to_owned(), by_block(std::slice::from_ref(one)))).collect();
    if !others.is_empty() {
        parts.push((format!("{} others", others.len()), by_block(others)));
    }
    parts
}

fn block_rows(trend: &report::Trend, blocks: &[Block], parts: &[(String, Vec<Money>)]) -> Vec<BlockRow> {
    let row = |(number, block): (usize, &Block)| {
        let usd: Vec<Money> = parts.iter().filter_map(|(_, usd)| usd.get(number).copied()).collect();
        Some(BlockRow { from: *trend.days.get(*block.start())?, total: usd.iter().copied().sum(), usd })
    };
    blocks.iter().enumerate().rev().filter_map(row).collect()
}

fn described_blocks(rows: &[BlockRow]) -> String {
    let (Some(last), Some(first)) = (rows.first(), rows.last()) else { return String::new() };
    format!(
        "{} in the seven days from {}, {} in those from {}. The table below has all amounts.",
        first.total,
        day(first.from),
        last.total,
        day(last.from)
    )
}

/// The sum of some days of some components.
fn total(of: &[Series], days: Block) -> Money {
    Money(of.iter().flat_map(|series| series.usd.get(days.clone()).unwrap_or_default()).map(|usd| usd.0).sum::<Decimal>())
}
