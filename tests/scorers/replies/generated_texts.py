"""Texts that a writer made up, two of each kind."""

from tests.scorers.replies import Reply

GOOD = '{"active": ["a", "b"], "silent": ["c", "d"]}'
MEANS = (("a", "b"), ("c", "d"))
OTHER = '{"active": ["x", "y"], "silent": ["c", "d"]}'

READ = [
    Reply(2, text, MEANS)
    for text in [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here are the texts:\n\n{GOOD}",
        f"{GOOD}\n\nI hope this helps.",
        f"{GOOD}\n{GOOD}",
        '{"silent": ["c", "d"], "active": ["a", "b"]}',
        '{\n  "active": [\n    "a",\n    "b"\n  ],\n  "silent": [\n    "c",\n    "d"\n  ]\n}',
        f"<think>{OTHER}</think>{GOOD}",
        f"{OTHER}\n</think>\n\n{GOOD}",
        f"<|channel|>analysis<|message|>{OTHER}<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}<|return|>",
        f"[THINK]{OTHER}[/THINK]{GOOD}",
        f"<answer>{GOOD}</answer>",
        f"{GOOD}</s>",
        f"{GOOD}<|im_end|>",
    ]
] + [
    Reply(1, '{"active": ["a <think> tag"], "silent": ["a </think> tag"]}', (("a <think> tag",), ("a </think> tag",))),
    Reply(1, '{"active": ["the end</s>"], "silent": ["c"]}', (("the end</s>",), ("c",))),
    Reply(1, '{"active": ["a\nb"], "silent": ["c"]}', (("a\nb",), ("c",))),
    Reply(1, '{"active": ["[1, 0]"], "silent": ["{}"]}', (("[1, 0]",), ("{}",))),
]

REFUSED = [
    Reply(2, text, None)
    for text in [
        "",
        "I can't help with that.",
        GOOD + OTHER,
        '{"active": ["a"], "silent": ["c", "d"]}',
        '{"active": ["a", "b"], "silent": ["c", 4]}',
        '{"active": ["a", "b"]}',
        '{"active": "a, b", "silent": "c, d"}',
        '{"active": ["a", "b"], "silent": ["c", ',
        f"<think>{GOOD}",
        f"<think>\n{GOOD}",
        f"<|channel|>analysis<|message|>{GOOD}",
        f"{GOOD}\n</think>",
        '{"active": ["a", "b"], "active": ["x", "y"], "silent": ["c", "d"]}',
        '{"active": ' + "1" * 5000 + "}",
        '{"active": ["' + "x" * 5000 + '", "b"], "silent": ["c", "d"]}',
    ]
]
