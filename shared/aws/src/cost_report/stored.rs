//! The report's files in S3: `<prefix>account=<account>/period=<period>/`, with `report.html`, `report.json` and `teams/<team>.html`. The table is apart, so that
//! Athena finds nothing else there: `<prefix>table/account=<account>/period=<period>/costs.csv`.

use cost_rules::{
    facts::Spend,
    policy::ReportSettings,
    report::{self, COLUMNS, CostReport, ReportPeriod, Sources, Stored, TableOf},
    text::{cell, quoted, short_hash, url_part},
};

use futures_util::{StreamExt as _, stream};

use crate::{bucket::Object, context::Context};

/// Draws the page of a report. The crate that does it is not part of the other functions.
pub type Page = fn(&CostReport) -> anyhow::Result<String>;

const HTML: &str = "text/html; charset=utf-8";

/// How many pages of teams are written at the same time.
const AT_ONCE: usize = 8;

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

/// Which files were stored, and why others were not.
#[derive(Default)]
pub(super) struct Kept {
    /// Where they are.
    pub(super) places: Vec<String>,
    /// Whether the page is one of them.
    pub(super) has_page: bool,
    refused: Vec<String>,
    /// How many there was no time for.
    late: usize,
}

impl Kept {
    /// Where the mail sends its reader. `folder`: where the files went, if there is a bucket.
    pub(super) fn stored(&self, folder: Option<&Folder<'_>>) -> Stored {
        match folder {
            None => Stored::Nowhere("there is no bucket (`bucket` in [report], or COST_GUARD_BUCKET)".to_owned()),
            Some(folder) if self.has_page => folder.link(),
            Some(_) => Stored::Nowhere(self.refused.first().cloned().unwrap_or_default()),
        }
    }

    /// What somebody has to look at.
    pub(super) fn failures(&self, period: ReportPeriod) -> Vec<String> {
        let refused = self.refused.iter().map(|why| format!("a file of the cost report of {period} is not stored: {why}"));
        let late = (0 < self.late).then(|| {
            let how = format!("invoke cost-reporter with {{\"period\": \"{period}\"}} to make them");
            format!("{} pages of teams of the cost report of {period} are not stored, because this run is out of time: {how}", self.late)
        });
        refused.chain(late).collect()
    }
}

impl Files<'_> {
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
        let teams = self.sources.cuts.spellings();
        let of = TableOf { period: self.made.period, account: &self.made.account, service: self.service, teams: &teams };
        for row in report::table(self.spend, of) {
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

    /// Writes the account's files: the page first. The others are written, too, if one is refused.
    pub(super) async fn store(&self, files: &Files<'_>) -> Kept {
        let mut kept = Kept::default();
        for (index, make) in [Files::page, Files::json, Files::table].into_iter().enumerate() {
            match self.put(make(files)).await {
                Ok(place) => {
                    kept.has_page |= index == 0;
                    kept.places.push(place);
                }
                Err(error) => kept.refused.push(format!("{error:#}")),
            }
        }
        kept
    }

    /// Writes a page for each team, some at the same time, until this run is out of time.
    pub(super) async fn store_teams(&self, files: &Files<'_>) -> Kept {
        let teams = report::teams(files.sources.cuts);
        let stored = stream::iter(&teams).map(async |team| {
            if self.context.time_is_up() {
                return None;
            }
            Some(self.put(files.of_team(team)).await)
        });
        let mut kept = Kept::default();
        for one in stored.buffered(AT_ONCE).collect::<Vec<_>>().await {
            match one {
                Some(Ok(place)) => kept.places.push(place),
                Some(Err(error)) => kept.refused.push(format!("{error:#}")),
                None => kept.late += 1,
            }
        }
        kept
    }

    async fn put(&self, file: anyhow::Result<File>) -> anyhow::Result<String> {
        let File { root, name, content_type, body } = file?;
        let key = format!("{}{root}{}{name}", self.settings.prefix, self.place);
        let object = Object { bucket: self.bucket, key: &key, content_type, body };
        object.put(&self.context.clients).await.map_err(|why| anyhow::anyhow!(why))?;
        Ok(format!("s3://{}/{key}", self.bucket))
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
