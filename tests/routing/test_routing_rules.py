from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import RoutingError
from workflow_hub.packaged import packaged
from workflow_hub.routing import rules
from workflow_hub.routing.conditions import When
from workflow_hub.routing.pick import pick, plain
from workflow_hub.routing.rules import Dmr, Embedded, Goose, Rule

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
    pytest.param("version: 1", "version: 2", ":1:1: version: Input should be 1", id="version"),
    pytest.param("version: 1\n", "", ":1:1: version: Field required", id="no version"),
    pytest.param("url: auto", "uri: auto", ":3:20: unknown key providers.dmr.uri", id="key of a provider"),
    pytest.param(
        "kind: dmr, url: auto", "kind: dmx", ":3:3: providers.dmr: Input tag 'dmx' found", id="kind"
    ),
    pytest.param(
        "kind: dmr, url: auto", "url: auto", ":3:3: providers.dmr: Unable to extract tag", id="no kind"
    ),
    pytest.param("model: tiny", "model: 3", ":5:30: providers.embedded.model: Input should be", id="type"),
    pytest.param("{kind: dmr, url: auto}", "auto", ":3:3: providers.dmr: Input should be", id="no mapping"),
    pytest.param("models:\n", "models:\n  x: {}\n", ":7:3: models.x.provider: Field required", id="model"),
    pytest.param(
        "[ai/big, ai/small]", "[]", ":9:5: models.coder.try: Value should have at least", id="empty try"
    ),
    pytest.param(
        "try: [", "candidates: [", ":7:3: models.coder.try: Field required", id="not the key we promise"
    ),
    pytest.param("use: coder", "used: coder", ":12:5: rules.0.use: Field required", id="rule without use"),
    pytest.param("name: rest", "name: rest\n    if: x", ":14:5: unknown key rules.1.if", id="key of a rule"),
    pytest.param(
        "{task: [docstrings, review]}",
        "{}",
        ":12:18: rules.0.when: name a condition, or leave `when` out",
        id="empty when",
    ),
    pytest.param(
        "{task: [docstrings, review]}", "{task: []}", ":12:25: rules.0.when.task: Value should", id="no task"
    ),
    pytest.param(
        "task: [docstrings", "tasks: [docstrings", ":12:25: unknown key rules.0.when.tasks", id="typo in when"
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    limits: {deadline: 0}",
        ":14:14: rules.1.limits.deadline: Input should be greater than 0",
        id="no time",
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    limits: {max_tokens: 1.5}",
        ":14:14: rules.1.limits.max_tokens: Input should be a valid integer",
        id="half a token",
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    limits: {timeout: 5}",
        ":14:14: unknown key rules.1.limits.timeout",
        id="no such limit",
    ),
    pytest.param(
        "rules:",
        "tasks: {docstrings: {temperature: hot}}\nrules:",
        ":11:22: tasks.docstrings.temperature: Input should be a valid number",
        id="temperature",
    ),
    pytest.param(
        "rules:",
        "tasks: {docstrings: {seed: 1}}\nrules:",
        ":11:22: unknown key tasks.docstrings.seed",
        id="no such option",
    ),
    pytest.param("provider: dmr", "provider: dmx", ":8:5: there is no provider dmx", id="model of nobody"),
    pytest.param("use: coder", "use: code", ":12:54: code is neither a model nor a provider with", id="use"),
    pytest.param("embedded, one]", "embedded, two]", ":12:87: two is neither a model nor", id="fallback"),
    pytest.param(
        "    use: embedded", "    use: dmr", ":14:5: dmr is neither a model nor", id="provider without"
    ),
    pytest.param("name: rest", "name: code", ":13:5: code names a rule above, too", id="name twice"),
    pytest.param(
        "  - name: rest",
        "  - {name: a, use: one}\n  - name: rest",
        ":14:5: rule rest is never reached: a above takes all that it would",
        id="below one that takes all",
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    when: {task: review}",
        ":13:5: rule rest is never reached: code above takes all that it would",
        id="below one that takes as much",
    ),
    pytest.param(
        "name: rest",
        "name: rest\n    when: {task: [review, docstrings]}",
        ":13:5: rule rest is never reached: code above takes all that it would",
        id="below one that takes the same",
    ),
    pytest.param(
        "10.0.0.1:80", "example.com", ":4:20: http://example.com is neither on this machine", id="url"
    ),
    pytest.param("10.0.0.1:80", "[::1", ":4:20: http://[::1 is neither on this machine", id="broken url"),
    pytest.param("  dmr:", "  far:", ":4:3: far stands here a second time", id="key twice"),
    pytest.param("version: 1", "version: a: b", ":1:11: is not YAML", id="not yaml"),
]


