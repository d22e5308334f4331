"""A real Chromium in a thread of its own: Django refuses the ORM beside its event loop."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import axe_playwright_python
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

Result = TypeVar("Result")
SHOTS_FOLDER = "SHOTS_FOLDER"
WIDTHS = {"": 1440, "phone": 360}
THEMES = ("light", "dark")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
# WCAG 2.2 A and AA, and what axe-core holds for good practice; frames are pages of their own.
ALL_RULES = {"iframes": False, "resultTypes": ["violations"]}
JUDGE = """
    async rules => (await axe.run(document, rules)).violations.map(
        ({id, nodes}) => `${id}: ${nodes.slice(0, 4).map(one => one.target.join(" ")).join(", ")}`
    )
"""


@dataclass
class Look:
    """What a page was like when it was looked at."""

    url: str
    title: str
    headings: int
    overflow: int
    errors: list[str]
    unnamed: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)


class Window:
    """One signed-in window; `do` runs a function of its page in the browser's thread."""

    def __init__(self, browser: "Browser", context: BrowserContext, address: str) -> None:
        self._browser = browser
        self._context = context
        self._address = address
        self.page: Page = browser.run(context.new_page)
        self._errors: list[str] = []
        browser.run(lambda: self.page.on("console", self._heard))
        browser.run(
            lambda: self.page.on("pageerror", lambda error: self._errors.append(str(error)))
        )

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(message.text)

    def do(self, action: Callable[[Page], Result]) -> Result:
        """Run a function of the page and return its result."""
        return self._browser.run(lambda: action(self.page))

    def look(self, path: str, *, width: int = 1440, theme: str = "light", shot: str = "") -> Look:
        """Open a page at a width and in a theme, and say how it is."""
        return self._browser.run(lambda: self._look(path, width, theme, shot))

    def _look(self, path: str, width: int, theme: str, shot: str) -> Look:
        self._errors.clear()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        self.page.goto(f"{self._address}{path}", wait_until="load")
        look = Look(
            url=self.page.url.removeprefix(self._address),
            title=self.page.title(),
            headings=self.page.locator("h1").count(),
            overflow=self.page.evaluate(OVERFLOW),
            errors=list(self._errors),
            unnamed=self.page.evaluate(UNNAMED),
        )
        photograph(self.page, shot)
        return look

    def look_around(
        self, path: str, shot: str, *, is_judged_everywhere: bool = False
    ) -> Iterator[tuple[str, Look]]:
        """Open a page once; say how it is wide and narrow, light and dark.

        Axe judges it wide and light, or at every width and in both themes.
        """
        first = self.look(path)
        for width_name, width in WIDTHS.items():
            for theme in THEMES:
                name = "-".join(filter(None, [shot, width_name, theme.removeprefix("light")]))
                is_judged = is_judged_everywhere or (width, theme) == (WIDTHS[""], "light")
                again = partial(self._look_again, first, width, theme, name, is_judged=is_judged)
                yield name, self._browser.run(again)

    def _look_again(
        self, first: Look, width: int, theme: str, shot: str, *, is_judged: bool
    ) -> Look:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        photograph(self.page, shot)
        if self.page.evaluate("!window.axe"):
            self.page.evaluate(AXE)
        return replace(
            first,
            overflow=self.page.evaluate(OVERFLOW),
            errors=list(self._errors),
            torn=self.page.evaluate(TORN),
            violations=self.page.evaluate(JUDGE, ALL_RULES) if is_judged else [],
        )

    def torn(self, width: int) -> list[str]:
        """What a reader would have to guess on the open page, at a width of its own."""
        self.do(lambda page: page.set_viewport_size({"width": width, "height": 900}))
        return list(self.do(lambda page: page.evaluate(TORN)))

    def go(self, path: str) -> None:
        """Open a page, whatever it is like: one that runs no scripts cannot be looked at."""
        self._browser.run(lambda: self.page.goto(f"{self._address}{path}"))

    def read(self, path: str) -> str:
        """The words of a page's main part."""
        self.go(path)
        return self.do(lambda page: page.inner_text("main"))

    def close(self) -> None:
        """Close the window."""
        self._browser.run(self._context.close)


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Controls without a name, and fields without a label: what a screen reader could not say.
UNNAMED = """
[...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter(e => e.type !== "hidden")
  .filter(e => e.checkVisibility())
  .filter(e => !(e.textContent.trim() || e.ariaLabel || e.title || (e.labels && e.labels.length)))
  .map(e => e.outerHTML.slice(0, 120))
"""

# Words that stand on two lines, words of two steps of a parcel that touch, and hints that their
# field cuts off: what a reader would have to guess.
TORN = """
() => {
  const found = [], range = document.createRange();
  const main = document.querySelector("main") || document.body;
  const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, around = text.parentElement;
    if (around.closest("textarea, option, svg, .raw, .sr") || !around.checkVisibility()) continue;
    for (const word of text.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
      if (word[0].length > 20) continue;
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const rows = [...range.getClientRects()].filter(one => one.width > 0);
      if (rows.some(one => one.top > rows[0].bottom - 2)) found.push(`torn: ${word[0]}`);
    }
  }
  for (const steps of document.querySelectorAll(".steps")) {
    const places = [...steps.children].map(one => {
      range.selectNodeContents(one.lastElementChild);
      return [...range.getClientRects()];
    });
    places.slice(1).forEach((here, place) => {
      const before = places[place];
      if (here.some(a => before.some(b => a.left < b.right && a.top < b.bottom - 2)))
        found.push(`touches the step before: ${steps.children[place + 1].innerText}`);
    });
  }
  const pen = document.createElement("canvas").getContext("2d");
  for (const input of document.querySelectorAll("input[placeholder]")) {
    const style = getComputedStyle(input);
    if (!input.checkVisibility() || style.textOverflow === "ellipsis") continue;
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    const room = input.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (pen.measureText(input.placeholder).width > room + 1)
      found.push(`cut: ${input.placeholder}`);
  }
  return found;
}
"""


def photograph(page: Page, name: str, *, is_whole: bool = True) -> None:
    """Save a picture of the page, or of what a screen shows, where somebody asked for pictures."""
    folder = os.environ.get(SHOTS_FOLDER)
    if folder and name:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(
            path=Path(folder) / f"{re.sub('[^a-z0-9-]', '-', name)}.png", full_page=is_whole
        )


class Browser:
    """A Chromium in a thread of its own."""

    def __init__(self, path: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._playwright: Playwright = self.run(lambda: sync_playwright().start())
        self._chromium: Chromium = self.run(
            lambda: self._playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox", "--font-render-hinting=none"]
            )
        )

    def run(self, action: Callable[[], Result]) -> Result:
        """Run a function in the browser's thread."""
        return self._thread.submit(action).result(timeout=90)

    def open(self, address: str, *, cookies: dict[str, str], **options: Any) -> Window:
        """A window with cookies of its own."""

        def made() -> BrowserContext:
            context = self._chromium.new_context(locale="en-US", reduced_motion="reduce", **options)
            context.set_default_timeout(60_000)
            for name, value in cookies.items():
                context.add_cookies([{"name": name, "value": value, "url": address}])
            return context

        return Window(self, self.run(made), address)

    def close(self) -> None:
        """Close the browser and end its thread."""
        self.run(self._chromium.close)
        self.run(self._playwright.stop)
        self._thread.shutdown()
