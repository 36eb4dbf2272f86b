"""Names of places in the subject, and the tensors found there, against the full model run plainly."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.hookpoints import Side, label, layer_of, resolve
from inspect_autointerp.prep.subject import Hookpoint, Subject

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
    layer: str
    mlp: str
    """Whose output the layer adds to the residual stream."""
    projection: str
    """Whose input are the neurons' activations."""
    before_mlp: str
    """The norm whose input is the residual stream between attention and MLP (of GPT-NeoX, the attention)."""


LLAMA = ("layers.%d", "layers.%d.mlp", "layers.%d.mlp.down_proj", "layers.%d.post_attention_layernorm")
GEMMA = (
    "layers.%d", "layers.%d.post_feedforward_layernorm", "layers.%d.mlp.down_proj",
    "layers.%d.pre_feedforward_layernorm",
)  # fmt: skip
FAMILIES = [
    Family("gpt2", GPT2, "h.%d", "h.%d.mlp", "h.%d.mlp.c_proj", "h.%d.ln_2"),
    Family("gpt_neox", NEOX, "layers.%d", "layers.%d.mlp", "layers.%d.mlp.dense_4h_to_h", "layers.%d.attention"),
    Family("llama", RMS, *LLAMA),
    Family("mistral", RMS, *LLAMA),
    Family("qwen2", RMS, *LLAMA),
    Family("qwen3", RMS, *LLAMA),
    Family("gemma2", RMS, *GEMMA),
    Family("gemma3_text", RMS | {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"] * 2}
           | {"num_hidden_layers": 4}, *GEMMA),
]  # fmt: skip


class Full(NamedTuple):
    """A random model, as saved and as it stands in memory."""

    family: Family
    folder: Path
    model: Any
    ids: Tensor

    def modules(self, *paths: str) -> dict[str, tuple[Tensor, Tensor]]:
        """What goes into and comes out of modules in a plain forward pass of the whole model."""
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


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda family: family.model_type)
def full(request: pytest.FixtureRequest, subject_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Full:
    from transformers import AutoConfig, AutoModelForCausalLM

    family: Family = request.param
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(family.model_type, **family.config)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)  # norms and biases too: left at 1 and 0 they would hide where they stand
    folder = tmp_path_factory.mktemp(family.model_type)
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(subject_folder / name, folder)
    return Full(family, folder, model, torch.randint(1, 600, (2, 12)))


def activations(subject: Subject, ids: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    subject.run(ids, lambda hookpoint, value: found.__setitem__(hookpoint.name, value.clone()))
    return found


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.model_type)
def test_transformer_lens_names_stand_for_module_paths(family: Family) -> None:
    table: dict[str, tuple[str, Side]] = {
        "blocks.7.hook_resid_pre": (family.layer % 7, "input"),
        "blocks.7.hook_resid_post": (family.layer % 7, "output"),
        "blocks.7.hook_mlp_out": (family.mlp % 7, "output"),
        "blocks.7.mlp.hook_post": (family.projection % 7, "input"),
    }
    assert {name: resolve(name, family.model_type) for name in table} == table


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


def test_an_unknown_transformer_lens_name_is_refused() -> None:
    message = r"^hookpoint blocks\.1\.attn\.hook_z: this TransformerLens name is not known; give the module's path$"
    with pytest.raises(UserError, match=message):
        resolve("blocks.1.attn.hook_z", "llama")


def test_transformer_lens_names_of_an_unknown_family_are_refused() -> None:
    message = r"^hookpoint blocks\.1\.hook_mlp_out: TransformerLens names are not known for opt models; give the module"
    with pytest.raises(UserError, match=message):
        resolve("blocks.1.hook_mlp_out", "opt")


def test_an_unknown_side_is_refused() -> None:
    with pytest.raises(UserError, match=r"^hookpoint layers\.1:inptu: after the colon stands `input` or `output`$"):
        resolve("layers.1:inptu", "llama")


@pytest.mark.parametrize("name", ["layers.9", "layers.1.mpl", "layer.1"])
def test_an_unknown_path_is_refused_with_what_there_is(subject_folder: Path, name: str) -> None:
    there = r"embed_tokens, .*layers\.0\.mlp, .*layers\.0\.mlp\.down_proj, .*, and the same for layers 0 to 3$"
    with pytest.raises(UserError, match=rf"^no hookpoint '{name}' in {subject_folder}; there are {there}"):
        Subject(str(subject_folder), [name])


