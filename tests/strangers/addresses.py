"""Every address of the hub, from the URL configuration, and how a stranger asks for it.

An address that nobody here knows how to ask is an error: a new endpoint joins the walk by existing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from entrepot.api.description import Described, described
from tests.api.walking import example_of

PARAMETER = re.compile(r"<(?:[a-z]+:)?(?P<name>[a-z_]+)>")
METHODS = ("get", "post", "put", "patch", "delete")


class Unasked(Exception):
    """There is an address, or a part of one, that the walk does not know how to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A path of the URL configuration, with its parameters in angle brackets.

    `way` says who asks and how: "api" with a key and the bodies that the description tells, "page"
    with a session, "admin" with a session, "token" with what customers get, "figures" with a key,
    "open" the same for everybody.
    """

    path: str
    way: str

    @property
    def parameters(self) -> list[str]:
        """The names of what has to be filled in."""
        return [found["name"] for found in PARAMETER.finditer(self.path)]

    def filled(self, things: Mapping[str, object]) -> str:
        """The path that asks for certain things.

        Raises:
            Unasked: nothing of that name is known.
        """
        missing = set(self.parameters) - set(things)
        if missing:
            raise Unasked(f"{self.path}: nothing to ask for as {', '.join(sorted(missing))}")
        return "/" + PARAMETER.sub(lambda found: str(things[found["name"]]), self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A method of an address of an interface, with the shape of what it takes."""

    address: Address
    method: str
    name: str
    shape: Mapping[str, Any] | None
    shapes: Mapping[str, Any]
    query: tuple[str, ...]

    def body(self, things: Mapping[str, object]) -> Any:
        """A body that asks for things: what is required, and each member that can name a thing."""
        if self.shape is None:
            return None
        shape = self.shape
        if "$ref" in shape:
            shape = self.shapes[shape["$ref"].rpartition("/")[2]]
        told = example_of(shape, self.shapes)
        if not isinstance(told, dict):
            return told
        known = {
            name: _typed(member, things[name])
            for name, member in shape.get("properties", {}).items()
            if name in things
        }
        return {**told, **known}


def addresses(resolver: URLResolver | None = None) -> list[Address]:
    """Every address, once.

    Raises:
        Unasked: one belongs to no part of the hub that the walk knows.
    """
    found = {_tidy(path): names for path, names in _paths(resolver or get_resolver(), "", ())}
    return [Address(path=path, way=_way(path, names)) for path, names in sorted(found.items())]


def calls(known: list[Address]) -> list[Call]:
    """Every operation of the interfaces.

    Raises:
        Unasked: an address of an interface is described nowhere.
    """
    told = [described(interface) for interface in Described]
    operations = {path: (item, one) for one in told for path, item in one["paths"].items()}
    return [
        Call(
            address=address,
            method=method.upper(),
            name=item[method]["operationId"],
            shape=_shape(item[method]),
            shapes=one["components"]["schemas"],
            query=tuple(
                parameter["name"]
                for parameter in item[method].get("parameters", ())
                if parameter["in"] == "query"
            ),
        )
        for address in known
        if address.way == "api"
        for item, one in [_described(address, operations)]
        for method in METHODS
        if method in item
    ]


def _described(address: Address, operations: Mapping[str, Any]) -> tuple[Any, Any]:
    path = "/" + PARAMETER.sub(lambda found: "{" + found["name"] + "}", address.path)
    if path not in operations:
        raise Unasked(f"{path} is described by no interface")
    item, one = operations[path]
    return item, one


def _paths(
    resolver: URLResolver, before: str, names: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield path, (*names, one.name or "")
        else:
            yield from _paths(one, path, (*names, one.namespace or ""))


def _tidy(path: str) -> str:
    """Regular expressions as the one word that stands for all that they match."""
    return re.sub(r"\(\?P<(?P<name>[a-z_]+)>.*\)/?\$$", r"<\g<name>>", path).replace("^", "")


# Pages of the door, descriptions, and whatever answers that nothing is there.
OPEN = {
    "api/docs", "api/status", "api/v1/", "api/", "api/v1/openapi.json", "api/documented.json",
    "api/.*$", "track/style/<str:color>.css", "sign-in/", "sign-in/code/",
    "sign-in/second-factor/", "sign-out/", "merchant/",
}  # fmt: skip


def _way(path: str, names: tuple[str, ...]) -> str:
    if path in OPEN:
        return "open"
    first = path.partition("/")[0]
    if "live" in names or "test" in names:
        return "page"
    known = {
        "admin": "admin",
        "api": "api",
        "t": "token",
        "track": "token",
        "artwork": "token",
        "sign-in": "token",
        "mail-events": "token",
        "metrics": "figures",
    }
    if first not in known:
        raise Unasked(f"{path}: say in {__name__} how a stranger asks for it")
    return known[first]


def _shape(operation: Mapping[str, Any]) -> Mapping[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return None if content is None else content["schema"]


def _typed(member: Mapping[str, Any], thing: object) -> object:
    """A thing as a body names it: alone, or in a list."""
    kinds = json.dumps(member)
    if '"array"' in kinds:
        return [thing]
    return thing if '"integer"' in kinds and isinstance(thing, int) else str(thing)
