"""Each page in a real browser: light and dark, wide and narrow, by keyboard, without JavaScript."""

import pytest

from tests.browser.conftest import OpenWindow
from tests.browser.driving import THEMES, WIDTHS
from tests.dashboard.scene import Scene

PAGES = {
    "home": "/",
    "owed": "/owed/overdue/",
    "orders": "/orders/",
    "orders-held": "/orders/?state=held",
    "order": "/orders/10482/",
    "order-unknown": "/orders/E-7KQ2MD/",
    "order-held": "/orders/10479/",
    "attention": "/attention/",
    "pause": "/pause/",
    "refund": "/orders/10482/refund/",
    "test-home": "/test/",
}
EMPTY = {"empty-home": "/", "empty-orders": "/orders/", "empty-attention": "/attention/"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_every_screen_in_both_themes(
    scene: Scene, window: OpenWindow, name: str
) -> None:
    opened = window(scene)

    for width_name, width in WIDTHS.items():
        for theme in THEMES:
            shot = "-".join(filter(None, [name, width_name, "dark" if theme == "dark" else ""]))
            path = PAGES[name]
            if path.startswith("/orders/") and path.count("/") > 2 and "?" not in path:
                number, rest = path.split("/")[2], "/".join(path.split("/")[3:])
                path = f"/orders/{scene.orders[number].id}/{rest}"
            look = opened.look(path, width=width, theme=theme, shot=shot)

            assert look.errors == [], shot
            assert look.overflow <= 0, f"{shot} scrolls sideways by {look.overflow} px"
            assert look.headings == 1, shot
            assert look.unnamed == [], shot


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_page_says_what_would_be_there(
    empty_scene: Scene, window: OpenWindow, name: str
) -> None:
    opened = window(empty_scene)

    for width_name, width in WIDTHS.items():
        shot = "-".join(filter(None, [name, width_name]))
        look = opened.look(EMPTY[name], width=width, shot=shot)

        assert look.errors == []
        assert look.overflow <= 0
