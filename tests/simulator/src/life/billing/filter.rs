//! Filters of the bill's rows: Cost Explorer's expressions, and the cost filters of budgets.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Kind, Visible};
use crate::wire::{Refusal, text};

/// AWS's dimensions (botocore's model). The first six are simulated.
const DIMENSIONS: [&str; 30] = [
    "SERVICE",
    "USAGE_TYPE",
    "LINKED_ACCOUNT",
    "REGION",
    "RECORD_TYPE",
    "OPERATION",
    "AZ",
    "INSTANCE_TYPE",
    "LINKED_ACCOUNT_NAME",
    "PURCHASE_TYPE",
    "SERVICE_CODE",
    "USAGE_TYPE_GROUP",
    "OPERATING_SYSTEM",
    "TENANCY",
    "SCOPE",
    "PLATFORM",
    "SUBSCRIPTION_ID",
    "LEGAL_ENTITY_NAME",
    "DEPLOYMENT_OPTION",
    "DATABASE_ENGINE",
    "CACHE_ENGINE",
    "INSTANCE_TYPE_FAMILY",
    "BILLING_ENTITY",
    "RESERVATION_ID",
    "RESOURCE_ID",
    "RIGHTSIZING_TYPE",
    "SAVINGS_PLANS_TYPE",
    "SAVINGS_PLAN_ARN",
    "PAYMENT_OPTION",
    "INVOICING_ENTITY",
];
const ROOTS: [&str; 6] = ["And", "Or", "Not", "Dimensions", "Tags", "CostCategories"];
/// The cost filters of budgets, each with its dimension.
const COST_FILTERS: [(&str, &str); 5] = [
    ("Service", "SERVICE"),
    ("UsageType", "USAGE_TYPE"),
    ("LinkedAccount", "LINKED_ACCOUNT"),
    ("Region", "REGION"),
    ("Operation", "OPERATION"),
];

/// A filter expression.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Dimension(String, Vec<String>),
    Tag(String, Vec<String>),
    /// Rows without this tag; `None`: rows without any tag.
    Untagged(Option<String>),
    /// Rows with this unit, for usage budgets. No expression can say this.
    Unit(String),
}

/// The value of a dimension; `None`: the dimension is not simulated.
pub(crate) fn dimension<'a>(kind: &'a Kind, name: &str) -> Option<&'a str> {
    Some(match name {
        "SERVICE" => &kind.service,
        "USAGE_TYPE" => &kind.usage_type,
        "LINKED_ACCOUNT" => &kind.account,
        "REGION" => &kind.region,
        "RECORD_TYPE" => &kind.record_type,
        "OPERATION" => &kind.operation,
        _ => return None,
    })
}

