"""What every benchmark shares: how it is registered, what a figure is, and where results are kept.

A benchmark is a function that yields figures; its module is found by being in this folder. Its
docstring says on the page what is measured and how. Each runs in a process of its own, because
Django can be set up for one database only:

    @benchmark(title="Webhook ingest", order=10)
    def ingest(*, requests: int = 10_000) -> Iterator[Figure]:
        yield Figure(name="stored", value=5_210, unit="/s", n=requests, at_least=5_000)

`make bench ARGS="ingest requests=2000"` runs it with an argument of its own.
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import benchmarks

# Modules that can be imported only when Django is set up, or that start by being imported.
NEEDS_DJANGO = {"__main__", "shop"}
RESULTS = Path(__file__).parent / "results"

Measure = Callable[..., Iterator["Figure"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number, how many samples it stands on, and what it is held against.

    `baseline` is measured in the same run and in the same unit; `against` says what it is. The four
    bounds are what issues and guarantees promise; a figure without any is told for information.
    """

    name: str
    value: float
    unit: str
    n: int
    baseline: float | None = None
    against: str = ""
    at_least: float | None = None
    at_most: float | None = None
    ratio_at_least: float | None = None
    ratio_at_most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value in terms of its baseline."""
        return round(self.value / self.baseline, 3) if self.baseline else None

    @property
    def holds(self) -> bool | None:
        """Whether every bound is kept; None when nothing is promised."""
        bounds = [
            measured <= bound if is_upper else measured >= bound
            for measured, bound, is_upper in (
                (self.value, self.at_least, False),
                (self.value, self.at_most, True),
                (self.ratio or 0.0, self.ratio_at_least, False),
                (self.ratio or 0.0, self.ratio_at_most, True),
            )
            if bound is not None
        ]
        return all(bounds) if bounds else None

    def line(self) -> str:
        """The figure as one JSON object on one line; what is not there is left out."""
        told = asdict(self) | {"ratio": self.ratio, "holds": self.holds}
        return json.dumps({key: value for key, value in told.items() if value not in (None, "")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """A registered benchmark: what it is called, where it stands on the page, and how it is run."""

    name: str
    title: str
    order: int
    about: str
    is_long: bool
    measure: Measure

    def settings(self) -> dict[str, int]:
        """Its arguments with their defaults; all are whole numbers."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.measure).parameters.items()
        }


_REGISTERED: dict[str, Benchmark] = {}


def benchmark(*, title: str, order: int, is_long: bool = False) -> Callable[[Measure], Measure]:
    """Register a function as the benchmark of its own name.

    A long one runs only when it is named.
    """

    def register(measure: Measure) -> Measure:
        _REGISTERED[measure.__name__] = Benchmark(
            name=measure.__name__,
            title=title,
            order=order,
            about=inspect.cleandoc(measure.__doc__ or ""),
            is_long=is_long,
            measure=measure,
        )
        return measure

    return register


def registered() -> Mapping[str, Benchmark]:
    """Every benchmark of this folder by its name, in the order of the page."""
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name not in NEEDS_DJANGO:
            importlib.import_module(f"benchmarks.{module.name}")
    return dict(sorted(_REGISTERED.items(), key=lambda item: (item[1].order, item[0])))


def percentile(ordered: list[float], share: float) -> float:
    """The value below which a share of the ordered values lies, in their unit."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
