"""Write the pages that repeat what the code says: docs/events.md.

Usage: `python tools/write_docs.py`. A test compares the pages with the code.
"""

import sys
from itertools import groupby
from pathlib import Path

from entrepot.events.catalog import CATALOG

DOCS = Path(__file__).resolve().parent.parent / "docs"

EVENTS_HEAD = """\
# Events

Every fact of the hub, in the order of the catalogue in `src/entrepot/events/catalog.py`, from which
`make docs` writes this page. An event carries, besides its data: when it was recorded, its merchant
and mode, the order and the subject it is about, who acted, what caused it, and the reason given.

Names are public: renaming one is a migration.
"""


def events_page() -> str:
    """The page as text."""
    parts = [EVENTS_HEAD]
    for subject, kinds in groupby(CATALOG.items(), key=lambda item: item[0].partition(".")[0]):
        parts.append(f"\n## {subject.replace('_', ' ').capitalize()}\n")
        parts.append("\n| event | it means | data |\n|---|---|---|\n")
        for name, kind in kinds:
            data = ", ".join(f"`{key}`: {what}" for key, what in kind.data.items())
            parts.append(f"| `{name}` | {kind.meaning} | {data} |\n")
    return "".join(parts)


def main() -> int:
    """Write every page."""
    (DOCS / "events.md").write_text(events_page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
