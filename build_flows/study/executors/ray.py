"""Jobs on a Ray cluster, by joblib's backend for it.

Workers share no disk with the study: each job brings the run folders that it needs, and its outcome those that it
made, which are written to the study's. A worker has its run folders in the cache (``$QUARL_CACHE`` or
``~/.cache/quarl``), where a training that is lost goes on from its checkpoint.
"""
from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from quarl.build_flows.study.executors import transfer
from quarl.build_flows.study.executors.local import THREADS, Work
from quarl.build_flows.study.executors.transfer import Parcel
from quarl.build_flows.study.jobs import Job, Outcome
from quarl.build_flows.study.lock import waiting_for
from quarl.host.errors import ToolError, UserError

_PATIENCE = 10.0      # s for the cluster's port to answer
_STARTS = 3           # of a worker whose node was lost when that was not known yet; then its jobs are lost
# Little, so that a node has room for those that a lost one leaves; with none Ray takes any node whatsoever.
_ACTORS = {"num_cpus": 0.01, "runtime_env": {"env_vars": THREADS}}


class Ray:
    """The CPUs of a cluster: the one at ``address``, ``ray://HOST:PORT``; or without one that of ``RAY_ADDRESS``, or
    that of this machine, or else a new one here. ``workers`` None takes all of them.

    Raises :class:`UserError` for an address that is none, :class:`ToolError` where Ray is missing or the cluster cannot
    be reached.
    """

    def __init__(self, address: str | None, workers: int | None):
        address = address or os.environ.get("RAY_ADDRESS") or None
        if address not in (None, "auto", "local"):
            _knock(str(address))
        ray = _ray()
        try:
            ray.init(address, log_to_driver=False, logging_level="ERROR", ignore_reinit_error=True)
        except Exception as error:
            ray.shutdown()          # half a connection would spoil the next
            raise _unreachable(address, error) from error
        self._asked = workers

    @property
    def workers(self) -> int:
        """As many as asked for, where the cluster has so many CPUs at present."""
        cpus = max(int(_ray().cluster_resources().get("CPU", 0)), 1)
        return min(self._asked or cpus, cpus)

    def outcomes(self, jobs: Sequence[Job], work: Work, runs: Path) -> Iterator[tuple[Job, Outcome]]:
        """As :meth:`quarl.build_flows.study.executors.local.Executor.outcomes`; run folders are brought and fetched."""
        from joblib import Parallel, delayed, parallel_config
        calls = (delayed(_remotely)(number, work, job, _needed(job, runs)) for number, job in enumerate(jobs))
        workers = min(self.workers, len(jobs))
        with parallel_config(_backend()):       # a spare one, as joblib does the work of a single job in this process
            results = Parallel(workers + 1, return_as="generator_unordered", batch_size=1, pre_dispatch=workers)(calls)
            try:
                for found in results:
                    if found is not None:
                        number, outcome, parcel = found
                        transfer.unpack(parcel, runs)
                        yield jobs[number], outcome
            finally:
                results.close()


def _needed(job: Job, runs: Path) -> Parcel:
    """A design needs what was trained; a training needs nothing."""
    return transfer.pack(runs, [job.training.name]) if job.design else {}


def _remotely(number: int, work: Work, job: Job, parcel: Parcel) -> tuple[int, Outcome, Parcel]:
    """Do the job of that number, with ``parcel`` of what it needs; what came of it, and the run folders made."""
    from quarl.hw.tools.cache import cache_folder
    runs = cache_folder("study", "runs")
    for name, data in parcel.items():
        with waiting_for(runs / name):
            if not (runs / name / "train" / "result.json").exists():
                transfer.unpack({name: data}, runs)
    outcome = work(job, runs)
    return number, outcome, transfer.pack(runs, [job.design.name] if job.design else job.names)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise ToolError("--executor ray needs Ray", str(error), "install it: pip install 'quarl-fpga[ray]'") from error
    return ray


def _knock(address: str) -> None:
    """Ray itself would wait long for a machine that does not answer."""
    found = urlsplit(address if "//" in address else f"//{address}")
    port = None
    with contextlib.suppress(ValueError):
        port = found.port
    if not found.hostname or not port:
        raise UserError("--executor must be local, ray or ray://HOST:PORT", address, "pass ray://10.0.0.1:10001")
    try:
        socket.create_connection((found.hostname, port), _PATIENCE).close()
    except OSError as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str | None, error: Exception) -> ToolError:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    return ToolError("the Ray cluster must be reachable", f"{text} at {address or 'this machine'}",
                     "start it with `ray start --head`, and see that the port of Ray's client server (10001) is open")


def _backend() -> str:
    """Register joblib's Ray backend, with what a study needs of it: a result that is lost with its worker is left out
    instead of ending everything, a job goes to a worker that is free, and one worker is a worker, too.

    There is one worker a CPU of each node. One that dies is replaced, by another node where its own is gone. Ray's own
    restart would not do: until it is done, all jobs that come to that worker are lost, too.
    """
    from joblib import register_parallel_backend
    from ray.exceptions import RayError, RayTaskError
    from ray.util.joblib.ray_backend import RayBackend
    from ray.util.multiprocessing.pool import AsyncResult, Pool, PoolActor
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def is_lost(result: Any) -> bool:
        return isinstance(result, RayError) and not isinstance(result, RayTaskError)

    class Workers(Pool):
        def __init__(self, processes: int):
            self.made, self.jobs = 0, [0] * processes
            super().__init__(processes)

        def _start_actor_pool(self, processes: int) -> None:
            self._actor_pool = [self._new_actor_entry() for _ in range(processes)]
            for index in range(processes):
                for _ in range(_STARTS):
                    if self._answers(index):
                        break
                    self._actor_pool[index] = self._new_actor_entry()

        def _answers(self, index: int) -> bool:
            try:
                _ray().get(self._actor_pool[index][0].ping.remote())
            except RayError:
                return False
            return True

        def _new_actor_entry(self) -> Any:
            alive = [node for node in _ray().nodes() if node["Alive"]]
            places = [node["NodeID"] for node in alive for _ in range(int(node["Resources"].get("CPU", 0)))]
            place = places[self.made % len(places)] if places else alive[0]["NodeID"]
            self.made += 1
            self._pool_actor = PoolActor.options(
                **_ACTORS, scheduling_strategy=NodeAffinitySchedulingStrategy(place, soft=True))
            return super()._new_actor_entry()

        def _init_ray(self, processes: int | None = None, ray_address: str | None = None) -> int | None:
            return processes        # we are connected; and a node that is lost meanwhile is no reason to fail

        def apply_async(self, func: Any, args: Any = (), kwargs: Any = None, callback: Any = None,
                        error_callback: Any = None) -> AsyncResult:
            index = self.jobs.index(min(self.jobs))
            self.jobs[index] += 1

            def ended(result: Any) -> None:
                if is_lost(result) and not self._closed:
                    self._actor_pool[index] = self._new_actor_entry()
                self.jobs[index] -= 1
                callback(result)

            return AsyncResult([self._run_batch(index, func, [(args, kwargs)])], ended, ended, single_result=True)

    class Enduring(RayBackend):
        supports_return_generator = True        # it is processes' pools that do not

        def configure(self, n_jobs: int = 1, parallel: Any = None, **kwargs: Any) -> int:
            self._pool, self.parallel = Workers(n_jobs - 1), parallel
            return n_jobs

        def retrieve_result_callback(self, result: Any) -> Any:
            return [None] if is_lost(result) else super().retrieve_result_callback(result)

    register_parallel_backend("quarl-ray", Enduring)
    return "quarl-ray"
