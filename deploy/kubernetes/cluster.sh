#!/bin/bash
# A real one-node Kubernetes from package registries alone (Debian 12's apt + Go module proxy), root, cgroup v1.
#   cluster.sh build | helm | up | down | import IMAGE.tar | exec CMD...   (helm builds that alone; exec runs CMD inside the cluster's network)
# Everything lives in its own mount, pid and network namespaces: no uplink, no iptables or sysctl change outside.
set -euo pipefail
K8S=1.37.2 ETCD=3.7.0 COREDNS=1.15.0 ROUTER=2.1.0 HELM=4.3.1 # containerd, runc, CNI plugins, nft: Debian's own
D=${K8S_DIR:-/var/cache/k8s-from-source} B=$D/bin R=$D/data IP=10.0.0.1
export PATH=$B:$PATH KUBECONFIG=$D/kubeconfig
say() { echo "$(($(date +%s) - T0))s $*"; }; T0=$(date +%s)
inside() { nsenter -t "$(cat $R/pid)" "$@"; }; kube() { inside -n kubectl "$@"; }
till() { for _ in $(seq 600); do "$@" >/dev/null 2>&1 && return; sleep .2; done; echo "gave up: $*" >&2; return 1; }

build() {
  [ -x /usr/bin/containerd ] && [ -d /usr/lib/cni ] && [ -x /bin/busybox ] && [ -x /usr/sbin/nft ] && [ -x /usr/sbin/ipset ] && [ -x /usr/sbin/conntrack ] || { apt-get update -q
    apt-get install -qy --no-install-recommends containerd runc containernetworking-plugins busybox-static nftables iptables ipset conntrack openssl; }
  mkdir -p $B $D/src/kube $D/src/coredns
  export GOFLAGS="-trimpath -buildvcs=false -gcflags=all=-dwarf=false" CGO_ENABLED=0 GOBIN=$B
  if [ ! -x $B/hyperkube ]; then (cd $D/src/kube
    m=$(go mod download -json k8s.io/kubernetes@v$K8S | sed -n 's/.*"GoMod": "\(.*\)",/\1/p')
    { printf 'module kube\ngo 1.26.0\ngodebug default=go1.26\nrequire k8s.io/kubernetes v%s\nrequire go.etcd.io/etcd/server/v3 v%s\n' $K8S $ETCD
      sed -n "s#^\t\(k8s.io/[a-z-]*\) => ./staging.*#replace \1 => \1 v0.${K8S#1.}#p" "$m"; } >go.mod
    cat >main.go <<'GO'
package main

import (
	"context"
	"os"
	"path/filepath"
	_ "time/tzdata"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	var c *cobra.Command
	switch filepath.Base(os.Args[0]) {
	case "etcd":
		etcdmain.Main(os.Args)
		return
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			util.CheckErr(err)
		}
		return
	case "kube-apiserver":
		c = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		c = manager.NewControllerManagerCommand()
	case "kube-scheduler":
		c = scheduler.NewSchedulerCommand()
	case "kube-proxy":
		c = proxy.NewProxyCommand()
	case "kubelet":
		c = kubelet.NewKubeletCommand(context.Background())
	default:
		panic("call me by a component's name")
	}
	os.Exit(cli.Run(c))
}
GO
    v=k8s.io/component-base/version
    nice -n5 go build -mod=mod -o $B/hyperkube -ldflags "-s -w -X $v.gitVersion=v$K8S -X $v.gitMajor=1 -X $v.gitMinor=$(cut -d. -f2 <<<$K8S) -X $v.gitTreeState=clean" .); fi
  for c in etcd kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet; do ln -sf hyperkube $B/$c; done; say kube built
  if [ ! -x $B/coredns ]; then (cd $D/src/coredns
    printf 'module dns\ngo 1.26.0\nrequire github.com/coredns/coredns v%s\n' $COREDNS >go.mod
    { printf 'package main\n\nimport (\n\t"github.com/coredns/coredns/coremain"\n'
      for p in cache errors forward health kubernetes log ready reload whoami; do printf '\t_ "github.com/coredns/coredns/plugin/%s"\n' $p; done
      printf ')\n\nfunc main() { coremain.Run() }\n'; } >main.go
    nice -n5 go build -mod=mod -o $B/coredns -ldflags '-s -w' .); fi
  say coredns built # kube-router only enforces NetworkPolicies here
  [ -x $B/kube-router ] || nice -n5 go install -ldflags '-s -w' github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v$ROUTER; say kube-router built
  helm_program; say helm built
}

