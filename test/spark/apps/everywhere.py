"""What the applications share: work that each executor has a part of, and a result that the test reads.

/opt/apps is on the Python path of drivers and executors.
"""

import hashlib
import json
import socket
import threading
import time
from typing import Callable, Iterable

from pyspark import RDD, BarrierTaskContext
from pyspark.sql import SparkSession


def everywhere(spark: SparkSession, function: Callable[[Iterable[int]], Iterable]) -> RDD:
    """Numbers 0 to 99, as `function` makes of them, one part on each executor.

    A barrier stage runs all its tasks at once; with one core for each executor, each executor has one of them.
    """
    sc = spark.sparkContext
    wanted = int(spark.conf.get("spark.executor.instances"))
    # The driver is in that list, too.
    while sc._jsc.sc().getExecutorMemoryStatus().size() - 1 < wanted:
        time.sleep(0.05)

    def part(numbers: Iterable[int]) -> Iterable:
        BarrierTaskContext.get().barrier()
        return function(numbers)

    return sc.parallelize(range(100), wanted).barrier().mapPartitions(part)


def gather(spark: SparkSession, count: int, function: Callable[[], object]) -> list:
    """What `function` answers in `count` tasks that wait for each other: with one core each, on as many executors.

    For jobs with dynamic allocation, which must not have barrier stages.
    """
    server = socket.create_server(("", 0))
    address = (socket.gethostbyname(socket.gethostname()), server.getsockname()[1])

    def meet() -> None:
        guests = [server.accept()[0] for _ in range(count)]
        for guest in guests:
            guest.close()

    def task(_: Iterable) -> Iterable:
        with socket.create_connection(address) as door:
            door.recv(1)
        yield function()

    threading.Thread(target=meet, daemon=True).start()
    answers = spark.sparkContext.parallelize(range(count), count).mapPartitions(task).collect()
    server.close()
    return answers


def salted(salt: str, value: str | None) -> str | None:
    return None if value is None else hashlib.sha256((salt + value).encode()).hexdigest()


def on_this_host(numbers: Iterable[int]) -> Iterable[tuple[str, int]]:
    return ((socket.gethostname(), number) for number in numbers)


def report(result: dict) -> None:
    print("RESULT " + json.dumps(result), flush=True)
