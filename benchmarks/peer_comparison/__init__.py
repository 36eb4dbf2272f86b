"""Delphi's released package beside this harness on identical inputs: time, memory, and what is graded.

`python -m benchmarks.peer_comparison` installs `eai-delphi` 0.1.3, with the small packages that it imports, into a
temporary folder (`--folder` keeps it), and imports it from there beside this environment's torch and transformers. Its
parts (`--parts`; each measurement is a process of its own, with one thread):

- *cache*: Delphi's `LatentCache` (`run`, `save_splits`, `save_config`) and this harness's `prep`, with one SAE of the
  demo (`--subject`, `--coder` and `--hookpoint` for another), at 0.25, 0.5 and 1 M tokens (`--tokens`). Both read the
  same SAE files, in sparsify's format, and the same tokens in the same batches. That tokens, activations per latent
  and windows per latent agree is checked, and the run stops if they do not.
- *contexts*: `LatentDataset` with constructor and sampler, against an open store and the same numbers of contexts of
  the same latents (`--latents`), from the largest cache and store.
- *grader*: explanation, detection and fuzzing of these latents by a model that answers after 50 ms.
- *correctness*: how many test contexts were also shown to the explainer; how many tokens a negative of fuzzing marks,
  and how often at one and the same place; which forms of an answer are read. Each latent's windows of a store
  (`--store`) are given to Delphi as its own records, so both choose from the same contexts.

What Delphi needs to run here, without a GPU: `vllm`, `faiss` and `bitsandbytes` are empty modules, since it imports
them on the way and these parts do not use them. Its command loads the model onto `cuda`, so its parts are called one by
one, as its command does. Under transformers 5, `batch_decode` of one window returns one string where Delphi expects one
per token, so the tokenizer that it is given decodes token by token, as that of transformers 4 did.

Not run: Delphi's own client for vLLM and its FAISS negatives.
"""
