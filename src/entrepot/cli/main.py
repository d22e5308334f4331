"""The `entrepot` command: which module holds which command, and how an error is told.

A command's module is imported when the command runs, so that `--help` and `up` stay quick. An
error is one line on standard error and an exit code: 1 for what failed, 2 for wrong usage, 130 for
Ctrl-C. `--debug` shows where it came from.
"""

import sys
import traceback
from importlib import import_module
from importlib.metadata import version
from typing import NamedTuple

import click

from entrepot.config.environment import MisconfiguredEnvironment


class Entry(NamedTuple):
    """Where a command lives (`module:function`) and what it does, for `--help`."""

    target: str
    help: str


COMMANDS: dict[str, Entry] = {
    "up": Entry("entrepot.cli.up:up", "Run the whole hub on this machine."),
    "web": Entry("entrepot.cli.roles:web", "Serve pages, API and webhooks."),
    "edge": Entry("entrepot.cli.roles:edge", "Serve webhooks only."),
    "worker": Entry("entrepot.cli.roles:worker", "Do the background work."),
    "sandbox": Entry("entrepot.cli.roles:sandbox", "Serve the simulated platforms."),
    "demo": Entry("entrepot.cli.demo:demo", "Watch orders go through a hub with a sandbox."),
    "migrate": Entry("entrepot.cli.migrate:migrate", "Bring the database up to date."),
    "pause": Entry("entrepot.cli.stopping:pause", "Stop outside effects at once; nothing is lost."),
    "resume": Entry("entrepot.cli.stopping:resume", "Let outside effects go on."),
    "rehearse": Entry("entrepot.cli.rehearse:rehearse", "Prove it under kills and liars."),
    "doctor": Entry("entrepot.cli.doctor:doctor", "Explain why an order stands still."),
    "connections": Entry("entrepot.cli.connections:connections", "Accounts on platforms."),
    "backup": Entry("entrepot.cli.moving:backup", "Copy the database, and prove the copy."),
    "restore": Entry("entrepot.cli.moving:restore", "Restore a copy; effects stay paused."),
    "reconcile": Entry("entrepot.cli.moving:reconcile", "Ask the platforms after a restore."),
    "adopt": Entry("entrepot.cli.moving:adopt", "Let effects go on here, as your decision."),
    "new-platform": Entry("entrepot.cli.platforms:new_platform", "Begin a platform's folder."),
    "users": Entry("entrepot.cli.users:users", "People who sign in."),
    "keys": Entry("entrepot.cli.keys:keys", "API keys of programs."),
    "mail-events": Entry("entrepot.cli.mail_events:mail_events", "Where a mail service reports."),
    "openapi": Entry("entrepot.cli.openapi:openapi", "Describe the REST interface."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.target.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("entrepot"), prog_name="entrepot", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
def cli(*, debug: bool) -> None:
    """Entrepot: a hub between the places you sell and the places that ship.

    Settings are environment variables; docs/settings.md lists them.
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code is returned."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        code = cli.main(words, prog_name="entrepot", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "entrepot"
        click.echo(f"entrepot: {error.format_message()} (see `{path} --help`)", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001 -- the last frame: a person gets one line
        if "--debug" in words:
            traceback.print_exc()
        else:
            click.echo(f"entrepot: {_told(error)}", err=True)
        return 1
    return code if isinstance(code, int) else 0


def _told(error: Exception) -> str:
    if isinstance(error, MisconfiguredEnvironment):
        return str(error)  # one line for each fault
    return " ".join(str(error).split()) or type(error).__name__
