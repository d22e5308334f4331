"""The configuration in a real browser: lists, a record, dialogs; its policy lets all of it work."""

import pytest
from playwright.sync_api import Page

from entrepot.access import keys
from entrepot.access.states import Role
from tests.browser.conftest import OpenWindow
from tests.browser.driving import THEMES
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
