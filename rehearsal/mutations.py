"""Faults put into the hub on purpose, each of which a rehearsal has to find.

A mutation is a few replacements of source text in a copy of the package. The old text has to be
there exactly once; when the code moves on, the mutation says so instead of testing nothing.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rehearsal.checker import Findings
from rehearsal.levels import Level
from rehearsal.main import Report, Wish, rehearse
from rehearsal.processes import ROOT

# Findings that no later news can take back: a run may end when there is one.
FINAL = frozenset(
    {"doubled", "mails_doubled", "unexpected_mails", "axes_wrong", "refunds_doubled", "gone"}
)
PACKAGE = ROOT / "src" / "entrepot"


class NotThere(Exception):
    """The text that a mutation replaces is not there, or not once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Text of one file of the package, and what stands there instead."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """A fault, what a run needs to meet it, and the lists of findings where it may show."""

    replacements: tuple[Replacement, ...]
    found_in: frozenset[str]
    orders: int = 20
    scenes: tuple[str, ...] = ()
    dials: Mapping[str, float] = field(default_factory=dict)
    mail_dials: Mapping[str, float] = field(default_factory=dict)
    points: tuple[str, ...] = ()
    patience_s: float = 120.0
    grace_s: float = 20.0  # for how long after the last sale the dials stay as they are

    def wish(self, code: Path, *, seed: int) -> Wish:
        """The run that has to find it."""
        return Wish(
            orders=self.orders,
            seed=seed,
            per_second=20.0,
            patience_s=self.patience_s,
            grace_s=self.grace_s,
            is_durable=False,
            level=Level(
                dials=dict(self.dials), mail_dials=dict(self.mail_dials), points=self.points
            ),
            scenes=self.scenes,
            stops_at=self.found_in & FINAL,
            code=code,
        )

    def is_found(self, findings: Findings) -> bool:
        """Whether a run has found it where it shows."""
        return any(getattr(findings, name) for name in self.found_in)


def run(name: str, *, seed: int = 7) -> Report:
    """Rehearse with one mutation in the hub."""
    mutation = MUTATIONS[name]
    with tempfile.TemporaryDirectory(prefix="mutated-") as folder:
        return rehearse(mutation.wish(apply(mutation, Path(folder)), seed=seed))


def main() -> int:
    """Run the mutations that are named, or all; 1 when one of them was not found."""
    missed = []
    for name in sys.argv[1:] or MUTATIONS:
        report = run(name)
        is_found = MUTATIONS[name].is_found(report.findings)
        told = {
            "mutation": name,
            "is_found": is_found,
            "found": {key: len(rows) for key, rows in asdict(report.findings).items() if rows},
            "scenes": report.scenes,
            "struck": report.struck,
            "seconds": round(report.seconds + report.up_after_s, 1),
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        if not is_found:
            missed.append(name)
    return 1 if missed else 0


def apply(mutation: Mutation, folder: Path) -> Path:
    """Put a mutated copy of the package into a folder; the folder, as a path to import from.

    Raises:
        NotThere: the code has moved on.
    """
    copy = folder / "entrepot"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    for one in mutation.replacements:
        file = copy / one.file
        text = file.read_text()
        if text.count(one.old) != 1:
            raise NotThere(f"{one.file} has {text.count(one.old)} times: {one.old!r}")
        file.write_text(text.replace(one.old, one.new))
    return folder


def _one(file: str, old: str, new: str) -> Replacement:
    return Replacement(file=file, old=old, new=new)


MUTATIONS: dict[str, Mutation] = {
    "resend without asking first": Mutation(
        replacements=(
            _one(
                "tasks/mail.py",
                "            attempts.ask_a_person(\n"
                '                lease, message="a mail service cannot be asked: please decide'
                ' whether it arrived"\n            )\n',
                "            asking.after_not_sent(attempts.stop(lease, message=''))\n",
            ),
        ),
        mail_dials={"hang_up": 0.5},
        found_in=frozenset({"mails_doubled"}),
    ),
    "no fencing token": Mutation(
        replacements=(
            _one(
                "attempts/services.py",
                "    return attempt.token == lease.token\n",
                "    return True\n",
            ),
            _one(
                "attempts/leases.py",
                "        if steady() > self.ends - CALL_MARGIN.total_seconds():\n",
                "        if False:\n",
            ),
        ),
        scenes=("wake with an old token",),
        orders=4,
        found_in=frozenset({"mails_doubled"}),
    ),
    "one empty look-up taken for absence": Mutation(
        replacements=(
            _one(
                "attempts/services.py",
                "        and attempt.first_empty_at is not None\n"
                "        and attempt.last_empty_at is not None\n"
                "        and attempt.last_empty_at - attempt.first_empty_at > settle\n",
                "",
            ),
        ),
        # Longer than a lost call's bytes may take to leave, and shorter than that and the settle
        # time together. What can double is a note in a shop: the print house knows a key for ever.
        dials={"invisible": 1.0, "invisible_seconds": 4500.0, "drop_answer": 0.3},
        points=("write_back.after_call",),
        grace_s=120.0,
        patience_s=240.0,
        found_in=frozenset({"doubled"}),
    ),
    "acknowledge before commit": Mutation(
        replacements=(
            _one(
                "edge/writer.py",
                "            stored = await self._commit([waiting.row for waiting in group])\n",
                "            for waiting in group:\n"
                "                waiting.done.set_result(Stored(1, is_repeat=False))\n"
                "            await asyncio.sleep(0.05)\n"
                "            stored = await self._commit([waiting.row for waiting in group])\n",
            ),
        ),
        points=("edge.before_commit",),
        found_in=frozenset({"gone"}),
    ),
    "dedupe by a clock": Mutation(
        replacements=(
            _one(
                "inbox/storing.py",
                '    name = incoming.dedupe_key or f"body:{fingerprint.hex()}"\n',
                "    name = f\"{incoming.topic}:{__import__('time').time() // 2}\"\n",
            ),
        ),
        found_in=frozenset({"gone", "lost"}),
    ),
    "intake by id > cursor": Mutation(
        replacements=(
            _one(
                "inbox/claiming.py",
                "            AND merchant_id = waiting.merchant_id\n",
                "            AND merchant_id = waiting.merchant_id\n"
                "            AND message_id > coalesce((SELECT max(message_id) FROM inbox_outcome),"
                " 0)\n",
            ),
        ),
        points=("intake.after_claim", "intake.before_commit"),
        patience_s=60.0,
        found_in=frozenset({"lost", "stuck", "money_mismatch", "written_back_missing"}),
    ),
    "an axis assigned instead of derived": Mutation(
        replacements=(
            _one(
                "database/migrate.py",
                "    connections[OWNER].close()\n",
                "    with connections[OWNER].cursor() as cursor:\n"
                "        cursor.execute(\n"
                "            'ALTER TABLE orders_order ALTER fulfillment_status DROP EXPRESSION,'\n"
                "            ' ALTER fulfillment_status SET DEFAULT \\'unfulfilled\\''\n"
                "        )\n"
                "    connections[OWNER].close()\n",
            ),
            _one(
                "orders/counters.py",
                "        units_returned = units.returned,\n",
                "        units_returned = units.returned,\n"
                "        fulfillment_status = CASE WHEN units.shipped > 0 THEN 'shipped'\n"
                "            ELSE 'unfulfilled' END,\n",
            ),
        ),
        found_in=frozenset({"axes_wrong"}),
    ),
    "mail sent before its row": Mutation(
        replacements=(
            _one(
                "notifications/attempting.py",
                "        lease = attempts.intend(\n",
                "        sending.deliver(outgoing)\n        lease = attempts.intend(\n",
            ),
            _one(
                "notifications/attempting.py",
                "from entrepot.notifications import context, policy, services\n",
                "from entrepot.notifications import context, policy, sending, services\n",
            ),
            _one(
                "tasks/mail.py",
                "        return sending.deliver(mail, before_send=lease.check)\n",
                "        return sending.Delivered(mail.message_id, '')\n",
            ),
        ),
        points=("mail.before_intend_commit",),
        found_in=frozenset({"mails_doubled"}),
    ),
    "a reference from a row id": Mutation(
        replacements=(
            _one(
                "fulfillment/requesting.py",
                "        external_id=order.external_id,\n        share=",
                "        external_id=str(fulfillment_order.id + 70_000),\n        share=",
            ),
        ),
        found_in=frozenset({"doubled", "lost"}),
    ),
    "the order not locked when an attempt is intended": Mutation(
        replacements=(
            _one(
                "fulfillment/submission.py",
                "    order = lock_order(order_id)\n",
                "    order = Order.objects.get(id=order_id)\n",
            ),
            _one(
                "fulfillment/submission.py",
                '    orders = lock_orders(shares.values_list("order_id", flat=True))\n',
                '    ids = list(shares.values_list("order_id", flat=True))\n'
                "    orders = list(Order.objects.filter(id__in=ids))\n"
                '    scope.keep_ahead("order", {order.id: order for order in orders})\n',
            ),
        ),
        scenes=("cancel while intending",),
        orders=4,
        found_in=frozenset({"doubled"}),
    ),
    "history shipped at go-live": Mutation(
        replacements=(
            _one(
                "orders/policy.py",
                "        return self.live_since is None or placed_at < self.live_since\n",
                "        return False\n",
            ),
        ),
        scenes=("go live on old orders",),
        orders=8,
        found_in=frozenset({"doubled", "unexpected_mails"}),
    ),
    "a capture counted before its gateway's word": Mutation(
        replacements=(
            _one(
                "tasks/captures.py",
                "    return find_end(place, call) or send(place, call)\n",
                "    held = place.read_payment(call.payment_external_id)[-1]\n"
                "    done = replace(held, kind=authorizations.FACT_OF[call.kind])\n"
                "    return find_end(place, call) or done\n",
            ),
            _one(
                "tasks/captures.py",
                "from dataclasses import dataclass\n",
                "from dataclasses import dataclass, replace\n",
            ),
        ),
        scenes=("captures and voids",),
        orders=4,
        found_in=frozenset({"captures_wrong"}),
    ),
    "a void counted before its gateway's word": Mutation(
        replacements=(
            _one(
                "tasks/captures.py",
                "        return place.void(payment, idempotency_key=key)\n",
                "        held = place.read_payment(payment)[-1]\n"
                "        return replace(held, kind=PaymentFactKind.VOIDED)\n",
            ),
            _one(
                "tasks/captures.py",
                "from dataclasses import dataclass\n",
                "from dataclasses import dataclass, replace\n",
            ),
        ),
        scenes=("captures and voids",),
        orders=4,
        found_in=frozenset({"captures_wrong"}),
    ),
    "a method counted before its provider's word": Mutation(
        replacements=(
            _one(
                "tasks/changes.py",
                "        call=lambda lease: way.look(lease) or way.send(lease),\n",
                "        call=lambda lease: way.look(lease)\n"
                "        or ChangeReceipt(answer=ChangeAnswer.CHANGED, message=''),\n",
            ),
        ),
        scenes=("second thoughts",),
        orders=4,
        found_in=frozenset({"methods_wrong"}),
    ),
}

if __name__ == "__main__":
    sys.exit(main())
