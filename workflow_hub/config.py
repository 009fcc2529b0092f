"""Settings from defaults, files, environment and flags, each value with its origin.

Later layers win, leaf by leaf:

    defaults < user's file < project's pyproject.toml < project's workflow-hub.yaml < environment < flags

The project's files are those of the nearest folder, from the current one up to the root of the
git work tree, that has any.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workflow_hub.errors import ConfigError, UsageError
from workflow_hub.located import Key, Located, read_text, read_toml, read_yaml

FILE_NAME = "workflow-hub.yaml"
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
# YAML reads a bare `off` as false.
Level = Annotated[
    Literal["off", "info", "warning", "error"],
    BeforeValidator(lambda level: "off" if level is False else level),
]


class Section(BaseModel):
    """A part of the tree: unknown keys are errors, and nothing is changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Api(Section):
    """Where Docker Model Runner is, and how long to wait for it."""

    base_url: str | None = None
    key: str | None = None
    timeout: Seconds = 330.0
    discovery: tuple[str, ...] | None = None


class Embedded(Section):
    """The embedded llama.cpp: requests at a time, context of each in tokens, threads (null: cores)."""

    slots: Annotated[int, Field(ge=1, le=64)] = 4
    context_tokens: Annotated[int, Field(ge=512)] = 8192
    threads: Annotated[int, Field(ge=1)] | None = None


class Cache(Section):
    """Where accepted replies are kept; without `path`, in the user's cache folder."""

    enabled: bool = True
    path: Path | None = None


class Docstrings(Section):
    """What gets a docstring, and how it looks."""

    style: Literal["auto", "google", "numpy", "sphinx"] = "auto"
    kinds: tuple[Literal["functions", "classes", "modules"], ...] = ("functions",)
    exclude: tuple[str, ...] = ()
    width: Annotated[int, Field(ge=40, le=200)] = 88
    types: bool = False
    complete: bool = True
    raises_through: Annotated[int, Field(ge=0, le=10)] = 1
    samples: Annotated[int, Field(ge=1, le=9)] = 1
    examples: bool = False
    rules: Mapping[str, Level] = {}
    fail_under: Annotated[float, Field(ge=0, le=100)] | None = None
    max: Mapping[str, Annotated[int, Field(ge=0)]] = {}
    baseline: Path | None = None
    provenance: bool = True
    overloads: bool = False
    setters: bool = False
    overrides: bool = False
    dunders: bool = False
    private: bool = False
    nested: bool = False
    tests: bool = False
    stubs: bool = False


class Goose(Section):
    """How the agent works: variables that it sees besides the usual, its time and output, its walls."""

    pass_on: tuple[str, ...] = ()
    seconds: Seconds = 900.0
    output_bytes: Annotated[int, Field(ge=1)] = 16_000_000
    sandbox: Literal["auto", "off", "require"] = "auto"


class Routing(Section):
    """How prompts find who answers, besides the rules of routing.yaml."""

    ask_when_unsure: bool = False


class Settings(Section):
    """The whole tree."""

    api: Api = Api()
    embedded: Embedded = Embedded()
    cache: Cache = Cache()
    docstrings: Docstrings = Docstrings()
    goose: Goose = Goose()
    routing: Routing = Routing()


