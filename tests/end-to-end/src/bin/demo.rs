//! `make demo`: a machine-learning team's week in a simulated account: the bill and the actions, then the days with their mails. `--all` prints everything.
#![expect(clippy::print_stdout, reason = "the demo is what it prints")]

use std::{collections::BTreeMap, env, fs, path::Path};

use comfy_table::{Cell, CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use cost_rules::price::dollars;
use end_to_end::{
    commitment::{self, Advised},
    endpoint_month::{self, EndpointMonth},
    month::{self, Month},
    project_file,
    week::{Happening, Moment, Week, live},
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use rust_decimal::Decimal;
use simulator::{BillLine, BudgetState, Mail};

/// The longest line, so that terminals do not break lines.
const WIDTH: usize = 160;

/// How many days are printed without `--all`. On the second day the policy begins to enforce.
const DAYS: usize = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let all = match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [only] if only == "--all" => true,
        other => anyhow::bail!("{}: the only option is --all", other.join(" ")),
    };
    let started = std::time::Instant::now();
    println!("A simulated AWS account, and one week of a team of nine. Living through it …");
    let week = live(|day| println!("  day {day} of 7 ({:.0} s)", started.elapsed().as_secs_f64())).await?;
    let folder = project_file("target/demo");
    fs::create_dir_all(&folder)?;
    let texts = |mails: &[Mail], zone: &TimeZone| mails.iter().map(|mail| as_text(mail, zone)).collect::<String>();
    fs::write(folder.join("mails.txt"), texts(&week.mails, &week.zone))?;
    fs::write(folder.join("weekly-summaries.txt"), texts(&week.next_monday, &week.zone))?;

    bills(&week);
    in_short(&week);
    timeline(&week, if all { usize::MAX } else { DAYS });
    if all {
        sample_mails(&week);
        coverage(&week);
    }
    let month = month::live().await?;
    fs::write(folder.join("mails-of-the-month.txt"), texts(&month.mails, &month.zone))?;
    fs::write(folder.join("report.html"), &month.page)?;
    let advised = commitment::live().await?;
    fs::write(folder.join("mail-of-the-savings-plan.txt"), as_text(&advised.mail, &week.zone))?;
    savings_plan(&advised);
    let mut wrongs: Vec<String> = week.wrongs.iter().chain(&month.wrongs).cloned().collect();
    if all {
        budgets(&month);
        let hosting = endpoint_month::live().await?;
        fs::write(folder.join("mails-of-the-endpoints.txt"), texts(&hosting.mails, &hosting.zone))?;
        endpoints(&hosting);
        wrongs.extend(hosting.wrongs);
    }
    checks(&week, &wrongs, started.elapsed().as_secs_f64(), &folder.join("mails.txt"));
    if !all {
        say("The other days, one mail of each kind, and a month of budgets and one of endpoints: target/debug/demo --all");
    }
    say("The cost report of that month of budgets, as a page: target/demo/report.html");
    say("Next: make invoke FN=notebook-stopper EVENT=events/dry-run.json, and README.md, \"Deploy in report mode\".");
    anyhow::ensure!(wrongs.is_empty(), "the guard made mistakes:\n{}", wrongs.join("\n"));
    Ok(())
}

/// Prints what to commit to.
fn savings_plan(advised: &Advised) {
    heading("A Savings Plan, for two weeks of an endpoint that is called and of two that nobody calls");
    let Advised { by_guard, by_aws, waste, .. } = advised;
    say(&format!(
        "AWS says to commit ${by_aws:.2} per hour for a year. The guard says ${by_guard:.2}, because {} a month of that usage is waste, and a commitment would pay for it until the year is over.",
        dollars(*waste)
    ));
    say("Why, the six ways to buy it, and what happens with less use: target/demo/mail-of-the-savings-plan.txt");
}

