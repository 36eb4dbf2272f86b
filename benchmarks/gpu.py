"""Everything that a GPU's speed decides, in at most ten minutes, as one JSON: `benchmarks/gpu.sh out.json` runs it.

Each part is another benchmark in a process of its own, with a time limit. The JSON is written anew after every part, so
an interrupted run leaves the parts that ended. `benchmarks.part_runner` describes its content.

The exit status is 0 if every part is done, 1 if one failed or was not run, 2 if nothing could begin, and 128 + the
signal's number if one interrupted the run. On a CPU, a part that needs a GPU does not count.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.part_runner import Part, PartRunner, machine_facts

SIZES = {
    False: {
        "small": "gemma-2-2b", "large": "gemma-2-9b", "narrow": "16384", "wide": "131072", "dims": ("2304", "3584"),
        "tokens": "200000", "store": "60000", "texts": "100", "encode": ("--tokens", "1024", "--repeats", "10"),
        "steer": ("--latents", "48", "--tuned", "200"),
    },
    True: {
        "small": "cpu", "large": "cpu", "narrow": "512", "wide": "1024", "dims": ("64", "96"),
        "tokens": "5000", "store": "20000", "texts": "3", "encode": ("--tokens", "64", "--repeats", "1"),
        "steer": ("--latents", "2", "--tuned", "2", "--repeats", "1"),
    },
}  # fmt: skip
"""Sizes of the inputs, by whether they are tiny."""
SAME = "not run: in its tiny form it is the same program as another part"


def parts(device: str, folder: Path, tiny: bool) -> list[Part]:
    """Return the parts in the order in which they run: those that matter most first."""
    size = SIZES[tiny]
    narrow, wide, small, large = (str(size[name]) for name in ("narrow", "wide", "small", "large"))
    at = ("--device", device)
    store = ("--store", str(folder / "store"))

    def prep(shape: str, latents: str, *more: str) -> tuple[str, ...]:
        inputs = ("--folder", str(folder), "--tokens", str(size["tokens"]))
        return (*at, *inputs, "--shape", shape, "--latents", latents, *more)

    encode = [
        Part(
            f"encode-{dim}-{latents}", 30, "benchmarks.encode",
            (*at, "--bfloat16", "--d-in", dim, "--latents", latents, *size["encode"]),
            skip=SAME if tiny and (dim, latents) != (size["dims"][0], narrow) else None,
        )
        for latents in (narrow, wide)
        for dim in size["dims"]
    ]  # fmt: skip
    skip = SAME if tiny else None
    return [
        *encode,
        Part("prep-2b-narrow", 70, "benchmarks.prep", prep(small, narrow), skip=skip),
        Part("prep-2b-wide", 70, "benchmarks.prep", prep(small, wide), skip=skip),
        Part("prep-2b-wide-bfloat16", 60, "benchmarks.prep", prep(small, wide, "--coder-dtype", "bfloat16")),
        Part("prep-2b-hookpoints", 70, "benchmarks.prep", prep(small, narrow, "--hookpoints", "3")),
        Part(
            "likelihood", 60, "benchmarks.likelihood",
            (*at, "--subject", str(folder / f"subject-{small}"), "--texts", str(size["texts"]), "--repeats", "1"),
        ),
        Part("store", 60, "benchmarks.prep", (*prep(small, narrow), "--tokens", str(size["store"]), *store)),
        Part("halving", 40, "benchmarks.halving", (*at, *store), needs="store"),
        Part("steering", 60, "benchmarks.steering", (*at, *store, *size["steer"]), needs="store"),
        Part("prep-9b-narrow", 120, "benchmarks.prep", prep(large, narrow), skip=skip),
        Part("prep-9b-wide", 120, "benchmarks.prep", prep(large, wide), skip=skip),
    ]  # fmt: skip


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the JSON")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="the same programs on small inputs, to see that they run")
    parser.add_argument("--seconds", type=float, default=600, help="for all parts together")
    arguments = parser.parse_args()
    output: Path = arguments.output.resolve()
    if not output.parent.is_dir():
        parser.error(f"{output.parent} is no folder; make it first")
    begin = time.monotonic()
    facts = machine_facts(arguments.seconds)
    if arguments.device == "cuda" and not facts.get("gpu"):
        reason = facts.get("error", "torch finds no GPU here")
        parser.error(f"{reason}; on a machine without one, DEVICE=cpu TINY=1 runs the same programs on small inputs")
    folder = Path(tempfile.mkdtemp(prefix="gpu-benchmark-"))
    try:
        listed = parts(arguments.device, folder, arguments.tiny)
        if arguments.tiny:  # most of a tiny part is imports, as slow as the machine is busy: only the whole is bounded
            listed = [replace(part, seconds=arguments.seconds) for part in listed]
        about = {"device": arguments.device, "tiny": arguments.tiny, "machine": facts}
        left = arguments.seconds - (time.monotonic() - begin)
        status = PartRunner(listed, output, folder, round(left, 1), about).run()
        sys.exit(status or int("error" in facts))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
