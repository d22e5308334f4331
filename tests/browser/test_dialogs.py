"""Dialogs on a phone, and rows of fields at a desk: nothing wraps that has room beside it."""

from playwright.sync_api import Page

from entrepot.access.states import Role
from tests.browser.conftest import OpenWindow
from tests.dashboard.scene import Scene
from tests.dashboard.test_picklists import packed

# Whether two things stand beside each other: their tops and bottoms overlap.
BESIDE = """
([one, other]) => {
  const [a, b] = [one, other].map(name => document.querySelector(name).getBoundingClientRect());
  return a.top < b.bottom && b.top < a.bottom;
}
"""


def test_a_long_title_leaves_its_dialog_closable_where_it_is_looked_for(
    scene: Scene, window: OpenWindow
) -> None:
    opened = window(scene, Role.OWNER, viewport={"width": 360, "height": 740})
    opened.go(f"/connections/{scene.connections['shop'].id}/")

    def stands_beside(page: Page) -> bool:
        page.get_by_role("link", name="Rotate a signing secret …").click()
        page.get_by_role("dialog").wait_for()
        return bool(page.evaluate(BESIDE, ["#act-t", "#act-box [aria-label=Close]"]))

    assert opened.do(stands_beside)


def test_a_menu_does_not_stay_open_behind_its_dialog(scene: Scene, window: OpenWindow) -> None:
    opened = window(scene)
    opened.go(f"/orders/{scene.orders['10482'].id}/")

    def menus(page: Page) -> int:
        page.get_by_label("More actions").click()
        page.locator("details.menu[open] a").first.click()
        page.get_by_role("dialog").wait_for()
        return page.locator("details.menu[open]").count()

    assert opened.do(menus) == 0


def test_what_has_left_is_entered_in_one_row_at_a_desk(
    empty_scene: Scene, window: OpenWindow
) -> None:
    packed(empty_scene, "10474", units=4)
    opened = window(empty_scene, Role.WAREHOUSE, viewport={"width": 1440, "height": 900})
    opened.go("/picklists/")

    row = ["[name=carrier]", "form:has([name=carrier]) button"]
    assert opened.do(lambda page: page.evaluate(BESIDE, row))
