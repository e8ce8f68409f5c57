//! The report's files in S3: `<prefix>account=<account>/period=<period>/`, with `report.html`, `report.json` and `teams/<team>.html`. The table is apart, so that
//! Athena finds nothing else there: `<prefix>table/account=<account>/period=<period>/costs.csv`.

use cost_rules::{
    facts::Spend,
    policy::ReportSettings,
    report::{self, COLUMNS, CostReport, Sources, Stored},
    text::{cell, quoted, short_hash, url_part},
};

use crate::{bucket::Object, context::Context};

/// Draws the page of a report. The crate that does it is not part of the other functions.
pub type Page = fn(&CostReport) -> anyhow::Result<String>;

const HTML: &str = "text/html; charset=utf-8";

/// The longest part of a team's name in a file's name.
const NAME: usize = 60;

/// Where the files of one report go.
pub(super) struct Folder<'a> {
    context: &'a Context,
    settings: &'a ReportSettings,
    bucket: &'a str,
    /// `account=<account>/period=<period>/`
    place: String,
}

/// What the files of a report are made of.
pub(super) struct Files<'a> {
    pub(super) made: &'a CostReport,
    pub(super) sources: &'a Sources<'a>,
    pub(super) spend: &'a Spend,
    /// The name of `SageMaker` in the bill.
    pub(super) service: &'a str,
    pub(super) page: Page,
}

/// One file: its name in the folder, its type, and what is in it.
struct File {
    /// The folder before the account's: of the table only.
    root: &'static str,
    name: String,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Files<'_> {
    /// The files, each made when it is asked for: the page first, then the tables, then a page for each team.
    fn each(&self) -> impl Iterator<Item = anyhow::Result<File>> {
        let own = [Self::page, Self::json, Self::table].into_iter().map(|make| make(self));
        own.chain(report::teams(self.sources.cuts).into_iter().map(|team| self.of_team(&team)))
    }

    fn page(&self) -> anyhow::Result<File> {
        Ok(File { root: "", name: "report.html".to_owned(), content_type: HTML, body: (self.page)(self.made)?.into_bytes() })
    }

    fn json(&self) -> anyhow::Result<File> {
        Ok(File { root: "", name: "report.json".to_owned(), content_type: "application/json", body: serde_json::to_vec(self.made)? })
    }

    fn of_team(&self, team: &str) -> anyhow::Result<File> {
        let body = (self.page)(&report::make(self.sources, Some(team)))?.into_bytes();
        Ok(File { root: "", name: format!("teams/{}.html", file_name(team)), content_type: HTML, body })
    }

    fn table(&self) -> anyhow::Result<File> {
        let mut writer = csv::Writer::from_writer(vec![]);
        writer.write_record(COLUMNS)?;
        for row in report::table(self.spend, self.made.period, &self.made.account, self.service) {
            // Amounts may begin with a minus sign: they are numbers.
            let text = |text: String| if text.parse::<rust_decimal::Decimal>().is_ok() { text } else { cell(&text) };
            writer.write_record(row.map(text))?;
        }
        Ok(File { root: "table/", name: "costs.csv".to_owned(), content_type: "text/csv; charset=utf-8", body: writer.into_inner()? })
    }
}

impl<'a> Folder<'a> {
    /// The folder of a report. `None`: neither the policy nor the stack names a bucket.
    pub(super) fn of(context: &'a Context, settings: &'a ReportSettings, report: &CostReport) -> Option<Self> {
        let bucket = bucket(context, settings)?;
        Some(Self { context, settings, bucket, place: format!("account={}/period={}/", report.account, report.period) })
    }

    /// Writes all files. Returns where the page is, and where all are.
    ///
    /// # Errors
    /// A file cannot be made or written. The files before it are written.
    pub(super) async fn store(&self, files: &Files<'_>) -> anyhow::Result<(Stored, Vec<String>)> {
        let mut kept = vec![];
        for file in files.each() {
            let File { root, name, content_type, body } = file?;
            let key = format!("{}{root}{}{name}", self.settings.prefix, self.place);
            let object = Object { bucket: self.bucket, key: &key, content_type, body };
            object.put(&self.context.clients).await.map_err(|why| anyhow::anyhow!(why))?;
            kept.push(format!("s3://{}/{key}", self.bucket));
        }
        Ok((self.link(), kept))
    }

    fn link(&self) -> Stored {
        let key = format!("{}{}report.html", self.settings.prefix, self.place);
        let filled = [("{bucket}", self.bucket), ("{region}", &self.context.clients.region), ("{key}", &encoded(&key))];
        let console = filled.iter().fold(self.settings.console_url.clone(), |url, (name, value)| url.replace(name, value));
        Stored::Page { console, command: format!("aws s3 cp {} .", quoted(&format!("s3://{}/{key}", self.bucket))) }
    }
}

/// The bucket: the policy's, else the stack's. `None`: neither names one.
pub(super) fn bucket<'a>(context: &'a Context, settings: &'a ReportSettings) -> Option<&'a str> {
    settings.bucket.as_deref().or(context.settings.bucket.as_deref())
}

/// A team as part of a file's name: its letters and digits, and a number that differs where these are the same.
fn file_name(team: &str) -> String {
    let plain: String = team.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(NAME).collect();
    if plain == team {
        return plain;
    }
    format!("{plain}-{}", short_hash(team))
}

/// A key as part of a link.
fn encoded(key: &str) -> String {
    key.split('/').map(url_part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_teams_file_has_a_plain_name_of_its_own() {
        assert_eq!(file_name("nlp"), "nlp");
        assert_ne!(file_name("NLP"), file_name("nlp"));
        assert_ne!(file_name("a/b"), file_name("a b"));
        let long = file_name(&"\u{202e}../é".repeat(60));
        assert!(long.len() <= NAME + 9 && long.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{long}");
        assert_eq!(encoded("cost-report/account=1/a b.html"), "cost-report/account%3D1/a%20b.html");
    }
}
