from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.config import ALIASES, Config, current_config, load, near, project_folders, user_file
from workflow_hub.errors import ConfigError, UsageError

STYLE = "docstrings.style"


def files(folder: Path, **contents: str) -> None:
    names = {"toml": "pyproject.toml", "yaml": "workflow-hub.yaml"}
    for name, text in contents.items():
        (folder / names[name]).write_text(text, "utf-8")


# What stands in the files and is typed, weakest layer first; the style in force; its origin.
LAYERS: list[Any] = [
    pytest.param({}, "auto", "default", id="default"),
    pytest.param({"user"}, "numpy", "{user}:2", id="user's file"),
    pytest.param({"user", "toml"}, "google", "{folder}/pyproject.toml:2", id="pyproject.toml"),
    pytest.param({"user", "toml", "yaml"}, "sphinx", "{folder}/workflow-hub.yaml:3", id="workflow-hub.yaml"),
    pytest.param(
        {"user", "toml", "yaml", "env"},
        "numpy",
        "environment variable WORKFLOW_HUB_DOCSTRINGS_STYLE",
        id="environment",
    ),
    pytest.param({"user", "toml", "yaml", "env", "flag"}, "google", "command line", id="flag"),
    pytest.param({"user", "yaml"}, "sphinx", "{folder}/workflow-hub.yaml:3", id="layers may be left out"),
]


@pytest.mark.parametrize(("layers", "style", "origin"), LAYERS)
def test_the_later_layer_wins(tmp_path: Path, layers: set[str], style: str, origin: str) -> None:
    user = tmp_path / "user.yaml"
    folder = tmp_path / "project"
    folder.mkdir()
    if "user" in layers:
        user.write_text("docstrings:\n  style: numpy\n")
    if "toml" in layers:
        files(folder, toml='[tool.workflow-hub.docstrings]\nstyle = "google"\n')
    if "yaml" in layers:
        files(folder, yaml="# ours\ndocstrings:\n  style: sphinx\n")
    env = {"WORKFLOW_HUB_DOCSTRINGS_STYLE": "numpy"} if "env" in layers else {}
    flags = {STYLE: "google"} if "flag" in layers else {STYLE: None, "docstrings.kinds": ()}
    found = load(folder, env=env, flags=flags, user_file=user)
    assert found.settings.docstrings.style == style
    assert found.origin(STYLE) == origin.format(user=user, folder=folder)


def test_layers_are_merged_leaf_by_leaf(tmp_path: Path) -> None:
    files(tmp_path, toml="[tool.workflow-hub.docstrings]\nwidth = 100\n", yaml="docstrings: {style: numpy}\n")
    found = load(tmp_path, env={"WORKFLOW_HUB_DOCSTRINGS_TYPES": "true"})
    assert (found.settings.docstrings.width, found.settings.docstrings.style) == (100, "numpy")
    assert found.settings.docstrings.types is True


def test_every_setting_is_listed_with_value_and_origin(tmp_path: Path) -> None:
    files(tmp_path, yaml="cache: {enabled: false}\n")
    listed = list(load(tmp_path, env={}).listed())
    assert ("cache.enabled", False, f"{tmp_path}/workflow-hub.yaml:1") in listed
    assert ("api.timeout", 330.0, "default") in listed
    assert len({key for key, _, _ in listed}) == len(listed)


NAMES = {
    "api.base_url": ("http://localhost:1", "http://localhost:1"),
    "api.key": (" secret ", "secret"),
    "api.timeout": ("2.5", 2.5),
    "api.discovery": ("a:1, b:2,", ("a:1", "b:2")),
    "embedded.slots": ("2", 2),
    "embedded.context_tokens": ("1024", 1024),
    "embedded.threads": ("3", 3),
    "cache.enabled": ("off", False),
    "cache.path": ("/x/y", Path("/x/y")),
    STYLE: ("numpy", "numpy"),
    "docstrings.kinds": ("functions,classes", ("functions", "classes")),
    "docstrings.exclude": ("a*,b", ("a*", "b")),
    "docstrings.width": ("72", 72),
    "docstrings.complete": ("0", False),
    "goose.pass_on": ("VIRTUAL_ENV, CARGO_HOME", ("VIRTUAL_ENV", "CARGO_HOME")),
    "goose.seconds": ("60", 60.0),
    "goose.output_bytes": ("1000", 1000),
    "goose.sandbox": ("require", "require"),
    "routing.ask_when_unsure": ("yes", True),
    "docstrings.raises_through": ("2", 2),
    "docstrings.samples": ("3", 3),
    "docstrings.fail_under": ("87.5", 87.5),
    "docstrings.max": ("a=1, b = 2", {"a": 1, "b": 2}),
    "docstrings.baseline": ("debt.json", Path("debt.json")),
    "docstrings.rules": ("param-order = off,a=error", {"param-order": "off", "a": "error"}),
    "docstrings.provenance": ("no", False),
    **{
        f"docstrings.{name}": ("yes", True)
        for name in "types examples overloads setters overrides dunders private nested tests stubs".split()
    },
}


