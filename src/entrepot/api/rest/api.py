"""The interface as a whole: its operations, its documentation, its errors."""

from entrepot.api import errors
from entrepot.api.auth import ApiKey
from entrepot.api.contract import Interface
from entrepot.api.rest import (
    catalog,
    checkouts,
    connection_records,
    connections,
    fulfillment,
    inbox,
    new_orders,
    order_actions,
    pauses,
    payments,
    telling,
    work,
)

DESCRIPTION = """
A hub between the places a merchant sells and the places that make and ship the goods.

- **Keys.** `Authorization: Bearer ek_live_...`. A key has scopes; each operation names the one it needs
  (`x-scope`). A live key sees live things only, a test key test things only.
- **Errors** are `application/problem+json` (RFC 9457); `detail` says what to do.
- **Lists** are read by key: pass `next` as `cursor` until it is null.
- **Repeating.** POST takes an `Idempotency-Key`: the same key with the same request is answered as
  before, for at least a day; with another request it is refused (422), while it is under way 409.
- **Amounts** are decimal text in major units with an ISO 4217 currency; instants are UTC.
- **Rates.** A key may make so many calls a minute; beyond that the answer is 429 with `Retry-After`.
"""  # noqa: E501 -- shown as Markdown, where a line is a paragraph

api = Interface(
    title="Entrepot",
    version="1",
    description=DESCRIPTION.strip(),
    urls_namespace="api-v1",
    docs_url=None,
    openapi_url="/openapi.json",
    auth=ApiKey("settings:write"),  # an operation that names no scope of its own is the owner's
)
errors.install(api)
for resource in (
    new_orders,  # adds to the orders' own
    order_actions,
    fulfillment,
    checkouts,
    payments,
    catalog,
    connections,
    connection_records,
    pauses,
    inbox,
    work,
    telling,
):
    api.add_router("", resource.router)
