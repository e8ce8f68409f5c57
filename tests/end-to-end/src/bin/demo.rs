//! `make demo`: a week of a machine-learning team in a simulated account, told day by day, with the mails and the bills.
#![expect(clippy::print_stdout, reason = "the demo is what it prints")]

use std::{collections::BTreeMap, fs, path::Path};

use comfy_table::{Cell, CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use cost_rules::price::dollars;
use end_to_end::{
    month::{self, Month},
    project_file,
    week::{Happening, Moment, Week, live},
};
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use simulator::{BillLine, BudgetState, Mail};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let started = std::time::Instant::now();
    println!("A simulated AWS account, and one week of a team of nine. Living through it …");
    let week = live(|day| println!("  day {day} of 7 ({:.0} s)", started.elapsed().as_secs_f64())).await?;
    let folder = project_file("target/demo");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("mails.txt"), week.mails.iter().map(|mail| as_text(mail, &week.zone)).collect::<String>())?;

    timeline(&week);
    sample_mails(&week);
    coverage(&week);
    bills(&week);
    let month = month::live().await?;
    budgets(&month);
    fs::write(folder.join("mails-of-the-month.txt"), month.mails.iter().map(|mail| as_text(mail, &month.zone)).collect::<String>())?;
    let wrongs: Vec<String> = week.wrongs.iter().chain(&month.wrongs).cloned().collect();
    checks(&week, &wrongs, started.elapsed().as_secs_f64(), &folder.join("mails.txt"));
    in_short(&week);
    anyhow::ensure!(wrongs.is_empty(), "the guard did wrong:\n{}", wrongs.join("\n"));
    Ok(())
}

fn heading(text: &str) {
    println!("\n{text}\n{}", "=".repeat(text.chars().count()));
}

fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%A, %F").to_string()
}

fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
}

fn timeline(week: &Week) {
    heading("The week, day by day (times in Berlin)");
    println!("Until Tuesday noon the policy only reports. Then it stops what is on outside working hours, 30 minutes after a warning,");
    println!("and submits on-demand training jobs again as Spot (team vision's are stopped instead, after a warning).");
    println!("From then on it also writes the tags that are missing, wherever it knows whose a resource is.");
    let mut last = String::new();
    for moments in week.moments.chunk_by(|a, b| a.at == b.at) {
        let Some(Moment { at, .. }) = moments.first() else { continue };
        let today = day(*at, &week.zone);
        if today != last {
            println!("\n{today}");
            last = today;
        }
        let time = clock(*at, &week.zone);
        for (verb, names) in done(moments) {
            let indent =
                textwrap::Options::new(150).subsequent_indent("                  ").word_splitter(textwrap::WordSplitter::NoHyphenation);
            println!("{}", textwrap::fill(&format!("  {time}  {verb:8} {}: {}", names.len(), names.join(", ")), indent));
        }
        for moment in moments {
            match &moment.what {
                Happening::Enforcing => {
                    println!("  {time}  POLICY   both off-hours rules, training-on-demand and tuning-on-demand enforce from now on");
                }
                Happening::NotStopped { name, why } => println!("  {time}  not done {name}: {why}"),
                Happening::Mailed(mails) => mails.iter().for_each(|mail| println!("  {time}  mail     {mail}")),
                Happening::Trouble(what) => println!("  {time}  TROUBLE  {what}"),
                Happening::Done(..) => {}
            }
        }
    }
}

/// What was done at one time: to Spot, or stopped.
fn done(moments: &[Moment]) -> BTreeMap<&'static str, Vec<&str>> {
    let mut done: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for moment in moments {
        if let Happening::Done(action, name) = &moment.what {
            let verb = match *action {
                "resubmit-as-spot" => "to Spot",
                "add-tags" => "tagged",
                _ => "stopped",
            };
            done.entry(verb).or_default().push(name);
        }
    }
    done
}

fn as_text(mail: &Mail, zone: &TimeZone) -> String {
    let attributes: Vec<String> = mail.attributes.iter().map(|(name, (_, value))| format!("{name}={value}")).collect();
    format!(
        "{}\nSubject: {}\nSent:    {} {}   ({})\n\n{}\n",
        "-".repeat(100),
        mail.subject,
        day(mail.at, zone),
        clock(mail.at, zone),
        attributes.join(", "),
        mail.message
    )
}

