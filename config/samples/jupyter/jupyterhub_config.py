# JupyterHub with KubeSpawner: what to add to the configuration of the hub. The references are in references.yaml.
c = get_config()  # noqa: F821

# The namespace of the users' pods, of the domain, with the references in it.
c.KubeSpawner.namespace = "marketing-jobs"

c.KubeSpawner.extra_annotations = {
    "fairlead.dev/secret-references": "notebook",
    # KubeSpawner's name for the user's container: init containers and sidecars get nothing.
    "fairlead.dev/containers": "notebook",
}

# The reason for which a server waits is an event of its pod: the user reads it while the server starts.
c.KubeSpawner.events_enabled = True

# How long a server may wait for its secrets; after that its pod is deleted. One value for all profiles: JupyterHub
# reads it before KubeSpawner reads the profile.
c.KubeSpawner.start_timeout = 600

# A profile's annotations are merged with those above, so the containers need not be named again.
c.KubeSpawner.profile_list = [
    {
        "slug": "plain",
        "display_name": "Python",
        "default": True,
    },
    {
        "slug": "lake",
        "display_name": "Python and the lake, by PySpark in the notebook",
        "kubespawner_override": {
            "extra_annotations": {"fairlead.dev/secret-references": "notebook-lake"},
        },
    },
    {
        "slug": "cluster",
        "display_name": "PySpark with executors of its own",
        "kubespawner_override": {
            "extra_annotations": {"fairlead.dev/secret-references": "notebook-lake"},
            # A notebook with executors on Kubernetes is a driver: Spark hands the secrets on to them.
            "extra_labels": {"spark-role": "driver"},
            "service_account": "spark",
        },
    },
]