# A file with an agent; the faults of the agent's own keys.
AGENT = """\
version: 1
providers:
  dmr: {kind: dmr}
  goose:
    kind: goose
    model: coder
    approve: list
    allow: ["shell:git status*", write]
    max_turns: 20
    extensions:
      web: {url: "http://localhost:8000/mcp"}
      notes: {command: [notes-server, --stdio]}
models:
  coder: {provider: dmr, try: [ai/coder], context_tokens: 32768, accepts: [text]}
rules:
  - {name: tools, when: {needs: [files, terminal, mcp]}, use: goose }
  - name: rest
    when: {any: [{has: image}, {tokens: {over: 10, under: 90}}, {all: [{not: {language: [en, de]}}]}]}
    use: coder
"""
AGENT_FAULTS = [
    pytest.param("approve: list", "approve: all", ":7:5: providers.goose.approve: Input", id="approve"),
    pytest.param("approve: list", "approved: list", ":7:5: unknown key providers.goose.approved", id="key"),
    pytest.param("max_turns: 20", "max_turns: 0", ":9:5: providers.goose.max_turns: Input", id="no turns"),
    pytest.param("max_turns: 20", "max_turns: yes", ":9:5: providers.goose.max_turns: Input", id="flag"),
    pytest.param("write]", '":x"]', ":8:34: providers.goose.allow.1: String should match", id="allow"),
    pytest.param(
        "notes-server, --stdio", "", ":12:15: providers.goose.extensions.notes.command: ", id="no word"
    ),
    pytest.param(
        "{command: [notes-server, --stdio]}",
        "{}",
        ":12:7: providers.goose.extensions.notes: name either command or url",
        id="no extension",
    ),
    pytest.param(
        "{command: [notes-server, --stdio]}",
        "{command: [a], url: 'http://localhost'}",
        ":12:7: providers.goose.extensions.notes: name either command or url",
        id="both",
    ),
    pytest.param(
        "http://localhost", "file://localhost", ":11:13: providers.goose.extensions.web.url", id="url"
    ),
    pytest.param("model: coder", "model: code", ":6:5: there is no model code", id="model"),
    pytest.param("provider: dmr", "provider: goose", ":14:11: goose is an agent and works on", id="agent"),
    pytest.param("[text]", "[sound]", ":14:76: models.coder.accepts.0: Input should be", id="accepts"),
    pytest.param("32768", "-1", ":14:43: models.coder.context_tokens: Input should be", id="context"),
    pytest.param("terminal", "shell", ":16:41: rules.0.when.needs.1: Input should be", id="need"),
    pytest.param("has: image", "has: sound", ":18:19: rules.1.when.any.0.has.0: Input should be", id="has"),
    pytest.param("over: 10", "over: 89", ":18:33: rules.1.when.any.1.tokens: no number is", id="bounds"),
    pytest.param(
        "over: 10, under: 90", "", ":18:33: rules.1.when.any.1.tokens: name over, under, or", id="no bound"
    ),
    pytest.param("[en, de]", "[klingon]", ":18:90: rules.1.when.any.2.all.0.not.language.0", id="language"),
    pytest.param("{has: image}", "{}", ":18:18: rules.1.when.any.0: name a condition", id="empty inside"),
    pytest.param("{has: image}", "{hat: image}", ":18:19: unknown key rules.1.when.any.0.hat", id="inside"),
    pytest.param("use: goose ", "use: ", ":16:5: rules.0: use is empty; give it a value", id="no value"),
    pytest.param("any: [", "some: [", ":18:12: unknown key rules.1.when.some", id="no other word for any"),
]


def routing(folder: Path, text: str) -> Path:
    path = folder / "routing.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "message"), FAULTS)
