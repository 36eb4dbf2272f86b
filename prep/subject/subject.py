"""The subject model: loaded no deeper than needed, run once for all hookpoints."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from logging import getLogger
from typing import Any

import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.coders import tensors_sha256
from inspect_autointerp.prep.subject.depth import shallow
from inspect_autointerp.prep.subject.hf_errors import why
from inspect_autointerp.prep.subject.hookpoints import Side, layer_of, name_them, resolve
from inspect_autointerp.prep.subject.places import Collector, Place, Receive, deepest_layer, hookpoints_of
from inspect_autointerp.prep.subject.skeleton import decoder, module_names, skeleton, taken, vectors
from inspect_autointerp.prep.subject.weights import Quantization, load_weights
from inspect_autointerp.store.trust import kernel_refusal

_PROBE = (2, 5)
"""Chunks and tokens of the pass that tries the hookpoints."""


class _DeepEnough(Exception):
    """Ends the forward pass after the deepest hookpoint."""


class Subject:
    """A Hugging Face causal language model, without the layers after the deepest hookpoint unless all are asked for.

    A few tokens are run through it once it is loaded. A model that does not reach its hookpoints without the layers
    after them is loaded again with all of them, and a warning says so.

    Args:
        source: Name or folder.
        hookpoints: Module paths or TransformerLens names, with `@` and a tag if they are to have one. `+` joins several
            that are read at once, and `second:` stands before those of the second subject.
        revision: Of a model on the Hub.
        device: Where it runs.
        dtype: In which type: `auto` for the checkpoint's own, `float32`, `bfloat16`, `float16`.
        attention: Which implementation of attention: `eager`, `sdpa`, `flash_attention_2`, … By default transformers
            chooses.
        device_map: How transformers spreads it over devices, in place of `device`: `auto`, `balanced`, or one device.
        quantization: Weights in 8 or 4 bits, by bitsandbytes.
        trust_remote_code: Run the code that comes with the checkpoint, if any does.
        whole: Load all layers, for what comes out at the end.
        tags: One for each hookpoint. Where two without a tag are of one place, these are theirs.
        second: The second subject, which runs on the same token ids.

    Attributes:
        device: Where its input goes, and where its activations come.
        model: The causal language model.
        base: It without its head: what module paths start from.
        sha256: Of the base model's weights up to the deepest hookpoint, the same whether the rest is loaded or not.
        widths: Dimensions of the activations, by the name of the hookpoint; of several places in all.

    Raises:
        UserError: The model or its tokenizer cannot be loaded, or has no such hookpoint, or no single vector per token
            there.
    """

    def __init__(
        self,
        source: str,
        hookpoints: Sequence[str],
        *,
        revision: str | None = None,
        device: str | torch.device = "cpu",
        dtype: str = "float32",
        attention: str | None = None,
        device_map: str | None = None,
        quantization: Quantization | None = None,
        trust_remote_code: bool = False,
        whole: bool = False,
        tags: Sequence[str] = (),
        second: "Subject | None" = None,
    ) -> None:
        from transformers import AutoConfig, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()  # a model without its last layers leaves weights unused, by intention
        logging.disable_progress_bar()
        self.source, self.second = source, second
        known: dict[str, Any] = {"revision": revision, "trust_remote_code": trust_remote_code}
        try:
            config = AutoConfig.from_pretrained(source, **known)
            if not trust_remote_code:
                _refuse_kernels(source, config)
            self.tokenizer = AutoTokenizer.from_pretrained(source, **known)
            bare = skeleton(config, revision, trust_remote_code=trust_remote_code)
        except UserError:
            raise
        except Exception as error:  # `tokenizers` raises Exception itself
            raise UserError(
                f"subject {source}: its configuration or tokenizer cannot be loaded ({why(error, source)})"
            ) from error
        if not self.tokenizer.is_fast:
            raise UserError(f"subject {source}: it has no fast tokenizer (tokenizer.json), which the store needs")
        text = config.get_text_config()  # of a model that also sees; of any other, the configuration itself
        modules = module_names(bare)
        self.resolve = partial(resolve, model_type=text.model_type, modules=modules)
        self.hookpoints = hookpoints_of(hookpoints, self.resolve, second and second.resolve, tags)
        self._paths = frozenset(modules.values())
        self._places = Collector(self.hookpoints, lambda *_: None).places(second=False)
        depth: int | None = getattr(text, "num_hidden_layers", None)
        self._check(modules, depth)
        self.max_length: int | None = getattr(text, "max_position_embeddings", None)
        deepest = deepest_layer(self._places)
        cut = None if whole or depth is None or deepest is None or deepest >= depth - 1 else deepest
        load = partial(
            *(load_weights, source),
            config=config,
            device=device,
            dtype=dtype,
            attention=attention,
            device_map=device_map,
            quantization=quantization,
            **known,
        )
        error = self._attempt(load, type(bare) if cut is None else shallow(type(bare), cut))
        if error and cut is not None:
            reason = why(error.__cause__ or error, source)
            error = self._attempt(load, type(bare))
            if error is None:
                getLogger(__name__).warning(
                    "subject %s: it does not run without the layers after layer %d (%s), so all of them are loaded",
                    *(source, cut, reason),
                )
        if isinstance(error, UserError):
            raise error
        if error:
            raise UserError(f"subject {source}: it does not run on token ids ({why(error, source)})") from error
        self.dtype = str(next(self.model.parameters()).dtype).removeprefix("torch.")
        read = self.base.state_dict().items()
        if deepest is not None:
            read = [(name, tensor) for name, tensor in read if (layer_of(name) or 0) <= deepest]
        self.sha256 = tensors_sha256(dict(read))

    def _check(self, modules: Mapping[str, str], depth: int | None) -> None:
        """Refuse what is no module, and two names of one place."""
        if twice := [name for name, n in Counter(hookpoint.name for hookpoint in self.hookpoints).items() if n > 1]:
            raise UserError(f"two coders for {twice[0]}: {name_them(twice[0])}")
        paths = dict.fromkeys(modules.values())
        for path in (place.path for place in self._places):
            if path not in paths:
                first = ", ".join(name for name in paths if layer_of(name) in (None, 0))
                layers = f", and the same for layers 0 to {depth - 1}" if depth else ""
                raise UserError(f"no hookpoint {path!r} in {self.source}; there are {first}{layers}")

    def _attempt(self, load: Callable[..., Any], model_class: type) -> Exception | None:
        """Load the weights, and return why they cannot be loaded or do not reach the hookpoints, if they do not."""
        self.model: Any = None  # two models at once may be too much
        self.base: Any = None
        self._modules: dict[Place, torch.nn.Module] = {}
        try:
            self.model = load(model_class=model_class)
        except UserError as error:
            return error
        self.device = self.model.get_input_embeddings().weight.device
        self.base = decoder(self.model)
        self._modules = {place: self.base.get_submodule(place.path) for place in self._places}
        return self._probe()

    def _probe(self) -> Exception | None:
        """Run a few tokens, look at what the hookpoints give, and return why some were not reached, if anything is.

        Raises:
            UserError: A hookpoint is not run, or gives something else than one vector per token, once in a pass.
        """
        runs: Counter[Place] = Counter()
        widths: dict[Place, int] = {}

        def look(place: Place, value: object) -> None:
            runs[place] += 1
            if (vector := vectors(value, _PROBE)) is not None:
                widths[place] = vector.shape[-1]

        ids = torch.zeros(_PROBE, dtype=torch.int64, device=self.device)
        error = None
        with self._hooked(self._modules, look), torch.inference_mode():
            try:
                self.base(input_ids=ids, use_cache=False)
            except Exception as raised:  # the model's own code: as varied as models are
                error = raised
        for place in self._places:
            if not runs[place]:
                if error:
                    return error
                raise UserError(f"hookpoint {place.name}: {self.source} does not run this module; give another")
            if runs[place] > 1 or place not in widths:
                how = f"{runs[place]} times in a pass" if runs[place] > 1 else "in another shape"
                raise UserError(
                    f"hookpoint {place.name}: it must be one vector per token, but {self.source} gives it {how};"
                    " `autointerp hooks` lists the usable ones"
                )
        self.place_widths = widths | {
            replace(place, second=True): width
            for place, width in (self.second.place_widths if self.second else {}).items()
        }
        self.widths = {
            hookpoint.name: sum(self.place_widths[place] for place in hookpoint.places) for hookpoint in self.hookpoints
        }
        return None

    @staticmethod
    @contextmanager
    def _hooked(modules: dict[Place, torch.nn.Module], receive: Callable[[Place, object], None]) -> Iterator[None]:
        """Within the block, call `receive` with whatever passes the places, in the order of the model."""
        handles = [
            module.register_forward_pre_hook(
                lambda _, args, kwargs, p=place: receive(p, taken(args, kwargs)), with_kwargs=True
            )
            if place.side == "input"
            else module.register_forward_hook(lambda _, args, out, p=place: receive(p, out))
            for place, module in modules.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def has_place(self, name: str) -> bool:
        """Return whether a hookpoint's name stands for a place in the whole subject, loaded or not."""
        return self.resolve(name)[0] in self._paths

    def place(self, name: str) -> tuple[torch.nn.Module, Side]:
        """Return the module and the side of it that a hookpoint's name stands for, whether it is one of these or not.

        Raises:
            UserError: The name stands for no place in the subject.
        """
        path, side = self.resolve(name)
        try:
            return self.base.get_submodule(path), side
        except AttributeError as error:
            raise UserError(f"no place {name!r} in {self.source}; `autointerp hooks` lists what there is") from error

    def run(self, ids: Tensor, receive: Receive, only: str | None = None) -> None:
        """One forward pass, no deeper than the deepest hookpoint that is asked for; the second subject's before it.

        Args:
            ids: int64 (chunk, token). Padding stands at the end, where no real token can see it.
            receive: Called for each hookpoint in the order of the model with its activations, (chunk, token, d); those
                of several places are end to end.
            only: The name of the one hookpoint that is asked for; all by default.
        """
        collector = Collector((h for h in self.hookpoints if only in (None, h.name)), receive)
        if self.second and (places := collector.places(second=True)):
            there = {replace(place, second=False): place for place in places}
            self.second.read(ids, list(there), lambda place, value: collector.take(there[place], value.to(self.device)))
        self.read(ids, collector.places(second=False), collector.take)

    def read(self, ids: Tensor, places: Sequence[Place], take: Callable[[Place, Tensor], None]) -> None:
        """One forward pass that gives on the activations of some places, in the order of the model; see `run`."""
        if not places:
            return
        asked = {place: self._modules[place] for place in places}
        left = set(asked)

        def deliver(place: Place, value: object) -> None:
            vector = vectors(value, ids.shape)
            if vector is None:
                raise UserError(f"hookpoint {place.name}: {self.source} does not give one vector per token here")
            take(place, vector.to(self.device))
            left.discard(place)
            if not left:
                raise _DeepEnough

        with self._hooked(asked, deliver), torch.inference_mode(), suppress(_DeepEnough):
            self.base(input_ids=ids.to(self.device), use_cache=False)

    def unembedding(self) -> Tensor | None:
        """float32 (vocabulary, d): what a direction of the residual stream does to the logits; None without a head.

        The final norm's own weight is folded in (its division by the length is not: it scales all logits alike).
        """
        head = self.model.get_output_embeddings()
        if head is None:
            return None
        weight = head.weight.detach().float()
        norms = (getattr(self.base, name, None) for name in ("norm", "ln_f", "final_layer_norm"))
        norm = next((norm for norm in norms if norm is not None), None)
        if norm is not None and getattr(norm, "weight", None) is not None:
            scale = norm.weight.detach().float().to(weight.device)
            weight = weight * (1 + scale if "Gemma" in type(norm).__name__ else scale)
        return weight


def _refuse_kernels(source: str, config: Any) -> None:
    """Refuse a configuration that names an attention kernel, which transformers would download and run.

    Raises:
        UserError: It does.
    """
    for part in (config, config.get_text_config()):
        if refusal := kernel_refusal(getattr(part, "_attn_implementation", None)):
            raise UserError(f"subject {source}: {refusal}")
