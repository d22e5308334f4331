"""Files that people bring: read whole, or refused with what to do."""

import pytest

from entrepot.intake.tables import BadFile, rows_of, text_in


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_cells_are_named_by_the_head_whatever_divides_them(sign: str) -> None:
    lines = ["SKU,Provider SKU", "PRT-1,GLOBAL-A", "", "ŁÓDŹ-2,GLOBAL-B,more", "A-3"]

    rows = rows_of("\r\n".join(lines).replace(",", sign), most=9)

    assert rows == [
        (2, {"sku": "PRT-1", "provider_sku": "GLOBAL-A"}),
        (4, {"sku": "ŁÓDŹ-2", "provider_sku": "GLOBAL-B"}),
        (5, {"sku": "A-3", "provider_sku": ""}),
    ]


def test_a_comma_in_a_file_with_semicolons_is_no_sign_between_cells() -> None:
    assert rows_of("sku;title\nA-1;Meer, weit", most=9) == [
        (2, {"sku": "A-1", "title": "Meer, weit"})
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_in_the_encodings_that_name_themselves(encoding: str) -> None:
    assert text_in("sku\nŁÓDŹ-鴎\n".encode(encoding)) == "sku\nŁÓDŹ-鴎"


@pytest.mark.parametrize(
    ("_case", "body", "said"),
    [
        (
            "letters of one country",
            "sku\nGröße".encode("cp1252"),
            "not UTF-8: save it as CSV UTF-8",
        ),
        ("half a letter", b"\xff\xfe\x00", "not UTF-8"),
        ("a NUL", b"sku\nA\x00", "NUL characters"),
    ],
)
def test_an_encoding_is_never_guessed(_case: str, body: bytes, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        text_in(body)


def test_what_our_export_made_safe_is_taken_back() -> None:
    assert rows_of("sku,kind\n'=A1,by_hand", most=9) == [(2, {"sku": "=A1", "kind": "by_hand"})]


@pytest.mark.parametrize(
    ("_case", "text", "said"),
    [
        ("only a head", "sku,kind", "no rows below its head"),
        ("nothing", "", "no rows below its head"),
        ("a column that is named twice", "sku,SKU\nA,B", "names the column sku twice"),
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
