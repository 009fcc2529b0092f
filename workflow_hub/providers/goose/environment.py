"""What Goose sees of the world: a throw-away configuration, and an environment made from an allow-list."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from workflow_hub.errors import UsageError
from workflow_hub.providers.goose.work import Limits, Model

# What commands need to run at all; whatever else the user's environment holds stays with the user.
PASSED_ON = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ", "TERM", "USER", "LOGNAME")
KEY_NAME = "OPENAI_API_KEY"
LOOPBACK = "127.0.0.1,localhost,::1"
# Goose's own extensions: the model gets files and a shell, and nothing that adds more or asks on its own.
EXTENSIONS = {"developer": True} | dict.fromkeys(
    (
        "analyze",
        "apps",
        "chatrecall",
        "code_execution",
        "extensionmanager",
        "orchestrator",
        "skills",
        "summarize",
        "summon",
        "todo",
        "tom",
    ),
    False,
)
# Goose tries a failing model again by itself; a slow one is ended by the deadline, not by this.
READ_TIMEOUT_S = 86_400


@contextmanager
def throw_away() -> Iterator[Path]:
    """A folder for all that belongs to one run; gone afterwards."""
    prefix = "workflow-hub-goose-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        yield Path(name).resolve()


def furnish(root: Path, model: Model) -> None:
    """Goose finds its settings below `root`, and the model's key, if it needs one, in its file of secrets.

    There is room for its session store and its logs, which know the whole conversation, too.

    The key is not in the environment, which every command that Goose runs would inherit.
    """
    for folder in ("config", "home", "tmp"):
        (root / folder).mkdir(parents=True)
    extensions = {
        name: {"enabled": enabled, "type": "platform", "name": name, "description": name}
        for name, enabled in EXTENSIONS.items()
    }
    # JSON is YAML.
    (root / "config" / "config.yaml").write_text(json.dumps({"extensions": extensions}), "utf-8")
    if model.api_key:
        secrets = root / "config" / "secrets.yaml"
        secrets.touch(mode=0o600)
        secrets.write_text(json.dumps({KEY_NAME: model.api_key}), "utf-8")


def environment(
    root: Path,
    model: Model,
    limits: Limits,
    *,
    pass_on: Iterable[str] = (),
    env: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Goose's whole environment, `env` being the user's: PASSED_ON, `pass_on`, and Goose's own settings."""
    return {**of_commands(root, pass_on, env), **_settings(root, limits), **_model(model)}


def of_commands(root: Path, pass_on: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """What any command of a run sees: PASSED_ON, `pass_on`, an empty home and a place for temporary files."""
    kept = {name: env[name] for name in (*PASSED_ON, *pass_on) if name in env}
    return {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), **kept}


def _settings(root: Path, limits: Limits) -> dict[str, str]:
    # Goose reads booleans as `true`; a wrong GOOSE_MODE would silently be `auto`, which approves everything.
    return {
        "GOOSE_PATH_ROOT": str(root),
        "GOOSE_MODE": "approve",
        "GOOSE_MAX_TURNS": str(limits.turns),
        "GOOSE_DISABLE_SESSION_NAMING": "true",
        "GOOSE_TOOL_CALL_CUTOFF": "1000000",
        "GOOSE_TOOL_PAIR_SUMMARIZATION": "false",
        "GOOSE_DISABLE_KEYRING": "true",
        "GOOSE_TELEMETRY_OFF": "true",
        # Hint files of the folder are text that others wrote.
        "CONTEXT_FILE_NAMES": "[]",
    }


def _model(model: Model) -> dict[str, str]:
    address = urlsplit(model.base_url)
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise UsageError(f"Goose reaches a model over http or https, not at {model.base_url}")
    # The full path, not OPENAI_BASE_URL: with it some names of models would go to another API.
    said = {
        "GOOSE_PROVIDER": "openai",
        "GOOSE_MODEL": model.name,
        "OPENAI_HOST": f"{address.scheme}://{address.netloc}",
        "OPENAI_BASE_PATH": f"{address.path.strip('/')}/chat/completions".lstrip("/"),
        "OPENAI_TIMEOUT": str(READ_TIMEOUT_S),
        "NO_PROXY": LOOPBACK,
    }
    said |= {
        name: str(value)
        for name, value in (
            ("GOOSE_CONTEXT_LIMIT", model.context_tokens),
            ("GOOSE_TEMPERATURE", model.temperature),
            ("GOOSE_MAX_TOKENS", model.max_tokens),
        )
        if value is not None
    }
    return said
