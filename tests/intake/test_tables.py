"""Files that people bring: read whole, or refused with what to do."""

import pytest

from entrepot.dashboard.uploads import BadFile, rows_of


def test_cells_are_named_by_the_head_and_both_signs_divide() -> None:
    commas = rows_of("SKU,Provider SKU\nPRT-1,GLOBAL-A\n\nŁÓDŹ-2,GLOBAL-B", most=9)
    semicolons = rows_of("SKU;Provider SKU\r\nPRT-1;GLOBAL-A\r\nŁÓDŹ-2;GLOBAL-B", most=9)

    cells = [
        {"sku": "PRT-1", "provider_sku": "GLOBAL-A"},
        {"sku": "ŁÓDŹ-2", "provider_sku": "GLOBAL-B"},
    ]
    assert [row for _, row in commas] == cells
    assert semicolons == list(zip([2, 3], cells, strict=True))


def test_what_our_export_made_safe_is_taken_back() -> None:
    assert rows_of("sku,kind\n'=A1,by_hand", most=9) == [(2, {"sku": "=A1", "kind": "by_hand"})]


@pytest.mark.parametrize(
    ("_case", "text", "said"),
    [
        ("only a head", "sku,kind", "no rows below its head"),
        ("more rows than are read at once", "sku\nA\nB\nC\nD", "more than 3 rows"),
        ("an open quotation", 'sku,kind\n"A,by_hand', "Row 2 cannot be read"),
        ("a head of nothing but columns", "," * 200_000 + "\n1\n2\n3", "more than 200 columns"),
        ("rows wider than the head", "sku\n" + "," * 200_000, "Row 2 has more cells than"),
        ("a cell larger than any", f"sku\n{'A' * 140_000}", "Row 2 cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(_case: str, text: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        rows_of(text, most=3)
