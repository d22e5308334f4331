"""The proof proves itself: with a fault put into the hub, the rehearsal fails."""

from pathlib import Path

import pytest

from rehearsal.mutations import MUTATIONS, Mutation, NotThere, Replacement, apply, run

# A run of its own each, of which the others are `make rehearse-mutations`.
QUICK = ("acknowledge before commit",)


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_still_changes_the_code_that_there_is(name: str, tmp_path: Path) -> None:
    apply(MUTATIONS[name], tmp_path)

    for one in MUTATIONS[name].replacements:
        text = (tmp_path / "entrepot" / one.file).read_text()
        compile(text, one.file, "exec")
        assert one.new in text


def test_a_mutation_of_code_that_has_moved_on_says_so(tmp_path: Path) -> None:
    gone = Replacement(file="edge/writer.py", old="no such line", new="")

    with pytest.raises(NotThere, match="has 0 times: 'no such line'"):
        apply(Mutation(replacements=(gone,), found_in=frozenset()), tmp_path)


@pytest.mark.rehearsal
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", QUICK)
def test_the_rehearsal_finds_what_was_broken_on_purpose(name: str) -> None:
    report = run(name)

    assert MUTATIONS[name].is_found(report.findings), report.findings
    assert not report.is_good
