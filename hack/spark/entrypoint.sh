#!/bin/bash
# What Spark on Kubernetes asks of an image ("Running Spark on Kubernetes", Docker images): the first word says what
# the container is, and SPARK_* variables that Spark sets in the pod say how to start it. Anything else is a command.
set -euo pipefail

driver() {
  exec "$SPARK_HOME/bin/spark-submit" \
    --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS" \
    --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS" \
    --deploy-mode client "$@"
}

executor() {
  local options=() n name classpath
  # Numbered from 0 without a gap. Read by name, not out of `env`: a value may hold any byte, line ends too.
  for ((n = 0; ; n++)); do
    name="SPARK_JAVA_OPT_$n"
    [[ -v $name ]] || break
    options+=("${!name}")
  done
  classpath="${SPARK_CONF_DIR:+$SPARK_CONF_DIR:}${HADOOP_CONF_DIR:+$HADOOP_CONF_DIR:}"
  classpath+="${SPARK_CLASSPATH:+$SPARK_CLASSPATH:}$SPARK_HOME/jars/*:$PWD${SPARK_DIST_CLASSPATH:+:$SPARK_DIST_CLASSPATH}"
  exec "$JAVA_HOME/bin/java" "${options[@]}" \
    "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$classpath" \
    org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend \
    --driver-url "$SPARK_DRIVER_URL" \
    --executor-id "$SPARK_EXECUTOR_ID" \
    --cores "$SPARK_EXECUTOR_CORES" \
    --app-id "$SPARK_APPLICATION_ID" \
    --hostname "$SPARK_EXECUTOR_POD_IP" \
    --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" \
    --podName "$SPARK_EXECUTOR_POD_NAME"
}

case "${1:-}" in
driver | executor) "$@" ;;
*) exec "$@" ;;
esac
