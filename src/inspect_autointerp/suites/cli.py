"""`autointerp suites`: the command that lists named suites."""

from rich.console import Console
from rich.table import Table

_STATES = {"run": "run", "defined": "defined, not yet run"}


def suites() -> None:
    """List the named suites, and tell if each one's store is on this machine.

    A suite fixes everything but the explainer, so results of different people can be compared.

    \b
    Example:
      autointerp prep --suite demo
      inspect eval inspect_autointerp/multi_score -T suite=demo --model openai/gpt-4o
      autointerp submit logs/*_multi-score_*.eval -o entry.json
    """
    from inspect_autointerp.suites.load import read_suite, shipped
    from inspect_autointerp.suites.store_location import suite_folder

    table = Table("suite", "state", "store", "here", "what", pad_edge=False)
    for name in shipped():
        suite = read_suite(name)
        here = "frozen" if suite.frozen else "yes" if suite_folder(suite).is_dir() else "no"
        label = f"{suite.name}/{suite.version}\n{suite.definition[:12]}"
        digest = suite.digest or "no digest published"
        if isinstance(digest, dict):
            digest = "digests published by\nPython's library"
        table.add_row(label, _STATES[suite.state], digest, here, suite.description)
    console = Console(emoji=False)
    (console if console.is_terminal else Console(emoji=False, width=160)).print(table)
