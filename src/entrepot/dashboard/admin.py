"""What has pages of its own for work is listed in the configuration, and leads there."""

from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from entrepot.access.configured import Configured, moment
from entrepot.catalog.models import Mapping, ShippingMap
from entrepot.connections.models import Connection
from entrepot.connections.states import Status
from entrepot.notifications.models import Template

STATUS_LABELS = {
    Status.LIVE.label: "success",
    Status.OBSERVING.label: "info",
    Status.PAUSED.label: "warning",
    Status.MISCONFIGURED.label: "danger",
}


class Elsewhere(Configured):
    """A list whose rows are changed on a page of the dashboard."""

    list_display_links = None
    not_saved = ("page",)

    def has_write_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return False

    @display(description="Changed", ordering="updated_at")
    def updated(self, row: Mapping | Template) -> str | None:
        return moment(row.updated_at)

    def _lead(self, address: str) -> SafeString:
        here = self.list_url()
        return format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}">Open</a>',
            f"{address}{'&' if '?' in address else '?'}{urlencode({'next': here})}",
        )


@admin.register(Connection)
class ConnectionsAdmin(Elsewhere):
    """Accounts at platforms; added, changed and tested on their own pages."""

    reading = "connections:read"
    list_display = ("name", "platform", "mode", "status_label", "account", "page")
    list_filter = ("mode", "status", "platform")
    search_fields = ("name", "account")
    ordering = ("name", "id")

    @display(description="Status", ordering="status", label=STATUS_LABELS)
    def status_label(self, connection: Connection) -> str:
        return str(Status(connection.status).label)

    @display(description="Page")
    def page(self, connection: Connection) -> SafeString:
        return self._lead(_address(connection.mode, "connection", connection.id))


@admin.register(Mapping)
class MappingsAdmin(Elsewhere):
    """What SKUs become; changed on the page of mappings."""

    reading = "catalog:read"
    list_display = ("sku", "kind", "provider_sku", "bin", "updated", "page")
    list_filter = ("kind",)
    search_fields = ("sku", "provider_sku")
    ordering = ("sku",)

    @display(description="Page")
    def page(self, mapping: Mapping) -> SafeString:
        return self._lead(f"{_address('live', 'mapping')}?{urlencode({'sku': mapping.sku})}")


@admin.register(ShippingMap)
class ShippingAdmin(Elsewhere):
    """What a storefront's shipping method is at a provider; changed beside the mappings."""

    reading = "catalog:read"
    list_display = ("method_code", "provider_method", "page")
    ordering = ("storefront_id", "method_code")

    @display(description="Page")
    def page(self, shipping: ShippingMap) -> SafeString:
        return self._lead(_address("live", "mappings"))


@admin.register(Template)
class TemplatesAdmin(Elsewhere):
    """The merchant's own words in mails; changed and previewed on the page of messages."""

    reading = "notifications:read"
    list_display = ("kind", "language", "subject", "version", "updated", "page")
    list_filter = ("kind", "language")
    ordering = ("kind", "language")

    @display(description="Page")
    def page(self, template: Template) -> SafeString:
        store = template.storefront_id
        address = _address("live", "edit-template", store, template.kind)
        return self._lead(f"{address}?{urlencode({'language': template.language})}")


def _address(mode: str, name: str, *arguments: object) -> str:
    return reverse(f"dashboard:{name}", args=arguments, current_app=mode)
