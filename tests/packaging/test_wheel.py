"""The wheel alone is enough: whoever installs it gets every page, manifest and simulator."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from entrepot.database.embedded import EmbeddedServer

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCE = ROOT / "src"
DATA = {".toml", ".html", ".txt", ".css", ".js", ".json", ".svg", ".sql", ".woff2", ".png", ".csv"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without fetching anything: the build back end is a locked dependency."""
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment with the wheel in it.

    It sees the dependencies of this one through a path file. The checkout, which is editable here,
    it does not see: path files are not followed twice.
    """
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--python", python, "install", "--quiet"),
            *("--no-deps", "--no-index", "--disable-pip-version-check", wheel),
        ],
        check=True,
    )
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    Path(packages, "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_every_file_of_the_package_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.suffix in DATA | {".py"} and "tests" not in path.parts
    }

    assert sorted(wanted - held) == []
    assert [name for name in held if "/tests/" in name] == []


def test_the_installed_command_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    told = subprocess.run(
        [installed / "entrepot", "--version"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    where = subprocess.run(
        [installed / "python", "-I", "-c", "import entrepot; print(entrepot.__file__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout.strip()

    assert (told.returncode, told.stdout, told.stderr) == (0, "entrepot 0.1.0\n", "")
    assert Path(where).is_relative_to(installed.parent)


@pytest.fixture
def hub(installed: Path, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Where a hub with its sandbox is, both started from the wheel."""
    data = tmp_path / "data"
    known = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ENTREPOT_", "DATABASE_", "PYTHON"))
    }
    with subprocess.Popen(
        [
            *(installed / "entrepot", "up", "--sandbox", "--json"),
            *("--port", "0", "--sandbox-port", "0"),
        ],
        cwd=tmp_path,
        env={**known, "ENTREPOT_DATA": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            assert running.stdout is not None
            yield json.loads(running.stdout.readline())
            running.send_signal(signal.SIGTERM)
            assert running.wait(60) == 0
        finally:
            running.kill()
            server = EmbeddedServer(data / "postgres")
            server.stop()
            place = data / "postgres" / "place"
            if place.exists():  # as root the cluster stands where an unprivileged user can reach it
                shutil.rmtree(place.read_text())


@pytest.mark.journey
@pytest.mark.timeout(300)
def test_hub_and_sandbox_start_from_the_wheel_alone(hub: dict[str, Any]) -> None:
    ready = httpx.get(f"{hub['address']}/readyz", timeout=60)
    sign_in = httpx.get(f"{hub['address']}/", follow_redirects=True, timeout=60)
    sheets = re.findall(r'href="([^"]+\.css[^"]*)"', sign_in.text)
    styles = [httpx.get(f"{hub['address']}{sheet}", timeout=60).status_code for sheet in sheets]
    accounts = httpx.get(f"{hub['sandbox']}/control/accounts", timeout=60).json()

    assert ready.json() == {"status": "ready"}
    assert sign_in.status_code == 200
    assert styles
    assert set(styles) == {200}
    platforms = {place["platform"] for place in accounts["places"]}
    assert platforms == {path.parent.name for path in SOURCE.rglob("connectors/*/world.py")}
    assert len(accounts["places"]) >= 6
