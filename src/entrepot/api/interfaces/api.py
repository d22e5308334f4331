"""The documented interfaces as a whole: the document's paths, answered by the same services."""

from entrepot.api import errors
from entrepot.api.auth import ApiKey
from entrepot.api.contract import Interface
from entrepot.api.interfaces import dropship, health, notifications, orders

DESCRIPTION = """
The interfaces of the order management that this hub takes the place of: the same paths, methods and
actions. New programs use `/api/v1`.

A customer's token (`Authorization: Bearer <token>`) limits its bearer to their own orders and
notifications: the shop signs it, or it is the token of a mailed link.
"""

interfaces = Interface(
    title="Entrepot, documented interfaces",
    version="1",
    description=DESCRIPTION.strip(),
    urls_namespace="api-documented",
    docs_url=None,
    openapi_url="/documented.json",
    auth=ApiKey("settings:write"),  # an operation that names no scope of its own is the owner's
)
errors.install(interfaces)
for resource in (orders, dropship, notifications, health):
    interfaces.add_router("", resource.router)
