//! The same as a mail, for a chat: a custom notification of Amazon Q Developer in chat applications.
//!
//! Fields and their meaning: docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html (`version` must be `1.0`, `source` `custom`, `textType`
//! `client-markdown`; the service draws the text in the markdown of Slack or Teams). It names no lengths that are certain, and what it does not take it drops
//! without a word. So the text is kept as short as one block of text in Slack may be: 3,000 characters.

use serde::Serialize;

use crate::{
    mail::Digest,
    vocabulary::text::{lines, one_line},
};

/// The longest description, in characters.
const LONGEST: usize = 3000;

/// The last line of a text that was cut.
const CUT: &str = "… the rest is in the mail";

/// What the owner can do.
const NEXT_STEP: &str = "The owner has this as a mail. Copy commands from there: here, some signs are replaced by others that look alike.";

/// A custom notification, as JSON has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    version: &'static str,
    source: &'static str,
    id: String,
    content: Content,
    metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    text_type: &'static str,
    title: String,
    description: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next_steps: Vec<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    summary: String,
    event_type: String,
    thread_id: String,
}

impl Digest {
    /// The same for the chat. `id`: what identifies it among all messages. The mails of one owner are one thread.
    pub fn for_chat(&self, id: String) -> ChatMessage {
        let title = plain(&self.subject);
        let next_steps = if self.told.is_some() { vec![NEXT_STEP] } else { vec![] };
        let metadata = Metadata { summary: title.clone(), event_type: self.severity.as_str().to_owned(), thread_id: plain(&self.owner) };
        let content = Content { text_type: "client-markdown", title, description: block(&self.body), next_steps };
        ChatMessage { version: "1.0", source: "custom", id, content, metadata }
    }
}

/// One line in which nothing is markdown, a mention or a link.
fn plain(text: &str) -> String {
    let marks = |c| match c {
        '*' => '∗',
        '_' => '＿',
        '~' => '∼',
        '[' => '［',
        ']' => '］',
        other => harmless(other),
    };
    one_line(text).chars().map(marks).collect::<String>().replace("://", "∶//")
}

/// A text as one block of code, in which a chat looks for no markdown and no links.
fn block(text: &str) -> String {
    let text: String = lines(text).chars().map(harmless).collect();
    format!("```\n{}\n```", cut(text.trim_end(), LONGEST - "```\n\n```".len()))
}

/// Cut at the end of a line, so that it has at most this many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut room = most - CUT.chars().count();
    let fits = |line: &&str| {
        let left = room.checked_sub(line.chars().count());
        room = left.unwrap_or_default();
        left.is_some()
    };
    let kept: String = text.split_inclusive('\n').take_while(fits).collect();
    format!("{kept}{CUT}")
}

/// Signs that may mean something even inside code become others that look alike: `<`, `>` and `&` (Slack's mentions and links), `@`, and what would end the code.
/// Slack asks for `&lt;` in place of `<`, but Teams shows that as it is.
const fn harmless(c: char) -> char {
    match c {
        '<' => '‹',
        '>' => '›',
        '&' => '＆',
        '@' => '＠',
        '`' => '\'',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        mail::{Audience, Told},
        rules::verdict::Severity,
    };

    fn digest(subject: &str, body: &str) -> Digest {
        Digest {
            owner: "ann@example.com".into(),
            functions: vec!["notebook-stopper".into()],
            teams: vec!["nlp".into()],
            severity: Severity::Warning,
            subject: subject.into(),
            body: body.into(),
            notified: vec![],
            audience: Audience::Owner,
            told: Some(Told::default()),
        }
    }

    #[test]
    fn a_message_has_the_form_of_a_custom_notification() {
        let message = serde_json::to_value(digest("Cost guard: churn", "Hello,\n\nchurn is on.\n").for_chat("1".into())).unwrap();
        let expected = json!({
            "version": "1.0", "source": "custom", "id": "1",
            "content": {
                "textType": "client-markdown", "title": "Cost guard: churn", "description": "```\nHello,\n\nchurn is on.\n```",
                "nextSteps": [NEXT_STEP],
            },
            "metadata": {"summary": "Cost guard: churn", "eventType": "warning", "threadId": "ann＠example.com"},
        });
        assert_eq!(message, expected);
        let summary = Digest { told: None, ..digest("Summary", "x") }.for_chat("2".into());
        assert!(summary.content.next_steps.is_empty(), "the platform's summary asks nothing of anybody");
    }

    #[test]
    fn what_people_wrote_stays_text() {
        let hostile =
            "<!channel> <@U123> @here `a` ```b``` *c* _d_ ~e~ [f](https://example.com) <https://example.com|g> &lt; \u{202e}\u{7}";
        let message = digest(hostile, &format!("{hostile}\n{hostile}")).for_chat("1".into());
        let (title, inside) = (message.content.title, message.content.description);
        let inside = inside.strip_prefix("```\n").and_then(|rest| rest.strip_suffix("\n```")).unwrap();
        assert_eq!(inside.lines().count(), 2);
        for (text, forbidden) in [(title.as_str(), "<>@&`*_~[]"), (inside, "<>@&`")] {
            assert!(!text.contains(|c: char| forbidden.contains(c) || (c.is_control() && c != '\n')), "{text}");
        }
        assert!(!title.contains("://"), "{title}");
        assert!(title.starts_with("‹!channel› ‹＠U123› ＠here"), "it can still be read: {title}");
    }

    #[test]
    fn a_long_text_is_cut_at_a_line() {
        for line in ["0123456789", "äöü", &"x".repeat(2990), &"x".repeat(5000)] {
            let body = format!("{line}\n").repeat(1000);
            let message = digest("x", &body).for_chat("1".into());
            let description = message.content.description;
            assert!(description.chars().count() <= LONGEST, "{}", description.chars().count());
            let inside = description.strip_prefix("```\n").and_then(|rest| rest.strip_suffix("\n```")).unwrap();
            let (last, kept) = inside.lines().collect::<Vec<_>>().split_last().map(|(last, kept)| (*last, kept.to_vec())).unwrap();
            assert!(last == CUT && kept.iter().all(|kept| *kept == line), "{line}");
        }
        assert!(!block("short").contains(CUT));
    }
}
