"""A model class that leaves out the layers after the deepest hookpoint.

Only the weights are left out. The configuration stays whole, and so does everything that a model derives from the
number of its layers: which kind each layer is, how embeddings per layer are cut, which layers share keys and values.
What runs up to the deepest hookpoint is what runs in the whole model. A left-out layer is an empty module that raises
when it runs, so that a model that needs one cannot give anything but an error.
"""

from typing import Any

import torch

from inspect_autointerp.prep.subject.hookpoints import layer_of
from inspect_autointerp.prep.subject.skeleton import decoder


class LeftOutError(Exception):
    """Says that a layer ran that is left out."""


class LeftOut(torch.nn.Module):
    """Takes the place of a layer that is left out."""

    def forward(self, *_: Any, **__: Any) -> None:
        """Raise."""
        raise LeftOutError("a layer after the deepest hookpoint runs before it")


def shallow(model_class: type, deepest: int) -> type:
    """Derive the class of a causal language model without the layers after `deepest`."""

    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        model_class.__init__(self, *args, **kwargs)
        base = decoder(self)
        for path, _ in list(base.named_modules()):
            layer = layer_of(path)
            if layer is not None and layer > deepest and path.count(".") == 1:
                parent, _, number = path.partition(".")
                setattr(getattr(base, parent), number, LeftOut())

    # The name and the module are the original's: transformers looks up how to convert a checkpoint by them.
    members = {"__init__": build, "__module__": model_class.__module__, "__qualname__": model_class.__qualname__}
    return type(model_class.__name__, (model_class,), members)
