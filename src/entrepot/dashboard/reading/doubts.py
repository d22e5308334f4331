"""An effect of which nobody knows whether it happened, in words: the doubt, and what ends it."""

from dataclasses import dataclass

from entrepot.attempts.models import Attempt
from entrepot.attempts.states import Kind, Status
from entrepot.dashboard.reading.standing import EFFECTS

OTHER_SIDE = "the other side"
TITLES = {
    Kind.SUBMIT: "We do not know whether {name} has it.",
    Kind.CANCEL: "We do not know whether {name} has cancelled it.",
    Kind.CHANGE_RECIPIENT: "We do not know whether {name} sends it to the new address.",
    Kind.CHANGE_SHIPPING: "We do not know whether {name} ships it by the new method.",
    Kind.REFUND: "We do not know whether {name} has refunded.",
    Kind.CAPTURE: "We do not know whether {name} has captured the payment.",
    Kind.VOID: "We do not know whether {name} has let the payment go.",
    Kind.WRITE_BACK: "We do not know whether {name} was told.",
    Kind.MAIL: "We do not know whether the mail service took it.",
}
# What each answer of the other side leads to, as `tasks.asking` has it: icon, role, answer, result.
FATES = {
    Kind.SUBMIT: (
        ("check", "good", "Found, same content", "accepted, nothing is sent"),
        ("x", "bad", "Found, cancelled", "rejected, a resend is your decision"),
        ("user", "warn", "Found, other content", "a case for you"),
        ("go", "info", "Absent, proved", "sent again with the same key"),
    ),
    Kind.CANCEL: (
        ("check", "good", "Cancelled there", "nothing is sent"),
        ("go", "info", "Not cancelled", "asked again, which does nothing twice"),
    ),
    Kind.CHANGE_RECIPIENT: (
        ("check", "good", "The new address is there", "nothing is sent"),
        ("go", "info", "The former one is", "asked again, which does nothing twice"),
    ),
    Kind.CHANGE_SHIPPING: (
        ("check", "good", "The new method is there", "nothing is sent"),
        ("x", "bad", "It has left, or is cancelled", "rejected, a case for you"),
        ("go", "info", "The former one is", "asked again, which does nothing twice"),
    ),
    Kind.REFUND: (
        ("check", "good", "Found", "it counts, nothing is paid again"),
        ("go", "info", "Absent, proved", "refunded again with the same key"),
    ),
    Kind.CAPTURE: (
        ("check", "good", "Captured there", "it counts, nothing is taken again"),
        ("x", "bad", "Let go there", "rejected, nothing is left to take"),
        ("go", "info", "Still authorized", "captured again with the same key"),
    ),
    Kind.VOID: (
        ("check", "good", "Let go there", "it counts, nothing is sent"),
        ("x", "bad", "Captured there", "rejected, a refund is your decision"),
        ("go", "info", "Still authorized", "voided again with the same key"),
    ),
    Kind.WRITE_BACK: (
        ("check", "good", "Found", "it counts, nothing is told again"),
        ("go", "info", "Absent, proved", "told again"),
    ),
}
# What a person's word leads to, as `tasks.deciding` has it.
HAPPENED = {
    Kind.SUBMIT: "{name} counts as having accepted it",
    Kind.CANCEL: "{name} counts as asked; what became of it is read there",
    Kind.CHANGE_RECIPIENT: "{name} counts as having the new address",
    Kind.CHANGE_SHIPPING: "{name} counts as shipping it by the new method",
    Kind.REFUND: "counts as paid back",
    Kind.CAPTURE: "counts as captured",
    Kind.VOID: "counts as let go",
    Kind.WRITE_BACK: "{name} counts as told",
    Kind.MAIL: "counts as sent",
}
DID_NOT = {
    Kind.SUBMIT: ("it is sent to {name} again, once", "send again"),
    Kind.CANCEL: ("{name} is asked to cancel again, once", "ask again"),
    Kind.CHANGE_RECIPIENT: ("{name} is asked again, once", "ask again"),
    Kind.CHANGE_SHIPPING: ("{name} is asked again, once", "ask again"),
    Kind.REFUND: ("it is refunded again, once", "refund again"),
    Kind.CAPTURE: ("it is captured again, once", "capture again"),
    Kind.VOID: ("it is voided again, once", "void again"),
    Kind.WRITE_BACK: ("{name} is told again, once", "tell again"),
    Kind.MAIL: ("it is mailed again, once", "mail again"),
}
HARMLESS = frozenset({Kind.CANCEL, Kind.CHANGE_RECIPIENT, Kind.CHANGE_SHIPPING})
PROVED_BY_ABSENCE = frozenset({Kind.SUBMIT, Kind.REFUND, Kind.WRITE_BACK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """The words about one unknown attempt, in the middle of a sentence but for its title."""

    effect: str
    of: str
    to: str
    title: str
    fates: tuple[tuple[str, str, str, str], ...]
    is_proved_by_absence: bool
    happened: str
    did_not: str
    again: str
    is_harmless_twice: bool

    def heading(self, number: str, name: str) -> str:
        """The effect on an order, as a title: "Refund of 10482 at the gateway"."""
        to = f" {self.to} {name}" if name else ""
        return f"{self.effect} {self.of} {number}{to}"


def doubt_about(attempt: Attempt, name: str) -> Doubt:
    """What is unknown of an attempt; `name` is its connection's, or ""."""
    kind = Kind(attempt.kind)
    side = name or OTHER_SIDE
    did_not, again = DID_NOT[kind]
    return Doubt(
        effect=EFFECTS[kind],
        of="about" if kind == Kind.MAIL else "of",
        to="to" if kind in {Kind.SUBMIT, Kind.WRITE_BACK} else "at",
        title=TITLES[kind].format(name=side),
        fates=FATES.get(kind, ()),
        is_proved_by_absence=kind in PROVED_BY_ABSENCE,
        happened=HAPPENED[kind].format(name=side),
        did_not=did_not.format(name=side),
        again=again,
        is_harmless_twice=kind in HARMLESS,
    )


def unknown_attempt(order_id: int) -> Attempt | None:
    """The attempt of an order whose outcome nobody knows: first what waits for a person's word."""
    unknown = Attempt.objects.filter(order_id=order_id, status=Status.UNKNOWN)
    return unknown.order_by("-needs_person", "id").first()
