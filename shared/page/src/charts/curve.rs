//! What commitments of a Savings Plan cost.

use charts_rs::LineChart;
use cost_rules::report::Money;
use rust_decimal::prelude::ToPrimitive as _;

use super::{Caption, Ink, Room, for_page, series, trend::dress};

/// USD a month over USD per hour.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// Commitments in USD per hour, and what a month costs with each.
    pub(crate) points: Vec<(Money, Money)>,
    pub(crate) caption: Caption,
}

impl Curve {
    /// The chart. Its axis does not begin at zero: what is saved is a part of the cost.
    pub(crate) fn svg(&self, room: Room) -> anyhow::Result<String> {
        let heights: Vec<f32> = self.points.iter().map(|(_, usd)| usd.0.to_f32().unwrap_or_default()).collect();
        let (lowest, highest) = heights.iter().fold((f32::MAX, 0.0_f32), |(low, high), usd| (low.min(*usd), high.max(*usd)));
        let below = self.points.iter().map(|(commitment, _)| commitment.to_string()).collect();
        let mut chart = LineChart::new(vec![series("cost", heights.into_iter().map(Some).collect())], below);
        dress(&mut chart.base, &mut chart.y_axis_configs, room, highest);
        for axis in &mut chart.y_axis_configs {
            let around = (highest - lowest) * 0.25;
            let bottom = (lowest - around).max(0.0).floor();
            axis.min = Some(bottom);
            // Four steps of whole numbers.
            axis.max = Some(bottom + 4.0 * ((highest + around - bottom) / 4.0).ceil());
        }
        chart.base.series.colors = vec![Ink::Accent.colour()];
        chart.base.series.stroke_width = 2.0;
        for_page(chart.svg(), room, &self.caption)
    }
}
