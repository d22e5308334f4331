"""Talks to a running sandbox over its /control/ interface; for the demo and for set-up."""

from dataclasses import dataclass
from typing import Any

from entrepot.connect.errors import ConnectorError
from entrepot.connect.http import Http

# Reading again does no harm, and a busy machine may be late once.
READS = 3


class SandboxSilent(Exception):
    """The sandbox does not answer, or refuses; the message says what was asked of it."""


@dataclass(frozen=True, slots=True)
class Telephone:
    """One sandbox, by its address."""

    address: str

    def ask(self, what: str) -> Any:
        """GET /control/<what>. Raises SandboxSilent."""
        for left in reversed(range(READS)):
            try:
                return Http(self.address).get(f"/control/{what}").json()
            except ConnectorError as error:
                if not left:
                    raise SandboxSilent(
                        f"the sandbox at {self.address}, asked for {what}: {error}"
                    ) from error
        raise AssertionError("the last try returns or raises")

    def tell(self, what: str, **values: Any) -> Any:
        """POST /control/<what>, once. Raises SandboxSilent."""
        try:
            return Http(self.address).post(f"/control/{what}", json=values).json()
        except ConnectorError as error:
            raise SandboxSilent(
                f"the sandbox at {self.address}, told to {what}: {error}"
            ) from error
