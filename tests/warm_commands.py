"""The installed commands, in processes that begin with all libraries imported: forks of one process that waits.

A process of `autointerp prep` spends six seconds on imports of torch, transformers and SAELens, and most scripts of the
documentation start several. Nothing of this project is imported before the fork, so that a command does what it does in
a process of its own.
"""

import gc
import json
import os
import runpy
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TextIO

_LIBRARIES = ("inspect_ai._cli.main", "scipy.stats", "sklearn.linear_model", "transformers", "sae_lens", "typer")
_COMMANDS = ("autointerp", "inspect", "python")
_CLIENT = """#!{python} -ISE
import json, os, socket, sys
to = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
to.connect({address!r})
request = [os.path.basename(sys.argv[0]), sys.argv[1:], os.getcwd(), dict(os.environ)]
socket.send_fds(to, [json.dumps(request).encode()], [0, 1, 2])
sys.exit(int(to.recv(9) or 70))
"""


@contextmanager
def warm_commands(folder: Path) -> Iterator[Path]:
    """Start the process that waits.

    Args:
        folder: An empty one, for the commands.

    Yields:
        Path: The folder, to stand first in PATH: it holds `autointerp`, `inspect` and `python`.
    """
    address = str(folder / "address")
    for name in _COMMANDS:
        (folder / name).write_text(_CLIENT.format(python=sys.executable, address=address), encoding="utf-8")
        (folder / name).chmod(0o755)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    server = subprocess.Popen([sys.executable, __file__, address], env=env, stdin=subprocess.PIPE)
    end = time.monotonic() + 120
    while not Path(address).exists():
        assert server.poll() is None and time.monotonic() < end, "the process that waits has not begun"
        time.sleep(0.05)
    yield folder
    server.communicate()


def run_command(command: Sequence[str], *, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that the environment's PATH leads to, and keep what it prints."""
    started = [shutil.which(command[0], path=env["PATH"]) or command[0], *command[1:]]
    return subprocess.run(started, cwd=cwd, env=env | {"PWD": str(cwd)}, capture_output=True, text=True, check=False)


def _serve(address: str) -> None:
    """Answer requests until standard input ends, as it does with the process that holds its other end."""
    for library in _LIBRARIES:
        with suppress(ImportError):
            import_module(library)
    assert "inspect_autointerp" not in sys.modules
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{address}.new")
    listener.listen()
    Path(f"{address}.new").rename(address)
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        client, _ = listener.accept()
        if not os.fork():
            listener.close()
            request, files, _, _ = socket.recv_fds(client, 1 << 20, 3)
            if child := os.fork():
                client.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255).encode())
                os._exit(0)
            client.close()
            for number, file in enumerate(files):
                os.dup2(file, number)
                os.close(file)
            sys.stdin, sys.stdout, sys.stderr = (_stream(number) for number in range(3))
            _run(*json.loads(request))
            return
        client.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _stream(number: int) -> TextIO:
    """Return a stream to a file that has just been put in place of another, which may have been of another kind."""
    mode = "w" if number else "r"
    return open(number, mode, encoding="utf-8", errors="surrogateescape", closefd=False)


def _run(command: str, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [command, *arguments]
    given_path = environment.get("PYTHONPATH")
    sys.path[:1] = ["", *(given_path.split(os.pathsep) if given_path else [])]
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    if command != "python":
        [entry] = {point.value: point for point in entry_points(group="console_scripts", name=command)}.values()
        sys.exit(entry.load()())
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path[0] = str(Path(arguments[0]).parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    _serve(sys.argv[1])
