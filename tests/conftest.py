"""Small subjects and stores, made once per test session."""

import gc
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.planted_subject import Planted

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Machines that run the tests are shared and slow at times. Examples are the same in every run: a change fails for what
# it changed. To look for new ones: HYPOTHESIS_PROFILE=explore
settings.register_profile("project", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "project"))

# Where this is set, as in containers, every process would compile this project, and pytest every test, again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(scope="session", autouse=True)
def no_live_view() -> Iterator[None]:
    """Evaluations run as with `--no-log-realtime`: the database of running samples took a quarter of their time."""
    from inspect_ai._eval.task.log import TaskLogger

    init = TaskLogger.init

    async def lean(logger: TaskLogger) -> None:
        logger.eval.config.log_realtime = False  # Inspect has put its default, true, in the place of None
        await init(logger)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskLogger, "init", lean)
        yield


@pytest.fixture(autouse=True)
def log_level() -> Iterator[None]:
    """An evaluation sets the level of Python's root logger: the next test gets it as it was."""
    root = logging.getLogger()
    before = root.level, logging.root.manager.disable
    yield
    root.setLevel(before[0])
    logging.disable(before[1])


_modules_frozen = 0


@pytest.fixture(autouse=True)
def no_garbage_in_libraries() -> None:
    """The garbage collector leaves alone what libraries made when they were imported, after all wider fixtures.

    A full collection takes 0.3 s once torch and transformers are imported, and each evaluation that let go of a model
    ends with one: up to a third of a file's time.
    """
    global _modules_frozen
    if len(sys.modules) - _modules_frozen > 200:
        gc.collect()
        gc.freeze()
        _modules_frozen = len(sys.modules)


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables under which `autointerp`, `inspect` and `python` start at once, and none of the user's settings."""
    from tests.warm_commands import warm_commands

    env = {name: value for name, value in os.environ.items() if not name.startswith("INSPECT_EVAL")}
    with warm_commands(tmp_path_factory.mktemp("bin")) if sys.platform == "linux" else nullcontext("") as folder:
        path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), env["PATH"]])
        quick = {"OMP_NUM_THREADS": "1", "INSPECT_DISPLAY": "plain", "INSPECT_EVAL_NO_LOG_REALTIME": "1"}
        yield env | {"PATH": path} | quick


@pytest.fixture(scope="session")
def subject_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random four-layer Llama with a tokenizer of its own, in Hugging Face format."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from inspect_autointerp.prep.corpus.documents import stdlib_documents

    folder = tmp_path_factory.mktemp("subject")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = [text for text, _ in zip(stdlib_documents(), range(20), strict=False)]
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|bos|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|bos|>").save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=600, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=128, bos_token_id=0, eos_token_id=0, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def make_sae(
    folder: Path, d_in: int = 32, d_sae: int = 256, k: int = 4, hook: str = "model.layers.1", **cfg: Any
) -> Path:
    """A random top-k SAE in SAELens's format."""
    import torch
    from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

    torch.manual_seed(1)
    sae = TopKSAE(TopKSAEConfig(d_in=d_in, d_sae=d_sae, k=k, dtype="float32", device="cpu", **cfg))
    sae.cfg.metadata.hf_hook_name = hook
    with torch.no_grad():
        sae.W_enc.normal_()
        sae.W_dec.normal_()
        sae.b_enc.normal_(std=0.1)
        sae.b_dec.normal_(std=0.1)
    sae.save_model(folder)
    return folder


@pytest.fixture(scope="session")
def sae_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sae(tmp_path_factory.mktemp("sae"))


@pytest.fixture(scope="session")
def store_folder(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path, sae_folder: Path) -> Path:
    """A store of the random subject over 60,000 tokens of the standard library."""
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    folder = tmp_path_factory.mktemp("stores") / "store"
    settings = Settings(tokens=60_000, context_length=64, pool=600)
    prep(Job(subject=str(subject_folder), coders=[str(sae_folder)], settings=settings), folder, progress=False)
    return folder


@pytest.fixture(scope="session")
def sharp_store_folder(tmp_path_factory: pytest.TempPathFactory, subject_folder: Path, sae_folder: Path) -> Path:
    """A store of a subject that is surer of what comes next than a random one is: its logits are ten times as large."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    folder = tmp_path_factory.mktemp("sharp")
    model = AutoModelForCausalLM.from_pretrained(subject_folder)
    model.model.norm.weight.data *= 10
    model.save_pretrained(folder / "subject")
    AutoTokenizer.from_pretrained(subject_folder).save_pretrained(folder / "subject")
    settings = Settings(tokens=60_000, context_length=64, pool=600)
    job = Job(subject=str(folder / "subject"), coders=[str(sae_folder)], settings=settings)
    prep(job, folder / "store", progress=False)
    return folder / "store"


@pytest.fixture(scope="session")
def planted_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the planted store in it, as a user's first `-T store=planted` makes it, but in this process."""
    from inspect_autointerp.builtin import planted
    from inspect_autointerp.builtin.planted.make import make

    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INSPECT_AUTOINTERP_CACHE", str(cache))
        make(planted.store_folder())
    return cache


@pytest.fixture
def planted_store(planted_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The planted store's folder; the cache that it lies in is the one in use."""
    from inspect_autointerp.builtin import planted

    monkeypatch.setenv("INSPECT_AUTOINTERP_CACHE", str(planted_cache))
    return planted.store_folder()


@pytest.fixture(scope="session")
def planted_cause(tmp_path_factory: pytest.TempPathFactory) -> "Planted":
    """A subject whose latents fire on known words and raise them, its coder and its store."""
    from tests.planted_subject import plant

    return plant(tmp_path_factory.mktemp("planted"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
