"""How a command says that it failed."""

import click


class CommandFailed(click.ClickException):
    """A command could not do its work; the message says what, why, and what to do."""
