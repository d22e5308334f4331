"""What the interface says of itself: complete, current, and a scope for everything."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from ninja import Schema

from entrepot.access.permissions import SCOPES
from entrepot.api.description import Described, openapi_text
from entrepot.api.rest.api import api
from tests.api.calling import Caller, caller
from tests.api.walking import filled, operations
from tests.dashboard.scene import Scene

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMITTED = {Described.V1: "openapi.json", Described.DOCUMENTED: "openapi-documented.json"}


@pytest.mark.parametrize("interface", Described)
def test_the_committed_description_is_current(interface: Described) -> None:
    option = " --documented" if interface is Described.DOCUMENTED else ""
    name = COMMITTED[interface]

    assert (DOCS / name).read_text() == openapi_text(interface), (
        f"the interface changed: run `entrepot openapi{option} --write docs/{name}` and look at"
        " the difference"
    )


def test_the_documented_paths_are_described_as_the_document_has_them() -> None:
    described = json.loads(openapi_text(Described.DOCUMENTED))["paths"]

    assert {path: sorted(item) for path, item in described.items()} == {
        "/api/orders/management": ["get", "patch"],
        "/api/orders/{key}/status": ["get", "post"],
        "/api/dropship/prodigi": ["get", "post"],
        "/api/notifications": ["delete", "get", "patch"],
        "/api/admin/health": ["get", "post"],
    }
    for path, item in described.items():
        for method, operation in item.items():
            assert operation["x-scope"] in SCOPES, (method, path)


def test_every_operation_names_a_scope_that_exists_and_a_summary() -> None:
    found = operations()

    assert len(found) > 70
    assert [one.name for one in found if one.scope not in SCOPES] == []
    assert [one.name for one in found if not one.summary or not one.description] == []
    for path, item in api.get_openapi_schema()["paths"].items():
        for method, operation in item.items():
            assert operation["security"] == [{"ApiKey": []}], (path, method)


def test_no_request_may_carry_names_that_nobody_knows() -> None:
    """Whoever misspells an optional name would else be taken to have left it out."""
    described = json.loads(openapi_text(Described.V1))
    shapes, found, loose = described["components"]["schemas"], set[str](), []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                walk(shapes[name])
            is_shape = part.get("type") == "object" and "properties" in part
            if is_shape and part.get("additionalProperties") is not False:
                loose.append(part.get("title"))
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    for item in described["paths"].values():
        for operation in item.values():
            walk(operation.get("requestBody", {}))

    assert len(found) > 30
    assert loose == []


def test_no_two_shapes_share_a_name() -> None:
    """The description keeps shapes by name: a second one would silently replace the first."""

    def below(kind: type[Any]) -> set[type[Any]]:
        found = {one for one in kind.__subclasses__() if one.__module__.startswith("entrepot.api")}
        return found | {deeper for one in kind.__subclasses__() for deeper in below(one)}

    names = [kind.__name__ for kind in below(Schema) if "[" not in kind.__name__]

    assert sorted(name for name in names if names.count(name) > 1) == []


def test_without_a_key_nothing_answers(database: str) -> None:
    for operation in operations():
        answer = Caller("").send(operation.method, filled(operation.path), operation.body)

        assert answer.status == 401, operation.name
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_key_with_every_other_scope_is_refused_everywhere(shop_day: Scene) -> None:
    for scope in sorted({one.scope for one in operations()}):
        lacking = caller(shop_day.merchant, scopes=set(SCOPES) - {scope})
        for operation in (one for one in operations() if one.scope == scope):
            answer = lacking.send(operation.method, filled(operation.path), operation.body)
            assert (answer.status, answer.body["scope"]) == (403, scope), operation.name


def test_the_documentation_loads_nothing_from_elsewhere(database: str) -> None:
    for address, title in (
        ("/api/docs", "Entrepot"),
        ("/api/docs?of=documented", "Entrepot, documented interfaces"),
    ):
        page = Client().get(address)
        told = re.search('data-description="([^"]+)"', page.content.decode())

        assert page.status_code == 200
        assert "http://" not in page.content.decode()
        assert "https://" not in page.content.decode()
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert told is not None
        assert json.loads(Client().get(told[1]).content)["info"]["title"] == title


def test_what_is_not_there_is_a_problem_too(machine: Caller) -> None:
    nowhere = machine.get("/api/v1/nothing")
    wrong = machine.delete("/api/v1/orders/10482")

    assert (nowhere.status, nowhere.body["title"]) == (404, "Not Found")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET")
    assert wrong.headers["Content-Type"] == "application/problem+json"
