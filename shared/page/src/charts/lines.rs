//! Line charts in SVG files of their own: load against instances, and costs side by side.

use anyhow::anyhow;
use charts_rs::{AxisType, LineChart, LineStep, Series, Symbol, svg_with_accessibility};
use cost_rules::scaling::Traffic;

/// The most points of a line: a point needs about two pixels.
const POINTS: usize = 400;

/// A line of the chart: its name, and the instances of each minute.
pub type Line = (&'static str, Vec<u32>);

/// A chart of instances, as the text of an SVG file: the load as the instances that it needs, and lines of instances over it.
/// Long traffic is drawn by the most of each of some minutes.
pub fn scaling(traffic: &Traffic, per_instance: f64, lines: &[Line]) -> anyhow::Result<String> {
    let step = traffic.minutes().div_ceil(POINTS).max(1);
    let requests: Vec<Option<u64>> = traffic.iter().collect();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "pixels need few digits")]
    let load: Vec<Option<f32>> =
        requests.chunks(step).map(|part| part.iter().flatten().max().map(|most| (*most as f64 / per_instance) as f32)).collect();
    #[expect(clippy::cast_precision_loss, reason = "pixels need few digits")]
    let instances = |of: &[u32]| of.chunks(step).map(|part| part.iter().max().map(|most| *most as f32)).collect();

    let mut all = vec![Series { fill: Some(true), ..series("load", load) }];
    all.extend(lines.iter().map(|(name, of)| Series { step: Some(LineStep::End), ..series(name, instances(of)) }));
    let mut chart = LineChart::new(all, vec![]);
    chart.base.width = 960.0;
    chart.base.height = 400.0;
    "sans-serif".clone_into(&mut chart.base.font_family);
    "Load and instances".clone_into(&mut chart.base.title.text);
    chart.base.margin.right = 20.0;
    chart.base.x_axis.kind = AxisType::Time;
    #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
    let seconds = |point: usize| traffic.time_of(point * step).as_second() as f64;
    chart.base.x_axis.values = (0..traffic.minutes().div_ceil(step)).map(seconds).collect();
    let drawn = chart.svg().map_err(|error| anyhow!("the chart cannot be drawn: {error}"))?;
    let names: Vec<&str> = lines.iter().map(|(name, _)| *name).collect();
    let description =
        format!("The load as the instances that it needs, and {}, in UTC. Each point is the most of {step} minutes.", names.join(" and "));
    Ok(svg_with_accessibility(&drawn, "Load and instances", &description))
}

/// A chart of USD a month, or of percent, over what stands below it.
pub struct Comparison {
    /// Its title.
    pub title: &'static str,
    /// What it shows, for screen readers.
    pub description: &'static str,
    /// What stands below each point.
    pub below: Vec<String>,
    /// The lines: their names, and a value for each point.
    pub lines: Vec<(String, Vec<f64>)>,
}

impl Comparison {
    /// The text of an SVG file.
    pub fn svg(&self) -> anyhow::Result<String> {
        #[expect(clippy::cast_possible_truncation, reason = "pixels need few digits")]
        let values = |of: &[f64]| of.iter().map(|value| Some(*value as f32)).collect();
        let all = self.lines.iter().map(|(name, of)| series(name, values(of))).collect();
        let mut chart = LineChart::new(all, self.below.clone());
        chart.base.width = 720.0;
        chart.base.height = 360.0;
        "sans-serif".clone_into(&mut chart.base.font_family);
        self.title.clone_into(&mut chart.base.title.text);
        chart.base.margin.right = 20.0;
        let drawn = chart.svg().map_err(|error| anyhow!("the chart cannot be drawn: {error}"))?;
        Ok(svg_with_accessibility(&drawn, self.title, self.description))
    }
}

fn series(name: &str, data: Vec<Option<f32>>) -> Series {
    Series { name: name.to_owned(), data, symbol: Some(Symbol::None), ..Series::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_its_lines_its_title_and_a_description() {
        let traffic =
            Traffic::new("2026-11-23T00:00:00Z".parse().unwrap(), (0..20_160).map(|minute| (minute != 7).then_some(minute % 1440)));
        let svg = scaling(&traffic, 200.0, &[("today", vec![8; 20_160]), ("proposed", vec![3; 20_160])]).unwrap();
        for text in ["<svg", "role=\"img\"", "<title>Load and instances</title>", "today", "proposed", "\nload\n", "</svg>"] {
            assert!(svg.contains(text), "{text}");
        }
        assert!(svg.len() < 200_000, "{}", svg.len());
    }
}
