//! Reads the event that wakes a function. An event only wakes it and narrows its scope: facts are always read from AWS.

use anyhow::{Context as _, anyhow, bail, ensure};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use cost_rules::{
    report::ReportPeriod,
    resource::{Arn, Kind},
    scope::ids_of_arns,
};
use serde::Deserialize;
use serde_json::Value;

mod budget;
mod change;
mod creation;
mod request;

pub(crate) use creation::user;
use request::at_home;
pub use {
    change::StateChange,
    request::{Home, Order, Request, Trigger},
};

/// The `detail-type` of an API call that CloudTrail sends to EventBridge (aws-facts §1.3).
const CREATION: &str = "AWS API Call via CloudTrail";

/// The events that wake a function, beside schedules and people. All other events are refused; start from `..Triggers::NONE`.
pub struct Triggers {
    /// The kinds of resources that `{"resources": […]}` may name.
    pub kinds: &'static [Kind],
    /// The state changes that wake the function.
    pub changes: &'static [StateChange],
    /// Whether CloudTrail's events of created resources are accepted.
    pub creations: bool,
    /// Whether the messages of AWS Budgets are accepted.
    pub budgets: bool,
    /// The guard's own events that are accepted, beside `{"dry-run": true}` and `{"resources": […]}`.
    pub own: &'static [OwnEvent],
}

/// An event of the guard's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnEvent {
    /// `{"due-only": true}`: look only at what is due.
    DueOnly,
    /// `{"mail-now": true}`: mail everything that waits.
    MailNow,
    /// `{"period": "2026-10"}`, `{"period": "2026-W47"}`: make the cost report of that month or week.
    Period,
    /// `{"detach": "<endpoint>"}`, `{"hibernate": …}` and `{"restore": …}`.
    Order(Order),
}

impl OwnEvent {
    const fn name(self) -> &'static str {
        match self {
            Self::DueOnly => "due-only",
            Self::MailNow => "mail-now",
            Self::Period => "period",
            Self::Order(Order::Detach) => "detach",
            Self::Order(Order::Hibernate) => "hibernate",
            Self::Order(Order::Restore) => "restore",
        }
    }

    /// An example of it, for error messages.
    fn example(self) -> String {
        match self {
            Self::Order(_) => format!("{{\"{}\": \"<endpoint>\"}}", self.name()),
            Self::Period => "{\"period\": \"2026-10\"}, {\"period\": \"2026-W47\"}".to_owned(),
            Self::DueOnly | Self::MailNow => format!("{{\"{}\": true}}", self.name()),
        }
    }
}

/// The guard's own form of event.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Own {
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    due_only: bool,
    #[serde(default)]
    mail_now: bool,
    period: Option<String>,
    resources: Option<Vec<String>>,
    detach: Option<String>,
    hibernate: Option<String>,
    restore: Option<String>,
}

impl Triggers {
    /// Only schedules and people.
    pub const NONE: Self = Self { kinds: &[], changes: &[], creations: false, budgets: false, own: &[] };

    /// The events that the function accepts, for error messages.
    fn expected(&self) -> String {
        let examples = self.own.iter().map(|own| own.example());
        let own = std::iter::once("{\"dry-run\": true}".to_owned())
            .chain(examples)
            .chain((!self.kinds.is_empty()).then(|| "{\"resources\": [\"<arn>\"]}".to_owned()));
        let own = own.collect::<Vec<_>>().join(", ");
        let creations = self.creations.then_some(CREATION);
        let events = self.changes.iter().map(|change| change.detail_type).chain(creations).map(|event| format!(" or a \"{event}\""));
        let budgets = self.budgets.then(|| " or a message of AWS Budgets through SNS".to_owned());
        let more: String = events.chain(budgets).collect();
        format!("expected {{}}, null, an EventBridge \"Scheduled Event\", {own}{more}")
    }

    /// Reads an event.
    ///
    /// # Errors
    /// The function does not accept the event. The error says what was expected.
    pub fn read(&self, event: &Value, home: Home<'_>) -> anyhow::Result<Request> {
        let Value::Object(fields) = event else {
            ensure!(event.is_null(), "an event of {}: {}", shape(event), self.expected());
            return Ok(Request::default());
        };
        if self.budgets && fields.contains_key("Records") {
            return Ok(Request { trigger: budget::read(event, home)?, dry_run: false });
        }
        if !fields.contains_key("detail-type") {
            return self.own(event, home);
        }
        // The time is removed, because AWS's own samples have invalid ones; no decision needs it.
        let mut envelope = fields.clone();
        envelope.remove("time");
        envelope.entry("detail").or_insert(Value::Null);
        envelope.entry("source").or_insert_with(|| "".into());
        let envelope: EventBridgeEvent = serde_json::from_value(Value::Object(envelope))
            .with_context(|| format!("an EventBridge event that cannot be read: {}", self.expected()))?;
        if envelope.detail_type == "Scheduled Event" {
            return Ok(Request::default());
        }
        if self.creations && envelope.detail_type == CREATION {
            at_home(&envelope, home)?;
            return creation::read(&envelope.detail, self.kinds, home)
                .with_context(|| format!("an event of {CREATION} that cannot be read"));
        }
        match self.changes.iter().find(|change| change.detail_type == envelope.detail_type) {
            Some(change) => change.read(&envelope, home),
            None => bail!("an event of another kind, \"{}\": {}", envelope.detail_type, self.expected()),
        }
    }

