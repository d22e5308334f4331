"""What is read out of an answer can be kept; its bytes stay as they came."""

import pytest

from entrepot.connect.http import Http
from tests.connections.test_unpacking import host


@pytest.mark.parametrize(
    ("_case", "body", "read"),
    [
        ("a NUL", rb'{"a\u0000": ["b\u0000\u0000c", 3]}', {"a\ufffd": ["b\ufffd\ufffdc", 3]}),
        ("half a pair", rb'["x\ud83d", "\ude00y", "\uD83Dz"]', ["x\ufffd", "\ufffdy", "\ufffdz"]),
        ("a whole pair", rb'["\ud83d\ude00", "\uD83D\uDE00"]', ["😀", "😀"]),
        ("a half before a pair", rb'["\ud83d\ud83d\ude00"]', ["\ufffd😀"]),
        ("a backslash and letters", rb'["C:\\u0000", "\\\u0000"]', ["C:\\u0000", "\\\ufffd"]),
        ("nothing of the kind", '["Größe 8\u20ac", 2]'.encode(), ["Größe 8€", 2]),
    ],
)
def test_texts_of_an_answer_can_be_kept(_case: str, body: bytes, read: object) -> None:
    with host(body, "identity") as url:
        answer = Http("").get(url)

    assert answer.json() == read
    assert answer.content == body
