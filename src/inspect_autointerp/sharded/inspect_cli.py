"""Inspect's command line, in a process that ends with its sweep.

`python -m inspect_autointerp.sharded.inspect_cli eval …`
"""

import runpy

from inspect_autointerp.sharded.lifeline import hold_lifeline

if __name__ == "__main__":
    hold_lifeline()
    runpy.run_module("inspect_ai", run_name="__main__", alter_sys=True)
