"""Named troubles: dials by role of a place, and what changes while time goes by."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta

from entrepot.connect.simulator import Faults
from entrepot.sandbox.world import World

DIALS = frozenset(
    row.name
    for row in fields(Faults)
    if row.name not in {"seed", "struck"} and not row.name.startswith("_")
)
EVERYWHERE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`dials` by what a place can do (sell, pay, labels, announce; `*`: all), each dial -> chance.

    After `lasts` (sandbox time) all dials go back to zero; None: never by themselves.
    """

    text: str
    dials: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    lasts: timedelta | None = None


SCENARIOS: dict[str, Scenario] = {
    "calm": Scenario(text="Everything works."),
    "lost answers": Scenario(
        text="Providers and shops do the work, then the connection is cut: one in five.",
        dials={EVERYWHERE: {"drop_answer": 0.2}},
    ),
    "late answers": Scenario(
        text="One call in ten is answered after three seconds.",
        dials={EVERYWHERE: {"late": 0.1, "late_seconds": 3}},
    ),
    "provider down 2 h": Scenario(
        text="Nothing reaches the providers for two hours of sandbox time.",
        dials={"labels": {"unreachable": 1.0}},
        lasts=timedelta(hours=2),
    ),
    "shops down 1 h": Scenario(
        text="Nothing reaches the storefronts for an hour of sandbox time.",
        dials={"sell": {"unreachable": 1.0}},
        lasts=timedelta(hours=1),
    ),
    "duplicate storm": Scenario(
        text="Every webhook comes twice, and half of them late.",
        dials={EVERYWHERE: {"double_webhook": 1.0, "delay_webhook": 0.5, "delay_seconds": 300}},
    ),
    "late webhooks": Scenario(
        text="Webhooks come up to an hour late, and so out of order.",
        dials={EVERYWHERE: {"delay_webhook": 0.7, "delay_seconds": 3600}},
    ),
    "lost webhooks": Scenario(
        text="One webhook in four never comes; polling finds what it told.",
        dials={EVERYWHERE: {"lose_webhook": 0.25}},
    ),
    "busy platforms": Scenario(
        text="One call in four is refused for being too many, one in twenty with an error.",
        dials={EVERYWHERE: {"rate_limited": 0.25, "server_error": 0.05}},
    ),
    "invisible orders": Scenario(
        text="Half of what is made cannot be found for ten minutes, and answers get lost.",
        dials={"labels": {"invisible": 0.5, "invisible_seconds": 600, "drop_answer": 0.3}},
    ),
    "garbage": Scenario(
        text="One answer in ten is a web page instead of data, after the work was done.",
        dials={EVERYWHERE: {"garbage": 0.1}},
    ),
    "a bad day": Scenario(
        text="A little of everything.",
        dials={
            EVERYWHERE: {
                "drop_answer": 0.05,
                "server_error": 0.02,
                "rate_limited": 0.05,
                "late": 0.05,
                "late_seconds": 2,
                "lose_webhook": 0.05,
                "double_webhook": 0.2,
                "delay_webhook": 0.2,
                "delay_seconds": 300,
            }
        },
    ),
}


def play(world: World, name: str, *, seed: int) -> None:
    """Set every dial as the scenario says, and begin the same sequence of accidents again.

    Raises:
        LookupError: there is no scenario of that name.
    """
    scenario = SCENARIOS[name]
    world.scenario, world.seed = name, seed
    for number, place in enumerate(world.places.values()):
        dials: dict[str, float] = {}
        for role, values in scenario.dials.items():
            if role == EVERYWHERE or type(place).__dict__.get(role) is not None:
                dials |= dict(values)
        set_dials(place.simulator.faults, dials, seed=seed + number)
    if scenario.lasts is not None:
        world.after(scenario.lasts, lambda: _end(world, name))


def set_dials(faults: Faults, dials: Mapping[str, float], *, seed: int | None = None) -> None:
    """Set these dials and turn all others off; with a seed the accidents begin anew.

    Raises:
        LookupError: there is no such dial.
        ValueError: a value is below zero.
    """
    if unknown := sorted(set(dials) - DIALS):
        raise LookupError(f"no dial {', '.join(unknown)}: known are {', '.join(sorted(DIALS))}")
    if low := sorted(name for name, value in dials.items() if value < 0):
        raise ValueError(f"below zero: {', '.join(low)}")
    usual = Faults()
    for name in DIALS:
        setattr(faults, name, float(dials.get(name, getattr(usual, name))))
    if seed is not None:
        faults.reseed(seed)


def _end(world: World, name: str) -> None:
    if world.scenario == name:
        play(world, "calm", seed=world.seed)
