//! Names and tags that break lines, steer terminals, hide what they say, or are formulas and templates: whatever reads the guard's texts gets text.

use end_to_end::{
    Function,
    testing::{account, days, guard_of, hours},
};

/// What AWS takes as a tag's value, and people or tools may write.
const TEXTS: [&str; 12] = [
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(1)",
    "two\u{2028}lines",
    "two\u{2029}paragraphs",
    "{{ owner }}",
    "${jndi:ldap}",
    "%s%n%1000d",
    "ann\u{202e}moc.elpmaxe",
    "a\u{200b}b",
    "\u{3000}ＡＮＮ\u{a0}",
];

/// Whether each character of a text can be seen, or is a line's end.
fn can_be_seen(text: &str) -> bool {
    !text.contains(|c: char| {
        (c.is_control() && c != '\n') || "\u{2028}\u{2029}\u{202a}\u{202b}\u{202d}\u{202e}\u{200b}\u{200e}\u{200f}\u{feff}".contains(c)
    })
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace("\\u2028", "\u{2028}")
}

fn estate() -> String {
    let long = "9".repeat(256);
    let resources = TEXTS.iter().copied().chain([long.as_str()]).enumerate().map(|(n, text)| {
        let text = quoted(text);
        let tags = format!("tags = {{ Owner = {text}, Team = {text}, CostCenter = {text}, \"cost-guard:keep-until\" = {text} }}\n");
        format!(
            "[[notebook]]\nname = \"nb{n}\"\nsince = \"-9d\"\ninstance-type = \"ml.m5.xlarge\"\n{tags}\
             [[training-job]]\nname = \"job{n}\"\ncreated = \"-1h\"\ntakes = \"20h\"\nmax-runtime = \"1d\"\n{tags}"
        )
    });
    let budgets =
        TEXTS.iter().map(|text| format!("[[budget]]\nname = {}\namount = 1000\nactual = 990\n", quoted(&text.replace([':', '\\'], " "))));
    format!("bucket = \"finops\"\n{}{}", resources.collect::<String>(), budgets.collect::<String>())
}

#[tokio::test]
async fn texts_of_strangers_stay_text_in_mails_reports_and_tables() {
    let account = account(&estate());
    let policy = "timezone = \"Asia/Kathmandu\"\nteam-tags = [\"Team\"]\nowner-tags = [\"Owner\"]\n[coverage]\nbucket = \"finops\"\n[mail]\nreports = \"daily\"\n\
        [rules.missing-tag]\nrequired = { CostCenter = \"[0-9]{3}\", Project = \".+\" }\n[rules.untagged-spend]\nmode = \"off\"\n";
    let mut reports = String::new();
    for _ in 0..8 {
        for function in Function::ALL {
            let report = guard_of(function, &account, policy).run().await.unwrap();
            assert_eq!(report.failures, Vec::<String>::new(), "{}", function.name());
            reports += &serde_json::to_string(&report).unwrap();
            reports.push('\n');
        }
        account.advance(days(1) + hours(2));
    }
    assert!(can_be_seen(&reports), "a report");
    let mails = account.mails();
    assert!(20 < mails.len(), "{}", mails.len());
    for mail in &mails {
        let is_plain = mail.subject.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        assert!(is_plain && mail.subject.len() < 100, "{:?}", mail.subject);
        assert!(can_be_seen(&mail.message), "{:?}", mail.message);
        assert!(!mail.message.contains("\n+1") && !mail.message.contains("\n=HYPERLINK"), "{}", mail.message);
        let attributes: Vec<&str> = mail.attributes.values().map(|(_, value)| value.as_str()).collect();
        assert!(attributes.iter().all(|value| !value.is_empty() && value.len() <= 300 && can_be_seen(value)), "{attributes:?}");
    }
    let files: Vec<(String, String)> = account
        .objects()
        .into_iter()
        .filter_map(|object| Some((object.key.clone(), String::from_utf8(account.object(&object.key)?).unwrap())))
        .collect();
    for kind in [".csv", ".json", ".html"] {
        assert!(files.iter().any(|(key, _)| key.ends_with(kind)), "{kind}");
    }
    for (key, text) in &files {
        assert!(can_be_seen(text) && key.is_ascii(), "{key}: {text}");
        let is_formula = |cell: &str| cell.trim_matches('"').starts_with(['=', '+', '-', '@']);
        let kind = key.rsplit('.').next().unwrap();
        assert!(kind != "csv" || !text.lines().flat_map(|line| line.split(',')).any(is_formula), "{key}: {text}");
        assert!(kind != "html" || !text.contains("<script"), "{key}: {text}");
    }
}
