from __future__ import annotations

from pathlib import Path

import pytest

from workflow_hub.errors import RoutingError
from workflow_hub.packaged import packaged
from workflow_hub.routing import rules
from workflow_hub.routing.rules import Dmr, Embedded, Rule, When

GOOD = """\
version: 1
providers:
  dmr: {kind: dmr, url: auto}
  far: {kind: dmr, url: "http://10.0.0.1:80"}
  embedded: {kind: embedded, model: tiny}
models:
  coder:
    provider: dmr
    try: [ai/big, ai/small]
  one: {provider: far, try: ai/one}
rules:
  - {name: code, when: {task: [docstrings, review]}, use: coder, fallback: [embedded, one]}
  - name: rest
    use: embedded
"""

# (what is replaced in GOOD, by what, the message after the path)
FAULTS = [
    pytest.param("version: 1", "version: 2", ":1: version: Input should be 1", id="version"),
    pytest.param("version: 1\n", "", ":1: version: Field required", id="no version"),
    pytest.param("url: auto", "uri: auto", ":3: unknown key providers.dmr.uri", id="key of a provider"),
    pytest.param("kind: dmr, url: auto", "kind: dmx", ":3: providers.dmr: Input tag 'dmx' found", id="kind"),
    pytest.param(
        "kind: dmr, url: auto", "url: auto", ":3: providers.dmr: Unable to extract tag", id="no kind"
    ),
    pytest.param("model: tiny", "model: 3", ":5: providers.embedded.model: Input should be", id="type"),
    pytest.param("{kind: dmr, url: auto}", "auto", ":3: providers.dmr: Input should be", id="no mapping"),
    pytest.param("models:\n", "models:\n  x: {}\n", ":7: models.x.provider: Field required", id="model"),
    pytest.param(
        "[ai/big, ai/small]", "[]", ":9: models.coder.try: Value should have at least", id="empty try"
    ),
    pytest.param(
        "try: [", "candidates: [", ":7: models.coder.try: Field required", id="not the key we promise"
    ),
    pytest.param("use: coder", "used: coder", ":12: rules.0.use: Field required", id="rule without use"),
    pytest.param("name: rest", "name: rest\n    if: x", ":14: unknown key rules.1.if", id="key of a rule"),
    pytest.param("{task: [docstrings, review]}", "{}", ":12: rules.0.when.task: Field", id="empty when"),
    pytest.param(
        "{task: [docstrings, review]}", "{task: []}", ":12: rules.0.when.task: Value should", id="no task"
    ),
    pytest.param(
        "task: [docstrings", "tasks: [docstrings", ":12: rules.0.when.task: Field", id="typo in when"
    ),
    pytest.param("provider: dmr", "provider: dmx", ":8: there is no provider dmx", id="model of nobody"),
    pytest.param("use: coder", "use: code", ":12: code is neither a model nor a provider with", id="use"),
    pytest.param("embedded, one]", "embedded, two]", ":12: two is neither a model nor", id="fallback"),
    pytest.param(
        "    use: embedded", "    use: dmr", ":14: dmr is neither a model nor", id="provider without"
    ),
    pytest.param("name: rest", "name: code", ":13: code names a rule above, too", id="name twice"),
    pytest.param(
        "  - name: rest",
        "  - {name: a, use: one}\n  - name: rest",
        ":14: rule rest is never reached: a above takes all that it would",
        id="below one that takes all",
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    when: {task: review}",
        ":13: rule rest is never reached: code above takes all that it would",
        id="below one that takes as much",
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    when: {task: [review, docstrings]}",
        ":13: rule rest is never reached: code above takes all that it would",
        id="below one that takes the same",
    ),
    pytest.param("10.0.0.1:80", "example.com", ":4: http://example.com is neither on this machine", id="url"),
    pytest.param("10.0.0.1:80", "[::1", ":4: http://[::1 is neither on this machine", id="broken url"),
    pytest.param("  dmr:", "  far:", ":4: far stands here a second time", id="key twice"),
    pytest.param("version: 1", "version: a: b", ":1: is not YAML", id="not yaml"),
]


def routing(folder: Path, text: str) -> Path:
    path = folder / "routing.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_every_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    path = routing(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RoutingError) as caught:
        rules.load(path)
    assert str(caught.value).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", ":1: version: Field required", id="empty"),
        pytest.param("- a\n", ":1: the file: Input should be a valid dictionary", id="a list"),
        pytest.param(
            "version: 1\nproviders: {}\nrules: []\n", ":2: providers: Dictionary should", id="nobody"
        ),
        pytest.param(
            "version: 1\nproviders: {e: {kind: embedded}}\nrules: []\n",
            ":3: rules: Tuple should",
            id="no rule",
        ),
    ],
)
def test_a_file_that_says_nothing(tmp_path: Path, text: str, message: str) -> None:
    path = routing(tmp_path, text)
    with pytest.raises(RoutingError) as caught:
        rules.load(path)
    assert str(caught.value).replace(f"{path}: ", f"{path}:1: ").startswith(f"{path}{message}")


def test_a_good_file_is_read(tmp_path: Path) -> None:
    read = rules.load(routing(tmp_path, GOOD))
    assert read.providers["dmr"] == Dmr(kind="dmr")
    assert read.providers["embedded"] == Embedded(kind="embedded", model="tiny")
    assert read.models["one"].candidates == ("ai/one",)
    assert read.rules[1] == Rule(name="rest", use="embedded")
    assert read.rules[0].when == When(task=("docstrings", "review"))
    assert [rule.takes("docstrings") for rule in read.rules] == [True, True]
    assert [rule.takes("ask") for rule in read.rules] == [False, True]


def test_a_trusted_file_may_name_a_foreign_host(tmp_path: Path) -> None:
    path = routing(tmp_path, GOOD.replace("http://10.0.0.1:80", "http://example.com"))
    provider = rules.load(path, trusted=True).providers["far"]
    assert isinstance(provider, Dmr) and provider.url == "http://example.com"


def test_rules_that_overlap_in_part_are_both_reached(tmp_path: Path) -> None:
    more = GOOD.replace("name: rest", "name: rest\n    when: {task: [review, ask]}")
    assert len(rules.load(routing(tmp_path, more)).rules) == 2


def test_the_projects_own_file_comes_before_the_packaged_one(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    assert rules.find([inner, tmp_path]) == packaged("routing.yaml")
    outer_file = routing(tmp_path, GOOD)
    assert rules.find([inner, tmp_path]) == outer_file
    inner_file = routing(inner, GOOD)
    assert rules.find([inner, tmp_path]) == inner_file


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RoutingError, match=r"routing\.yaml: cannot be read"):
        rules.load(tmp_path / "routing.yaml")


def test_the_packaged_file_is_right() -> None:
    packaged_rules = rules.load(packaged("routing.yaml"))
    assert any(rule.takes("docstrings") for rule in packaged_rules.rules)