/// The first of each sort, and the first to nobody: as their readers got them.
fn sample_mails(week: &Week) {
    heading("E-mails, as their owners got them: one of each sort");
    let mut shown: BTreeMap<&str, &Mail> = BTreeMap::new();
    for mail in &week.mails {
        let unowned = mail.attributes["owner"].1 == "unowned";
        for (sort, is_it) in [
            ("1 report", mail.message.contains("\nFOUND\n") && !unowned && mail.message.matches("\n* ").count() <= 3),
            ("2 warning", mail.message.contains("\nWILL BE STOPPED\n") && mail.message.matches("\n* ").count() <= 2),
            ("3 done", mail.message.contains("\nWAS STOPPED\n") && !mail.message.contains("\nWILL BE STOPPED\n")),
            ("4 training on demand", mail.message.contains("use_spot_instances") && mail.message.contains("\nFOUND\n")),
            ("5 resubmitted", mail.message.contains("\nWAS RESUBMITTED AS SPOT\n")),
            ("6 refused", mail.message.contains("\nCOULD NOT BE RESUBMITTED AS SPOT\n")),
            ("7 lost work", mail.message.contains("in place of")),
            ("8 unreadable tag", mail.message.contains("cannot be read") && mail.message.matches("\n* ").count() <= 1),
            ("9 nobody's", unowned),
            ("10 not tagged", mail.message.contains("it has no tag") && mail.message.contains("\nFOUND\n") && !unowned),
            ("12 untagged spend", mail.message.contains("(untagged-spend)")),
            ("11 tagged", mail.message.contains("\nWAS TAGGED\n")),
        ] {
            if is_it {
                shown.entry(sort).or_insert(mail);
            }
        }
    }
    for mail in shown.values() {
        for line in as_text(mail, &week.zone).lines() {
            println!("{line}");
        }
    }
}

/// The month with budgets: how each went, and what was told when.
fn budgets(month: &Month) {
    heading("A month of budgets: one notebook is left on from the 9th on, and on the 18th a job runs on the wrong instance");
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["day", "budget", "limit", "spent", "AWS's forecast"]);
    for (at, states) in
        month.days.iter().filter(|(at, _)| [8, 12, 16, 20, 24, 30].contains(&at.to_zoned_datetime(month.zone.clone()).day()))
    {
        for state in states.iter().filter(|state| state.name == "ml-nlp") {
            let amounts = [state.limit, state.actual].map(dollars);
            let forecast = state.forecast.map_or_else(|| "none".to_owned(), dollars);
            let day = at.to_zoned_datetime(month.zone.clone()).strftime("%b %d").to_string();
            let cells = [day, state.name.clone()].into_iter().chain(amounts).chain([forecast]);
            table.add_row(
                cells
                    .enumerate()
                    .map(|(n, text)| Cell::new(text).set_alignment(if n < 2 { CellAlignment::Left } else { CellAlignment::Right })),
            );
        }
    }
    println!("{table}");
    for mail in &month.mails {
        let at = mail.at.to_zoned_datetime(month.zone.clone()).strftime("%a %b %d %H:%M");
        println!("  {at}  {}: {}", mail.attributes["owner"].1, mail.subject);
    }
    for (at, name) in &month.stopped {
        println!(
            "  {}  STOPPED {name}, because the budget is used up",
            at.to_zoned_datetime(month.zone.clone()).strftime("%a %b %d %H:%M")
        );
    }
    println!(
        "Asking Cost Explorer cost {} in these {} days. All mails: target/demo/mails-of-the-month.txt.",
        dollars(month.cost.0),
        month.days.len()
    );
    let forecast_then = month.days.iter().find(|(at, _)| month.stopped.first().is_some_and(|(stopped, _)| stopped < at));
    let of_nlp = |states: &[BudgetState]| states.iter().find(|state| state.name == "ml-nlp").cloned();
    let last = month
        .days
        .iter()
        .rev()
        .filter(|(_, states)| of_nlp(states).is_some_and(|state| state.from.month() == 11))
        .find_map(|(_, states)| of_nlp(states));
    if let (Some(then), Some(last)) = (forecast_then.and_then(|(_, states)| of_nlp(states)), last) {
        let forecast = then.forecast.map_or_else(|| "nothing".to_owned(), dollars);
        println!(
            "When the guard stopped the notebook, AWS forecast {forecast} for November; it ended with {}. (AWS's forecast looks back for weeks.)",
            dollars(last.actual)
        );
    }
    println!("\nThe mail that says that it is used up:\n");
    if let Some(mail) = month.mails.iter().find(|mail| mail.attributes["severity"].1 == "critical") {
        println!("Subject: {}\n\n{}", mail.subject, mail.message);
    }
}

