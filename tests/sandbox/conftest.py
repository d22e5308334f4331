"""A sandbox of its own for each test, with a clock that stands still until the test moves it."""

from typing import Any

import msgspec
import pytest

from entrepot.connect.simulator import Clock
from entrepot.sandbox.app import Sandbox
from entrepot.sandbox.world import World


class Caller:
    """Asks and tells a sandbox's control interface without a network."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._control = sandbox.control

    def ask(self, what: str) -> Any:
        """GET; the answer must be 200."""
        status, content = self._control.answer(
            "GET", what, body=b"", base_url="http://sandbox.example"
        )
        assert status == 200, content
        return msgspec.json.decode(content)

    def tell(self, what: str, **values: Any) -> Any:
        """POST; the answer must be 200."""
        status, answer = self.try_to(what, **values)
        assert status == 200, answer
        return answer

    def try_to(self, what: str, **values: Any) -> tuple[int, Any]:
        """POST; whatever is answered."""
        status, content = self._control.answer(
            "POST", what, body=msgspec.json.encode(values), base_url="http://sandbox.example"
        )
        return status, msgspec.json.decode(content)


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(World(clock=Clock(speed=0.0)))


@pytest.fixture
def control(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)
