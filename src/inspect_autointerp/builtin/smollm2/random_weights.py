"""A model's architecture with freshly drawn weights: the paper's randomly initialised subject, as a floor."""

import json
from pathlib import Path
from typing import Any, cast

from inspect_autointerp.errors import UserError
from inspect_autointerp.store.atomic import atomic_folder
from inspect_autointerp.store.folder_kind import Kind

FILES = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "merges.txt",
    "model.safetensors",
    "source.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
}
KIND = Kind("a model with random weights", lambda folder: FILES.__contains__, option="-o")


def write_random_model(model: str | Path, output: Path, seed: int) -> None:
    """Write a Hugging Face folder with the configuration and tokenizer of a model, and weights drawn at random.

    The weights are drawn as transformers initialises a model before training. No weight of the model is read.

    Args:
        model: A Hugging Face folder, or a name that transformers knows.
        output: Folder to write. It must not exist.
        seed: Seed of the draw. One seed gives the same weights on one version of torch and transformers.

    Raises:
        UserError: The configuration or tokenizer cannot be read, or `output` exists or cannot be written.
    """
    try:
        import torch
        import transformers
    except ImportError as error:
        raise UserError(
            f'the package {error.name} is missing; install it with `pip install "inspect-autointerp[smollm2]"`'
        ) from error

    hub, draws = cast(Any, transformers), cast(Any, torch.random)  # they leave open what most functions take
    with atomic_folder(output, kind=KIND, overwrite=False) as folder:
        try:
            config = hub.AutoConfig.from_pretrained(model)
            tokenizer = hub.AutoTokenizer.from_pretrained(model)
        except (OSError, ValueError) as error:
            raise UserError(f"{model}: cannot be read as a Hugging Face model ({error})") from error
        with draws.fork_rng(devices=[]):
            draws.manual_seed(seed)
            network = hub.AutoModelForCausalLM.from_config(config, dtype=config.dtype or torch.float32)
        network.save_pretrained(folder, max_shard_size="1000GB")
        tokenizer.save_pretrained(folder)
        record = {"architecture": config.architectures, "weights": "random", "seed": seed}
        (folder / "source.json").write_text(json.dumps(record, indent=1) + "\n")
