//! The roles of a deployed template's functions. They judge the functions' calls as IAM does.

use std::collections::BTreeMap;

use anyhow::Context as _;
use iam_rs::{Decision, IAMPolicy, PolicyEvaluator};
use serde_json::json;

use crate::{
    guard::template::Deployment,
    wire::{Refusal, Request, asked::Ask},
    world::World,
};

/// The roles, by function name.
pub(crate) struct Roles {
    roles: BTreeMap<String, Role>,
    /// The KMS keys' ARNs, by the ARN of the topic that they encrypt.
    keys: BTreeMap<String, String>,
}

struct Role {
    policy: IAMPolicy,
    judge: PolicyEvaluator,
}

impl Role {
    fn new(policy: IAMPolicy) -> Self {
        Self { judge: PolicyEvaluator::with_policies(vec![policy.clone()]), policy }
    }
}

impl Roles {
    pub(crate) fn new(deployment: &Deployment) -> anyhow::Result<Self> {
        let role = |statements: &[serde_json::Value]| {
            let policy = json!({"Version": "2012-10-17", "Statement": statements});
            anyhow::Ok(Role::new(serde_json::from_value(policy)?))
        };
        let roles = deployment.functions.iter().map(|function| {
            Ok((function.name.clone(), role(&function.statements).with_context(|| format!("the role of {}", function.name))?))
        });
        Ok(Self { roles: roles.collect::<anyhow::Result<_>>()?, keys: deployment.keys.clone() })
    }

    /// The Sids of a function's statements.
    pub(crate) fn statements(&self, function: &str) -> Vec<String> {
        self.roles.get(function).into_iter().flat_map(|role| &role.policy.statement).filter_map(|statement| statement.sid.clone()).collect()
    }

    /// Removes a statement; false: there is none with this Sid.
    pub(crate) fn revoke(&mut self, function: &str, sid: &str) -> bool {
        let Some(role) = self.roles.get_mut(function) else { return false };
        let mut policy = role.policy.clone();
        policy.statement.retain(|statement| statement.sid.as_deref() != Some(sid));
        let is_less = policy.statement.len() < role.policy.statement.len();
        *role = Role::new(policy);
        is_less
    }

    /// The refusal of a call, if the caller is one of the functions and its role does not allow the call.
    pub(crate) fn refused(&self, world: &World, request: &Request, caller: &str, asks: &[Ask]) -> Option<Refusal> {
        let role = self.roles.get(caller)?;
        let topic = request.form.get("TopicArn").filter(|_| request.operation == "Publish");
        let key = topic.and_then(|topic| self.keys.get(topic));
        let of_key = key.into_iter().flat_map(|key| ["kms:GenerateDataKey", "kms:Decrypt"].map(|action| Ask::of_key(action, key)));
        let of_key: Vec<Ask> = of_key.collect();
        asks.iter().chain(&of_key).find_map(|ask| {
            let judged = ask.request(&world.account).map(|asked| role.judge.evaluate(&asked));
            match judged {
                Some(Ok(result)) if result.decision == Decision::Allow => None,
                Some(Err(error)) => Some(Refusal::new(501, "NotSimulated", format!("the role of {caller} cannot be judged: {error}"))),
                _ => Some(ask.denied(world, request.service, &format!("{caller}/{caller}"))),
            }
        })
    }
}
