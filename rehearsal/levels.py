"""How much a rehearsal suffers: which things break how often, and what must have struck."""

from dataclasses import dataclass, field

EFFECTS = (
    "submit",
    "cancel",
    "change_recipient",
    "change_shipping",
    "refund",
    "capture",
    "void",
    "write_back",
    "mail",
)
STEPS = (
    "before_intend_commit",
    "after_intend",
    "before_call",
    "after_call",
    "before_record_commit",
    "after_record",
    "before_ask",
    "after_ask",
)
# The hub's named crash points; a test compares them with those that it has.
POINTS = (
    "edge.before_commit",
    "edge.after_commit",
    "intake.after_claim",
    "intake.before_commit",
    "intake.after_commit",
    "job.before_run",
    "job.after_run",
    *(f"{effect}.{step}" for effect in EFFECTS for step in STEPS),
)
LITTLE = {"drop_answer": 0.02, "double_webhook": 0.1, "lose_webhook": 0.02}
# Days late: three, of sandbox time.
MUCH = {
    "drop_answer": 0.08,
    "server_error": 0.03,
    "rate_limited": 0.01,  # each stops all calls of an account for a second or more
    "garbage": 0.02,
    "late": 0.02,
    "late_seconds": 1.0,
    "invisible": 0.2,
    "invisible_seconds": 600.0,
    "lose_webhook": 0.05,
    "double_webhook": 0.2,
    "delay_webhook": 0.1,
    "delay_seconds": 3 * 86_400.0,
}
# What an order costs in calls to platforms, roughly; and how many acts a run suffers, roughly.
CALLS_PER_ORDER = 20
ACTS_AT_MOST = 140
KILLS = {"kill worker": 6.0, "kill all workers": 2.0, "kill edge": 4.0, "kill web": 2.0}
CUTS = {
    "freeze worker": 1.5,
    "freeze edge": 1.0,
    "freeze web": 0.5,
    "skew clock": 1.0,
    "terminate backends": 1.0,
    "restart postgres": 0.3,
    "crash postgres": 0.3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a run suffers. `acts` are by weight, one for at least so many calls of the hub."""

    acts: dict[str, float] = field(default_factory=dict)
    calls_between: int = 0
    dials: dict[str, float] = field(default_factory=dict)
    mail_dials: dict[str, float] = field(default_factory=dict)
    points: tuple[str, ...] = ()
    has_people: bool = False

    def calls_between_in(self, orders: int) -> int:
        """How many calls of the hub lie between two acts of a run of so many orders.

        A large run suffers no more acts than a middling one, or nothing would ever be done.
        """
        return max(self.calls_between, orders * CALLS_PER_ORDER // ACTS_AT_MOST)

    def acts_at_least_in(self, orders: int) -> int:
        """How many acts a run of so many orders suffers before the world may come to rest."""
        if not self.acts:
            return 0
        return orders * CALLS_PER_ORDER // self.calls_between_in(orders) // 8

    @property
    def expected(self) -> tuple[str, ...]:
        """Everything that this level breaks with."""
        dials = [name for name in self.dials if not name.endswith("_seconds")]
        return (
            *self.acts,
            *(f"dial {name}" for name in dials),
            *(f"mail {name}" for name in self.mail_dials),
            *(f"point {name}" for name in self.points),
        )


LEVELS = {
    "none": Level(),
    "light": Level(acts=KILLS, calls_between=30, dials=LITTLE),
    "heavy": Level(
        acts=KILLS | CUTS,
        calls_between=40,
        dials=MUCH,
        mail_dials={"hang_up": 0.03, "busy": 0.03},
        points=POINTS,
        has_people=True,
    ),
}
