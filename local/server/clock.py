"""Work that happens later, for the account and Region of whoever asked for it."""

import time

from ministack.core.concurrency import spawn_background


def run_later(seconds: float, fn) -> None:
    """Runs `fn` in a daemon thread after `seconds`. The account and Region travel along: MiniStack keeps them in context
    variables, which its `spawn_background` copies; what `fn` throws is logged."""

    def later():
        time.sleep(seconds)
        fn()

    spawn_background(later, thread_name=getattr(fn, "__qualname__", "later"))
