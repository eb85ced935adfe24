"""What a job sees of its secrets: salted hashes, never a value.

Arguments: the salt, a folder as s3a://bucket/folder, and the number of executors that work at the end. If that is more
than at the start, the job prints WAITING and goes on when somebody connects to port 7000.
"""

import glob
import os
import socket
import sys

from everywhere import gather, on_this_host, report, salted
from pyspark.sql import SparkSession

[salt, folder, last] = sys.argv[1:]
FIRST = 2
spark = SparkSession.builder.getOrCreate()
sc = spark.sparkContext
hadoop = sc._jsc.hadoopConfiguration()


def seen_by_task():
    return socket.gethostname(), salted(salt, os.environ.get("DB_PASSWORD")), salted(salt, os.environ.get("LEGACY"))


def command_lines():
    for file in glob.glob("/proc/[0-9]*/cmdline"):
        with open(file, errors="replace") as lines:
            yield lines.read().replace("\0", " ").strip()


def property_of(name):
    return salted(salt, sc.getConf().get(name))


result = {
    "version": spark.version,
    "driver": salted(salt, os.environ.get("DB_PASSWORD")),
    "driverLegacy": salted(salt, os.environ.get("LEGACY")),
    "custom": sc.getConf().get("spark.app.custom"),
    "hadoopOdd": salted(salt, hadoop.get("fairlead.odd")),
    "plainOdd": property_of("spark.fairlead.odd.token"),
    "plainUnregistered": property_of("spark.my.key"),
    "secretKey": sc.getConf().get("spark.hadoop.fs.s3a.secret.key"),
    "commandLines": [line for line in command_lines() if "java" in line],
    "executors": gather(spark, FIRST, seen_by_task),
}
rows = sc.parallelize(range(100), FIRST).mapPartitions(on_this_host)
spark.createDataFrame(rows, "host string, number long").write.mode("overwrite").json(folder)
result["sum"] = sum(row["number"] for row in spark.read.json(folder).collect())
if int(last) > FIRST:
    with socket.create_server(("", 7000)) as door:
        print("WAITING", flush=True)
        door.accept()[0].close()
    result["late"] = gather(spark, int(last), seen_by_task)
report(result)
spark.stop()
