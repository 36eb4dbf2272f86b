"""The number of the one latent out of five that an explanation describes."""

# ruff: noqa: E501

from tests.scorers.replies import Reply

READ = [
    Reply(5, text, 3)
    for text in [
        "3", "3.", " 3\n", "[3]", "(3)", "**3**", '"3"', "#3", "`3`", "３", "Candidate 3", "candidate 3.", "**Candidate 3**",
        "Candidate #3", "Candidate: 3", "No. 3", "Number 3", "Option 3", "Latent 3", "The candidate 3", "\\boxed{3}",
        "$\\boxed{3}$", "The final answer is $\\boxed{3}$.", "Answer: 3", "**Answer:** 3", "Answer: Candidate 3",
        "Final answer: 3", "The answer is 3.", "The answer is candidate 3.", "My answer is 3.", "The best match is candidate 3.",
        "The correct candidate is 3.", "Candidate 3 fits best.", "Candidate 3 is the best match.", "Candidate 3 matches.",
        "Candidate 3 fits the explanation best.", "I think candidate 3.", "I would say 3.", "I choose candidate 3.", "It is candidate 3.",
        "It's 3.", "3\n\nIts texts are about days of the week.", "Candidate 3: its texts are about days of the week",
        "Candidate 3 (days of the week)", "Candidate 3, because all marked tokens are days.",
        "Candidate 3 fits best, because all marked tokens are days.", '{"candidate": 3}', '{"answer": 3}', "{'answer': 3}",
        '```json\n{"answer": 3}\n```', "<think>Candidate 2? Or 4?</think>3", "<answer>3</answer>", "### Answer\n\n3", "3</s>", "3<|im_end|>",
        "<|channel|>analysis<|message|>1, 2 are months<|end|><|start|>assistant<|channel|>final<|message|>3<|return|>",
        "The texts of candidates 1 and 2 are about months.\n\nAnswer: 3", "Candidates 1 and 2 mark months, 4 and 5 colons.\n\n3",
        "The marked tokens of one candidate are days. So the answer is 3.",
    ]
]  # fmt: skip

REFUSED = [
    Reply(5, text, None)
    for text in [
        "", "I cannot help with that.", "three", "three or four", "It is not candidate 3.", "Not 3", "Candidate 3 does not match.",
        "Candidate 3 fits least.", "maybe 3?", "3?", "-3", "+3", "3%", "3²", "3.5", "٣", "0", "6", "03", "Answer: 7", "3 or 4", "3, 4",
        "[3, 4]", "3 and 4", "3/4", "3-4", "3\n4", "Candidate 3\nCandidate 4", "The answer is 3 or 4.", "Answer: 3 or 4",
        "The answer is 3. Wait, actually 4.", "Answer: 3\nAnswer: 4", "Candidate 3, or maybe 4", "Candidates 3 and 4 both fit.",
        "The answer is 3, but it could be 4.", "None of the 5 candidates fits.", "All of them fit.", '{"candidate": null}',
        '{"candidate": [3, 4]}', '{"answer": 3, "candidate": 4}', "<think>It is 3", "<|channel|>analysis<|message|>Answer: 3",
        "Anything but 3", "If I had to guess, 3 or 5", "The answer is 3.\n\nHowever, candidate 5 fits as well.", "9" * 5000,
        "The answer is not 3.", "There are 3 candidates about days.", "3 candidates fit.", "3 of them fit",
        "Candidate 3 fits best, but I am not sure.", "The best candidate is 3? Perhaps.", "Candidate 1: months\nCandidate 2: months\nCandidate 3: days",
    ]
]  # fmt: skip
