"""Working in a real browser: dialogs, keys, the theme, without JavaScript, signing in."""

from playwright.sync_api import Page, Route

from entrepot.access.states import Role
from tests.browser.conftest import OpenWindow
from tests.browser.driving import photograph
from tests.dashboard.scene import PASSWORD, Scene


def test_an_action_opens_as_a_dialog_and_its_preview_follows_the_form(
    scene: Scene, window: OpenWindow
) -> None:
    opened, order = window(scene), scene.orders["10482"]
    opened.look(f"/orders/{order.id}/")

    def refund(page: Page) -> tuple[str, str, int]:
        page.get_by_role("link", name="Refund …").click()
        page.get_by_label("Amount in EUR").fill("31.20")
        page.get_by_label("Reason").fill("parcel late")
        button = page.get_by_role("button", name="Refund 31.20")
        button.wait_for()
        photograph(page, "order-dialog")
        reason = page.get_by_label("Reason").input_value()
        button.click()
        page.get_by_role("status").filter(has_text="on its way").wait_for()
        return page.url.rpartition("/orders")[2], reason, page.locator("dialog").count()

    path, reason, dialogs = opened.do(refund)

    assert (path, reason, dialogs) == (f"/{order.id}/", "parcel late", 0)


def test_what_is_typed_while_an_effect_is_worked_out_stays(
    scene: Scene, window: OpenWindow
) -> None:
    opened, order = window(scene), scene.orders["10482"]
    opened.look(f"/orders/{order.id}/")

    def refund(page: Page) -> tuple[str, str]:
        previews: list[Route] = []
        page.get_by_role("link", name="Refund …").click()
        page.get_by_label("Amount in EUR").fill("31.20")
        page.route("**preview=1**", lambda route: previews.append(route))  # noqa: PLW0108 -- not a builtin
        with page.expect_request("**preview=1**"):
            page.get_by_label("Reason").focus()
        page.keyboard.type("Päckchen zu spä")
        previews[0].continue_()
        page.get_by_role("button", name="Refund 31.20").wait_for()
        page.unroute("**preview=1**")
        page.keyboard.type("t")
        typed = page.get_by_label("Reason").input_value()
        page.get_by_role("button", name="Refund 31.20").click()
        page.get_by_role("status").filter(has_text="on its way").wait_for()
        return typed, page.url.rpartition("/orders")[2]

    assert opened.do(refund) == ("Päckchen zu spät", f"/{order.id}/")


def test_what_is_ticked_while_an_effect_is_worked_out_stays_and_counts(
    scene: Scene, window: OpenWindow
) -> None:
    opened, order = window(scene), scene.orders["10482"]
    opened.look(f"/orders/{order.id}/")

    def refund(page: Page) -> tuple[str, bool, bool]:
        previews: list[Route] = []
        page.get_by_role("link", name="Refund …").click()
        page.get_by_role("dialog").wait_for()
        focused = page.evaluate("document.activeElement.name")
        page.get_by_label("Amount in EUR").fill("31.20")
        page.route("**preview=1**", lambda route: previews.append(route), times=1)  # noqa: PLW0108 -- not a builtin
        with page.expect_request("**preview=1**"):
            page.get_by_label("Reason").focus()
        page.get_by_label("Mail the customer").check()
        previews[0].continue_()
        page.get_by_text("Mail “Refund on its way” to the customer").wait_for()
        ticked = page.get_by_label("Mail the customer").is_checked()
        return focused, ticked, page.get_by_text("This field is required").is_visible()

    assert opened.do(refund) == ("amount", True, False)


# Presses a form's button three times before an answer can come, and counts what is sent.
PRESSED = """
() => {
  const form = document.querySelector("form[action$='/note/']");
  let sent = 0;
  addEventListener("submit", event => {
    if (!event.defaultPrevented) sent += 1;
    event.preventDefault();
  });
  for (let press = 0; press < 3; press += 1) form.requestSubmit();
  return sent;
}
"""


