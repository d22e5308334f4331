"""Finds platforms: every folder in entrepot/connectors with a manifest is one."""

import importlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import entrepot.connectors
from entrepot.connect import manifest
from entrepot.connect.manifest import Manifest

if TYPE_CHECKING:
    # Every command reads the manifests at its start, and few need an HTTP client or a simulator.
    from entrepot.connect.http import Http
    from entrepot.connect.ports import Account, Connector, WebhookModule
    from entrepot.connect.simulator import Clock, Simulator
    from entrepot.connect.world import Place


class UnknownPlatform(LookupError):
    """No folder of that name stands in entrepot/connectors."""

    def __init__(self, code: str) -> None:
        super().__init__(f"no platform {code!r}: known are {', '.join(sorted(platforms()))}")


class NotOffered(LookupError):
    """A platform's folder does not have the module that was asked for."""

    def __init__(self, code: str, module: str) -> None:
        super().__init__(f"platform {code!r} has no {module}.py: ask `offers({module!r})` first")


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform folder: its manifest, and its modules imported when first asked for."""

    manifest: Manifest

    @property
    def code(self) -> str:
        """The folder's name."""
        return self.manifest.code

    @property
    def webhook(self) -> "WebhookModule":
        """The pure functions `verify` and `normalize`."""
        return cast("WebhookModule", self._module("webhook"))

    def client(self, http: "Http", account: "Account") -> "Connector":
        """A client for one account. Ask what it can do with isinstance and the protocols."""
        return cast("Connector", self._module("client").Client(http, account))

    def base_url(self, account: "Account") -> str:
        """Where this account's calls go."""
        return str(self._module("client").base_url(account))

    def simulator(self, clock: "Clock") -> "Simulator":
        """The platform offline."""
        return cast("Simulator", self._module("simulator").build(clock))

    def places(self, clock: "Clock", run: str) -> "list[Place]":
        """The platform's accounts in the sandbox; none where the folder has no `world.py`."""
        if not self.offers("world"):
            return []
        return cast("list[Place]", self._module("world").places(clock, run))

    def offers(self, module: str) -> bool:
        """Whether the folder has a module; one without an outside has no webhook, no simulator."""
        return importlib.util.find_spec(f"entrepot.connectors.{self.code}.{module}") is not None

    def _module(self, name: str) -> Any:
        if not self.offers(name):
            raise NotOffered(self.code, name)
        return importlib.import_module(f"entrepot.connectors.{self.code}.{name}")


@cache
def platforms() -> dict[str, Platform]:
    """Every platform by its code."""
    folder = Path(entrepot.connectors.__path__[0])
    return {
        path.parent.name: Platform(manifest.read(path))
        for path in sorted(folder.glob("*/manifest.toml"))
    }


def platform(code: str) -> Platform:
    """One platform by its code.

    Raises:
        UnknownPlatform: there is no such folder.
    """
    try:
        return platforms()[code]
    except KeyError:
        raise UnknownPlatform(code) from None
