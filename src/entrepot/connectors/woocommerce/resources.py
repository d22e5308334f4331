"""How the simulated shop shows what it keeps: the resources of REST API v3, field for field.

Part of the simulator. Field names, their order and their types are those of WooCommerce 11.0.1 as
we recorded it, odd ones included (`total_sales` is a text in webhooks of variations, an image's id
is "" or 0).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from entrepot.connectors.woocommerce.books import (
    SYMBOLS,
    Hook,
    Item,
    Note,
    RefundRow,
    Sale,
    ShopOptions,
)

EDITABLE = ["GET", "POST", "PUT", "PATCH", "DELETE"]
API = "/wp-json/wc/v3"
HOOKS = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product"],
    "product.updated": ["woocommerce_update_product", "woocommerce_update_product_variation"],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
}


class Renderer:
    """Shows records of one shop."""

    def __init__(self, options: ShopOptions) -> None:
        self.options = options

    def amount(self, value: Decimal) -> str:
        """An amount with the shop's decimals."""
        return f"{value.quantize(self.options.quantum):f}"

    def dates(self, name: str, at: datetime | None) -> dict[str, str | None]:
        """A date in site time, and again in UTC, both without a zone."""
        if at is None:
            return {name: None, f"{name}_gmt": None}
        local = at + self.options.utc_offset
        return {name: _plain(local), f"{name}_gmt": _plain(at)}

    def order(self, sale: Sale) -> dict[str, Any]:
        """GET /orders/{id}."""
        dates = {
            **self.dates("date_created", sale.created_at),
            **self.dates("date_modified", sale.modified_at),
            **self.dates("date_completed", sale.completed_at),
            **self.dates("date_paid", sale.paid_at),
        }
        local = {name: at for name, at in dates.items() if not name.endswith("_gmt")}
        pay = f"{self.options.site_url}/checkout/order-pay/{sale.id}/"
        mails = self._url(f"{API}/orders/{sale.id}/actions/email_templates")
        return {
            "id": sale.id,
            "parent_id": 0,
            "status": sale.status,
            "currency": sale.currency,
            "version": self.options.version,
            "prices_include_tax": sale.prices_include_tax,
            "date_created": local.pop("date_created"),
            "date_modified": local.pop("date_modified"),
            **self._sums(sale),
            "customer_id": sale.customer_id,
            "order_key": sale.order_key,
            "billing": sale.billing,
            "shipping": sale.shipping,
            "payment_method": sale.payment_method,
            "payment_method_title": sale.payment_title,
            "transaction_id": sale.transaction_id,
            "customer_ip_address": "",
            "customer_user_agent": "",
            "created_via": sale.created_via,
            "customer_note": sale.customer_note,
            **local,
            "cart_hash": "",
            "number": sale.number,
            "meta_data": sale.meta,
            "line_items": sale.lines,
            "tax_lines": [sale.tax_line] if sale.tax_line else [],
            "shipping_lines": sale.shipping_lines,
            "fee_lines": sale.fee_lines,
            "coupon_lines": sale.coupon_lines,
            "refunds": [self._refund_in_order(row) for row in reversed(sale.refunds)],
            "payment_url": f"{pay}?pay_for_order=true&key={sale.order_key}",
            "is_editable": sale.status in {"pending", "on-hold", "auto-draft"},
            "needs_payment": sale.status in {"pending", "failed"} and sale.total > 0,
            "needs_processing": True,
            **{name: at for name, at in dates.items() if name.endswith("_gmt")},
            "currency_symbol": SYMBOLS.get(sale.currency, sale.currency),
            "_links": {
                **self._links(f"{API}/orders/{sale.id}", f"{API}/orders"),
                "email_templates": [{"embeddable": True, "href": mails}],
            },
        }

    def _sums(self, sale: Sale) -> dict[str, str]:
        tax = sale.amount("lines.total_tax", "fee_lines.total_tax")
        shipping_tax = sale.amount("shipping_lines.total_tax")
        return {
            "discount_total": self.amount(sale.amount("coupon_lines.discount")),
            "discount_tax": self.amount(sale.amount("coupon_lines.discount_tax")),
            "shipping_total": self.amount(sale.amount("shipping_lines.total")),
            "shipping_tax": self.amount(shipping_tax),
            "cart_tax": self.amount(tax),
            "total": self.amount(sale.total),
            "total_tax": self.amount(tax + shipping_tax),
        }

    def _refund_in_order(self, row: RefundRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "reason": row.reason,
            "total": self.amount(-row.amount),
            "total_tax": self.amount(Decimal(0)),
        }

    def refund(self, sale: Sale, row: RefundRow) -> dict[str, Any]:
        """GET /orders/{id}/refunds/{refund}."""
        path = f"{API}/orders/{sale.id}/refunds"
        return {
            "id": row.id,
            **self.dates("date_created", row.created_at),
            "amount": self.amount(row.amount),
            "reason": row.reason,
            "refunded_by": 1,
            "refunded_payment": row.through_gateway,
            "meta_data": row.meta,
            "line_items": row.lines,
            "shipping_lines": [],
            "tax_lines": [],
            "fee_lines": [],
            "_links": {
                **self._links(f"{path}/{row.id}", path, allow=["GET", "DELETE"]),
                "up": [{"href": self._url(f"{API}/orders/{sale.id}")}],
            },
        }

    def note(self, sale: Sale, note: Note) -> dict[str, Any]:
        """GET /orders/{id}/notes/{note}."""
        path = f"{API}/orders/{sale.id}/notes"
        return {
            "id": note.id,
            "author": note.author,
            **self.dates("date_created", note.created_at),
            "note": note.text,
            "customer_note": note.for_customer,
            "_links": {
                **self._links(f"{path}/{note.id}", path, allow=["GET", "DELETE"]),
                "up": [{"href": self._url(f"{API}/orders/{sale.id}")}],
            },
        }

    def webhook(self, hook: Hook) -> dict[str, Any]:
        """GET /webhooks/{id}; the secret is never shown."""
        resource, _, event = hook.topic.partition(".")
        return {
            "id": hook.id,
            "name": hook.name,
            "status": hook.status,
            "topic": hook.topic,
            "resource": resource,
            "event": event,
            "hooks": HOOKS.get(hook.topic, []),
            "delivery_url": hook.delivery_url,
            **self.dates("date_created", hook.created_at),
            **self.dates("date_modified", hook.modified_at),
            "_links": self._links(f"{API}/webhooks/{hook.id}", f"{API}/webhooks"),
        }

    def product(self, item: Item, *, in_webhook: bool = False) -> dict[str, Any]:
        """GET /products/{id}. Webhooks send a variation in this shape, too."""
        is_variation = item.parent_id > 0
        slug = quote(item.name.lower().replace(" ", "-"), safe="-").lower()
        up = {"up": [{"href": self._url(f"{API}/products/{item.parent_id}")}]}
        body: dict[str, Any] = {
            "id": item.id,
            "name": item.name,
            "slug": slug,
            "permalink": self._url(f"/product/{slug}/"),
            **self.dates("date_created", item.created_at),
            **self.dates("date_modified", item.modified_at),
            "type": item.type,
            "status": item.status,
            "featured": False,
            "catalog_visibility": "visible",
            "description": "",
            "short_description": "",
            "sku": item.sku,
            **self._prices(item),
            "total_sales": str(item.total_sales) if is_variation else item.total_sales,
            **self._delivery(item),
            "external_url": "",
            "button_text": "",
            "tax_status": "taxable",
            "tax_class": "",
            **self._stock(item),
            "sold_individually": False,
            **self._size(item),
            **self._shown(item),
        }
        if item.type == "simple" and not in_webhook:
            body["permalink_template"] = self._url("/product/%pagename%/")
            body["generated_slug"] = item.name.lower().replace(" ", "-")
        body["_links"] = {
            **self._links(f"{API}/products/{item.id}", f"{API}/products"),
            **(up if is_variation else {}),
        }
        return body

    def _shown(self, item: Item) -> dict[str, Any]:
        """How the site shows a product, and with which others."""
        is_variation = item.parent_id > 0
        category = {"id": 15, "name": "Uncategorized", "slug": "uncategorized"}
        price = self._price(item)
        return {
            "shipping_required": not item.virtual,
            "shipping_taxable": not item.virtual,
            "shipping_class": "",
            "shipping_class_id": 0,
            "reviews_allowed": not is_variation,
            "average_rating": "0.00",
            "rating_count": 0,
            "upsell_ids": [],
            "cross_sell_ids": [],
            "parent_id": item.parent_id,
            "purchase_note": "",
            "categories": [] if is_variation else [category],
            "brands": [],
            "tags": [],
            "images": [],
            "attributes": self._attributes(item),
            "default_attributes": [],
            "variations": list(item.variations),
            "grouped_products": [],
            "menu_order": 0,
            "price_html": f'<span class="woocommerce-Price-amount"><bdi>{price}</bdi></span>',
            "related_ids": [],
            "meta_data": [],
            "stock_status": self._stock_status(item),
            "has_options": item.type == "variable",
            "post_password": "",
            "global_unique_id": "",
        }

    def variation(self, item: Item) -> dict[str, Any]:
        """GET /products/{parent}/variations/{id}."""
        path = f"{API}/products/{item.parent_id}/variations"
        stock = self._stock(item)
        return {
            "id": item.id,
            "type": "variation",
            **self.dates("date_created", item.created_at),
            **self.dates("date_modified", item.modified_at),
            "description": "",
            "permalink": self._url(f"/product/{item.parent_id}/"),
            "sku": item.sku,
            "global_unique_id": "",
            **self._prices(item),
            "status": item.status,
            "purchasable": True,
            **self._delivery(item),
            "tax_status": "taxable",
            "tax_class": "",
            "manage_stock": stock["manage_stock"],
            "stock_quantity": stock["stock_quantity"],
            "stock_status": self._stock_status(item),
            "backorders": "no",
            "backorders_allowed": False,
            "backordered": False,
            "low_stock_amount": None,
            **self._size(item),
            "shipping_class": "",
            "shipping_class_id": 0,
            "image": None,
            "gallery_image_ids": [],
            "attributes": self._attributes(item),
            "menu_order": 0,
            "meta_data": [],
            "name": ", ".join(option for _, option in item.attributes),
            "parent_id": item.parent_id,
            "_links": {
                **self._links(f"{path}/{item.id}", path),
                "up": [{"href": self._url(f"{API}/products/{item.parent_id}")}],
            },
        }

    def _prices(self, item: Item) -> dict[str, Any]:
        price = self._price(item)
        return {
            "price": price,
            "regular_price": "" if item.type == "variable" else price,
            "sale_price": "",
            "date_on_sale_from": None,
            "date_on_sale_from_gmt": None,
            "date_on_sale_to": None,
            "date_on_sale_to_gmt": None,
            "on_sale": False,
            "purchasable": True,
        }

    def _price(self, item: Item) -> str:
        return "" if item.price is None else self.amount(item.price)

    def _delivery(self, item: Item) -> dict[str, Any]:
        return {
            "virtual": item.virtual,
            "downloadable": item.downloadable,
            "downloads": [],
            "download_limit": -1,
            "download_expiry": -1,
        }

    def _stock(self, item: Item) -> dict[str, Any]:
        return {
            "manage_stock": item.stock is not None,
            "stock_quantity": item.stock,
            "backorders": "no",
            "backorders_allowed": False,
            "backordered": False,
            "low_stock_amount": None,
        }

    def _stock_status(self, item: Item) -> str:
        return "outofstock" if item.stock is not None and item.stock <= 0 else "instock"

    def _size(self, item: Item) -> dict[str, Any]:
        return {
            "weight": item.weight,
            "dimensions": {"length": "", "width": "", "height": ""},
        }

    def _attributes(self, item: Item) -> list[dict[str, Any]]:
        if item.type == "variable":
            return [
                {
                    "id": 0,
                    "name": name,
                    "slug": name,
                    "position": 0,
                    "visible": True,
                    "variation": True,
                    "options": options.split("|"),
                }
                for name, options in item.attributes
            ]
        return [
            {"id": 0, "name": name, "slug": name.lower(), "option": option}
            for name, option in item.attributes
        ]

    def _url(self, path: str) -> str:
        return f"{self.options.site_url}{path}"

    def _links(self, own: str, collection: str, *, allow: list[str] = EDITABLE) -> dict[str, Any]:
        return {
            "self": [{"href": self._url(own), "targetHints": {"allow": allow}}],
            "collection": [{"href": self._url(collection)}],
        }


def _plain(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")
