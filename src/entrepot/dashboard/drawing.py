"""Charts as plain geometry for inline SVG: no script, no style attributes, text beside each."""

from dataclasses import dataclass

from entrepot.dashboard.reading.flow import Drop, Flow

STEP, STEM, TOP, TALLEST, FLOOR = 165, 14, 66, 92.0, 184  # of the 1120 in flow.html
LEAST = 2.0


@dataclass(frozen=True, slots=True)
class FlowDrop:
    """A branch that leaves the stream: its path, its stroke, and where its words stand."""

    drop: Drop
    path: str
    width: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class FlowStage:
    """A stem of the stream with its title and number."""

    name: str
    title: str
    number: int
    x: float
    height: float
    band: str
    drops: tuple[FlowDrop, ...]


def drawn(flow: Flow) -> list[FlowStage]:
    """Lay out a flow: stems in proportion to their numbers, the drops bending down and away."""
    per_order = TALLEST / max(flow.received, 1)
    stages = []
    for index, stage in enumerate(flow.stages):
        x = 16 + index * STEP
        height = _height(stage.number, per_order)
        following = flow.stages[index + 1].number if index + 1 < len(flow.stages) else 0
        carried = _height(following, per_order)
        band = ""
        if following:
            band = f"M{x + STEM} {TOP}H{x + STEP}V{TOP + carried:.1f}H{x + STEM}z"
        stages.append(
            FlowStage(
                name=stage.name,
                title=stage.title,
                number=stage.number,
                x=x,
                height=height,
                band=band,
                drops=_drops(stage.drops, x=x + STEM, top=TOP + carried, per_order=per_order),
            )
        )
    return stages


def _height(number: int, per_order: float) -> float:
    return max(number * per_order, LEAST) if number else 0.0


def _drops(
    drops: tuple[Drop, ...], *, x: float, top: float, per_order: float
) -> tuple[FlowDrop, ...]:
    made = []
    y = top
    widths = [max(drop.number * per_order, LEAST) for drop in drops]
    # The outermost branch is the last one: it starts lowest and lands nearest to the stem.
    landing = x + 30 + sum(widths) / 2
    for number, (drop, width) in enumerate(zip(drops, widths, strict=True)):
        middle = y + width / 2
        y += width
        end = landing - width / 2
        landing -= width
        bend = max((end - x) * 0.8, 8)
        begins = f"M{x} {middle:.1f}C{x + bend:.1f} {middle:.1f}"
        path = f"{begins} {end:.1f} {middle + 4:.1f} {end:.1f} {FLOOR}"
        made.append(FlowDrop(drop, path, round(width, 1), x + 8, FLOOR + 16 + 17 * number))
    return tuple(made)


def bars(values: tuple[int, ...], *, width: int = 96, height: int = 28) -> list[dict[str, float]]:
    """The bars of a sparkline: x, y, width and height of each value above zero."""
    highest = max(values, default=0)
    if not highest:
        return []
    step = width / len(values)
    tallest = height - 5
    return [
        {
            "x": round(index * step + step * 0.1, 1),
            "y": round(height - 1 - tallest * value / highest, 1),
            "width": round(step * 0.8, 1),
            "height": round(tallest * value / highest, 1),
        }
        for index, value in enumerate(values)
        if value
    ]


def height_of(flow: Flow) -> int:
    """How tall a flow's picture is: as many lines of words as the busiest stage has drops."""
    lines = max((len(stage.drops) for stage in flow.stages), default=0)
    return FLOOR + 21 + 17 * max(lines - 1, 1)
