"""Runs a command of ours in this process, as a shell would see it."""

import shlex
from typing import NamedTuple

from click.testing import CliRunner

from entrepot.cli.main import main


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
