"""The OpenAPI description as callers meet it: what is refused and how, and what is not JSON."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from entrepot.api.errors import CONTENT_TYPE

JSON = "application/json"
FIRST_REFUSAL = 400


class Interface(NinjaAPI):
    """An interface whose description names the media types that its answers really have.

    The framework takes every answer for JSON. Errors are problems, and an operation may say that it
    answers with a file (`x-answers`).
    """

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        described = super().get_openapi_schema(**options)
        for item in described["paths"].values():
            for operation in item.values():
                _name_media(operation)
        return described


def _name_media(operation: dict[str, Any]) -> None:
    kind = operation.get("x-answers", JSON)
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if JSON in content:
            shape = content.pop(JSON)
            content[CONTENT_TYPE if int(status) >= FIRST_REFUSAL else kind] = shape
