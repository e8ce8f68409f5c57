//! The demo's month of budgets: exactly the mails that a person would want, each with the true cause.

use end_to_end::month::live;

#[tokio::test]
async fn a_month_of_budgets_sends_the_mails_that_a_person_would_want() {
    let month = live().await.unwrap();
    assert_eq!(month.wrongs, Vec::<String>::new());
    for mail in &month.mails {
        eprintln!("{} to {}: {}", mail.at, mail.attributes["owner"].1, mail.subject);
    }
    eprintln!("{:?} {:?} {}", month.cost, month.stopped, month.messages);
    panic!();
}
