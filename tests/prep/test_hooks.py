"""`autointerp hooks`: what it lists is what prep finds in the model itself."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from inspect_autointerp import cli
from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.hookpoints import resolve
from inspect_autointerp.prep.subject.list_hookpoints import Place, places
from inspect_autointerp.prep.subject.subject import Subject

SMALL = {
    "vocab_size": 600, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2,
    "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip
GROUPED = SMALL | {"num_key_value_heads": 1, "head_dim": 8}
EXPERTS = {"moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2, "mlp_only_layers": [0]}
FAMILIES: list[Any] = [
    pytest.param("gpt2", {"vocab_size": 600, "n_embd": 16, "n_layer": 3, "n_head": 2}, [[0, 1, 2]], id="gpt2"),
    pytest.param("gpt_neox", SMALL, [[0, 1, 2]], id="gpt_neox"),
    pytest.param("llama", GROUPED, [[0, 1, 2]], id="llama"),
    pytest.param("gemma2", GROUPED, [[0, 1, 2]], id="gemma2"),
    pytest.param("gemma3_text", GROUPED, [[0, 1, 2]], id="gemma3"),
    pytest.param("qwen3", GROUPED, [[0, 1, 2]], id="qwen3"),
    pytest.param("qwen3_moe", GROUPED | EXPERTS, [[0], [1, 2]], id="the-first-layer-without-experts"),
    pytest.param("bloom", {"vocab_size": 600, "hidden_size": 16, "n_layer": 2, "n_head": 2}, [[0, 1]], id="bloom"),
]


def run(*arguments: str | Path) -> str:
    result = CliRunner(env={"COLUMNS": "100"}).invoke(cli.app, ["hooks", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def save(folder: Path, tokenizer: Path, model_type: str, config: dict[str, Any]) -> Path:
    from transformers import AutoConfig, AutoModelForCausalLM

    AutoModelForCausalLM.from_config(AutoConfig.for_model(model_type, **config)).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder)
    return folder


@pytest.mark.parametrize(("model_type", "config", "groups"), FAMILIES)
def test_every_place_listed_is_a_hookpoint_of_that_width(
    tmp_path: Path, subject_folder: Path, model_type: str, config: dict[str, Any], groups: list[list[int]]
) -> None:
    folder = save(tmp_path / "subject", subject_folder, model_type, config)
    listed, alike = places(str(folder))
    assert alike == groups
    assert len({place.name for place in listed}) == len(listed) > 10
    widths: dict[str, int] = {}
    subject = Subject(str(folder), [place.name for place in listed])
    ids = torch.zeros((1, 4), dtype=torch.int64)
    subject.run(ids, lambda hookpoint, value: widths.__setitem__(hookpoint.name, value.flatten(0, 1).shape[-1]))
    assert widths == {place.name: place.width for place in listed}
    for place in listed:
        if place.transformer_lens:
            assert resolve(place.transformer_lens, model_type) == resolve(place.name, model_type)


def test_nothing_but_the_configuration_is_read(tmp_path: Path, subject_folder: Path) -> None:
    shutil.copy(subject_folder / "config.json", tmp_path)
    assert places(str(tmp_path)) == places(str(subject_folder))


def test_the_places_of_the_subject(subject_folder: Path) -> None:
    listed, _ = places(str(subject_folder))
    assert {place for place in listed if place.transformer_lens} == {
        Place("layers.0:input", 32, "blocks.0.hook_resid_pre"),
        Place("layers.0", 32, "blocks.0.hook_resid_post"),
        Place("layers.0.self_attn.o_proj:input", 32, "blocks.0.attn.hook_z"),
        Place("layers.0.self_attn", 32, "blocks.0.hook_attn_out"),
        Place("layers.0.post_attention_layernorm:input", 32, "blocks.0.hook_resid_mid"),
        Place("layers.0.mlp:input", 32, "blocks.0.mlp.hook_in"),
        Place("layers.0.mlp", 32, "blocks.0.hook_mlp_out"),
        Place("layers.0.mlp.down_proj:input", 64, "blocks.0.mlp.hook_post"),
    }
    assert Place("layers.0.mlp.gate_proj", 64, None) in listed


def test_the_command_shows_them(subject_folder: Path) -> None:
    out = run(subject_folder)
    rows = [line.split() for line in out.splitlines()]
    assert ["layers.0.mlp.down_proj:input", "64", "blocks.0.mlp.hook_post"] in rows
    assert ["embed_tokens", "32"] in rows
    assert out.splitlines()[-1] == "The same in layers 1 to 3 as in layer 0."
    assert "layers.1" not in out


def test_the_demo_has_them_too_and_help_has_an_example() -> None:
    assert "blocks.0.mlp.hook_post" in run("demo")
    assert "Example: autointerp hooks google/gemma-2-2b" in run("--help")


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"^subject {tmp_path}: its configuration cannot be loaded \(.+\)$"):
        places(str(tmp_path))
