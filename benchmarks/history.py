"""A hub with years of orders behind it, made once and kept in `.benchmarks/` between runs."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import history_orders, history_work
from benchmarks.haste import in_haste
from benchmarks.hub import hub_in
from entrepot.database.embedded import EmbeddedServer

CACHE = Path(__file__).parent.parent / ".benchmarks"
ORDERS_PER_DAY = 1000
# "Today" is part of what the pages show: an older past is made anew.
FRESH_S = 24 * 3600
PASSWORD = "Leuchtturm bei Nacht"
# What later statements join, and how large the planner should know it to be.
ANALYZED = {
    "lines": ["orders_line"],
    "shares": ["fulfillment_order"],
    "items": ["fulfillment_item"],
    "shipments": ["fulfillment_shipment"],
    "parcels": ["fulfillment_parcel"],
    "messages": ["inbox_message"],
}
# The part of all orders that each merchant sells, its currency and language.
MERCHANTS = (
    ("Seemöwe Prints", 0.70, "EUR", "de"),
    ("Žižkov Goods", 0.20, "CZK", "cs"),
    ("東京プリント", 0.07, "JPY", "ja"),
    ("مطبعة الكويت", 0.025, "KWD", "ar"),
    ("Ñandú", 0.005, "USD", "es"),
)
FIRST_NAMES = (
    "Anna", "Mareike", "José", "Åsa", "Tadeáš", "Zoë", "陽子", "Saoirse", "Łukasz", "Ólafur",
    "Inga", "Bjørn", "Chloé", "Noor", "Giulia", "Mehmet", "Dvořák", "Ana", "Sören", "Ivana",
)  # fmt: skip
LAST_NAMES = (
    "Süßkind", "Lindqvåg", "Říha", "Ñúñez", "田辺", "Kowalczyk", "O’Brien", "Müller", "García",
    "Þór", "Nguyễn", "Rossi", "Öztürk", "Dubois", "Jensen", "Novák", "Silva", "Smith", "Haddad",
)  # fmt: skip
CONNECTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("woocommerce", "shop", {"consumer_key": "ck_bench", "consumer_secret": "cs_bench"}),
    ("woocommerce", "boutique", {"consumer_key": "ck_bench", "consumer_secret": "cs_bench"}),
    ("stripe", "pay", {"secret_key": "sk_live_bench", "webhook_secret": "whsec_bench"}),
    ("prodigi", "prints", {"api_key": "bench"}),
    ("by_hand", "hand", {}),
    ("easypost", "tracking", {"api_key": "EZAK_bench", "webhook_secret": "bench"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Where to look in a filled hub: the largest merchant, a person there, and a machine's key."""

    orders: int
    merchant_ids: list[int]
    email: str
    api_key: str


@contextmanager
def filled_hub(orders: int) -> Iterator[tuple[EmbeddedServer, History]]:
    """Start the hub that has so many orders; the first time takes minutes and says so."""
    folder = CACHE / f"orders-{orders}"
    told = folder / "history.json"
    if not told.exists() or time.time() - told.stat().st_mtime > FRESH_S:
        shutil.rmtree(folder, ignore_errors=True)  # old, or left by a run that was interrupted
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the server's unprivileged user has to enter it
    with hub_in(folder) as server:
        if not told.exists():
            began = time.perf_counter()
            made = _fill(server, orders)
            told.write_text(json.dumps(asdict(made)))
            _say(f"{orders:,} orders in {time.perf_counter() - began:.0f} s")
        yield server, History(**json.loads(told.read_text()))


def _fill(server: EmbeddedServer, orders: int) -> History:
    from django.utils import timezone  # noqa: PLC0415 -- app not ready

    now = timezone.now()
    ids = [_merchant(*told) for told in MERCHANTS]
    _months(orders)
    history = _people(ids[0], ids, orders)
    values = {"orders": orders, "now": now, "per_day": ORDERS_PER_DAY}
    with psycopg.connect(server.url("entrepot"), autocommit=True) as connection:
        with in_haste(connection):
            connection.execute("DROP SCHEMA IF EXISTS bench CASCADE")
            connection.execute("CREATE SCHEMA bench")
            for statement in (history_orders.RANDOM, history_orders.MERCHANTS):
                connection.execute(statement)
            _tell_merchants(connection, ids, orders)
            for statement in (history_orders.LINES, history_orders.SALES, history_orders.SALES_KEY):
                connection.execute(statement, values)
            connection.execute("ANALYZE bench.sale, bench.line")
            for name, statement in {**history_orders.STATEMENTS, **history_work.STATEMENTS}.items():
                began = time.perf_counter()
                rows = connection.execute(statement, values).rowcount
                _say(f"{name}: {rows:,} rows in {time.perf_counter() - began:.1f} s")
                for table in ANALYZED.get(name, ()):
                    connection.execute(f"ANALYZE {table}")
            _raise_sequences(connection)
            connection.execute("DROP SCHEMA bench CASCADE")
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    return history


