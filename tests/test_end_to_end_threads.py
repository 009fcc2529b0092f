"""Threads that parse at the same time do not disturb each other."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow_hub.source.files import parse_source
from workflow_hub.tasks.docstrings.slots import yielded

CODE = b"def f(a, b):\n    return [x for x in a if (x + 1) * 2 > b]\n\n\n" * 60


class Litter:
    """Something that the collector finds while a tree is built, and that lets another thread in."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        time.sleep(0)


@pytest.fixture
def _impatient() -> Iterator[None]:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_impatient")
def test_a_tree_is_built_while_another_thread_builds_one() -> None:
    over = threading.Event()
    kinds = set()

    def annotate() -> None:
        while not over.is_set():
            Litter()
            kinds.add(yielded("Iterator[tuple[int, dict[str, list[int]]]]"))

    other = threading.Thread(target=annotate)
    other.start()
    try:
        for _ in range(60):
            Litter()
            assert len(parse_source(Path("code.py"), CODE).tree.body) == 60
    finally:
        over.set()
        other.join()
    assert kinds == {"tuple[int, dict[str, list[int]]]"}