# Names that other tools know a setting by; every setting also has WORKFLOW_HUB_<SECTION>_<NAME>.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "api.base_url": ("DMR_BASE_URL",),
    "api.key": ("DMR_API_KEY",),
    "api.timeout": ("DMR_TIMEOUT",),
    "api.discovery": ("DMR_DISCOVERY",),
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force, and where each came from: a variable, `file:line`, a flag or `default`."""

    settings: Settings
    origins: Mapping[str, str]
    folder: Path

    def origin(self, key: str) -> str:
        """Where the setting came from; `default` for one that nobody set."""
        return self.origins.get(key, "default")

    def listed(self) -> Iterator[tuple[str, Any, str]]:
        """Every setting as (key, value, origin), in the order of the tree."""
        for key in _keys(Settings):
            section, name = key.split(".")
            yield key, getattr(getattr(self.settings, section), name), self.origin(key)


def load(
    folder: Path,
    *,
    env: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    file: Path | None = None,
    user_file: Path | None = None,
) -> Config:
    """The settings for a run in `folder`; `file` stands in for the project's own files.

    `flags` maps keys (`docstrings.style`) to what was typed; None means not typed. Raises
    ConfigError, with file and line, for a file that cannot be read, an unknown key, or a wrong value.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for located, prefix, from_project in _files(folder, file, user_file):
        for key, value in _leaves(located, prefix):
            name = ".".join(map(str, key[len(prefix) :]))
            line = located.line(key)
            if from_project and not trusted(env):
                _refuse_foreign(name, value, located.path, line)
            values[name] = value
            origins[name] = f"{located.path}:{line}" if line else str(located.path)
    for name, variable in _variables(env):
        values[name] = _from_text(name, env[variable])
        origins[name] = f"environment variable {variable}"
    for name, value in (flags or {}).items():
        if value is not None and value != ():
            values[name] = value
            origins[name] = "command line"
    return Config(_checked(values, origins), origins, folder.absolute())


def user_file() -> Path:
    """The user's own file, which need not exist."""
    import platformdirs

    return platformdirs.user_config_path("workflow-hub") / FILE_NAME


def project_folders(folder: Path) -> Iterator[Path]:
    """`folder` and its parents, up to the root of the git work tree, or `folder` alone outside one."""
    root = project_root(folder)
    chain = [folder.absolute(), *folder.absolute().parents]
    return iter(chain[: chain.index(root) + 1])


def project_root(folder: Path) -> Path:
    """The root of the git work tree around `folder`, or `folder` itself outside one."""
    folder = folder.absolute()
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _files(folder: Path, file: Path | None, user_file: Path | None) -> Iterator[tuple[Located, Key, bool]]:
    if user_file is not None and user_file.is_file():
        yield read_yaml(read_text(user_file), user_file), (), False
    if file is not None:
        if (chosen := _read(file)) is None:
            raise ConfigError("has no table [tool.workflow-hub]", path=file)
        yield (*chosen, False)
        return
    for place in project_folders(folder):
        paths = [path for name in ("pyproject.toml", FILE_NAME) if (path := place / name).is_file()]
        if found := [one for one in map(_read, paths) if one is not None]:
            yield from ((located, prefix, True) for located, prefix in found)
            return


def _read(path: Path) -> tuple[Located, Key] | None:
    """The file, and where our settings begin in it; None where a pyproject.toml has none."""
    if path.suffix != ".toml":
        return read_yaml(read_text(path), path), ()
    located = read_toml(read_text(path), path)
    tool = located.value.get("tool")
    if not isinstance(tool, dict) or "workflow-hub" not in tool:
        return None
    lines = dict(located.lines) | {("tool", "workflow-hub"): located.line(("tool", "workflow-hub")) or 1}
    return Located(located.value, lines, path), ("tool", "workflow-hub")


def _leaves(located: Located, prefix: Key) -> Iterator[tuple[Key, Any]]:
    tree = located.value
    for part in prefix:
        tree = tree[part]
    if not isinstance(tree, dict):
        raise ConfigError("settings are sections with keys, such as `docstrings:`", path=located.path)
    for section, content in tree.items():
        line = located.line((*prefix, section))
        if section not in Settings.model_fields:
            sections = {known: known for known in Settings.model_fields}
            raise ConfigError(_unknown(section, section, sections), path=located.path, line=line)
        if isinstance(content, dict):
            yield from (((*prefix, section, name), value) for name, value in content.items())
        elif content is not None:
            raise ConfigError(f"{section} is a section with keys", path=located.path, line=line)


def trusted(env: Mapping[str, str]) -> bool:
    """Whether the user trusts what a project's own files say."""
    return env.get("WORKFLOW_HUB_TRUST") == "1"