helm_program() {
  mkdir -p $B
  [ -x $B/helm ] || GOFLAGS="-trimpath -buildvcs=false -gcflags=all=-dwarf=false" CGO_ENABLED=0 GOBIN=$B nice -n5 go install -ldflags '-s -w' helm.sh/helm/v4/cmd/helm@v$HELM
}

image() { # image NAME:TAG FOLDER: a docker-archive of one layer, on stdout; enough for `ctr images import`
  local t; t=$(mktemp -d); tar -C "$2" -cf $t/l.tar .
  printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Entrypoint":["/bin/sleep","2147483647"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(sha256sum <$t/l.tar | cut -d' ' -f1)" >$t/c.json
  printf '[{"Config":"c.json","RepoTags":["%s"],"Layers":["l.tar"]}]' "$1" >$t/manifest.json
  tar -C $t -c manifest.json c.json l.tar; rm -r $t
}
import() { ctr -a $R/run/containerd/containerd.sock -n k8s.io images import --snapshotter overlayfs "$1" >/dev/null; }

up() {
  build
  [ ! -e $R ] || { echo "$R is there: run down first" >&2; exit 1; }
  mkdir -p $R/{run,log,kubelet,containerd,cni,conf,pv}
  cd $R/conf
  openssl genrsa -out sa.key 2048 2>/dev/null; openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 30 2>/dev/null
  openssl req -x509 -newkey rsa:2048 -nodes -keyout api.key -out api.crt -subj /CN=kube-apiserver -days 30 -CA ca.crt -CAkey ca.key -addext basicConstraints=critical,CA:FALSE \
    -addext "subjectAltName=IP:$IP,IP:10.96.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local" 2>/dev/null
  tok=$(openssl rand -hex 16); echo "$tok,admin,admin,system:masters" >tokens; chmod 600 tokens
  cat >$KUBECONFIG <<Y
{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {token: $tok}}],
 clusters: [{name: a, cluster: {server: "https://$IP:6443", certificate-authority: $R/conf/ca.crt}}]}
