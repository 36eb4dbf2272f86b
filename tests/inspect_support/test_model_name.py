"""Tests of the names that logs give to models."""

import json
from typing import Any

import pytest
from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec
from inspect_ai.model import GenerateConfig, Model, ModelAPI, get_model

from inspect_autointerp.inspect_support.model_name import model_name, telling_arguments, unsampled_name
from inspect_autointerp.leaderboard.load.log_entry import _explainer


def named(config: GenerateConfig | None = None, **arguments: Any) -> Model:
    api: ModelAPI = get_model("mockllm/model", memoize=False).api
    return Model(api, config or GenerateConfig(), arguments)


def test_model_name_sampling_and_greedy_differ() -> None:
    greedy, sampled = named(do_sample=False), named(do_sample=True)
    assert model_name(greedy) == 'mockllm/model {"do_sample": false}'
    assert model_name(greedy) != model_name(sampled)
    assert model_name(named(GenerateConfig(max_tokens=40, max_retries=3))) == 'mockllm/model {"max_tokens": 40}'
    assert (
        unsampled_name(named(GenerateConfig(max_tokens=40), dtype="bfloat16")) == 'mockllm/model {"dtype": "bfloat16"}'
    )
    assert model_name(named()) == "mockllm/model"


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "token", "hf_token", "auth_header", "default_headers", "client_secret", "azure_ad_token",
     "base_url", "azure_endpoint", "http_client", "user", "project_id", "extra_headers", "aws_secret_access_key"],
)  # fmt: skip
def test_model_name_secret_arguments_are_left_out(name: str) -> None:
    assert telling_arguments({name: "hunter2", "nested": {name: "hunter2"}, "many": [{name: "hunter2"}]}) == {
        "nested": {}, "many": [{}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "value", ["sk-abcdefghijklmnopqrstuv", "https://me:pw@host/v1", "hf_abcdefghijklmnopqrst", "a1" * 20]
)
def test_model_name_values_like_secrets_are_hidden(value: str) -> None:
    told = json.dumps(telling_arguments({"mode": value, "modes": [value]}))
    assert value not in told
    assert "(hidden)" in told


def test_model_name_where_it_runs_is_left_out() -> None:
    places = {"device": "cuda:3", "device_map": "auto", "cache_dir": "/c", "batch_size": 8, "timeout": 3, "port": 8000}
    assert telling_arguments(places) == {}
    assert telling_arguments({"tokenizer": "t", "tokenizer_path": "/home/me/tok"}) == {
        "tokenizer": "t", "tokenizer_path": "tok",
    }  # fmt: skip
    assert telling_arguments({"model_path": "/data/Meta-Llama-3-70B-Instruct-finetuned-2024/"}) == {
        "model_path": "Meta-Llama-3-70B-Instruct-finetuned-2024"
    }
    assert telling_arguments({"config": object(), "outputs": print}) == {"config": "object"}


def test_model_name_headers_of_settings_are_left_out() -> None:
    config = GenerateConfig(extra_headers={"Authorization": "hunter2"}, extra_body={"top_a": 0.1, "api_key": "hunter2"})
    assert model_name(named(config)) == 'mockllm/model {"extra_body": {"top_a": 0.1}}'


def test_leaderboard_explainer_is_named_with_its_arguments() -> None:
    def label(**arguments: Any) -> str:
        log = EvalLog(
            eval=EvalSpec(
                created="2026-01-01T00:00:00+00:00", task="detection", dataset=EvalDataset(), config=EvalConfig(),
                model="hf/small", model_args=arguments,
                model_generate_config=GenerateConfig(temperature=0.5, max_connections=3, extra_headers={"x": "hidden"}),
            )
        )  # fmt: skip
        return _explainer(log)[0]

    assert label(do_sample=False, device="cpu", api_key="hunter2") == "hf/small · do_sample=no · temperature=0.5"
    assert label() == "hf/small · temperature=0.5"