def test_the_table_of_names_is_complete(tmp_path: Path) -> None:
    assert {key for key, _, _ in load(tmp_path, env={}).listed()} == NAMES.keys()


@pytest.mark.parametrize("key", NAMES)
def test_every_setting_has_variables(tmp_path: Path, key: str) -> None:
    text, value = NAMES[key]
    section, name = key.split(".")
    for variable in (f"WORKFLOW_HUB_{key.replace('.', '_').upper()}", *ALIASES.get(key, ())):
        found = load(tmp_path, env={variable: text})
        assert getattr(getattr(found.settings, section), name) == value
        assert found.origin(key) == f"environment variable {variable}"


@pytest.mark.parametrize("text", ["", "  "], ids=["empty", "blank"])
def test_an_empty_variable_is_unset(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, env={"DMR_BASE_URL": text}).origin("api.base_url") == "default"


def test_nobody_may_be_discovered(tmp_path: Path) -> None:
    assert load(tmp_path, env={"DMR_DISCOVERY": ","}).settings.api.discovery == ()


# (file, its text, the message after the folder)
FAULTS = [
    pytest.param(
        "yaml",
        "docstrings:\n  stile: google\n",
        "workflow-hub.yaml:2: unknown setting docstrings.stile; did you mean docstrings.style?",
        id="unknown key",
    ),
    pytest.param(
        "yaml",
        "docstrings: {zzz: 1}\n",
        "workflow-hub.yaml:1: unknown setting docstrings.zzz; see docs/configuration.md",
        id="nothing like it",
    ),
    pytest.param(
        "yaml",
        "api: {}\ndocstring:\n  style: google\n",
        "workflow-hub.yaml:2: unknown setting docstring; did you mean docstrings?",
        id="unknown section",
    ),
    pytest.param(
        "yaml", "else:\n", "workflow-hub.yaml:1: unknown setting else; see", id="empty unknown section"
    ),
    pytest.param(
        "yaml",
        "docstrings.style: google\n",
        "workflow-hub.yaml:1: unknown setting docstrings.style; did you mean docstrings?",
        id="dotted key",
    ),
    pytest.param(
        "yaml",
        "docstrings: {timeout: 1}\n",
        "workflow-hub.yaml:1: unknown setting docstrings.timeout; did you mean api.timeout?",
        id="known elsewhere",
    ),
    pytest.param(
        "yaml",
        "docstrings: {a.b: 1}\n",
        "workflow-hub.yaml:1: unknown setting docstrings.a.b",
        id="dotted key below",
    ),
    pytest.param(
        "yaml",
        "\ndocstrings: google\n",
        "workflow-hub.yaml:2: docstrings is a section with keys",
        id="scalar for a section",
    ),
    pytest.param(
        "yaml", "- a\n", "workflow-hub.yaml: settings are sections with keys, such as", id="list for the tree"
    ),
    pytest.param(
        "yaml",
        "api:\n  key: k\n  timeout: -1\n",
        "workflow-hub.yaml:3: api.timeout: input should be greater than 0, not -1",
        id="out of range",
    ),
    pytest.param(
        "yaml",
        "api:\n  key: 271828\n",
        "workflow-hub.yaml:2: api.key: input should be a valid string, not ***",
        id="a key that is a number",
    ),
    pytest.param(
        "toml",
        '[tool.workflow-hub]\napi.key = ["271828"]\n',
        "pyproject.toml:2: api.key: input should be a valid string, not ***",
        id="a key in a list",
    ),
    pytest.param("yaml", "api: {timeout: .inf}\n", "workflow-hub.yaml:1: api.timeout: input", id="for ever"),
    pytest.param(
        "yaml",
        "docstrings:\n  kinds:\n    - functions\n    - lambdas\n",
        "workflow-hub.yaml:2: docstrings.kinds: input should be 'functions', 'classes' or 'modules', not",
        id="wrong word in a list",
    ),
    pytest.param(
        "toml",
        '[project]\nname = "x"\n\n[tool.workflow-hub.docstrings]\nstile = "x"\n',
        "pyproject.toml:5: unknown setting docstrings.stile",
        id="toml unknown key",
    ),
    pytest.param(
        "toml",
        "[tool.workflow-hub]\ncache = 3\n",
        "pyproject.toml:2: cache is a section with keys",
        id="toml scalar for a section",
    ),
    pytest.param(
        "toml",
        "[tool]\nworkflow-hub = 3\n",
        "pyproject.toml: settings are sections",
        id="toml scalar for all",
    ),
    pytest.param("toml", "x = = 1\n", "pyproject.toml:1: is not TOML", id="not toml"),
    pytest.param("yaml", "a: b: c", "workflow-hub.yaml:1: is not YAML", id="not yaml"),
]


