"""Every list is saved as CSV: the rows of the screen, with its filters, safe in a spreadsheet."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.connections.models import Connection
from entrepot.dashboard.spreadsheet import all_pages
from entrepot.deadletters import services as deadletters
from entrepot.deadletters.models import DeadLetter
from entrepot.inbox.models import Refusal
from entrepot.intake.tables import BYTE_ORDER_MARK, rows_of, safe, table_text, text_in
from entrepot.notifications import news
from entrepot.notifications.models import Notification
from tests.dashboard import scene as scenes
from tests.dashboard import shares, troubles
from tests.dashboard.conftest import SignIn
from tests.dashboard.queries import queries_of
from tests.dashboard.scene import Scene
from tests.dashboard.test_mailbox import kept

LISTS = {
    "/orders/": "/orders/export.csv",
    "/orders/?f=country:DE": "/orders/export.csv?country=DE",
    "/inbox/": "/inbox/export.csv",
    "/inbox/?outcome=parked&since=day": "/inbox/export.csv?outcome=parked&amp;since=day",
    "/jobs/": "/jobs/export.csv",
    "/jobs/{cause}/": "/jobs/{cause}/export.csv",
    "/mappings/?q=PRT": "/mappings/export.csv?q=PRT",
    "/mailbox/?q=Zwei+Pakete": "/mailbox/export.csv?q=Zwei+Pakete",
    "/notifications/": "/notifications/export.csv",
    "/notifications/?show=unread": "/notifications/export.csv?show=unread",
    "/connections/": "/connections/export.csv",
    "/connections/{shop}/calls/": "/connections/{shop}/calls/export.csv",
    "/picklists/": "/picklists/export.csv",
    "/attention/": "/attention/export.csv",
    "/attention/?kind=parked": "/attention/export.csv?kind=parked",
    "/attention/?kind=unmatched": "/attention/payments/export.csv",
    "/owed/overdue/": "/owed/overdue/export.csv",
    "/owed/met/": "/owed/met/export.csv",
}
HEAD = re.compile(r'<div class="head">.*?<div class="row"[^>]*>(.*?)</div></div>', re.DOTALL)


def address(scene: Scene, path: str) -> str:
    """An address with the scene's own things in it."""
    with scope.merchant(scene.merchant.id):
        letter = DeadLetter.objects.first()
    cause = letter.fingerprint if letter else ""
    return path.format(cause=cause, shop=scene.connections["shop"].id)


def saved(answer: HttpResponse) -> list[dict[str, str]]:
    """The rows of a file that the browser saves."""
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = answer.content.decode()
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))


def exported(client: Client, path: str) -> list[dict[str, str]]:
    return saved(client.get(path))  # type: ignore[arg-type]


@pytest.mark.parametrize("page", LISTS)
def test_every_list_has_one_button_for_the_file_of_what_it_shows(
    scene: Scene, sign_in: SignIn, page: str
) -> None:
    client = sign_in(scene)
    where = address(scene, LISTS[page])

    html = client.get(address(scene, page)).content.decode()

    head = HEAD.search(html)
    assert head is not None
    assert html.count("Export CSV") == 1
    assert f'<a class="btn" href="{where}">' in head[1]
    answer = client.get(where.replace("&amp;", "&"))
    assert saved(answer) is not None  # type: ignore[arg-type]
    name = re.fullmatch(r'attachment; filename="([a-z-]+)\.csv"', answer["Content-Disposition"])
    assert name is not None
    assert "seemoewe" in name[1]


def test_a_list_in_test_mode_saves_what_is_in_test_mode(scene: Scene, sign_in: SignIn) -> None:
    scenes.sell(
        scene, "T-1", customer="Björk Guðmundsdóttir", country="IS", total="990", currency="ISK",
        lines=[("PC-MOE-12", "Postcards", 2)], placed=timedelta(minutes=5), connection="test",
        mode="test",
    )  # fmt: skip
    client = sign_in(scene)

    page = client.get("/test/inbox/").content.decode()
    rows = exported(client, "/test/inbox/export.csv")
    live = exported(client, "/inbox/export.csv")

    assert 'href="/test/inbox/export.csv"' in page
    assert [row["connection"] for row in rows] == ["Seemöwe Shop, test"]
    assert len(live) > 10
    assert "Seemöwe Shop, test" not in {row["connection"] for row in live}


