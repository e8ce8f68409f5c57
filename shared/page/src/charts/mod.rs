//! All charts of the project. The only place that knows the crate `charts-rs`.
//!
//! Charts for the page are drawn in colours that stand for the page's CSS variables (`Ink`) and are replaced in the finished SVG, so that one drawing
//! fits light, dark and print. The numbers of charts-rs are `f32`: they move pixels only. Beside each chart stands a table of the exact amounts.

mod curve;
mod lines;
mod trend;

use anyhow::anyhow;
use charts_rs::{Color, Series, Symbol, svg_with_accessibility};

pub(crate) use curve::Curve;
pub use lines::{Comparison, Line, scaling};
pub(crate) use trend::{Blocks, Daily};

/// How many series of a chart have a colour and a pattern of their own. The others are one.
pub(crate) const MOST_SERIES: usize = 7;

/// What a part of a chart is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ink {
    /// Text.
    Text,
    /// Lines of the grid and the axes.
    Line,
    /// The accent of the page.
    Accent,
    /// The line of a limit.
    Limit,
    /// The pattern of a series, from 0 on.
    Pattern(u8),
}

impl Ink {
    const ALL: [Self; 12] = [
        Self::Text,
        Self::Line,
        Self::Accent,
        Self::Limit,
        Self::Pattern(0),
        Self::Pattern(1),
        Self::Pattern(2),
        Self::Pattern(3),
        Self::Pattern(4),
        Self::Pattern(5),
        Self::Pattern(6),
        Self::Pattern(7),
    ];

    /// The colour that stands for it while charts-rs draws.
    fn colour(self) -> Color {
        let number = match self {
            Self::Text => 0xE1,
            Self::Line => 0xE2,
            Self::Accent => 0xE3,
            Self::Limit => 0xE4,
            Self::Pattern(series) => 0xF0 + series,
        };
        (0, 0, number).into()
    }

    /// What the page's CSS knows it as.
    fn css(self) -> String {
        match self {
            Self::Text => "var(--quiet)".to_owned(),
            Self::Line => "var(--line)".to_owned(),
            Self::Accent => "var(--accent)".to_owned(),
            Self::Limit => "var(--limit)".to_owned(),
            Self::Pattern(series) => format!("url(#pattern-{series})"),
        }
    }
}

/// The room that a chart has. A narrow one is drawn for itself, because a wide one on a phone has text that nobody can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Wide,
    Narrow,
}

impl Room {
    const fn size(self) -> (f32, f32) {
        match self {
            Self::Wide => (960.0, 300.0),
            Self::Narrow => (360.0, 260.0),
        }
    }

    /// The class of the SVG: CSS shows one of the two.
    const fn class(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        }
    }
}

/// What a chart is called and shows, for screen readers.
#[derive(Clone, Debug)]
pub(crate) struct Caption {
    pub(crate) title: &'static str,
    pub(crate) description: String,
}

/// The least round amount that four equal steps reach from zero, so that the axis has round numbers. The axis has one digit after the point, and so have the
/// steps: the least is a tenth.
fn round_top(highest: f32) -> f32 {
    let step = (highest / 4.0).max(0.1);
    let scale = 10_f32.powf(step.log10().floor());
    let steps: &[f32] = if scale < 1.0 { &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0] } else { &[1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0] };
    let rounded = steps.iter().map(|of| of * scale).find(|rounded| step <= *rounded);
    4.0 * rounded.unwrap_or(10.0 * scale)
}

/// A drawing in the page's colours that takes the width it gets.
fn for_page(drawn: charts_rs::Result<String>, room: Room, caption: &Caption) -> anyhow::Result<String> {
    let drawn = drawn.map_err(|error| anyhow!("the chart {:?} cannot be drawn: {error}", caption.title))?;
    let coloured = Ink::ALL.iter().fold(drawn, |svg, ink| svg.replace(&ink.colour().hex(), &ink.css()));
    let (width, height) = room.size();
    let fixed = format!("<svg width=\"{width}\" height=\"{height}\"");
    let fluid = format!("<svg class=\"chart {}\"", room.class());
    anyhow::ensure!(coloured.starts_with(&fixed), "the chart {:?} does not begin with its size", caption.title);
    Ok(svg_with_accessibility(&coloured.replacen(&fixed, &fluid, 1), caption.title, &caption.description))
}

fn series(name: &str, data: Vec<Option<f32>>) -> Series {
    Series { name: name.to_owned(), data, symbol: Some(Symbol::None), ..Series::default() }
}

/// The patterns of the series, for the page's SVG `<defs>`: each series differs from its neighbours by more than its colour.
pub(crate) fn patterns() -> String {
    // What is drawn over the colour, in the colour of the page.
    const OVER: [&str; 8] = ["", "M0 7 7 0", "", "M2 2h.1M5.5 5.5h.1", "", "M0 0 7 7", "", "M0 3.5H7"];
    let pattern = |(number, over): (usize, &&str)| {
        let lines = if over.is_empty() { String::new() } else { format!("<path d=\"{over}\"/>") };
        format!(
            "<pattern id=\"pattern-{number}\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\">\
            <rect width=\"7\" height=\"7\" fill=\"var(--series-{number})\"/>{lines}</pattern>"
        )
    };
    OVER.iter().enumerate().map(pattern).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (highest, top) in [
            (0.0, 0.4),
            (0.02, 0.4),
            (0.37, 0.4),
            (0.6, 0.8),
            (0.9, 1.2),
            (4.0, 4.0),
            (5.5, 6.0),
            (1353.0, 1600.0),
            (7281.6, 8000.0),
            (39_000.0, 40_000.0),
        ] {
            assert!((round_top(highest) - top).abs() <= top / 1e5, "{highest}: {}", round_top(highest));
        }
    }
}
