//! What a template makes of an account: whom it judges, and whom it wakes.

use std::sync::{Arc, PoisonError};

use crate::{
    Shared, Simulator,
    guard::{roles::Roles, stack::Stack, template::Template},
    wire::{Refusal, Request, asked::Ask},
    world::World,
};

/// A template that is deployed.
pub(crate) struct InForce {
    stack: Arc<Stack>,
    roles: Roles,
}

impl Shared {
    fn in_force<T>(&self, with: impl FnOnce(&mut Option<InForce>) -> T) -> T {
        with(&mut self.deployed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The refusal of a call that its caller's role does not allow.
    pub(crate) fn refused(&self, world: &World, request: &Request, caller: &str, asks: &[Ask]) -> Option<Refusal> {
        self.in_force(|of| of.as_ref()?.roles.refused(world, request, caller, asks))
    }
}

impl Simulator {
    /// Deploys a template with these parameters in place of what was deployed: from now on a call that is signed with a function's
    /// name as its access key is refused if that function's role does not allow it. Other callers are not judged.
    ///
    /// # Errors
    /// The template says something that is not simulated, or has no such parameter.
    pub fn deploy(&self, template: &Template, parameters: &[(&str, &str)]) -> anyhow::Result<Arc<Stack>> {
        let (deployment, now) = {
            let world = self.shared.world();
            (template.deployed(&world.place, parameters)?, world.now)
        };
        let stack = Arc::new(Stack::new(&deployment.functions, now)?);
        let roles = Roles::new(&deployment)?;
        self.shared.in_force(|of| *of = Some(InForce { stack: Arc::clone(&stack), roles }));
        Ok(stack)
    }

    /// What is deployed.
    pub fn stack(&self) -> Option<Arc<Stack>> {
        self.shared.in_force(|of| of.as_ref().map(|of| Arc::clone(&of.stack)))
    }

    /// Judges nobody from now on.
    pub fn undeploy(&self) {
        self.shared.in_force(|of| *of = None);
    }

    /// The Sids of what a function's role may do.
    pub fn statements(&self, function: &str) -> Vec<String> {
        self.shared.in_force(|of| of.as_ref().map(|of| of.roles.statements(function)).unwrap_or_default())
    }

    /// Takes a statement away from a function's role; false: it has none of this Sid.
    pub fn revoke(&self, function: &str, sid: &str) -> bool {
        self.shared.in_force(|of| of.as_mut().is_some_and(|of| of.roles.revoke(function, sid)))
    }
}