fn bills(week: &Week) {
    heading("The bill of the week, instances only");
    let mut by_owner: BTreeMap<String, [Decimal; 2]> = BTreeMap::new();
    let mut unpriced = vec![];
    for (bill, which) in [(&week.unguarded, 0), (&week.guarded, 1)] {
        for line in bill.values() {
            let owner = week.owner(line).unwrap_or_else(|| "nobody".into());
            match line.usd {
                Some(usd) => by_owner.entry(owner).or_default()[which] += usd,
                None if which == 0 && line.ran.is_positive() => unpriced.push(line.name.clone()),
                None => {}
            }
        }
    }
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["owner", "without the guard", "with the guard", "saved", ""]);
    let mut rows: Vec<(String, [Decimal; 2])> = by_owner.into_iter().collect();
    rows.sort_by_key(|(_, [without, with])| with - without);
    let total = rows.iter().fold([Decimal::ZERO; 2], |sum, (_, row)| [sum[0] + row[0], sum[1] + row[1]]);
    rows.push(("all".into(), total));
    for (owner, [without, with]) in rows {
        let percent = if without.is_zero() { Decimal::ZERO } else { (without - with) / without * Decimal::from(100) };
        let cells = [dollars(without), dollars(with), dollars(without - with), format!("{percent:.0} %")];
        table.add_row(std::iter::once(Cell::new(owner)).chain(cells.map(|cell| Cell::new(cell).set_alignment(CellAlignment::Right))));
    }
    println!("{table}");
    println!("No price known, so not in these sums: {}.", if unpriced.is_empty() { "nothing".into() } else { unpriced.join(", ") });
}

fn stops(week: &Week) -> usize {
    week.moments.iter().filter(|moment| matches!(moment.what, Happening::Done(action, _) if action != "add-tags")).count()
}

/// What share of the resources has all of the tags that the policy requires, morning by morning.
fn coverage(week: &Week) {
    heading("Tagged with an owner and a team, by the audit of each morning");
    for (at, all, tagged) in &week.coverage {
        let percent = 100 * tagged / all;
        println!("  {}  {tagged} of {all} resources, {percent} %", day(*at, &week.zone));
    }
}

/// What a busy person takes home.
fn in_short(week: &Week) {
    let total = |bill: &BTreeMap<String, BillLine>| bill.values().filter_map(|line| line.usd).sum::<Decimal>();
    let (without, with) = (total(&week.unguarded), total(&week.guarded));
    let percent = (without - with) / without.max(Decimal::ONE) * Decimal::from(100);
    let done = stops(week);
    heading("In short");
    println!(
        "{} -> {}: {percent:.0} % less. {done} stops and resubmissions, {} mails, {} of them wrong.",
        dollars(without),
        dollars(with),
        week.mails.len(),
        week.wrongs.len()
    );
    if let [(_, all, tagged), .., (_, last_all, last_tagged)] = week.coverage[..] {
        println!(
            "Tagged: {tagged} of {all} resources at first, {last_tagged} of {last_all} at last; the guard can mend {} of the rest: it knows nobody whose they are.",
            week.mendable
        );
    }
    println!("Next: make invoke FN=notebook-stopper EVENT=events/dry-run.json, and README.md, \"Deploy in report mode\".");
}

fn checks(week: &Week, wrongs: &[String], seconds: f64, mails: &Path) {
    heading("What it took, and what was checked");
    let calls: u64 = week.calls.values().sum();
    let stops = stops(week);
    println!(
        "{} resources, {} scheduled runs, {} events (each delivered twice), {calls} AWS calls, {seconds:.0} s.",
        week.resources, week.runs, week.events
    );
    println!(
        "{stops} stops and resubmissions, {} mails: all of them in {}.",
        week.mails.len(),
        mails.strip_prefix(project_file("")).unwrap_or(mails).display()
    );
    println!("Each run was repeated at once: the second one had to mail nobody and stop nothing.");
    println!(
        "Each stop was judged by names and tags alone: not exempt, not in working hours, not unreadable, not production, not a pipeline's, not on Spot."
    );
    println!("Wrongs found: {}.", wrongs.len());
    for wrong in wrongs {
        println!("  {wrong}");
    }
}
