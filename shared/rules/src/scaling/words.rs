//! What is attached, in words for mails.

use crate::scaling::attachment::{Attachment, Counts, ScheduledBounds, Tracked, Tracking};

impl Attachment {
    /// `1 to 6 instances, about 276 requests a minute to each`, and the scheduled actions, one a line.
    pub fn words(&self) -> (String, Vec<String>) {
        let counted = |min, max| counted(min, max, self.counts);
        let tracked = self.tracking.as_ref().map_or_else(String::new, |tracking| format!(", {}", tracking.words()));
        let wake = if self.wake.is_some() { ", and an alarm that brings the first one back" } else { "" };
        let zone = self.actions.first().map_or_else(String::new, |action| format!(". By the clock of {}:", action.zone));
        let actions = self.actions.iter().map(|action| format!("{}: {}", action.when(), counted(action.min, action.max)));
        (format!("{}{tracked}{wake}{zone}", counted(self.min, self.max)), actions.collect())
    }
}

/// `1 to 6 instances`
fn counted(min: u32, max: u32, counts: Counts) -> String {
    let (one, many) = match counts {
        Counts::Instances => ("instance", "instances"),
        Counts::Copies => ("copy", "copies"),
    };
    match (min, max) {
        (0, 0) => format!("no {one}"),
        (1, 1) => format!("1 {one}"),
        (min, max) if min == max => format!("{max} {many}"),
        (min, max) => format!("{min} to {max} {}", if max == 1 { one } else { many }),
    }
}

impl Tracking {
    fn words(&self) -> String {
        let target = self.target.normalize();
        match self.metric {
            Tracked::PerCopy if target == 1.into() => "kept while in use".to_owned(),
            Tracked::PerInstance | Tracked::PerCopy => format!("about {target} requests a minute to each"),
            Tracked::Backlog(_) => format!("about {target} waiting requests for each"),
        }
    }
}

impl ScheduledBounds {
    /// `mon-fri 07:45`
    fn when(&self) -> String {
        self.scheduled().map_or_else(|| self.schedule.clone(), |action| format!("{} {}", action.days, action.time()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::{asynchronous_to_zero, component_to_zero};

    #[test]
    fn a_setting_is_said_in_a_line_and_each_scheduled_action_in_another() {
        let action = |schedule: &str, min, max| ScheduledBounds {
            name: "n".into(),
            schedule: schedule.into(),
            zone: "Europe/Berlin".into(),
            min,
            max,
        };
        let hours = Attachment {
            actions: vec![action("cron(0 19 ? * MON-FRI *)", 0, 0), action("cron(5 7 ? * * *)", 1, 2)],
            ..component_to_zero("llm", 2)
        };
        for (attachment, text, lines) in [
            (
                asynchronous_to_zero("queue", "v", 1),
                "0 to 1 instance, about 5 waiting requests for each, and an alarm that brings the first one back",
                &[][..],
            ),
            (
                hours,
                "0 to 2 copies, kept while in use, and an alarm that brings the first one back. By the clock of Europe/Berlin:",
                &["mon-fri 19:00: no copy", "mon-sun 07:05: 1 to 2 copies"],
            ),
            (Attachment::of_variant("office", "v", 3), "3 instances", &[]),
        ] {
            let (title, list) = attachment.words();
            assert_eq!((title.as_str(), list), (text, lines.iter().map(|line| (*line).to_owned()).collect()));
        }
    }
}
