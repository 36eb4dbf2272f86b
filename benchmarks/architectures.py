"""The architectures of transformers at whose hookpoints, as `autointerp hooks` lists them, prep reads activations.

`python -m benchmarks.architectures [MODEL_TYPE …]` builds each small and random, reads all places that are listed in
the whole model, and those of its first layer in a model without the layers after it. Two minutes on two cores.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console
from tests.small_models import VOCABULARY, save_small
from torch import Tensor

from inspect_autointerp.prep.subject.depth import LeftOut
from inspect_autointerp.prep.subject.hookpoints import layer_of
from inspect_autointerp.prep.subject.list_hookpoints import places
from inspect_autointerp.prep.subject.subject import Subject

IDS = torch.arange(1, 15).reshape(2, 7)


class Looked(NamedTuple):
    """The result for one architecture."""

    n_places: int
    cut: bool
    """True if the layers after the hookpoints were left out."""
    difference: float
    """From the whole model, at the most."""


def activations(subject: Subject) -> dict[str, Tensor]:
    """Return what the hookpoints have on a few tokens."""
    values: dict[str, Tensor] = {}
    subject.run(IDS, lambda hookpoint, value: values.__setitem__(hookpoint.name, value.clone()))
    return values


def look(folder: Path) -> Looked:
    """Read every place that is listed in the whole model, and those of the first layer in a model cut after it."""
    listed, _ = places(str(folder))
    whole = Subject(str(folder), [place.name for place in listed], whole=True)
    assert whole.widths == {place.name: place.width for place in listed}
    expected = activations(whole)
    assert expected.keys() == whole.widths.keys()
    first = min((n for place in listed if (n := layer_of(place.name)) is not None), default=None)
    some = [place.name for place in listed if layer_of(place.name) == first]
    subject = Subject(str(folder), some)
    values = activations(subject)
    assert values.keys() == set(some)
    assert subject.sha256 == Subject(str(folder), some, whole=True).sha256
    cut = any(isinstance(module, LeftOut) for module in subject.base.modules())
    return Looked(len(listed), cut, max(float((values[name] - expected[name]).abs().max()) for name in some))


def main(model_types: list[str]) -> None:
    """Print what becomes of each architecture."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    say = Console(highlight=False, markup=False, soft_wrap=True).print
    with tempfile.TemporaryDirectory() as scratch:
        words = Tokenizer(models.WordLevel({f"w{i}": i for i in range(VOCABULARY)}, unk_token="w0"))
        PreTrainedTokenizerFast(tokenizer_object=words, bos_token="w0").save_pretrained(f"{scratch}/tokenizer")
        for model_type in model_types or list(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES):
            folder, clock = Path(scratch) / model_type, time.monotonic()
            try:
                model = save_small(folder, model_type, Path(scratch) / "tokenizer")
                with torch.inference_mode():
                    model(input_ids=IDS)
            except Exception as error:  # whatever a configuration of small sizes leads to
                say(f"{model_type}: cannot be built small ({(str(error).splitlines() or [type(error)])[0]})")
                continue
            try:
                say(f"{model_type}: {look(folder)} {time.monotonic() - clock:.1f} s")
            except Exception as error:
                say(f"{model_type}: FAILS ({type(error).__name__}: {error})")


if __name__ == "__main__":
    main(sys.argv[1:])
