"""How the benchmark and a peer talk. A peer is run as

    python NAME_peer.py --variants BENCHMARK
    python NAME_peer.py BENCHMARK '{"variant": ..., "threads": ..., further parameters}'

and prints one JSON line: the list of the variants it has (empty: it takes no part), or a result:

    {"peer": ..., "variant": ..., "version": ..., "cpu_seconds": ..., "wall_seconds": ..., "peak_bytes": ...,
     "answer": ...}

Seconds are those of the work alone: starting Python, importing the engine and digesting the answer are left out;
processes it starts are included. `peak_bytes` is the largest resident size until the work ended.
"""

import json
import os
import resource
import sys
import time

# The pools of the engines are sized by these when they are imported.
_THREAD_VARIABLES = ("POLARS_MAX_THREADS", "TOKIO_WORKER_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS")


def start():
    """Reads the command line's parameters and limits the threads. To be called before an engine is imported."""
    asked = len(sys.argv) == 3 and sys.argv[1] != "--variants"
    params = json.loads(sys.argv[2]) if asked else {}
    threads = params.setdefault("threads", os.cpu_count())
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    return params


def main(peer, version, benchmarks, params):
    """Answers the command line. `benchmarks` maps names of benchmarks to variants, and those to functions of the
    parameters and a clock that return the answer."""
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} --variants BENCHMARK | BENCHMARK PARAMETERS_AS_JSON")
    if sys.argv[1] == "--variants":
        print(json.dumps(list(benchmarks.get(sys.argv[2], {}))))
        return
    variants = benchmarks.get(sys.argv[1])
    if not variants:
        sys.exit(f"{peer} takes no part in {sys.argv[1]}; it knows {', '.join(benchmarks)}")
    variant = params.get("variant", next(iter(variants)))
    if variant not in variants:
        sys.exit(f"{peer} has no variant {variant!r} of {sys.argv[1]}; it has {', '.join(variants)}")
    clock = Clock()
    answer = variants[variant](params, clock)
    result = {"peer": peer, "variant": variant, "version": version, **clock.reading(), "answer": answer}
    print(json.dumps(result))


class Clock:
    """Adds up wall time, and user and system time of this process and of its children, over `with` blocks."""

    def __init__(self):
        self._wall = self._cpu = 0.0
        self._peak = 0

    def __enter__(self):
        self._began = (time.perf_counter(), _cpu_seconds())

    def __exit__(self, *_):
        wall, cpu = self._began
        self._wall += time.perf_counter() - wall
        self._cpu += _cpu_seconds() - cpu
        self._peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def reading(self):
        """The fields of a result."""
        return {
            "cpu_seconds": round(self._cpu, 6),
            "wall_seconds": round(self._wall, 6),
            "peak_bytes": self._peak,
        }


def _cpu_seconds():
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
