//! How an answer is printed.

use clap::ValueEnum;

/// How an answer is printed.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Names on the left, values in columns.
pub(crate) fn table(rows: &[(&str, Vec<String>)]) -> String {
    let wide = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let names = wide(&mut rows.iter().map(|(name, _)| *name));
    let values = wide(&mut rows.iter().flat_map(|(_, values)| values.iter().map(String::as_str)));
    let line = |(name, of): &(&str, Vec<String>)| {
        let columns = of.iter().fold(String::new(), |line, value| line + &format!("  {value:>values$}"));
        format!("{name:names$}{columns}\n")
    };
    rows.iter().map(line).collect()
}
