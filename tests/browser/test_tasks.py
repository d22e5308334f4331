"""What operators and customers come to do, from the home page on, and how many clicks it takes.

Eight of the ten tasks by which the pages are judged: why an order is late, a SKU that many wait
for, a secret, the last hour again, a hold of the gateway's fraud check, a tracking number, a store,
and that nothing was lost. The other two wait for what they need: a second provider of one SKU to
fail over to, and stock of the merchant's own.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from playwright.sync_api import FilePayload, Locator, Page, expect

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.catalog.models import Mapping
from entrepot.connections.credentials import WEBHOOK_SIGNING
from entrepot.connections.models import Connection, Credential
from entrepot.dashboard.sandbox import ADDRESS
from entrepot.inbox.models import InboxWork
from entrepot.notifications.links import tracking_token
from entrepot.notifications.models import MailStop
from entrepot.orders.models import Hold, Order
from entrepot.sandbox.app import Sandbox
from tests.browser.conftest import OpenWindow
from tests.browser.driving import Window, photograph
from tests.dashboard import scene as scenes
from tests.dashboard import troubles
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import aged, parked, received, refused

PATIENCE_MS = 60_000
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


@dataclass
class Hand:
    """Clicks, and counts them; typing is not counted, choosing from a list is."""

    page: Page
    clicks: int = 0

    def click(self, where: Locator) -> None:
        """One click."""
        self.clicks += 1
        where.click()

    def go(self, name: str) -> None:
        """Follow the first link of that name to another page."""
        with self.page.expect_navigation():
            self.ask(name)

    def ask(self, name: str) -> None:
        """Follow the first link of that name to a dialog."""
        self.click(self.page.get_by_role("link", name=name).first)

    def button(self, name: str) -> None:
        """Press the first button of that name."""
        self.click(self.page.get_by_role("button", name=name).first)

    def choose(self, label: str, option: str) -> None:
        """Choose from a list."""
        self.clicks += 1
        self.page.get_by_label(label).select_option(label=option)

    def search(self, words: str) -> None:
        """Type into the search box, by its key; no click at all."""
        self.page.keyboard.press("/")
        self.page.keyboard.type(words)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def sees(self, words: str) -> None:
        """The main part of the page says so, within its time."""
        expect(self.page.locator("main")).to_contain_text(words, timeout=PATIENCE_MS)


def at_home(opened: Window, work: Callable[[Hand], None], *, home: str = "/") -> int:
    """Begin at the home page, do the work, and count the clicks."""
    opened.go(home)

    def done(page: Page) -> int:
        hand = Hand(page)
        work(hand)
        return hand.clicks

    return opened.do(done)


def test_why_an_order_is_late_takes_no_click(scene: Scene, window: OpenWindow) -> None:
    def find_out(hand: Hand) -> None:
        hand.search("10482")
        hand.sees("Parcel 2 has not moved for")
        hand.sees("Nordpost promised")
        hand.sees("Ask the carrier now")

    assert at_home(window(scene), find_out) == 0


def test_what_is_overdue_and_why_stands_on_the_home_page(scene: Scene, window: OpenWindow) -> None:
    def find_out(hand: Hand) -> None:
        hand.sees("SKU PRT-NBL-3040 is not mapped")
        hand.sees("The link answered “410 Gone”")

    assert at_home(window(scene), find_out) == 0


def test_a_sku_is_mapped_for_all_that_wait_in_three_clicks(
    scene: Scene, window: OpenWindow
) -> None:
    for number in range(20001, 20035):
        scenes.sell(
            scene,
            str(number),
            customer="Jiří Dvořák",
            country="CZ",
            total="1890.00",
            currency="CZK",
            lines=[("PRT-NBL-3040", "Nebel über der Küste", 2), ("PC-MOE-12", "Postcards", 3)],
            placed=timedelta(hours=1),
        )
        troubles.hold(scene, str(number), "unmapped_sku", "not mapped", about="PRT-NBL-3040")

    def map_it(hand: Hand) -> None:
        hand.go("Map SKU")
        hand.sees("37 orders")
        hand.button("Map and release 37 orders")
        hand.sees("Nothing is saved yet.")  # what it costs is shown first
        photograph(hand.page, "attention-price")
        hand.button("Map and release 37 orders")
        hand.page.get_by_role("status").filter(has_text="PRT-NBL-3040").wait_for()

    clicks = at_home(window(scene), map_it)

    with scope.merchant(scene.merchant.id):
        mapping = Mapping.objects.get(sku="PRT-NBL-3040")
        waiting = Hold.objects.filter(kind="unmapped_sku", lifted_at__isnull=True).count()
    assert clicks <= 3
    assert mapping.provider_connection_id == scene.connections["prodigi"].id
    assert waiting == 0


def test_a_webhook_secret_is_rotated_with_an_overlap_in_four_clicks(
    scene: Scene, window: OpenWindow
) -> None:
    def rotate(hand: Hand) -> None:
        hand.go("Connections")
        hand.go("Seemöwe Shop")
        hand.ask("Rotate a signing secret …")
        hand.page.get_by_label("New secret").fill("möwe-2027-geheim")
        hand.click(hand.page.get_by_role("button", name="Rotate", exact=True))
        hand.page.get_by_role("status").filter(has_text="has a new secret").wait_for()

    clicks = at_home(window(scene, Role.OWNER), rotate)

    with scope.merchant(scene.merchant.id):
        rows = Credential.objects.filter(connection_id=scene.connections["shop"].id)
        names = list(rows.values_list("name", flat=True))
    assert clicks <= 4
    assert names == [WEBHOOK_SIGNING]


def test_the_last_hour_is_replayed_after_a_preview_in_five_clicks(
    scene: Scene, window: OpenWindow
) -> None:
    early = aged(scene, parked(scene, "unknown currency XAX"), timedelta(hours=5))
    late = [aged(scene, parked(scene, f"no {word}"), timedelta(minutes=9)) for word in ("é", "ü")]
    with scope.merchant(scene.merchant.id):
        InboxWork.objects.exclude(message_id__in=[early, *late]).delete()

    def replay(hand: Hand) -> None:
        hand.go("Inbox")
        with hand.page.expect_navigation():
            hand.click(hand.page.get_by_label("What became of them").get_by_text("Parked"))
        with hand.page.expect_navigation():
            hand.choose("Received", "Last hour")
        hand.ask("Replay all of these …")
        hand.page.get_by_text("as if they came now").wait_for()
        hand.page.get_by_label("Reason").fill("the shop's plug-in is mended")
        hand.button("Replay 2 messages")
        hand.page.get_by_role("status").filter(has_text="2 messages replayed").wait_for()

    clicks = at_home(window(scene), replay)

    with scope.merchant(scene.merchant.id):
        still = InboxWork.objects.filter(is_parked=True).values_list("message_id", flat=True)
        assert list(still) == [early]
    assert clicks <= 5


def test_a_hold_is_released_in_two_clicks(scene: Scene, window: OpenWindow) -> None:
    def release(hand: Hand) -> None:
        hand.search("10485")
        hand.ask("Release hold …")
        hand.page.get_by_role("dialog").wait_for()
        hand.page.keyboard.type("she ordered twice on purpose")  # the first field left to fill in
        hand.click(hand.page.get_by_role("dialog").locator("button.primary"))
        hand.page.locator(".toast").wait_for()

    clicks = at_home(window(scene), release)

    assert clicks <= 2
    assert scene.order("10485").is_held is False
    with scope.merchant(scene.merchant.id):
        (lifted,) = Hold.objects.filter(order_id=scene.orders["10485"].id)
    assert lifted.lift_reason == "she ordered twice on purpose"


def test_a_hold_for_the_gateways_fraud_check_is_released_in_two_clicks(
    scene: Scene, window: OpenWindow
) -> None:
    troubles.hold(scene, "10495", "review", "the gateway asks a person to look: elevated risk")

    def release(hand: Hand) -> None:
        hand.search("10495")
        hand.sees("elevated risk")
        hand.ask("Release hold …")
        hand.page.get_by_role("dialog").wait_for()
        hand.page.keyboard.type("she has ordered here for years")
        hand.click(hand.page.get_by_role("dialog").locator("button.primary"))
        hand.page.locator(".toast").wait_for()

    clicks = at_home(window(scene), release)

    assert clicks <= 2
    assert scene.order("10495").is_held is False


def test_an_order_by_telephone_is_typed_in_without_scripts(
    empty_scene: Scene, window: OpenWindow, run_jobs: Callable[..., int]
) -> None:
    opened = window(empty_scene, java_script_enabled=False)

    def take(hand: Hand) -> None:
        hand.go("Orders")
        hand.go("New order")
        for label, words in (
            ("Currency", "CHF"),
            ("Name", "Zoë Rüegg"),
            ("Street and number", "Möwenweg 7"),
            ("City", "Zürich"),
            ("Shipping price", "7.90"),
        ):
            hand.page.get_by_label(label).first.fill(words)
        hand.choose("Country", "Switzerland (CH)")
        lines = hand.page.get_by_role("group", name="Line")
        for at, (sku, units, price) in enumerate([("MUG-1", "2", "14.50"), ("PC-2", "3", "four")]):
            lines.nth(at).get_by_label("SKU").fill(sku)
            lines.nth(at).get_by_label("Quantity").fill(units)
            lines.nth(at).get_by_label("Price of one").fill(price)
        hand.click(hand.page.get_by_label("Paid already"))
        hand.button("Take the order")
        hand.sees("An amount in digits, as in 12.50.")
        photograph(hand.page, "new-order-wrong")
        lines.nth(1).get_by_label("Price of one").fill("0.75")
        hand.button("Take the order")
        hand.page.get_by_role("status").filter(has_text="is taken").wait_for()

    clicks = at_home(opened, take)
    run_jobs()

    with scope.merchant(empty_scene.merchant.id):
        order = Order.objects.get()
        units = sorted(order.lines.values_list("sku", "quantity"))
    assert clicks <= 6
    assert (str(order.total.normalize()), order.currency) == ("39.15", "CHF")
    assert units == [("MUG-1", 2), ("PC-2", 3)]
    assert "Zoë Rüegg" in opened.read(f"/orders/{order.id}/")


def test_orders_of_a_file_are_taken_after_a_preview_in_four_clicks(
    empty_scene: Scene, window: OpenWindow, run_jobs: Callable[..., int]
) -> None:
    rows = "external_id,currency,payment,name,country,sku,title,quantity,unit_price\n"
    rows += "F-1,SEK,paid,Åsa Öberg,SE,MUG-1,Mugg,2,129.00\n"
    rows += "F-2,JPY,on_terms,田辺 ゆき,JP,MUG-1,マグカップ,3,1800\n"
    rows += "F-3,EUR,paid,Zoë Ryś,BE,MUG-1,Mok,none,14.50\n"
    file = FilePayload(name="fair.csv", mimeType="text/csv", buffer=rows.encode())

    def take(hand: Hand) -> None:
        hand.go("Orders")
        hand.go("Import CSV")
        hand.page.get_by_label("File").set_input_files(file)
        hand.button("Show what will happen")
        hand.sees("quantity “none” is no whole number of at least 1")
        photograph(hand.page, "import-orders-preview")
        hand.button("Take 2 orders")
        hand.page.get_by_role("status").filter(has_text="2 orders taken").wait_for()

    clicks = at_home(window(empty_scene), take)
    run_jobs()

    with scope.merchant(empty_scene.merchant.id):
        assert sorted(Order.objects.values_list("number", flat=True)) == ["F-1", "F-2"]
    assert clicks <= 4


def test_a_tracking_number_answers_a_customer_without_a_click(
    scene: Scene, window: OpenWindow
) -> None:
    def answer(hand: Hand) -> None:
        hand.search("NP 8830 2741 5")
        hand.sees("Delayed: parcel 2 of 3")
        hand.sees("Sendung im Paketzentrum bearbeitet")
        link = hand.page.get_by_role("link", name="Tracking page")
        assert "/t/" in (link.get_attribute("href") or "")

    assert at_home(window(scene, Role.SUPPORT), answer) == 0


def test_a_store_is_connected_and_observes_in_four_clicks(
    empty_scene: Scene, world: Sandbox, window: OpenWindow
) -> None:
    shop = next(
        place for place in world.world.places.values() if place.simulator.code == "woocommerce"
    )
    settings = shop.settings(f"{os.environ[ADDRESS]}/{shop.mount}")

    def connect(hand: Hand) -> None:
        hand.go("Connections")
        hand.go("Add connection")
        hand.go("WooCommerce")
        hand.page.locator("[name=name]").fill("Štúdio Čajka")
        for name in ("base_url", "consumer_key", "consumer_secret"):
            hand.page.locator(f"[name=setting-{name}]").fill(settings[name])
        hand.button("Test and add")
        hand.sees("Before it goes live")

    clicks = at_home(window(empty_scene, Role.OWNER), connect, home="/test/")

    with scope.merchant(empty_scene.merchant.id):
        made = Connection.objects.get(name="Štúdio Čajka")
    assert clicks <= 4
    assert (made.status, made.mode) == ("observing", "test")


def test_that_nothing_was_lost_is_proved_in_two_clicks(scene: Scene, window: OpenWindow) -> None:
    refused(scene)
    refused(scene, body=b'{"id": 10496}')
    received(scene, source="poll")
    received(scene, b'{"id": 10496}', source="poll")

    def prove(hand: Hand) -> None:
        hand.go("Inbox")
        hand.click(hand.page.get_by_label("What became of them").get_by_text("Refused"))
        hand.sees("Nothing is lost. All 2 refused deliveries")

    assert at_home(window(scene), prove) <= 2


def test_a_customer_sees_on_a_phone_where_each_parcel_is(scene: Scene, window: OpenWindow) -> None:
    opened = window(**PHONE, java_script_enabled=False)
    token = tracking_token(scene.merchant.id, scene.orders["10482"].id)

    words = opened.read(f"/t/{token}/?lang=en")
    opened.do(lambda page: photograph(page, "customer-phone"))

    assert "10482" in words
    assert "Leuchtturm bei Nacht" in words
    assert not {"obligation", "attempt", "parked", "provider"} & set(words.lower().split())


def test_a_customer_stops_the_mails_about_an_order_in_one_tap(
    scene: Scene, window: OpenWindow
) -> None:
    opened = window(**PHONE, java_script_enabled=False)
    order = scene.orders["10482"]
    opened.go(f"/t/{tracking_token(scene.merchant.id, order.id)}/mails/?lang=en")

    def stop(page: Page) -> int:
        hand = Hand(page)
        with page.expect_navigation():
            hand.click(page.locator("main form button").first)
        return hand.clicks

    assert opened.do(stop) == 1
    with scope.merchant(scene.merchant.id):
        assert MailStop.objects.filter(order_id=order.id).exists()


def test_a_customer_looks_an_order_up_on_a_phone_in_one_tap(
    scene: Scene, window: OpenWindow
) -> None:
    opened = window(**PHONE, java_script_enabled=False)
    opened.go("/track/?lang=en")

    def look_up(page: Page) -> int:
        hand = Hand(page)
        page.locator("[name=number]").fill("10482")
        page.locator("[name=email]").fill("mareike@seemail.example")
        hand.click(page.locator("main button").first)
        hand.sees("10482")
        return hand.clicks

    assert opened.do(look_up) == 1
