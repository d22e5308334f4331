"""Routing loses no unit: each is in one share, in one named stop, or said to need nothing of us."""

from collections import Counter
from typing import ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from entrepot.catalog.states import MappingKind
from entrepot.routing.plan import Mapped, MappedAsset, Need, Planned, PrintFile, plan
from tests.properties import machines

SKUS = ("MOEWE-A3", "POST-12", "KIT-Ø", "CNV-60", "DL-1", "")
LEAVES = (MappingKind.PROVIDER, MappingKind.BY_HAND, MappingKind.NOTHING, MappingKind.ELSEWHERE)


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Mapped]:
    """Some SKUs mapped: to providers, to nothing, or to kits, which may run in circles."""
    found = {}
    for sku in draw(st.sets(st.sampled_from(SKUS))):
        if draw(st.booleans()):
            kind = draw(st.sampled_from(LEAVES))
            made_here = kind in {MappingKind.PROVIDER, MappingKind.BY_HAND}
            place = draw(st.sampled_from([11, 12])) if made_here else None
            found[sku] = Mapped(kind=kind, provider_connection_id=place)
        else:
            parts = draw(st.lists(st.tuples(st.sampled_from(SKUS), st.integers(1, 4)), max_size=3))
            found[sku] = Mapped(kind=MappingKind.KIT, parts=tuple(parts))
    return found


needs = st.lists(
    st.builds(
        lambda sku, units, is_shippable: (sku, units, is_shippable),
        st.sampled_from(SKUS),
        st.integers(1, 50),
        st.sampled_from([True, None, False]),
    ),
    min_size=1,
    max_size=5,
)


def pieces_of(sku: str, known: dict[str, Mapped], above: tuple[str, ...] = ()) -> Counter[str]:
    """What one unit comes to: pieces by SKU, said independently of the planner."""
    mapped = known.get(sku)
    is_leaf = mapped is None or sku in above or mapped.kind != MappingKind.KIT or not mapped.parts
    if is_leaf or mapped is None:
        return Counter({sku: 1})
    found: Counter[str] = Counter()
    for part, quantity in mapped.parts:
        for leaf, pieces in pieces_of(part, known, (*above, sku)).items():
            found[leaf] += pieces * quantity
    return found


def sound(_url: str, _asset: MappedAsset) -> PrintFile:
    """Nothing here is printed from a file."""
    return PrintFile(is_here=True)


def is_stopped(sku: str, known: dict[str, Mapped]) -> bool:
    mapped = known.get(sku)
    return mapped is None or mapped.kind == MappingKind.KIT


@settings(settings.get_profile("properties"), max_examples=150)
@given(known=mappings(), bought=needs)
def test_every_piece_is_in_one_share_or_one_named_stop(
    known: dict[str, Mapped], bought: list[tuple[str, int, bool | None]]
) -> None:
    made = plan(
        [
            Need(line_id=at, sku=sku, title="鴎", units=units, is_shippable=shippable)
            for at, (sku, units, shippable) in enumerate(bought)
        ],
        known,
        look=sound,
    )

    shared = Counter(
        (item.line_id, item.sku, share.connection_id, share.is_by_hand)
        for share in made.shares
        for item in share.items
    )
    stopped = Counter((stop.line_id, stop.about) for stop in made.stops)
    pieces = {(i.line_id, i.sku): i.quantity for share in made.shares for i in share.items}
    assert max(shared.values(), default=1) == 1
    assert max(stopped.values(), default=1) == 1
    for at, (sku, units, shippable) in enumerate(bought):
        if shippable is False:
            assert made.nothing[at] == units
            continue
        leaves = pieces_of(sku, known)
        quiet = {leaf for leaf in leaves if leaf in known and known[leaf].kind in LEAVES[2:]}
        for leaf, per_unit in leaves.items():
            in_share = pieces.pop((at, leaf), 0)
            in_stop = (at, leaf) in stopped
            if is_stopped(leaf, known):
                assert (in_share, in_stop) == (0, True)
            elif leaf in quiet:
                assert (in_share, in_stop) == (0, False)
            else:
                assert (in_share, in_stop) == (units * per_unit, False)
        needs_nothing = made.nothing.get(at, 0) + made.elsewhere.get(at, 0)
        assert needs_nothing == (units if quiet == set(leaves) else 0)
    assert pieces == {}, "a share holds what nobody bought"


MADE_HERE, MADE_ELSEWHERE = (
    Mapped(kind=MappingKind.PROVIDER, provider_connection_id=place) for place in (11, 12)
)


class Sale(RuleBasedStateMachine):
    """A line that grows, is planned and withdrawn: now as a kit, now as one product."""

    PARTS: ClassVar = {"POST-12": 3, "DL-1": 2}  # pieces per unit
    KIT = Mapped(kind=MappingKind.KIT, parts=tuple(PARTS.items()))

    def __init__(self) -> None:
        super().__init__()
        self.units = 2
        self.known = dict.fromkeys(["KIT-Ø", *self.PARTS], MADE_HERE)
        self.held: Counter[str] = Counter()  # pieces in live shares

    @rule(part=st.sampled_from(sorted(PARTS)), place=st.sampled_from([MADE_HERE, MADE_ELSEWHERE]))
    def map_part(self, part: str, place: Mapped) -> None:
        self.known[part] = place

    @precondition(lambda self: len(self.known) > 1)
    @rule()
    def forget_a_part(self) -> None:
        self.known.pop(max(self.known.keys() - {"KIT-Ø"}))

    @precondition(lambda self: self.held.total() > 0)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        del self.held[data.draw(st.sampled_from(sorted(+self.held)))]

    @rule(more=st.integers(0, 3), is_kit=st.booleans())
    def plan(self, more: int, *, is_kit: bool) -> None:
        self.units += more
        self.known["KIT-Ø"] = self.KIT if is_kit else MADE_ELSEWHERE
        parts = self.PARTS if is_kit else {"KIT-Ø": 1}
        planned = [
            Planned(sku=sku, pieces=pieces, units=pieces // self.PARTS.get(sku, 1))
            for sku, pieces in self.held.items()
        ]
        need = Need(
            line_id=7,
            sku="KIT-Ø",
            title="鴎",
            units=self.units,
            is_shippable=None,
            planned=tuple(planned),
        )
        made = plan([need], self.known, look=sound)

        assert {stop.about for stop in made.stops} == parts.keys() - self.known.keys()
        if made.stops:
            return  # nothing of it is sent
        for share in made.shares:
            for item in share.items:
                assert item.quantity > 0
                self.held[item.sku] += item.quantity
        as_kit, as_one = self.sent()
        assert as_kit + as_one == self.units
        others = as_one if is_kit else as_kit
        assert {sku: self.held[sku] for sku in parts} == {
            sku: each * (self.units - others) for sku, each in parts.items()
        }

    @invariant()
    def no_unit_has_two_shares(self) -> None:
        assert sum(self.sent()) <= self.units

    def sent(self) -> tuple[int, int]:
        """Units of which a share holds something, as a kit's parts and as one product."""
        as_kit = max(-(-self.held[part] // each) for part, each in self.PARTS.items())
        return as_kit, self.held["KIT-Ø"]


def test_what_a_share_holds_already_is_not_planned_again() -> None:
    machines.run(Sale, examples=100, steps=20)
