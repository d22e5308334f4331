"""What is asked again on a call's way, between the decision to send and its first byte."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

# Takes what httpcore tells of each step of a call, and raises to stop it; hung into a request's
# extensions as "trace".
Guard = Callable[[str, Mapping[str, Any]], None]


def together(guards: Sequence[Guard]) -> Guard:
    """One guard that asks them all, in this order."""
    return partial(_ask_all, guards)


def before_first_byte(check: Callable[[], None]) -> Guard:
    """A guard that asks `check` once there is a connection.

    Whoever froze while it was made must not send what others have taken over by then.
    """
    return partial(_ask_before_first_byte, check)


def _ask_all(guards: Sequence[Guard], step: str, told: Mapping[str, Any]) -> None:
    for guard in guards:
        guard(step, told)


def _ask_before_first_byte(check: Callable[[], None], step: str, _: Mapping[str, Any]) -> None:
    if step == "http11.send_request_headers.started":
        check()
