//! The last lines of a mail: whom to ask, and where the rules are explained.

use crate::{
    mail::{digest::PLATFORM, item::MailContext},
    policy::MailSettings,
    vocabulary::{resource::UNOWNED, text::one_line},
};

/// The last lines of a mail to an owner. A link stands at the end of its line, so that no mail program takes a full stop into it.
pub(crate) fn closing(owner: &str, context: &MailContext<'_>) -> String {
    let MailSettings { contact, manual_url, .. } = &context.policy.mail;
    let ask = match contact.as_deref().map(one_line) {
        // Whoever reads it is the one whom the others ask.
        Some(_) if owner == PLATFORM => String::new(),
        Some(link) if link.starts_with("https://") || link.starts_with("http://") => format!("Questions, or not yours? {link}\n"),
        Some(contact) => format!("Questions, or not yours? Write to {}.\n", contact.trim_end_matches('.')),
        None if owner == PLATFORM => "Set `contact` in `[mail]` so that owners know whom to ask.\n".to_owned(),
        // Only the summary says it, and not each mail.
        None if owner == UNOWNED => String::new(),
        None => "Questions, or not yours? Ask the team that runs your ML platform.\n".to_owned(),
    };
    let manual = manual_url.as_ref().map_or_else(String::new, |url| format!("What the rules (in brackets) mean: {url}\n"));
    format!("\n-- \n{ask}{manual}SageMaker cost guard, {}.\n", context.function)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    #[test]
    fn the_last_lines_name_whom_to_ask_and_where_to_read() {
        const ANN: &str = "ann@example.com";
        for (mail, owner, lines) in [
            ("", ANN, &["Questions, or not yours? Ask the team that runs your ML platform."][..]),
            ("", UNOWNED, &[]),
            ("", PLATFORM, &["Set `contact` in `[mail]` so that owners know whom to ask."]),
            (
                "contact = \"ml@example.com\"\nmanual-url = \"https://example.com/rules\"",
                PLATFORM,
                &["What the rules (in brackets) mean: https://example.com/rules"],
            ),
            ("contact = \" #ml-platform on Slack. \"", UNOWNED, &["Questions, or not yours? Write to #ml-platform on Slack."]),
            ("contact = \"ml@example.com\\nX: y\"", ANN, &["Questions, or not yours? Write to ml@example.com X: y."]),
            ("contact = \"https://example.com/ask\"", ANN, &["Questions, or not yours? https://example.com/ask"]),
            (
                "contact = \"ml@example.com\"\nmanual-url = \"https://example.com/rules\"",
                ANN,
                &["Questions, or not yours? Write to ml@example.com.", "What the rules (in brackets) mean: https://example.com/rules"],
            ),
        ] {
            let policy = Policy::from_toml(&format!("[mail]\n{mail}")).unwrap();
            let context = MailContext { function: "notebook-stopper", policy: &policy, now: "2026-11-23T18:00:00Z".parse().unwrap() };
            let lines = lines.iter().flat_map(|line| [*line, "\n"]).collect::<String>();
            let expected = format!("\n-- \n{lines}SageMaker cost guard, notebook-stopper.\n");
            assert_eq!(closing(owner, &context), expected, "{mail}");
        }
    }
}
