from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import ConfigError, PromptError
from workflow_hub.located import LIMIT_BYTES, Located, Misplaced, parse_yaml, read_text, read_toml, read_yaml

PATH = Path("settings.yaml")

# (text, the line in the message or None, words of the message)
BAD_YAML = [
    pytest.param("a: 1\nb: [1\n", 3, "is not YAML: did not find expected ',' or ']'", id="open bracket"),
    pytest.param("a: 1\n b: 2\n", 2, "is not YAML", id="indentation"),
    pytest.param("a: 1\n---\nb: 2\n", 2, "is not YAML", id="two documents"),
    pytest.param("a: \x01\n", None, "is not YAML", id="control character"),
    pytest.param("a: &x 1\nb: 2\n", 1, "aliases, anchors and tags are not taken", id="anchor"),
    pytest.param("a: 1\nb: *x\n", 2, "aliases, anchors and tags are not taken", id="alias"),
    pytest.param("a: 1\n\nb: !!str 2\n", 3, "aliases, anchors and tags are not taken", id="tag"),
    pytest.param("a: !thing {b: 1}\n", 1, "aliases, anchors and tags are not taken", id="tag of a mapping"),
    pytest.param("a: !!python/object:os.system []\n", 1, "tags are not taken", id="tag that would run code"),
    pytest.param("a: 1\nb: 2\na: 3\n", 3, "a stands here a second time", id="duplicate"),
    pytest.param("a:\n  b: 1\n  'b': 1\n", 3, "b stands here a second time", id="duplicate below"),
    pytest.param("a: 1\n2: 3\n", 2, "a key must be text; put it in quotes", id="number as key"),
    pytest.param("on: 3\n", 1, "a key must be text; put it in quotes", id="on is a boolean to YAML"),
    pytest.param("? [a]\n: 1\n", 1, "a key must be text; put it in quotes", id="list as key"),
    pytest.param("a: 1\n<<: {b: 1}\n", 2, "'<<' is not a plain value", id="merge"),
    pytest.param("a: 2020-13-45\n", 1, "'2020-13-45' is not a plain value", id="no such day"),
    pytest.param("a: " + "9" * 5000 + "\n", 1, "is not a plain value", id="endless number"),
    pytest.param("a:\n" + "- " * 70 + "x\n", 2, "is nested too deeply", id="nested"),
    pytest.param("[" * 500_000, 1, "exceeded maximum nesting depth", id="nested beyond the loader"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD_YAML)
def test_a_fault_in_yaml_is_named_with_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_yaml(text, PATH)
    assert str(caught.value).startswith(f"settings.yaml:{line}: " if line else "settings.yaml: ")
    assert words in str(caught.value)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_the_lines_of_a_document_that_begins_further_down() -> None:
    with pytest.raises(PromptError, match=r"^settings.yaml:12: b stands"):
        read_yaml("b: 1\n\nb: 2\n", PATH, fault=PromptError, first_line=10)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"], ids=["empty", "blank", "comment"])
def test_nothing_is_an_empty_mapping(text: str) -> None:
    assert read_yaml(text, PATH).value == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: yes", True, id="boolean"),
        pytest.param("a: 0x10", 16, id="hexadecimal"),
        pytest.param("a: 1.5", 1.5, id="number"),
        pytest.param("a: ~", None, id="null"),
        pytest.param("a: 'null'", "null", id="quoted"),
        pytest.param("a: |\n  two\n  lines\n", "two\nlines\n", id="block"),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    assert read_yaml(text, PATH).value == {"a": value}


YAML = "a: 1\nrules:\n  - name: x\n    use:\n      - y\n  - name: z\n"
TOML = (
    '[tool."workflow-hub".docstrings]\nstyle = "google"\nkinds = [\n  "functions",\n]\n\n[[tool.other]]\n'
    'x.y = 1\n\n[tool.workflow-hub.api] # here\n"timeout" = 3\n# \u2028 is no line end\nkey = "k"\n'
)
LINES = [
    pytest.param(read_yaml, YAML, ("a",), 1, id="yaml key"),
    pytest.param(read_yaml, YAML, ("rules", 0), 3, id="yaml item"),
    pytest.param(read_yaml, YAML, ("rules", 0, "use", 0), 5, id="yaml item below"),
    pytest.param(read_yaml, YAML, ("rules", 1, "name"), 6, id="yaml second item"),
    pytest.param(read_yaml, YAML, ("rules", 1, "use", "deeper"), 6, id="yaml nearest parent"),
    pytest.param(read_yaml, YAML, ("nowhere",), 1, id="yaml the document"),
    pytest.param(read_toml, TOML, ("tool", "workflow-hub", "docstrings", "style"), 2, id="toml key"),
    pytest.param(read_toml, TOML, ("tool", "workflow-hub", "docstrings", "kinds", 0), 3, id="toml item"),
    pytest.param(read_toml, TOML, ("tool", "workflow-hub", "docstrings", "x"), 1, id="toml table"),
    pytest.param(read_toml, TOML, ("tool", "other", "x", "y"), 8, id="toml dotted"),
    pytest.param(read_toml, TOML, ("tool", "workflow-hub", "api", "timeout"), 11, id="toml quoted"),
    pytest.param(read_toml, TOML, ("tool", "workflow-hub", "api", "key"), 13, id="toml after a separator"),
    pytest.param(read_toml, TOML, ("nowhere",), None, id="toml no parent has one"),
]


@pytest.mark.parametrize(("read", "text", "key", "line"), LINES)
def test_every_key_has_its_line(read: Any, text: str, key: tuple[str | int, ...], line: int | None) -> None:
    assert read(text, PATH).line(key) == line


# (text, the place of what is wrong)
PLACES = [
    pytest.param("a: 1\nb: {c: 1, c: 2}\n", (2, 11), id="duplicate"),
    pytest.param("a: [x, *y]\n", (1, 8), id="alias"),
    pytest.param("ä: [ö, *y]\n", (1, 8), id="columns are characters"),
    pytest.param("a: b: c\n", (1, 5), id="not YAML"),
    pytest.param("a: \x01\n", (None, None), id="the parser does not say"),
]


@pytest.mark.parametrize(("text", "place"), PLACES)
def test_a_fault_has_a_line_and_a_column(text: str, place: tuple[int | None, int | None]) -> None:
    with pytest.raises(Misplaced) as caught:
        parse_yaml(text, PATH)
    assert (caught.value.line, caught.value.column) == place


COLUMNS = [
    pytest.param(("a",), 1, id="key"),
    pytest.param(("rules", 0), 5, id="item"),
    pytest.param(("rules", 0, "use", 0), 9, id="item below"),
    pytest.param(("rules", 1, "name", "deeper"), 5, id="nearest parent"),
    pytest.param(("nowhere",), 1, id="the document"),
]


@pytest.mark.parametrize(("key", "column"), COLUMNS)
def test_every_key_of_yaml_has_its_column(key: tuple[str | int, ...], column: int) -> None:
    assert read_yaml(YAML, PATH).column(key) == column


def test_toml_has_no_columns() -> None:
    assert read_toml(TOML, PATH).column(("tool",)) is None


BAD_TOML = [
    pytest.param("a = 1\nb = \n", 2, "is not TOML: Invalid value", id="no value"),
    pytest.param("a = 1\na = 2\n", 2, "is not TOML: Cannot overwrite", id="duplicate"),
    pytest.param("a = " + "9" * 5000, None, "is not TOML", id="endless number"),
    pytest.param("a = " + "[" * 100_000, None, "is nested too deeply", id="nested"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD_TOML)
def test_a_fault_in_toml_is_named_with_its_line(text: str, line: int | None, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_toml(text, PATH)
    assert str(caught.value).startswith(f"settings.yaml:{line}: " if line else "settings.yaml: ")
    assert words in str(caught.value)


def test_a_file_is_text_without_its_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: \xc3\xa4\n")
    assert read_text(path) == "a: ä\n"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"a: 1\n\nb: \xe4\n", ":3: is not UTF-8; save it as UTF-8", id="latin-1"),
        pytest.param(b"#" * (LIMIT_BYTES + 1), ": is larger than 1 MiB; is it the right file?", id="huge"),
        pytest.param(None, ": cannot be read: Is a directory", id="folder"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "x.yaml"
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    with pytest.raises(ConfigError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path}{words}"


def test_a_file_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"#" * 4096)
    assert len(read_text(path, limit_bytes=4096)) == 4096
    path.write_bytes(b"#" * 4097)
    with pytest.raises(ConfigError, match=r"x\.yaml: is larger than 4 KiB; is it the right file\?"):
        read_text(path, limit_bytes=4096)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match=r"no\.yaml: cannot be read: No such file"):
        read_text(tmp_path / "no.yaml", PromptError)


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcß \"'"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc"), PLAIN, max_size=4))
def test_json_is_read_as_what_it_says(document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1)
    located = read_yaml(text, PATH)
    assert located.value == document
    for key in document:
        assert f'"{key}":' in text.splitlines()[(located.line((key,)) or 0) - 1]


@given(st.text(max_size=60) | st.text("[]{}:-,?!&*#|>'\"%@ \nab1", max_size=60))
def test_any_text_is_a_document_or_a_config_error(text: str) -> None:
    for read in (read_yaml, read_toml):
        try:
            assert isinstance(read(text, PATH), Located)
        except ConfigError as error:
            assert str(error).startswith("settings.yaml")
