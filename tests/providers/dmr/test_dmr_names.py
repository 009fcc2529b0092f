from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.providers.dmr.names import normal_name, same_model, short_name

HEX = "4b1c0a9d2e3f" + "0" * 52

NORMAL = [
    pytest.param("gemma3", "ai/gemma3:latest", id="bare"),
    pytest.param("MyModel:V1", "ai/mymodel:V1", id="the tag keeps its case"),
    pytest.param("myorg/model:", "myorg/model:latest", id="empty tag"),
    pytest.param("hf.co/Org/Model-GGUF:Q4_K_M", "huggingface.co/org/model-gguf:Q4_K_M", id="hf.co"),
    pytest.param("registry.example.com/m", "registry.example.com/m:latest", id="another registry"),
    pytest.param("localhost:5000/a/b", "localhost:5000/a/b:latest", id="a port is no tag"),
    pytest.param("docker.io/ai/smollm2:latest", "ai/smollm2:latest", id="as it is stored"),
    pytest.param("index.docker.io/ai/smollm2", "ai/smollm2:latest", id="the registry's other name"),
    pytest.param(" smollm2 ", "ai/smollm2:latest", id="spaces around"),
    pytest.param("4b1c0a9d2e3f", "4b1c0a9d2e3f", id="12 hex digits are an id and never get ai/"),
    pytest.param(f"sha256:{HEX}", f"sha256:{HEX}", id="digest"),
    pytest.param("", "", id="empty stays empty"),
]
SAME = [
    pytest.param("smollm2", "docker.io/ai/smollm2:latest", True, id="bare and stored"),
    pytest.param("ai/SmolLM2", "ai/smollm2:latest", True, id="upper case"),
    pytest.param("ai/qwen:Q4", "ai/qwen:q4", False, id="tags have case"),
    pytest.param("ai/qwen", "ai/qwen:0.5b", False, id="another tag"),
    pytest.param("4b1c0a9d2e3f", f"sha256:{HEX}", True, id="short id and digest"),
    pytest.param(HEX, f"sha256:{HEX}", True, id="digest without its prefix"),
    pytest.param(f"ai/smollm2@sha256:{HEX}", f"sha256:{HEX}", True, id="name at a digest"),
    pytest.param("4b1c0a9d2e3e", f"sha256:{HEX}", False, id="another id"),
    pytest.param("4b1c0a9d2e3f", "ai/smollm2", False, id="an id says nothing of names"),
]
SHORT = [
    pytest.param("docker.io/ai/smollm2:latest", "ai/smollm2", id="as it is stored"),
    pytest.param("docker.io/ai/qwen2.5-coder:0.5b", "ai/qwen2.5-coder:0.5b", id="the tag stays"),
    pytest.param("huggingface.co/org/m:Q4_K_M", "huggingface.co/org/m:Q4_K_M", id="another registry stays"),
    pytest.param("smollm2", "smollm2", id="nothing is added"),
    pytest.param(f"sha256:{HEX}", f"sha256:{HEX}", id="untagged"),
    pytest.param("docker.io/4b1c0a9d2e3f", "docker.io/4b1c0a9d2e3f", id="what would become an id stays"),
]
NAMES = st.from_regex(
    r"((index\.)?docker\.io/|hf\.co/|localhost:5000/)?([a-zA-Z0-9._-]{1,8}/)?[a-zA-Z0-9._-]{1,12}(:[\w.]{0,8})?",
    fullmatch=True,
) | st.text(max_size=20)


@pytest.mark.parametrize(("name", "normal"), NORMAL)
def test_a_name_is_read_as_the_server_reads_it(name: str, normal: str) -> None:
    assert normal_name(name) == normal


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_two_spellings_are_the_same_model(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same_model(other, one) is same


@pytest.mark.parametrize(("name", "short"), SHORT)
def test_a_name_prints_without_registry_and_latest(name: str, short: str) -> None:
    assert short_name(name) == short


@given(NAMES)
def test_a_printed_name_still_names_the_same_model(name: str) -> None:
    short = short_name(name)
    assert same_model(short, name)
    assert short_name(short) == short
    assert len(short) <= len(name)
