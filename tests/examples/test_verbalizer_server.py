"""Test of the example's endpoints, which name tokens near a vector and make vectors of tokens."""

import importlib.util
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import torch

EXAMPLE = Path(__file__).parents[2] / "examples" / "verbalizer_server.py"


def test_the_example_names_tokens_and_makes_vectors_of_them(subject_folder: Path) -> None:
    spec = importlib.util.spec_from_file_location("verbalizer_server", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    example: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    tokens = example.Tokens(str(subject_folder))
    [id] = tokens.tokenizer.encode("self", add_special_tokens=False)[:1]
    word = tokens.tokenizer.decode([id]).strip()
    server = example.serve(str(subject_folder), 0)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        vector = (3 * tokens.rows[id]).tolist()
        answer = httpx.post(f"{url}/verbalize", json={"vectors": [vector], "texts": []}).json()
        assert answer["texts"][0].split()[0] == word
        without = {"vectors": [], "texts": ["a <<river>> and <<sea>>", "<<sea>>"], "delimiters": ["<<", ">>"]}
        assert httpx.post(f"{url}/verbalize", json=without).json()["texts"] == ["sea river"]
        [made] = httpx.post(f"{url}/reconstruct", json={"texts": [word], "width": 32}).json()["vectors"]
        others = tokens.rows @ torch.nn.functional.normalize(torch.tensor(made), dim=0)
        assert others[id] > 0.5
        assert httpx.post(f"{url}/elsewhere", json={}).status_code == 404
        assert httpx.post(f"{url}/verbalize", json={"vectors": [[1.0]]}).status_code == 400
    finally:
        server.shutdown()
        server.server_close()
