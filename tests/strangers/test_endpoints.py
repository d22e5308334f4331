"""Another merchant's key and session ask at every address, and find nothing of the first's."""

import re
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest
from django.test import Client
from django.urls import Resolver404, path, resolve

from entrepot.access.models import Merchant
from entrepot.notifications.links import tracking_token
from tests.api.calling import Caller
from tests.dashboard.scene import Scene
from tests.strangers.addresses import Address, Unasked, addresses, calls
from tests.strangers.forms import Form, forms_of
from tests.strangers.marks import state_of, told

pytestmark = pytest.mark.timeout(900)  # hundreds of requests each, on whatever machine
# Operations that say the same to everybody: what the hub can connect to.
FOR_ALL = {"list_platforms"}
# A name here is the merchant's own to choose: asking writes to the asker.
OWN_NAMES = {"put_mapping"}
MOST_PER_ROUTE = 8
# A stranger who has left would find nothing anywhere.
WAYS_OUT = {"/sign-out/", "/admin/logout/"}
# Operations whose answers hold numbers and our own words only: `test_silence` looks at those.
WORDLESS = {"list_obligations"}
# What an operation may ask for in its query to find anything.
ASKED_BY = {"order_id"}
# The text of a message, which in the scene names nothing that only its merchant knows.
MAIL_TEXTS = {"messages/template/<int:store_id>/<slug:kind>/preview/"}
# Pages on which one types or presses: they list nothing, or say the number that was asked for.
FORMS = {
    "connections/add/",
    "mappings/import/",
    "orders/<str:key>/<slug:name>/",
    "orders/import/",
    "orders/import/sample.csv",
    "orders/new/",
    "picklists/tracking/",
    "sandbox/",
}
_link = re.compile(r'(?:href|hx-get|action|formaction|hx-post|src)="([/?][^"#]*)[^"]*"')


def test_every_address_is_known_to_the_walk(things: dict[str, object]) -> None:
    known = addresses()

    ways: dict[str, int] = defaultdict(int)
    for address in known:
        address.filled({**things, **EVERYBODYS})
        ways[address.way] += 1
    assert len(calls(known)) > 80
    assert ways["page"] > 120
    assert {"api", "page", "admin", "token", "figures", "open"} == set(ways)


def test_an_address_that_nobody_knows_how_to_ask_is_an_error() -> None:
    def fresh(*patterns: object) -> object:
        return type("Resolver", (), {"url_patterns": list(patterns)})()

    def view(request: object) -> None: ...

    with pytest.raises(Unasked, match="ledger/"):
        addresses(fresh(path("ledger/", view)))  # type: ignore[arg-type]
    with pytest.raises(Unasked, match="label_id"):
        Address(path="labels/<int:label_id>/", way="page").filled({})
    with pytest.raises(Unasked, match="described by no interface"):
        calls([Address(path="api/v1/ledger", way="api")])


def test_a_strange_key_finds_nothing_in_either_interface(
    strange_machine: Caller, scene: Scene, things: dict[str, object], words: set[str]
) -> None:
    before = state_of(scene.merchant.id)

    for call in calls(addresses()):
        if call.name in FOR_ALL:
            continue
        where = call.address.filled(things)
        body = call.body(things)
        query = {name: things[name] for name in call.query if name in things}
        answer = strange_machine.send(call.method, where, body, query=query)
        asked = f"{where} {body} {query}"
        assert answer.status < 500, (call.name, answer.text)
        assert told(answer.text, words, asked=asked) == [], call.name
        if call.address.parameters and call.name not in OWN_NAMES:
            assert answer.status in {404, 409, 422}, (call.name, answer.text)

    assert state_of(scene.merchant.id) == before


def test_the_key_of_the_first_finds_these_things(
    machine: Caller, things: dict[str, object], words: set[str]
) -> None:
    """The same questions, asked by whom they belong to: the walk would see a leak."""
    silent = []
    for call in calls(addresses()):
        if call.method == "GET" and call.name not in FOR_ALL:
            where = call.address.filled(things)
            query = {name: things[name] for name in call.query if name in ASKED_BY}
            answer = machine.send("GET", where, query=query)
            if not told(answer.text, words, asked=f"{where} {query}"):
                silent.append((call.name, answer.status))

    assert {name for name, _ in silent} == WORDLESS, silent


def test_a_strange_person_finds_nothing_on_any_page(
    strange_person: Client, owner: Client, scene: Scene, things: dict[str, object], words: set[str]
) -> None:
    pages = [address for address in addresses() if address.way == "page"]
    paths, forms = _as_the_owner_sees(owner, pages, things)
    before = state_of(scene.merchant.id)
    strange_person.post("/merchant/", {"merchant": scene.merchant.id})  # not theirs to choose

    asked: set[str] = set()
    for where in sorted(paths | {page.filled(things) for page in pages}):
        asked.add(_route(where))
        _says_nothing(strange_person.get(where), words, where)
    for form in forms:
        asked.add(_route(form.path))
        sent = f"{form.action} {form.fields}"
        _says_nothing(strange_person.post(form.action, form.fields), words, sent)
        # What is said about it, their own words back among it, is shown by the next page.
        _says_nothing(strange_person.get("/orders/"), words, sent)

    assert {page.path for page in pages} - asked == set()
    assert len(forms) > 25
    assert strange_person.get("/orders/").status_code == 200  # still signed in
    assert state_of(scene.merchant.id) == before


