from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workflow_hub import prompts
from workflow_hub.errors import PromptError
from workflow_hub.packaged import packaged
from workflow_hub.values import Image, Message

PATH = Path("prompts/thing.j2")
HEAD = "---\nname: thing\nversion: 1\ninputs: {code: text, note: text?}\noptions: {temperature: 0}\n---\n"
BODY = "{% block system %}Be kind.{% endblock %}\n{% block user %}{{ code }}{{ note }}{% endblock %}\n"


def template(user: str, *, head: str = HEAD, system: str = "Be kind.") -> prompts.Template:
    blocks = f"{{% block system %}}{system}{{% endblock %}}\n{{% block user %}}{user}{{% endblock %}}\n"
    return prompts.parse(head + blocks, PATH)


def user_text(user: str, **inputs: Any) -> str:
    return template(user).render({"code": "abc", "note": None} | inputs).messages[-1].text


def test_a_prompt_is_its_blocks_options_and_fingerprint() -> None:
    made = prompts.parse(HEAD.replace("---\n{", "needs: [files]\n---\n{") + BODY, PATH)
    picture = Image(b"x", "image/png")
    prompt = made.render(
        {"code": "x = 1", "note": ""}, schema={"type": "null"}, options={"max_tokens": 3}, images=(picture,)
    )
    assert prompt.messages == (Message("system", "Be kind."), Message("user", "x = 1", (picture,)))
    assert prompt.options == {"temperature": 0, "max_tokens": 3}
    assert (prompt.name, prompt.schema, prompt.fingerprint) == ("thing", {"type": "null"}, made.fingerprint)
    assert prompt.images == (picture,)


def test_an_example_and_its_answer_come_before_the_question() -> None:
    example = "{% block answer %}\na = 1\n{% endblock %}{% block example %}\nset a\n{% endblock %}"
    prompt = prompts.parse(HEAD + example + BODY, PATH).render({"code": "set b", "note": None})
    assert [(message.role, message.text) for message in prompt.messages] == [
        ("system", "Be kind."),
        ("user", "set a"),
        ("assistant", "a = 1"),
        ("user", "set bNone"),
    ]
    assert prompt.lead == prompt.messages[:3]


@pytest.mark.parametrize(("there", "absent"), [("example", "answer"), ("answer", "example")])
def test_half_an_example_is_a_fault(there: str, absent: str) -> None:
    with pytest.raises(PromptError, match=f"lacks the block {absent}"):
        prompts.parse(f"{HEAD}{{% block {there} %}}x{{% endblock %}}{BODY}", PATH)


def test_the_head_says_what_a_prompt_needs_and_options_given_win() -> None:
    made = template("x", head=HEAD.replace("options:", "needs: [files, mcp]\noptions:"))
    prompt = made.render({"code": "", "note": ""}, options={"temperature": 1})
    assert prompt.needs == {"files", "mcp"}
    assert prompt.options == {"temperature": 1}


def test_the_head_may_name_the_words_of_its_example() -> None:
    assert template("x").head.echoes == ()
    assert template("x", head=HEAD.replace("options:", "echoes: [tea, pot]\noptions:")).head.echoes == (
        "tea",
        "pot",
    )


def test_an_empty_system_block_is_no_message() -> None:
    prompt = template("{{ code }}{{ note }}", system=" ").render({"code": "x", "note": ""})
    assert [message.role for message in prompt.messages] == ["user"]


def test_input_is_text_and_never_a_template() -> None:
    assert user_text("{{ code }}", code="{{ 7*7 }} {% raw %} <b>&\"'") == "{{ 7*7 }} {% raw %} <b>&\"'"


# (user block, words of the error): nothing in a template reaches Python or the disk.
ESCAPES = [
    pytest.param("{{ code.__class__.__mro__ }}", "access to attribute '__class__'", id="class"),
    pytest.param("{{ code|attr('__class__') }}", "access to attribute '__class__'", id="attr filter"),
    pytest.param("{{ '{0.__class__}'.format(code) }}", "access to attribute '__class__'", id="format"),
    pytest.param("{{ '{x.__class__}'.format_map({'x': 1}) }}", "access to attribute", id="format_map"),
    pytest.param("{{ lipsum.__globals__ }}", "access to attribute '__globals__'", id="globals"),
    pytest.param("{{ self.__init__.__globals__ }}", "access to attribute '__init__'", id="self"),
    pytest.param("{% include '/etc/passwd' %}", "no loader", id="include"),
    pytest.param("{% import 'x' as x %}", "no loader", id="import"),
    pytest.param("{{ range(10 ** 9)|length }}", "Range too big", id="huge range"),
]
# What goes wrong in an expression is a fault of the prompt, never a traceback.
WRONG = [
    pytest.param("{{ code.nothing }}", "has no attribute 'nothing'", id="no attribute"),
    pytest.param("{{ 1 / 0 }}", "division by zero", id="division"),
    pytest.param("{{ [].pop() }}", "pop from empty list", id="empty list"),
    pytest.param("{{ {}.popitem() }}", "dictionary is empty", id="empty dict"),
    pytest.param("{{ code.encode('x') }}", "unknown encoding", id="encoding"),
    pytest.param("{{ code.index('zzz') }}", "substring not found", id="not found"),
    pytest.param("{{ code|round }}", "__round__", id="type"),
    pytest.param("{{ cycler() }}", "at least one item", id="cycler"),
    pytest.param("{{ super() }}", "no parent block", id="super"),
    pytest.param("{{ self.user() }}", "recursion", id="endless block"),
    pytest.param("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion", id="endless macro"),
]


