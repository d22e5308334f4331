"""Each page in a real browser: wide and narrow, light and dark, full and empty, judged by axe."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from entrepot.access import scope
from entrepot.access.states import Role
from entrepot.deadletters.models import DeadLetter
from entrepot.notifications.links import tracking_token
from entrepot.notifications.models import Mail
from entrepot.sandbox.app import Sandbox
from tests.browser.conftest import OpenWindow
from tests.browser.driving import WIDTHS, Window, photograph
from tests.dashboard.conftest import SignIn
from tests.dashboard.scene import Scene
from tests.dashboard.test_inbox import received, refused
from tests.dashboard.test_mailbox import kept
from tests.dashboard.test_picklists import packed

ROOT = Path(__file__).resolve().parent.parent.parent
# Each test walks several pages; on a busy machine a page takes seconds.
pytestmark = pytest.mark.timeout(300)

HOME = {
    "home": "/",
    "owed": "/owed/overdue/",
    "attention": "/attention/",
    "notifications": "/notifications/",
    "pause": "/pause/",
    "health": "/health/",
    "test-home": "/test/",
}
ORDERS = {
    "orders": "/orders/",
    "orders-held": "/orders/?state=held",
    "order": "/orders/{10482}/",
    "order-unknown": "/orders/{E-7KQ2MD}/",
    "order-held": "/orders/{10479}/",
    "new-order": "/orders/new/",
    "import-orders": "/orders/import/",
}
ACTIONS = {
    "refund": "/orders/{10482}/refund/",
    "shipping": "/orders/{10482}/shipping/?preview=1&method=Express",
    "parcel": "/orders/{10482}/parcel/?preview=1&where=returned",
    "cancel-several": "/orders/several/cancel/?order={10482}&order={10497}&order={10471}",
    "release-several": "/orders/several/release/?order={10479}&order={10485}&order={10497}",
    "retry-several": "/orders/several/retry/?order={10484}&order={10482}&order={10495}",
}
INBOX = {
    "inbox": "/inbox/",
    "message": "/inbox/{message}/",
    "refused": "/inbox/refused/{refusal}/",
    "jobs": "/jobs/",
    "letters": "/jobs/{cause}/",
    "letters-replay": "/jobs/{cause}/replay/",
}
PACKING = {
    "picklists": "/picklists/",
    "picklists-paper": "/picklists/print/?share={first}&share={second}",
    "import-tracking": "/picklists/tracking/",
}
CONNECTIONS = {
    "connections": "/connections/",
    "connection": "/connections/{shop}/",
    "connection-observing": "/connections/{boutique}/",
    "calls": "/connections/{shop}/calls/",
}
SET_UP = {
    "mappings": "/mappings/",
    "mapping": "/mappings/one/?sku=PRT-NBL-3040",
    "import-mappings": "/mappings/import/",
    "messages": "/messages/",
    "template": "/messages/template/0/shipped/",
    "voice": "/messages/voice/{shop}/",
    "mail": "/mails/{mail}/",
}
OWNER = {
    "platforms": "/connections/add/",
    "connection-add": "/connections/add/prodigi/",
    "connection-settings": "/connections/{shop}/settings/",
}
TEST = {"sandbox": "/test/sandbox/?check=1", "mailbox": "/mailbox/"}
PUBLIC = {
    "tracking-page": "/t/{token}/",
    "look-up": "/track/?lang=en",
    "sign-in": "/sign-in/",
}
EMPTY = {
    "empty-home": "/",
    "empty-orders": "/orders/",
    "empty-attention": "/attention/",
    "empty-inbox": "/inbox/",
    "empty-jobs": "/jobs/",
    "empty-health": "/health/",
    "empty-picklists": "/picklists/",
    "empty-mappings": "/mappings/",
    "empty-messages": "/messages/",
    "empty-notifications": "/notifications/",
    "empty-sandbox": "/test/sandbox/",
    "empty-mailbox": "/test/mailbox/",
}
REFUSED = {"refused-inbox": "/inbox/", "refused-connections": "/connections/"}

# Sheets of paper that a narrow screen would have to be moved over.
CUT_PAPER = """
[...document.querySelectorAll(".sheet")].filter(one => one.scrollWidth > one.clientWidth)
    .map(one => one.innerText.slice(0, 60))
"""

# What people look at all day, and what customers see: judged by axe on phones and in the dark too.
MAIN = {
    "home", "orders", "order", "attention", "inbox", "jobs", "mappings", "connections",
    "tracking-page",
}  # fmt: skip


def named(scene: Scene, path: str, **more: object) -> str:
    """An address with the ids of what it names: orders by number, connections by code."""
    known: dict[str, object] = {number: order.id for number, order in scene.orders.items()}
    known |= {code: connection.id for code, connection in scene.connections.items()}
    return re.sub(r"\{([^}]+)\}", lambda match: str((known | more)[match[1]]), path)


def cause_of(scene: Scene) -> str:
    """What names the cause of the scene's dead letter in addresses."""
    with scope.merchant(scene.merchant.id):
        return DeadLetter.objects.get().fingerprint


