"""Long replies that are hard on a reader, as a broken model writes them until its limit."""

# ruff: noqa: E501

PIECES = [
    "\n", "```\n", " ", "\t", "\r\n", "\u2028", "1", "9", "0\n", "1,", "1, ", "[1,", "[", "(", "{", "[[", "[]", "[1]", "]", "}", "()",
    '{"1":', '{"1": 1,', '{"labels": [', '"', '\\"', "\\", "\\[", "\\boxed{", "\\text{", "'", "*", "**", "_", "`", "#", "- ", "> ", "|", "| 1 ",
    "| 1 | 1 |\n", "1: 1\n", "1: ", "Text 1: 1\n", "Text 1: ", "Text ", "text 3 ", "text 3. ", "Text 3 does not belong ", "the ", "the answer is ",
    "answer: ", "answer: [1, 0]\n", "[1, 0]\n\n", "EXPLANATION", "EXPLANATION:", "EXPLANATION: ", "EXPLANATION: a\n", "EXPLANATION:\n",
    "**EXPLANATION:** ", "explanation ", "<", "<think>", "<think>\n", "</think>", "</think>\n", "\n<think>", "<|channel|>", "<|channel|>analysis<|message|>",
    "<|channel|>final", "<|end|>", "</s>", "</s> ", "</s>\n", "<|im_end|>", "<s>", "<answer>", "<answer>\n", "</answer>", "[THINK]", "◁think▷", "analysis",
    "assistantfinal", '{"active": ', '{"active": 1}', '{"active": [', '{ "active"', '{"active": [], "silent": []}', "e\u0301", "\u200b", "１", "😀", "\ud83d", "\x00",
    "1\ta\t8\n", "Text 1:\n", "Text 1:\n1\ta\t8\n", "End\n", "8 (", "wait ", "yes ", "no ", "is ", "-> ", "→ ", "= ", "(a) ", "1.", "0.", "+", "-1 ", "a",
    "ab" * 20 + " ", "not ", "% ", "1 % ", "1/100 ", "x: 1\n", "x -> 1 ",
]  # fmt: skip


def replies(length: int) -> list[tuple[str, str]]:
    """Each piece over and over, bare and within what begins and ends like an answer."""
    answers = []
    for piece in PIECES:
        body = (piece * (length // len(piece) + 1))[:length]
        answers += [
            (f"{piece!r}", body),
            (f"{piece!r} after a list", f"[1, 0]\n{body}"),
            (f"{piece!r} before", f"{body}\n[1, 0]"),
        ]
        answers += [
            (f"{piece!r} in lines", f"Text 1:\n1\t{body}\nText 2: none\nEnd"),
            (f"{piece!r} ?", f"EXPLANATION: {body}?"),
        ]
        answers += [
            (f"{piece!r} thought", f"<think>{body}</think>1"),
            (f"{piece!r} object", f'{{"active": ["{body}"], "silent": ['),
        ]
    return answers
