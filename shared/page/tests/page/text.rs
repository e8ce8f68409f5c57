//! What a reader sees of HTML, roughly: without tags, styles and drawings.

/// The text between the tags, with single blanks.
pub(crate) fn of(html: &str) -> String {
    let without = ["style", "svg"].iter().fold(html.to_owned(), |html, tag| without(&html, tag));
    let mut text = String::new();
    for part in without.split('<') {
        let (tag, after) = part.split_once('>').unwrap_or(("", part));
        let is_inline =
            ["b", "bdi", "em", "strong", "i", "time", "a", "span"].contains(&tag.trim_start_matches('/').split(' ').next().unwrap());
        text.push_str(if is_inline { "" } else { " " });
        text.push_str(after);
    }
    text.split([' ', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn without(html: &str, tag: &str) -> String {
    let start = format!("<{tag}");
    let mut parts = html.split(&start);
    let first = parts.next().unwrap_or_default().to_owned();
    let end = format!("</{tag}>");
    parts.fold(first, |text, part| text + part.split_once(&end).map_or("", |(_, after)| after))
}
