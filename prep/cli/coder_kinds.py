"""Kinds of coders that `--coder` takes or refuses, one line of `autointerp coders` each. This imports no torch."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of coders that can be loaded."""

    name: str
    """Its name for people."""
    files: str
    """Files that tell a folder of this kind; empty if it is not a folder."""
    example: str
    """Arguments of `autointerp prep SUBJECT`."""


class Refusal(NamedTuple):
    """A kind of coders that cannot be loaded."""

    name: str
    reason: str


KINDS = (
    Kind("SAELens, by name", "", "--coder gpt2-small-res-jb:blocks.8.hook_resid_pre"),
    Kind("SAELens, a folder", "cfg.json, sae_weights.safetensors", "--coder my_sae"),
    Kind("sparsify", "cfg.json, sae.safetensors", "--coder saes/layers.12"),
    Kind("Gemma Scope", "params.npz", "--coder layer_12/width_16k/average_l0_82"),
    Kind("dictionary_learning", "ae.pt, config.json", "--coder resid_post_layer_12/trainer_0"),
    Kind("circuit-tracer, transcoders", "config.yaml, layer_12.safetensors", "--coder transcoders:12"),
    Kind(
        "circuit-tracer, cross-layer transcoder",
        "config.yaml, W_enc_12.safetensors, W_dec_12.safetensors",
        "--coder clt:12",
    ),
    Kind("llamascopium (Llama Scope 2), SAE or transcoder", "config.json, sae_weights.safetensors", "--coder L12R-8x"),
    Kind("llamascopium, cross-layer transcoder", "config.json, sae_weights.safetensors", "--coder clt-8x:12"),
    Kind(
        "dictionary_learning, crosscoder",
        "ae.pt, config.json",
        "--coder crosscoder/trainer_0 --hookpoint layers.8+layers.12",
    ),
    Kind(
        "dictionary_learning, crosscoder from the Hub",
        "model.safetensors, config.json",
        "--coder crosscoder-l13 --second-subject CHAT_MODEL --hookpoint layers.13",
    ),
    Kind("llamascopium, crosscoder", "config.json, sae_weights.safetensors", "--coder crosscoder-8x"),
    Kind("neurons", "", "--coder neurons --hookpoint layers.12.mlp.down_proj:input"),
    Kind("top-k neurons", "", "--coder neurons:32 --hookpoint layers.12.mlp.down_proj:input"),
    Kind("neurons above a threshold", "", "--coder neurons:3rms --hookpoint layers.12.mlp.down_proj:input"),
    Kind("neurons in a random basis", "", "--coder neurons:32:rotated --hookpoint layers.12.mlp.down_proj:input"),
    Kind("raw dimensions", "", "--coder dimensions --hookpoint layers.12"),
    Kind("random directions", "", "--coder random:4096x32 --hookpoint layers.12"),
    Kind("your own", "", "--coder my_package.my_coder:make"),
)

REFUSALS = (
    Refusal("temporal SAEs", "an activation depends on the tokens before"),
    Refusal("low-rank attention (Lorsa)", "its latents are attention heads, which read several tokens"),
    Refusal("mixtures of linear transforms (MOLT)", "what a latent writes depends on the input"),
    Refusal("batch top-k without a threshold", "what fires on a token depends on the batch"),
    Refusal("layer top-k over a cross-layer transcoder", "what fires depends on the other layers"),
    Refusal("sparsify's `signed` and `gram_lookup`", "latents fire below zero, or read the tokens before"),
    Refusal("weights in a pickle of Python objects", "reading it could run code"),
)
