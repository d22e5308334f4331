"""Runs the benchmarks that are named, or all of them: `python -m benchmarks ingest`."""

import importlib
import pkgutil
import sys

import benchmarks

NO_FIGURE = {"__main__", "hub"}


def main(names: list[str]) -> None:
    found = [one.name for one in pkgutil.iter_modules(benchmarks.__path__)]
    for name in names or sorted(set(found) - NO_FIGURE):
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
