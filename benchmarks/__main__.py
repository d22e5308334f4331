"""Runs the benchmarks that are named, or all but the long ones: `python -m benchmarks ingest`.

Each prints a JSON line per figure; the results are kept and docs/benchmarks.md is written from
them, unless --try is given. A word `key=number` belongs to the benchmark named before it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks import machine, page
from benchmarks.frame import Benchmark, registered

USAGE = "usage: python -m benchmarks [--list] [--try] [NAME [key=number ...] ...]"
ALONE = "--alone"  # this process runs the one benchmark, and keeps nothing


class NotUnderstood(Exception):
    """The command line names a benchmark or a size that there is not."""


def main(words: Sequence[str]) -> int:
    """Run the command line; not 0 when a benchmark failed."""
    known = registered()
    if "--list" in words:
        for told in known.values():
            sizes = " ".join(f"{key}={value}" for key, value in told.settings().items())
            print(f"{told.name:<12} {told.title}  {sizes}")
        return 0
    options = {word for word in words if word.startswith("--")}
    try:
        wanted = list(_wanted([word for word in words if word not in options]))
    except NotUnderstood as error:
        print(f"{error}\n{USAGE}", file=sys.stderr)
        return 2
    if ALONE in options:
        ((told, settings),) = wanted
        for figure in told.measure(**settings):
            print(figure.line(), flush=True)
        return 0
    return max((_run(told, settings, options) for told, settings in wanted), default=0)


def _wanted(words: Sequence[str]) -> Iterator[tuple[Benchmark, dict[str, int]]]:
    known = registered()
    if not words:
        yield from ((told, told.settings()) for told in known.values() if not told.is_long)
        return
    found: list[tuple[Benchmark, dict[str, int]]] = []
    for word in words:
        key, has_value, value = word.partition("=")
        if not has_value and word in known:
            found.append((known[word], known[word].settings()))
        elif has_value and found and key in found[-1][1] and value.isdigit():
            found[-1][1][key] = int(value)
        else:
            raise NotUnderstood(f"{word!r} is neither a benchmark nor a size of the one before it")
    yield from found


def _run(told: Benchmark, settings: dict[str, int], options: set[str]) -> int:
    about = machine.describe()
    command = [sys.executable, "-m", "benchmarks", ALONE, told.name]
    command += [f"{key}={value}" for key, value in settings.items()]
    figures = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            figure = json.loads(line)
            print(json.dumps({"benchmark": told.name, **figure}), flush=True)
            figures.append({key: figure[key] for key in figure if key not in {"ratio", "holds"}})
    if process.returncode != 0:
        print(f"{told.name} ended with {process.returncode}", file=sys.stderr)
        return 1
    if "--try" not in options:
        page.keep(told.name, {"machine": about, "settings": settings, "figures": figures})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
