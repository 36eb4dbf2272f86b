"""`python -m inspect_autointerp.demo`: make the demo's context store, unless it is there, and say where it is."""

from rich.console import Console

from inspect_autointerp import demo
from inspect_autointerp.store import Store
from inspect_autointerp.streams import command_line_streams

if __name__ == "__main__":
    with command_line_streams():
        store = Store(demo.ensure_store())
        Console(soft_wrap=True).print(f"demo contexts: {store.folder} (digest {store.digest})", highlight=False)