def test_every_fault_is_named_with_its_line_and_column(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in GOOD
    path = routing(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(RoutingError) as caught:
        rules.load(path)
    assert str(caught.value).startswith(f"{path}{message}")
    assert (caught.value.path, caught.value.line) == (path, int(message.split(":")[1]))


@pytest.mark.parametrize(("old", "new", "message"), AGENT_FAULTS)
def test_what_is_wrong_with_agents_and_conditions(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert AGENT.count(old) == 1
    path = routing(tmp_path, AGENT.replace(old, new))
    with pytest.raises(RoutingError) as caught:
        rules.load(path, trusted=True)
    assert str(caught.value).startswith(f"{path}{message}")


def test_an_agent_is_read(tmp_path: Path) -> None:
    read = rules.load(routing(tmp_path, AGENT), trusted=True)
    goose = read.providers["goose"]
    assert isinstance(goose, Goose)
    assert (goose.model, goose.approve, goose.max_turns) == ("coder", "list", 20)
    assert goose.allow == ("shell:git status*", "write")
    assert {name: (one.command, one.url) for name, one in goose.extensions.items()} == {
        "web": ((), "http://localhost:8000/mcp"),
        "notes": (("notes-server", "--stdio"), None),
    }


def test_a_project_may_not_start_or_allow_anything_before_it_is_trusted(tmp_path: Path) -> None:
    path = routing(tmp_path, AGENT)
    faults = [str(fault) for fault in rules.read(path).faults]
    assert [fault.removeprefix(f"{path}:")[:6] for fault in faults] == ["8:5: a", "10:5: "]
    assert all("WORKFLOW_HUB_TRUST=1" in fault for fault in faults)
    assert rules.read(path, trusted=True).faults == ()


def test_all_faults_are_found_not_only_the_first(tmp_path: Path) -> None:
    text = (
        GOOD.replace("url: auto", "uri: auto")
        .replace("provider: far", "provider: near")
        .replace("[embedded, one]", "[embedded, two]")
    )
    path = routing(tmp_path, text)
    faults = rules.read(path).faults
    assert [(fault.line, fault.column) for fault in faults] == [(3, 20), (10, 9), (12, 87)]
    with pytest.raises(RoutingError, match=r"uri \(2 more: `workflow-hub route check` lists them\)$"):
        rules.load(path)


def test_a_key_that_is_unknown_makes_no_rule_below_unreachable(tmp_path: Path) -> None:
    text = GOOD.replace("{task: [docstrings, review]}", "{task: [docstrings], hat: image}").replace(
        "name: rest", "name: rest\n    when: {task: docstrings}"
    )
    (fault,) = rules.read(routing(tmp_path, text)).faults
    assert fault.message == "unknown key rules.0.when.hat"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("#" * (256 << 10) + "\n", ": is larger than 256 KiB", id="huge"),
        pytest.param("a: &a [x, x]\nb: [*a, *a]\n", ":1:4: aliases, anchors and tags", id="alias bomb"),
        pytest.param("rules: " + "[" * 80 + "]" * 80, ":1:", id="nested"),
        pytest.param("version: 1\n? [a]\n: 1\n", ":2:3: a key must be text", id="list as key"),
    ],
)
def test_what_no_file_needs_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = routing(tmp_path, text)
    with pytest.raises(RoutingError) as caught:
        rules.load(path)
    assert str(caught.value).startswith(f"{path}{message}")


@given(st.text(max_size=80) | st.text("[]{}:-,?!&*#|>'\"%@ \nab1", max_size=80))
def test_any_text_has_rules_or_faults(text: str) -> None:
    with TemporaryDirectory() as folder:
        reading = rules.read(routing(Path(folder), text))
        assert reading.faults
        assert all(str(fault).startswith(f"{folder}/routing.yaml:") for fault in reading.faults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", ":1:1: version: Field required", id="empty"),
        pytest.param("- a\n", ":1:1: the file: Input should be a valid dictionary", id="a list"),
        pytest.param(
            "version: 1\nproviders: {}\nrules: []\n", ":2:1: providers: Dictionary should", id="nobody"
        ),
        pytest.param(
            "version: 1\nproviders: {e: {kind: embedded}}\nrules: []\n",
            ":3:1: rules: Tuple should",
            id="no rule",
        ),
    ],
)
def test_a_file_that_says_nothing(tmp_path: Path, text: str, message: str) -> None:
    path = routing(tmp_path, text)
    with pytest.raises(RoutingError) as caught:
        rules.load(path)
    assert str(caught.value).replace(f"{path}: ", f"{path}:1:1: ").startswith(f"{path}{message}")


def test_a_good_file_is_read(tmp_path: Path) -> None:
    read = rules.load(routing(tmp_path, GOOD))
    assert read.providers["dmr"] == Dmr(kind="dmr")
    assert read.providers["embedded"] == Embedded(kind="embedded", model="tiny")
    assert read.models["one"].candidates == ("ai/one",)
    assert read.rules[1] == Rule(name="rest", use="embedded")
    assert read.rules[0].when == When(task=("docstrings", "review"))
    assert [one.rule for one in pick(read, plain("docstrings"))] == ["code"] * 4
    assert [one.rule for one in pick(read, plain("ask"))] == ["rest"]


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
    assert pick(packaged_rules, plain("docstrings"))[0].rule == "code"
    assert pick(packaged_rules, plain("ask"))[0].rule == "rest"
    assert [one.agent for one in pick(packaged_rules, plain("ask", needs=["terminal"]))] == [True] * 3
