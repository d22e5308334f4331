"""The configuration in a real browser: lists, a record, dialogs; its policy lets all of it work."""

import pytest
from playwright.sync_api import Page, expect

from entrepot.access import keys, scope
from entrepot.access.models import ApiKey
from entrepot.access.states import Role
from tests.browser.conftest import OpenWindow
from tests.browser.driving import THEMES, photograph
from tests.dashboard.scene import Scene

PAGES = {
    "configuration": "/admin/",
    "configuration-people": "/admin/access/membership/",
    "configuration-keys": "/admin/access/apikey/",
    "configuration-key": "/admin/access/apikey/{key}/change/",
    "configuration-connections": "/admin/connections/connection/",
    "configuration-password": "/admin/password_change/",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_configuration_works_in_both_themes(
    empty_scene: Scene, window: OpenWindow, name: str
) -> None:
    opened = window(empty_scene, Role.OWNER)
    made = keys.create_api_key(
        merchant_id=empty_scene.merchant.id, name="Waage 3", scopes=["orders:read"]
    )

    for theme in THEMES:
        shot = "-".join(filter(None, [name, "dark" if theme == "dark" else ""]))
        look = opened.look(PAGES[name].format(key=made.key.id), theme=theme, shot=shot)
        is_dark = opened.do(
            lambda page: page.evaluate("document.documentElement.classList.contains('dark')")
        )

        assert look.errors == [], shot  # a breach of the policy is an error as well
        assert look.overflow <= 0, shot
        assert look.url.startswith("/admin/"), shot
        assert is_dark is (theme == "dark"), shot


def test_a_theme_is_chosen_once_for_both_sides(empty_scene: Scene, window: OpenWindow) -> None:
    opened = window(empty_scene, Role.OWNER)
    opened.look("/")

    def walked(page: Page) -> list[object]:
        page.get_by_role("button", name="Light or dark").click()
        page.goto(page.url + "admin/")
        page.wait_for_function("document.documentElement.classList.contains('dark')")
        page.keyboard.press("Control+e")
        page.wait_for_function("document.documentElement.classList.contains('light')")
        page.goto(page.url.removesuffix("admin/"))
        return [
            page.evaluate("document.documentElement.dataset.theme"),
            page.evaluate("localStorage.getItem('theme')"),
        ]

    assert opened.do(walked) == ["light", "light"]


def test_settings_lead_to_the_configuration_and_back_to_work(
    empty_scene: Scene, window: OpenWindow
) -> None:
    opened = window(empty_scene, Role.OWNER)
    opened.look("/")

    def there_and_back(page: Page) -> tuple[str, str]:
        page.get_by_role("link", name="Settings").click()
        page.wait_for_url("**/admin/")
        there = page.title()
        page.get_by_role("link", name="Orders").first.click()
        page.wait_for_url("**/orders/")
        return there, page.locator("h1").inner_text()

    there, heading = opened.do(there_and_back)

    assert "Entrepot" in there
    assert heading == "Orders"


@pytest.mark.parametrize(
    ("_case", "width", "height"), [("desk", 1440, 900), ("short", 1280, 560), ("phone", 360, 640)]
)
def test_a_key_is_made_by_clicking(
    empty_scene: Scene, window: OpenWindow, _case: str, width: int, height: int
) -> None:
    opened = window(empty_scene, Role.OWNER)
    opened.look("/admin/access/apikey/", width=width)

    def made(page: Page) -> str:
        page.set_viewport_size({"width": width, "height": height})
        ask = page.get_by_text("Make a key …").first
        if not ask.is_visible():
            page.get_by_text("more_horiz").first.click()
        ask.click()
        page.get_by_role("textbox", name="Name").fill("Waage 7 ü")
        page.get_by_label("orders:read:").check()
        page.get_by_label("orders:write:").check()
        photograph(page, f"configuration-make-key-{_case}", is_whole=False)
        # A mouse cannot scroll to what is outside of the window, so nothing here may scroll.
        expect(page.get_by_role("button", name="Make key")).to_be_in_viewport(ratio=1)
        expect(page.get_by_text("Make an API key")).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Make key").click()
        secret = page.get_by_label("The key “Waage 7 ü”:").input_value()
        expect(page.get_by_role("button", name="Make key")).to_be_hidden()
        photograph(page, f"configuration-key-shown-{_case}", is_whole=False)
        return secret

    secret = opened.do(made)

    key = keys.authenticate_api_key(secret, address="192.0.2.9")
    assert (key.name, sorted(key.scopes)) == ("Waage 7 ü", ["orders:read", "orders:write"])
    with scope.merchant(empty_scene.merchant.id):
        assert ApiKey.objects.count() == 1