    fn own(&self, event: &Value, home: Home<'_>) -> anyhow::Result<Request> {
        let expected = || self.expected();
        // An order without a name is none about all endpoints.
        let is_empty = |name: &&str| event.get(*name).is_some_and(|value| value.is_null() || value.as_str().is_some_and(str::is_empty));
        let orders = [Order::Detach, Order::Hibernate, Order::Restore].map(|order| OwnEvent::Order(order).name());
        if let Some(name) = orders.into_iter().find(is_empty) {
            bail!("\"{name}\" has no name of an endpoint: {}", expected());
        }
        let own: Own =
            serde_json::from_value(event.clone()).map_err(|error| anyhow!("an event that is not known ({error}): {}", expected()))?;
        ensure!(!own.due_only || own.resources.is_none(), "`due-only` looks at all that is due: leave out \"resources\", or \"due-only\"");
        ensure!(!own.mail_now || (own.resources.is_none() && !own.due_only), "`mail-now` mails all that waits: leave out the rest");
        let is_alone = own.resources.is_none() && !own.due_only && !own.mail_now && own.period.is_none();
        let orders = [(Order::Detach, own.detach), (Order::Hibernate, own.hibernate), (Order::Restore, own.restore)];
        let mut orders = orders.into_iter().filter_map(|(order, endpoint)| Some((order, endpoint?)));
        let order = orders.next();
        ensure!(order.is_none() || (is_alone && orders.next().is_none()), "an order is about one endpoint: leave out the rest");
        let asked = [(OwnEvent::DueOnly, own.due_only), (OwnEvent::MailNow, own.mail_now)].into_iter().filter(|(_, is_asked)| *is_asked);
        for event in asked.map(|(event, _)| event).chain(order.as_ref().map(|(order, _)| OwnEvent::Order(*order))) {
            let is_known = self.own.contains(&event);
            ensure!(is_known, "an event that is not known (`{}` is not for this function): {}", event.name(), expected());
        }
        for arn in own.resources.iter().flatten() {
            let is_elsewhere = |arn: Arn<'_>| matches!(arn.service, "sagemaker" | "budgets") && !home.has(arn);
            ensure!(
                !Arn::parse(arn).is_some_and(is_elsewhere),
                "`{arn}` in \"resources\" is not in this function's Region {} and account",
                home.region
            );
        }
        if let Some(period) = &own.period {
            let is_known = self.own.contains(&OwnEvent::Period);
            ensure!(is_known, "an event that is not known (`period` is not for this function): {}", expected());
            let is_alone = own.resources.is_none() && !own.due_only && !own.mail_now && order.is_none();
            ensure!(is_alone, "`period` asks for one report: leave out the rest");
            return Ok(Request { dry_run: own.dry_run, trigger: Trigger::Period(period_of(period)?) });
        }
        if let Some((order, endpoint)) = order {
            ensure!(
                !endpoint.contains([':', '/']),
                "`{endpoint}` in \"{}\" is not the name of an endpoint: leave out the rest of the ARN",
                OwnEvent::Order(order).name()
            );
            return Ok(Request { dry_run: own.dry_run, trigger: Trigger::Ordered(order, endpoint) });
        }
        let trigger = match own.resources {
            None if own.due_only => Trigger::Due,
            None if own.mail_now => Trigger::MailNow,
            None => Trigger::Schedule,
            Some(arns) => Trigger::Asked(ids_of_arns(&arns, self.kinds).map_err(|arn| {
                let pattern = |kind: &Kind| {
                    let of = if *kind == Kind::Budget { "budgets:" } else { "sagemaker:<region>" };
                    format!("arn:aws:{of}:<account>:{}/…", kind.as_str())
                };
                let kinds: Vec<String> = self.kinds.iter().map(pattern).collect();
                anyhow!("`{arn}` in \"resources\" is not the ARN of anything that this function looks at: expected {}", kinds.join(" or "))
            })?),
        };
        Ok(Request { dry_run: own.dry_run, trigger })
    }
}

fn period_of(text: &str) -> anyhow::Result<ReportPeriod> {
    ReportPeriod::parse(text)
        .with_context(|| format!("`{text}` in \"period\" is no month and no week: expected for example \"2026-10\" or \"2026-W47\""))
}

