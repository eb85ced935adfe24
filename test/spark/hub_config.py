"""The JupyterHub of test/spark/jupyterhub.test.ts: KubeSpawner as its documents configure it.

What only a browser needs is left out: see RoutesInMemory.
"""

import os

from jupyterhub.proxy import Proxy
from kubespawner import KubeSpawner


class RoutesInMemory(Proxy):
    """Keeps the routes that the hub asks for, and leads nobody anywhere.

    Who calls the hub's API calls the hub itself, and the hub asks a user's server at its pod's address whether it is
    up. So nothing that the test looks at goes through a proxy, and configurable-http-proxy, a Node program, is saved.
    """

    should_start = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.routes = {}

    async def add_route(self, routespec, target, data):
        spec = self.validate_routespec(routespec)
        self.routes[spec] = {"routespec": spec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(self.validate_routespec(routespec), None)

    async def get_all_routes(self):
        return dict(self.routes)


def patience(spawner):
    """Somebody in a hurry: the only place where start_timeout can differ from spawn to spawn."""
    spawner.start_timeout = int(spawner.user_options.get("patience", 300))


def tells(*names):
    """The usual server, beside a program that prints what it finds under these names, each as a salted hash."""
    told = " ".join(names)
    return ["bash", "-c", f'python3 /opt/apps/notebook_seen.py {told} & exec jupyterhub-singleuser "$@"', "start"]


c = get_config()  # noqa: F821

c.JupyterHub.proxy_class = RoutesInMemory
c.JupyterHub.hub_ip = "0.0.0.0"
c.JupyterHub.hub_connect_ip = os.environ["POD_ADDRESS"]
c.JupyterHub.db_url = "sqlite:////tmp/hub.sqlite"
c.JupyterHub.cookie_secret_file = "/tmp/cookie-secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
# A request for a server is answered at once; how it goes on is told by its progress.
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.JupyterHub.services = [{"name": "test", "api_token": os.environ["HUB_TOKEN"]}]
c.JupyterHub.load_roles = [
    {"name": "test", "services": ["test"], "scopes": ["admin:users", "admin:servers"]},
]

c.JupyterHub.spawner_class = KubeSpawner
c.KubeSpawner.image = os.environ["IMAGE"]
c.KubeSpawner.image_pull_policy = "Never"
c.KubeSpawner.cpu_guarantee = 0.1
c.KubeSpawner.environment = {"SALT": os.environ["SALT"]}
c.KubeSpawner.http_timeout = 240
c.KubeSpawner.delete_grace_period = 0
c.KubeSpawner.pre_spawn_hook = patience
c.KubeSpawner.extra_annotations = {
    "fairlead.dev/secret-references": "warehouse",
    "fairlead.dev/containers": "notebook",
}
c.KubeSpawner.cmd = tells("DB_PASSWORD")
c.KubeSpawner.profile_list = [
    {"slug": "warehouse", "display_name": "The warehouse", "default": True},
    {
        "slug": "lake",
        "display_name": "The lake, with Spark",
        "kubespawner_override": {
            "extra_annotations": {"fairlead.dev/secret-references": "lake"},
            "cmd": tells("DB_PASSWORD", "spark.hadoop.fs.s3a.secret.key"),
        },
    },
]
