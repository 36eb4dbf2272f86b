from inspect_ai.model import GenerateConfig, get_model

from inspect_autointerp.inspect_support.model_call import settings_of


def test_settings_are_those_that_inspect_merges() -> None:
    own = GenerateConfig(temperature=0.5, max_tokens=7, stop_seqs=["a"], cache=True)
    config = GenerateConfig(max_tokens=9, logprobs=False, extra_body={"a": {"b": 1}})
    model = get_model("inspect_autointerp/lexical", config=own)
    settings = settings_of(model, config)
    assert settings == model.config.merge(config)
    assert settings.max_tokens == 9
    assert settings.temperature == 0.5
    assert settings.extra_body is config.extra_body  # nothing is copied
    assert model.config.max_tokens == 7
