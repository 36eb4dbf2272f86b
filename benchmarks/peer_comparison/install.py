"""Delphi in a folder of its own, and what it needs to run on a CPU."""

import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = (
    "eai-delphi==0.1.3", "eai-sparsify==1.3.3", "orjson", "fire", "blobfile", "flask", "aiofiles", "asyncer",
    "lxml", "pycryptodomex", "natsort", "schedulefree",
)  # fmt: skip
STUBS = {
    "vllm": ("LLM", "SamplingParams"),
    "vllm.distributed": (),
    "vllm.distributed.parallel_state": ("destroy_model_parallel", "destroy_distributed_environment"),
    "vllm.inputs": ("TokensPrompt",),
    "faiss": (),
    "bitsandbytes": (),
    "sentence_transformers": ("SentenceTransformer",),
}


def install(folder: Path) -> None:
    """Install Delphi into a folder, unless it is there, without what it would bring along."""
    if not (folder / "delphi").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *PACKAGES]
        subprocess.run(command, check=True)


def import_from(folder: Path) -> None:
    """Let Delphi be imported from a folder, and put an empty module in the place of each that is not installed."""
    sys.path.append(str(folder))  # behind this environment's own packages
    for name, attributes in STUBS.items():
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = stub(name, attributes)


def stub(name: str, attributes: tuple[str, ...]) -> ModuleType:
    """Return a module with nothing in it but empty classes of these names."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None, is_package=True)
    module.__path__ = []
    for attribute in attributes:
        setattr(module, attribute, type(attribute, (), {}))
    return module


class TokenwiseTokenizer:
    """A tokenizer as Delphi expects it: `batch_decode` of one window returns a string per token.

    That is what transformers 4 did. Transformers 5 returns one string for the window.

    Args:
        tokenizer: A tokenizer of transformers.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def batch_decode(self, ids: Any) -> list[str]:
        """Return the text of each token of a window, tensor (token,)."""
        return self._tokenizer.batch_decode([[token] for token in ids.tolist()])
