"""Runs machines of rules: what one does, step by step, is held against its own small model."""

from types import new_class

from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run(
    machine: type[RuleBasedStateMachine], *, examples: int, steps: int, **known: object
) -> None:
    """Run a machine which finds what a test's fixtures made among its attributes.

    A program is told as it fails: it is short, and to shrink one takes minutes on a database.
    """
    knowing = new_class(machine.__name__, (machine,), exec_body=lambda body: body.update(known))
    run_state_machine_as_test(
        knowing,
        settings=settings(
            settings.get_profile("properties"),
            max_examples=examples,
            stateful_step_count=steps,
            phases=[Phase.generate],
            report_multiple_bugs=False,
        ),
    )
