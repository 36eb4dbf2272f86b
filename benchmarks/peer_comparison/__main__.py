"""Command line of the comparison with Delphi."""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import benchmarks.peer_comparison as package
from benchmarks.as_json import save_tables
from benchmarks.peer_comparison.inputs import whole_batches
from benchmarks.peer_comparison.install import install
from inspect_autointerp.builtin import demo
from inspect_autointerp.errors import UserError

PARTS = ("cache", "contexts", "grader", "correctness")
TOKENS = (262_144, 524_288, 1_048_576)
MEASURES = {
    "inputs": "inputs.write_inputs", "cache here": "cache.here", "cache delphi": "cache.delphi",
    "cache agreement": "cache.agreement", "contexts here": "contexts.here", "contexts delphi": "contexts.delphi",
    "contexts agreement": "contexts.agreement", "grader here": "grader.here", "grader delphi": "grader.delphi",
    "correctness": "correctness.measure",
}  # fmt: skip
"""Functions that are run in a process of their own, by the name of the measurement."""


def child(what: str, **arguments: Any) -> Any:
    """Return what a measurement returns, run in a process of its own with one thread."""
    size = f", {arguments['tokens']:,} tokens" if "tokens" in arguments else ""
    print(f"measuring {what}{size}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.peer_comparison", "--measure", what, json.dumps(arguments)]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | threads)
    if done.returncode:
        sys.exit(done.returncode)  # it wrote why to standard error
    return json.loads(done.stdout.splitlines()[-1])


def side_by_side(what: str, here: dict[str, Any], delphi: dict[str, Any]) -> dict[str, Any]:
    """Return what a measurement of each returns. Both run at the same time, so a busy machine slows both alike.

    Args:
        what: The measurement, without the name of the side.
        here: Our arguments.
        delphi: Delphi's.
    """
    with ThreadPoolExecutor(2) as pool:
        runs = {
            name: pool.submit(child, f"{what} {name}", **given) for name, given in (("here", here), ("delphi", delphi))
        }
        return {name: run.result() for name, run in runs.items()}


def measure(what: str, arguments: str) -> None:
    """Run one measurement in this process, and print it as JSON on the last line."""
    module, _, function = MEASURES[what].partition(".")
    run = getattr(importlib.import_module(f"benchmarks.peer_comparison.{module}"), function)
    try:
        print(json.dumps(run(**json.loads(arguments))))
    except (AssertionError, UserError, ValueError) as error:
        sys.exit(f"{what}: {error}")


