"""What logs call a model."""

import json
from typing import Any

import pytest
from inspect_ai.model import GenerateConfig, Model, ModelAPI, get_model

from inspect_autointerp.model_name import model_name, telling_arguments, unsampled_name


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
    assert telling_arguments({"config": object()}) == {"config": "object"}