def test_the_residual_stream_is_that_of_the_full_model_though_the_subject_ends_before(full: Full) -> None:
    subject = Subject(
        str(full.folder), ["blocks.0.hook_resid_pre", "blocks.1.hook_resid_pre", "blocks.1.hook_resid_post"]
    )
    layer = full.family.layer
    found = activations(subject, full.ids)
    hidden = full.model(full.ids, output_hidden_states=True).hidden_states
    assert torch.equal(found[f"{layer % 0}:input"], hidden[0])
    assert torch.equal(found[f"{layer % 1}:input"], hidden[1])
    assert torch.equal(found[layer % 1], hidden[2])
    with pytest.raises(AttributeError):  # two layers were loaded, and no third
        subject._base.get_submodule(layer % 2)


def test_the_last_layer_is_read_before_the_final_norm(full: Full) -> None:
    last = full.model.config.num_hidden_layers - 1
    path = full.family.layer % last
    found = activations(Subject(str(full.folder), [f"blocks.{last}.hook_resid_post"]), full.ids)[path]
    assert torch.equal(found, full.modules(path)[path][1])
    hidden = full.model(full.ids, output_hidden_states=True).hidden_states[-1]
    assert not torch.allclose(found, hidden)


def test_the_mlp_is_read_where_its_output_is_added_to_the_residual_stream(full: Full) -> None:
    layer, mlp, before = full.family.layer % 1, full.family.mlp % 1, full.family.before_mlp % 1
    found = activations(Subject(str(full.folder), ["blocks.1.hook_mlp_out", "blocks.1.hook_resid_post"]), full.ids)
    plain = full.modules(layer, mlp, before)
    assert torch.equal(found[mlp], plain[mlp][1])
    # GPT-NeoX adds attention and MLP to the same stream; in the others the MLP comes after.
    middle = plain[layer][0] + plain[before][1] if full.family.model_type == "gpt_neox" else plain[before][0]
    torch.testing.assert_close(middle + found[mlp], found[layer])


def test_the_neurons_are_read_before_the_projection_out_of_the_mlp(full: Full) -> None:
    path = full.family.projection % 1
    found = activations(Subject(str(full.folder), ["blocks.1.mlp.hook_post"]), full.ids)[f"{path}:input"]
    given, out = full.modules(path)[path]
    assert torch.equal(found, given)
    with torch.inference_mode():
        assert torch.equal(full.model.base_model.get_submodule(path)(found), out)


def test_the_unembedding_is_what_a_direction_does_to_the_logits(full: Full) -> None:
    # The final norm divides a vector (here of mean 0) by its length and multiplies it by its weight; a LayerNorm then
    # adds a bias.
    unembedding = Subject(str(full.folder), [full.family.layer % 0]).unembedding()
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


def test_hookpoints_are_received_in_the_order_of_the_model(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.2", "layers.0.mlp", "layers.0:input", "embed_tokens"])
    received: list[Hookpoint] = []
    subject.run(torch.zeros((1, 4), dtype=torch.int64), lambda hookpoint, _: received.append(hookpoint))
    assert [h.name for h in received] == ["embed_tokens", "layers.0:input", "layers.0.mlp", "layers.2"]


def test_padding_at_the_end_changes_nothing_before_it(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.2"])
    ids = torch.arange(1, 21)[None].repeat(2, 1)
    ids[1, 12:] = 0
    found = activations(subject, ids)["layers.2"]
    assert torch.equal(found[0, :12], found[1, :12])
    assert not torch.allclose(found[0, 12:], found[1, 12:])


def test_nothing_stays_hooked_after_a_pass_even_if_it_fails(subject_folder: Path) -> None:
    subject = Subject(str(subject_folder), ["layers.0", "layers.1.mlp:input"])

    def fail(*_: Any) -> None:
        raise UserError("no")

    with pytest.raises(UserError, match=r"^no$"):
        subject.run(torch.zeros((1, 4), dtype=torch.int64), fail)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in subject._base.modules())