/// Refuses a dimension that is not simulated, or that AWS does not have.
pub(crate) fn known_dimension(name: &str) -> Result<(), Refusal> {
    match DIMENSIONS.iter().position(|known| *known == name) {
        Some(..6) => Ok(()),
        Some(_) => Err(Refusal::not_simulated("ce", &format!("the dimension {name}"))),
        None => {
            let constraint = format!("Member must satisfy enum value set: [{}]", DIMENSIONS.join(", "));
            Err(Refusal::invalid_value(name, "dimension", &constraint))
        }
    }
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    value.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Filter {
    /// A filter that matches every row.
    pub(crate) fn all() -> Self {
        Self::And(vec![])
    }

    /// The field `Filter` of an input; without one, all rows.
    pub(crate) fn of(input: &Value) -> Result<Self, Refusal> {
        input.get("Filter").filter(|filter| !filter.is_null()).map_or_else(|| Ok(Self::all()), Self::read)
    }

    fn read(expression: &Value) -> Result<Self, Refusal> {
        let fields: Vec<(&String, &Value)> = expression.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()).collect();
        let [(root, value)] = fields[..] else {
            // The "more than one roots" text is AWS's own (API reference, Expression).
            let more =
                format!("Expression has more than one roots. Only one root operator is allowed for each expression: {}", ROOTS.join(", "));
            let message = if fields.is_empty() { format!("Expression is empty: it has one of {}", ROOTS.join(", ")) } else { more };
            return Err(Refusal::validation(message));
        };
        match root.as_str() {
            "And" | "Or" => {
                let parts = value.as_array().into_iter().flatten().map(Self::read).collect::<Result<Vec<_>, _>>()?;
                if parts.len() < 2 {
                    return Err(Refusal::validation(format!("{root} must have at least two expressions")));
                }
                Ok(if root == "And" { Self::And(parts) } else { Self::Or(parts) })
            }
            "Not" => Ok(Self::Not(Box::new(Self::read(value)?))),
            "Dimensions" => {
                options(value, &["EQUALS", "CASE_SENSITIVE"])?;
                let (key, values) = (text(value, "Key").unwrap_or_default(), texts(value, "Values"));
                known_dimension(key)?;
                if values.is_empty() {
                    return Err(Refusal::validation(format!("Values of the dimension {key} must not be empty")));
                }
                Ok(Self::Dimension(key.to_owned(), values))
            }
            "Tags" => {
                let options = options(value, &["EQUALS", "CASE_SENSITIVE", "ABSENT"])?;
                let (key, values) = (text(value, "Key").map(str::to_owned), texts(value, "Values"));
                match key {
                    Some(key) if !values.is_empty() && !options.contains(&"ABSENT".to_owned()) => Ok(Self::Tag(key, values)),
                    _ if !values.is_empty() => {
                        Err(Refusal::validation("Tags has Values: expected a Key, and no MatchOption ABSENT".into()))
                    }
                    key => Ok(Self::Untagged(key)),
                }
            }
            other => Err(Refusal::not_simulated("ce", &format!("a filter by {other}"))),
        }
    }

    /// A budget's filter: its cost filters, or its expression.
    pub(crate) fn of_budget(cost_filters: &BTreeMap<String, Vec<String>>, expression: Option<&Value>) -> Result<Self, Refusal> {
        if let Some(expression) = expression {
            return Self::read(expression);
        }
        let part = |(name, values): (&String, &Vec<String>)| {
            if name == "TagKeyValue" {
                // `user:team$nlp`. Without `user:` it matches nothing, and AWS reports no error (aws-facts §6).
                let tag = |value: &String| {
                    let (key, value) = value.split_once('$')?;
                    let key = key.strip_prefix("user:").or_else(|| Some(key).filter(|key| key.starts_with("aws:")))?;
                    Some(if value.is_empty() {
                        Self::Untagged(Some(key.to_owned()))
                    } else {
                        Self::Tag(key.to_owned(), vec![value.to_owned()])
                    })
                };
                return Ok(Self::Or(values.iter().filter_map(tag).collect()));
            }
            let dimension = COST_FILTERS.iter().find(|(filter, _)| filter == name).map(|(_, dimension)| *dimension);
            let dimension = dimension.ok_or_else(|| Refusal::not_simulated("budgets", &format!("the cost filter `{name}`")))?;
            Ok(Self::Dimension(dimension.to_owned(), values.clone()))
        };
        Ok(Self::And(cost_filters.iter().map(part).collect::<Result<_, _>>()?))
    }

    /// Whether a row matches. A value that no row has matches nothing, and is not an error.
    pub(crate) fn takes(&self, kind: &Kind, visible: &Visible<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.takes(kind, visible)),
            Self::Or(parts) => parts.iter().any(|part| part.takes(kind, visible)),
            Self::Not(part) => !part.takes(kind, visible),
            Self::Dimension(name, values) => dimension(kind, name).is_some_and(|own| values.iter().any(|value| value == own)),
            Self::Tag(key, values) => {
                let own = visible.tag(key).unwrap_or_default();
                values.iter().any(|value| value == own)
            }
            Self::Untagged(Some(key)) => visible.tag(key).is_none(),
            Self::Untagged(None) => !visible.is_tagged(),
            Self::Unit(unit) => kind.unit == *unit,
        }
    }
}

/// Reads the match options, and refuses those not in `allowed` (API reference, `GetCostAndUsage`).
fn options(value: &Value, allowed: &[&str]) -> Result<Vec<String>, Refusal> {
    let options = texts(value, "MatchOptions");
    match options.iter().find(|option| !allowed.contains(&option.as_str())) {
        Some(other) => {
            Err(Refusal::validation(format!("Match option {other} is not supported here: expected one of {}", allowed.join(", "))))
        }
        None => Ok(options),
    }
}
