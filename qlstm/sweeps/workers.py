"""Where runs are done: processes of this machine, or a Dask cluster.

Both are `concurrent.futures` executors, as every other one that a sweep may be given.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any

from qlstm.checks import check_size

THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Each says how many threads a library of linear algebra uses, when it is loaded."""


class ExecutorError(RuntimeError):
    """An executor that can do no more runs, whatever they are."""


def usable_cpus() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ProcessWorkers(ThreadPoolExecutor):
    """Processes that stand alone: one that dies takes its own run only.

    A `ProcessPoolExecutor` breaks as a whole when one of its processes dies, and kills
    the others. So each process is a pool of its own, minded by a thread, which starts
    another one after a death. The future of the run that was lost raises
    `BrokenProcessPool`. Processes are spawned, use one thread for linear algebra, leave
    Ctrl-C to the parent, and end when the parent ends, even by SIGKILL.

    Args:
        n_workers: Number of processes; None for one each usable processor.

    Raises:
        TypeError: If the number is not an integer.
        ValueError: If it is not positive.

    Example:
        In a script this stands under ``if __name__ == "__main__":``, because each
        process imports the script.

        >>> with ProcessWorkers(1) as workers:
        ...     workers.submit(pow, 2, 5).result()
        32
    """

    def __init__(self, n_workers: int | None = None) -> None:
        self.n_workers = usable_cpus() if n_workers is None else n_workers
        check_size("n_workers", self.n_workers)
        super().__init__(self.n_workers, thread_name_prefix="qlstm-worker")
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._pools: dict[ProcessPoolExecutor, int] = {}
        self._killed = False

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """Have a process call ``fn(*args, **kwargs)``, all of which must pickle."""
        return super().submit(self._call, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the threads, then their processes."""
        super().shutdown(wait, cancel_futures=cancel_futures)
        for pool in list(self._pools):
            pool.shutdown(wait)

    def kill(self) -> None:
        """End every process at once, whatever it does, and start no more."""
        with self._lock:
            self._killed = True
            pids = list(self._pools.values())
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self.shutdown(cancel_futures=True)

    def __exit__(self, kind, error, traceback) -> bool | None:
        """Wait for what was submitted; after an error, do not wait."""
        if kind is not None:
            self.kill()
        return super().__exit__(kind, error, traceback)

    def _call(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Any:
        """Call in this thread's process."""
        try:
            future = self._pool().submit(fn, *args, **kwargs)
        except BrokenProcessPool:  # it died at rest, so nothing is lost
            self._discard()
            future = self._pool().submit(fn, *args, **kwargs)
        try:
            return future.result()
        except BrokenProcessPool:
            self._discard()
            raise

    def _pool(self) -> ProcessPoolExecutor:
        """This thread's pool of one process, started when there is none."""
        if not hasattr(self._mine, "pool"):
            self._mine.pool = self._start()
        return self._mine.pool

    def _start(self) -> ProcessPoolExecutor:
        """A pool whose process answers."""
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, context, initializer=_prepare_worker)
        with _worker_settings():
            first = pool.submit(os.getpid)
        try:
            pid = first.result()
        except BrokenProcessPool:
            raise ExecutorError(
                "A worker process must be able to start, but it died first; a script "
                'that starts workers must do so under `if __name__ == "__main__":`.'
            ) from None
        with self._lock:
            if not self._killed:
                self._pools[pool] = pid
                return pool
        pool.shutdown()
        raise BrokenProcessPool("the workers were stopped")

    def _discard(self) -> None:
        """Forget this thread's pool, which is broken."""
        pool = self._mine.pool
        del self._mine.pool
        with self._lock:
            self._pools.pop(pool, None)
        pool.shutdown()


@contextmanager
def dask_workers(address: str, timeout: float = 10.0) -> Iterator[Executor]:
    """Connect to a Dask cluster, whose workers must have this package.

    The scheduler gives a run whose worker dies to another worker, by itself, up to
    `distributed.scheduler.allowed-failures` times; then its future raises
    `KilledWorker`.

    Args:
        address: The scheduler's, such as ``tcp://127.0.0.1:8786``.
        timeout: Seconds to wait for it.

    Yields:
        The executor; its `n_workers` is the number of threads of the cluster.

    Raises:
        ImportError: If distributed is not installed.
        ConnectionError: If no scheduler answers.
        ValueError: If this is no address.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ImportError(
            "A Dask cluster needs the package distributed, but it is not installed: "
            'pip install "qlstm[distributed]".'
        ) from None
    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except OSError as error:
        raise ConnectionError(
            f"Argument `address` must be that of a Dask scheduler, but {address} does "
            f"not answer ({error})."
        ) from None
    with client:
        executor = client.get_executor(pure=False)
        executor.n_workers = sum(client.nthreads().values())
        yield executor


def worker_died(error: BaseException) -> bool:
    """Whether an error means that the worker is gone, not that the run failed."""
    distributed = sys.modules.get("distributed")
    lost = () if distributed is None else (distributed.KilledWorker,)
    return isinstance(error, (BrokenExecutor, *lost))


_environment = threading.Lock()


@contextmanager
def _worker_settings() -> Iterator[None]:
    """What a process inherits from the thread that starts it in this block.

    One thread for linear algebra, which is read when NumPy is loaded, and no Ctrl-C,
    which would interrupt its imports with a traceback.
    """
    with _environment:
        before = {name: os.environ[name] for name in THREADS if name in os.environ}
        os.environ.update(dict.fromkeys(THREADS, "1"))
        try:
            with _without_interrupts():
                yield
        finally:
            for name in THREADS:
                del os.environ[name]
            os.environ.update(before)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block SIGINT in this thread, where there are signal masks."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_worker() -> None:
    """In a new process: leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end, which a killed parent cannot announce."""
    multiprocessing.parent_process().join()
    os._exit(1)