@pytest.mark.parametrize(("user", "words"), [*ESCAPES, *WRONG])
def test_what_a_template_must_not_do_is_a_prompt_error(user: str, words: str) -> None:
    with pytest.raises(PromptError) as caught:
        user_text(user)
    assert words in str(caught.value)
    assert str(caught.value).startswith("prompts/thing.j2: prompt thing: ")


# (inputs, the message after "prompt thing: ")
INPUTS = [
    pytest.param({}, "lacks code, note, count, deep, many, wide", id="all that are missing"),
    pytest.param({"code": "", "wide": True}, "lacks note, count, deep, many", id="some"),
]
TYPES = [
    pytest.param("code", None, "code is not text", id="null"),
    pytest.param("code", 1, "code is not text", id="number for text"),
    pytest.param("note", 1, "note is not text", id="number for text or null"),
    pytest.param("count", "1", "count is not number", id="text for number"),
    pytest.param("count", True, "count is not number", id="flag for number"),
    pytest.param("deep", [], "deep is not map", id="list for map"),
    pytest.param("many", {}, "many is not list", id="map for list"),
    pytest.param("many", "ab", "many is not list", id="text for list"),
    pytest.param("wide", 1, "wide is not flag", id="number for flag"),
]
ALL_HEAD = HEAD.replace("note: text?", "note: text?, count: number, deep: map, many: list, wide: flag")
ALL = {"code": "", "note": None, "count": 1.5, "deep": {}, "many": (), "wide": False}


