"""Every operation of the interface, as its description tells, with something to send."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from entrepot.api.rest.api import api

PARAMETER = re.compile(r"\{(?P<name>[a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. `body` is an example that its shape accepts."""

    method: str
    path: str
    name: str
    scope: str
    summary: str
    description: str
    body: Any
    query: tuple[str, ...]

    @property
    def is_reading(self) -> bool:
        return self.method == "GET"


@cache
def operations() -> tuple[Operation, ...]:
    """All of them, in the order of the description."""
    described = api.get_openapi_schema(path_prefix="/api/v1")
    return tuple(
        Operation(
            method=method.upper(),
            path=path,
            name=operation["operationId"],
            scope=operation["x-scope"],
            summary=operation["summary"],
            description=operation["description"],
            body=_body(operation, described["components"]["schemas"]),
            query=tuple(
                parameter["name"]
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "query"
            ),
        )
        for path, item in described["paths"].items()
        for method, operation in item.items()
    )


def filled(path: str, values: Mapping[str, object] | None = None) -> str:
    """A path with its parameters; a number where nothing else is given."""
    return PARAMETER.sub(lambda found: str((values or {}).get(found["name"], 999_999)), path)


def example_of(shape: Mapping[str, Any], shapes: Mapping[str, Any]) -> Any:
    """A value that a shape accepts: only what is required."""
    if "$ref" in shape:
        return example_of(shapes[shape["$ref"].rpartition("/")[2]], shapes)
    if options := shape.get("anyOf") or shape.get("allOf"):
        return example_of(options[0], shapes)
    if "enum" in shape:
        return shape["enum"][0]
    if examples := shape.get("examples"):
        return examples[0]
    match shape.get("type"):
        case "object":
            properties = shape.get("properties", {})
            return {
                name: example_of(properties[name], shapes) for name in shape.get("required", ())
            }
        case "array":
            return [example_of(shape["items"], shapes)] * shape.get("minItems", 0)
        case "integer" | "number":
            return shape.get("minimum", 1)
        case "boolean":
            return True
        case _:
            return _text(shape)


def _text(shape: Mapping[str, Any]) -> str:
    known = {"^[A-Z]{3}$": "EUR", "^[A-Z]{2}$": "DE"}
    if shape.get("pattern", "") in known:
        return known[shape["pattern"]]
    return "https://shop.example/ü"


def _body(operation: Mapping[str, Any], shapes: Mapping[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else example_of(content["schema"], shapes)
