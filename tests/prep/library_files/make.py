"""Makes the files of this folder with the libraries whose formats they are, and what each library encodes and decodes.

They are small and are kept in the repository, so that tests need none of the libraries. To make them again:

    pip download --no-deps dictionary-learning==0.1.0 circuit-tracer==0.5.0 llamascopium==2.0.0b34
    unzip each wheel into a folder of its name under LIBRARIES, and into LIBRARIES/crosscoders the branch of
    dictionary_learning that has crosscoders (github.com/science-of-finetuning/dictionary_learning, commit 173f7fac)
    python tests/prep/library_files/make.py LIBRARIES [LIBRARY ...]

Packages that the libraries import and that this needs nothing of are replaced by empty ones.
"""

# pyright: reportMissingImports=false, reportIncompatibleVariableOverride=false

import json
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar
from unittest.mock import MagicMock

import torch
import yaml
from safetensors.torch import save_file

HERE = Path(__file__).parent
D_IN, N_LATENTS, N_TOKENS = 8, 16, 12


class _Empty(ModuleType):
    """A module in which every name stands for something without meaning."""

    __path__: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return MagicMock()


class _EmptyModules(MetaPathFinder, Loader):
    """The last finder: what the libraries themselves import and no other finder has is an empty module."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        frame: Any = sys._getframe(1)
        while frame and "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        ours = frame is not None and frame.f_code.co_filename.startswith(sys.argv[1])
        inside = isinstance(sys.modules.get(fullname.partition(".")[0]), _Empty)
        return ModuleSpec(fullname, self, is_package=True) if ours or inside else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        return None


def activations(*shape: int) -> torch.Tensor:
    """Activations of a few tokens."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Give each parameter normal values."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))


