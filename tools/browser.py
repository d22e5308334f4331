"""Print the path of a Chromium for the browser tests, installing Debian's when that is possible.

In this order: `ENTREPOT_CHROMIUM`, the system's, Debian's package (as root only), playwright's own
if it was installed. Without any, it prints nothing and says on standard error what will be
skipped; under `CI=true` that is an error.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a browser that can start, or None."""
    named = os.environ.get("ENTREPOT_CHROMIUM")
    if named:
        return named
    return _system() or _install_debian() or _playwright()


def _system() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _install_debian() -> str | None:
    if os.name == "nt" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    print("Installing Debian's chromium for the browser tests ...", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
    ):
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            last = done.stdout.strip().splitlines()[-1:] or ["no output"]
            print(f"browser: {' '.join(command[:2])} failed: {last[0]}", file=sys.stderr)
            return None
    return _system()


def _playwright() -> str | None:
    caches = (
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH"),
        Path.home() / ".cache" / "ms-playwright",
        Path.home() / "Library" / "Caches" / "ms-playwright",
    )
    patterns = (
        "chromium-*/chrome-linux*/chrome",
        "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
    )
    found = [
        path for cache in caches if cache for kind in patterns for path in Path(cache).glob(kind)
    ]
    return str(max(found)) if found else None


def main() -> int:
    """Print the path; exit with 1 only where the tests must not be skipped."""
    path = find()
    if path is not None:
        print(path)
        return 0
    advice = "install the package chromium, or run `.venv/bin/playwright install chromium`"
    if os.environ.get("CI") == "true":
        print(f"browser: no Chromium, and CI must run its tests: {advice}", file=sys.stderr)
        return 1
    print(f"browser: NO CHROMIUM: every browser test will be SKIPPED: {advice}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
