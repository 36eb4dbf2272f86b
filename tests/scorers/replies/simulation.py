"""Activations of tokens. The texts: `the`, ` cat`, ` sat` and `Dogs`, ` run`, `8`; what it means is 0 where silent."""

from tests.scorers.replies import Reply

TEXTS = [["the", "␣cat", "␣sat"], ["Dogs", "␣run", "8"]]
CAT = [[0, 8, 0], [0, 0, 0]]

READ = [
    Reply(2, text, means)
    for text, means in [
        ("Text 1:\n2\t␣cat\t8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\t cat\t8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\tcat\t8\nText 2:\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8/10\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8 / 10\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8.0\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t(8)\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8 (animal)\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8/10 (an animal)\nText 2: none\nEnd", CAT),
        ("Text 1:\n2. cat → 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\tcat → 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\tcat = 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\tcat: 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2\tcat -> 8\nText 2: none\nEnd", CAT),
        ('Text 1:\n2\t"cat" - 8\nText 2: none\nEnd', CAT),
        ('Text 1:\n2. "cat" - 8\nText 2: none\nEnd', CAT),
        ("Text 1:\n2. cat - 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2: cat: 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n2, cat, 8\nText 2: none\nEnd", CAT),
        ("Text 1:\n| 2 | cat | 8 |\nText 2: none\nEnd", CAT),
        ("Text 1:\n- 2\tcat\t**8**\nText 2: none\nEnd", CAT),
        ("**Text 1:**\n2\t`␣cat`\t8\n**Text 2:** none\n**End**", CAT),
        ("Text 1:\n2\t␣cat\t8\nText 2: no active tokens\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8\nText 2: No active tokens.\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8\nText 2: (none)\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8\nText 2: silent\nEnd", CAT),
        ("Text 1:\n2\t␣cat\t8\nText 2:\nnone\nEnd", CAT),
        ("```\nText 1:\n2\t␣cat\t8\nText 2: none\nEnd\n```", CAT),
        ("<think>2 is cat.\nText 1: none</think>\nText 1:\n2\t␣cat\t8\nText 2: none\nEnd", CAT),
        ("Text 1: none\n</think>\nText 1:\n2\t␣cat\t8\nText 2: none\nEnd", CAT),
        (
            "<|channel|>analysis<|message|>Text 1: none<|end|><|start|>assistant<|channel|>final<|message|>"
            "Text 1:\n2\t␣cat\t8\nText 2: none\nEnd<|return|>",
            CAT,
        ),
        ("Text 1:\n2\t␣cat\t8\nText 2: none\nEnd</s>", CAT),
        ("Text 1:\n2\t␣cat\t8\n\nText 2: none\n\nEnd\n", CAT),
        ("Text 1: none\nText 2:\n3\t8\t8\nEnd", [[0, 0, 0], [0, 0, 8]]),
        ("Text 1: none\nText 2:\n3\t8\t8 (a figure)\nEnd", [[0, 0, 0], [0, 0, 8]]),
        ("Text 1: none\nText 2:\n1\tDogs\t10\n2\t␣run\t1\nEnd", [[0, 0, 0], [10, 1, 0]]),
        ("Text 1: none\nText 2:\n1\tDogs\t10/10\n2\t␣run\t1.0\nEnd", [[0, 0, 0], [10, 1, 0]]),
        ("Text 1: none\nText 2: none\nEnd", [[0, 0, 0], [0, 0, 0]]),
    ]
]

REFUSED = [
    Reply(2, text, None)
    for text in [
        "",
        "Text 1: none\nText 2: none",
        "Text 1: none\nEnd",
        "Text 1:\n2\t␣cat\t8\nEnd",
        "Text 1:\n2\t␣dog\t8\nText 2: none\nEnd",
        "Text 1:\n1\t␣cat\t8\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t11\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t-8\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8.5\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8/12\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8-9\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8 or 9\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8 (or 9)\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\thigh\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat8\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8\n2\t␣cat\t9\nText 2: none\nEnd",
        "Text 1: none\n2\t␣cat\t8\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8\nText 2: none\nEnd\nText 1:\n2\t␣cat\t9",
        "Text 1:\n2\t␣cat\t8%\nText 2: none\nEnd",
        "<think>\nText 1:\n2\t␣cat\t8\nText 2: none\nEnd",
        "<|channel|>analysis<|message|>Text 1:\n2\t␣cat\t8\nText 2: none\nEnd",
        f"Text 1:\n{'2' * 5000}\t␣cat\t8\nText 2: none\nEnd",
        f"Text 1:\n2\t␣cat\t{'8' * 5000}\nText 2: none\nEnd",
        "Text 1:\n2\t␣cat\t8\nText 2: not sure\nEnd",
    ]
]
