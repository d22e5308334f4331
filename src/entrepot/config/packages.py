"""Where a package lies whose files are wanted, without importing it."""

import importlib.util
from pathlib import Path


def folder_of(package: str) -> Path | None:
    """The folder of an installed top-level package; None when it is not installed."""
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found is not None and found.origin else None
