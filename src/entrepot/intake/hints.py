"""News that is believed only after a re-read: handed to whoever makes the calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from entrepot.canon.messages import Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """One thing to read again with our own credentials."""

    merchant_id: int
    connection_id: int
    flow: Flow
    external_id: str
    cause: str


Asker = Callable[[Sequence[Reread]], None]
_askers: list[Asker] = []


def install(asker: Asker) -> None:
    """Have a function called with what is to be read again, inside the intake's transaction."""
    _askers[:] = [asker]


def ask(rereads: Sequence[Reread]) -> None:
    """Ask for re-reads; each thing once per batch."""
    unique = {(reread.connection_id, reread.flow, reread.external_id): reread for reread in rereads}
    for asker in _askers:
        if unique:
            asker(list(unique.values()))
