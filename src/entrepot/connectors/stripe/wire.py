"""Stripe's wire as its simulator speaks it: bracketed forms, lists, expansions, refusals."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from entrepot.connect.simulator import Request, Response

Thing = dict[str, Any]

PARAMETER_ERRORS = ("parameter_", "resource_missing")
PAGE = 10
MAX_PAGE = 100


class Refusal(Exception):
    """An error in Stripe's own shape."""

    def __init__(self, message: str, *, status: int = 400, **error: Any) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"type": "invalid_request_error", "message": message, **error}

    @property
    def is_remembered(self) -> bool:
        """Whether an idempotency key remembers it: only what failed while it was executed."""
        return not str(self.error.get("code", "")).startswith(PARAMETER_ERRORS)

    def response(self) -> Response:
        """The answer."""
        return Response(self.status, {"error": self.error})


def copied(thing: Any) -> Any:
    """A copy of plain values, all the way down, ten times as fast as copy.deepcopy."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(thing))


def missing(kind: str, external_id: str, *, param: str = "id") -> Refusal:
    """Stripe's answer for an id that it does not have."""
    return Refusal(
        f"No such {kind}: '{external_id}'", status=404, code="resource_missing", param=param
    )


def unbracket(pairs: Iterable[tuple[str, str]]) -> Thing:
    """Read form fields: [("a[0][b]", "1"), ("c[]", "2")] -> {"a": [{"b": "1"}], "c": ["2"]}."""
    tree: Thing = {}
    for name, value in pairs:
        parts = re.findall(r"[^\[\]]+|\[\]", name)
        node = tree
        for part in parts[:-1]:
            node = node.setdefault(part, {})
            if not isinstance(node, dict):
                raise Refusal(f"Invalid object: {name}", code="parameter_invalid", param=name)
        last = parts[-1]
        node[str(len(node)) if last == "[]" else last] = value
    return {key: _listed(value) for key, value in tree.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(part) for key, part in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


class Fields:
    """The parameters of a call, read by name; what is left over was unknown."""

    def __init__(self, tree: Mapping[str, Any], *, path: str = "") -> None:
        self._tree = dict(tree)
        self._path = path

    def _named(self, name: str) -> str:
        return f"{self._path}[{name}]" if self._path else name

    def raw(self, name: str, default: Any = None) -> Any:
        """The value as it came, taken out."""
        return self._tree.pop(name, default)

    def text(self, name: str, *, required: bool = False, choices: Iterable[str] = ()) -> str | None:
        """A text, checked against the words that are allowed."""
        value = self.raw(name)
        if value is None or value == "":
            if required:
                raise Refusal(
                    f"Missing required param: {self._named(name)}.",
                    code="parameter_missing",
                    param=self._named(name),
                )
            return None
        if not isinstance(value, str):
            raise Refusal(
                f"Invalid string: {value}", param=self._named(name), code="parameter_invalid_string"
            )
        allowed = tuple(choices)
        if allowed and value not in allowed:
            raise Refusal(
                f"Invalid {self._named(name)}: must be one of {', '.join(allowed)}",
                param=self._named(name),
                code="parameter_invalid_enum",
            )
        return value

    def whole(self, name: str, *, required: bool = False, least: int | None = None) -> int | None:
        """A whole number."""
        text = self.text(name, required=required)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise Refusal(
                f"Invalid integer: {text}",
                param=self._named(name),
                code="parameter_invalid_integer",
            )
        if least is not None and int(text) < least:
            raise Refusal(
                f"This value must be greater than or equal to {least}.",
                param=self._named(name),
                code="parameter_invalid_integer",
            )
        return int(text)

    def flag(self, name: str) -> bool:
        """True or false; absent is false."""
        return self.text(name, choices=("true", "false")) == "true"

    def inner(self, name: str) -> "Fields":
        """A nested object; absent is an empty one."""
        value = self.raw(name, {})
        return Fields(value if isinstance(value, dict) else {}, path=self._named(name))

    def items(self, name: str) -> list["Fields"]:
        """A list of nested objects."""
        value = self.raw(name, [])
        found = value if isinstance(value, list) else []
        return [
            Fields(part if isinstance(part, dict) else {}, path=f"{self._named(name)}[{index}]")
            for index, part in enumerate(found)
        ]

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self.raw(name, [])
        return [str(part) for part in value] if isinstance(value, list) else [str(value)]

    def metadata(self) -> dict[str, str]:
        """`metadata`, with its limits."""
        found = self.raw("metadata", {})
        pairs = found if isinstance(found, dict) else {}
        for key, value in pairs.items():
            if len(key) > 40 or len(str(value)) > 500 or len(pairs) > 50:
                raise Refusal(
                    "Metadata can have up to 50 keys of 40 characters, with values of 500.",
                    param=self._named("metadata"),
                    code="parameter_invalid_string",
                )
        return {key: str(value) for key, value in pairs.items()}

    def end(self) -> None:
        """Refuse what nobody asked for."""
        for name in self._tree:
            raise Refusal(
                f"Received unknown parameter: {self._named(name)}",
                code="parameter_unknown",
                param=self._named(name),
            )


def fields_of(request: Request) -> Fields:
    """The parameters of a call, from its query or its form."""
    if request.method == "GET":
        pairs = [(name, value) for name, values in request.query.items() for value in values]
        return Fields(unbracket(pairs))
    try:
        return Fields(unbracket(request.form()))
    except UnicodeDecodeError:
        raise Refusal("Invalid request body: not UTF-8", code="parameter_invalid") from None


def page_of(things: list[Thing], fields: Fields, *, url: str, kind: str) -> Thing:
    """A list as Stripe pages it; `things` are oldest first, the page is newest first."""
    limit = fields.whole("limit", least=1) or PAGE
    if limit > MAX_PAGE:
        raise Refusal(
            f"This value must be less than or equal to 100 (it currently is '{limit}').",
            param="limit",
            code="parameter_invalid_integer",
        )
    after, before = fields.text("starting_after"), fields.text("ending_before")
    fields.end()
    rows = list(reversed(things))
    if after is not None:
        rows = rows[_index(rows, after, kind=kind, param="starting_after") + 1 :]
    if before is not None:
        rows = rows[: _index(rows, before, kind=kind, param="ending_before")]
        page, has_more = rows[-limit:], len(rows) > limit
    else:
        page, has_more = rows[:limit], len(rows) > limit
    return {"object": "list", "url": url, "has_more": has_more, "data": page}


def _index(rows: list[Thing], external_id: str, *, kind: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == external_id:
            return index
    raise missing(kind, external_id, param=param)


def expand(thing: Thing, paths: Iterable[str], *, resolve: Callable[[Thing, str], Any]) -> Thing:
    """A copy with references replaced by their objects. `resolve` gives a field's expansion.

    Up to four levels, as Stripe allows.
    """
    expanded: Thing = copied(thing)
    for path in paths:
        parts = path.split(".")
        if len(parts) > 4:
            raise Refusal("You cannot expand more than 4 levels of a property.", param="expand")
        _expand(expanded, parts, path=path, resolve=resolve)
    return expanded


def _expand(
    thing: Any, parts: list[str], *, path: str, resolve: Callable[[Thing, str], Any]
) -> None:
    if isinstance(thing, list):
        for row in thing:
            _expand(row, parts, path=path, resolve=resolve)
        return
    if not parts or not isinstance(thing, dict):
        return
    name, rest = parts[0], parts[1:]
    value = thing.get(name)
    if not isinstance(value, dict | list):
        found = resolve(thing, name)
        if found is None and name not in thing:
            raise Refusal(f"This property cannot be expanded ({path}).", param="expand")
        if found is not None:
            thing[name] = copied(found)
    _expand(thing.get(name), rest, path=path, resolve=resolve)
