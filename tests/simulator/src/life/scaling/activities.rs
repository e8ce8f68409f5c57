//! Scaling activities: what was done, what failed, and why nothing was done.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{life::scaling::Scalable, wire::seconds, world::World};

/// How long activities are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(6 * 7 * 24);

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotScaled {
    AlreadyAtMaxCapacity(u64),
    AlreadyAtMinCapacity(u64),
    AlreadyAtDesiredCapacity(u64),
    TargetServicePutResourceAsUnscalable,
}

/// A scaling activity.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    id: String,
    pub(crate) of: Scalable,
    description: String,
    pub(crate) cause: String,
    start: Timestamp,
    end: Option<Timestamp>,
    pub(crate) status: &'static str,
    message: Option<String>,
    pub(crate) reason: Option<NotScaled>,
    /// What it sets; `None`: it sets no capacity.
    pub(crate) want: Option<u64>,
}

impl NotScaled {
    fn described(self) -> Value {
        match self {
            Self::AlreadyAtMaxCapacity(most) => json!({"Code": "AlreadyAtMaxCapacity", "MaxCapacity": most}),
            Self::AlreadyAtMinCapacity(least) => json!({"Code": "AlreadyAtMinCapacity", "MinCapacity": least}),
            Self::AlreadyAtDesiredCapacity(now) => json!({"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": now}),
            Self::TargetServicePutResourceAsUnscalable => json!({"Code": "TargetServicePutResourceAsUnscalable"}),
        }
    }
}

impl Activity {
    pub(crate) fn described(&self) -> Value {
        let mut described = json!({
            "ActivityId": self.id, "ServiceNamespace": "sagemaker", "ResourceId": self.of.resource, "ScalableDimension": self.of.dimension.text(),
            "Description": self.description, "Cause": self.cause, "StartTime": seconds(self.start), "StatusCode": self.status,
        });
        if let Some(end) = self.end {
            described["EndTime"] = seconds(end).into();
        }
        if let Some(message) = &self.message {
            described["StatusMessage"] = message.as_str().into();
        }
        if let Some(reason) = self.reason {
            described["NotScaledReasons"] = json!([reason.described()]);
        }
        described
    }

    /// It is over: fulfilled, or failed for a reason.
    fn settle(&mut self, now: Timestamp, failure: Option<&str>) {
        let what = format!("set {} to {}.", self.of.dimension.words(), self.want.unwrap_or_default());
        self.end = Some(now);
        (self.status, self.message) = match failure {
            None => ("Successful", Some(format!("Successfully {what} Change successfully fulfilled by sagemaker."))),
            Some(failure) => ("Failed", Some(format!("Failed to {what} Reason: {failure}"))),
        };
    }
}

impl World {
    /// Records an activity that has begun.
    pub(crate) fn note_begun(&mut self, of: &Scalable, want: u64, cause: &str) {
        let words = of.dimension.words();
        self.scaling.targets.get_mut(of).into_iter().for_each(|target| target.not_scaled = None);
        let activity = Activity {
            id: self.scaling.uuid(&of.resource),
            of: of.clone(),
            description: format!("Setting {words} to {want}."),
            cause: cause.to_owned(),
            start: self.now,
            end: None,
            status: "InProgress",
            message: Some(format!("Successfully set {words} to {want}. Waiting for change to be fulfilled by sagemaker.")),
            reason: None,
            want: Some(want),
        };
        self.add_activity(activity);
    }

    /// Records the new bounds that a scheduled action set.
    pub(crate) fn note_bounds(&mut self, of: &Scalable, (least, most): (u64, u64), cause: &str) {
        let activity = Activity {
            id: self.scaling.uuid(&of.resource),
            of: of.clone(),
            description: format!("Setting min capacity to {least} and max capacity to {most}"),
            cause: cause.to_owned(),
            start: self.now,
            end: Some(self.now),
            status: "Successful",
            message: Some(format!("Successfully set min capacity to {least} and max capacity to {most}")),
            reason: None,
            want: None,
        };
        self.add_activity(activity);
    }

    /// Records why nothing was done. Of equal ones in a row only the first is recorded.
    pub(crate) fn note_not_scaled(&mut self, of: &Scalable, reason: NotScaled, cause: &str) {
        let Some(target) = self.scaling.targets.get_mut(of) else { return };
        let now = Some((reason, cause.to_owned()));
        if target.not_scaled == now {
            return;
        }
        target.not_scaled = now;
        let activity = Activity {
            id: self.scaling.uuid(&of.resource),
            of: of.clone(),
            description: "Attempting to scale due to alarm triggered".into(),
            cause: cause.to_owned(),
            start: self.now,
            end: Some(self.now),
            status: "Failed",
            message: None,
            reason: Some(reason),
            want: None,
        };
        self.add_activity(activity);
    }

    fn add_activity(&mut self, activity: Activity) {
        let oldest = self.now - KEPT;
        let over = self.scaling.activities.partition_point(|one| one.start < oldest);
        self.scaling.activities.drain(..over);
        self.scaling.activities.push(activity);
    }

    /// Ends the activities under way of a thing that has come to rest with a capacity.
    pub(crate) fn settle_activities(&mut self, of: &Scalable, capacity: u64, failure: Option<&str>) {
        let now = self.now;
        for activity in self.scaling.activities.iter_mut().filter(|one| one.of == *of && one.status == "InProgress") {
            let failed = (activity.want != Some(capacity)).then(|| failure.unwrap_or("The resource was changed by somebody else."));
            activity.settle(now, failed);
        }
    }
}
