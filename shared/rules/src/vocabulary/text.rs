//! Text that others wrote, such as names and tags: it stays text in mails, logs, tables and commands. And texts that mean the same.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

/// The longest line that is made of a text that others wrote, in characters.
const LONGEST: usize = 1000;

/// Digits in groups of three: `1,234,567`.
pub fn grouped(digits: &str) -> String {
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|digits| str::from_utf8(digits).ok()).collect();
    groups.join(",")
}

/// One line: line breaks become blanks, what cannot be seen becomes `�`, and a very long text is cut.
pub fn one_line(text: &str) -> String {
    let seen = |c: char| if is_line_break(c) || c == '\t' { ' ' } else { seen(c) };
    let cut = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    text.chars().map(seen).take(LONGEST).chain(cut.chars()).collect()
}

/// The same lines, in which what cannot be seen is `�`.
pub fn lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { seen(c) }).collect()
}

/// One argument of a command in a shell: quoted where a character could mean something to the shell.
pub fn argument(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { Cow::Borrowed(text) } else { Cow::Owned(quoted(text)) }
}

/// One argument of a command in a shell, in quotes.
pub fn quoted(text: &str) -> String {
    format!("'{}'", one_line(text).replace('\'', r"'\''"))
}

/// JSON as one argument of a command in a shell. It is never cut.
pub fn json_argument(value: &serde_json::Value) -> String {
    format!("'{}'", json(value).replace('\'', r"'\''"))
}

/// JSON in one line. What cannot be seen is escaped, so that it means the same where it is pasted.
pub fn json(value: &serde_json::Value) -> String {
    value.to_string().chars().fold(String::new(), |mut text, c| {
        if seen(c) == c {
            text.push(c);
        } else {
            let _ = c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(text, "\\u{unit:04x}"));
        }
        text
    })
}

/// A text in the source of a Python program or in JSON, with its quotes. It cannot end early.
pub fn literal(text: &str) -> String {
    json(&serde_json::Value::from(text))
}

/// A text as a part of a URL: everything but letters, digits and `-._~` as `%` and two digits (RFC 3986).
pub fn url_part(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
        url
    })
}

/// A text's hash: eight hexadecimal digits that are the same for all time (FNV-1a), unlike those of the standard library's hash.
pub fn short_hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:08x}", hash >> 32)
}

/// Whether two names mean the same: case and blanks do not count.
pub fn is_alike(one: &str, other: &str) -> bool {
    folded(one).eq(folded(other))
}

/// The entry of a name, else of one that is alike.
pub(crate) fn alike<'a, V>(map: &'a BTreeMap<String, V>, name: &str) -> Option<(&'a String, &'a V)> {
    map.get_key_value(name).or_else(|| map.iter().find(|(known, _)| is_alike(known, name)))
}

/// The characters of a name without blanks, in lower case.
pub fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase)
}

/// Whether a character has no width and says nothing: it comes into a text by copying.
pub(super) fn has_no_width(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A cell of a table: one line, with a `'` before what a spreadsheet would read as a formula: team names come from tags, which anybody can set.
pub fn cell(text: &str) -> String {
    let text = one_line(text);
    let text = text.trim();
    // Some spreadsheets take the wide forms for the same.
    if text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) { format!("'{text}") } else { text.to_owned() }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The character, or `�` for one that cannot be seen and changes what is seen: control characters, and marks of direction and of no width.
fn seen(c: char) -> char {
    let hides = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    if c.is_control() || hides { '\u{fffd}' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_strangers_is_one_line_that_can_be_seen() {
        for (text, line) in [
            ("churn", "churn"),
            ("Zoë, 山田 😀", "Zoë, 山田 😀"),
            ("a\n* notebook instance b", "a * notebook instance b"),
            ("a\r\nb\u{2028}c\u{85}d\te", "a  b c d e"),
            ("\u{1b}[31mred\u{7}", "�[31mred�"),
            ("moc.elpmaxe\u{202e}@ann\u{200b}", "moc.elpmaxe�@ann�"),
            ("<script>alert(1)</script>%0A", "<script>alert(1)</script>%0A"),
        ] {
            assert_eq!(one_line(text), line, "{text:?}");
        }
        assert_eq!(one_line(&"é".repeat(5000)).chars().count(), LONGEST + 1);
        assert_eq!(lines("a\nb\r\u{1b}c"), "a\nb��c");
    }

    #[test]
    fn an_argument_is_one_argument_to_a_shell() {
        for (text, argument) in [
            ("churn-2.1", "churn-2.1"),
            ("arn:aws:sagemaker:eu-central-1:123456789012:endpoint/churn", "arn:aws:sagemaker:eu-central-1:123456789012:endpoint/churn"),
            ("", "''"),
            ("a b", "'a b'"),
            ("'; rm -rf ~ #", r"''\''; rm -rf ~ #'"),
            ("$(reboot)`reboot`", "'$(reboot)`reboot`'"),
            ("a\nreboot", "'a reboot'"),
            ("a&b|c>d*?!\\~", r"'a&b|c>d*?!\~'"),
        ] {
            assert_eq!(super::argument(text), argument);
        }
    }

    #[test]
    fn a_literal_is_one_literal() {
        for (text, literal) in [
            ("s3://bucket/prefix", r#""s3://bucket/prefix""#),
            (r#"s3://a"), os.system("reboot"#, r#""s3://a\"), os.system(\"reboot""#),
            ("a\nreboot\r\t", r#""a\nreboot\r\t""#),
            (r"a\", r#""a\\""#),
            ("山\u{7}", "\"山\\u0007\""),
            // It was shown as �, and pasted as that.
            ("s3://a/b\u{200b}\u{202e}\u{9b}", r#""s3://a/b\u200b\u202e\u009b""#),
            ("a\u{e0041}é😀", r#""a\udb40\udc41é😀""#),
            ("", r#""""#),
        ] {
            assert_eq!(super::literal(text), literal);
            assert_eq!(serde_json::from_str::<String>(literal).unwrap(), text, "it means the same");
            assert_eq!(lines(literal), literal, "nothing of it is hidden");
        }
    }

    #[test]
    fn case_and_blanks_do_not_count() {
        for (one, other, alike) in [
            ("vision", "VISION", true),
            ("vision", " Vision ", true),
            ("Data Science", "data\u{a0}science", true),
            ("ÄRZTE", "ärzte", true),
            ("vision", "vision2", false),
            ("data-science", "data science", false),
            ("", " ", true),
        ] {
            assert_eq!(is_alike(one, other), alike, "{one} {other}");
        }
    }
}