def test_a_second_press_while_the_first_is_on_its_way_is_not_sent(
    scene: Scene, window: OpenWindow
) -> None:
    opened = window(scene)
    opened.look(f"/orders/{scene.orders['10497'].id}/")

    def pressed(page: Page) -> int:
        page.get_by_placeholder("Add a note").fill("Frau Ōtani ruft zurück")
        return int(page.evaluate(PRESSED))

    assert opened.do(pressed) == 1


def test_a_dialog_whose_session_has_ended_leads_back_to_its_page(
    scene: Scene, window: OpenWindow
) -> None:
    opened, order = window(scene), scene.orders["10497"]
    opened.look(f"/orders/{order.id}/")

    def asked(page: Page) -> str:
        page.context.clear_cookies()
        page.get_by_role("link", name="Hold …").click()
        page.wait_for_url("**/sign-in/**")
        return page.url

    assert opened.do(asked).endswith(f"/sign-in/?next=%2Forders%2F{order.id}%2F")


def test_escape_closes_a_dialog_and_nothing_has_happened(scene: Scene, window: OpenWindow) -> None:
    opened, order = window(scene), scene.orders["10497"]
    opened.look(f"/orders/{order.id}/")

    def held(page: Page) -> int:
        page.get_by_role("link", name="Hold …").click()
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        # Not by its role: a closed dialog has none, a moment before it is taken away.
        page.locator("#dialog dialog").wait_for(state="detached")
        return page.locator("#dialog dialog").count()

    assert opened.do(held) == 0
    assert scene.order("10497").is_held is False


def test_keys_move_select_and_open(scene: Scene, window: OpenWindow) -> None:
    opened = window(scene)
    opened.look("/orders/")

    def walked(page: Page) -> tuple[str, str, str]:
        for key in ("j", "j", "x", "j", "x"):
            page.keyboard.press(key)
        selected = page.locator("[data-chosen]").inner_text()
        photograph(page, "orders-selected")
        page.keyboard.press("/")
        focused = page.evaluate("document.activeElement.id")
        page.keyboard.press("Escape")
        page.locator("tbody tr a").nth(1).focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders/*/")
        return selected, focused, page.locator("h1").inner_text()

    selected, focused, heading = opened.do(walked)

    assert (selected, focused) == ("2 selected", "q")
    assert heading in scene.orders


def test_a_theme_that_was_chosen_is_kept(scene: Scene, window: OpenWindow) -> None:
    opened = window(scene)
    opened.look("/")

    def toggled(page: Page) -> list[str]:
        page.get_by_role("button", name="Light or dark").click()
        chosen = page.evaluate("document.documentElement.dataset.theme")
        page.reload()
        return [chosen, page.evaluate("document.documentElement.dataset.theme")]

    assert opened.do(toggled) == ["dark", "dark"]


def test_everything_works_without_javascript(scene: Scene, window: OpenWindow) -> None:
    opened, order = window(scene, java_script_enabled=False), scene.orders["10497"]

    def held(page: Page) -> str:
        page.goto(f"{page.url.partition('/orders')[0]}/orders/{order.id}/")
        page.get_by_role("link", name="Hold …").click()
        page.get_by_label("Reason").fill("no scripts here")
        page.get_by_role("button", name="Hold the order").click()
        return page.locator("h1").inner_text()

    opened.go("/orders/")
    heading = opened.do(held)

    assert heading == "10497"
    assert scene.order("10497").is_held is True


def test_a_person_signs_in_with_a_keyboard(empty_scene: Scene, window: OpenWindow) -> None:
    opened = window()
    opened.look("/orders/", shot="sign-in")
    email = empty_scene.people[Role.OPERATOR].email

    def signed_in(page: Page) -> str:
        page.keyboard.type(email)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/orders/")
        return page.locator("h1").inner_text()

    assert opened.do(signed_in) == "Orders"
