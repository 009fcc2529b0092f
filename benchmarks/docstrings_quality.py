"""Prints how good docstrings are: the hub's in three styles, a plain loop's, PyCodeCommenter's.

    python benchmarks/docstrings_quality.py                           both models, about an hour on two cores
    python benchmarks/docstrings_quality.py --models qwen2.5-coder-0.5b --functions 24 --beside 8

The functions are those of quality/raises.yaml, whose exceptions were told by reading; none of their
packages was looked at while the hub was written. The packages are downloaded, and never imported.
What is made is kept in `--work`, for a reader and for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quality import contenders, linted, packages
from quality.contenders import Engine, Made
from quality.environments import Unavailable, environment
from quality.figures import Tally, same_code, tally
from quality.labels import Label, read, sample
from quality.source import Function, alone
from quality.table import Column, markdown, rows

from workflow_hub.providers.embedded import CATALOGUE, EngineSettings, warm, weights
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import read_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols

HERE = Path(__file__).resolve().parent / "quality"
# The first are documented; the others only tell how well exceptions are found in code.
LABELS = ("raises.yaml", "raises_later.yaml")
MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
STYLES = ("google", "numpy", "sphinx")


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured on, and what with: `tree` holds the packages as they came."""

    work: Path
    tree: Path
    chosen: Mapping[Label, Function]
    pydoclint: Path

    @property
    def modules(self) -> dict[str, str]:
        names = {label.file for label in self.chosen}
        return {name: (self.tree / name).read_text(encoding="utf-8") for name in names}


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    # So that a stopped benchmark leaves no engine behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    every = [read(HERE / name) for name in LABELS]
    try:
        trees = [
            packages.unpacked(one.packages, options.work / f"packages-{n}") for n, one in enumerate(every)
        ]
        pydoclint = environment(options.work / "pydoclint", linted.REQUIREMENT)
    except Unavailable as error:
        print(f"{error}\nThis benchmark needs a package index.", file=sys.stderr)
        return 2
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {linted.REQUIREMENT}\n")
    for name, labels, tree in zip(LABELS, every, trees, strict=True):
        print(", ".join(f"{package} {version}" for package, version in labels.packages.items()))
        print(f"{name}: {_extracted(tree, labels.functions)}")
    tree, chosen = trees[0], sample(every[0], options.functions, options.after)
    bench = Bench(options.work, tree, packages.located(tree, chosen), pydoclint)
    for model in options.models:
        with _engine(model) as engine:
            print(f"\n{model}, {len(bench.chosen)} functions, the hub in three styles\n", flush=True)
            print(markdown(dict(_in_styles(bench, engine))), flush=True)
            if not options.beside:
                continue
            few = Bench(bench.work, tree, dict([*bench.chosen.items()][: options.beside]), pydoclint)
            print(f"\n{model}, {len(few.chosen)} functions, side by side\n", flush=True)
            print(markdown(dict(_beside(few, engine))), flush=True)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(CATALOGUE), metavar="NAME")
    parser.add_argument("--functions", type=int, default=150, help="how many the hub documents")
    parser.add_argument(
        "--after", type=int, default=0, help="how many of the list are passed over: once looked at"
    )
    parser.add_argument("--beside", type=int, default=40, help="how many of these the others document too")
    parser.add_argument("--work", type=Path, default=Path("quality-work"), metavar="FOLDER")
    options = parser.parse_args(arguments)
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    return options


def _extracted(tree: Path, labels: Sequence[Label]) -> str:
    """How well exceptions are found in the code: no model has a part in that."""
    index = PackageIndex(root=tree)
    total = Tally()
    for label in labels:
        every = symbols(read_source(tree / label.file))
        symbol = next(one for one in every if one.kind == "function" and one.line == label.line)
        found = facts_of(symbol, index, body_tokens=0).raises
        total += tally({one.name.rpartition(".")[2] for one in found}, label.raises)
    return (
        f"exceptions found in the code of {len(labels)} functions: precision {total.precision:.3f} "
        f"({total.wrong} wrong), recall {total.recall:.3f} ({total.missed} missed)"
    )


