//! The requests that a transform job answers, and how long that takes.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::life::hosting::traffic::{Curve, minute_of};

/// The requests that become the records of transform jobs, and how long a container takes until the first of them.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) curves: Vec<Curve>,
    pub(crate) start_up: SignedDuration,
}

impl Records {
    /// How long a job has its instances for all that came between two moments.
    pub(crate) fn takes(&self, definition: &Value, (from, until): (Timestamp, Timestamp)) -> SignedDuration {
        let at_once = number(definition.get("MaxConcurrentTransforms")).max(1);
        let instances = number(definition.pointer("/TransformResources/InstanceCount")).max(1);
        #[expect(clippy::cast_precision_loss, reason = "a number of instances, and of requests at once")]
        let (at_once, instances) = (at_once as f64, instances as f64);
        let of_one: f64 = self.curves.iter().map(|curve| curve.between(minute_of(from), minute_of(until)) / curve.rate(at_once)).sum();
        self.start_up + SignedDuration::try_from_secs_f64(of_one / instances * 60.0).unwrap_or_default()
    }
}

fn number(value: Option<&Value>) -> u64 {
    value.and_then(Value::as_u64).unwrap_or_default()
}
