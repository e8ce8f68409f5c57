//! Suggests a known word for a misspelt one.

/// The end of an error message: `: did you mean x?` if a known word is similar, else the list of all known words.
pub(crate) fn nearest(name: &str, known: &[&str]) -> String {
    let best = known.iter().map(|one| (strsim::jaro_winkler(name, one), one)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, one)) if 0.8 < likeness => format!(": did you mean `{one}`?"),
        _ => format!(": known are {}", known.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", ")),
    }
}