@contextmanager
def _engine(model: str) -> Iterator[Engine]:
    """A warm engine with the model, in a home of its own that the hub's command finds it through."""
    os.environ.pop(weights.VARIABLE, None)  # it would stand for every model
    path = weights.ensure(model)
    with tempfile.TemporaryDirectory() as home:
        kept = dict(os.environ)
        here = {name: f"{home}/{name}" for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME")}
        os.environ.update(here, HOME=home, DMR_DISCOVERY="127.0.0.1:9")
        os.environ[weights.VARIABLE] = str(path)
        try:
            started = warm.start(model, EngineSettings(), idle_s=0)
            try:
                yield Engine(started.url, started.key, model)
            finally:
                warm.stop()
        finally:
            os.environ.clear()
            os.environ.update(kept)


def _in_styles(bench: Bench, engine: Engine) -> Iterator[tuple[str, dict[str, str]]]:
    """A column for each style; the first asks the model, the others have its answers remembered.

    In the last one no calls are followed: pydoclint does not, either.
    """
    for style in STYLES:
        yield style, _by_hub(bench, engine, style, bench.work / engine.model / style)
    yield (
        "google, own raises",
        _by_hub(bench, engine, STYLES[0], bench.work / engine.model / "own", through=0),
    )


def _beside(bench: Bench, engine: Engine) -> Iterator[tuple[str, dict[str, str]]]:
    folder = bench.work / engine.model / "beside"
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache  # nothing is remembered
        yield "hub", _by_hub(bench, engine, "google", folder / "hub")
    yield "plain loop", _by_others(bench, contenders.loop(engine, bench.chosen), folder / "loop")
    try:
        programs = environment(bench.work / "pycodecommenter", contenders.REQUIREMENT)
    except Unavailable as error:
        print(f"PyCodeCommenter cannot be measured: {error}", file=sys.stderr)
        return
    made = contenders.pycodecommenter(engine, bench.chosen, folder / "asked", programs)
    yield "PyCodeCommenter", _by_others(bench, made, folder / "pycodecommenter")


def _by_hub(bench: Bench, engine: Engine, style: str, folder: Path, through: int = 1) -> dict[str, str]:
    shutil.rmtree(folder, ignore_errors=True)
    files = packages.copied(bench.tree, list(bench.chosen), folder / "packages")
    before = [path.read_text(encoding="utf-8") for path in files]
    made = contenders.hub(engine, bench.chosen, folder / "packages", files, style, through)
    after = [path.read_text(encoding="utf-8") for path in files]
    same = all(same_code(*pair) for pair in zip(before, after, strict=True))
    return _judged(bench, made, style, folder, same)


def _by_others(bench: Bench, made: Made, folder: Path) -> dict[str, str]:
    return _judged(bench, made, "google", folder, None)


def _judged(bench: Bench, made: Made, style: str, folder: Path, same: bool | None) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    documented = {label: text for label, text in made.docstrings.items() if text is not None}
    modules = {
        f"part_{number:03}.py": alone(bench.chosen[label], text)
        for number, (label, text) in enumerate(documented.items())
    }
    complaints = linted.hits(bench.pydoclint, modules, style, folder / "alone") if modules else Counter()
    column = Column(bench.chosen, bench.modules, made, complaints, same)
    figures = rows(column)
    kept = {
        "figures": figures,
        "pydoclint": complaints,
        "left out": made.left_out,
        "told by the code": made.derived,
        "docstrings": {f"{label.file}::{label.name}": text for label, text in made.docstrings.items()},
    }
    (folder / "made.json").write_text(json.dumps(kept, indent=2, ensure_ascii=False), encoding="utf-8")
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
