"""Lays what a simulated shop says over what a real one said: fields and types, not values."""

from decimal import Decimal
from typing import Any


def shape_of(value: Any) -> Any:
    """Keys and types, with every element of a list laid over the others."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape_of(inner) for inner in value]
    return "number" if type(value) in {int, float, Decimal} else type(value).__name__


def differences(seen: Any, recorded: Any, path: str = "") -> list[str]:
    """Where two shapes differ; null fits every type, and an empty list every list."""
    if "NoneType" in (seen, recorded):
        return []
    if isinstance(seen, dict) and isinstance(recorded, dict):
        found = [f"{path}: has {name}" for name in sorted(seen.keys() - recorded.keys())]
        found += [f"{path}: lacks {name}" for name in sorted(recorded.keys() - seen.keys())]
        for name in seen.keys() & recorded.keys():
            found += differences(seen[name], recorded[name], f"{path}.{name}")
        return found
    if isinstance(seen, list) and isinstance(recorded, list):
        found = []
        for index, (one, other) in enumerate(zip(seen, recorded, strict=False)):
            found += differences(one, other, f"{path}[{index}]")
        return found
    return [] if seen == recorded else [f"{path}: {seen} instead of {recorded}"]
