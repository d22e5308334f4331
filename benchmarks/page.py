"""docs/benchmarks.md, from the kept results: one table per benchmark, under its machine."""

import json
from pathlib import Path
from typing import Any

from benchmarks.frame import RESULTS, Benchmark, Figure, registered

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

Written by `make bench` from what it measured; `make docs` writes it again from the kept results in
`benchmarks/results`. Load client, hub, sandbox and PostgreSQL share the machine, with fsync and
synchronous_commit on. A baseline is measured in the same run, so that the ratio means something on
another machine as well. A figure that misses its promise stands here as it is.

`make bench ARGS="NAME ..."` runs some of them, `make bench ARGS="NAME key=number"` one with other
sizes, `make bench ARGS=--list` tells their names.
"""
TABLE = """\
| figure | value | samples | baseline | ratio | promised | kept |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole text."""
    kept = {name: result for name in registered() if (result := read(name)) is not None}
    parts = [HEAD]
    for name, result in kept.items():
        parts.append(_section(registered()[name], result))
    return "".join(parts)


def read(name: str) -> dict[str, Any] | None:
    """The last kept result of a benchmark; None when it has never been kept."""
    path = RESULTS / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


def keep(name: str, result: dict[str, Any]) -> None:
    """Keep the result of a benchmark in place of its last one, and write the page again."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page())


def _section(told: Benchmark, result: dict[str, Any]) -> str:
    figures = [Figure(**one) for one in result["figures"]]
    sizes = ", ".join(f"{key}={value}" for key, value in result["settings"].items())
    command = f"make bench ARGS={told.name}"
    rows = "".join(_row(figure) for figure in figures)
    notes = "".join(f"- {figure.name}: {figure.note}\n" for figure in figures if figure.note)
    return (
        f"\n## {told.title}\n\n{told.about}\n\n{_machine(result['machine'])}\n"
        f"`{command}`{f' with {sizes}' if sizes else ''}.\n\n{TABLE}{rows}"
        + (f"\n{notes}" if notes else "")
    )


def _machine(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"{machine['measured_on']}: {machine['cores']} cores ({machine['processor']}),"
        f" {machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}, {packages};"
        f" load before the run {machine['load_before']}."
    )


def _row(figure: Figure) -> str:
    baseline = (
        f"{_number(figure.baseline)} {figure.unit} ({figure.against})" if figure.baseline else ""
    )
    ratio = f"{figure.ratio:g}" if figure.ratio is not None else ""
    kept = {True: "yes", False: "**no**", None: ""}[figure.holds]
    cells = (
        figure.name,
        f"{_number(figure.value)} {figure.unit}",
        f"{figure.n:,}",
        baseline,
        ratio,
        _promise(figure),
        kept,
    )
    return f"| {' | '.join(cells)} |\n"


def _promise(figure: Figure) -> str:
    bounds = {
        "at least {} " + figure.unit: figure.at_least,
        "at most {} " + figure.unit: figure.at_most,
        "ratio at least {}": figure.ratio_at_least,
        "ratio at most {}": figure.ratio_at_most,
    }
    told = (text.format(_number(bound)) for text, bound in bounds.items() if bound is not None)
    return ", ".join(told)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"
