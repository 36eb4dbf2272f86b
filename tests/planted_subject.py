"""A planted cause: a subject whose latents are known to fire on classes of words, and known to raise these words.

A one-layer Llama, real in all but its weights, which are constructed. The residual stream has these dimensions:

- 0: the same for all tokens, and large, so that the norms change nothing much; what the head reads in it is how
  probable a token is by itself: words, then single bytes, then what else is in the vocabulary;
- one per class, *here*: how strongly the current token is a word of that class;
- one *rest*: what keeps all embeddings equally long;
- one *word*: 1 for words, of classes or of none, and −1 for all else;
- one per class, *seen*: written by the layer's attention, which looks at all words so far alike, and at nothing else:
  the mean of *here* over them. Without attention it stays 0.

The head raises the words of a class by _HERE times *here* and _SEEN times *seen*. So the subject goes on with a class
that it is in, and as a likelihood model it believes its prefix; without attention what stands before the last token is
nothing to it. The coder is an SAE whose latent c reads *here* of class c and writes it: it fires on the class's words,
and steering with it raises them. Both are saved as files that `autointerp prep` reads, and the store is made by prep.
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

_CLASSES = {
    "fire": "fire flame burn smoke ash ember torch blaze candle furnace spark kindle",
    "sea": "ocean wave tide ship sailor harbour anchor fish coral shore reef island",
    "money": "money bank coin loan credit debt profit price market wage tax wallet",
    "music": "violin song melody drum piano rhythm choir trumpet opera flute chord concert",
    "food": "bread cheese soup butter apple honey rice pepper onion kitchen dinner salad",
    "war": "soldier battle army cannon siege general trench sword enemy victory tank shield",
    "garden": "rose lily hedge seed soil tulip blossom orchard shovel ivy fern lawn",
    "winter": "snow frost icicle blizzard sled scarf mitten glacier frozen ski avalanche parka",
    "law": "judge court lawyer verdict jury trial crime prison statute witness appeal oath",
    "body": "heart lung bone muscle skin elbow knee stomach throat finger shoulder nerve",
}
WORDS = [words.split() for words in _CLASSES.values()]
"""Words of each class; class c is latent c."""
_FILLERS = "the a of and to in that it was for on with as at by from they had this but not then once when"
FILLERS = _FILLERS.split()
"""Words of no class."""
N = len(WORDS)

_CONSTANT = 10.0
_HERE, _SEEN = 2.0, 6.0
_LOOK = 8.0
"""Attention to words over anything else, in nats."""
_STILL: dict[str, Any] = {"rope_theta": 1e15}
"""Rotary positions that turn the last pair of dimensions by 1e-14 per token, which is not at all."""
_D = 32
_REST, _WORD, _SEEN_AT = 1 + N, 2 + N, 3 + N


@dataclass(frozen=True)
class Planted:
    """Folders."""

    subject: Path
    believes_nothing: Path
    """The subject without its attention."""
    coder: Path
    store: Path


def plant(folder: Path) -> Planted:
    """Make subject, coder and store."""
    from inspect_autointerp.prep.run.run import prep
    from inspect_autointerp.prep.run.run_spec import Job
    from inspect_autointerp.store.settings import Settings

    made = Planted(*(folder / name for name in ("subject", "believes_nothing", "coder", "store")))
    _save_subject(made.subject, attends=True)
    _save_subject(made.believes_nothing, attends=False)
    _save_coder(made.coder)
    (folder / "corpus").mkdir()
    for number, text in enumerate(_texts(300, Random(0))):
        (folder / "corpus" / f"{number:03}.txt").write_text(text)
    settings = Settings(corpus=str(folder / "corpus"), tokens=40_000, context_length=64, window=16, pool=600)
    job = Job(subject=str(made.subject), coders=[str(made.coder)], hookpoints=["layers.0"], settings=settings)
    prep(job, made.store, progress=False)
    return made


def strength(word: str) -> float:
    """Return how strongly a word is of its class: its latent's activation."""
    place = next(words.index(word) for words in WORDS if word in words)
    return 0.5 + 0.5 * place / (len(WORDS[0]) - 1)


def _texts(n: int, rng: Random) -> list[str]:
    """Documents of sentences of seven words and a full stop; each sentence has words of one class."""
    return ["".join(_sentence(rng) for _ in range(rng.randint(8, 24))) for _ in range(n)]


def _sentence(rng: Random) -> str:
    own = rng.choice(WORDS)
    words = [rng.choice(own if rng.random() < 0.4 else FILLERS) for _ in range(7)]
    return "".join(f" {word}" for word in words) + "."


def _tokenizer():
    """Bytes, and every word with the space before it as one token, whatever the text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    merges = dict.fromkeys(
        (f"Ġ{word[:i]}", word[i]) for words in [*WORDS, FILLERS] for word in words for i in range(len(word))
    )  # from left to right: what is read is the longest beginning of any of the words
    pieces = ["<|bos|>", *sorted(pre_tokenizers.ByteLevel.alphabet()), *(a + b for a, b in merges)]
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|bos|>")


def _save_subject(folder: Path, *, attends: bool) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    ids = tokenizer.get_vocab()
    config = LlamaConfig(
        vocab_size=len(ids), hidden_size=_D, intermediate_size=1, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1, head_dim=_D, max_position_embeddings=4096, bos_token_id=0, eos_token_id=0,
        tie_word_embeddings=False, **_STILL,
    )  # fmt: skip
    model: Any = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        length = ((_CONSTANT**2 + 1 + 1) / _D) ** 0.5  # so a norm leaves an embedding as it is
        layer = model.model.layers[0]
        for norm in (layer.input_layernorm, layer.post_attention_layernorm, model.model.norm):
            norm.weight.fill_(length)
        embedding, head = model.model.embed_tokens.weight, model.lm_head.weight
        embedding[:, 0], embedding[:, _REST], embedding[:, _WORD] = _CONSTANT, 1, -1
        head[:, 0] = -8 / _CONSTANT  # parts of words
        head[1:257, 0] = -5 / _CONSTANT  # bytes
        head[0, 0] = -20 / _CONSTANT
        for word in FILLERS:
            embedding[ids[f"Ġ{word}"], _WORD] = 1
            head[ids[f"Ġ{word}"], 0] = 1 / _CONSTANT
        for number, words in enumerate(WORDS):
            for word in words:
                id = ids[f"Ġ{word}"]
                embedding[id, 1 + number], embedding[id, _WORD] = strength(word), 1
                embedding[id, _REST] = (1 - strength(word) ** 2) ** 0.5
                head[id, 0] = 0
                head[id, 1 + number], head[id, _SEEN_AT + number] = _HERE, _SEEN
        attention, last = layer.self_attn, _D // 2 - 1
        attention.q_proj.weight[last, 0] = _LOOK / 2 * _D**0.5 / _CONSTANT
        attention.k_proj.weight[last, _WORD] = 1
        if attends:
            for number in range(N):
                attention.v_proj.weight[number, 1 + number] = 1
                attention.o_proj.weight[_SEEN_AT + number, number] = 1
    model.save_pretrained(folder)


def _save_coder(folder: Path) -> None:
    import torch
    from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig

    sae = StandardSAE(StandardSAEConfig(d_in=_D, d_sae=N, dtype="float32", device="cpu"))
    with torch.no_grad():
        for parameter in sae.parameters():
            parameter.zero_()
        for number in range(N):
            sae.W_enc[1 + number, number] = sae.W_dec[number, 1 + number] = 1
    sae.save_model(folder)