@pytest.mark.parametrize(("file", "text", "message"), FAULTS)
def test_a_fault_is_named_with_file_and_line(tmp_path: Path, file: str, text: str, message: str) -> None:
    files(tmp_path, **{file: text})
    # A stronger layer for a part of the broken section must not hide or change the message.
    env = {"WORKFLOW_HUB_DOCSTRINGS_WIDTH": "99"}
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, env=env)
    assert str(caught.value).startswith(f"{tmp_path}/{message}")
    assert "271828" not in str(caught.value), "the key of a server"


@pytest.mark.parametrize(
    ("env", "flags", "message"),
    [
        pytest.param(
            {"WORKFLOW_HUB_DOCSTRINGS_WIDTH": "wide"},
            {},
            "environment variable WORKFLOW_HUB_DOCSTRINGS_WIDTH: docstrings.width: input should be a valid "
            "integer, unable to parse string as an integer, not 'wide'",
            id="variable",
        ),
        pytest.param(
            {"DMR_TIMEOUT": "0"},
            {},
            "environment variable DMR_TIMEOUT: api.timeout: input should be greater than 0, not '0'",
            id="alias",
        ),
        pytest.param(
            {}, {"docstrings.kinds": ["x"]}, "command line: docstrings.kinds: input should be", id="flag"
        ),
    ],
)
def test_a_fault_in_no_file_names_what_was_set(
    tmp_path: Path, env: Mapping[str, str], flags: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, env=env, flags=flags)
    assert str(caught.value).startswith(message)


FAR = "http://models.example.com/v1"


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        pytest.param("yaml", f"api:\n  base_url: {FAR}\n", 2, id="base_url"),
        pytest.param("yaml", f"api:\n  discovery: ['localhost:1', '{FAR}']\n", 2, id="discovery"),
        pytest.param("toml", f'[tool.workflow-hub]\napi.base_url = "{FAR}"\n', 2, id="toml"),
    ],
)
def test_a_projects_file_names_no_foreign_host(tmp_path: Path, file: str, text: str, line: int) -> None:
    files(tmp_path, **{file: text})
    with pytest.raises(ConfigError, match=rf":{line}: api.* names {FAR}, .*Set DMR_BASE_URL"):
        load(tmp_path, env={})
    assert FAR in str(load(tmp_path, env={"WORKFLOW_HUB_TRUST": "1"}).settings.api)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        pytest.param("pass_on: [TOKEN]", "goose.pass_on", id="variables"),
        pytest.param("pass_on: []", None, id="none of them"),
        pytest.param('sandbox: "off"', "goose.sandbox", id="no walls"),
        pytest.param("sandbox: auto", "goose.sandbox", id="what takes back the user's own `require`"),
        pytest.param("sandbox: require", None, id="walls"),
        pytest.param("seconds: 60", None, id="less time"),
    ],
)
def test_a_projects_file_gives_an_agent_no_more(tmp_path: Path, text: str, refused: str | None) -> None:
    files(tmp_path, yaml=f"goose:\n  {text}\n")
    if refused is None:
        load(tmp_path, env={})
        return
    variable = f"WORKFLOW_HUB_{refused.replace('.', '_').upper()}"
    with pytest.raises(ConfigError, match=rf":2: {refused} gives an agent more .*Set {variable} yourself"):
        load(tmp_path, env={})
    load(tmp_path, env={"WORKFLOW_HUB_TRUST": "1"})


def test_the_user_may_name_any_host(tmp_path: Path) -> None:
    user, chosen = tmp_path / "user.yaml", tmp_path / "chosen.yaml"
    for path in (user, chosen):
        path.write_text(f"api: {{base_url: '{FAR}'}}\n")
    folder = tmp_path / "project"
    folder.mkdir()
    for found in (
        load(folder, env={}, user_file=user),
        load(folder, env={}, file=chosen),
        load(folder, env={"DMR_BASE_URL": FAR}),
        load(folder, env={}, flags={"api.base_url": FAR}),
    ):
        assert found.settings.api.base_url == FAR