def test_the_first_merchants_owner_reads_these_pages(
    owner: Client, things: dict[str, object], words: set[str]
) -> None:
    """The same addresses, asked by whom they belong to: the walk would see a leak."""
    framed = _words_shown(owner, "/connections/add/", words)  # on every page, whatever it is about
    shown = {}
    for page in addresses():
        if page.way == "page" and not page.path.startswith("test/"):
            where = page.filled(things)
            found = _words_shown(owner, where, words)
            if found is not None:
                shown[page.path] = found - (framed or set())

    assert len(shown) >= 30
    assert {path for path, found in shown.items() if not found} == MAIL_TEXTS | FORMS


def test_a_strange_person_finds_nothing_in_the_configuration(
    strange_person: Client, scene: Scene, things: dict[str, object], words: set[str]
) -> None:
    before = state_of(scene.merchant.id)

    for address in addresses():
        if address.way == "admin" and address.path != "admin/logout/":
            for number in [things[name] for name in CONFIGURED]:
                where = address.filled({**EVERYBODYS, **dict.fromkeys(ADMINS, number)})
                for answer in (strange_person.get(where), strange_person.post(where, TYPED)):
                    _says_nothing(answer, words, where)
                if "object_id" not in address.parameters:
                    break

    assert strange_person.get("/admin/").status_code == 200  # still signed in
    assert state_of(scene.merchant.id) == before


def test_a_customer_of_another_merchant_finds_nothing(
    strange_person: Client,
    scene: Scene,
    other_merchant: Merchant,
    things: dict[str, object],
    words: set[str],
) -> None:
    before = state_of(scene.merchant.id)
    forged = tracking_token(other_merchant.id, int(str(things["order_id"])))

    for address in addresses():
        if address.way == "token":
            where = address.filled({**EVERYBODYS, "token": forged, "code": other_merchant.code})
            sent = {"number": "10482", "email": "mareike@seemail.example"}
            answers = [strange_person.get(where)]
            if where != "/track/":  # everybody's look-up: who knows both may see the order
                answers.append(strange_person.post(where, sent))
            for answer in answers:
                _says_nothing(answer, words, f"{where} {sent}")

    assert state_of(scene.merchant.id) == before


def test_the_figures_name_nobody(strange_machine: Caller, words: set[str]) -> None:
    answer = strange_machine.get("/metrics")

    assert answer.status == 200
    assert told(answer.text, words, asked="") == []


ADMINS = ("object_id", "content_type_id", "pk")
# What addresses hold that is no merchant's.
EVERYBODYS: dict[str, object] = {
    **dict.fromkeys(ADMINS, "1"),
    "app_label": "access",
    "url": "nothing/",
    "color": "0a7d8a",
    "service": "mailgun",
    "token": "forged",
    "name": "front.png",
}
# What the dialogs of the configuration ask for: enough to go through, were it theirs.
TYPED = {
    "_form_submitted": "on", "role": "viewer", "reason": "fremd", "days": "3", "name": "Fremd",
    "email": "fremd@sakura.example", "mode": "live", "scopes": ["orders:read"], "locale": "de",
    "rate_limit_per_minute": "60", "time_zone": "UTC", "kind": "submit", "minutes": "7",
}  # fmt: skip
# The things of the first merchant that the configuration lists.
CONFIGURED = (
    "merchant_id", "membership_id", "api_key_id", "rule_id", "connection_id", "mapping_id",
    "shipping_map_id", "template_id",
)  # fmt: skip


def _words_shown(person: Client, where: str, words: set[str]) -> set[str] | None:
    """Their words on a page; None where there is no page to read."""
    answer = person.get(where)
    if answer.status_code != 200 or getattr(answer, "streaming", False):
        return None
    return set(told(answer.content.decode(), words, asked=where))


def _says_nothing(answer: Any, words: set[str], asked: str) -> None:
    assert answer.status_code < 500, asked
    text = b"".join(answer) if getattr(answer, "streaming", False) else answer.content
    # A page may be as many bytes long as an order's number says.
    page = text.decode() + str([pair for pair in answer.items() if pair[0] != "Content-Length"])
    assert told(page, words, asked=asked) == [], (asked, answer.status_code)


def _as_the_owner_sees(
    owner: Client, pages: list[Address], things: dict[str, object]
) -> tuple[set[str], list[Form]]:
    """Where the first merchant's pages lead, and what their forms would send."""
    paths: set[str] = set()
    forms: dict[tuple[str, str], Form] = {}
    waiting = [page.filled(things) for page in pages]
    per_route: dict[str, int] = defaultdict(int)
    while waiting:
        where = waiting.pop()
        if where in paths or per_route[_route(where)] >= MOST_PER_ROUTE:
            continue
        per_route[_route(where)] += 1
        paths.add(where)
        answer = owner.get(where)
        if answer.status_code != 200 or "html" not in answer.get("Content-Type", ""):
            continue
        html = answer.content.decode()
        waiting += sorted({urljoin(where, unescape(found)) for found in _link.findall(html)})
        for form in forms_of(where, html):
            forms.setdefault((form.action, str(sorted(form.fields))), form)
    return paths, list(_but_the_door(forms))


def _but_the_door(forms: dict[tuple[str, str], Form]) -> Iterator[Form]:
    """Without signing out, which would end the walk."""
    for (action, _), form in sorted(forms.items()):
        if action not in WAYS_OUT:
            yield form


def _route(where: str) -> str:
    try:
        return str(resolve(where.partition("?")[0]).route)
    except Resolver404:
        return ""