@pytest.mark.parametrize(("inputs", "message"), INPUTS)
def test_every_missing_input_is_named(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(PromptError) as caught:
        template("x", head=ALL_HEAD).render(inputs)
    assert str(caught.value) == f"prompts/thing.j2: prompt thing: {message}"


def test_what_the_head_does_not_declare_is_not_passed_on() -> None:
    assert template("x", head=ALL_HEAD).render({**ALL, "more": 1}) == template("x", head=ALL_HEAD).render(ALL)


@pytest.mark.parametrize(("name", "value", "message"), TYPES)
def test_an_input_of_the_wrong_type_is_named(name: str, value: object, message: str) -> None:
    made = template("x", head=ALL_HEAD)
    assert made.render(ALL).messages[-1].text == "x"
    with pytest.raises(PromptError) as caught:
        made.render({**ALL, name: value})
    assert str(caught.value) == f"prompts/thing.j2: prompt thing: {message}"


# (the file, its message)
FILES = [
    pytest.param("", ":1: begins with a YAML head between two `---` lines", id="empty"),
    pytest.param(BODY, ":1: begins with a YAML head", id="no head"),
    pytest.param("---\nname: thing\n", ":1: begins with a YAML head", id="no end of the head"),
    pytest.param("---\nname: a: b\n---\n" + BODY, ":2: is not YAML", id="head is no yaml"),
    pytest.param(
        HEAD.replace("version: 1", "version: 1\nversion: 2") + BODY, ":4: version stands", id="twice"
    ),
    pytest.param(HEAD.replace("version: 1", "version: 0") + BODY, ":3: version: Input should", id="version"),
    pytest.param(HEAD.replace("name: thing", "name: A b") + BODY, ":2: name: String should", id="name"),
    pytest.param(HEAD.replace("text?}", "word}") + BODY, ":4: inputs.note: Input should be", id="input type"),
    pytest.param(HEAD.replace("options", "option") + BODY, ":5: option: Extra inputs", id="unknown key"),
    pytest.param(
        HEAD.replace("options:", "echoes: tea\noptions:") + BODY,
        ":5: echoes: Input should be a valid tuple",
        id="a word for a list",
    ),
    pytest.param(
        HEAD.replace("options:", "echoes: [tea, 3]\noptions:") + BODY,
        ":5: echoes.1: Input should be a valid string",
        id="a number among the echoes",
    ),
    pytest.param(
        "---\n- a\n---\n" + BODY, ":2: head: Input should be a valid dictionary", id="list for head"
    ),
    pytest.param(HEAD + "\n{% block user %}\n{{ code", ":9: unexpected end of template", id="jinja"),
    pytest.param(HEAD + BODY + "{{ code|nope }}", ":9: No filter named 'nope'", id="unknown filter"),
    pytest.param(
        HEAD + BODY + "{{ b }}{{ a }}{{ code }}",
        ": uses a, b, which `inputs` does not declare",
        id="undeclared",
    ),
    pytest.param(HEAD + "text", ": lacks the block system and user", id="no blocks"),
    pytest.param(HEAD + "{% block user %}{% endblock %}", ": lacks the block system", id="no system"),
    pytest.param(
        HEAD + "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", ": is nested too deeply", id="brackets"
    ),
    pytest.param(
        HEAD + "{% for x in [] %}" * 30 + "{% endfor %}" * 30, ": is nested too deeply", id="blocks"
    ),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_a_fault_of_the_file_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(PromptError) as caught:
        prompts.parse(text, PATH)
    assert str(caught.value).startswith(f"prompts/thing.j2{message}")


def test_the_fingerprint_changes_with_every_byte() -> None:
    texts = [
        HEAD + BODY,
        HEAD + BODY + " ",
        HEAD.replace("0", "1") + BODY,
        HEAD + BODY.replace("kind", "Kind"),
    ]
    fingerprints = [prompts.parse(text, PATH).fingerprint for text in texts]
    assert len(set(fingerprints)) == 4
    assert all(one.startswith("thing-") for one in fingerprints)
    assert prompts.parse(texts[0], Path("elsewhere.j2")).fingerprint == fingerprints[0]


def own(folder: Path, text: str, name: str = "docstrings") -> Path:
    path = folder / "prompts" / f"{name}.j2"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def test_the_projects_own_prompt_shadows_the_packaged_one(tmp_path: Path) -> None:
    inner, outer = tmp_path / "inner", tmp_path
    assert prompts.find("docstrings", [inner, outer]).path == packaged("prompts/docstrings.j2")
    outer_path = own(outer, HEAD + BODY)
    assert prompts.find("docstrings", [inner, outer]).path == outer_path
    inner_path = own(inner, HEAD + BODY)
    found = prompts.find("docstrings", [inner, outer])
    assert found.path == inner_path
    assert found.fingerprint != prompts.find("docstrings").fingerprint


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("# A prompt for another tool\n", "docstrings", id="without our head"),
        pytest.param(HEAD + BODY, "mine", id="named like none of ours"),
    ],
)
def test_other_peoples_prompts_are_none_of_ours(tmp_path: Path, text: str, name: str) -> None:
    own(tmp_path, text, name)
    assert prompts.find("docstrings", [tmp_path]).path == packaged("prompts/docstrings.j2")


def test_a_prompt_with_windows_line_ends_is_the_same(tmp_path: Path) -> None:
    path = own(tmp_path, (HEAD + BODY).replace("\n", "\r\n"))
    found = prompts.find("docstrings", [tmp_path])
    assert found.path == path
    assert found.fingerprint == prompts.parse(HEAD + BODY, path).fingerprint


def test_a_broken_own_prompt_is_an_error_not_a_silent_default(tmp_path: Path) -> None:
    path = own(tmp_path, HEAD + "{{ nope }}" + BODY)
    with pytest.raises(PromptError) as caught:
        prompts.find("docstrings", [tmp_path])
    assert str(caught.value) == f"{path}: uses nope, which `inputs` does not declare"
    path.write_bytes(b"---\n\xff")
    with pytest.raises(PromptError, match=r"docstrings\.j2:2: is not UTF-8"):
        prompts.find("docstrings", [tmp_path])


def test_an_unknown_prompt_names_those_there_are(tmp_path: Path) -> None:
    own(tmp_path, HEAD + BODY, "mine")
    with pytest.raises(PromptError, match=r"there is no prompt mine; there are .*docstrings"):
        prompts.find("mine", [tmp_path])


@pytest.mark.parametrize("path", sorted(packaged("prompts").glob("*.j2")), ids=lambda path: path.stem)
def test_every_packaged_prompt_is_right_and_named_like_its_file(path: Path) -> None:
    found = prompts.find(path.stem)
    assert found.head.name == path.stem
    assert found.path == path
