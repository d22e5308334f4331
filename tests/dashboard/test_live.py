"""Live news: counts only, of one merchant and mode, for people who may see orders."""

import socket
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from django.test import Client

from entrepot.config.asgi import application
from tests.dashboard import scene as scenes
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.serving import serve


def opened(address: str, client: Client | None, mode: str = "live") -> socket.socket:
    """A connection that listens for news."""
    where = urlsplit(address)
    cookie = ""
    if client is not None:
        name = settings.SESSION_COOKIE_NAME
        cookie = f"Cookie: {name}={client.cookies[name].value}\r\n"
    listening = socket.create_connection((where.hostname or "", where.port or 0), timeout=20)
    listening.sendall(
        f"GET /events/stream?mode={mode} HTTP/1.1\r\nHost: testserver\r\n{cookie}\r\n".encode()
    )
    return listening


def read_until(listening: socket.socket, wanted: bytes) -> bytes:
    """What comes up to some bytes; the socket's own time-out ends a wait in vain."""
    told = b""
    while wanted not in told:
        part = listening.recv(4096)
        assert part, told
        told += part
    return told


def sold(scene: Scene, number: str, **more: str) -> None:
    """One more order."""
    scenes.sell(
        scene,
        number,
        customer="Zoë Ryś",
        country="BE",
        total="31.00",
        currency="EUR",
        lines=[("A-1", "Affiche", 3)],
        placed=timedelta(minutes=1),
        **more,  # type: ignore[arg-type]
    )


def test_a_page_hears_how_many_orders_came(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)

    with serve(application) as address, opened(address, client) as listening:
        read_until(listening, b"retry: 5000")
        sold(empty_scene, "T-1", mode="test", connection="test")
        sold(empty_scene, "1")
        sold(empty_scene, "2")
        told = read_until(listening, b'"orders": 2')

    assert b"event: news" in told
    assert b"Zo" not in told


def test_a_page_of_one_order_hears_that_it_has_changed(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)
    for number in ("Ö-1", "Ö-2"):
        sold(empty_scene, number)
    mine, other = (empty_scene.orders[number].id for number in ("Ö-1", "Ö-2"))
    shown = {}
    for order_id in (mine, other):
        page = client.get(f"/orders/{order_id}/").content.decode()
        seen = page.partition(f"&amp;order={order_id}&amp;seen=")[2].partition('"')[0]
        shown[order_id] = f"live&order={order_id}&seen={seen}"

    with (
        serve(application) as address,
        opened(address, client, shown[mine]) as here,
        opened(address, client, shown[other]) as there,
    ):
        for listening in (here, there):
            read_until(listening, b"retry: 5000")
        client.post(f"/orders/{mine}/hold/", {"reason": "Frau Ōtani fragt nach"})
        told = read_until(here, b'"changed": true')
        besides = read_until(there, b"event: news")
        with opened(address, client, shown[mine]) as late:
            read_until(late, b'"changed": true')

    assert b"event: news" in told
    assert b'"changed": true' not in besides


def test_a_stranger_hears_nothing(empty_scene: Scene) -> None:
    with serve(application) as address, opened(address, None) as listening:
        told = read_until(listening, b"\r\n\r\n")

    assert told.startswith(b"HTTP/1.1 401")


def held() -> int:
    """How many connections of the app's pool somebody keeps."""
    wrapper = connections["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    assert wrapper.pool is not None
    stats = wrapper.pool.get_stats()
    return int(stats["pool_size"] - stats["pool_available"])


def test_listening_keeps_no_connection_to_the_database(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)
    before = held()

    with serve(application) as address:
        listeners = [opened(address, client) for _ in range(7)]
        for listening in listeners:
            read_until(listening, b"retry: 5000")
        during = held()
        for listening in listeners:
            listening.close()

    assert during <= before
