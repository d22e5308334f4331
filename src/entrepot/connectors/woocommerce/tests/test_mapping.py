"""Orders and products as a shop shows them, in our words: golden files, and beyond them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entrepot.canon.messages import Hint, Ignored
from entrepot.canon.money import Money
from entrepot.canon.orders import OrderDeleted, OrderSnapshot, PaymentWord, SourceState
from entrepot.canon.payments import PaymentFactKind, RefundedLine
from entrepot.canon.places import Address
from entrepot.connect.ports import Account
from entrepot.connectors.woocommerce import mapping, webhook
from entrepot.connectors.woocommerce.fields import decoded
from entrepot.connectors.woocommerce.tests.goldens import (
    ACCOUNT,
    FIXTURES,
    PAID,
    body_of,
    euro,
    golden_names,
    message,
    normalized,
)


def order_of(name: str, account: Account = ACCOUNT, **changes: Any) -> OrderSnapshot:
    """A golden order, which must be one."""
    order = mapping.to_order(body_of(name, **changes), account)
    assert isinstance(order, OrderSnapshot)
    return order


@pytest.mark.parametrize("name", golden_names())
def test_a_recorded_or_composed_body_becomes_exactly_what_stands_beside_it(name: str) -> None:
    expected = json.loads((FIXTURES / f"{name}.expected.json").read_text())

    assert normalized(name) == expected


@pytest.mark.parametrize("name", [name for name in golden_names() if "order" in name])
def test_the_parts_of_every_order_add_up_to_the_shops_total(name: str) -> None:
    for item in webhook.normalize(message(name, (FIXTURES / f"{name}.json").read_bytes()), ACCOUNT):
        if isinstance(item, OrderSnapshot):
            totals = item.totals
            added = Money.zero(item.currency) if item.prices_include_tax else totals.tax
            assert totals.lines + totals.shipping + totals.fees + added == totals.total


def test_amounts_hold_their_tax_where_the_shops_prices_do() -> None:
    order = order_of(PAID)

    assert order.prices_include_tax
    assert [line.total for line in order.lines] == [euro("64.03"), euro("46.60"), euro("3.22")]
    assert order.lines[0].unit_price == euro("35.58")
    assert order.lines[0].discount == euro("7.13")
    assert order.shipping_lines[0].price == euro("5.83")
    assert order.totals.tax == euro("19.48")
    assert order.tax_lines[0].rate == Decimal("0.19")
    assert order.tax_lines[0].is_included


def test_amounts_are_without_tax_where_tax_is_added() -> None:
    order = order_of("order_yen_tax_added")

    assert [line.total.amount for line in order.lines] == [11600, 3900, 220]
    assert order.lines[0].unit_price == Money.of(4000, "JPY")
    assert not order.tax_lines[0].is_included
    assert order.fees[0].amount == Money.of(-200, "JPY")
    assert order.totals.total == Money.of(17960, "JPY")


def test_an_order_does_not_say_whether_its_lines_ship() -> None:
    assert {line.is_shippable for line in order_of(PAID).lines} == {None}


def test_a_lines_own_words_are_kept_and_the_shops_bookkeeping_is_not() -> None:
    lines = order_of("order_yen_tax_added").lines

    assert lines[0].properties == (
        ("額縁", "黒"),
        ("_artwork_url", "https://art.example/b4.tif?x=1&y=2"),
        ("layers", '{"top": ["a", 2]}'),
    )
    assert (lines[0].product_external_id, lines[0].variant_external_id) == ("501", "502")
    assert (lines[1].product_external_id, lines[1].variant_external_id) == ("503", "503")
    assert lines[2].product_external_id == ""  # its product was deleted


def test_addresses_are_kept_as_they_were_typed() -> None:
    order = order_of("order_yen_tax_added")

    assert order.shipping_address == Address(
        name="太郎 架空",
        company="架空画廊",
        line1="架空通4-5",
        line2="201号室",
        city="大阪市",
        region="大阪府",
        postal_code="530-0000",
        country="JP",
    )
    assert order.customer.email == "misaki@kokyaku.example"
    assert order.customer.external_id == "77"
    assert order.customer.language == "pt-BR"
    assert order_of("order_sparse").shipping_address.is_empty


@pytest.mark.parametrize(
    ("_case", "status", "state"),
    [
        ("waiting for money", "pending", SourceState.AWAITING),
        ("to be fulfilled", "processing", SourceState.PROCESSING),
        ("stopped", "on-hold", SourceState.ON_HOLD),
        ("done", "completed", SourceState.COMPLETED),
        ("called off", "cancelled", SourceState.CANCELLED),
        ("paid back", "refunded", SourceState.REFUNDED),
        ("declined", "failed", SourceState.FAILED),
        ("a plug-in's, mapped with its prefix", "in-druck", SourceState.PROCESSING),
        ("a plug-in's, mapped to no state", "fertig", SourceState.UNKNOWN),
        ("a plug-in's that nobody mapped", "wartet-auf-motiv", SourceState.UNKNOWN),
    ],
)
def test_a_status_is_mapped_or_unknown(_case: str, status: str, state: SourceState) -> None:
    words = {"wc-in-druck": "processing", "fertig": "ready to go"}
    account = Account(mode=ACCOUNT.mode, settings={"status_map": words})

    order = order_of(PAID, account, status=status)

    assert order.state is state
    assert order.source_status == status


def test_the_merchants_map_overrides_the_shops_own_words() -> None:
    account = Account(mode=ACCOUNT.mode, settings={"status_map": {"on-hold": "awaiting"}})

    assert order_of(PAID, account, status="on-hold").state is SourceState.AWAITING


def test_drafts_are_not_ours_yet_and_the_trash_is_gone() -> None:
    assert isinstance(mapping.to_order(body_of("order_draft"), ACCOUNT), Ignored)
    assert mapping.to_order(body_of("order_trashed"), ACCOUNT) == OrderDeleted(external_id="9004")


@pytest.mark.parametrize(
    ("_case", "changes", "word"),
    [
        ("paid", {}, PaymentWord.PAID),
        ("nothing to pay", {"total": "0.00"}, PaymentWord.NOT_REQUIRED),
        (
            "cash on delivery",
            {"date_paid_gmt": None, "payment_method": "cod"},
            PaymentWord.ON_TERMS,
        ),
        (
            "cash on delivery, collected",
            {"payment_method": "cod"},
            PaymentWord.PAID,
        ),
        (
            "a transfer is awaited",
            {"date_paid_gmt": None, "status": "on-hold"},
            PaymentWord.PENDING,
        ),
        ("not yet", {"date_paid_gmt": None, "status": "pending"}, PaymentWord.UNPAID),
        ("declined", {"date_paid_gmt": None, "status": "failed"}, PaymentWord.UNPAID),
        (
            "set to processing by somebody, no money named",
            {"date_paid_gmt": None},
            PaymentWord.UNKNOWN,
        ),
    ],
)
def test_payment_is_said_as_far_as_the_shop_says_it(
    _case: str, changes: dict[str, Any], word: PaymentWord
) -> None:
    assert order_of(PAID, **changes).payment is word


def test_methods_on_terms_are_the_merchants_list() -> None:
    account = Account(mode=ACCOUNT.mode, settings={"on_terms_methods": ["invoice", "cod"]})
    changes: dict[str, Any] = {"date_paid_gmt": None, "payment_method": "invoice"}

    assert order_of(PAID, account, **changes).payment is PaymentWord.ON_TERMS
    assert order_of(PAID, **changes).payment is PaymentWord.UNKNOWN


def test_a_paid_order_is_a_captured_payment_known_by_all_its_ids() -> None:
    order = order_of("order_yen_tax_added")

    assert order.transaction_ids == ("ch_3Yen", "pi_3Yen")
    (fact,) = order.payment_facts
    assert fact.kind is PaymentFactKind.CAPTURED
    assert fact.external_id == "order:9001:paid"
    assert fact.amount == Money.of(17960, "JPY")
    assert fact.match_ids == ("ch_3Yen", "pi_3Yen")


def test_a_transaction_id_that_comes_later_makes_no_second_payment() -> None:
    early = order_of(PAID, transaction_id="").payment_facts
    late = order_of(PAID).payment_facts

    assert [fact.external_id for fact in early] == [fact.external_id for fact in late]


def test_refunds_that_we_read_tell_their_lines_and_time() -> None:
    order = order_of("polled_order_partly_refunded")

    refund = order.payment_facts[1]
    assert refund.kind is PaymentFactKind.REFUNDED
    assert refund.external_id == "refund:314"
    assert refund.amount == euro("17.26")
    assert refund.happened_at == datetime(2026, 11, 21, 0, 43, 42, tzinfo=UTC)
    assert refund.refunded_lines == (RefundedLine(line_external_id="866", quantity=1),)
    assert [line.refunded_quantity for line in order.lines] == [0, 1, 0, 0]
    assert order.totals.refunded == euro("17.26")


def test_refunds_that_a_webhook_names_count_at_once_and_are_read_again() -> None:
    name = "order_after_partial_refund"
    body = (FIXTURES / f"{name}.json").read_bytes()

    order, hint = webhook.normalize(message(name, body), ACCOUNT)

    assert isinstance(order, OrderSnapshot)
    assert order.totals.refunded == euro("17.26")
    assert [fact.external_id for fact in order.payment_facts] == ["order:310:paid", "refund:314"]
    assert isinstance(hint, Hint)


def test_an_edited_order_has_its_new_line_and_a_newer_version() -> None:
    before, after = order_of(PAID), order_of("order_after_line_added")

    assert after.version - before.version == 1_000_000
    assert [line.external_id for line in after.lines] == ["865", "866", "867", "880"]
    assert after.totals.total == euro("139.31")


def test_our_own_marks_are_recognised_and_the_birth_mark_is_kept() -> None:
    order = order_of("order_yen_tax_added")

    assert order.own_marks == ("E-P-1", "E-P-2", "E-W-1")
    assert order.birth_mark == "wc_order_Jp9001"
    assert order.number == "JP-2026-0042"


@pytest.mark.parametrize(
    ("_case", "meta", "is_test"),
    [
        ("WooPayments, test", {"key": "_wcpay_mode", "value": "test"}, True),
        ("WooPayments, live", {"key": "_wcpay_mode", "value": "prod"}, False),
        ("PayPal, test", {"key": "_ppcp_paypal_payment_mode", "value": "sandbox"}, True),
        ("a word that we do not know", {"key": "_wcpay_mode", "value": "dev"}, None),
        ("nobody says", {"key": "_other", "value": "test"}, None),
    ],
)
def test_the_mode_is_what_the_payment_plug_in_says(
    _case: str, meta: dict[str, str], is_test: bool | None
) -> None:
    assert order_of(PAID, meta_data=[meta]).is_test is is_test


@pytest.mark.parametrize(
    ("_case", "changes", "path"),
    [
        ("no id", {"id": None}, "id"),
        ("id of another kind", {"id": "a1"}, "id"),
        ("no status", {"status": None}, "status"),
        ("no currency", {"currency": ""}, "currency"),
        ("a currency that is none", {"currency": "Euro"}, "currency"),
        ("no total", {"total": None}, "total"),
        ("a total in words", {"total": "zwölf"}, "total"),
        ("an endless total", {"total": "NaN"}, "total"),
        ("a date that is none", {"date_paid_gmt": "gestern"}, "date_paid_gmt"),
        ("no date", {"date_created_gmt": None}, "date_created_gmt"),
        ("lines that are no list", {"line_items": {"0": {}}}, "line_items"),
        ("half a unit", {"line_items": [{"id": 7, "quantity": Decimal("1.5")}]}, "quantity"),
        ("an address that is a text", {"shipping": "Köln"}, "shipping"),
    ],
)
def test_what_is_wrong_is_told_with_where_it_is(
    _case: str, changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(ValueError, match=path):
        mapping.to_order(body_of(PAID, **changes), ACCOUNT)


def test_an_error_never_quotes_what_the_customer_typed() -> None:
    with pytest.raises(ValueError, match=r"shipping: expected an object, saw a text") as caught:
        mapping.to_order(body_of(PAID, shipping="Straße der Möwen 7"), ACCOUNT)

    assert "Möwen" not in str(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    name=st.sampled_from(sorted(json.loads((FIXTURES / f"{PAID}.json").read_text()))),
    value=json_values,
)
def test_any_value_in_any_field_is_mapped_or_refused(name: str, value: Any) -> None:
    try:
        found = mapping.to_order(body_of(PAID, **{name: value}), ACCOUNT)
    except ValueError:
        return
    assert isinstance(found, OrderSnapshot | OrderDeleted | Ignored)


def test_php_writes_empty_objects_as_lists() -> None:
    assert decoded(b'{"billing":[]}').inner("billing").text("email") == ""


@pytest.mark.parametrize(
    ("_case", "place", "region"),
    [
        (
            "a Japanese address",
            {"country": "JP", "state": "JP13", "city": "渋谷区", "address_1": "渋谷2-21-1"},
            "東京都",
        ),
        (
            "a Japanese address in Latin letters",
            {"country": "jp", "state": "JP27", "city": "Osaka", "address_1": "1-1 Umeda"},
            "Osaka",
        ),
        ("a German state", {"country": "DE", "state": "DE-BW", "city": "Freiburg"}, ""),
        ("an American state", {"country": "US", "state": "TX", "city": "Austin"}, "TX"),
        (
            "a number of the shop's own",
            {"country": "CN", "state": "CN11", "city": "南京"},
            "江苏省",
        ),
        (
            "the shop's own, in Latin letters",
            {"country": "CN", "state": "CN32", "city": "Ürümqi"},
            "Xinjiang Weiwuerzizhiqu",
        ),
        ("a number that the shop has not", {"country": "CN", "state": "CN33"}, "CN33"),
        ("what is no number", {"country": "CN", "state": "江苏", "city": "南京"}, "江苏"),
    ],
)
def test_a_state_is_named_as_a_carrier_reads_it(
    _case: str, place: dict[str, str], region: str
) -> None:
    order = order_of(PAID, shipping={"first_name": "Jun", "address_1": "", **place})

    assert order.shipping_address.region == region
