"""Tests of distinct architectures: prep takes what `autointerp hooks` lists, and finds there what the whole model has.

`python -m benchmarks.architectures` goes through all that transformers has.
"""

from pathlib import Path

import pytest
import torch
from benchmarks.architectures import look
from tests.small_models import save_small

from inspect_autointerp.errors import UserError
from inspect_autointerp.prep.subject.list_hookpoints import places
from inspect_autointerp.prep.subject.subject import Subject

FAMILIES = """
gpt2 gpt_neox llama gemma2 gemma3 gemma3n_text gemma4_text llama4_text qwen3_moe qwen3_next deepseek_v3 gpt_oss mamba
mamba2 falcon_mamba jamba bamba zamba zamba2 falcon_h1 nemotron_h recurrent_gemma minicpm3 rwkv mpt bloom opt bart bert
gpt_neox_japanese openai-gpt lfm2 olmo2 mixtral phi qwen3_5_text olmo3 phi3
"""
LOADED_WHOLE = {"zamba", "zamba2", "falcon_h1"}
"""Those that look at all their layers while they are built or loaded."""
UNNUMBERED = {"rwkv", "mpt", "opt", "bart", "bert"}
"""Those whose layers are called otherwise than `layers.N` or `h.N`: a pass ends at the hookpoint all the same."""
IDS = torch.arange(1, 15).reshape(2, 7)


@pytest.mark.parametrize("model_type", FAMILIES.split())
def test_places_of_an_architecture_are_read_as_in_the_whole_model(
    tmp_path: Path, subject_folder: Path, model_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    save_small(tmp_path, model_type, subject_folder)
    n_places, cut, difference = look(tmp_path)
    assert n_places > 10
    assert difference < 1e-5  # of activations of the order of 1
    assert cut == (model_type not in LOADED_WHOLE | UNNUMBERED)
    messages = [record.getMessage() for record in caplog.records if record.name.startswith("inspect_autointerp")]
    assert len(messages) == (model_type in LOADED_WHOLE)
    assert all("it does not run without the layers after layer 0 (" in line for line in messages)


def test_a_layer_of_several_streams_is_refused_in_one_line(tmp_path: Path, subject_folder: Path) -> None:
    save_small(tmp_path, "gemma3n_text", subject_folder)
    for name in ("layers.3", "layers.1:input"):
        message = (
            rf"^hookpoint {name}: it must be one vector per token, but {tmp_path} gives it in another shape; `auto"
        )
        with pytest.raises(UserError, match=message) as info:
            Subject(str(tmp_path), [name])
        assert "\n" not in str(info.value)
        assert name not in {place.name for place in places(str(tmp_path))[0]}


def test_a_module_that_runs_several_times_is_refused(tmp_path: Path, subject_folder: Path) -> None:
    save_small(tmp_path, "hrm_text", subject_folder)
    listed = {place.name for place in places(str(tmp_path))[0]}
    subject = Subject(str(tmp_path), sorted(listed))
    path = next(path for path, module in subject.base.named_modules() if path.endswith("layers.0.mlp"))
    assert path not in listed
    with pytest.raises(
        UserError, match=rf"^hookpoint {path}: it must be one vector per token, .* \d+ times in a pass;"
    ):
        Subject(str(tmp_path), [path])


def test_hooks_of_a_model_that_puts_tokens_first_lists_nothing(tmp_path: Path, subject_folder: Path) -> None:
    save_small(tmp_path, "xlnet", subject_folder)  # (token, chunk, d) throughout
    with pytest.raises(
        UserError, match=rf"^subject {tmp_path}: none of its modules reads or returns one vector per token"
    ):
        places(str(tmp_path))
