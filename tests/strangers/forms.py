"""The forms of a page as a browser would send them: where to, and with what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit


@dataclass(kw_only=True)
class Form:
    """A form that is sent by POST; `fields` are what it holds when nobody types anything."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return urlsplit(self.action).path

    def add(self, name: str | None, value: str | None) -> None:
        """One more field; buttons count as pressed."""
        if name and name != "csrfmiddlewaretoken":
            self.fields.setdefault(name, []).append(value or "")


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.outside: list[tuple[str, str, str]] = []
        self._open: Form | None = None
        self._choice: str | None = None
        self._chosen = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        match tag:
            case "form":
                self._begin(values)
            case "input" | "button" | "textarea":
                self._field(tag, values)
            case "select":
                self._choice, self._chosen = values.get("name"), False
            case "option" if self._choice and self._open is not None:
                if not self._chosen or "selected" in values:
                    self._open.fields[self._choice] = [values.get("value") or ""]
                    self._chosen = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag == "select":
            self._choice = None

    def _begin(self, values: Mapping[str, str | None]) -> None:
        posts = values.get("hx-post")
        if posts is None and (values.get("method") or "get").lower() != "post":
            self._open = None
            return
        self._open = Form(action=posts or values.get("action") or self.page)
        self.forms.append(self._open)
        if values.get("id"):
            self.by_id[str(values["id"])] = self._open

    def _field(self, tag: str, values: Mapping[str, str | None]) -> None:
        name, value = values.get("name"), values.get("value")
        if values.get("form"):
            self.outside.append((str(values["form"]), name or "", value or ""))
        elif self._open is not None:
            self._open.add(name, value)
        if tag == "button" and values.get("formaction") and self._open is not None:
            self.forms.append(Form(action=str(values["formaction"]), fields={**self._open.fields}))


def forms_of(page: str, html: str) -> list[Form]:
    """The forms of a page that change something, with every box ticked and every button pressed."""
    reader = _Reader(page)
    reader.feed(html)
    for form_id, name, value in reader.outside:
        if form_id in reader.by_id:
            reader.by_id[form_id].add(name, value)
    return reader.forms