/// Prints a text, and breaks long lines between words. Continuation lines are indented.
fn say(text: &str) {
    for line in text.lines() {
        let indent = " ".repeat(line.len() - line.trim_start().len() + 4);
        let options = textwrap::Options::new(WIDTH).subsequent_indent(&indent).word_splitter(textwrap::WordSplitter::NoHyphenation);
        println!("{}", textwrap::fill(line, options));
    }
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

/// Prints the first days of the week in the order of time.
fn timeline(week: &Week, days: usize) {
    heading("Day by day (times in Berlin)");
    say("Until Tuesday noon the policy only reports. Then it stops what is on outside working hours, 30 minutes after a warning, and");
    say("submits on-demand training jobs again as Spot without a warning (team vision's are stopped instead, after one).");
    say("From then on it also writes the tags that are missing, wherever it knows the owner and the team.");
    let mut by_day: BTreeMap<_, Vec<&Moment>> = BTreeMap::new();
    let date = |at: Timestamp| at.to_zoned_datetime(week.zone.clone()).date();
    for today in date(week.start).series(1.day()).take(7) {
        by_day.insert(today, vec![]);
    }
    for moment in &week.moments {
        by_day.entry(date(moment.at)).or_default().push(moment);
    }
    for (today, moments) in by_day.iter().take(days) {
        let name = today.strftime("%A, %F");
        if moments.is_empty() {
            println!("\n{name}: nothing");
            continue;
        }
        println!("\n{name}");
        for moments in moments.chunk_by(|a, b| a.at == b.at) {
            let time = moments.first().map_or_else(String::new, |moment| clock(moment.at, &week.zone));
            for line in lines(moments) {
                say(&format!("  {time}  {line}"));
            }
        }
    }
}

/// The lines for one time: first the policy, then what was done and what was not, then the mails.
fn lines(moments: &[&Moment]) -> Vec<String> {
    let policy = moments.iter().filter(|moment| matches!(moment.what, Happening::Enforcing));
    let policy = policy.map(|_| "POLICY   both off-hours rules, training-on-demand and tuning-on-demand enforce from now on".to_owned());
    let done = done(moments).into_iter().map(|(verb, names)| format!("{verb:8} {}: {}", names.len(), names.join(", ")));
    let failed = moments.iter().filter_map(|moment| match &moment.what {
        Happening::NotDone { name, why } => Some(format!("NOT DONE {name}: {why}")),
        Happening::Trouble(what) => Some(format!("TROUBLE  {what}")),
        _ => None,
    });
    let mails = moments.iter().filter_map(|moment| if let Happening::Mailed(mails) = &moment.what { Some(mails) } else { None });
    policy
        .chain(done)
        .chain(failed)
        .chain(mails.flatten().map(|mail| format!("mail     {}", mail.replacen("Cost guard: ", "", 1))))
        .collect()
}

/// The names of the resources on which an action was done at one time, by action.
fn done<'a>(moments: &[&'a Moment]) -> BTreeMap<&'static str, Vec<&'a str>> {
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

/// Prints the first mail of each sort, and the first one without an owner.
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
            ("10 not tagged", mail.message.contains("it lacks the tag") && mail.message.contains("\nFOUND\n") && !unowned),
            ("12 untagged spend", mail.message.contains("(untagged-spend)")),
            ("11 tagged", mail.message.contains("\nWAS TAGGED\n")),
        ] {
            if is_it {
                shown.entry(sort).or_insert(mail);
            }
        }
    }
    for mail in shown.values().copied().chain(week.next_monday.first()) {
        say(&as_text(mail, &week.zone));
    }
}

/// Prints the month: the budgets, and the mails about them with their times.
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
    let mails = month
        .mails
        .iter()
        .map(|mail| (mail.at, format!("{}: {}", mail.attributes["owner"].1, mail.subject.replacen("Cost guard: ", "", 1))));
    let stops = month.stopped.iter().map(|(at, name)| (*at, format!("STOPPED {name}, because the budget is used up")));
    // At the same time, a stop comes before its mail.
    let mut moments: Vec<(Timestamp, String)> = stops.chain(mails).collect();
    moments.sort_by_key(|(at, _)| *at);
    for (at, what) in moments {
        say(&format!("  {}  {what}", at.to_zoned_datetime(month.zone.clone()).strftime("%a %b %d %H:%M")));
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
        say(&format!(
            "When the guard stopped the notebook, AWS forecast {forecast} for the budget ml-nlp in November. At the end of the month {} were spent. (AWS's forecast looks back for weeks.)",
            dollars(last.actual)
        ));
    }
    println!("\nThe mail about the budget that is used up:\n");
    if let Some(mail) = month.mails.iter().find(|mail| mail.attributes["severity"].1 == "critical") {
        say(&format!("Subject: {}\n\n{}", mail.subject, mail.message));
    }
}

/// Prints the month of the endpoints: what each costs with and without the guard, and what was done.
fn endpoints(month: &EndpointMonth) {
    heading("A month of six endpoints: what nobody calls sleeps, and what is called follows its requests");
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["endpoint", "without the guard", "with the guard", "saved", "requests", "short", "lost", "what was done"]);
    let mut sums = [Decimal::ZERO; 2];
    for (name, one) in &month.endpoints {
        sums = [sums[0] + one.without, sums[1] + one.with];
        let percent = (one.without - one.with) / one.without.max(Decimal::ONE) * Decimal::from(100);
        let amounts = [dollars(one.without), dollars(one.with), format!("{percent:.0} %")];
        let requests = [one.requests, one.short, one.lost].map(|requests| format!("{requests:.0}"));
        let numbers = amounts.into_iter().chain(requests).map(|text| Cell::new(text).set_alignment(CellAlignment::Right));
        table.add_row(std::iter::once(Cell::new(name)).chain(numbers).chain([Cell::new(done_to(month, name))]));
    }
    println!("{table}");
    let percent = (sums[0] - sums[1]) / sums[0].max(Decimal::ONE) * Decimal::from(100);
    say(&format!(
        "{} without the guard, {} with it: {percent:.0} % less. All mails: target/demo/mails-of-the-endpoints.txt.",
        dollars(sums[0]),
        dollars(sums[1])
    ));
    println!("\nThe mail that warns of the nights of the back office:\n");
    if let Some(mail) = month.mails.iter().find(|mail| mail.subject.contains("back-office will be hibernated")) {
        say(&format!("Subject: {}\n\n{}", mail.subject, mail.message));
    }
}

