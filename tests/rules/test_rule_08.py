"""Rule 8: what a SKU becomes is said, never guessed; its print files are copied in time."""

import hashlib
import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from entrepot.access import scope
from entrepot.catalog import artwork, services
from entrepot.catalog.models import Asset, AssetPart
from entrepot.catalog.services import Artwork, MappingWish
from entrepot.catalog.states import MappingKind
from entrepot.connections.models import Connection
from entrepot.connectors.prodigi.simulator import ProdigiSimulator
from entrepot.database import sql
from entrepot.fulfillment.planning import plan_order
from entrepot.monitoring import retention
from entrepot.sandbox.print_files import white_picture
from entrepot.tasks.artwork import sweep
from tests.rules.trade import Trade, line, snapshot

PICTURE = white_picture(2400, 3000)
OWN_FILE = "Dein Bild"
AFTER_A_FILE = ("catalog.after_artwork", "catalog.after_mapping")


@dataclass
class Shop:
    """Where the merchant keeps print files, until somebody tidies up."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def cdn() -> Iterator[Shop]:
    shop = Shop(files={"/möwe.png": PICTURE, "/rück.png": PICTURE + b"!", "/klein.png": b""})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = httpx.URL(f"http://x{self.path}").path
            shop.asked.append(path)
            if path in shop.moved:
                self.send_response(302)
                self.send_header("Location", shop.moved[path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = shop.files.get(path)
            self.send_response(404 if content is None else shop.status)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    shop.files["/klein.png"] = white_picture(800, 600)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shop.address = f"http://127.0.0.1:{server.server_port}"
    yield shop
    server.shutdown()
    server.server_close()
    thread.join(5)


def sell(trade: Trade, provider: Connection, *files: Artwork, sku: str = "MOEWE-A3") -> None:
    trade.made_by(provider, sku, artwork=list(files))


def assets(trade: Trade) -> dict[str, Asset]:
    with scope.merchant(trade.merchant.id):
        return {asset.url.rpartition("/")[2]: asset for asset in Asset.objects.all()}


def ordered_assets(house: ProdigiSimulator) -> list[dict[str, Any]]:
    return [
        asset
        for order in house.orders.values()
        for item in order.asked["items"]
        for asset in item["assets"]
    ]


def test_an_unmapped_sku_holds_every_order_and_mapping_it_once_releases_them_all(
    trade: Trade,
) -> None:
    trade.tell(
        snapshot("1", line("ROBBE-A3", 2)),
        snapshot("2", line("ROBBE-A3", 3), line("POST-12", 2, "7.50")),
    )
    place = trade.by_hand("POST-12")
    trade.work()
    assert [trade.holds(name) for name in "12"] == [[("unmapped_sku", "ROBBE-A3")]] * 2
    assert trade.statuses("2") == []  # no part of an order leaves by accident

    trade.by_hand("ROBBE-A3", provider=place)
    trade.work()

    assert [trade.holds(name) for name in "12"] == [[], []]
    assert [trade.statuses(name) for name in "12"] == [["accepted"], ["accepted"]]


def test_each_line_becomes_what_its_sku_is_mapped_to(
    trade: Trade, provider: Connection, house: ProdigiSimulator
) -> None:
    trade.made_by(provider, "MOEWE-A3", attributes={"paper": "matt"})
    trade.by_hand("MUG-11OZ", "POST-12")
    parts = {"MUG-11OZ": 2, "POST-12": 1}
    for sku, wish in {
        "SET-1": MappingWish(kind=MappingKind.KIT, parts=parts),
        "PDF-1": MappingWish(kind=MappingKind.NOTHING),
        "FBA-1": MappingWish(kind=MappingKind.ELSEWHERE),
    }.items():
        services.map_sku(trade.merchant.id, sku, wish=wish, by="user:1")

    skus = {"MOEWE-A3": 2, "SET-1": 3, "PDF-1": 1, "FBA-1": 4}
    trade.tell(snapshot("1", *(line(sku, count) for sku, count in skus.items())))
    trade.work()

    lines = trade.lines("1")
    assert (lines["PDF-1"].units_nothing, lines["FBA-1"].units_elsewhere) == (1, 4)
    (item,) = next(iter(house.orders.values())).asked["items"]
    assert (item["copies"], item["sizing"], item["attributes"]) == (
        2,
        "fillPrintArea",
        {"paper": "matt"},
    )
    by_hand = [share for share in trade.shares("1") if share.is_by_hand]
    with scope.merchant(trade.merchant.id):
        packed = {i.sku: i.quantity for share in by_hand for i in share.items.all()}
    assert packed == {"MUG-11OZ": 6, "POST-12": 3}


def test_a_file_is_copied_when_its_sku_is_mapped_and_outlives_the_shops_link(
    trade: Trade, provider: Connection, house: ProdigiSimulator, cdn: Shop
) -> None:
    front = Artwork(url=f"{cdn.address}/möwe.png", min_width_px=2400, min_height_px=3000)
    back = Artwork(url=f"{cdn.address}/rück.png", print_area="back")
    sell(trade, provider, front, back)
    trade.work()
    cdn.files.clear()

    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()

    assert trade.statuses("1") == ["accepted"]
    sent = {asset["printArea"]: asset for asset in ordered_assets(house)}
    assert set(sent) == {"default", "back"}
    for area, content in {"default": PICTURE, "back": PICTURE + b"!"}.items():
        assert sent[area]["md5Hash"] == hashlib.md5(content).hexdigest()
        path = sent[area]["url"].removeprefix(settings.PUBLIC_URL)
        answer = Client().get(path)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
        assert b"".join(answer) == content
    kept = assets(trade)["möwe.png"]
    assert (kept.width_px, kept.height_px, kept.size) == (2400, 3000, len(PICTURE))
    assert kept.sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_a_link_that_was_changed_or_is_over_shows_nothing(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(url=f"{cdn.address}/möwe.png"))
    trade.work()
    link = artwork.link_of(assets(trade)["möwe.png"]).removeprefix(settings.PUBLIC_URL)

    assert Client().get(link).status_code == 200
    assert Client().get(link.replace("/artwork/", "/artwork/x")).status_code == 404
    with scope.merchant(trade.merchant.id):
        AssetPart.objects.all().delete()
        Asset.objects.update(status="waiting")
    assert Client().get(link).status_code == 404


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("weg.png", "is unreachable: {address}/weg.png answered 404"),
        ("klein.png", "has 800 x 600 px, and 2400 x 3000 are needed"),
    ],
)
def test_a_file_that_cannot_be_printed_holds_the_order_with_its_reason(
    trade: Trade, provider: Connection, cdn: Shop, file: str, words: str
) -> None:
    wanted = Artwork(url=f"{cdn.address}/{file}", min_width_px=2400, min_height_px=3000)
    sell(trade, provider, wanted)
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()

    assert trade.holds("1") == [("missing_artwork", "MOEWE-A3")]
    problem = words.format(address=cdn.address)
    assert trade.reasons("1") == [f"MOEWE-A3: artwork for print area “default” {problem}"]
    assert (trade.shares("1"), trade.attempts("submit")) == ([], [])


def test_a_file_that_comes_back_is_copied_later_and_the_orders_go_on(
    trade: Trade, provider: Connection, house: ProdigiSimulator, cdn: Shop
) -> None:
    cdn.status = 503
    sell(trade, provider, Artwork(url=f"{cdn.address}/möwe.png"))
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    trade.work()
    assert [kind for kind, _ in trade.holds("1")] == ["missing_artwork"]

    cdn.status = 200
    sweep()
    trade.work()
    assert len(trade.holds("1")) == 1  # not yet: it is asked again after a minute

    with scope.merchant(trade.merchant.id):
        Asset.objects.update(checked_at="2026-01-01T00:00Z")
    sweep()
    trade.work()

    assert (trade.holds("1"), trade.statuses("1")) == ([], ["accepted"])


def test_the_customers_own_file_is_copied_before_their_order_is_planned(
    trade: Trade, provider: Connection, house: ProdigiSimulator, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(line_property=OWN_FILE))
    mine = ((OWN_FILE, f" {cdn.address}/möwe.png "), ("Gravur", "für Öle"))
    trade.tell(
        snapshot("1", line("MOEWE-A3", 2, properties=mine)),
        snapshot("2", line("MOEWE-A3", 3)),
        snapshot("3", line("MOEWE-A3", 4, properties=((OWN_FILE, "bild.png"),))),
        snapshot("4", line("MOEWE-A3", 5, properties=((OWN_FILE, "data:" + "x" * 5000),))),
    )
    trade.work()

    assert trade.statuses("1") == ["accepted"]
    assert [asset["md5Hash"] for asset in ordered_assets(house)] == [
        hashlib.md5(PICTURE).hexdigest()
    ]
    assert trade.reasons("2") == ["MOEWE-A3: no artwork for print area “default”"]
    assert trade.reasons("3") == [
        (
            "MOEWE-A3: artwork for print area “default” is unreachable:"
            " 'bild.png' is not an http address"
        )
    ]
    assert trade.reasons("4") == ["MOEWE-A3: artwork for print area “default” is no link"]


def test_one_file_of_many_orders_is_fetched_once(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(url=f"{cdn.address}/möwe.png"))
    trade.tell(*(snapshot(f"{n}", line("MOEWE-A3", 2 + n)) for n in range(5)))
    trade.work()

    assert cdn.asked == ["/möwe.png"]
    assert [trade.statuses(f"{n}") for n in range(5)] == [["accepted"]] * 5


def test_a_customers_link_never_reaches_into_our_own_network(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(line_property=OWN_FILE))
    before, settings.ALLOW_PRIVATE_ADDRESSES = settings.ALLOW_PRIVATE_ADDRESSES, False
    try:
        inside = ((OWN_FILE, f"{cdn.address}/möwe.png"),)
        trade.tell(snapshot("1", line("MOEWE-A3", 2, properties=inside)))
        trade.work()
    finally:
        settings.ALLOW_PRIVATE_ADDRESSES = before

    assert cdn.asked == []
    (reason,) = trade.reasons("1")
    assert "is a private address" in reason


def test_an_order_that_was_held_at_the_very_moment_its_file_came_goes_on(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(url=f"{cdn.address}/möwe.png"))
    trade.tell(snapshot("1", line("MOEWE-A3", 2)))
    plan_order(trade.merchant.id, trade.order("1").id)  # before anybody has copied it
    assert trade.reasons("1") == ["MOEWE-A3: artwork for print area “default” is not copied yet"]
    with scope.merchant(trade.merchant.id):
        asset_id = Asset.objects.get().id
        artwork.keep(asset_id, io.BytesIO(PICTURE), media_type="image/png")
    with scope.system():
        sql.run("DELETE FROM pgqueuer WHERE entrypoint IN (%s, %s)", [*AFTER_A_FILE])

    sweep()
    trade.work()

    assert (trade.holds("1"), trade.statuses("1")) == ([], ["accepted"])


def test_a_redirect_is_followed_but_not_for_ever(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    cdn.moved = {"/alt.png": "/möwe.png", "/kreis.png": "/kreis.png"}
    sell(trade, provider, Artwork(url=f"{cdn.address}/alt.png"))
    sell(trade, provider, Artwork(url=f"{cdn.address}/kreis.png"), sku="POST-12")
    trade.work()

    kept = assets(trade)
    assert (kept["alt.png"].status, kept["kreis.png"].status) == ("ready", "unreachable")
    assert "redirected more than 5 times" in kept["kreis.png"].reason


def test_where_the_hub_cannot_be_reached_a_provider_gets_the_shops_own_link(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(url=f"{cdn.address}/möwe.png"))
    trade.work()
    kept = assets(trade)["möwe.png"]
    before = settings.ALLOW_PRIVATE_ADDRESSES, settings.PUBLIC_URL
    settings.ALLOW_PRIVATE_ADDRESSES = False
    try:
        for inside in ("http://127.0.0.1:8000", "http://localhost:8000", "http://10.1.2.3"):
            settings.PUBLIC_URL = inside
            assert artwork.link_of(kept) == kept.url
        settings.PUBLIC_URL = "https://hub.möwe.example"
        assert artwork.link_of(kept).startswith("https://hub.möwe.example/artwork/")
    finally:
        settings.ALLOW_PRIVATE_ADDRESSES, settings.PUBLIC_URL = before


def test_a_customers_own_file_is_not_kept_for_ever_and_a_products_is(
    trade: Trade, provider: Connection, cdn: Shop
) -> None:
    sell(trade, provider, Artwork(url=f"{cdn.address}/möwe.png"))
    sell(trade, provider, Artwork(line_property=OWN_FILE), sku="POST-12")
    mine = ((OWN_FILE, f"{cdn.address}/rück.png"),)
    trade.tell(snapshot("1", line("POST-12", 3, properties=mine)))
    trade.work()
    assert set(assets(trade)) == {"möwe.png", "rück.png"}
    retention.remove_old()
    assert set(assets(trade)) == {"möwe.png", "rück.png"}

    with scope.merchant(trade.merchant.id):
        Asset.objects.update(checked_at=timezone.now() - timedelta(days=181))
    retention.remove_old()

    assert set(assets(trade)) == {"möwe.png"}
    with scope.merchant(trade.merchant.id):
        assert set(AssetPart.objects.values_list("asset__url", flat=True)) == {
            f"{cdn.address}/möwe.png"
        }
