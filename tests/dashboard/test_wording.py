"""How pages say amounts, times and counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from entrepot.canon.money import Money
from entrepot.dashboard import wording
from entrepot.intake.tables import safe


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        ("1249", "SEK", "1,249.00\N{NO-BREAK SPACE}SEK"),
        ("18400.0000", "JPY", "18,400\N{NO-BREAK SPACE}JPY"),
        ("18.45", "KWD", "18.450\N{NO-BREAK SPACE}KWD"),
        ("-12", "EUR", "\N{MINUS SIGN}12.00\N{NO-BREAK SPACE}EUR"),
    ],
)
def test_money_has_its_own_decimals(amount: str, currency: str, said: str) -> None:
    assert wording.money_words(Money(Decimal(amount), currency)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (41, "41 s"),
        (21 * 60 + 59, "21 min"),
        (2 * 3600 + 10 * 60, "2 h 10 min"),
        (3 * 3600, "3 h"),
        (2 * 86400 + 20 * 3600, "2 days 20 h"),
        (86400, "1 day"),
        (40 * 86400 + 5 * 3600, "40 days"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: int, said: str) -> None:
    assert wording.duration_words(timedelta(seconds=seconds)) == said


def test_times_are_those_of_the_merchants_zone_with_utc_beside() -> None:
    instant = datetime(2026, 11, 19, 8, 2, tzinfo=UTC)

    with timezone.override(ZoneInfo("Europe/Berlin")):
        said = wording.full_words(instant)
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        there = wording.full_words(instant)

    assert said == "Thu 19 Nov 2026, 09:02 CET"
    assert there == "Thu 19 Nov 2026, 17:02 JST"
    assert wording.utc_words(instant) == "2026-11-19 08:02 UTC"


def test_today_is_where_the_page_is() -> None:
    evening = datetime(2026, 11, 19, 23, 30, tzinfo=UTC)
    now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)

    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert wording.short_words(evening, now=now) == "00:30"
    with timezone.override(UTC):
        assert wording.short_words(evening, now=now) == "Thu 19 Nov"


@pytest.mark.parametrize(
    ("number", "said"), [(0, "no orders"), (1, "1 order"), (1284, "1,284 orders")]
)
def test_a_count_has_its_noun(number: int, said: str) -> None:
    assert wording.count_words(number, "order") == said


def test_an_address_is_masked_and_still_recognised() -> None:
    assert wording.masked_email("mareike@seemail.example") == "m•••@seemail.example"
    assert wording.masked_phone("+49 171 555 0141") == "+49 ••• ••• 41"
    assert wording.masked_phone("") == ""


@pytest.mark.parametrize(
    ("cell", "saved"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+49 171", "'+49 171"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        (" =1", "' =1"),
        ("-12.50", "-12.50"),
        (Decimal(-3), "-3"),
        ("Zoë", "Zoë"),
        (None, ""),
    ],
)
def test_a_spreadsheet_runs_nothing(cell: object, saved: str) -> None:
    assert safe(cell) == saved


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("de", "German"),
        ("de-AT", "German (Austria)"),
        ("zh_Hant_TW", "Chinese (Traditional, Taiwan)"),
        ("tlh", "tlh"),
        ("not a tag", "not a tag"),
    ],
)
def test_a_language_is_said_by_its_name(tag: str, said: str) -> None:
    assert wording.language_name(tag) == said


def test_a_form_offers_countries_and_no_unions() -> None:
    codes = {code for code, _ in wording.countries()}

    assert {"CH", "CI", "TR"} <= codes
    assert not {"EU", "EZ", "UN", "QO", "ZZ"} & codes
