"""The pipe that ties a child process to the process that started it.

The parent holds the pipe's writing end and never writes. The operating system closes that end when the parent ends, and
so too when it is killed. The child then stops as it does on Ctrl-C. The parent closes the end itself to stop the child,
so a child is interrupted once and no more: a second interruption would break off the writing of its log.
"""

import _thread
import os
import signal
import threading
import time

PATIENCE = 60.0
"""Seconds that a process gets to close its log."""
_GRACE = 3.0
"""Seconds that a process gets from the end of its main thread to its exit."""
_STDIN = 0


def hold_lifeline() -> None:
    """End this process when the other end of its standard input is closed. To be called first, in the main thread.

    Standard input is then empty, for this process and for those that it starts. A parent that ignores Ctrl-C, as one in
    the background does, says nothing about this process.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    line = os.dup(_STDIN)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, _STDIN)
    os.close(empty)
    threading.Thread(target=_watch, args=(line,), name="lifeline", daemon=True).start()


def _watch(line: int) -> None:
    while os.read(line, 1):
        pass
    main = threading.main_thread()
    if hasattr(signal, "pthread_kill") and main.ident is not None:
        signal.pthread_kill(main.ident, signal.SIGINT)  # wakes it from a system call too
    else:
        _thread.interrupt_main()
    main.join(PATIENCE)
    time.sleep(_GRACE)
    # Python waits at its exit for all threads but daemons. AnyIO's worker threads are not daemons, and nobody tells
    # them to end when their event loop was broken off.
    os._exit(128 + signal.SIGINT)
