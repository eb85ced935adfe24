"""What a notebook finds under the names that are its arguments, each as a hash with the variable SALT before it.

A name that begins with `spark.hadoop.` is read as Hadoop reads it, and `conf` has what SparkConf shows of it: PySpark in
client mode, with nothing that says so but its environment. Any other name is a variable.
"""

import hashlib
import os
import sys

from everywhere import report

HADOOP = "spark.hadoop."


def hashed(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256((os.environ["SALT"] + value).encode()).hexdigest()


properties = [name for name in sys.argv[1:] if name.startswith(HADOOP)]
seen = {name: hashed(os.environ.get(name)) for name in sys.argv[1:] if name not in properties}
conf = {}
if properties:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[1]").config("spark.driver.memory", "512m").getOrCreate()
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()
    for name in properties:
        seen[name] = hashed(hadoop.get(name.removeprefix(HADOOP)))
        conf[name] = spark.sparkContext.getConf().get(name)
    spark.stop()
report({"seen": seen, "conf": conf})