def dictionary_learning() -> None:
    """One folder per class, as `trainSAE` writes them."""
    from dictionary_learning.dictionary import AutoEncoder, AutoEncoderNew, GatedAutoEncoder, JumpReluAutoEncoder
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
    from dictionary_learning.trainers.top_k import AutoEncoderTopK

    made: dict[str, Any] = {
        "AutoEncoder": AutoEncoder(D_IN, N_LATENTS),
        "AutoEncoderNew": AutoEncoderNew(D_IN, N_LATENTS),
        "GatedAutoEncoder": GatedAutoEncoder(D_IN, N_LATENTS),
        "JumpReluAutoEncoder": JumpReluAutoEncoder(D_IN, N_LATENTS),
        "AutoEncoderTopK": AutoEncoderTopK(D_IN, N_LATENTS, 3),
        "BatchTopKSAE": BatchTopKSAE(D_IN, N_LATENTS, 3),
        "MatryoshkaBatchTopKSAE": MatryoshkaBatchTopKSAE(D_IN, N_LATENTS, 3, [4, 12]),
    }
    for seed, (name, coder) in enumerate(made.items()):
        randomise(coder, seed)
        if name == "JumpReluAutoEncoder":
            coder.threshold.data.abs_()
        elif hasattr(coder, "threshold"):
            coder.threshold.fill_(2.0)
        trainer = {"dict_class": name, "activation_dim": D_IN, "dict_size": N_LATENTS, "layer": 1, "lm_name": "small"}
        trainer |= {"submodule_name": "resid_post_layer_1"} | ({"k": 3} if hasattr(coder, "k") else {})
        buffer = {"d_submodule": D_IN, "io": "out", "n_ctxs": 100, "ctx_len": 128, "device": "cpu"}
        folder = HERE / "dictionary_learning" / name
        folder.mkdir(parents=True, exist_ok=True)
        torch.save({key: value.cpu() for key, value in coder.state_dict().items()}, folder / "ae.pt")
        (folder / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": buffer}, indent=4))
        loaded = getattr(sys.modules[type(coder).__module__], name).from_pretrained(str(folder / "ae.pt"))
        x = activations(N_TOKENS, D_IN)
        with torch.no_grad():
            encoded = loaded.encode(x)
            save_file({"x": x, "encoded": encoded, "decoded": loaded.decode(encoded)}, folder / "expected.safetensors")


def crosscoders() -> None:
    """One folder per class and way of scaling latents, as `trainSAE` and `push_to_hub` write them; three places."""
    from dictionary_learning.dictionary import BatchTopKCrossCoder, CrossCoder

    generator = torch.Generator().manual_seed(0)
    normalizer: dict[str, Any] = {"activation_mean": torch.randn((3, D_IN), generator=generator), "target_rms": 2.0}
    normalizer["activation_std"] = torch.rand((3, D_IN), generator=generator) + 0.5
    made: dict[str, Any] = {
        "CrossCoder": CrossCoder(D_IN, N_LATENTS, 3),
        "hub": CrossCoder(D_IN, N_LATENTS, num_layers=2, code_normalization="SAE"),
        "BatchTopKCrossCoder": BatchTopKCrossCoder(D_IN, N_LATENTS, 3, k=3, **normalizer),
    }
    for way in ("SAE", "MIXED", "NONE", "DECOUPLED"):
        made[f"BatchTopKCrossCoder_{way}"] = BatchTopKCrossCoder(D_IN, N_LATENTS, 3, k=3, code_normalization=way)
    for seed, (name, coder) in enumerate(made.items()):
        randomise(coder, seed)
        if hasattr(coder, "threshold"):
            values = [8.0, 20.0, 12.0] if coder.decoupled_code else 2.0 if name.endswith("NONE") else 25.0
            coder.threshold.copy_(torch.tensor(values))
        folder = HERE / "crosscoders" / name
        folder.mkdir(parents=True, exist_ok=True)
        kind = type(coder).__name__
        if name == "hub":
            coder.save_pretrained(folder)
            (folder / "README.md").unlink(missing_ok=True)
            loaded = CrossCoder.from_pretrained(str(folder), from_hub=True)
        else:
            trainer = {"trainer_class": f"{kind}Trainer", "dict_class": kind, "activation_dim": D_IN}
            trainer |= {"dict_size": N_LATENTS, "layer": 1, "lm_name": "small-it-small", "submodule_name": None}
            trainer |= {"code_normalization": str(coder.code_normalization), "code_normalization_alpha_sae": 1.0}
            trainer |= {"code_normalization_alpha_cc": 0.1, "target_rms": 1.0}
            torch.save(coder.state_dict(), folder / "ae.pt")
            (folder / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": {}}, indent=4))
            loaded = getattr(sys.modules[type(coder).__module__], kind).from_pretrained(str(folder / "ae.pt"))
        x = activations(N_TOKENS, coder.num_layers, D_IN)
        with torch.no_grad():
            encoded = loaded.encode(x)
            whole = encoded.amax(dim=1) if encoded.ndim == 3 else encoded  # decoupled: an activation for each place
            silent = loaded.decode(torch.zeros_like(whole))
            expected = {"x": x, "encoded": whole, "written": loaded.decode(whole) - silent}
        save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")


def circuit_tracer() -> None:
    """A set of transcoders with a skip connection, of three layers, and a cross-layer transcoder of three."""
    from circuit_tracer.transcoder.activation_functions import JumpReLU
    from circuit_tracer.transcoder.cross_layer_transcoder import CrossLayerTranscoder, load_clt
    from circuit_tracer.transcoder.single_layer_transcoder import SingleLayerTranscoder, load_transcoder_set

    x = activations(3, N_TOKENS, D_IN)
    config: dict[str, Any] = {"model_name": "small", "feature_input_hook": "mlp.hook_in"}
    config |= {"feature_output_hook": "hook_mlp_out", "scan": "small-set"}
    functions: list[Any]
    for name, functions in (("relu", [torch.nn.functional.relu] * 3), ("jumprelu", [None] * 3)):
        folder = HERE / "circuit_tracer" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(config | {"model_kind": "transcoder_set"}))
        for layer, function in enumerate(functions):
            rule = function or JumpReLU(torch.rand(N_LATENTS, generator=torch.Generator().manual_seed(layer)) * 3)
            coder = SingleLayerTranscoder(
                *(D_IN, N_LATENTS, rule, layer), skip_connection=name == "relu", dtype=torch.float32
            )
            thresholds = rule.threshold.detach().clone() if isinstance(rule, JumpReLU) else None
            randomise(coder, layer)
            if thresholds is not None:
                rule.threshold.data.copy_(thresholds)
            coder.to_safetensors(str(folder / f"layer_{layer}.safetensors"))
        paths = {layer: str(folder / f"layer_{layer}.safetensors") for layer in range(3)}
        loaded = load_transcoder_set(paths, "small-set", "mlp.hook_in", "hook_mlp_out", device=torch.device("cpu"))
        with torch.no_grad():
            encoded = loaded.encode(x)
            decoded = loaded.decode(encoded, x)
        save_file({"x": x, "encoded": encoded, "decoded": decoded}, folder / "expected.safetensors")
    for name, rule in (("clt_relu", "relu"), ("clt_jumprelu", "jump_relu")):
        folder = HERE / "circuit_tracer" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.yaml").write_text(yaml.safe_dump(config | {"model_kind": "cross_layer_transcoder"}))
        clt = CrossLayerTranscoder(3, N_LATENTS, D_IN, rule, lazy_decoder=False, dtype=torch.float32)
        randomise(clt, 7)
        if rule == "jump_relu":
            clt.activation_function.threshold.data.abs_()
        clt.to_safetensors(str(folder))
        loaded = load_clt(str(folder), device=torch.device("cpu"), dtype=torch.float32, lazy_decoder=False)
        with torch.no_grad():
            encoded = loaded.encode(x)
            decoded = loaded.decode(encoded)
        save_file({"x": x, "encoded": encoded, "decoded": decoded}, folder / "expected.safetensors")


def llamascopium() -> None:
    """SAEs, transcoders, crosscoders, a cross-layer transcoder: by `save_pretrained` and `save_hyperparameters`."""
    from llamascopium.models.clt import CLTConfig, CrossLayerTranscoder
    from llamascopium.models.crosscoder import Crosscoder, CrosscoderConfig
    from llamascopium.models.sae import SAEConfig, SparseAutoEncoder
    from llamascopium.models.sparse_dictionary import SparseDictionary

    common: dict[str, Any] = {"d_model": D_IN, "expansion_factor": 2, "device": "cpu", "dtype": torch.float32}
    place = {"hook_point_in": "blocks.1.hook_resid_post", "hook_point_out": "blocks.1.hook_resid_post"}
    mlp = {"hook_point_in": "blocks.1.ln2.hook_normalized", "hook_point_out": "blocks.1.hook_mlp_out"}
    norms = {hook: 3.0 + number for number, hook in enumerate(dict.fromkeys([*place.values(), *mlp.values()]))}
    settings: dict[str, dict[str, Any]] = {
        "relu": place | {"act_fn": "relu", "norm_activation": "dataset-wise"},
        "topk": place | {"act_fn": "topk", "top_k": 3, "norm_activation": "token-wise"},
        "jumprelu": place | {"act_fn": "jumprelu", "norm_activation": "inference", "use_decoder_bias": False},
        "plain": place | {"act_fn": "jumprelu", "norm_activation": "inference", "sparsity_include_decoder_norm": False},
        "transcoder": mlp | {"act_fn": "jumprelu", "norm_activation": "dataset-wise"},
    }
    x = activations(N_TOKENS, D_IN)
    for seed, (name, options) in enumerate(settings.items()):
        folder = HERE / "llamascopium" / name
        folder.mkdir(parents=True, exist_ok=True)
        cfg = SAEConfig(**common, **options)
        coder = SparseAutoEncoder(cfg)
        randomise(coder, seed)
        coder.set_dataset_average_activation_norm({hook: norms[hook] for hook in cfg.associated_hook_points})
        coder.save_pretrained(folder)
        cfg.save_hyperparameters(folder)
        (folder / "lm_config.json").write_text(json.dumps({"model_name": "small", "prepend_bos": True}, indent=4))
        loaded: Any = SparseDictionary.from_pretrained(str(folder))
        with torch.no_grad():
            batch, factors = loaded.normalize_activations({cfg.hook_point_in: x}, return_scale_factor=True)
            encoded = loaded.encode(batch[cfg.hook_point_in])
            factor = factors[cfg.hook_point_in]
            if cfg.hook_point_out != cfg.hook_point_in:
                factor = loaded.compute_norm_factor(x, cfg.hook_point_out)
            decoded = loaded.decode(encoded) / factor
        save_file({"x": x, "encoded": encoded, "decoded": decoded.contiguous()}, folder / "expected.safetensors")
    for name, options in {
        "crosscoder_relu": {"act_fn": "relu", "norm_activation": "inference"},
        "crosscoder_jumprelu": {"act_fn": "jumprelu", "norm_activation": "inference"},
        "crosscoder_topk": {"act_fn": "topk", "top_k": 2, "norm_activation": "dataset-wise"},
    }.items():
        folder = HERE / "llamascopium" / name
        folder.mkdir(parents=True, exist_ok=True)
        cfg = CrosscoderConfig(**common, hook_points=[f"blocks.{n}.hook_resid_post" for n in (1, 3)], **options)
        crosscoder = Crosscoder(cfg)
        randomise(crosscoder, 10)
        if name == "crosscoder_jumprelu":
            crosscoder.activation_function.log_jumprelu_threshold.data.clamp_(0.5, 2)
        norms = {hook: 3.0 + number for number, hook in enumerate(cfg.hook_points)}
        crosscoder.set_dataset_average_activation_norm(norms)
        crosscoder.save_pretrained(folder)
        cfg.save_hyperparameters(folder)
        loaded = SparseDictionary.from_pretrained(str(folder))
        places = activations(N_TOKENS, 2, D_IN)
        with torch.no_grad():
            batch = loaded.normalize_activations({hook: places[:, i] for i, hook in enumerate(cfg.hook_points)})
            by_place = loaded.encode(loaded.prepare_input(batch)[0])
            encoded = by_place.amax(dim=-2)  # as llamascopium's FeatureAnalyzer takes it
            decoded = loaded.decode(encoded[:, None].expand_as(by_place)) - loaded.b_D
            factors = [loaded.compute_norm_factor(places[:, i], hook) for i, hook in enumerate(cfg.hook_points)]
            written = torch.stack([decoded[:, i] / factor for i, factor in enumerate(factors)], dim=1)
        save_file({"x": places, "encoded": encoded, "written": written}, folder / "expected.safetensors")
    for name, options in {
        "clt_jumprelu": {"act_fn": "jumprelu", "norm_activation": "inference"},
        "clt_topk": {"act_fn": "topk", "top_k": 3, "norm_activation": "dataset-wise"},
    }.items():
        folder = HERE / "llamascopium" / name
        folder.mkdir(parents=True, exist_ok=True)
        hooks = {
            "hook_points_in": [f"blocks.{layer}.hook_resid_mid" for layer in range(3)],
            "hook_points_out": [f"blocks.{layer}.hook_mlp_out" for layer in range(3)],
        }
        cfg = CLTConfig(**common, **hooks, **options)
        clt = CrossLayerTranscoder(cfg)
        randomise(clt, 9)
        norms = {hook: 3.0 + number for number, hook in enumerate(cfg.associated_hook_points)}
        clt.set_dataset_average_activation_norm(norms)
        clt.save_pretrained(folder)
        cfg.save_hyperparameters(folder)
        loaded = SparseDictionary.from_pretrained(str(folder))
        layers = activations(3, N_TOKENS, D_IN)
        with torch.no_grad():
            batch = {hook: layers[layer] for layer, hook in enumerate(cfg.hook_points_in)}
            batch = loaded.normalize_activations(batch)
            encoded = loaded.encode(torch.stack([batch[hook] for hook in cfg.hook_points_in], dim=1))
            decoded = loaded.decode(encoded)
            factors = [loaded.compute_norm_factor(x, hook) for hook in cfg.hook_points_out]
            decoded = torch.stack([part / factor for part, factor in zip(decoded, factors, strict=True)])
        encoded = encoded.transpose(0, 1).contiguous()
        save_file({"x": layers, "encoded": encoded, "decoded": decoded}, folder / "expected.safetensors")


if __name__ == "__main__":
    sys.meta_path.append(_EmptyModules())
    for library in (dictionary_learning, crosscoders, circuit_tracer, llamascopium):
        for module in [name for name in sys.modules if name.partition(".")[0] == "dictionary_learning"]:
            del sys.modules[module]  # two libraries have this name
        sys.path.insert(0, str(Path(sys.argv[1]) / library.__name__))
        if not sys.argv[2:] or library.__name__ in sys.argv[2:]:
            library()
