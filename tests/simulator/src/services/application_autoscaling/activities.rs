//! Scaling activities, newest first.

use serde_json::Value;

use super::{is_asked, namespace, page};
use crate::{wire::Refusal, world::World};

pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    namespace(input)?;
    let with_not_scaled = input.get("IncludeNotScaledActivities").and_then(Value::as_bool).unwrap_or_default();
    let all = world.scaling.activities.iter().enumerate().rev();
    let all = all.filter(|(_, one)| is_asked(input, &one.of) && (with_not_scaled || one.reason.is_none()));
    let all: Vec<_> = all.map(|(number, one)| (number.to_string(), one)).collect();
    page(input, "ScalingActivities", 50, &all, |one| one.described())
}
