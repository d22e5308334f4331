"""Orders with what belongs to them, small and valid; a test spells out what matters to it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import F
from django.utils import timezone

from entrepot.access import crypto, scope
from entrepot.access.models import Merchant
from entrepot.connections.models import Connection
from entrepot.customers.models import Customer, PostalAddress
from entrepot.customers.sealing import EMAIL
from entrepot.fulfillment.models import (
    FulfillmentItem,
    FulfillmentOrder,
    Parcel,
    Shipment,
    ShipmentItem,
)
from entrepot.orders.models import Line, Order
from entrepot.payments.models import PaymentEntry

LIGHTHOUSE = "Leuchtturm bei Nacht 🌊, 50 × 70 cm"
POSTCARDS = "Postkarten „Möwen“, 12er-Satz"


@dataclass(frozen=True, slots=True)
class Sale:
    """An order of two lines: two lighthouses, three sets of postcards."""

    merchant: Merchant
    storefront: Connection
    order: Order
    lines: tuple[Line, Line]
    customer: Customer
    fulfillment_order: FulfillmentOrder


def make_storefront(merchant: Merchant, **changes: object) -> Connection:
    values: dict[str, object] = {
        "merchant_id": merchant.id,
        "platform": "packhorse",
        "mode": "live",
        "name": "Seemöwe Prints",
        "code": f"store-{Connection.objects.count() + 1}",
        "token": f"token-{merchant.id}-{Connection.objects.count() + 1}",
        "status": "live",
        "live_since": timezone.now() - timedelta(days=90),
    }
    return Connection.objects.create(**(values | changes))


def make_sale(
    merchant: Merchant,
    *,
    number: str = "10482",
    email: str = "mareike@example.org",
    language: str = "de",
    name: str = "Mareike Voß",
    currency: str = "EUR",
    storefront: Connection | None = None,
    **changes: object,
) -> Sale:
    """Write a sale as intake would leave it: paid, nothing shipped yet."""
    with scope.merchant(merchant.id):
        storefront = storefront or make_storefront(merchant)
        customer = Customer.objects.create(
            merchant_id=merchant.id,
            identity=f"test:{number}",
            email_sealed=crypto.encrypt(EMAIL, email.encode()) if email else b"",
            name=name,
            language=language,
        )
        address = PostalAddress.objects.create(
            merchant_id=merchant.id,
            content_hash=f"hash-{number}",
            name=name,
            line1="Große Möwengasse 12",
            line2="Hinterhaus",
            city="Lübeck",
            postal_code="23552",
            country="DE",
        )
        order = Order.objects.create(
            **(
                _order(merchant, storefront, number, currency)
                | {
                    "customer_id": customer.id,
                    "address_id": address.id,
                    "typed_address_id": address.id,
                    **changes,
                }
            )
        )
        lines = (
            _line(order, 1, LIGHTHOUSE, quantity=2, price="58.00"),
            _line(order, 2, POSTCARDS, quantity=3, price="21.80"),
        )
        fulfillment_order = FulfillmentOrder.objects.create(
            merchant_id=merchant.id,
            mode=order.mode,
            order_id=order.id,
            connection_id=storefront.id,
            share=1,
            planned_version=1,
        )
        order.refresh_from_db()
    return Sale(merchant, storefront, order, lines, customer, fulfillment_order)


def ship(
    sale: Sale,
    number: int,
    units: dict[int, int],
    *,
    tracking: tuple[str, ...] = (),
    delivered_at: datetime | None = None,
    expected_at: datetime | None = None,
) -> Shipment:
    """Let units leave: {place of the line, from 0: units}; one parcel per tracking number."""
    with scope.merchant(sale.merchant.id):
        shipment = Shipment.objects.create(
            merchant_id=sale.merchant.id,
            mode=sale.order.mode,
            order_id=sale.order.id,
            fulfillment_order=sale.fulfillment_order,
            external_id=f"shp_{sale.order.number}_{number}",
            number=number,
            carrier="Nordpost",
            shipped_at=timezone.now(),
        )
        for place, count in units.items():
            line = sale.lines[place]
            item = FulfillmentItem.objects.create(
                merchant_id=sale.merchant.id,
                fulfillment_order=sale.fulfillment_order,
                line_id=line.id,
                position=number * 10 + place,
                sku=line.sku,
                quantity=count,
            )
            ShipmentItem.objects.create(
                merchant_id=sale.merchant.id,
                shipment=shipment,
                fulfillment_item_id=item.id,
                line_id=line.id,
                quantity=count,
            )
            Line.objects.filter(id=line.id).update(units_shipped=F("units_shipped") + count)
        Order.objects.filter(id=sale.order.id).update(
            units_shipped=F("units_shipped") + sum(units.values())
        )
        for place, code in enumerate(tracking, start=1):
            Parcel.objects.create(
                merchant_id=sale.merchant.id,
                mode=sale.order.mode,
                order_id=sale.order.id,
                shipment=shipment,
                number=place,
                tracking_number=code,
                tracking_url=f"https://nordpost.example/s/{code.replace(' ', '')}",
                carrier="Nordpost",
                delivered_at=delivered_at,
                estimated_delivery_at=expected_at,
            )
    return shipment


def refund(sale: Sale, external_id: str, amount: str) -> PaymentEntry:
    with scope.merchant(sale.merchant.id):
        return PaymentEntry.objects.create(
            merchant_id=sale.merchant.id,
            mode=sale.order.mode,
            account="gateway:acct_1",
            connection_id=sale.storefront.id,
            order_id=sale.order.id,
            kind="refunded",
            external_id=external_id,
            payment_external_id="pay_1",
            amount=Decimal(amount),
            currency=sale.order.currency,
            is_from_gateway=True,
            happened_at=timezone.now(),
        )


def _order(
    merchant: Merchant, storefront: Connection, number: str, currency: str
) -> dict[str, object]:
    return {
        "merchant_id": merchant.id,
        "mode": storefront.mode,
        "account": "packhorse:seemoewe.example",
        "external_id": number,
        "connection_id": storefront.id,
        "number": number,
        "reference": f"ref-{merchant.id}-{number}",
        "placed_at": timezone.now() - timedelta(hours=1),
        "source_state": "paid",
        "source_status": "processing",
        "source_version": 1,
        "source_hash": "h",
        "source_read_at": timezone.now(),
        "currency": currency,
        "total_lines": Decimal("181.40"),
        "total_discount": Decimal(0),
        "total_shipping": Decimal("6.00"),
        "total_fees": Decimal(0),
        "total_tax": Decimal("29.92"),
        "total": Decimal("187.40"),
        "computed_total": Decimal("187.40"),
        "prices_include_tax": True,
        "payment_word": "paid",
        "units_ordered": 5,
        "amount_due": Decimal("187.40"),
        "amount_captured": Decimal("187.40"),
    }


def _line(order: Order, position: int, title: str, *, quantity: int, price: str) -> Line:
    return Line.objects.create(
        merchant_id=order.merchant_id,
        order=order,
        external_id=f"line-{position}",
        position=position,
        sku=f"SKU-{position}",
        title=title,
        quantity=quantity,
        unit_price=Decimal(price),
        total=Decimal(price) * quantity,
    )
