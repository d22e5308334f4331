"""Where the platforms' machine-readable specifications are.

They have licences of their own and are never part of this project: `ENTREPOT_SPECS` names their
folder, else the folder `shared` beside the checkout is taken. Without them the tests that need them
are skipped and say so; under `CI=true` that is a failure.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """The folder of the specifications, whether it exists or not."""
    named = os.environ.get("ENTREPOT_SPECS")
    return Path(named) if named else ROOT.parent / "shared"


def require(path: str) -> Path:
    """The specification at `path` below the folder, say `openapi/stripe/spec3.json`."""
    found = folder() / path
    if found.exists():
        return found
    reason = f"the specification {path} is missing: name its folder in ENTREPOT_SPECS"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
