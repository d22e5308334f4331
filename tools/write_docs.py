"""Write what the documentation repeats from the code; a test compares the two.

| page                              | made from                          |
|-----------------------------------|------------------------------------|
| docs/benchmarks.md                | the kept results of the benchmarks |
| docs/events.md                    | the catalogue of events            |
| docs/platforms.md                 | the manifests of the connectors    |
| docs/settings.md, one marked part | the `[environment]` of the manifests |
| docs/sandbox.md, one marked part  | the scenarios                      |
"""

import sys
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path

from benchmarks import page as benchmarks
from entrepot.connect import manifest
from entrepot.connect.manifest import Manifest
from entrepot.events.catalog import CATALOG
from entrepot.sandbox.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
CONNECTORS = ROOT / "src" / "entrepot" / "connectors"
BEGIN = "<!-- from the manifests: make docs -->\n"
END = "<!-- end -->\n"
SCENARIOS_BEGIN = "<!-- from the scenarios: make docs -->\n"
SCENARIOS_END = "<!-- end scenarios -->\n"
WHERE = {"*": "everywhere", "labels": "providers", "sell": "shops"}

EVENTS_HEAD = """\
# Events

Every fact of the hub, in the order of the catalogue in `src/entrepot/events/catalog.py`, from which
`make docs` writes this page. An event carries, besides its data: when it was recorded, its merchant
and mode, the order and the subject it is about, who acted, what caused it, and the reason given.

Names are public: renaming one is a migration.
"""

PLATFORMS_HEAD = """\
# Platforms

What each connector can do, from its manifest; `make docs` writes this page. *Exactly once* means
that the platform remembers our key or can be asked. *At most once, then ask* means that it can do
neither: an outcome which nobody knows becomes a case for a person, and is never repeated blindly.
"""

GUARANTEES = {
    "exactly_once": "exactly once",
    "at_most_once_then_ask": "at most once, then ask",
}


def pages() -> dict[Path, str]:
    """Every page that this program writes, with its text."""
    manifests = [manifest.read(path) for path in sorted(CONNECTORS.glob("*/manifest.toml"))]
    settings, sandbox = DOCS / "settings.md", DOCS / "sandbox.md"
    return {
        benchmarks.PAGE: benchmarks.page(),
        DOCS / "events.md": _events(),
        DOCS / "platforms.md": _platforms(manifests),
        settings: _with_part(settings, BEGIN, _environment(manifests), END),
        sandbox: _with_part(sandbox, SCENARIOS_BEGIN, _scenarios(), SCENARIOS_END),
    }


def _with_part(page: Path, begin: str, part: str, end: str) -> str:
    """A page as it stands, with one marked part written anew."""
    head, _, rest = page.read_text().partition(begin)
    return f"{head}{begin}{part}{end}{rest.partition(end)[2]}"


def _scenarios() -> str:
    rows = [f"| `{name}` | {row.text} | {_dials(row.dials)} |\n" for name, row in SCENARIOS.items()]
    return "".join(["\n| scenario | what happens | dials |\n|---|---|---|\n", *rows, "\n"])


def _dials(dials: Mapping[str, Mapping[str, float]]) -> str:
    return "; ".join(
        f"{WHERE[role]}: " + ", ".join(f"`{name}` {value:g}" for name, value in values.items())
        for role, values in dials.items()
    )


def _events() -> str:
    parts = [EVENTS_HEAD]
    for subject, kinds in groupby(CATALOG.items(), key=lambda item: item[0].partition(".")[0]):
        parts.append(f"\n## {subject.replace('_', ' ').capitalize()}\n")
        parts.append("\n| event | it means | data |\n|---|---|---|\n")
        for name, kind in kinds:
            data = ", ".join(f"`{key}`: {what}" for key, what in kind.data.items())
            parts.append(f"| `{name}` | {kind.meaning} | {data} |\n")
    return "".join(parts)


def _platforms(manifests: list[Manifest]) -> str:
    parts = [PLATFORMS_HEAD]
    for told in manifests:
        effects = "; ".join(
            f"{name.replace('_', ' ')} {GUARANTEES[effect.guarantee]}"
            for name, effect in sorted(told.effects.items())
        )
        can = ", ".join(sorted(told.capabilities)).replace("_", " ")
        parts.append(
            f"\n## {told.name}\n\n"
            f"- Kinds: {', '.join(sorted(told.kinds))}\n"
            f"- API version: {told.api_version}\n"
            f"- Can: {can}\n"
            f"- Effects: {effects or 'none'}\n"
        )
    return "".join(parts)


def _environment(manifests: list[Manifest]) -> str:
    rows = [
        f"| `{variable}` | {told.name}: {_sentence(told, name)} |\n"
        for told in manifests
        for name, variable in told.environment.items()
    ]
    return "".join(["\n| variable | meaning |\n|---|---|\n", *rows, "\n"])


def _sentence(told: Manifest, name: str) -> str:
    setting = told.setting(name)
    choices = f" ({', '.join(setting.choices)})" if setting.choices else ""
    return f"{setting.label}{choices}. {setting.help}".strip()


def main() -> int:
    """Write every page."""
    for path, text in pages().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