@pytest.mark.parametrize(
    ("_case", "query", "expected"),
    [
        ("what became of them", "outcome=parked", 4),
        ("a connection", "outcome=parked&connection={pay}", 0),
        ("a way in", "outcome=parked&source=poll", 0),
        ("refused ones", "outcome=refused", 2),
        ("a time", "outcome=parked&since=hour", 4),
    ],
)
def test_the_inbox_is_saved_as_it_is_filtered(
    scene: Scene, sign_in: SignIn, _case: str, query: str, expected: int
) -> None:
    shop, pay = scene.connections["shop"], scene.connections["pay"]
    with scope.merchant(scene.merchant.id):
        for number in range(2):
            Refusal.objects.create(
                merchant_id=scene.merchant.id, connection_id=shop.id, status_code=401,
                check_failed="signature_mismatch", fingerprint=bytes([number]) * 32, size=812,
                headers={}, beginning=b"{}",
            )  # fmt: skip

    rows = exported(sign_in(scene), f"/inbox/export.csv?{query.format(pay=pay.id)}")

    assert len(rows) == expected
    if query == "outcome=parked":
        assert {row["reason"] for row in rows} == {"totals do not add up"}
        assert {row["bytes"] for row in rows} == {"4810"}
    if query == "outcome=refused":
        assert {row["reason"] for row in rows} == {"Signature does not match"}
        assert all(row["message"].startswith("r-") for row in rows)