NEAR = [
    "localhost:12434",
    "http://LOCALHOST/v1",
    "http://me.localhost",
    "http://127.0.0.2:1",
    "http://[::1]:12434",
    "http://[::ffff:127.0.0.1]",
    "10.1.2.3",
    "http://192.168.0.4:1",
    "http://172.17.0.1:12434",
    "http://[fd00::1]",
    "http://model-runner.docker.internal",
    "unix:///run/model.sock",
]
NOT_NEAR = [
    FAR,
    "example.com:80",
    "8.8.8.8",
    "http://[2a00::1]",
    "http://[::ffff:8.8.8.8]",
    "http://localhost@example.com",
    "http://localhost.example.com",
    "http://docker.internal.example.com",
    "http://xdocker.internal",
    "http://[::1",
    "unix:80",
]


@pytest.mark.parametrize("url", NEAR)
def test_these_stay_here(url: str) -> None:
    assert near(url)


@pytest.mark.parametrize("url", NOT_NEAR)
def test_these_do_not(url: str) -> None:
    assert not near(url)


@given(st.text(max_size=30) | st.text("[]:/@.%#?1a\\", max_size=20))
def test_near_takes_any_text(url: str) -> None:
    assert near(url) in {True, False}


def test_the_nearest_folder_with_settings_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    files(tmp_path, yaml="docstrings: {style: numpy}\n")
    assert load(inner, env={}).settings.docstrings.style == "auto", "outside of git only the folder counts"
    (tmp_path / ".git").mkdir()
    assert load(inner, env={}).settings.docstrings.style == "numpy"
    files(tmp_path / "a", toml='[project]\nname = "no table of ours"\n')
    assert load(inner, env={}).settings.docstrings.style == "numpy"
    files(tmp_path / "a", toml="[tool.workflow-hub.docstrings]\nwidth = 99\n")
    found = load(inner, env={}).settings.docstrings
    assert (found.width, found.style) == (99, "auto"), "one folder's files, not a mixture"
    assert list(project_folders(inner)) == [inner, tmp_path / "a", tmp_path]


def test_nothing_above_the_work_tree_counts(tmp_path: Path) -> None:
    inner = tmp_path / "repo"
    (inner / ".git").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    files(tmp_path, yaml="docstrings: {style: numpy}\n")
    assert load(inner, env={}).settings.docstrings.style == "auto"


def test_a_chosen_file_stands_in_for_the_projects(tmp_path: Path) -> None:
    files(tmp_path, yaml="docstrings: {style: numpy, width: 99}\n")
    chosen = tmp_path / "other.toml"
    chosen.write_text('[tool.workflow-hub.docstrings]\nstyle = "sphinx"\n')
    found = load(tmp_path, env={}, file=chosen).settings.docstrings
    assert (found.style, found.width) == ("sphinx", 88)


def test_a_chosen_file_must_be_ours(tmp_path: Path) -> None:
    chosen = tmp_path / "pyproject.toml"
    chosen.write_text("[project]\n")
    with pytest.raises(ConfigError, match=r"pyproject\.toml: has no table \[tool\.workflow-hub\]"):
        load(tmp_path, env={}, file=chosen)
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read: No such file"):
        load(tmp_path, env={}, file=tmp_path / "no.yaml")


def test_this_process(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user_file().parent.mkdir(parents=True)
    user_file().write_text("docstrings: {width: 77}\n")
    monkeypatch.setenv("WORKFLOW_HUB_DOCSTRINGS_STYLE", "numpy")
    found = current_config({"cache.enabled": False})
    assert isinstance(found, Config)
    assert (found.settings.docstrings.width, found.settings.docstrings.style) == (77, "numpy")
    assert found.settings.cache.enabled is False
    assert found.folder == project
    assert found.origin("docstrings.width") == f"{user_file()}:1"


def test_a_folder_that_is_gone(project: Path) -> None:
    project.rmdir()
    with pytest.raises(UsageError, match="the current folder is not there any more"):
        current_config()


def test_an_empty_section_says_nothing(tmp_path: Path) -> None:
    files(tmp_path, yaml="docstrings:\napi: {}\n")
    assert load(tmp_path, env={}).settings == load(tmp_path / "nowhere", env={}).settings


def test_a_relative_folder_is_made_absolute(project: Path) -> None:
    assert load(Path(), env={}).folder == project
