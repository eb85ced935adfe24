"""Counts on all executors at once."""

from everywhere import everywhere, on_this_host, report
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
seen = everywhere(spark, on_this_host).collect()
report({
    "version": spark.version,
    "sum": sum(number for _, number in seen),
    "executors": sorted({host for host, _ in seen}),
})
spark.stop()
