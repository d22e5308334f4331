"""What the web process answers by itself, before Django."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper

from entrepot.config.asgi import ROOM_FOR_A_FORM, application, edge_application
from entrepot.config.readiness import Readiness
from tests.serving import serve

MEGABYTE = bytes(1024 * 1024)


@pytest.fixture
def hub() -> Iterator[httpx.Client]:
    with serve(application) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.fixture
def edge() -> Iterator[httpx.Client]:
    with serve(edge_application) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_health_needs_no_database(hub: httpx.Client) -> None:
    answer = hub.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert answer.headers["cache-control"] == "no-store"


def test_an_answer_names_its_request(hub: httpx.Client) -> None:
    made = hub.get("/healthz").headers["x-request-id"]
    kept = hub.get("/healthz", headers={"X-Request-ID": "proxy-17:a"}).headers["x-request-id"]
    refused = hub.get("/healthz", headers={"X-Request-ID": "a b{}"}).headers["x-request-id"]

    assert re.fullmatch(r"[0-9a-f]{32}", made)
    assert kept == "proxy-17:a"
    assert re.fullmatch(r"[0-9a-f]{32}", refused)


def test_the_edge_serves_webhooks_and_health_only(edge: httpx.Client) -> None:
    page = edge.get("/admin/login/")

    assert page.status_code == 404
    assert page.json()["reasons"] == ["only webhooks are served here"]
    assert edge.get("/events/stream").status_code == 404
    assert edge.get("/healthz").status_code == 200


def test_static_files_are_served_whole_and_cacheable(hub: httpx.Client) -> None:
    answer = hub.get("/static/admin/css/base.css")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/css")
    assert int(answer.headers["content-length"]) == len(answer.read()) > 10_000
    again = hub.get(
        "/static/admin/css/base.css", headers={"If-Modified-Since": answer.headers["last-modified"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_a_body_of_any_size_is_refused_before_it_is_taken_in(hub: httpx.Client) -> None:
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + ROOM_FOR_A_FORM
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    announced = hub.post("/sign-in/", headers=form, content=bytes(most + 1))
    streamed = hub.post("/sign-in/", headers=form, content=[MEGABYTE] * 40)

    assert [announced.status_code, streamed.status_code] == [413, 413]
    assert streamed.json()["detail"] == f"the body is too large: {most} bytes are the most"


def test_a_websocket_is_closed() -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(application({"type": "websocket", "path": "/"}, receive, send))

    assert sent == [{"type": "websocket.close", "code": 1003}]


def test_a_migrated_database_is_ready(database: str) -> None:
    assert Readiness("system").faults() == []


def test_a_missing_migration_is_named(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as owner:
        row = owner.execute(
            "DELETE FROM django_migrations WHERE app = 'events' AND name = '0001_event'"
            " RETURNING app, name, applied"
        ).fetchall()
        try:
            faults = Readiness("system").faults()
        finally:
            for values in row:
                owner.execute(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", values
                )

    assert faults == ["one migration is not applied, events.0001_event: run `entrepot migrate`"]


def test_an_unreachable_database_is_a_reason_and_not_an_error(database: str) -> None:
    system = connections["system"]
    assert isinstance(system, DatabaseWrapper)
    system.close()
    system.close_pool()
    kept = {**system.settings_dict, "OPTIONS": dict(system.settings_dict["OPTIONS"])}
    del system.settings_dict["OPTIONS"]["pool"]  # which would wait for a server to come back
    system.settings_dict["PORT"] = "1"
    try:
        assert Readiness("system").faults() == ["the database does not answer"]
    finally:
        system.settings_dict.update(kept)