Y
  chmod 600 $KUBECONFIG
  cat >containerd.toml <<Y
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "local/busybox:1"
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE runc dies on a lower one: "can't get final child's PID from pipe"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$R/conf/cni"
Y
  mkdir cni; cat >cni/1.conflist <<Y
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
 {"type": "ptp", "mtu": 1500, "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
Y
  echo "nameserver 127.0.0.1" >resolv.conf
  cat >kubelet.yaml <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false # refused by default since 1.35
cgroupDriver: cgroupfs
failSwapOn: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: $R/conf/resolv.conf
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
imageGCHighThresholdPercent: 100 # no registry to pull again from
evictionHard: {memory.available: 100Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
Y
  cat >init.sh <<Y
mount --make-rshared /
for d in run var/log:log var/lib/kubelet:kubelet var/lib/containerd:containerd var/lib/cni:cni; do mkdir -p /\${d%:*}; mount --bind $R/\${d#*:} /\${d%:*}; done
for s in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops; do # the kubelet insists on setting these: let it set a copy
  cat /proc/sys/\$s >\${s#*/}; mount --bind \${s#*/} /proc/sys/\$s; done
hostname node1
ip link set lo up; ip link add k0 type bridge; ip addr add $IP/24 dev k0; ip link set k0 up
ip route add 10.96.0.0/16 dev k0; sysctl -qw net.ipv4.ip_forward=1
trap 'exit 0' TERM
while :; do sleep 3600 & wait; done
Y
  setsid nice -n5 unshare --mount --pid --net --uts --ipc --fork --kill-child --mount-proc bash -e init.sh >$R/log/init 2>&1 </dev/null &
  till pgrep -P $!; pgrep -P $! >$R/pid; till inside -n ip route get $IP
  go() { inside -a nice -n5 "$@" >"$R/log/$1.log" 2>&1 </dev/null & }
  go containerd --config $R/conf/containerd.toml
  go etcd --data-dir $R/etcd --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 --unsafe-no-fsync
  go kube-apiserver --etcd-servers=http://127.0.0.1:2379 --tls-cert-file=$R/conf/api.crt --tls-private-key-file=$R/conf/api.key --bind-address=$IP --advertise-address=$IP --service-cluster-ip-range=10.96.0.0/16 \
    --token-auth-file=$R/conf/tokens --authorization-mode=Node,RBAC --allow-privileged --kubelet-preferred-address-types=InternalIP --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file=$R/conf/sa.pub --service-account-signing-key-file=$R/conf/sa.key
  mkdir -p $D/src/bb/{bin,tmp,etc}; cp /bin/busybox $D/src/bb/bin/; /bin/busybox --list | sed '/^busybox$/d' | xargs -I{} ln -sf busybox $D/src/bb/bin/{}
  till ctr -a $R/run/containerd/containerd.sock version; image docker.io/local/busybox:1 $D/src/bb >$R/bb.tar; import $R/bb.tar; say containerd up
  till kube get --raw /readyz; say API server ready
  go kube-controller-manager --kubeconfig=$KUBECONFIG --use-service-account-credentials --service-account-private-key-file=$R/conf/sa.key --root-ca-file=$R/conf/ca.crt --leader-elect=false
  go kube-scheduler --kubeconfig=$KUBECONFIG --leader-elect=false
  go kubelet --kubeconfig=$KUBECONFIG --config=$R/conf/kubelet.yaml --hostname-override=node1 --node-ip=$IP
  till kube get node node1
  go kube-proxy --kubeconfig=$KUBECONFIG --hostname-override=node1 --proxy-mode=nftables --nodeport-addresses=primary --cluster-cidr=10.244.0.0/16 --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
  go kube-router --kubeconfig=$KUBECONFIG --hostname-override=node1 --run-router=false --run-service-proxy=false --run-firewall=true --service-cluster-ip-range=10.96.0.0/16 --metrics-port=0
  kube apply -f - >/dev/null <<Y
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}, provisioner: kubernetes.io/no-provisioner, volumeBindingMode: WaitForFirstConsumer}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: coredns, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "system:coredns"}
rules:
- {apiGroups: [""], resources: [endpoints, services, pods, namespaces], verbs: [list, watch]}
- {apiGroups: [discovery.k8s.io], resources: [endpointslices], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: "system:coredns"}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:coredns"}
subjects: [{kind: ServiceAccount, name: coredns, namespace: kube-system}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data:
  Corefile: |
    .:53 {
      errors
      health
      ready
      kubernetes cluster.local in-addr.arpa
      cache 5
      reload
    }
---
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: 10.96.0.10
  selector: {k8s-app: kube-dns}
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system}
spec:
  selector: {matchLabels: {k8s-app: kube-dns}}
  template:
    metadata: {labels: {k8s-app: kube-dns}}
    spec:
      serviceAccountName: coredns
      dnsPolicy: Default
      volumes: [{name: bin, hostPath: {path: $B}}, {name: conf, configMap: {name: coredns}}]
      containers:
      - name: coredns
        image: local/busybox:1
        command: [/host/coredns, -conf, /conf/Corefile]
        volumeMounts: [{name: bin, mountPath: /host, readOnly: true}, {name: conf, mountPath: /conf}]
        readinessProbe: {httpGet: {path: /ready, port: 8181}, periodSeconds: 1}
        resources: {requests: {cpu: 100m, memory: 70Mi}} # without, it starves whenever a pod starts, and nobody finds anybody
Y
  for i in $(seq 20); do mkdir $R/pv/$i; echo "{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv$i}, spec: {storageClassName: standard, capacity: {storage: 100Gi}, accessModes: [ReadWriteOnce, ReadWriteMany],
   local: {path: $R/pv/$i}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node1]}]}]}}}}"; echo ---; done | kube apply -f - >/dev/null
  till kube wait --for=condition=Ready node/node1 --timeout=1s; say node Ready
  kube -n kube-system rollout status deployment/coredns --timeout=120s >/dev/null; say DNS ready: the cluster is up
}

down() {
  local p; p=$(cat $R/pid 2>/dev/null || echo none) # pid 1 of the pid namespace: all in it, containers too, ends with it
  [ "$(readlink /proc/$p/cwd)" != $R/conf ] || kill -9 $p
  till bash -c "! grep -qs $R /proc/[0-9]*/mountinfo"
  find /sys/fs/cgroup/*/kubepods /sys/fs/cgroup/kubepods -depth -type d -exec rmdir {} + 2>/dev/null || :
  rm -rf $R $KUBECONFIG; say down
}

case ${1:-} in helm) helm_program ;; build | up | down) "$1" ;; import) import "$2" ;; exec) shift; inside -n "$@" ;; kubectl) inside -n "$@" ;; *) sed -n 2,4p "$0"; exit 2 ;; esac
