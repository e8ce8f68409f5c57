//! The trend of the cost: by day against forecast and budget, and in blocks of seven days by component.

use charts_rs::{AxisType, BarChart, ChartBase, Color, LineChart, Series, YAxisConfig};
use cost_rules::{currency::Currency, report::Money};
use jiff::civil::Date;
use rust_decimal::prelude::ToPrimitive as _;

use super::{Caption, Ink, Room, for_page, round_top, series};

/// The cost of each day, with what AWS forecasts and what the budgets allow.
#[derive(Clone, Debug)]
pub(crate) struct Daily {
    /// The days and what each cost, in order. `None`: it is not on the bill.
    pub(crate) days: Vec<(Date, Option<Money>)>,
    /// The first day that AWS may still correct.
    pub(crate) estimated_from: Option<Date>,
    /// USD a day by AWS's forecast, and its last day.
    pub(crate) forecast: Option<(Money, Date)>,
    /// USD a day that the budgets allow.
    pub(crate) budget: Option<Money>,
    pub(crate) caption: Caption,
}

impl Daily {
    /// The chart.
    pub(crate) fn svg(&self, room: Room) -> anyhow::Result<String> {
        let lines = [Some(self.settled()), self.estimated(), self.forecast(), self.budget()];
        let (all, colours): (Vec<Series>, Vec<Color>) = lines.into_iter().flatten().unzip();
        let mut chart = LineChart::new(all, vec![]);
        dress(&mut chart.base, &mut chart.y_axis_configs, room, self.highest());
        chart.base.series.colors = colours;
        chart.base.series.fill_opacity = Some(0.14);
        chart.base.series.stroke_width = 1.6;
        chart.base.x_axis.kind = AxisType::Time;
        chart.base.x_axis.values = self.days.iter().map(|(day, _)| seconds(*day)).collect();
        chart.base.x_axis.formatter = Some("%d %b".to_owned());
        for_page(chart.svg(), room, &self.caption)
    }

    /// The highest point of all lines.
    fn highest(&self) -> f32 {
        let forecast = self.forecast.map(|(usd, _)| usd);
        let all = self.days.iter().filter_map(|(_, usd)| *usd).chain(forecast).chain(self.budget);
        all.map(height).fold(0.0, f32::max)
    }

    /// The days that AWS no longer corrects.
    fn settled(&self) -> (Series, Color) {
        let is_settled = |day: Date| self.estimated_from.is_none_or(|from| day < from);
        let all = self.days.iter().copied().filter(|(day, _)| is_settled(*day));
        (Series { fill: Some(true), ..points("final", all) }, Ink::Accent.colour())
    }

    /// The days that AWS may still correct, from the last one on that it does not.
    fn estimated(&self) -> Option<(Series, Color)> {
        let from = self.days.iter().position(|(day, _)| self.estimated_from.is_some_and(|from| from <= *day))?;
        let all = self.days.iter().copied().skip(from.saturating_sub(1));
        let line = points("estimated", all);
        Some((Series { fill: Some(true), stroke_dash_array: Some("2 3".to_owned()), ..line }, Ink::Accent.colour()))
    }

    fn forecast(&self) -> Option<(Series, Color)> {
        let (usd, until) = self.forecast?;
        let (last, _) = self.days.last()?;
        let line = points("forecast", [(*last, Some(usd)), (until, Some(usd))].into_iter());
        Some((Series { stroke_dash_array: Some("8 4".to_owned()), ..line }, Ink::Accent.colour()))
    }

    fn budget(&self) -> Option<(Series, Color)> {
        let usd = self.budget?;
        let (first, _) = self.days.first()?;
        let (last, _) = self.days.last()?;
        let until = self.forecast.map_or(*last, |(_, until)| until);
        let line = points("budget", [(*first, Some(usd)), (until, Some(usd))].into_iter());
        Some((Series { stroke_dash_array: Some("7 3 1 3".to_owned()), ..line }, Ink::Limit.colour()))
    }
}

/// The cost in blocks of days, one stacked bar each.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    /// What stands below each bar.
    pub(crate) below: Vec<String>,
    /// The parts of the bars from the lowest up, at most [`super::MOST_SERIES`] and one for all others: USD in each block.
    pub(crate) parts: Vec<(String, Vec<Money>)>,
    pub(crate) caption: Caption,
}

impl Blocks {
    /// The chart.
    pub(crate) fn svg(&self, room: Room) -> anyhow::Result<String> {
        let part = |(name, usd): &(String, Vec<Money>)| {
            let data = usd.iter().map(|usd| Some(height(*usd))).collect();
            Series { stack: Some("usd".to_owned()), ..series(name, data) }
        };
        let mut chart = BarChart::new(self.parts.iter().map(part).collect(), self.below.clone());
        dress(&mut chart.base, &mut chart.y_axis_configs, room, self.highest());
        chart.base.series.colors = (0_u8..8).map(|series| Ink::Pattern(series).colour()).collect();
        for_page(chart.svg(), room, &self.caption)
    }
}

impl Blocks {
    /// The height of the highest bar.
    fn highest(&self) -> f32 {
        let bar = |number: usize| self.parts.iter().filter_map(|(_, usd)| usd.get(number)).map(|usd| height(*usd)).sum();
        (0..self.below.len()).map(bar).fold(0.0, f32::max)
    }
}

/// What both charts look like.
pub(super) fn dress(base: &mut ChartBase, y_axes: &mut [YAxisConfig], room: Room, highest: f32) {
    (base.width, base.height) = room.size();
    base.compact = true;
    base.background_color = Color::transparent();
    "sans-serif".clone_into(&mut base.font_family);
    base.legend.show = Some(false);
    base.margin.right = 20.0;
    base.margin.left = 6.0;
    base.grid.stroke_color = Ink::Line.colour();
    base.x_axis.stroke_color = Ink::Line.colour();
    base.x_axis.font.color = Ink::Text.colour();
    base.x_axis.font.size = 13.0;
    for axis in y_axes {
        axis.font.color = Ink::Text.colour();
        axis.font.size = 13.0;
        axis.stroke_color = Color::transparent();
        axis.formatter = Some(format!("{}{{t}}", Currency::of_account().sign()));
        axis.split_number = 4;
        axis.min = Some(0.0);
        axis.max = Some(round_top(highest));
    }
}

fn points(name: &str, all: impl Iterator<Item = (Date, Option<Money>)>) -> Series {
    let (days, data): (Vec<f64>, Vec<Option<f32>>) = all.map(|(day, usd)| (seconds(day), usd.map(height))).unzip();
    Series { x_values: Some(days), ..series(name, data) }
}

/// An amount as a height, which needs few digits. A day with more credits than use is drawn as nothing; its table has the amount.
fn height(usd: Money) -> f32 {
    usd.0.to_f32().unwrap_or_default().max(0.0)
}

/// A day on the time axis: the seconds until its midnight.
#[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
fn seconds(day: Date) -> f64 {
    day.duration_since(Date::constant(1970, 1, 1)).as_secs() as f64
}
