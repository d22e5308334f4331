"""Lists in a real browser: several orders at once, and a list that is saved as a file."""

import csv
import io
from pathlib import Path

from playwright.sync_api import Page

from entrepot.access import scope
from entrepot.payments.models import Refund
from tests.browser.conftest import OpenWindow
from tests.browser.driving import photograph
from tests.dashboard.scene import Scene
from tests.dashboard.test_several import sold


def test_several_orders_are_cancelled_and_each_tells_what_happened(
    scene: Scene, window: OpenWindow
) -> None:
    sold(scene, "20031")
    sold(scene, "20032", currency="JPY", total="7200")
    opened = window(scene)
    opened.look("/orders/?country=DK")

    def cancel(page: Page) -> tuple[str, list[str]]:
        page.get_by_label("Select the 2 on this page").check()
        page.get_by_role("button", name="Cancel …").click()
        page.get_by_text("stay held until you give them back").wait_for()
        page.get_by_label("Reason").fill("Messe fällt aus")
        page.get_by_label("Give back all that is held").check()
        page.get_by_text("go back where they were taken").wait_for()
        kept = page.get_by_label("Reason").input_value()
        photograph(page, "cancel-several-typed")
        page.get_by_role("button", name="Cancel 2 orders").click()
        page.get_by_role("heading", name="Cancel: 2 of 2 orders done").wait_for()
        photograph(page, "cancel-several-done")
        rows = page.locator("tbody tr").all_inner_texts()
        page.get_by_role("link", name="‹ Orders").click()
        page.wait_for_url("**/orders/?country=DK")
        return kept, rows

    kept, rows = opened.do(cancel)

    assert kept == "Messe fällt aus"
    assert len(rows) == 2
    assert all("are being cancelled" in row and "go back" in row for row in rows)
    with scope.merchant(scene.merchant.id):
        amounts = set(Refund.objects.values_list("amount", "currency"))
    assert {(str(amount.normalize()), currency) for amount, currency in amounts} == {
        ("64.8", "EUR"), ("7.2E+3", "JPY"),
    }  # fmt: skip


def test_a_list_is_saved_with_the_filters_that_it_has_on_the_screen(
    scene: Scene, window: OpenWindow, tmp_path: Path
) -> None:
    opened = window(scene)
    opened.look("/inbox/?outcome=parked")

    def save(page: Page) -> tuple[str, str]:
        with page.expect_download() as begun:
            page.get_by_role("link", name="Export CSV").click()
        file = tmp_path / "saved.csv"
        begun.value.save_as(file)
        return begun.value.suggested_filename, file.read_text("utf-8-sig")

    name, text = opened.do(save)

    rows = list(csv.DictReader(io.StringIO(text)))
    assert name == "inbox-seemoewe-live.csv"
    assert [row["became"] for row in rows] == ["Parked"] * 4
