"""The descriptions of the interfaces as files: committed, so that a contract changes on purpose."""

import json
from enum import StrEnum
from typing import Any

from entrepot.api.interfaces.api import interfaces
from entrepot.api.rest.api import api


class Described(StrEnum):
    """Which of the two: the hub's own below /api/v1, or the documented paths below /api."""

    V1 = "v1"
    DOCUMENTED = "documented"


def described(interface: Described) -> dict[str, Any]:
    """The OpenAPI description of an interface."""
    if interface is Described.V1:
        return api.get_openapi_schema(path_prefix="/api/v1")
    return interfaces.get_openapi_schema(path_prefix="/api")


def openapi_text(interface: Described = Described.V1) -> str:
    """The description as JSON, the same for the same code."""
    return json.dumps(described(interface), indent=2) + "\n"
