import { stringify } from 'yaml';
import { PAUSE_IMAGE } from './images.ts';
import { pkiFile } from './pki.ts';
import type { State } from './state.ts';

/**
 * Made once per node and kept by a process of its own: the mount namespace in which containerd, the kubelet and
 * all containers run. Several of their paths are fixed (/var/lib/kubelet/device-plugins, /run/containerd/s,
 * /var/log/containers, ...); here each node has its own behind them, so that nodes do not meet each other or a
 * kubelet of the machine, sockets have short paths, and no mount is left when the last process is gone.
 */
export function namespaceScript(nodeDir: string, marker: string): string {
  return `set -eu
mount --make-rshared /
bind() { mkdir -p "$1" "$2"; mount --bind "$1" "$2"; }
cd ${quote(nodeDir)}
bind kubelet /var/lib/kubelet
bind containerd /var/lib/containerd
bind cni /var/lib/cni
bind pod-logs /var/log/pods
bind container-logs /var/log/containers
mkdir -p /run/containerd /run/netns
mount -t tmpfs -o mode=0711 ${marker} /run/containerd
mount -t tmpfs -o mode=0755 ${marker} /run/netns
exec sleep infinity
`;
}

export function containerdConfig(snapshotter: string, cniDir: string, cniConfigDir: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  # Where CAP_SYS_RESOURCE is missing, lowering it would fail each container.
  restrict_oom_score_adj = true
  [${cri}.cni]
    bin_dir = ${JSON.stringify(cniDir)}
    conf_dir = ${JSON.stringify(cniConfigDir)}
  [${cri}.containerd]
    snapshotter = "${snapshotter}"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}

export function cniConfig({ bridge, subnet, address }: State['node']): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: bridge,
    plugins: [
      {
        type: 'bridge',
        bridge,
        // The bridge has its address already; with isGateway the plugin would switch on forwarding for the machine.
        isGateway: false,
        ipMasq: false,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet, gateway: address }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: '/run/netns/ipam',
        },
      },
    ],
  });
}

export function kubeletConfig(dir: string, state: State): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: state.node.address,
    port: state.ports.kubelet,
    readOnlyPort: 0,
    healthzBindAddress: '127.0.0.1',
    healthzPort: state.ports['kubelet-health'],
    containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pkiFile(dir, 'ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: pkiFile(dir, 'kubelet.crt'),
    tlsPrivateKeyFile: pkiFile(dir, 'kubelet.key'),
    // pod-network/ answers there.
    clusterDNS: [state.node.address],
    clusterDomain: 'cluster.local',
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // Works on cgroup v1 and v2, with and without systemd: the node limits no group of pods as a whole.
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    oomScoreAdj: 0,
    // The machine's disk is not this node's: do not evict pods or collect images because it is rather full.
    evictionHard: { 'nodefs.available': '0%', 'nodefs.inodesFree': '0%', 'imagefs.available': '0%' },
    imageGCHighThresholdPercent: 100,
    maxPods: 200,
    // A kubelet that was started again first says that it is not ready, and takes it back at the next round.
    nodeStatusUpdateFrequency: '1s',
    nodeStatusReportFrequency: '5m',
    // A Secret that a mount waits for is brought at the next look; every minute is the default.
    syncFrequency: '10s',
    // A test sees its pod's changes in time rather than after a throttle.
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    eventRecordQPS: 0,
  });
}

function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
