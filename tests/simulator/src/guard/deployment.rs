//! The deployment of a template in the simulated account: it judges calls by the roles and finds the functions that an event wakes.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use serde_json::{Map, Value};

use crate::{
    Shared, Simulator,
    guard::{roles::Roles, stack::Stack, template::Template},
    services::sns::{Mail, filter::passes},
    wire::{Refusal, Request, asked::Ask},
    world::World,
};

/// A template that is deployed.
pub(crate) struct InForce {
    stack: Arc<Stack>,
    roles: Roles,
    filters: BTreeMap<String, Value>,
}

impl Shared {
    fn in_force<T>(&self, with: impl FnOnce(&mut Option<InForce>) -> T) -> T {
        with(&mut self.deployed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The refusal of a call that its caller's role does not allow; `None`: the call is allowed, or the caller has no role here.
    pub(crate) fn refused(&self, world: &World, request: &Request, caller: &str, asks: &[Ask]) -> Option<Refusal> {
        self.in_force(|of| of.as_ref()?.roles.refused(world, request, caller, asks))
    }
}

impl Simulator {
    /// Deploys a template with these parameters, and replaces the deployment before it. From now on a call that is signed with a function's name as its
    /// access key is refused if that function's role does not allow it. Other callers are not judged.
    ///
    /// # Errors
    /// The template has something that is not simulated, or does not have one of the parameters.
    pub fn deploy(&self, template: &Template, parameters: &[(&str, &str)]) -> anyhow::Result<Arc<Stack>> {
        let (deployment, now) = {
            let world = self.shared.world();
            (template.deployed(&world.place, parameters)?, world.now)
        };
        let stack = Arc::new(Stack::new(&deployment.functions, now)?);
        let roles = Roles::new(&deployment)?;
        self.shared.in_force(|of| *of = Some(InForce { stack: Arc::clone(&stack), roles, filters: deployment.filters }));
        Ok(stack)
    }

    /// The deployed stack; `None`: no template is deployed.
    pub fn stack(&self) -> Option<Arc<Stack>> {
        self.shared.in_force(|of| of.as_ref().map(|of| Arc::clone(&of.stack)))
    }

    /// The mails so far that a subscription of the deployed template gets, by its logical name: all, if it has no filter.
    ///
    /// # Errors
    /// Its filter has an operator that is not simulated.
    pub fn mails_for(&self, subscription: &str) -> anyhow::Result<Vec<Mail>> {
        let filter = self.shared.in_force(|of| of.as_ref().and_then(|of| of.filters.get(subscription).cloned()));
        self.mails_by(&filter.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// The mails so far that a subscription with this filter policy gets.
    ///
    /// # Errors
    /// The filter has an operator that is not simulated.
    pub fn mails_by(&self, filter: &Value) -> anyhow::Result<Vec<Mail>> {
        let mails = self.mails().into_iter().map(|mail| Ok(passes(filter, &mail.attributes)?.then_some(mail)));
        mails.filter_map(Result::transpose).collect()
    }

    /// Removes the deployment: from now on no caller is judged.
    pub fn undeploy(&self) {
        self.shared.in_force(|of| *of = None);
    }

    /// The Sids of the statements in a function's role; empty if nothing is deployed.
    pub fn statements(&self, function: &str) -> Vec<String> {
        self.shared.in_force(|of| of.as_ref().map(|of| of.roles.statements(function)).unwrap_or_default())
    }

    /// Removes a statement from a function's role; false: the role has no statement with this Sid.
    pub fn revoke(&self, function: &str, sid: &str) -> bool {
        self.shared.in_force(|of| of.as_mut().is_some_and(|of| of.roles.revoke(function, sid)))
    }
}
