"""The description of the interface as a file: committed, so that a contract changes on purpose."""

import json

from entrepot.api.rest.api import api


def openapi_text() -> str:
    """The OpenAPI description as JSON, the same for the same code."""
    return json.dumps(api.get_openapi_schema(path_prefix="/api/v1"), indent=2) + "\n"
