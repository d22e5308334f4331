"""The roles of a hub, one process each: web, edge, worker, and beside them the sandbox."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import click

from entrepot.cli.failure import CommandFailed
from entrepot.cli.hub import set_up_django
from entrepot.config.loading import loading

GRACEFUL_S = 10
BACKLOG = 2048

Command = TypeVar("Command", bound=Callable[..., Any])


def listening(port: int) -> Callable[[Command], Command]:
    """Give a command `--host`, `--port`, and the two options by which `up` starts it."""

    def decorate(command: Command) -> Command:
        options = (
            click.option("--host", default="127.0.0.1", show_default=True),
            click.option("--port", default=port, show_default=True, type=click.IntRange(0, 65535)),
            click.option("--descriptor", type=int, hidden=True),
            supervised,
        )
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


supervised = click.option("--supervised", is_flag=True, hidden=True)


@click.command()
@listening(8000)
def web(*, host: str, port: int, descriptor: int | None, supervised: bool) -> None:
    """Serve pages, API and webhooks."""
    _serve(
        "entrepot.config.asgi:application", listener(host, port, descriptor=descriptor), supervised
    )


@click.command()
@listening(8000)
def edge(*, host: str, port: int, descriptor: int | None, supervised: bool) -> None:
    """Serve webhooks only: a node that takes a storm without pages beside it."""
    _serve(
        "entrepot.config.asgi:edge_application",
        listener(host, port, descriptor=descriptor),
        supervised,
    )


@click.command()
@listening(8001)
def sandbox(*, host: str, port: int, descriptor: int | None, supervised: bool) -> None:
    """Serve the simulated platforms and their books."""
    _serve(
        "entrepot.sandbox.app:application", listener(host, port, descriptor=descriptor), supervised
    )


@click.command()
@supervised
def worker(*, supervised: bool) -> None:
    """Do the background work until told to stop."""
    with loading():
        set_up_django()
        from django.conf import settings  # noqa: PLC0415 -- Django app not ready

        from entrepot.monitoring.installation import Place, begin  # noqa: PLC0415 -- likewise
        from entrepot.tasks import registry  # noqa: PLC0415 -- likewise
        from entrepot.tasks.worker import run  # noqa: PLC0415 -- likewise

        registry.load()
    if supervised:
        _begin_and_end_with_the_supervisor()
    paused = begin(
        Place.here(
            public_url=settings.PUBLIC_URL,
            folder=settings.DATA_FOLDER if settings.USES_EMBEDDED_DATABASE else None,
        )
    )
    if paused:
        click.echo(f"Outside effects are paused: {paused}", err=True)
    run()


def listener(
    host: str, port: int, *, descriptor: int | None = None, option: str = "--port"
) -> socket.socket:
    """A bound socket: the one inherited, else a new one (port 0: any free port).

    Raises:
        CommandFailed: it cannot be bound; the message names the `option` that chooses another.
    """
    if descriptor is not None:
        return socket.socket(fileno=descriptor)
    try:
        return socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    except OSError as error:
        raise CommandFailed(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)};"
            f" choose another with {option}"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _serve(application: str, listening_socket: socket.socket, is_supervised: bool) -> None:  # noqa: FBT001 -- read beside its name in every call
    with loading():
        import uvicorn  # noqa: PLC0415 -- slow import
        from uvicorn.importer import import_from_string  # noqa: PLC0415 -- likewise

        loaded = import_from_string(application)
    if is_supervised:
        _begin_and_end_with_the_supervisor()
    config = uvicorn.Config(
        loaded,
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACEFUL_S,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening_socket])
    if not server.started:
        raise CommandFailed(f"{application} did not start; its log says why")


def _begin_and_end_with_the_supervisor() -> None:
    """Wait until standard input says that all is ready, and end in order once it closes.

    It closes when the supervisor is gone, however it went.
    """
    if not os.read(sys.stdin.fileno(), 1):
        raise SystemExit(0)

    def watch() -> None:
        # Not through sys.stdin: its buffer's lock would be held when the interpreter ends.
        os.read(sys.stdin.fileno(), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="supervisor-watch").start()
