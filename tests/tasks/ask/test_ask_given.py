"""What comes with a request: text is named and fenced, pictures are told by their content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import UsageError
from workflow_hub.tasks.ask.given import (
    IMAGE_LIMIT_BYTES,
    TEXT_LIMIT_BYTES,
    Given,
    context,
    fenced,
    picture_in,
    text_in,
)

# (bytes, the text in them)
TEXTS = [
    pytest.param(b"x = 1\n", "x = 1\n", id="a file"),
    pytest.param(b"\xef\xbb\xbfx = 1\n", "x = 1\n", id="a mark in front"),
    pytest.param("naïve 日本語".encode(), "naïve 日本語", id="any script"),
    pytest.param(b"x" * TEXT_LIMIT_BYTES, "x" * TEXT_LIMIT_BYTES, id="as long as may be"),
]


@pytest.mark.parametrize(("data", "text"), TEXTS)
def test_text_is_taken(data: bytes, text: str) -> None:
    assert text_in(data, "a.txt") == text


# (bytes, what is said)
NO_TEXTS = [
    pytest.param(b"", "a.txt is empty", id="nothing"),
    pytest.param(b" \n\t\n", "a.txt is empty", id="blanks"),
    pytest.param(b"caf\xe9", r"a.txt is no text in UTF-8 \(byte 3\); convert it first", id="Latin-1"),
    pytest.param("a".encode("utf-16"), "no text in UTF-8", id="UTF-16"),
    pytest.param(b"GIF89a", "a.txt is a picture; hand it over with --image", id="a picture"),
    pytest.param(b"\x7fELF\0\0", "a.txt is no text: it holds null bytes", id="a program"),
    pytest.param(b"x" * (TEXT_LIMIT_BYTES + 1), "a.txt is larger than 4 MB; hand over a part", id="too long"),
]


@pytest.mark.parametrize(("data", "says"), NO_TEXTS)
def test_what_is_no_text_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        text_in(data, "a.txt")


# (bytes, their kind)
PICTURES = [
    pytest.param(b"\x89PNG\r\n\x1a\nrest", "image/png", id="PNG"),
    pytest.param(b"\xff\xd8\xff\xe0rest", "image/jpeg", id="JPEG"),
    pytest.param(b"RIFF\n\0\0\0WEBPVP8 ", "image/webp", id="WebP"),
    pytest.param(b"GIF87a", "image/gif", id="GIF of 1987"),
    pytest.param(b"GIF89a", "image/gif", id="GIF of 1989"),
]


@pytest.mark.parametrize(("data", "kind"), PICTURES)
def test_a_picture_is_told_by_its_content(data: bytes, kind: str) -> None:
    image = picture_in(data, "named.txt")
    assert (image.data, image.media_type) == (data, kind)


# (bytes, what is said)
NO_PICTURES = [
    pytest.param(b"", "a.png is empty", id="nothing"),
    pytest.param(b"<svg/>", "a.png is none of PNG, JPEG, WebP and GIF; convert it first", id="an SVG"),
    pytest.param(b"RIFF\0\0\0\0WAVE", "none of PNG", id="a sound"),
    pytest.param(
        b"\x89PNG\r\n\x1a\n" + bytes(IMAGE_LIMIT_BYTES), "larger than 7.7 MB, which", id="too large"
    ),
]


@pytest.mark.parametrize(("data", "says"), NO_PICTURES)
def test_what_is_no_picture_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        picture_in(data, "a.png")


@pytest.mark.parametrize(
    ("piece", "shown"),
    [
        pytest.param(Given("a.py", "x = 1\n"), "a.py\n```\nx = 1\n```", id="a file"),
        pytest.param(Given("a.md", "```\nx\n```\n"), "a.md\n````\n```\nx\n```\n````", id="a fence inside"),
        pytest.param(Given("a\n```\nb", "x"), "a\\n```\\nb\n```\nx\n```", id="a name that would be a fence"),
    ],
)
def test_a_piece_is_named_and_fenced(piece: Given, shown: str) -> None:
    assert fenced(piece) == shown


def test_pieces_are_apart() -> None:
    assert context([Given("a", "1"), Given("b", "2")]) == "a\n```\n1\n```\n\nb\n```\n2\n```"
    assert context([]) == ""


@given(st.text(), st.text(st.sampled_from("`~\na "), max_size=40))
def test_no_text_ends_its_fence(name: str, text: str) -> None:
    first, fence, *inside, last = fenced(Given(name, text)).split("\n")
    assert fence == last and set(fence) == {"`"} and len(fence) >= 3
    assert "\n".join(inside) == text.rstrip("\n")
    assert fence not in text
    assert "\n" not in first
