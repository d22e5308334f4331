"""Sales as three shops report them: compact WooCommerce payloads of about 4 KB, with three lines.

Deterministic by number. Names, places and currencies differ; one buyer in four has bought before,
one parcel in eight goes elsewhere than the bill, one sale in ten has a coupon.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrepot.inbox.storing import Incoming

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
FIRST_NAMES = (
    "Jürgen",
    "Zoë",
    "María José",
    "Søren",
    "愛子",
    "Nnamdi",
    "Ewa",
    "Tom",
    "Chloé",
    "Ali",
)
LAST_NAMES = (
    "Müller",
    "O’Brien",
    "Nguyễn",
    "Łukasiewicz",
    "山田",
    "Okafor",
    "Smith",
    "García",
    "Öz",
)
STREETS = ("Straße der Möwen", "Rua da Prata", "Main Street", "Vesterbrogade", "Rynek Główny")
CITIES = (("Berlin", "10623", "DE"), ("Lisboa", "1100-420", "PT"), ("Kraków", "31-042", "PL"))
PRODUCTS = tuple(
    (f"{name}-{size}", f"{title} “Möwe”, {size}", price)
    for name, title, price in (
        ("PRINT", "Art print", 24),
        ("MUG", "Mug with a gull", 14),
        ("TEE", "Shirt, organic cotton", 29),
        ("BAG", "Tote bag", 18),
        ("CARD", "Set of cards", 9),
    )
    for size in ("S", "M", "L", "XL", "A2", "A3", "A4", "A5")
)
TAX = Decimal("0.19")


@dataclass(frozen=True, slots=True)
class Shop:
    """One storefront: what it counts in, and how fine."""

    name: str
    currency: str
    decimals: int


SHOPS = (Shop("Berlin", "EUR", 2), Shop("Austin", "USD", 2), Shop("Kyoto", "JPY", 0))


@dataclass(frozen=True, slots=True)
class Selling:
    """A shop as a connection of a hub."""

    shop: Shop
    merchant_id: int
    connection_id: int


def add_shops() -> list[Selling]:
    """Connect each shop for a new merchant, live since before its first sale."""
    from entrepot.access import scope  # noqa: PLC0415 -- app not ready
    from entrepot.access.services import create_merchant  # noqa: PLC0415 -- likewise
    from entrepot.canon.orders import Mode  # noqa: PLC0415 -- likewise
    from entrepot.connections import services  # noqa: PLC0415 -- likewise
    from entrepot.connections.models import Connection  # noqa: PLC0415 -- likewise

    shops = []
    for number, shop in enumerate(SHOPS):
        code = f"{shop.name.lower()}-{secrets.token_hex(4)}"
        merchant = create_merchant(name=shop.name, code=code)
        connection = services.add_connection(
            merchant.id,
            platform="woocommerce",
            mode=Mode.LIVE,
            name=shop.name,
            settings={
                "base_url": f"http://127.0.0.1:{number + 1}",
                "consumer_key": "ck_benchmark",
                "consumer_secret": "cs_benchmark",
            },
        )
        services.change_policy(
            connection.id, merchant_id=merchant.id, changes={"real_payment_methods": ["stripe"]}
        )
        services.go_live(connection.id, merchant_id=merchant.id)
        with scope.system():
            Connection.objects.filter(id=connection.id).update(live_since=BEGAN)
        shops.append(Selling(shop, merchant.id, connection.id))
    return shops


def delivery(selling: Selling, number: int, **said: Any) -> Incoming:
    """The webhook that tells of a sale, as the edge hands it to the inbox."""
    from entrepot.inbox.states import Source  # noqa: PLC0415 -- app not ready
    from entrepot.inbox.storing import Incoming  # noqa: PLC0415 -- likewise

    return Incoming(
        merchant_id=selling.merchant_id,
        connection_id=selling.connection_id,
        mode="live",
        source=Source.WEBHOOK,
        topic="order.updated",
        body=order(selling.shop, number, **said),
        headers={
            "content-type": "application/json",
            "user-agent": "WooCommerce/11.0.1 Hookshot (WordPress/6.9)",
            "x-wc-webhook-topic": "order.updated",
        },
    )


def order(shop: Shop, number: int, *, version: int = 0, status: str = "processing") -> bytes:
    """The body of `order.updated` for a sale; a later version was modified later."""
    random = Random(f"{shop.name} {number}")
    placed = BEGAN + timedelta(seconds=3 * number)
    modified = placed + timedelta(seconds=1 + 60 * version)
    buyer = number if random.random() < 0.75 else random.randrange(1 + number // 4)
    billing = _address(buyer)
    shipping = _address(buyer + 7) if random.random() < 0.125 else dict(billing)
    lines = [_line(random, shop, number, place) for place in range(3)]
    sums = _sums(shop, lines)
    body: dict[str, Any] = {
        "id": number,
        "parent_id": 0,
        "status": status,
        "currency": shop.currency,
        "version": "11.0.1",
        "prices_include_tax": False,
        "date_created": _local(placed),
        "date_modified": _local(modified),
        **sums,
        "customer_id": buyer,
        "order_key": f"wc_order_{random.getrandbits(64):016x}",
        "billing": billing | {"email": f"buyer.{buyer}@{shop.name.lower()}.example"},
        "shipping": shipping,
        "payment_method": "stripe",
        "payment_method_title": "Credit card",
        "transaction_id": f"pi_{random.getrandbits(96):024x}",
        "customer_ip_address": "203.0.113.7",
        "customer_user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101",
        "created_via": "checkout",
        "customer_note": "Bitte nicht knicken" if number % 9 == 0 else "",
        "date_completed": None,
        "date_paid": _local(placed),
        "cart_hash": f"{random.getrandbits(128):032x}",
        "number": str(number),
        "meta_data": [
            {"id": 10 * number, "key": "_stripe_charge_id", "value": f"ch_{number:020d}"},
            {"id": 10 * number + 1, "key": "is_vat_exempt", "value": "no"},
        ],
        "line_items": lines,
        "tax_lines": [_tax_line(number, sums)],
        "shipping_lines": [_delivery(number, sums, goods=[line["name"] for line in lines])],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [],
        "payment_url": "",
        "is_editable": False,
        "needs_payment": False,
        "needs_processing": True,
        "date_created_gmt": _local(placed),
        "date_modified_gmt": _local(modified),
        "date_completed_gmt": None,
        "date_paid_gmt": _local(placed),
        "currency_symbol": "¤",
    }
    if Decimal(sums["discount_total"]):
        body["coupon_lines"] = [_coupon(number, sums)]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _sums(shop: Shop, lines: list[dict[str, Any]]) -> dict[str, str]:
    def of_all(name: str) -> Decimal:
        return sum((Decimal(line[name]) for line in lines), Decimal(0))

    taxes, goods = of_all("total_tax"), of_all("total")
    delivery, delivery_tax = _money(shop, Decimal("4.90")), _money(shop, Decimal("0.93"))
    return {
        "discount_total": _money(shop, of_all("subtotal") - goods),
        "discount_tax": _money(shop, Decimal(0)),
        "shipping_total": delivery,
        "shipping_tax": delivery_tax,
        "cart_tax": _money(shop, taxes),
        "total": _money(shop, goods + taxes + Decimal(delivery) + Decimal(delivery_tax)),
        "total_tax": _money(shop, taxes + Decimal(delivery_tax)),
    }


def _tax_line(number: int, sums: dict[str, str]) -> dict[str, Any]:
    return {
        "id": 8 * number,
        "rate_code": "DE-MWST-1",
        "rate_id": 1,
        "label": "MwSt.",
        "compound": False,
        "tax_total": sums["cart_tax"],
        "shipping_tax_total": sums["shipping_tax"],
        "rate_percent": 19,
        "meta_data": [],
    }


def _delivery(number: int, sums: dict[str, str], *, goods: list[str]) -> dict[str, Any]:
    price, tax = sums["shipping_total"], sums["shipping_tax"]
    return {
        "id": 8 * number + 1,
        "method_title": "Standard delivery",
        "method_id": "flat_rate",
        "instance_id": "2",
        "total": price,
        "total_tax": tax,
        "taxes": [{"id": 1, "total": tax, "subtotal": ""}],
        "tax_status": "taxable",
        "meta_data": [
            {
                "id": 10 * number + 2,
                "key": "Items",
                "value": ", ".join(goods),
                "display_key": "Items",
                "display_value": ", ".join(goods),
            }
        ],
    }


def _coupon(number: int, sums: dict[str, str]) -> dict[str, Any]:
    return {
        "id": 8 * number + 2,
        "code": "gull10",
        "discount": sums["discount_total"],
        "discount_tax": sums["discount_tax"],
        "meta_data": [],
        "discount_type": "percent",
        "nominal_amount": 10,
        "free_shipping": False,
    }


def _line(random: Random, shop: Shop, number: int, place: int) -> dict[str, Any]:
    sku, title, price = PRODUCTS[(number + 3 * place + random.randrange(3)) % len(PRODUCTS)]
    quantity = 1 + random.randrange(4) // 2
    before = Decimal(price) * quantity * (150 if shop.decimals == 0 else 1)
    total = before * (Decimal("0.9") if number % 10 == 0 else 1)
    tax = total * TAX
    return {
        "id": 8 * number + place + 3,
        "name": title,
        "product_id": 300 + price,
        "variation_id": 500 + price + place,
        "quantity": quantity,
        "tax_class": "",
        "subtotal": _money(shop, before),
        "subtotal_tax": _money(shop, before * TAX),
        "total": _money(shop, total),
        "total_tax": _money(shop, tax),
        "taxes": [{"id": 1, "total": _money(shop, tax), "subtotal": _money(shop, before * TAX)}],
        "meta_data": [
            {
                "id": 10 * number + 3 + place,
                "key": "pa_size",
                "value": sku.rpartition("-")[2].lower(),
                "display_key": "Size",
                "display_value": sku.rpartition("-")[2],
            },
            {
                "id": 10 * number + 6 + place,
                "key": "_reduced_stock",
                "value": str(quantity),
                "display_key": "_reduced_stock",
                "display_value": str(quantity),
            },
        ],
        "sku": sku,
        "global_unique_id": "",
        "price": float(total / quantity),
        "image": {"id": 7000 + price, "src": f"https://shop.example/wp-content/{sku}.jpg"},
        "parent_name": title.partition(",")[0],
    }


def _address(buyer: int) -> dict[str, str]:
    city, postcode, country = CITIES[buyer % len(CITIES)]
    return {
        "first_name": FIRST_NAMES[buyer % len(FIRST_NAMES)],
        "last_name": LAST_NAMES[buyer // 7 % len(LAST_NAMES)],
        "company": "",
        "address_1": f"{STREETS[buyer % len(STREETS)]} {buyer}",
        "address_2": "2. OG links" if buyer % 3 == 0 else "",
        "city": city,
        "state": "",
        "postcode": postcode,
        "country": country,
        "phone": f"+49 30 {buyer:07d}",
    }


def _money(shop: Shop, amount: Decimal) -> str:
    return str(round(amount, shop.decimals) if shop.decimals else round(amount))


def _local(at: datetime) -> str:
    return at.replace(tzinfo=None).isoformat()
