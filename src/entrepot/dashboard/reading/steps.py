"""The shape of a next step: what stands, and the buttons that a person is offered."""

from dataclasses import dataclass, field

SCOPES_OF_MOVES = {
    "tracking": "fulfillment:write",
    "picklists": "fulfillment:write",
    "capture": "payments:write",
    "void": "payments:write",
}


@dataclass(frozen=True, slots=True)
class Move:
    """A button: its words, its icon, and the action of the order or the page that it leads to.

    `action` is an action's name, or that of a page: `attention`, `picklists`.
    """

    words: str
    icon: str = ""
    action: str = ""
    query: str = ""

    @property
    def scope(self) -> str:
        """What somebody needs who is offered it."""
        return SCOPES_OF_MOVES.get(self.action, "orders:write")


READ_AGAIN = Move("Read again", "refresh", "refresh")


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """What stands, what we do by ourselves, and what a person can do: one first, then others."""

    role: str
    title: str
    text: str = ""
    then: str = ""
    first: Move | None = None
    others: list[Move] = field(default_factory=list)

    @property
    def is_decision(self) -> bool:
        """Whether the panel asks for a decision."""
        return self.first is not None

    @property
    def sentence(self) -> str:
        """What stands, in one line."""
        return f"{self.title} {self.text}".strip()


def ended(words: str) -> str:
    """A reason as a sentence; what others wrote keeps its own ending."""
    return words if not words or words[-1] in ".!?…" else f"{words}."
