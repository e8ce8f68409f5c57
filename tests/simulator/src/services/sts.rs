//! STS: who calls. Query protocol, XML answers.

use crate::{wire::Refusal, world::World};

/// Serves a call. The answer is the XML inside its `<…Result>`.
pub(crate) fn call(world: &World, operation: &str) -> Result<String, Refusal> {
    if operation != "GetCallerIdentity" {
        return Err(Refusal::not_simulated("sts", operation));
    }
    let account = &world.account;
    Ok(format!("<Arn>arn:aws:iam::{account}:user/somebody</Arn><UserId>AIDASIMULATED0000000</UserId><Account>{account}</Account>"))
}
