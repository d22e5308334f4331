"""Photograph every page: runs the browser tests and keeps their pictures in shots/."""

import os
import sys
from pathlib import Path

import pytest

from tests.browser.driving import SHOTS_FOLDER


def main(arguments: list[str]) -> int:
    """Run the browser tests with a folder for pictures; further arguments go to pytest."""
    if not os.environ.get("ENTREPOT_CHROMIUM"):
        sys.stderr.write("shots: no Chromium; install one or name it in ENTREPOT_CHROMIUM\n")
        return 1
    folder = Path("shots").resolve()
    os.environ[SHOTS_FOLDER] = str(folder)
    failed = pytest.main(["-q", "-p", "no:randomly", "tests/browser", *arguments])
    sys.stderr.write(f"Pictures are in {folder}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
