"""`-T judging=probability` with a model in memory through Inspect's provider, against plain transformers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model
from tests.tiny import MERGES, byte_level
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from inspect_autointerp.leaderboard.load.verdict_frame import verdict_frame
from inspect_autointerp.models.likelihood.chat_prompt import base_prompt
from inspect_autointerp.scorers.detection.probability_prompt import detection_question
from inspect_autointerp.scorers.intruder.prompt import intruder_messages
from inspect_autointerp.tasks import detection, intruder
from inspect_autointerp.text.render import visible

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}\n{% endfor %}<answer>"
)


@pytest.fixture(scope="module", params=[None, TEMPLATE], ids=["base", "chat"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama in float64, with room for the prompts; with a chat template or without."""
    folder = tmp_path_factory.mktemp("grader")
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=300, max_position_embeddings=4096,
    )  # fmt: skip
    model = LlamaForCausalLM(config).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    model.save_pretrained(folder)
    tokenizer = byte_level(True, MERGES)
    tokenizer.chat_template = request.param  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.save_pretrained(folder)
    return folder


def run(task: Any, folder: Path, logs: Path) -> Any:
    grader = get_model(f"hf/{folder}", device="cpu", memoize=False)
    explainer = "inspect_autointerp/lexical"
    [log] = inspect_eval(task, model=explainer, model_roles={"grader": grader}, log_dir=str(logs), display="none")
    assert log.status == "success", log.error
    return log


@pytest.mark.usefixtures("planted_store")
def test_probabilities_are_those_of_transformers(folder: Path, tmp_path: Path) -> None:
    judging = {"name": "probability", "tuning": 3}
    log = run(
        detection(store="planted", latents="0", judging=judging, test_activating=4, test_nonactivating=4),
        folder,
        tmp_path,
    )
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.float64
    rows = verdict_frame(log.location, store="planted")
    answer = log.samples[0].scores["detection"].answer
    assert len(rows) == 8
    for text, probability in zip(rows["text"], rows["probability"], strict=True):
        messages = detection_question(answer, visible(text))
        if tokenizer.chat_template is None:
            prompt, space = tokenizer.bos_token + base_prompt(messages), " "
        else:
            turns = [{"role": message.role, "content": message.text} for message in messages]
            prompt, space = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True), ""
        logprobs = []
        for label in "01":
            ids = tokenizer(prompt + space + label, return_tensors="pt", add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                every = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
            logprobs.append(float(every.gather(-1, ids[0, 1:, None]).sum()))
        expected = 1 / (1 + torch.tensor(logprobs[0] - logprobs[1]).exp().item())
        assert probability == pytest.approx(expected, abs=1e-5)
    again = run(
        detection(store="planted", latents="0", judging=judging, test_activating=4, test_nonactivating=4),
        folder,
        tmp_path / "again",
    )
    assert again.samples[0].scores["detection"].metadata == log.samples[0].scores["detection"].metadata


@pytest.mark.usefixtures("planted_store")
def test_intruder_is_the_likeliest_number(folder: Path, tmp_path: Path) -> None:
    log = run(intruder(store="planted", latents="0", judging="probability", questions=1), folder, tmp_path)
    score = log.samples[0].scores["intruder"]
    assert score.metadata["prompt"] == "intruder-probability/1"
    columns = score.metadata["verdicts"]
    questions = sorted(set(columns["question"]))
    assert questions
    for question in questions:
        rows = [i for i, number in enumerate(columns["question"]) if number == question]
        shares = [columns["probability"][i] for i in rows]
        assert sum(shares) == pytest.approx(1, abs=1e-8)
        assert [columns["label"][i] for i in rows] == [int(share == max(shares)) for share in shares]
    assert intruder_messages(["a"] * 5)[-1].role == "user"
