"""What a mail says: the customer's language, money and days; text and HTML tell the same."""

from datetime import UTC, datetime
from decimal import Decimal

from entrepot.access import scope
from entrepot.access.models import Merchant
from entrepot.notifications import configuring, facts, queries
from entrepot.notifications.rendering import RenderedMail, render
from entrepot.notifications.states import Kind
from entrepot.notifications.templates import Words
from entrepot.orders.models import Order
from tests.notifications.sales import LIGHTHOUSE, POSTCARDS, Sale, make_sale, refund, ship

MONDAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def mail(sale: Sale, kind: Kind, *told: str, language: str = "") -> RenderedMail:
    with scope.merchant(sale.merchant.id):
        return render(
            Order.objects.get(id=sale.order.id),
            kind,
            facts=told,
            storefront_id=sale.storefront.id,
            merchant_id=sale.merchant.id,
            language=language,
        )


def test_a_shipped_mail_in_german_says_what_left_and_what_is_to_come(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    ship(sale, 1, {0: 2}, tracking=("NP 8830 2741 5",), expected_at=MONDAY)
    ship(sale, 2, {1: 1}, tracking=("NP 0047 1188 2", "NP 0047 1188 3"))

    told = mail(sale, Kind.PARTLY_SHIPPED, facts.shipment(1), facts.shipment(2))

    assert told.language == "de"
    assert told.subject == "Ein Teil deiner Bestellung 10482 ist unterwegs"
    lines = told.text.splitlines()
    assert lines[2] == "Hallo Mareike,"
    assert "Paket 1: kommt bis Mo., 23. November" in lines
    assert f"  2 x {LIGHTHOUSE}" in lines
    assert "  Nordpost NP 8830 2741 5" in lines
    assert "  https://nordpost.example/s/NP883027415" in lines
    assert "Paket 2–3" in lines
    assert f"  1 x {POSTCARDS}" in lines
    assert "Noch nicht dabei" in lines
    assert f"  2 x {POSTCARDS}" in lines
    assert "Geht an: Große Möwengasse 12, Hinterhaus, 23552 Lübeck, DE." in lines
    assert '<html lang="de" dir="ltr"' in told.html
    assert "Große Möwengasse 12" in told.html
    assert len(told.html.encode()) < 30_000
    assert "{{" not in told.html + told.text + told.subject


def test_only_the_shipments_of_the_mail_are_in_it(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    ship(sale, 1, {0: 2}, tracking=("NP 1",))
    ship(sale, 2, {1: 3}, tracking=("NP 2",))

    told = mail(sale, Kind.SHIPPED, facts.shipment(2))

    assert "NP 2" in told.text
    assert "NP 1" not in told.text
    assert told.subject == "Dein Paket ist unterwegs: Bestellung 10482"


def test_several_parcels_are_counted_in_the_headline(merchant: Merchant) -> None:
    sale = make_sale(merchant, language="en-GB", name="Zoë")
    ship(sale, 1, {0: 2, 1: 3}, tracking=("NP 1", "NP 2"))

    told = mail(sale, Kind.SHIPPED, facts.shipment(1))

    assert told.subject == "2 parcels are on their way: order 10482"
    assert told.text.splitlines()[2] == "Hello Zoë,"


def test_money_is_written_as_in_the_customers_country(merchant: Merchant) -> None:
    euros = make_sale(merchant)
    yen = make_sale(
        merchant,
        number="J-1",
        language="ja",
        currency="JPY",
        name="山田 健",
        total=Decimal(18400),
        total_shipping=Decimal(600),
        total_tax=Decimal(0),
    )
    dinars = make_sale(
        merchant, number="K-1", language="en", currency="KWD", total=Decimal("12.345"), name=""
    )

    german = mail(euros, Kind.CONFIRMATION).text
    japanese = mail(yen, Kind.CONFIRMATION).text
    kuwaiti = mail(dinars, Kind.CONFIRMATION).text

    assert "Summe: 187,40\N{NO-BREAK SPACE}€" in german
    assert german.index("Summe: ") < german.index(
        "darin enthaltene Steuer: 29,92\N{NO-BREAK SPACE}€"
    )
    assert "Artikel: 181,40\N{NO-BREAK SPACE}€" in german
    assert (
        "Total: 18.400\N{NO-BREAK SPACE}JP¥" in japanese
    )  # in English words, as written in Germany
    assert "Shipping: 600\N{NO-BREAK SPACE}JP¥" in japanese
    assert "Total: 12,345\N{NO-BREAK SPACE}KWD" in kuwaiti
    assert "\nHello,\n" in kuwaiti


def test_a_refund_says_how_much_of_it(merchant: Merchant) -> None:
    sale = make_sale(merchant, currency="SEK", language="en")
    refund(sale, "re_1", "21.80")
    refund(sale, "re_2", "100.00")

    one = mail(sale, Kind.REFUNDED, facts.refund("re_1"))
    both = mail(sale, Kind.REFUNDED, facts.refund("re_1"), facts.refund("re_2"))

    assert one.subject == "Your refund of 21,80\N{NO-BREAK SPACE}SEK for order 10482"
    assert "121,80\N{NO-BREAK SPACE}SEK" in both.text


def test_what_a_customer_wrote_cannot_break_the_page(merchant: Merchant) -> None:
    sale = make_sale(merchant, name='<script>alert("x")</script> Bobby')

    told = mail(sale, Kind.CONFIRMATION)

    assert "<script>" not in told.html
    assert "&lt;script&gt;" in told.html


def test_a_providers_link_leads_to_the_web_or_nowhere(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    shipment = ship(sale, 1, {0: 2}, tracking=("NP 1",))
    with scope.merchant(merchant.id):
        shipment.parcels.update(tracking_url="javascript:alert(1)")

    told = mail(sale, Kind.SHIPPED, facts.shipment(1))

    assert "javascript" not in told.html + told.text


def test_a_delivered_mail_knows_the_day(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    ship(sale, 1, {0: 2, 1: 3}, tracking=("NP 1",), delivered_at=MONDAY)

    told = mail(sale, Kind.DELIVERED, facts.parcel(1, 1, news="delivered"))

    assert "Nordpost meldet die Zustellung am Mo., 23. November." in told.text
    assert "Paket 1: zugestellt Mo., 23. November" in told.text
    assert "Noch nicht dabei" not in told.text


def test_a_delivered_mail_about_several_parcels_does_not_speak_of_one(merchant: Merchant) -> None:
    sale = make_sale(merchant, language="en-GB", name="Zoë")
    ship(sale, 1, {0: 2, 1: 3}, tracking=("NP 1", "NP 2"), delivered_at=MONDAY)
    parcels = [facts.parcel(1, number, news="delivered") for number in (1, 2)]

    told = mail(sale, Kind.DELIVERED, *parcels)

    assert told.subject == "2 parcels have arrived: order 10482"
    assert "Nordpost confirmed the delivery on Mon 23 Nov." in told.text
    assert "Nordpost confirmed the delivery on Mon 23 Nov." in told.html


def test_a_preview_takes_a_draft_and_another_language(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    draft = Words("{{order_number}}!", "<h1>{{first_name}}</h1>", "{{first_name}}", "en", "draft")

    with scope.merchant(merchant.id):
        drafted = queries.preview(
            sale.order.id, Kind.CONFIRMATION, merchant_id=merchant.id, draft=draft
        )
        english = queries.preview(
            sale.order.id, Kind.REFUNDED, merchant_id=merchant.id, language="en"
        )

    assert (drafted.subject, drafted.source) == ("10482!", "draft")
    assert "<h1>Mareike</h1>" in drafted.html
    assert english.text.startswith("Your refund is on its way")


def test_the_stores_colour_logo_and_footer_are_in_the_frame(merchant: Merchant) -> None:
    sale = make_sale(merchant)
    configuring.save_voice(
        sale.storefront.id,
        merchant_id=merchant.id,
        by="user:3",
        sender_name="Seemöwe Prints",
        sender_email="moin@seemoewe.example",
        reply_to="hilfe@seemoewe.example",
        color="#173a5e",
        logo_url="https://seemoewe.example/logo.png",
        footer="Kaiweg 3, 20457 Hamburg",
    )

    told = mail(sale, Kind.CONFIRMATION)

    assert 'src="https://seemoewe.example/logo.png" alt="Seemöwe Prints"' in told.html
    assert 'bgcolor="#173a5e"' in told.html
    assert "Seemöwe Prints, Kaiweg 3, 20457 Hamburg" in told.text
    assert "Antworte einfach auf diese Mail." in told.text
    assert (told.sender_email, told.reply_to) == ("moin@seemoewe.example", "hilfe@seemoewe.example")


def test_the_sums_of_a_confirmation_add_up(merchant: Merchant) -> None:
    sale = make_sale(
        merchant,
        language="en",
        currency="JPY",
        total_lines=Decimal(16000),
        total_discount=Decimal(2000),
        total_shipping=Decimal(600),
        total_fees=Decimal(200),
        total_tax=Decimal(1600),
        total=Decimal(18400),
        prices_include_tax=False,
    )

    lines = mail(sale, Kind.CONFIRMATION).text.replace("\N{NO-BREAK SPACE}JP¥", "").splitlines()

    start = lines.index("Items: 18.000")
    assert lines[start : start + 6] == [
        "Items: 18.000",
        "Discount: \N{MINUS SIGN}2.000",
        "Shipping: 600",
        "Fees: 200",
        "Tax: 1.600",
        "Total: 18.400",
    ]