fn shape(event: &Value) -> &'static str {
    match event {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use cost_rules::scope::Scope;
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance/basic-xyz";
    const TRIGGERS: Triggers = Triggers {
        kinds: &[Kind::NotebookInstance, Kind::App],
        changes: &[StateChange {
            detail_type: "SageMaker Notebook Instance State Change",
            kind: Kind::NotebookInstance,
            fields: "NotebookInstance",
            is_judged: false,
        }],
        ..Triggers::NONE
    };

    fn read(event: &Value) -> anyhow::Result<Request> {
        TRIGGERS.read(event, Home { region: "us-east-1", account: Some("123456789012") })
    }

    #[test]
    fn what_starts_a_whole_run() {
        let scheduled = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "time": "2026-11-23T08:00:00Z", "resources": [], "detail": {}});
        for event in [json!({}), Value::Null, scheduled, json!({"detail-type": "Scheduled Event"})] {
            assert_eq!(read(&event).unwrap(), Request::default(), "{event}");
        }
        assert_eq!(read(&json!({"dry-run": true})).unwrap(), Request { dry_run: true, ..Request::default() });
    }

    #[test]
    fn resources_narrow_the_scope() {
        let request = read(&json!({"resources": [ARN], "dry-run": true})).unwrap();
        assert_eq!((request.scope(), request.dry_run), (Scope::Only([("notebook-instance/basic-xyz".to_owned(), None)].into()), true));
        let elsewhere = ARN.replace("us-east-1", "eu-west-1");
        let anothers = ARN.replace("123456789012", "999999999999");
        for arn in ["arn:aws:s3:::bucket", &elsewhere, &anothers] {
            let error = read(&json!({"resources": [arn]})).unwrap_err().to_string();
            assert!(error.contains(&format!("`{arn}`")), "{error}");
        }
    }

    #[test]
    fn a_state_change_is_read_from_whatever_part_of_it_is_there() {
        let envelope = |detail: Value, resources: Value| {
            json!({"detail-type": "SageMaker Notebook Instance State Change", "source": "aws.sagemaker", "region": "us-east-1",
                   "time": "1583831889050", "resources": resources, "detail": detail})
        };
        for (detail, resources, name) in [
            (
                json!({"NotebookInstanceName": "Basic-xyz", "NotebookInstanceArn": ARN, "LastModifiedTime": 1_653_592_871_348_i64, "Tags": {}}),
                json!([ARN]),
                Some("Basic-xyz"),
            ),
            (
                json!({"NotebookInstanceName": "Basic-xyz", "Tags": [{"Key": "a", "Value": "b"}], "CreationTime": 1.5}),
                json!([]),
                Some("Basic-xyz"),
            ),
            (json!({"NotebookInstanceArn": ARN, "Tags": null}), json!([]), None),
            (json!({}), json!([ARN]), None),
        ] {
            let request = read(&envelope(detail.clone(), resources)).unwrap();
            assert_eq!(request.scope(), Scope::Changed("notebook-instance/basic-xyz".into(), name.map(str::to_owned)), "{detail}");
        }
        for (detail, resources) in [
            (json!({}), json!([])),
            (json!(null), json!(null)),
            (json!({"NotebookInstanceStatus": "InService"}), json!(["arn:aws:sagemaker:us-east-1:1:endpoint/x"])),
        ] {
            let error = read(&envelope(detail, resources)).unwrap_err().to_string();
            assert!(error.starts_with("half an event"), "{error}");
        }
    }

    #[test]
    fn what_is_not_for_it_is_refused_with_what_was_expected() {
        for (event, says) in [
            (
                json!({"detail-type": "SageMaker Endpoint State Change", "source": "aws.sagemaker", "detail": {}}),
                "another kind, \"SageMaker Endpoint State Change\"",
            ),
            (json!({"dryrun": true}), "unknown field `dryrun`"),
            (json!({"dry-run": "yes"}), "invalid type"),
            (json!({"due-only": true}), "not for this function"),
            (json!("run"), "an event of a text"),
            (json!([]), "an event of a list"),
            (json!({"detail-type": 3}), "cannot be read"),
        ] {
            let error = format!("{:#}", read(&event).unwrap_err());
            assert!(error.contains(says) && error.contains("expected"), "{event}: {error}");
        }
        let elsewhere = json!({"detail-type": "SageMaker Notebook Instance State Change", "region": "eu-west-1", "source": "aws.sagemaker", "resources": [ARN], "detail": {}});
        assert!(read(&elsewhere).unwrap_err().to_string().contains("this function looks after us-east-1"));
        let anothers = json!({"detail-type": "SageMaker Notebook Instance State Change", "account": "999999999999", "source": "aws.sagemaker", "resources": [ARN], "detail": {}});
        assert!(read(&anothers).unwrap_err().to_string().contains("this function looks after 123456789012"));
    }
}
