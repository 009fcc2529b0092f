from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import ConfigError
from workflow_hub.providers.dmr.address import Address, candidates, inside_container, split

GOOD = [
    pytest.param("http://localhost:12434", "http://localhost:12434", "/engines/v1", id="root"),
    pytest.param("http://localhost:12434/", "http://localhost:12434", "/engines/v1", id="slash"),
    pytest.param("localhost:12434", "http://localhost:12434", "/engines/v1", id="no scheme"),
    pytest.param("http://h/engines/v1", "http://h", "/engines/v1", id="as launch writes it"),
    pytest.param("http://h/engines/v1/", "http://h", "/engines/v1", id="as Compose writes it"),
    pytest.param("http://h/v1/", "http://h", "/v1", id="as status writes it"),
    pytest.param("http://h/engines/llama.cpp/v1", "http://h", "/engines/llama.cpp/v1", id="an engine"),
    pytest.param("http://h/engines/llama.cpp", "http://h", "/engines/llama.cpp/v1", id="an engine, cut"),
    pytest.param("http://h/engines/", "http://h", "/engines/v1", id="engines, cut"),
    pytest.param("http://h/engines/v1/chat/completions", "http://h", "/engines/v1", id="an endpoint"),
    pytest.param("http://h/exp/vDD4.40", "http://h/exp/vDD4.40", "/engines/v1", id="a prefix"),
    pytest.param("https://h:8443/a/v1", "https://h:8443/a", "/v1", id="a prefix and a path"),
    pytest.param("http://[::1]:12434", "http://[::1]:12434", "/engines/v1", id="IPv6"),
    pytest.param("unix:///run/dmr.sock", "http://localhost", "/engines/v1", id="socket"),
    pytest.param("unix:///run/model-runner", "http://localhost", "/engines/v1", id="socket of any name"),
    pytest.param("unix:///run/model-runner/v1", "http://localhost", "/v1", id="socket of any name, path"),
    pytest.param("unix:///run/d.sock/v1", "http://localhost", "/v1", id="socket and path"),
    pytest.param(
        "unix:///run/docker.sock/exp/vDD4.40",
        "http://localhost/exp/vDD4.40",
        "/engines/v1",
        id="Docker Desktop's socket and prefix",
    ),
]
BAD = [
    pytest.param("", id="empty"),
    pytest.param("ftp://h", id="another scheme"),
    pytest.param("http://", id="no host"),
    pytest.param("http://h:port", id="no number"),
    pytest.param("http://h:99999", id="port too large"),
    pytest.param("http://h:0", id="port 0"),
    pytest.param("http://h/?a=1", id="query"),
    pytest.param("http://h#a", id="fragment"),
    pytest.param("http://h h", id="space"),
    pytest.param("http://[::1", id="half an address"),
    pytest.param("unix://relative.sock", id="relative socket"),
    pytest.param("unix:///v1", id="no socket"),
]
URL = "http://one:1"
ORDER = [
    pytest.param("http://base:1", {"DMR_BASE_URL": URL}, "http://base:1", "base_url", id="explicit first"),
    pytest.param(None, {"DMR_BASE_URL": URL, "MODEL_RUNNER_HOST": "h"}, URL, "DMR_BASE_URL", id="ours"),
    pytest.param(
        None,
        {"MODEL_RUNNER_HOST": "h:1", "A_URL": "http://c/engines/v1/", "A_MODEL": "m"},
        "http://h:1",
        "MODEL_RUNNER_HOST",
        id="the official CLI's, without a scheme",
    ),
    pytest.param(
        None,
        {"LLM_URL": "http://c/engines/v1/", "LLM_MODEL": "ai/x"},
        "http://c/engines/v1",
        "LLM_URL",
        id="Compose's",
    ),
    pytest.param(
        None, {"LLM_URL": "http://c/engines/v1/"}, "http://localhost:12434", "discovery", id="URL alone"
    ),
    pytest.param(
        None,
        {"DB_URL": "http://db/", "DB_MODEL": "x"},
        "http://localhost:12434",
        "discovery",
        id="no model runner's",
    ),
    pytest.param(None, {"DMR_BASE_URL": " "}, "http://localhost:12434", "discovery", id="blank is unset"),
]


@pytest.mark.parametrize(("url", "root", "path"), GOOD)
def test_an_address_is_taken_in_every_spelling(url: str, root: str, path: str) -> None:
    address = split(url)
    assert (address.root, address.path, address.url) == (root, path, root + path)


@pytest.mark.parametrize("url", BAD)
def test_a_wrong_address_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^DMR_BASE_URL "):
        split(url, "DMR_BASE_URL")


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="DMR_API_KEY") as caught:
        split("http://me:secret@h")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("base_url", "env", "shown", "origin"), ORDER)
def test_the_first_setting_alone_counts(
    base_url: str | None, env: dict[str, str], shown: str, origin: str
) -> None:
    found = candidates(env, base_url=base_url)
    assert [(address.shown, address.origin) for address in found] == [(shown, origin)]


def test_compose_may_name_several_runners_and_repeats_one() -> None:
    env = {"A_URL": "http://a/engines/v1/", "A_MODEL": "x", "B_URL": "http://a/engines/v1", "B_MODEL": "y"}
    env |= {"C_URL": "http://c/engines/v1/", "C_MODEL": "z"}
    assert [address.origin for address in candidates(env)] == ["A_URL", "C_URL"]


def test_discovery_goes_further_inside_a_container() -> None:
    assert [address.shown for address in candidates({}, in_container=True)] == [
        "http://localhost:12434",
        "http://model-runner.docker.internal",
        "http://172.17.0.1:12434",
    ]


def test_a_list_for_discovery_is_the_whole_list() -> None:
    found = candidates({}, ["localhost:1", "unix:///x.sock"], in_container=True)
    assert [address.shown for address in found] == ["http://localhost:1", "unix:///x.sock"]


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1", True),
        ("http://127.0.0.3", True),
        ("http://[::1]", True),
        ("unix:///x.sock", True),
        ("http://172.17.0.1", False),
        ("http://model-runner.docker.internal", False),
    ],
)
def test_loopback_and_sockets_are_local(url: str, local: bool) -> None:
    assert split(url).local is local


def test_a_container_is_known_by_its_marker(tmp_path: Path) -> None:
    marker = tmp_path / ".dockerenv"
    assert not inside_container([str(marker)])
    marker.touch()
    assert inside_container([str(marker)])


@given(
    st.sampled_from(["http://h", "https://h:1/a", "unix:///x.sock", "h:1"]),
    st.sampled_from(["", "/engines/v1", "/engines/llama.cpp/v1", "/v1", "/engines"]),
    st.sampled_from(["", "/", "//"]),
)
def test_what_is_shown_means_the_same_address(root: str, path: str, slash: str) -> None:
    address = split(root + path + slash)
    assert split(address.shown) == address
    assert address.path.endswith("/v1")


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_a_clear_error(text: str) -> None:
    try:
        address = split(text, "X")
    except ConfigError as error:
        assert str(error).startswith("X ")
    else:
        assert isinstance(address, Address)