class Comparison:
    """The measurements of one run, on inputs in one folder.

    Args:
        options: The command's.
        installed: Folder that Delphi is installed in.
        work: Folder for inputs, caches and stores. What is there already is used again.

    Raises:
        ValueError: There are too few tokens, or other inputs in the folder.
    """

    def __init__(self, options: argparse.Namespace, installed: Path, work: Path) -> None:
        self._options = options
        self._tokens = sorted({whole_batches(tokens) for tokens in options.tokens})
        coder = options.coder or next(str(path) for path in demo.coders() if path.name == options.hookpoint)
        self._place = {"subject": options.subject or str(demo.SUBJECT), "hookpoint": options.hookpoint}
        self._installed, self._work = {"installed": str(installed)}, work
        self._inputs = work / "inputs"
        self._given = {"coder": coder, **self._place}
        self._note = work / "inputs.json"
        if self._note.exists():
            there = json.loads(self._note.read_text(encoding="utf-8"))
            if there.pop("tokens") < self._tokens[-1] or there != self._given:
                raise ValueError(f"--work {work}: it holds other inputs, or fewer tokens; give another folder")
        self.raw: dict[str, Any] = {"agreement": {}}

    def _make_inputs(self) -> None:
        """Write the inputs, unless they are there."""
        if not self._note.exists():
            shutil.rmtree(self._inputs, ignore_errors=True)
            child("inputs", folder=str(self._inputs), tokens=self._tokens[-1], **self._given)
            self._note.write_text(json.dumps({"tokens": self._tokens[-1], **self._given}), encoding="utf-8")

    def run(self, part: str) -> list[Table]:
        """Measure one part, and return its tables."""
        return getattr(self, f"_{part}")()

    def _cached(self, tokens: int) -> dict[str, Any]:
        """Measure caching of so many tokens, unless that was done in this folder, and return the figures."""
        file = self._work / f"{tokens}.json"
        if not file.exists():
            self._make_inputs()
            given: dict[str, Any] = {}
            for name, more in (("here", {}), ("delphi", self._installed)):
                output = self._folder(name, tokens)
                shutil.rmtree(output, ignore_errors=True)
                given[name] = {"inputs": str(self._inputs), "tokens": tokens, "output": str(output)}
                given[name] |= more | self._place
            both = side_by_side("cache", **given)
            file.write_text(json.dumps(both), encoding="utf-8")
        return json.loads(file.read_text(encoding="utf-8"))

    def _folder(self, name: str, tokens: int) -> Path:
        return self._work / f"{name}-{tokens}"

    def _agreement(self, tokens: int) -> dict[str, Any]:
        places = {"store": str(self._folder("here", tokens)), "cache": str(self._folder("delphi", tokens))}
        more = {"hookpoint": self._options.hookpoint, "latents": self._options.latents}
        agreed = child("cache agreement", inputs=str(self._inputs), tokens=tokens, **places, **more)
        facts = {name: value for name, value in agreed.items() if name != "chosen"}
        print(f"checked: {', '.join(f'{value:,} {name}' for name, value in facts.items())}")
        self.raw["agreement"][str(tokens)] = facts
        return agreed

    def _cache(self) -> list[Table]:
        from benchmarks.peer_comparison.tables import cache_table

        measured: dict[str, Any] = {}
        for tokens in self._tokens:
            measured[str(tokens)] = self._cached(tokens)
            self._agreement(tokens)
        self.raw["cache"] = measured
        return [cache_table(measured)]

    def _choice(self) -> tuple[list[int], dict[str, str], dict[str, str]]:
        """Return the latents that both evaluate, and where each finds them, in the largest cache and store."""
        tokens = self._tokens[-1]
        self._cached(tokens)
        chosen = self._agreement(tokens)["chosen"]
        if not chosen:
            sys.exit(f"no latent has enough contexts in {tokens:,} tokens; give more --tokens")
        cache = {"cache": str(self._folder("delphi", tokens)), **self._installed, **self._place}
        return chosen, {"store": str(self._folder("here", tokens)), "hookpoint": self._options.hookpoint}, cache

    def _contexts(self) -> list[Table]:
        from benchmarks.peer_comparison.tables import contexts_table

        latents, store, cache = self._choice()
        agreed = child("contexts agreement", latents=latents, store=store["store"], **cache)
        print(f"{agreed['contexts']:,} contexts to explain are windows of Delphi's, with the same activations")
        measured = side_by_side("contexts", store | {"latents": latents}, cache | {"latents": latents})
        counts = [measured[name].pop("counts") for name in ("here", "delphi")]
        assert counts[0] == counts[1], f"other numbers of contexts: here {counts[0]}, Delphi {counts[1]}"
        self.raw["contexts"] = measured
        return [contexts_table(measured, len(latents), self._tokens[-1])]

    def _grader(self) -> list[Table]:
        from benchmarks.peer_comparison.tables import grader_table

        latents, store, cache = self._choice()
        measured: dict[str, Any] = {}
        start = None
        for log in ("lean", "full", "least"):
            ours = child("grader here", latents=latents, log=log, start=start, **store)
            measured[f"here, --log {log}"], start = ours, ours["start"]
        for concurrent, preloaded in ((10, False), (50, False), (50, True)):
            name = f"Delphi, {concurrent} latents at a time, contexts {'in memory' if preloaded else 'from disk'}"
            more = {"concurrent": concurrent, "preloaded": preloaded}
            measured[name] = child("grader delphi", latents=latents, **more, **cache)
        self.raw["grader"] = measured
        return [grader_table(measured)]

    def _correctness(self) -> list[Table]:
        from benchmarks.peer_comparison.correctness import FORMS
        from benchmarks.peer_comparison.tables import correctness_table

        store, few = self._options.store, min(20, self._options.latents)
        hookpoint = self._options.hookpoint
        measured = child("correctness", store=store, hookpoint=hookpoint, latents=few, **self._installed)
        for name, word in (("here", "this harness"), ("delphi", "Delphi")):
            missed = [form for form in FORMS.values() if form not in measured[name]["forms of an answer read"]]
            print(f"{word} does not read: {', '.join(missed) or 'none'}")
        self.raw["correctness"] = measured
        return [correctness_table(measured)]


def main() -> None:
    """Install, compare, and print the tables."""
    parser = argparse.ArgumentParser(description=package.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS, help="to cache; a row for each number")
    parser.add_argument("--latents", type=int, default=100, help="to build contexts of, and to grade, at least 20")
    parser.add_argument("--subject", help="a model's folder; by default the demo's")
    parser.add_argument("--coder", help="an SAE's folder (top-k, of SAELens); by default the demo's at the hookpoint")
    parser.add_argument("--hookpoint", default="layers.2")
    parser.add_argument("--store", help="of the part correctness; by default the demo's, which is made the first time")
    parser.add_argument("--folder", type=Path, help="where Delphi is installed, and found the next time")
    parser.add_argument("--work", type=Path, help="keep inputs, caches and stores here, and use them the next time")
    parser.add_argument("--json", help="write the tables and the raw figures to this file too")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "JSON"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    if options.latents < 20:
        parser.error(
            f"--latents {options.latents}: give at least 20; with fewer the start of a process is all there is"
        )
    if options.coder is None and options.hookpoint not in (names := [path.name for path in demo.coders()]):
        parser.error(f"--hookpoint {options.hookpoint}: the demo has SAEs at {', '.join(names)}; give --coder")
    with tempfile.TemporaryDirectory() as name:
        installed, work = options.folder or Path(name) / "delphi", options.work or Path(name) / "work"
        install(installed.resolve())
        try:
            comparison = Comparison(options, installed.resolve(), work.resolve())
        except ValueError as error:
            parser.error(str(error))
        tables: list[Table] = []
        for part in options.parts:
            tables += comparison.run(part)
            Console(width=130).print(tables[-1])
        save_tables(options.json, *tables, raw=comparison.raw)


if __name__ == "__main__":
    main()
