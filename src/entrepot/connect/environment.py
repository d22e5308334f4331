"""What the process's environment says of first connections: the manifests' [environment] tables."""

from collections.abc import Mapping

from entrepot.connect.manifest import Manifest
from entrepot.connect.registry import platforms


def given_settings(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The settings that are set, by platform; only platforms of which any is."""
    found = {
        code: {
            setting: environment[variable]
            for setting, variable in one.manifest.environment.items()
            if environment.get(variable, "").strip()
        }
        for code, one in platforms().items()
    }
    return {code: given for code, given in found.items() if given}


def missing_variables(manifest: Manifest, given: Mapping[str, str]) -> list[str]:
    """The variables without which what is set makes no connection."""
    return [
        manifest.environment[setting.name]
        for setting in manifest.settings
        if setting.is_required
        and setting.name not in given
        and setting.name in manifest.environment
    ]


def half_given(manifest: Manifest, missing: list[str]) -> str:
    """What to say of a platform of which some variables are set and some lack."""
    return f"{manifest.name}: set {' and '.join(missing)} too, or none of its variables"


def faults(environment: Mapping[str, str]) -> list[str]:
    """One line for each platform of which some variables are set, and needed ones are not."""
    lines = []
    for code, given in given_settings(environment).items():
        manifest = platforms()[code].manifest
        if missing := missing_variables(manifest, given):
            lines.append(half_given(manifest, missing))
    return lines