def _merchant(name: str, _part: float, _currency: str, _language: str) -> int:
    from entrepot.access.services import create_merchant  # noqa: PLC0415 -- app not ready
    from entrepot.canon.orders import Mode  # noqa: PLC0415 -- likewise
    from entrepot.connections import services  # noqa: PLC0415 -- likewise

    code = f"bench-{[told[0] for told in MERCHANTS].index(name) + 1}"
    merchant = create_merchant(name=name, code=code, time_zone="Europe/Berlin")
    for platform, which, settings in CONNECTIONS:
        shop = {"base_url": f"https://{which}.{code}.example"} if platform == "woocommerce" else {}
        connection = services.add_connection(
            merchant.id,
            platform=platform,
            mode=Mode.LIVE,
            name=f"{name}, {which}",
            code=which,
            settings={**settings, **shop},
            identity=f"{which}.{code}.example",
        )
        services.go_live(connection.id, merchant_id=merchant.id)
    return int(merchant.id)


def _months(orders: int) -> None:
    """The journal has a partition for each month that the business has seen."""
    from django.db import connections  # noqa: PLC0415 -- app not ready
    from django.utils import timezone  # noqa: PLC0415 -- likewise

    from entrepot.database.rows import scope_statements  # noqa: PLC0415 -- likewise

    month = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    with connections["owner"].schema_editor() as editor:
        for _ in range(orders // ORDERS_PER_DAY // 28 + 1):
            after, month = month, (month - timedelta(days=1)).replace(day=1)
            part = f"event_{month:%Y_%m}"
            editor.execute(
                f"CREATE TABLE {part} PARTITION OF event"
                f" FOR VALUES FROM ('{month.isoformat()}') TO ('{after.isoformat()}')"
            )
            for statement in scope_statements(editor, part):
                editor.execute(statement)


def _people(merchant_id: int, merchant_ids: list[int], orders: int) -> History:
    from entrepot.access.keys import create_api_key  # noqa: PLC0415 -- app not ready
    from entrepot.access.permissions import SCOPES  # noqa: PLC0415 -- likewise
    from entrepot.access.services import create_user, grant_role  # noqa: PLC0415 -- likewise
    from entrepot.access.states import Role  # noqa: PLC0415 -- likewise

    email = "inga@bench.example"
    user = create_user(email=email, name="Inga Körner", password=PASSWORD)
    grant_role(user.id, merchant_id=merchant_id, role=Role.OWNER)
    issued = create_api_key(
        merchant_id=merchant_id, name="Benchmark", scopes=SCOPES, rate_limit_per_minute=10_000_000
    )
    return History(orders=orders, merchant_ids=merchant_ids, email=email, api_key=issued.secret)


def _tell_merchants(connection: psycopg.Connection, ids: list[int], orders: int) -> None:
    from entrepot.access.crypto import encrypt  # noqa: PLC0415 -- app not ready
    from entrepot.customers.sealing import EMAIL  # noqa: PLC0415 -- likewise
    from entrepot.customers.services import email_hash  # noqa: PLC0415 -- likewise

    connection.execute(
        "CREATE UNLOGGED TABLE bench.customer"
        " (id bigint PRIMARY KEY, merchant_id bigint, name text, email_hash text,"
        " email_sealed bytea)"
    )
    low, first = 0.0, 1
    for merchant_id, (_, part, currency, language) in zip(ids, MERCHANTS, strict=True):
        customers = max(1, int(orders * part * 0.6))
        row = connection.execute(
            "SELECT array_agg(id ORDER BY code) FROM connections_connection WHERE merchant_id = %s",
            [merchant_id],
        ).fetchone()
        assert row is not None
        boutique, hand, pay, prints, shop, tracking = row[0]
        connection.execute(
            "INSERT INTO bench.merchant VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                *(merchant_id, low, low + part, [shop, shop, shop, boutique], pay),
                *([prints, hand], tracking, currency, language, first, customers),
            ],
        )
        with connection.cursor().copy("COPY bench.customer FROM STDIN") as copy:
            for number in range(first, first + customers):
                email = email_of(number)
                name = f"{FIRST_NAMES[number % 20]} {LAST_NAMES[number % 19]}"
                name += f"-{number % 997}" if number % 3 else ""
                sealed = encrypt(EMAIL, email.encode())
                copy.write_row((number, merchant_id, name, email_hash(email), sealed))
        low, first = low + part, first + customers


def email_of(customer: int) -> str:
    """The address of a customer by number."""
    return f"kunde.{customer}@mail.example"


def _raise_sequences(connection: psycopg.Connection) -> None:
    tables = connection.execute(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND column_name = 'id' AND is_identity = 'YES'"
    ).fetchall()
    for (table,) in tables:
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"
        )
    connection.execute("SELECT setval('event_id_seq', max(id)) FROM event")


def _say(text: str) -> None:
    print(f"history: {text}", file=sys.stderr, flush=True)
