//! The page of sample reports, as text. What a browser makes of it is in tests/page.

use cost_rules::report::CostReport;

fn sample(name: &str) -> CostReport {
    let text = match name {
        "report" => include_str!("report.json"),
        _ => unreachable!(),
    };
    serde_json::from_str(text).unwrap()
}

#[test]
fn pages_for_the_browser() {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/pages");
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(format!("{folder}/report.html"), cost_page::page(&sample("report")).unwrap()).unwrap();
}
