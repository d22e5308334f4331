"""Every platform with a capability, its simulator over HTTP on loopback, and a client of it."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.connect import registry
from entrepot.connect.http import Http
from entrepot.connect.ports import Account
from entrepot.connect.registry import Platform
from entrepot.connect.simulator import Clock, Simulator
from tests.conformance.examples import example
from tests.serving import serve

START = datetime(2026, 11, 20, 9, tzinfo=UTC)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `platform` each platform that has the module's CAPABILITY (all, if it has none)."""
    if "platform" not in metafunc.fixturenames:
        return
    wanted = getattr(metafunc.module, "CAPABILITY", "")
    found = [
        platform
        for platform in registry.platforms().values()
        if not wanted
        or (
            platform.offers("simulator")
            and any(name.startswith(wanted) for name in platform.manifest.capabilities)
        )
    ]
    metafunc.parametrize("platform", found, ids=[platform.code for platform in found])


@dataclass(frozen=True)
class Outside:
    """A platform as it stands outside: its simulator, the account there, and our client."""

    platform: Platform
    simulator: Simulator
    account: Account
    client: Any

    def as_account(self, account: Account) -> Any:
        """A client of another account, or of the same one with other settings."""
        return self.platform.client(Http(self.platform.base_url(account)), account)

    def sizes(self) -> dict[str, int]:
        """How much stands in each of the simulator's books."""
        return {name: len(book) for name, book in self.simulator.books.items()}

    def example(self, name: str, *args: Any, **options: Any) -> Any:
        """What the platform's simulator.py offers under that name."""
        return example(self.platform, name)(*args, **options)


@pytest.fixture
def outside(platform: Platform) -> Iterator[Outside]:
    """The platform, served for as long as a test takes."""
    make_account = example(platform, "example_account")
    simulator = platform.simulator(Clock(start=START))
    with serve(simulator) as address:
        account = make_account(address)
        client = platform.client(Http(platform.base_url(account)), account)
        yield Outside(platform, simulator, account, client)


@pytest.fixture
def unreachable(platform: Platform) -> Any:
    """A client of the platform at an address where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    account = example(platform, "example_account")(f"http://127.0.0.1:{port}")
    return platform.client(Http(platform.base_url(account)), account)


@pytest.fixture
def with_wrong_secrets() -> Callable[[Outside], Account]:
    """The account with every secret replaced by one that was never issued."""

    def changed(outside: Outside) -> Account:
        secret = {each.name for each in outside.platform.manifest.settings if each.type == "secret"}
        settings = {
            name: "never-issued" if name in secret and value else value
            for name, value in outside.account.settings.items()
        }
        return replace(outside.account, settings=settings)

    return changed
