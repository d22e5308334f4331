"""Orders typed in and orders from a file: shown first, taken once, refused with words."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from entrepot.access import scope
from entrepot.access import services as access
from entrepot.access.models import Merchant
from entrepot.access.states import Role
from entrepot.connections.models import Connection
from entrepot.database.rows import Mode
from entrepot.inbox.models import InboxMessage
from entrepot.orders.models import Order
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import page_of

TYPED = {
    "saying": "0123456789abcdef0123456789abcdef",
    "store": "own",
    "number": "",
    "currency": "kwd",
    "name": "نور الصباح",
    "company": "",
    "email": "noor@example.com",
    "phone": "+965 2222 3333",
    "line1": "شارع ١٢",
    "line2": "",
    "postal_code": "13001",
    "city": "الكويت",
    "region": "",
    "country": "KW",
    "shipping_method": "post",
    "shipping_title": "Post",
    "shipping_price": "1.500",
    "payment": "paid",
    "payment_title": "K-Net",
    "note": "Geschenk für Åsa",
    "lines": "3",
    "line-0-sku": "MUG-1",
    "line-0-title": "كوب",
    "line-0-quantity": "3",
    "line-0-unit_price": "4.250",
    "line-1-sku": "",
    "line-2-sku": "PC-2",
    "line-2-title": "",
    "line-2-quantity": "2",
    "line-2-unit_price": "0.750",
}
ROWS = (
    "external_id;currency;payment;name;line1;city;country;sku;title;quantity;unit_price\n"
    "F-1;SEK;paid;Åsa Öberg;Ängsvägen 4;Umeå;SE;MUG-1;Mugg;2;129.00\n"
    "F-1;;;;;;;PC-2;Vykort;4;15.50\n"
    "F-2;JPY;on_terms;田辺 ゆき;銀座 1-2;東京;JP;MUG-1;マグカップ;3;1800\n"
)


def text_of(answer: Any) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def messages_of(scene: Scene) -> int:
    with scope.merchant(scene.merchant.id):
        return InboxMessage.objects.filter(connection_id__in=_stores()).count()


def _stores() -> Any:
    return Connection.objects.filter(platform="direct").values("id")


def orders_of(scene: Scene) -> list[Order]:
    with scope.merchant(scene.merchant.id):
        return list(Order.objects.prefetch_related("lines").order_by("external_id"))


def test_an_order_that_is_typed_in_is_taken_and_applied(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    client = sign_in(empty_scene, Role.SUPPORT)

    answer = client.post("/orders/new/", TYPED)
    run_jobs()

    assert (answer.status_code, answer["Location"]) == (302, "/orders/")
    assert "Order H-AERUKZ4JVP is taken" in page_of(client, "/orders/")
    (order,) = orders_of(empty_scene)
    assert (order.number, order.mode, str(order.total), order.currency) == (
        "H-AERUKZ4JVP", "live", "15.7500", "KWD",
    )  # fmt: skip
    assert (order.payment_status, order.payment_title) == ("paid", "K-Net")
    assert order.customer_note == "Geschenk für Åsa"
    assert sorted((line.sku, line.title, line.quantity) for line in order.lines.all()) == [
        ("MUG-1", "كوب", 3), ("PC-2", "PC-2", 2),
    ]  # fmt: skip


def test_a_form_that_is_sent_twice_is_one_order(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    client = sign_in(empty_scene)

    client.post("/orders/new/", {**TYPED, "number": "TEL-9"})
    client.post("/orders/new/", {**TYPED, "number": "TEL-9"})
    run_jobs()
    late = client.post("/orders/new/", {**TYPED, "number": "TEL-9"})

    assert late.status_code == 302
    assert messages_of(empty_scene) == 1
    assert [order.number for order in orders_of(empty_scene)] == ["TEL-9"]


def test_a_number_that_is_taken_changes_no_order(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    client = sign_in(empty_scene)
    client.post("/orders/new/", {**TYPED, "number": "TEL-9"})
    run_jobs()

    other = {**TYPED, "number": "TEL-9", "saying": "f" * 32}
    answer = client.post("/orders/new/", {**other, "line-0-quantity": "9"})

    assert answer.status_code == 422
    assert "There is an order TEL-9 already" in text_of(answer)
    assert messages_of(empty_scene) == 1


@pytest.mark.parametrize(
    ("_case", "change", "told"),
    [
        ("no name", {"name": ""}, "Name This field is required."),
        ("no e-mail address", {"email": "noor"}, "Enter a valid email address."),
        ("a currency that is none", {"currency": "XAX"}, "No such currency"),
        ("too fine a price", {"currency": "JPY", "shipping_price": ""}, "JPY"),
        ("too fine a shipping price", {"currency": "JPY"}, "JPY"),
        ("a price in words", {"line-0-unit_price": "four"}, "An amount in digits"),
        ("a price with a comma", {"line-0-unit_price": "4,25"}, "An amount in digits"),
        ("no quantity", {"line-2-quantity": ""}, "This field is required."),
        ("a quantity of none", {"line-2-quantity": "0"}, "greater than or equal to 1"),
        ("a line without a SKU", {"line-1-title": "Kanne"}, "This field is required."),
        ("no store", {"store": ""}, "This field is required."),
        ("no country", {"country": ""}, "This field is required."),
        ("a country that is none", {"country": "ZZ"}, "Select a valid choice"),
        ("not said whether it is paid", {"payment": ""}, "This field is required."),
        ("no lines", {"line-0-sku": "", "line-0-title": "", "line-0-quantity": "",
                      "line-0-unit_price": "", "line-2-sku": "", "line-2-quantity": "",
                      "line-2-unit_price": ""}, "at least one line"),
        ("a NUL", {"note": "a\0b"}, "Null characters are not allowed."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    empty_scene: Scene, sign_in: SignIn, _case: str, change: dict[str, str], told: str
) -> None:
    sent = {**TYPED, **change}

    answer = sign_in(empty_scene).post("/orders/new/", sent)

    assert answer.status_code == 422
    assert told in text_of(answer)
    page = unescape(answer.content.decode())
    for name in ("name", "city", "line-0-sku", "line-2-unit_price", "note", "saying"):
        assert not sent[name] or sent[name] in page, name
    assert messages_of(empty_scene) == 0
    with scope.merchant(empty_scene.merchant.id):
        assert not Connection.objects.filter(platform="direct").exists()


def test_more_lines_keep_what_was_typed_and_blame_nobody(
    empty_scene: Scene, sign_in: SignIn
) -> None:
    answer = sign_in(empty_scene).post("/orders/new/", {**TYPED, "email": "noor", "more": "1"})

    page = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert 'name="line-5-sku"' in page
    assert 'name="line-6-sku"' not in page
    for typed in ("نور الصباح", "كوب", 'value="0.750"', TYPED["saying"], 'value="noor"'):
        assert typed in page
    assert 'class="error"' not in page
    assert messages_of(empty_scene) == 0


def test_test_orders_are_typed_in_below_test(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    answer = sign_in(empty_scene).post("/test/orders/new/", TYPED)
    run_jobs()

    assert answer["Location"] == "/test/orders/"
    assert [order.mode for order in orders_of(empty_scene)] == [Mode.TEST]


def test_a_file_is_shown_first_and_taken_then(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    client = sign_in(empty_scene, Role.SUPPORT)

    preview = client.post("/orders/import/", {"text": ROWS})
    before = messages_of(empty_scene)
    taken = client.post("/orders/import/", {"text": ROWS, "take": "1", "saying": "one"})
    run_jobs()

    words = text_of(preview)
    assert "2 new orders, 0 changed" in words
    assert "2 F-1 2 × MUG-1 A new order: 2 lines, 320.00 SEK, paid" in words
    assert "3 F-1 4 × PC-2 A line of it" in words
    assert "on terms" in words
    assert "Take 2 orders" in words
    assert before == 0
    assert taken["Location"] == "/orders/"
    orders = orders_of(empty_scene)
    assert [(order.external_id, str(order.total.normalize())) for order in orders] == [
        ("F-1", "3.2E+2"), ("F-2", "5.4E+3"),
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    client = sign_in(empty_scene)
    client.post("/orders/import/", {"text": ROWS, "take": "1", "saying": "one"})
    run_jobs()

    again = client.post("/orders/import/", {"text": ROWS})
    client.post("/orders/import/", {"text": ROWS, "take": "1", "saying": "two"})
    more = client.post("/orders/import/", {"text": ROWS.replace(";3;1800", ";5;1800")})
    client.post(
        "/orders/import/",
        {"text": ROWS.replace(";3;1800", ";5;1800"), "take": "1", "saying": "three"},
    )
    run_jobs()

    assert "2 known as they are" in text_of(again)
    assert re.search(r'<button class="btn primary"[^>]* disabled', again.content.decode())
    assert "1 changed, 1 known as it is" in text_of(more)
    assert "Changes order F-2 to 1 line, 9,000 JPY" in text_of(more)
    assert messages_of(empty_scene) == 3
    assert [int(order.total) for order in orders_of(empty_scene)] == [320, 9000]


def test_an_order_with_a_fault_is_left_out_whole_and_the_others_go(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int]
) -> None:
    wrong = ROWS.replace("15.50", "fifteen")
    client = sign_in(empty_scene)

    preview = client.post("/orders/import/", {"text": wrong})
    client.post("/orders/import/", {"text": wrong, "take": "1", "saying": "one"})
    run_jobs()

    words = text_of(preview)
    assert "1 order left out" in words
    assert "Left out, with row 3" in words
    assert "Left out: unit_price “fifteen” is no amount, as in 12.50" in words
    assert [order.external_id for order in orders_of(empty_scene)] == ["F-2"]


@pytest.mark.parametrize(
    ("_case", "text", "told"),
    [
        ("nothing", "", "Choose a file"),
        ("a column is missing", ROWS.replace("title", "colour", 1), "The file lacks title"),
        ("a column too many", ROWS.replace("city", "town", 1), "Nobody reads the columns town"),
        ("only a head", ROWS.partition("\n")[0], "no rows below its head"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    empty_scene: Scene, sign_in: SignIn, _case: str, text: str, told: str
) -> None:
    answer = sign_in(empty_scene).post("/orders/import/", {"text": text, "take": "1"})

    assert answer.status_code == 422
    assert told in text_of(answer)
    assert messages_of(empty_scene) == 0


def test_the_sample_can_be_read(empty_scene: Scene, sign_in: SignIn) -> None:
    client = sign_in(empty_scene)

    sample = client.get("/orders/import/sample.csv").content.decode("utf-8-sig")
    preview = client.post("/orders/import/", {"text": sample})

    assert "2 new orders" in text_of(preview)
    assert "left out" not in text_of(preview)


@pytest.mark.parametrize("role", [Role.WAREHOUSE, Role.VIEWER])
def test_who_may_not_change_orders_takes_none(
    empty_scene: Scene, sign_in: SignIn, role: Role
) -> None:
    client = sign_in(empty_scene, role)

    answers = [
        client.get("/orders/new/"),
        client.post("/orders/new/", TYPED),
        client.get("/orders/import/"),
        client.post("/orders/import/", {"text": ROWS, "take": "1"}),
        client.get("/orders/import/sample.csv"),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert "New order" not in page_of(client, "/orders/")
    assert messages_of(empty_scene) == 0


def test_a_second_merchant_has_orders_of_its_own(
    empty_scene: Scene, sign_in: SignIn, run_jobs: Callable[..., int], other_owner: Client
) -> None:
    sign_in(empty_scene).post("/orders/import/", {"text": ROWS, "take": "1", "saying": "one"})
    sign_in(empty_scene).post("/orders/new/", {**TYPED, "number": "TEL-9"})
    run_jobs()
    with scope.merchant(empty_scene.merchant.id):
        store = Connection.objects.get(platform="direct").id

    preview = other_owner.post("/orders/import/", {"text": ROWS})
    theirs = other_owner.post("/orders/new/", {**TYPED, "number": "TEL-9"})
    stolen = other_owner.post("/orders/new/", {**TYPED, "store": str(store)})

    assert "2 new orders" in text_of(preview)
    assert (theirs.status_code, stolen.status_code) == (302, 422)
    assert messages_of(empty_scene) == 3


@pytest.fixture
def other_owner(empty_scene: Scene, other_merchant: Merchant) -> Client:
    """Somebody of another merchant, signed in."""
    user = access.create_user(email="zoe@andere.example", name="Zoë Ryś")
    access.grant_role(user.id, merchant_id=other_merchant.id, role=Role.OWNER)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_list_leads_to_both(empty_scene: Scene, sign_in: SignIn) -> None:
    page = page_of(sign_in(empty_scene), "/orders/")

    assert 'href="/orders/new/"' in page
    assert 'href="/orders/import/"' in page
