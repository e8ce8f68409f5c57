"""Refuses an environment of infra/samconfig.toml that would deploy into another one's stack: `make deploy` runs it before it builds."""

import pathlib
import sys

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11: the SAM CLI brings this one
    import tomlkit as tomllib

CONFIG = pathlib.Path(__file__).with_name("samconfig.toml")


def setting(environment, name):
    """As SAM reads it: of `deploy`, or else of all commands."""
    for section in ("deploy", "global"):
        if value := environment.get(section, {}).get("parameters", {}).get(name):
            return value
    return None


def refusal(config, chosen):
    """Why this environment is not deployed; None: nothing is wrong with it.

    Enter at SAM's prompt takes the Region that is written here, and without one that of the shell. So one that shares its stack's name must have its own.
    """
    environments = {name: of for name, of in config.items() if isinstance(of, dict) and "deploy" in of}
    if chosen not in environments:
        return f"CONFIG_ENV is '{chosen}': infra/samconfig.toml has {', '.join(f'CONFIG_ENV={name}' for name in environments)}"
    stack, region = (setting(environments[chosen], name) for name in ("stack_name", "region"))
    for other, of in environments.items():
        if other == chosen or setting(of, "stack_name") != stack:
            continue
        if region is None or region == setting(of, "region"):
            where = f"both are of the Region {region}" if region else f"[{chosen}.deploy.parameters] names no Region"
            return (
                f"infra/samconfig.toml: {chosen} and {other} have the same stack, {stack}, and {where}. The deployment could change the stack of {other}. "
                f'Write the Region of {chosen} into [{chosen}.deploy.parameters], for example region = "us-east-1", and delete the copied one; or give it another stack_name.'
            )
    return None


if __name__ == "__main__":
    if why := refusal(tomllib.loads(CONFIG.read_text()), sys.argv[1]):
        sys.exit(why)
