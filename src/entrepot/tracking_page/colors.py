"""The store's one colour, as a stylesheet of a line: readable on light and on dark."""

from entrepot.notifications.voices import LEAST_CONTRAST, contrast_with_white

DARK_SURFACE = "#151c1c"
STEPS = 20


def store_style(color: str) -> str:
    """The stylesheet for `#rrggbb`; in the dark it is lightened until words in it can be read."""
    return f":root {{ --store: light-dark({color}, {_lightened(color)}); }}\n"


def _lightened(color: str) -> str:
    for step in range(STEPS + 1):
        mixed = _mix(color, "#ffffff", step / STEPS)
        if contrast(mixed, DARK_SURFACE) >= LEAST_CONTRAST:
            return mixed
    return "#ffffff"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2), by their ratios to white."""
    ratios = contrast_with_white(one), contrast_with_white(other)
    return max(ratios) / min(ratios)


def _mix(color: str, into: str, share: float) -> str:
    pairs = zip((1, 3, 5), (1, 3, 5), strict=True)
    channels = [
        round(int(color[at : at + 2], 16) * (1 - share) + int(into[to : to + 2], 16) * share)
        for at, to in pairs
    ]
    return "#" + "".join(f"{channel:02x}" for channel in channels)
