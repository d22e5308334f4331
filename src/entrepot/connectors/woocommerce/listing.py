"""Lists of the simulated shop: filters, order, pages and their headers, as the API has them.

Part of the simulator. Dates compare exclusively and in whole seconds; they are site time unless
`dates_are_gmt` says otherwise.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from entrepot.connect.simulator import Request, Response
from entrepot.connectors.woocommerce.books import Item, Sale, ShopOptions

Row = TypeVar("Row", Sale, Item)
ORDERINGS = ("date", "id", "include", "title", "slug", "modified")


class BadParameter(Exception):
    """A parameter that the API refuses; `code` and `message` are its own words."""

    def __init__(self, name: str, message: str, *, code: str) -> None:
        super().__init__(message)
        self.name = name
        self.code = code

    def response(self) -> Response:
        """The refusal, as recorded."""
        message = str(self)
        return Response(
            400,
            {
                "code": "rest_invalid_param",
                "message": f"Invalid parameter(s): {self.name}",
                "data": {
                    "status": 400,
                    "params": {self.name: message},
                    "details": {self.name: {"code": self.code, "message": message, "data": None}},
                },
            },
        )


def number_of(request: Request, name: str, default: int, *, low: int, high: int | None) -> int:
    """A number within bounds."""
    text = request.one(name) or str(default)
    if not text.isdigit():
        raise BadParameter(name, f"{name} is not of type integer.", code="rest_invalid_type")
    value = int(text)
    if value < low or (high is not None and value > high):
        bounds = (
            f"{name} must be between {low} (inclusive) and {high} (inclusive)"
            if high is not None
            else f"{name} must be greater than or equal to {low}"
        )
        raise BadParameter(name, bounds, code="rest_out_of_bounds")
    return value


def word_of(request: Request, name: str, default: str, *, choices: Sequence[str]) -> str:
    """A word of a closed set."""
    value = request.one(name) or default
    if value not in choices:
        listed = ", ".join(choices[:-1]) + f", and {choices[-1]}"
        raise BadParameter(name, f"{name} is not one of {listed}.", code="rest_not_in_enum")
    return value


def select(request: Request, rows: list[Row], options: ShopOptions) -> list[Row]:
    """Filter and sort by what the query asks."""
    is_gmt = request.one("dates_are_gmt") in {"true", "1"}
    for name, field, is_after in (
        ("modified_after", "modified_at", True),
        ("modified_before", "modified_at", False),
        ("after", "created_at", True),
        ("before", "created_at", False),
    ):
        if request.one(name):
            bound = _bound(request, name, options, is_gmt=is_gmt)
            rows = [row for row in rows if _passes(getattr(row, field), bound, is_after=is_after)]
    if request.one("include"):
        wanted = _numbers(request.one("include"))
        rows = [row for row in rows if row.id in wanted]
    if request.one("exclude"):
        unwanted = _numbers(request.one("exclude"))
        rows = [row for row in rows if row.id not in unwanted]
    if text := request.one("search").casefold():
        rows = [row for row in rows if text in _searchable(row)]
    ordering = word_of(request, "orderby", "date", choices=ORDERINGS)
    is_down = word_of(request, "order", "desc", choices=("asc", "desc")) == "desc"
    # Rows with the same stamp come in no promised order (MySQL); here newest first, on purpose.
    keys: dict[str, Callable[[Row], Any]] = {
        "id": lambda row: row.id,
        "modified": lambda row: row.modified_at,
    }
    rows = sorted(rows, key=lambda row: -row.id)
    return sorted(rows, key=keys.get(ordering, lambda row: row.created_at), reverse=is_down)


def paged(
    request: Request, rows: Sequence[Row], show: Callable[[Row], Any], *, address: str
) -> Response:
    """One page with its headers."""
    size = number_of(request, "per_page", 10, low=1, high=100)
    page = number_of(request, "page", 1, low=1, high=None)
    offset = number_of(request, "offset", 0, low=0, high=None)
    start = offset if request.one("offset") else (page - 1) * size
    pages = -(-len(rows) // size)
    links = []
    for relation, number in (("prev", page - 1), ("next", page + 1)):
        if 1 <= number <= pages:
            query = {name: values[0] for name, values in request.query.items()} | {"page": number}
            links.append(f'<{address}?{urlencode(query)}>; rel="{relation}"')
    headers = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(pages)}
    if links:
        headers["Link"] = ", ".join(links)
    return Response(200, [show(row) for row in rows[start : start + size]], headers)


def _bound(request: Request, name: str, options: ShopOptions, *, is_gmt: bool) -> datetime:
    text = request.one(name)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadParameter(name, "Invalid date.", code="rest_invalid_date") from error
    # WordPress reads only the clock on the wall: a zone in the text is not looked at.
    at = at.replace(tzinfo=UTC)
    return at if is_gmt else at - options.utc_offset


def _passes(at: datetime, bound: datetime, *, is_after: bool) -> bool:
    return at > bound if is_after else at < bound


def _numbers(text: str) -> set[int]:
    return {int(part) for part in text.split(",") if part.strip().isdigit()}


def _searchable(row: Sale | Item) -> str:
    if isinstance(row, Item):
        return f"{row.name} {row.sku}".casefold()
    billing = " ".join(row.billing.values())
    return f"{row.number} {billing} {row.transaction_id}".casefold()
