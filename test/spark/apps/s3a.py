"""Writes a folder from all executors at once, and reads it back. Argument: the folder, as s3a://bucket/folder."""

import sys

from everywhere import everywhere, on_this_host, report
from pyspark.sql import SparkSession

[folder] = sys.argv[1:]
spark = SparkSession.builder.getOrCreate()
rows = everywhere(spark, on_this_host)
spark.createDataFrame(rows, "host string, number long").write.mode("overwrite").json(folder)
back = spark.read.json(folder).collect()
report({
    "version": spark.version,
    "sum": sum(row["number"] for row in back),
    "executors": sorted({row["host"] for row in back}),
})
spark.stop()
