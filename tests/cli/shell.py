"""Runs a command of ours, as a shell would see it: in this process, or in one of its own."""

import os
import shlex
import subprocess
import sys
from typing import NamedTuple

from click.testing import CliRunner

from entrepot.cli.main import main
from tests.surroundings import ROOT


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def run(command: str, *, given: str = "") -> Done:
    """Run `entrepot COMMAND` with `given` on its standard input, which is no terminal."""
    with CliRunner().isolation(input=given) as (out, err, _):
        code = main(shlex.split(command))
        return Done(code, out.getvalue().decode(), err.getvalue().decode())


def run_apart(command: str, **variables: str) -> Done:
    """The same in a process of its own, which knows nothing of this run's database."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")
    }
    done = subprocess.run(
        [sys.executable, "-m", "entrepot", *shlex.split(command)],
        cwd=ROOT,
        env={**inherited, **variables},
        check=False,
        capture_output=True,
        text=True,
    )
    return Done(done.returncode, done.stdout, done.stderr)
