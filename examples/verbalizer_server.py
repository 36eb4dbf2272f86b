"""A verbalizer and a reconstructor over HTTP, of modest ability: the subject's own tokens, and nobody's training.

    python examples/verbalizer_server.py demo --port 8000
    inspect eval inspect_autointerp/reconstruction -T store=demo -T hookpoint=layers.2 \
      -T 'explainer={name: verbalizer, url: "http://127.0.0.1:8000/verbalize"}' \
      -T reconstructor=http://127.0.0.1:8000/reconstruct

`/verbalize` names the tokens whose output vectors are nearest to the vector (the logit lens), and where it is sent no
vector, the words between delimiters in the texts. `/reconstruct` is the mean of the output vectors of a text's tokens.
A trained verbalizer answers the same two requests (docs/vectors.md).
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from inspect_autointerp.builtin.weights import weights_folder

NAMED = 8
"""Tokens that a text names."""
MODEL = "logit lens"


class Tokens:
    """A subject's output vectors, less their mean, at length one.

    Args:
        folder: The subject's folder or name.
    """

    def __init__(self, folder: str) -> None:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        rows = model.get_output_embeddings().weight.detach()
        self.rows = torch.nn.functional.normalize(rows - rows.mean(dim=0), dim=1)[: len(self.tokenizer)]

    def verbalize(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Name the tokens nearest to each vector, or, without a vector, the marked words of the texts."""
        if not request["vectors"]:
            opening, closing = request["delimiters"]
            parts = [part.partition(closing)[0] for text in request["texts"] for part in text.split(opening)[1:]]
            words = Counter(part.strip() for part in parts if part.strip())
            return {"texts": [_sentence([word for word, _ in words.most_common(NAMED)])], "model": MODEL}
        cosines = torch.tensor(request["vectors"]) @ self.rows.T
        nearest = cosines.topk(NAMED).indices.tolist()
        return {
            "texts": [_sentence([self.tokenizer.decode([id]).strip() for id in ids]) for ids in nearest],
            "model": MODEL,
        }

    def reconstruct(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the mean output vector of each text's distinct tokens."""
        ids = [sorted(set(self.tokenizer.encode(text, add_special_tokens=False))) for text in request["texts"]]
        return {"vectors": [self.rows[one].mean(dim=0).tolist() for one in ids], "model": MODEL}


def _sentence(words: list[str]) -> str:
    """Return a text that names words, each once."""
    named = list(dict.fromkeys(word for word in words if word))
    return " ".join(named) if named else "whitespace"


def serve(subject: str, port: int) -> ThreadingHTTPServer:
    """Return a server that answers on this machine; `serve_forever` runs it."""
    tokens = Tokens(subject)
    answers = {"/verbalize": tokens.verbalize, "/reconstruct": tokens.reconstruct}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = answers.get(self.path)
            try:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, content = (200, answer(request)) if answer else (404, {"error": f"no {self.path}"})
            except (KeyError, TypeError, ValueError, RuntimeError) as error:
                status, content = 400, {"error": str(error)}
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Serve a logit-lens verbalizer and a token reconstructor.")
    parser.add_argument("subject", help="`demo`, `smollm2`, or a Hugging Face folder or name")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    name = "inspect_autointerp/demo" if given.subject == "demo" else given.subject
    server = serve(weights_folder(name), given.port)
    sys.stderr.write(f"http://127.0.0.1:{server.server_port}/verbalize and /reconstruct\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
