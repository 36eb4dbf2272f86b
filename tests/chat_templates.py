"""Tokenizers with chat templates that behave as those of well-known families do."""

from functools import cache
from typing import Any

LLAMA = """{{- bos_token }}
{%- if not date_string is defined %}{%- set date_string = strftime_now("%d %b %Y") %}{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}{%- set messages = messages[1:] %}
{%- else %}{%- set system = "" %}{%- endif %}
{{- "<|start|>system<|end|>\\n\\nToday is " + date_string + "\\n\\n" + system + "<|eot|>" }}
{%- for message in messages %}
    {%- if 'tool_calls' in message %}
        {%- set call = message.tool_calls[0].function %}
        {{- '<|start|>assistant<|end|>\\n\\n{"name": "' + call.name + '", "parameters": ' + call.arguments | tojson }}
        {{- '}<|eot|>' }}
    {%- elif message.role == 'tool' %}
        {{- "<|start|>ipython<|end|>\\n\\n" + message.content | tojson + "<|eot|>" }}
    {%- else %}
        {{- '<|start|>' + message['role'] + '<|end|>\\n\\n' + message['content'] | trim + '<|eot|>' }}
    {%- endif %}
{%- endfor %}"""
"""Writes BOS and the date, trims, always has a system turn."""
GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}
{%- endif %}{% for message in messages %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
{{- raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}
{%- if message['role'] == 'assistant' %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}
{{- '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"""
"""Writes BOS, refuses a system role, wants roles to alternate."""
CHATML = """{%- if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou help.<|im_end|>\\n' }}{% endif %}
{%- for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor %}"""
"""Has a system message of its own, and does not trim."""
R1 = """{{- bos_token }}{% for message in messages %}
{%- if message['role'] == 'system' %}{{ message['content'] }}{% endif %}
{%- if message['role'] == 'user' %}{{ '<|User|>' + message['content'] }}{% endif %}
{%- if message['role'] == 'assistant' %}{% set content = message['content'] %}
{%- if '</think>' in content and not loop.last %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}
{{- '<|Assistant|>' + content + '<|eos|>' }}{% endif %}{% endfor %}"""
"""Leaves out the reasoning of all answers but the last."""
QWEN = """{%- for message in messages %}
{%- if message.role == 'assistant' and message.reasoning_content is defined and message.reasoning_content %}
{{- '<|im_start|>assistant\\n<think>\\n' + message.reasoning_content.strip('\\n') + '\\n</think>\\n\\n' }}
{{- message.content.lstrip('\\n') + '<|im_end|>\\n' }}
{%- elif message.role == 'tool' or message.content.startswith('<tool_response>') %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endif %}{% endfor %}"""
"""Takes reasoning as a field, and tools as users."""
_SPECIAL = (
    *("<|bos|>", "<|start|>", "<|end|>", "<|eot|>", "<start_of_turn>", "<end_of_turn>", "<|im_start|>", "<|im_end|>"),
    *("<|User|>", "<|Assistant|>", "<|eos|>"),
)
_TEXT = 'The user asks. What is it?\n\nIt is here.\nThe assistant answers: "this".\n<think>\n</think>\n'


@cache
def chat_tokenizer(template: str | None) -> Any:
    """A byte-level BPE tokenizer with some merges, also of a full stop with the line end behind it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n\n", "merged_with_previous"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([_TEXT] * 4, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|bos|>",
        additional_special_tokens=list(_SPECIAL[1:]),
        chat_template=template,
    )