def _refuse_foreign(name: str, value: Any, path: Path, line: int | None) -> None:
    """A project's file must not send a reader's code away, run its own, or open what the reader has shut."""
    if name == "docstrings.examples" and value:
        raise ConfigError(
            "docstrings.examples runs the project's code, and a project's file may not ask for that. Use "
            "--examples, or set WORKFLOW_HUB_TRUST=1",
            path=path,
            line=line,
        )
    urls = {"api.base_url": (value,), "api.discovery": value}.get(name, ())
    for url in urls if isinstance(urls, list | tuple) else ():
        if isinstance(url, str) and not near(url):
            raise ConfigError(
                f"{name} names {url}, which is neither on this machine nor in a private network; a "
                "project's file may not do that. Set DMR_BASE_URL yourself, or WORKFLOW_HUB_TRUST=1",
                path=path,
                line=line,
            )
    if (name == "goose.pass_on" and value) or (name == "goose.sandbox" and value != "require"):
        raise ConfigError(
            f"{name} gives an agent more than it has by default; a project's file may not do that. Set "
            f"WORKFLOW_HUB_{name.replace('.', '_').upper()} yourself, or WORKFLOW_HUB_TRUST=1",
            path=path,
            line=line,
        )


def near(url: str) -> bool:
    """Whether `url` stays on this machine, in a private network, or inside Docker."""
    if url.startswith("unix://"):
        return True
    try:
        host = urlsplit(url if "://" in url else f"//{url}").hostname or ""
        if host in {"localhost", ""} or host.endswith((".localhost", ".docker.internal")):
            return True
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private


def _keys(model: type[BaseModel]) -> Iterator[str]:
    for section, field in model.model_fields.items():
        assert isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        yield from (f"{section}.{name}" for name in field.annotation.model_fields)


def _variables(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(key, variable) for each setting that the environment names; an empty variable counts as unset."""
    for key in _keys(Settings):
        for variable in (f"WORKFLOW_HUB_{key.replace('.', '_').upper()}", *ALIASES.get(key, ())):
            if env.get(variable, "").strip():
                yield key, variable


def _from_text(key: str, text: str) -> Any:
    section, name = key.split(".")
    annotation = Settings.model_fields[section].annotation
    assert isinstance(annotation, type) and issubclass(annotation, BaseModel)
    field = annotation.model_fields[name]
    kinds = (field.annotation, *getattr(field.annotation, "__args__", ()))
    if any(get_origin(kind) is tuple for kind in kinds):
        return [part.strip() for part in text.split(",") if part.strip()]
    if get_origin(field.annotation) is Mapping:
        pairs = (part.partition("=") for part in text.split(",") if part.strip())
        return {name.strip(): value.strip() for name, _, value in pairs}
    return text.strip()


def _checked(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    tree: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        tree.setdefault(section, {})[name] = value
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise _as_config_error(error, origins) from error


def _as_config_error(error: ValidationError, origins: Mapping[str, str]) -> ConfigError:
    fault = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in fault["loc"][:2])
    if fault["type"] == "extra_forbidden":
        section, _, name = key.partition(".")
        same_name = [known for known in _keys(Settings) if known.endswith(f".{name}")]
        siblings = [known for known in _keys(Settings) if known.startswith(f"{section}.")]
        meant = {known.partition(".")[2]: known for known in (*same_name, *siblings)}
        return ConfigError(f"{origins[key]}: {_unknown(key, name, meant)}")
    given = "***" if key == "api.key" else repr(fault["input"])
    return ConfigError(f"{origins[key]}: {key}: {fault['msg'][0].lower()}{fault['msg'][1:]}, not {given}")


def _unknown(key: str, name: str, known: Mapping[str, str]) -> str:
    """That `key` is unknown; `known` are the settings that `name` may be a slip of, by their names."""
    from difflib import get_close_matches

    near_by = get_close_matches(name, known, n=1)
    hint = f"did you mean {known[near_by[0]]}?" if near_by else "see docs/configuration.md"
    return f"unknown setting {key}; {hint}"


def current_config(flags: Mapping[str, Any] | None = None, *, file: Path | None = None) -> Config:
    """The settings of this process: its folder, its environment, its user."""
    try:
        folder = Path.cwd()
    except OSError as error:
        raise UsageError("the current folder is not there any more; `cd` to one that is") from error
    return load(folder, env=os.environ, flags=flags, file=file, user_file=user_file())
