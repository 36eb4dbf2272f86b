"""`python -m inspect_autointerp.builtin.demo`: make the demo's store if it is missing, and print its path."""

from rich.console import Console

from inspect_autointerp.builtin import demo
from inspect_autointerp.store.store import Store
from inspect_autointerp.text.streams import command_line_streams

if __name__ == "__main__":
    with command_line_streams():
        store = Store(demo.ensure_store())
        Console(emoji=False, soft_wrap=True).print(
            f"demo contexts: {store.folder} (digest {store.digest})", highlight=False
        )