def test_dead_letters_are_saved_with_what_became_of_them(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    with scope.merchant(scene.merchant.id):
        first = DeadLetter.objects.get()
    troubles.bury(scene, "10481", "payments.refund", "the gateway said „später“")
    operator = scene.people[Role.OPERATOR]
    deadletters.discard(
        [first.id], merchant_id=scene.merchant.id, by=f"user:{operator.id}", reason="erledigt"
    )
    with scope.merchant(scene.merchant.id):
        cause = DeadLetter.objects.latest("id").fingerprint

    everything = exported(client, "/jobs/export.csv")
    of_cause = exported(client, f"/jobs/{cause}/export.csv")
    of_ended = exported(client, f"/jobs/{first.fingerprint}/export.csv")

    assert [(row["order"], row["task"], row["became"]) for row in everything] == [
        ("10481", "payments.refund", "waiting"),
        ("10484", "notifications.send_mail", "discarded"),
    ]
    assert (everything[1]["decided_by"], everything[1]["reason"]) == (operator.name, "erledigt")
    assert [row["error"] for row in of_cause] == ["the gateway said „später“"]
    assert of_ended == []


def test_notifications_are_saved_as_they_are_shown(scene: Scene, sign_in: SignIn) -> None:
    with scope.merchant(scene.merchant.id):
        one = Notification.objects.earliest("id")
        news.mark_read([one.id], merchant_id=scene.merchant.id, mode="live", customer_id=None)
    client = sign_in(scene)

    rows = exported(client, "/notifications/export.csv")
    unread = exported(client, "/notifications/export.csv?show=unread")

    assert {row["title"] for row in rows} > {row["title"] for row in unread}
    assert [bool(row["read_at"]) for row in rows if row["title"] == one.title] == [True]
    assert one.title not in {row["title"] for row in unread}


def test_the_mailbox_is_saved_without_addresses_for_who_may_not_see_them(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    kept(empty_scene, "=HYPERLINK(“https://evil.example”)")
    kept(empty_scene, "お届けが完了しました")
    path = "/mailbox/export.csv"

    seen = exported(sign_in(empty_scene), path)
    hidden = exported(sign_in(empty_scene, Role.VIEWER), path)
    found = exported(sign_in(empty_scene), f"{path}?q=お届け")

    assert [row["subject"] for row in seen] == [
        "お届けが完了しました",
        "'=HYPERLINK(“https://evil.example”)",
    ]
    assert {row["to"] for row in seen} == {"mareike@seemail.example"}
    assert "mareike@seemail.example" not in {row["to"] for row in hidden}
    assert [row["subject"] for row in found] == ["お届けが完了しました"]


def test_connections_are_saved_with_the_removed_ones_and_no_credentials(
    scene: Scene, sign_in: SignIn
) -> None:
    with scope.merchant(scene.merchant.id):
        Connection.objects.filter(code="boutique").update(
            status="archived", status_reason="verkauft"
        )

    answer = sign_in(scene).get("/connections/export.csv")

    rows = saved(answer)  # type: ignore[arg-type]
    states = {row["name"]: row["state"] for row in rows}
    calls = {row["name"]: row["calls_in_24_h"] for row in rows}
    assert set(states) == {
        "Seemöwe Shop", "Stripe checkout", "Prodigi", "EasyPost trackers", "By hand, Hamburg",
        "Boutique Mouette",
    }  # fmt: skip
    assert rows[-1]["name"] == "Boutique Mouette"
    assert (rows[-1]["state"], rows[-1]["problem"]) == ("Removed", "verkauft")
    assert calls["Seemöwe Shop"] == "20"
    assert scene.connections["shop"].token not in answer.content.decode()


def test_the_calls_of_a_connection_are_saved(scene: Scene, sign_in: SignIn) -> None:
    shop = scene.connections["shop"]

    rows = exported(sign_in(scene), f"/connections/{shop.id}/calls/export.csv")

    assert len(rows) == 20
    assert (rows[0]["status_code"], rows[0]["path"]) == ("503", "/wp-json/wc/v3/orders")
    assert sign_in(scene).get("/test" + f"/connections/{shop.id}/calls/export.csv").status_code == (
        404
    )


def test_a_pick_list_is_saved_with_what_must_wait_last(empty_scene: Scene, sign_in: SignIn) -> None:
    for number, units in (("10474", 4), ("10475", 2)):
        order = scenes.sell(
            empty_scene, number, customer="@Anaïs Müller-Çelik", country="AT", total="64.00",
            currency="EUR", placed=timedelta(hours=3), city="Wien",
            lines=[("PC-MOE-12", "Postkarten „Möwen“", units), ("MUG-MOE", "=Becher", 3)],
        )  # fmt: skip
        shares.share(empty_scene, order, provider="hand", status="open", lines=[0, 1])
    troubles.hold(empty_scene, "10474", "person", "customer asked to wait")

    rows = exported(sign_in(empty_scene, Role.WAREHOUSE), "/picklists/export.csv")

    assert [(row["order"], row["sku"], row["take"], row["waits_for"]) for row in rows] == [
        ("10475", "PC-MOE-12", "2", ""),
        ("10475", "MUG-MOE", "3", ""),
        ("10474", "PC-MOE-12", "4", "held"),
        ("10474", "MUG-MOE", "3", "held"),
    ]
    assert {row["title"] for row in rows} == {"Postkarten „Möwen“", "'=Becher"}
    assert {row["customer"] for row in rows} == {"'@Anaïs Müller-Çelik"}


def test_unmatched_payments_are_saved_for_who_may_see_money(scene: Scene, sign_in: SignIn) -> None:
    troubles.unmatched(scene, "pi_fremd_1", "64.80", method="Klarna", refunded="4.80")
    troubles.unmatched(scene, "pi_fremd_2", "12000", currency="JPY")
    troubles.unmatched(scene, "pi_test_1", "1.10", mode="test")
    path = "/attention/payments/export.csv"

    rows = exported(sign_in(scene), path)

    assert [(row["amount"], row["currency"], row["went_back"]) for row in rows] == [
        ("64.80", "EUR", "4.80"),
        ("12000", "JPY", ""),
    ]
    assert "pi_fremd_1" in rows[0]["known_as"]
    assert sign_in(scene, Role.WAREHOUSE).get(path).status_code == 403
    page = sign_in(scene, Role.WAREHOUSE).get("/attention/?kind=unmatched").content.decode()
    assert "Export CSV" not in page


def test_what_stands_still_is_saved_by_its_kind(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    everything = exported(client, "/attention/export.csv")
    parked = exported(client, "/attention/export.csv?kind=parked")

    assert len(everything) > 5
    assert [(row["kind"], row["number"]) for row in parked] == [("Parked", "4")]


def test_promises_are_saved_by_their_urgency(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)

    overdue = exported(client, "/owed/overdue/export.csv")
    hidden = exported(sign_in(scene, Role.VIEWER), "/owed/overdue/export.csv")
    met = exported(client, "/owed/met/export.csv")

    assert [(row["order"], row["total"], row["currency"]) for row in overdue] == [
        ("E-9WD3HC", "58.00", "GBP"),
        ("10479", "1249.00", "SEK"),
        ("10468", "42.50", "EUR"),
    ]
    assert {row["customer"] for row in overdue} == {
        "Siobhán Ó Faoláin", "Åsa Lindqvåg", "Kwame Òkè",
    }  # fmt: skip
    assert {row["customer"] for row in hidden} == {""}
    assert all(row["met_at"] for row in met)


def test_a_file_is_refused_to_who_may_not_see_its_list(scene: Scene, sign_in: SignIn) -> None:
    viewer = sign_in(scene, Role.VIEWER)

    for path in ("/inbox/export.csv", "/jobs/export.csv", "/picklists/export.csv"):
        assert viewer.get(path).status_code == 403, path


def test_more_rows_are_no_more_queries(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    paths = [
        "/orders/export.csv", "/inbox/export.csv", "/jobs/export.csv", "/owed/overdue/export.csv",
    ]  # fmt: skip
    for path in paths:
        queries_of(client, path)
    before = {path: len(queries_of(client, path)) for path in paths}

    for number in range(1, 6):
        scenes.sell(
            scene, f"3000{number}", customer="Zoë Ryś", country="BE", total="64.00",
            currency="EUR", lines=[("PC-MOE-12", "Karten", 3)], placed=timedelta(hours=number),
        )  # fmt: skip
        troubles.owe(scene, f"3000{number}", "submit", due=timedelta(minutes=-number))
        troubles.bury(scene, f"3000{number}", "mail.send", f"reason {number}")

    assert {path: len(queries_of(client, path)) for path in paths} == before


def test_a_list_that_may_be_longer_than_its_file_says_so(scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(scene)
    told = "An export has up to 20,000"

    short = client.get("/inbox/").content.decode()
    troubles.park(scene, "noch eine", times=51)
    first = client.get("/inbox/").content.decode()

    assert told not in short
    assert told in first
    assert told in client.get("/inbox/?before=99999999").content.decode()


def test_a_long_list_is_read_page_by_page_up_to_its_limit() -> None:
    asked: list[tuple[int | None, int]] = []

    def behind(last: int | None, limit: int) -> Sequence[int]:
        asked.append((last, limit))
        first = 0 if last is None else last + 1
        return range(first, min(first + limit, 2_600))

    assert list(all_pages(behind)) == list(range(2_600))
    assert asked == [(None, 1_000), (999, 1_000), (1_999, 1_000)]
    asked.clear()
    assert list(all_pages(behind, most=1_500)) == list(range(1_500))
    assert asked == [(None, 1_000), (999, 500)]


def test_instants_are_told_in_utc_and_what_runs_comes_back_as_it_was() -> None:
    instant = datetime(2026, 3, 29, 3, 5, 7, tzinfo=ZoneInfo("Europe/Berlin"))
    told = ["=1+2", "+49 171", "-cmd", "@SUM(2)", "\t=3", "鴎", "-12.50"]

    text = table_text(["a", "b"], [(cell, 7) for cell in told])

    assert safe(instant) == "2026-03-29T01:05:07Z"
    back = [cells["a"] for _, cells in rows_of(text_in(text.encode()), most=99)]
    assert back == [cell.strip() if cell != "\t=3" else "\t=3" for cell in told]
