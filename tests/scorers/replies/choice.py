"""The number of one text out of five."""

# ruff: noqa: E501

from tests.scorers.replies import Reply

READ = [
    Reply(5, text, 3)
    for text in [
        "3", "3.", " 3\n", "[3]", "(3)", "**3**", '"3"', "#3", "Text 3", "Text 3.", "text 3", "**Text 3**", "Text #3",
        "Text: 3", "No. 3", "Number 3", "Option 3", "Example 3", "Sentence 3", "`3`", "３",
        "\\boxed{3}", "$\\boxed{3}$", "The final answer is $\\boxed{3}$.", "\\boxed{\\text{Text 3}}",
        "Answer: 3", "**Answer:** 3", "Answer: Text 3", "Final answer: 3", "Answer: Text 3 (about cooking)",
        "The answer is 3.", "The answer is text 3.", "The intruder is text 3.", "Intruder: 3", "The odd one out is 3.",
        "The text that does not belong is 3.", "The text that doesn't belong is Text 3.",
        "The number of the text that does not belong is 3.", "Text 3 does not belong.",
        "Text 3 does not belong to the others.", "Text 3 doesn't belong with the others.", "Text 3 is the intruder.",
        "Text 3 is the odd one out.", "Text 3 is the one that does not belong.", "Text 3 stands out.",
        "I think it is text 3.", "I think it's 3.", "It's 3.", "It is text 3.", "I would say text 3.", "I choose 3.",
        "My answer is 3.", "I'd go with text 3.",
        "Text 3: it is about cooking", "Text 3, because it marks a verb.", "Text 3 (about cooking)", "3 - it marks a verb",
        "3. It is about cooking.", "Text 3 does not belong, because the others mark days of the week.",
        "3\n\nText 3 marks a verb, while texts 1, 2, 4 and 5 mark days.", "Text 3.\n\nThe others all mark days.",
        "Text 3 is the intruder because the marked token is a verb, whereas the others mark days.",
        "Texts 1, 2, 4 and 5 are about sport.\n\nAnswer: 3", "Texts 1, 2, 4 and 5 are alike.\nText 3",
        "In texts 1, 2, 4, 5 the marked tokens are days. So the answer is 3.",
        "Text 1: day\nText 2: day\nText 3: verb\nText 4: day\nText 5: day\n\n3",
        "1. Tuesday - a day\n2. Sunday - a day\n3. beaten - a verb\n4. Friday - a day\n5. Mon - a day\n\nThe text that does not belong is **3**.",
        "Let me look at each.\n\n- Text 1: day\n- Text 2: day\n- Text 3: verb\n\n**Answer: 3**",
        '{"intruder": 3}', '{"answer": 3}', '{"answer": "Text 3"}', '{"text": 3}', "{'odd_one_out': 3}",
        '```json\n{"answer": 3}\n```', '{"reasoning": "1, 2, 4 and 5 are days", "answer": 3}',
        "<think>Text 2? Or 4?</think>3", "Hm, 4 is odd, too.\n</think>\n\n3", "<answer>3</answer>",
        "<|channel|>analysis<|message|>1,2,4,5 days; 3 verb<|end|><|start|>assistant<|channel|>final<|message|>3<|return|>",
        "3</s>", "3<|im_end|>", "### Answer\n\n3", "3\n\n3", "Answer: 3\n\nText 3 is the only one that marks a verb.",
        "The marked tokens are days, except in text 3.\n\nAnswer: 3", "Based on the marked tokens, the answer is 3.",
        "Looking at the marked tokens, text 3 does not belong.", "Therefore, the odd one out is text 3.",
    ]
]  # fmt: skip

REFUSED = [
    Reply(5, text, None)
    for text in [
        "", "I cannot help with that.", "three or four", "It is not text 3.", "Text 3 does belong.",
        "Text 3 is not the intruder.", "Text 3 belongs with the others.", "maybe 3?", "3?", "-3", "+3", "3%", "3²", "3.5",
        "٣", "0", "6", "03", "Answer: 7", "3 or 4", "3, 4", "[3, 4]", "3 and 4", "3/4", "3-4", "3\n4", "Text 3\nText 4",
        "Text 3\nText 4 fits less, though", "Text 3\nbelongs with the others. None is the intruder.",
        "The intruder is text 3 or 4.", "The answer is 3. Wait, actually 4.", "Answer: 3\nAnswer: 4",
        "Text 3, or maybe 4", "1. verb\n2. verb\n3. noun\n4. verb\n5. verb", "Texts 3 and 4 both differ.",
        "Text 3: it belongs with the others", "The answer is 3, but it could be 4.", "None of the 5 texts is the intruder.",
        "All of them belong.", "Texts 1, 2, 4 and 5 are about sport.", '{"intruder": null}', '{"intruder": [3, 4]}',
        '{"answer": 3, "intruder": 4}', "<think>It is 3", "<|channel|>analysis<|message|>Answer: 3", "Answer: 3 or 4",
        "Text 3 is about cooking. Text 4 is about sailing.", "Not 3", "Anything but 3", "If I had to guess, 3 or 5",
        "The answer is 3.\n\nHowever, text 5 is odd as well.", "9" * 5000, "There are 3 texts about days.",
        "3 texts do not belong.", "3 of them are alike",
    ]
]  # fmt: skip