def stand(opened: Window, pages: dict[str, str], address: Callable[[str], str]) -> None:
    """Every page is sound at every width and in both themes."""
    for page, path in pages.items():
        looks = opened.look_around(address(path), page, is_judged_everywhere=page in MAIN)
        for shot, look in looks:
            assert look.errors == [], shot
            assert look.overflow <= 0, f"{shot} scrolls sideways by {look.overflow} px"
            assert look.headings == 1, shot
            assert look.unnamed == [], shot
            assert look.torn == [], shot
            assert look.violations == [], shot
        # Between the desk and the phone, where columns are narrowest.
        assert opened.torn(1024) == [], page


@pytest.mark.parametrize("pages", [HOME, ORDERS, ACTIONS], ids=["home", "orders", "actions"])
def test_daily_work_is_sound_on_every_screen(
    scene: Scene, window: OpenWindow, pages: dict[str, str]
) -> None:
    stand(window(scene), pages, lambda path: named(scene, path))


def test_what_came_in_and_what_gave_up_is_sound_on_every_screen(
    scene: Scene, window: OpenWindow
) -> None:
    known = {
        "message": received(scene, times=3),
        "refusal": refused(scene),
        "cause": cause_of(scene),
    }

    stand(window(scene), INBOX, lambda path: named(scene, path, **known))


def test_packing_by_hand_is_sound_on_every_screen(scene: Scene, window: OpenWindow) -> None:
    shares = {"first": packed(scene, "10474", units=4), "second": packed(scene, "10491", units=3)}
    packed(scene, "10475", units=2, submit_after=timezone.now() + timedelta(minutes=20))

    opened = window(scene)
    stand(opened, PACKING, lambda path: named(scene, path, **shares))
    opened.look(named(scene, PACKING["picklists-paper"], **shares), width=WIDTHS["phone"])
    assert opened.do(lambda page: page.evaluate(CUT_PAPER)) == []


@pytest.mark.parametrize("pages", [CONNECTIONS, SET_UP], ids=["connections", "set-up"])
def test_setting_up_is_sound_on_every_screen(
    scene: Scene, window: OpenWindow, pages: dict[str, str]
) -> None:
    with scope.merchant(scene.merchant.id):
        mail = Mail.objects.filter(kind="exception").get()

    stand(window(scene), pages, lambda path: named(scene, path, mail=mail.id))


def test_what_owners_set_up_is_sound_on_every_screen(scene: Scene, window: OpenWindow) -> None:
    stand(window(scene, Role.OWNER), OWNER, lambda path: named(scene, path))


def test_the_sandbox_is_sound_on_every_screen(
    empty_scene: Scene, world: Sandbox, window: OpenWindow, sign_in: SignIn
) -> None:
    owner = sign_in(empty_scene, Role.OWNER)
    for count in ("20", "5"):
        owner.post("/test/sandbox/control/", {"do": "sell", "count": count})
    for subject in ("Pöntunin þín er á leiðinni", "Zwei Sendungen sind unterwegs"):
        kept(empty_scene, subject, html="<h1>Moin Mareike</h1><p>Zwei Pakete, 5 Stück.</p>")

    stand(window(empty_scene, Role.OWNER), TEST, lambda path: path)


def test_public_pages_are_sound_on_every_screen(scene: Scene, window: OpenWindow) -> None:
    token = tracking_token(scene.merchant.id, scene.orders["10482"].id)

    stand(window(), PUBLIC, lambda path: named(scene, path, token=token))


def test_empty_pages_say_what_would_be_there(empty_scene: Scene, window: OpenWindow) -> None:
    opened = window(empty_scene)

    stand(opened, EMPTY, lambda path: path)


def test_a_page_that_is_not_for_a_role_says_who_can_grant_it(
    empty_scene: Scene, window: OpenWindow
) -> None:
    opened = window(empty_scene, Role.VIEWER)

    for page, path in REFUSED.items():
        for shot, look in opened.look_around(path, page):
            assert [error for error in look.errors if "403" not in error] == [], shot
            assert look.overflow <= 0, shot
            assert look.violations == [], shot
        assert "Ólafur Þór" in opened.do(lambda opened_page: opened_page.inner_text("main"))


def test_an_address_that_leads_nowhere_is_sound_on_every_screen(
    empty_scene: Scene, window: OpenWindow
) -> None:
    opened = window(empty_scene)

    for shot, look in opened.look_around("/test/orders/10482/", "nothing-here"):
        assert [error for error in look.errors if "404" not in error] == [], shot
        assert (look.overflow <= 0, look.headings, look.violations) == (True, 1, []), shot


@pytest.mark.parametrize("path", ["/", "/orders/", "/attention/"])
def test_a_page_reflows_when_text_is_twice_as_large(
    scene: Scene, window: OpenWindow, path: str
) -> None:
    opened = window(scene)

    look = opened.look(path, width=640)
    wide = opened.do(
        lambda page: page.evaluate(
            "document.documentElement.style.fontSize = '200%';"
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )

    assert look.overflow <= 0
    assert wide <= 0


def test_the_readme_shows_the_home_page(scene: Scene, window: OpenWindow) -> None:
    opened = window(scene)

    look = opened.look("/", width=1280)
    opened.do(lambda page: photograph(page, "readme", is_whole=False))

    assert (look.errors, look.headings) == ([], 1)
    shown = (ROOT / "docs" / "images" / "home.png").read_bytes()
    assert shown.startswith(b"\x89PNG")
    assert len(shown) < 200_000
