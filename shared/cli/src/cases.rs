//! `cost-guard test`: runs a policy against small recorded resources with the outcome that its author expects.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use cost_rules::{
    cases::{self, Tested},
    policy::text_of,
};

/// The exit status if the policy or the cases are wrong.
const WRONG: u8 = 3;

/// A policy and its cases.
#[derive(Args)]
pub(crate) struct Test {
    /// The policy, a TOML file.
    policy: PathBuf,
    /// The cases, a TOML file. By default they stand beside the policy: `policy.cases.toml` for `policy.toml`.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
}

impl Test {
    /// Runs the cases, prints what became of each, and says by the exit status whether all are as expected.
    pub(crate) fn run(&self) -> ExitCode {
        let file = self.cases.clone().unwrap_or_else(|| self.policy.with_extension("cases.toml"));
        match self.tested(&file) {
            Ok(tested) => {
                crate::print(&cases::report(&file.display().to_string(), &tested));
                if tested.iter().all(|one| one.failures.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(error) => {
                crate::say_error(&error);
                ExitCode::from(WRONG)
            }
        }
    }

    /// What became of the cases in this file.
    fn tested(&self, file: &Path) -> anyhow::Result<Vec<Tested>> {
        let (_, rulebook) = crate::policy_of(&self.policy)?;
        let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let tested = text_of(text).and_then(|text| cases::run(&rulebook, &text));
        tested.map_err(|error| crate::said(&[error], file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples");

    fn of(policy: &Path, cases: Option<PathBuf>) -> ExitCode {
        Test { policy: policy.to_owned(), cases }.run()
    }

    #[test]
    fn the_examples_pass_and_a_broken_case_fails() {
        let folder = tempfile::tempdir().unwrap();
        let broken = folder.path().join("broken.toml");
        for name in ["production-inference", "research-lab", "shared-platform", "strict-finops"] {
            let policy = Path::new(EXAMPLES).join(name).with_extension("toml");
            assert_eq!(of(&policy, None), ExitCode::SUCCESS, "{name}");
            let cases = fs::read_to_string(policy.with_extension("cases.toml")).unwrap();
            fs::write(&broken, cases.replacen("= \"enforce\"", "= \"later\"", 1)).unwrap();
            assert_eq!(of(&policy, Some(broken.clone())), ExitCode::FAILURE, "{name}");
        }
    }

    #[test]
    fn a_wrong_policy_and_wrong_cases_are_no_failed_case() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy.toml");
        assert_eq!(of(&policy, None), ExitCode::from(WRONG), "no policy");
        fs::write(&policy, "").unwrap();
        assert_eq!(of(&policy, None), ExitCode::from(WRONG), "no cases");
        let cases = folder.path().join("policy.cases.toml");
        fs::write(&cases, "[[case]]\n").unwrap();
        assert_eq!(of(&policy, None), ExitCode::from(WRONG), "wrong cases");
        let good = "[[case]]\nname = \"x\"\nat = \"2026-11-24T12:00:00Z\"\nresource = { kind = \"model\" }\nexpect = { missing-tag = \"report\" }\n";
        fs::write(&cases, good).unwrap();
        assert_eq!(of(&policy, None), ExitCode::SUCCESS);
        fs::write(&policy, "rules = 1").unwrap();
        assert_eq!(of(&policy, None), ExitCode::from(WRONG), "a wrong policy");
    }
}