/// `hibernate-endpoint 20 times`
fn done_to(month: &EndpointMonth, name: &str) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, action, of) in &month.done {
        if of == name {
            *counts.entry(*action).or_default() += 1;
        }
    }
    counts
        .iter()
        .map(|(action, count)| if *count == 1 { (*action).to_owned() } else { format!("{action} {count} times") })
        .collect::<Vec<_>>()
        .join(", ")
}

fn bills(week: &Week) {
    heading("The bill of the week, instances only");
    let mut by_owner: BTreeMap<String, [Decimal; 2]> = BTreeMap::new();
    let mut unpriced = 0;
    for (bill, which) in [(&week.unguarded, 0), (&week.guarded, 1)] {
        for line in bill.values() {
            let owner = week.owner(line).unwrap_or_else(|| "nobody".into());
            match line.usd {
                Some(usd) => by_owner.entry(owner).or_default()[which] += usd,
                None if which == 0 && line.ran.is_positive() => unpriced += 1,
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
    println!("Not in these sums, because no price is known: {unpriced} resources.");
}

fn stops(week: &Week) -> usize {
    week.moments.iter().filter(|moment| matches!(moment.what, Happening::Done(action, _) if action != "add-tags")).count()
}

/// Prints the share of the resources with all required tags, for the audit of each morning.
fn coverage(week: &Week) {
    heading("Tagged with an owner and a team, by the audit of each morning");
    for (at, all, tagged) in &week.coverage {
        let percent = 100 * tagged / all;
        println!("  {}  {tagged} of {all} resources, {percent} %", day(*at, &week.zone));
    }
}

/// Prints the result in two sentences.
fn in_short(week: &Week) {
    let total = |bill: &BTreeMap<String, BillLine>| bill.values().filter_map(|line| line.usd).sum::<Decimal>();
    let (without, with) = (total(&week.unguarded), total(&week.guarded));
    let percent = (without - with) / without.max(Decimal::ONE) * Decimal::from(100);
    let done = stops(week);
    heading("In short");
    say(&format!(
        "{} without the guard, {} with it: {percent:.0} % less. {done} stops and resubmissions, {} mistakes.",
        dollars(without),
        dollars(with),
        week.wrongs.len()
    ));
    let mut by_owner: BTreeMap<&str, usize> = BTreeMap::new();
    for mail in &week.mails {
        *by_owner.entry(&mail.attributes["owner"].1).or_default() += 1;
    }
    let (fewest, most) = (by_owner.values().min().copied().unwrap_or_default(), by_owner.values().max().copied().unwrap_or_default());
    say(&format!(
        "{} mails in the week: {fewest} to {most} to an owner, each stop announced (policy: one mail a day, a warning holds for a week).",
        week.mails.len()
    ));
    if let [(_, all, tagged), .., (_, last_all, last_tagged)] = week.coverage[..] {
        let rest = match week.mendable {
            0 => "Nothing tells the owner or team of the others".to_owned(),
            mendable => format!("The guard could tag {mendable} more"),
        };
        say(&format!("Tagged with owner and team: {tagged} of {all} resources at first, {last_tagged} of {last_all} at the end. {rest}."));
    }
}

fn checks(week: &Week, wrongs: &[String], seconds: f64, mails: &Path) {
    heading("What it took, and what was checked");
    let calls: u64 = week.calls.values().sum();
    say(&format!(
        "{} resources, {} scheduled runs, {} events (each delivered twice), {calls} AWS calls, {seconds:.0} s. All mails: {}.",
        week.resources,
        week.runs,
        week.events,
        mails.strip_prefix(project_file("")).unwrap_or(mails).display()
    ));
    say("Each run was repeated at once: the second one had to mail nobody and stop nothing.");
    say(
        "Each stop was judged by names and tags alone: not exempt, not in working hours, no unreadable tag, not production, not a pipeline's, not on Spot.",
    );
    say(&format!("Mistakes found: {}.", wrongs.len()));
    for wrong in wrongs {
        say(&format!("  {wrong}"));
    }
}
