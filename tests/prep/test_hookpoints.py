"""Names of places in the subject, and the tensors found there, against the full model run plainly."""

import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.hookpoints import Side, label, layer_of, resolve, transformer_lens_name
from inspect_autointerp.prep.subject.places import Hookpoint
from inspect_autointerp.prep.subject.subject import Subject

RMS = {
    "vocab_size": 600, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 8, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip
NEOX = {key: value for key, value in RMS.items() if key not in ("num_key_value_heads", "head_dim")}
GPT2 = {"vocab_size": 600, "n_embd": 16, "n_layer": 3, "n_head": 2, "bos_token_id": 0, "eos_token_id": 0}


class Family(NamedTuple):
    """A model type, a small configuration of it, and where its places are (`%d` stands for the layer)."""

    model_type: str
    config: dict[str, Any]
    places: dict[str, str]
    """By TransformerLens's name under the block."""

    def at(self, name: str, layer: int) -> str:
        """The name in the store of `blocks.LAYER.NAME`."""
        return self.places[name] % layer

    @property
    def parallel(self) -> bool:
        """Return whether attention and MLP read the same stream."""
        return "hook_resid_mid" not in self.places


LLAMA = {
    "hook_resid_pre": "layers.%d:input",
    "attn.hook_z": "layers.%d.self_attn.o_proj:input",
    "hook_attn_out": "layers.%d.self_attn",
    "hook_resid_mid": "layers.%d.post_attention_layernorm:input",
    "mlp.hook_in": "layers.%d.mlp:input",
    "mlp.hook_post": "layers.%d.mlp.down_proj:input",
    "hook_mlp_out": "layers.%d.mlp",
    "hook_resid_post": "layers.%d",
}
GEMMA = LLAMA | {
    "hook_attn_out": "layers.%d.post_attention_layernorm",
    "hook_resid_mid": "layers.%d.pre_feedforward_layernorm:input",
    "hook_mlp_out": "layers.%d.post_feedforward_layernorm",
}
GPT_2 = {
    "hook_resid_pre": "h.%d:input",
    "attn.hook_z": "h.%d.attn.c_proj:input",
    "hook_attn_out": "h.%d.attn",
    "hook_resid_mid": "h.%d.ln_2:input",
    "mlp.hook_in": "h.%d.mlp:input",
    "mlp.hook_post": "h.%d.mlp.c_proj:input",
    "hook_mlp_out": "h.%d.mlp",
    "hook_resid_post": "h.%d",
}
GPT_NEOX = {
    "hook_resid_pre": "layers.%d:input",
    "attn.hook_z": "layers.%d.attention.dense:input",
    "hook_attn_out": "layers.%d.attention",
    "mlp.hook_in": "layers.%d.mlp:input",
    "mlp.hook_post": "layers.%d.mlp.dense_4h_to_h:input",
    "hook_mlp_out": "layers.%d.mlp",
    "hook_resid_post": "layers.%d",
}
FAMILIES = [
    Family("gpt2", GPT2, GPT_2),
    Family("gpt_neox", NEOX, GPT_NEOX),
    Family("llama", RMS, LLAMA),
    Family("mistral", RMS, LLAMA),
    Family("qwen2", RMS, LLAMA),
    Family("qwen3", RMS, LLAMA),
    Family("gemma", RMS, LLAMA),
    Family("gemma2", RMS, GEMMA),
    Family("gemma3_text", RMS | {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"] * 2}
           | {"num_hidden_layers": 4}, GEMMA),
]  # fmt: skip


class Full(NamedTuple):
    """A random model, as saved and as it stands in memory."""

    family: Family
    folder: Path
    model: Any
    ids: Tensor

    def modules(self, *paths: str) -> dict[str, tuple[Tensor, Tensor]]:
        """Return what goes into and comes out of modules in a plain forward pass of the whole model."""
        seen: dict[str, tuple[Tensor, Tensor]] = {}

        def note(path: str, args: tuple, kwargs: dict, out: Tensor | tuple) -> None:
            given = args[0] if args else kwargs["hidden_states"]
            seen[path] = given, out[0] if isinstance(out, tuple) else out

        handles = [
            self.model.base_model.get_submodule(path).register_forward_hook(
                lambda _, args, kwargs, out, path=path: note(path, args, kwargs, out), with_kwargs=True
            )
            for path in paths
        ]
        with torch.no_grad():
            self.model(self.ids)
        for handle in handles:
            handle.remove()
        return seen


def random_model(model_type: str, config: dict[str, Any], folder: Path, tokenizer: Path) -> Any:
    """Save a random model, with the tokenizer of another folder."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **config)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)  # norms and biases too: left at 1 and 0 they would hide where they stand
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    return model


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model_type)
def full(request: pytest.FixtureRequest, subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Full:
    family: Family = request.param
    folder = tmp_path_factory.mktemp(family.model_type)
    model = random_model(family.model_type, family.config, folder, subject_folder)
    return Full(family, folder, model, torch.randint(1, 600, (2, 12)))


def activations(subject: Subject, ids: Tensor) -> dict[str, Tensor]:
    by_place: dict[str, Tensor] = {}
    subject.run(ids, lambda hookpoint, value: by_place.__setitem__(hookpoint.name, value.clone()))
    return by_place


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_type)
def test_transformer_lens_names_stand_for_module_paths_and_back(family: Family) -> None:
    for name in family.places:
        place = resolve(f"blocks.7.{name}", family.model_type)
        assert label(*place) == family.at(name, 7)
        assert transformer_lens_name(*place, family.model_type) == f"blocks.7.{name}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("layers.12", ("layers.12", "output"), id="path"),
        pytest.param("model.layers.12.mlp", ("layers.12.mlp", "output"), id="llama-prefix"),
        pytest.param("transformer.h.3", ("h.3", "output"), id="gpt2-prefix"),
        pytest.param("gpt_neox.layers.3", ("layers.3", "output"), id="neox-prefix"),
        pytest.param("layers.12.mlp.down_proj:input", ("layers.12.mlp.down_proj", "input"), id="input"),
        pytest.param("layers.12:output", ("layers.12", "output"), id="output"),
        pytest.param("embed_tokens", ("embed_tokens", "output"), id="outside-the-layers"),
        pytest.param("model.layers.12.output", ("layers.12", "output"), id="gemma-scope-2-residual-stream"),
        pytest.param(
            "model.layers.12.self_attn.o_proj.input", ("layers.12.self_attn.o_proj", "input"), id="gemma-scope-2-heads"
        ),
        pytest.param("encoder.output", ("encoder.output", "output"), id="a-module-called-output"),
    ],
)
def test_a_module_path_stands_for_itself_below_the_base_model(name: str, expected: tuple[str, Side]) -> None:
    assert resolve(name, "anything") == expected


def test_a_label_leaves_out_the_output_and_is_a_name_again() -> None:
    assert label("layers.1", "output") == "layers.1"
    assert label("layers.1", "input") == "layers.1:input"
    assert resolve("layers.1:input", "llama") == ("layers.1", "input")


@pytest.mark.parametrize(
    ("path", "layer"),
    [("layers.12", 12), ("h.3.mlp.c_proj", 3), ("embed_tokens", None), ("norm", None), ("layers", None)],
)
def test_the_layer_of_a_path(path: str, layer: int | None) -> None:
    assert layer_of(path) == layer


@pytest.mark.parametrize(
    ("name", "model_type", "message"),
    [
        ("blocks.1.attn.hook_q", "llama", r"unknown TransformerLens name; give the module's path \("),
        ("hook_embed", "llama", r"unknown TransformerLens name; give the module's path \("),
        ("blocks.1", "llama", r"unknown TransformerLens name; give the module's path \("),
        (
            "blocks.1.hook_mlp_in", "gemma3_text",
            r"TransformerLens means the residual stream by it, and Gemma Scope 2 what the MLP reads;"
            r" give blocks\.1\.hook_resid_mid or blocks\.1\.mlp\.hook_in$",
        ),
        (
            "blocks.1.ln2.hook_normalized", "gemma2",
            r"it leaves out the norm's weight, and no module gives that; blocks\.1\.mlp\.hook_in is what the MLP reads",
        ),
        (
            "blocks.1.hook_resid_mid", "gpt_neox",
            r"attention and MLP of gpt_neox models run side by side, with nothing between them \(in the few with"
            r" use_parallel_residual off it is layers\.1\.post_attention_layernorm:input\)$",
        ),
    ],
)  # fmt: skip
def test_a_transformer_lens_name_without_such_a_place_is_refused(name: str, model_type: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^hookpoint {re.escape(name)}: {message}"):
        resolve(name, model_type)


def test_transformer_lens_names_of_an_unknown_family_are_refused() -> None:
    message = r"^hookpoint blocks\.1\.hook_mlp_out: TransformerLens names are unknown for opt models; give the module"
    with pytest.raises(UserError, match=message):
        resolve("blocks.1.hook_mlp_out", "opt")


def test_an_unknown_side_is_refused() -> None:
    with pytest.raises(UserError, match=r"^hookpoint layers\.1:inptu: give `input` or `output` after the colon$"):
        resolve("layers.1:inptu", "llama")


def test_resolve_of_a_module_s_own_path_means_that_module() -> None:
    modules = {name: name for name in ("layers.0", "layers.0.output", "blocks.0.norm", "transformer.h.0")}
    assert resolve("layers.0.output", "llama", modules) == ("layers.0.output", "output")
    assert resolve("layers.0.output:input", "llama", modules) == ("layers.0.output", "input")
    assert resolve("blocks.0.norm:input", "mpt", modules) == ("blocks.0.norm", "input")
    assert resolve("transformer.h.0", "gpt2", modules) == ("transformer.h.0", "output")
    assert resolve("layers.0.input", "llama", modules) == ("layers.0", "input")  # as Gemma Scope 2 has it
    assert resolve("model.layers.0", "llama", {"model.layers.0": "layers.0"}) == ("layers.0", "output")


@pytest.mark.parametrize("name", ["layers.9", "layers.1.mpl", "layer.1"])
def test_an_unknown_path_is_refused_with_what_there_is(subject_folder: Path, name: str) -> None:
    there = r"embed_tokens, .*layers\.0\.mlp, .*layers\.0\.mlp\.down_proj, .*, and the same for layers 0 to 3$"
    with pytest.raises(UserError, match=rf"^no hookpoint '{name}' in {subject_folder}; there are {there}"):
        Subject(str(subject_folder), [name])


def test_residual_stream_is_that_of_the_full_model(full: Full) -> None:
    at = full.family.at
    subject = Subject(
        str(full.folder), ["blocks.0.hook_resid_pre", "blocks.1.hook_resid_pre", "blocks.1.hook_resid_post"]
    )
    read = activations(subject, full.ids)
    hidden = full.model(full.ids, output_hidden_states=True).hidden_states
    assert torch.equal(read[at("hook_resid_pre", 0)], hidden[0])
    assert torch.equal(read[at("hook_resid_pre", 1)], hidden[1])
    assert torch.equal(read[at("hook_resid_post", 1)], hidden[2])
    third = subject.base.get_submodule(at("hook_resid_post", 2))
    assert not list(third.parameters())  # two layers were loaded, and no third


def test_the_last_layer_is_read_before_the_final_norm(full: Full) -> None:
    last = full.model.config.num_hidden_layers - 1
    path = full.family.at("hook_resid_post", last)
    read = activations(Subject(str(full.folder), [f"blocks.{last}.hook_resid_post"]), full.ids)[path]
    assert torch.equal(read, full.modules(path)[path][1])
    hidden = full.model(full.ids, output_hidden_states=True).hidden_states[-1]
    assert not torch.allclose(read, hidden)


def test_every_hookpoint_is_that_of_the_full_model(full: Full) -> None:
    places = {name: full.family.at(name, 1) for name in full.family.places}
    read = activations(Subject(str(full.folder), [f"blocks.1.{name}" for name in places]), full.ids)
    plain = full.modules(*{place.removesuffix(":input") for place in places.values()})
    assert set(read) == set(places.values())
    for place in places.values():
        given, out = plain[place.removesuffix(":input")]
        assert torch.equal(read[place], given if place.endswith(":input") else out), place


def test_what_the_places_are_in_terms_of_each_other(full: Full) -> None:
    family = full.family
    place = {name: family.at(name, 1) for name in family.places}
    by_name = activations(Subject(str(full.folder), [f"blocks.1.{name}" for name in place]), full.ids)
    value = {name: by_name[place[name]] for name in place}

    def through(path: str, x: Tensor) -> Tensor:
        with torch.inference_mode():
            return full.model.base_model.get_submodule(path.removesuffix(":input"))(x)

    middle = value["hook_resid_pre"] + value["hook_attn_out"]
    torch.testing.assert_close(middle + value["hook_mlp_out"], value["hook_resid_post"])
    if family.parallel:
        read = through("layers.1.post_attention_layernorm", value["hook_resid_pre"])
    else:
        torch.testing.assert_close(value["hook_resid_mid"], middle)
        read = through(place["hook_resid_mid"], middle)
    torch.testing.assert_close(value["mlp.hook_in"], read)
    attention = through(place["attn.hook_z"], value["attn.hook_z"])
    mlp = through(place["mlp.hook_in"], value["mlp.hook_in"])
    torch.testing.assert_close(mlp, through(place["mlp.hook_post"], value["mlp.hook_post"]))
    if family.places is GEMMA:  # norms stand between them and the stream
        attention, mlp = through(place["hook_attn_out"], attention), through(place["hook_mlp_out"], mlp)
    torch.testing.assert_close(attention, value["hook_attn_out"])
    torch.testing.assert_close(mlp, value["hook_mlp_out"])


def test_the_places_are_those_of_transformer_lens(full: Full) -> None:
    bridge = pytest.importorskip("transformer_lens.model_bridge").TransformerBridge
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(full.folder, attn_implementation="eager")  # it knows no other
    with torch.no_grad():
        _, cache = bridge.boot_transformers(str(full.folder), hf_model=model, device="cpu").run_with_cache(full.ids)
    names = [f"blocks.{layer}.{name}" for layer in (0, 2) for name in full.family.places]
    read = activations(Subject(str(full.folder), names, attention="eager"), full.ids)
    for name in names:
        expected = cache[name].flatten(2)  # hook_z is split by head there
        torch.testing.assert_close(read[label(*resolve(name, full.family.model_type))], expected, msg=name)


def test_gpt_neox_stream_between_is_where_the_refusal_says(subject_folder: Path, tmp_path: Path) -> None:
    model = random_model("gpt_neox", NEOX | {"use_parallel_residual": False}, tmp_path, subject_folder)
    names = ["layers.1:input", "layers.1.attention", "layers.1.post_attention_layernorm:input"]
    ids = torch.randint(1, 600, (2, 12))
    pre, attention, middle = activations(Subject(str(tmp_path), names), ids).values()
    torch.testing.assert_close(pre + attention, middle)
    assert not model.config.use_parallel_residual


def test_the_unembedding_is_what_a_direction_does_to_the_logits(full: Full) -> None:
    # The final norm divides a vector (here of mean 0) by its length and multiplies it by its weight; a LayerNorm then
    # adds a bias.
    unembedding = Subject(str(full.folder), ["blocks.0.hook_resid_post"]).unembedding()
    assert unembedding is not None
    base, head = full.model.base_model, full.model.get_output_embeddings()
    norm = next(module for name, module in base.named_children() if name in ("norm", "ln_f", "final_layer_norm"))
    direction = torch.randn(16, generator=torch.Generator().manual_seed(0)) * 10
    direction -= direction.mean()
    length = direction.square().mean().sqrt()
    with torch.no_grad():
        logits = head(norm(direction)) - head(getattr(norm, "bias", torch.zeros(16)))
    torch.testing.assert_close(unembedding @ direction, logits * length, rtol=1e-3, atol=1e-3)


def test_of_a_model_that_also_sees_the_part_that_reads_is_the_subject(subject_folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, Gemma3Config

    text = next(family.config for family in FAMILIES if family.model_type == "gemma3_text")
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision |= {"image_size": 28, "patch_size": 14}
    config = Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(subject_folder / name, tmp_path)
    ids = torch.randint(1, 500, (2, 12))
    with torch.no_grad():
        hidden = model(ids, output_hidden_states=True).hidden_states
    for name in ("blocks.1.hook_resid_post", "layers.1", "model.language_model.layers.1"):
        subject = Subject(str(tmp_path), [name])
        assert torch.equal(activations(subject, ids)["layers.1"], hidden[2])
        assert subject.max_length == config.get_text_config().max_position_embeddings
        unembedding = subject.unembedding()
        assert unembedding is not None
        assert unembedding.shape == (600, 16)
    names = [f"blocks.1.{name}" for name in ("hook_resid_pre", "hook_attn_out", "hook_mlp_out")]
    read = activations(Subject(str(tmp_path), names), ids)
    torch.testing.assert_close(sum(read.values()), hidden[2])


def test_hookpoints_are_received_in_the_order_of_the_model(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.2", "layers.0.mlp", "layers.0:input", "embed_tokens"])
    received: list[Hookpoint] = []
    subject.run(torch.zeros((1, 4), dtype=torch.int64), lambda hookpoint, _: received.append(hookpoint))
    assert [h.name for h in received] == ["embed_tokens", "layers.0:input", "layers.0.mlp", "layers.2"]


def test_padding_at_the_end_changes_nothing_before_it(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.2"])
    ids = torch.arange(1, 21)[None].repeat(2, 1)
    ids[1, 12:] = 0
    read = activations(subject, ids)["layers.2"]
    assert torch.equal(read[0, :12], read[1, :12])
    assert not torch.allclose(read[0, 12:], read[1, 12:])


def test_nothing_stays_hooked_after_a_pass_even_if_it_fails(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.0", "layers.1.mlp:input"])

    def fail(*_: Any) -> None:
        raise UserError("no")

    with pytest.raises(UserError, match=r"^no$"):
        subject.run(torch.zeros((1, 4), dtype=torch.int64), fail)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in subject.base.modules())
