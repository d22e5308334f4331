"""Whether a hub under steady load keeps its size: `make bench-soak`, an hour unless told."""

import base64
import hashlib
import hmac
import http.client
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.frame import Figure, benchmark
from benchmarks.up import RunningUp, running_up

SECRET = "benchmark-secret"
MOST_GROWTH = 1.1
LEAST_SAMPLES = 10
FIXTURE = "connectors/woocommerce/fixtures/order_cash_on_delivery.json"


@benchmark(title="Soak", order=61, is_long=True)
def soak(*, minutes: int = 60, orders_per_s: int = 10) -> Iterator[Figure]:
    """Signed webhooks of new orders through a whole hub for so long, and its resident memory.

    The first fifth warms it up; the baseline is what its processes hold then, the value what they
    hold at the end. An order goes through edge, intake, review and routing, and waits for its SKUs
    to be mapped.
    """
    with tempfile.TemporaryDirectory(prefix="entrepot-bench-") as name:
        Path(name).chmod(0o755)  # the server's unprivileged user has to enter it
        folder = Path(name) / "data"
        with running_up(folder) as hub:
            path = _a_shop(folder)
            sizes, sent = _load(hub, path, minutes=minutes, orders_per_s=orders_per_s)
            kept = _orders_kept()
    warm = sizes[len(sizes) // 5]
    for role in sizes[-1]:
        yield Figure(
            name=f"memory of {role}",
            value=round(sizes[-1][role]),
            unit="MB",
            n=len(sizes),
            baseline=round(warm[role]),
            against="after warming up",
        )
    yield Figure(
        name="memory of its own processes",
        value=round(sum(sizes[-1].values())),
        unit="MB",
        n=len(sizes),
        baseline=round(sum(warm.values())),
        against="after warming up",
        at_most=500,
        ratio_at_most=MOST_GROWTH,
    )
    yield Figure(name="orders sent", value=sent, unit="orders", n=sent)
    yield Figure(
        name="orders in the hub at the end",
        value=kept,
        unit="orders",
        n=sent,
        baseline=sent,
        against="sent",
        ratio_at_least=1,
        ratio_at_most=1,
    )


def _load(
    hub: RunningUp, path: str, *, minutes: int, orders_per_s: int
) -> tuple[list[dict[str, float]], int]:
    """Send at a steady rate; memory once a while, and how many orders were acknowledged."""
    from entrepot import connectors  # noqa: PLC0415 -- beside the other late ones

    place = Path(connectors.__path__[0]).parent / FIXTURE
    order = json.loads(place.read_text())
    address = urlsplit(hub.address)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
    sizes = [hub.memory_mb()]
    began = time.monotonic()
    seconds = minutes * 60
    every = min(60.0, seconds / LEAST_SAMPLES)
    sent = 0
    while (now := time.monotonic() - began) < seconds:
        if now > every * len(sizes):
            sizes.append(hub.memory_mb())
        if sent >= now * orders_per_s:
            time.sleep(0.02)
            continue
        sent += 1
        order |= {"id": sent, "number": str(sent), "order_key": f"wc_order_{sent}"}
        _send(connection, path, json.dumps(order).encode())
    _wait_until_drained(sent)
    sizes.append(hub.memory_mb())
    return sizes, sent


def _send(connection: http.client.HTTPConnection, path: str, body: bytes) -> None:
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": "order.created",
        "X-WC-Webhook-Signature": signature,
    }
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise RuntimeError(f"a webhook was answered {answer.status}")


def _a_shop(folder: Path) -> str:
    """Set up a live shop in the running hub; the path of its webhooks."""
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "entrepot.config.settings",
        "ENTREPOT_DATA": str(folder),
        "ENTREPOT_LOG_LEVEL": "warning",
    }
    import django  # noqa: PLC0415 -- after the environment is set

    django.setup()
    from benchmarks.shop import a_shop  # noqa: PLC0415 -- app not ready
    from entrepot.connections import services  # noqa: PLC0415 -- likewise

    connection = a_shop(SECRET)
    services.go_live(connection.id, merchant_id=connection.merchant_id)
    return f"/hooks/{connection.token}"


def _orders_kept() -> int:
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.database import sql  # noqa: PLC0415 -- likewise

    with scope.system():
        return int(sql.fetch_value("SELECT count(*) FROM orders_order"))


def _wait_until_drained(sent: int) -> None:
    deadline = time.monotonic() + 60
    while _orders_kept() < sent and time.monotonic() < deadline:
        time.sleep(0.5)
