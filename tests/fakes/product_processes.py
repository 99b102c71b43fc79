"""Processes of hosts that k0s, RKE2, kubeasz and Kubespray set up, as the script lists them."""

from __future__ import annotations

K0S = """\
@ k0s /usr/local/bin/k0s
- /usr/local/bin/k0s
- controller
- --config=/etc/k0s/k0s.yaml
@ etcd /srv/k0s/bin/etcd
- /srv/k0s/bin/etcd
- --advertise-client-urls=https://127.0.0.1:2379
- --cert-file=/srv/k0s/pki/etcd/server.crt
- --client-cert-auth=true
- --data-dir=/srv/k0s/etcd
- --initial-advertise-peer-urls=https://10.5.0.1:2380
- --key-file=/srv/k0s/pki/etcd/server.key
- --listen-client-urls=https://127.0.0.1:2379
- --listen-peer-urls=https://10.5.0.1:2380
- --name=a
- --peer-cert-file=/srv/k0s/pki/etcd/peer.crt
- --peer-trusted-ca-file=/srv/k0s/pki/etcd/ca.crt
- --trusted-ca-file=/srv/k0s/pki/etcd/ca.crt
@ kube-apiserver /srv/k0s/bin/kube-apiserver
- /srv/k0s/bin/kube-apiserver
- --advertise-address=10.5.0.1
- --client-ca-file=/srv/k0s/pki/ca.crt
- --etcd-servers=https://127.0.0.1:2379
- --secure-port=6443
- --service-cluster-ip-range=10.96.0.0/12
- --tls-cert-file=/srv/k0s/pki/server.crt
@ kube-controller /srv/k0s/bin/kube-controller-manager
- /srv/k0s/bin/kube-controller-manager
- --cluster-cidr=10.244.0.0/16
- --kubeconfig=/srv/k0s/pki/ccm.conf
"""
RKE2 = """\
@ etcd /usr/local/bin/etcd
- etcd
- --config-file=/var/lib/rancher/rke2/server/db/etcd/config
+ ETCD_UNSUPPORTED_ARCH=
= advertise-client-urls: https://10.5.0.1:2379
= client-transport-security:
=   cert-file: /var/lib/rancher/rke2/server/tls/etcd/server-client.crt
=   client-cert-auth: true
=   key-file: /var/lib/rancher/rke2/server/tls/etcd/server-client.key
=   trusted-ca-file: /var/lib/rancher/rke2/server/tls/etcd/server-ca.crt
= data-dir: /var/lib/rancher/rke2/server/db/etcd
= election-timeout: 5000
= heartbeat-interval: 500
= initial-advertise-peer-urls: https://10.5.0.1:2380
= initial-cluster: a-1f2e3d4c=https://10.5.0.1:2380
= listen-client-urls: https://127.0.0.1:2379,https://10.5.0.1:2379
= listen-metrics-urls: http://127.0.0.1:2381
= listen-peer-urls: https://127.0.0.1:2380,https://10.5.0.1:2380
= name: a-1f2e3d4c
= peer-transport-security:
=   cert-file: /var/lib/rancher/rke2/server/tls/etcd/peer-server-client.crt
=   client-cert-auth: true
=   key-file: /var/lib/rancher/rke2/server/tls/etcd/peer-server-client.key
=   trusted-ca-file: /var/lib/rancher/rke2/server/tls/etcd/peer-ca.crt
@ kube-apiserver /usr/local/bin/kube-apiserver
- kube-apiserver
- --advertise-address=10.5.0.1
- --client-ca-file=/var/lib/rancher/rke2/server/tls/client-ca.crt
- --etcd-servers=https://127.0.0.1:2379
- --secure-port=6443
- --service-cluster-ip-range=10.43.0.0/16
- --tls-cert-file=/var/lib/rancher/rke2/server/tls/serving-kube-apiserver.crt
@ kube-controller /usr/local/bin/kube-controller-manager
- kube-controller-manager
- --cluster-cidr=10.42.0.0/16
- --kubeconfig=/var/lib/rancher/rke2/server/cred/controller.kubeconfig
@ kubelet /var/lib/rancher/rke2/data/v1.30.2-rke2r1-0123456789ab/bin/kubelet
- kubelet
- --config-dir=/var/lib/rancher/rke2/agent/etc/kubelet.conf.d
- --kubeconfig=/var/lib/rancher/rke2/agent/kubelet.kubeconfig
"""
KUBEASZ = """\
@ etcd /opt/kube/bin/etcd
- /opt/kube/bin/etcd
- --name=etcd-10.5.0.1
- --cert-file=/etc/kubernetes/ssl/etcd.pem
- --key-file=/etc/kubernetes/ssl/etcd-key.pem
- --peer-cert-file=/etc/kubernetes/ssl/etcd.pem
- --peer-key-file=/etc/kubernetes/ssl/etcd-key.pem
- --trusted-ca-file=/etc/kubernetes/ssl/ca.pem
- --peer-trusted-ca-file=/etc/kubernetes/ssl/ca.pem
- --initial-advertise-peer-urls=https://10.5.0.1:2380
- --listen-client-urls=https://10.5.0.1:2379,http://127.0.0.1:2379
- --advertise-client-urls=https://10.5.0.1:2379
- --initial-cluster-token=etcd-cluster-0
- --initial-cluster=etcd-10.5.0.1=https://10.5.0.1:2380
- --data-dir=/var/lib/etcd
- --quota-backend-bytes=8589934592
@ kube-apiserver /opt/kube/bin/kube-apiserver
- /opt/kube/bin/kube-apiserver
- --bind-address=10.5.0.1
- --client-ca-file=/etc/kubernetes/ssl/ca.pem
- --etcd-certfile=/etc/kubernetes/ssl/kubernetes.pem
- --etcd-servers=https://10.5.0.1:2379
- --secure-port=6443
- --service-cluster-ip-range=10.68.0.0/16
- --tls-cert-file=/etc/kubernetes/ssl/kubernetes.pem
@ kube-controller /opt/kube/bin/kube-controller-manager
- /opt/kube/bin/kube-controller-manager
- --cluster-cidr=172.20.0.0/16
- --cluster-name=kubernetes
- --kubeconfig=/etc/kubernetes/kube-controller-manager.kubeconfig
@ kubelet /opt/kube/bin/kubelet
- /opt/kube/bin/kubelet
- --config=/var/lib/kubelet/config.yaml
- --kubeconfig=/etc/kubernetes/kubelet.kubeconfig
"""
KUBESPRAY = """\
@ etcd /usr/local/bin/etcd
- /usr/local/bin/etcd
+ ETCD_NAME=etcd1
+ ETCD_DATA_DIR=/var/lib/etcd
+ ETCD_ADVERTISE_CLIENT_URLS=https://10.5.0.1:2379
+ ETCD_INITIAL_ADVERTISE_PEER_URLS=https://10.5.0.1:2380
+ ETCD_HEARTBEAT_INTERVAL=250
+ ETCD_ELECTION_TIMEOUT=5000
+ ETCD_INITIAL_CLUSTER=etcd1=https://10.5.0.1:2380
+ ETCD_INITIAL_CLUSTER_TOKEN=k8s_etcd
+ ETCD_TRUSTED_CA_FILE=/etc/ssl/etcd/ssl/ca.pem
+ ETCD_CERT_FILE=/etc/ssl/etcd/ssl/member-a.pem
+ ETCD_KEY_FILE=/etc/ssl/etcd/ssl/member-a-key.pem
+ ETCD_PEER_CERT_FILE=/etc/ssl/etcd/ssl/member-a.pem
@ kube-apiserver /usr/local/bin/kube-apiserver
- kube-apiserver
- --advertise-address=10.5.0.1
- --client-ca-file=/etc/kubernetes/ssl/ca.crt
- --etcd-servers=https://10.5.0.1:2379
- --secure-port=6443
- --service-cluster-ip-range=10.233.0.0/18
@ kube-controller /usr/local/bin/kube-controller-manager
- kube-controller-manager
- --cluster-cidr=10.233.64.0/18
- --cluster-name=cluster.local
- --kubeconfig=/etc/kubernetes/controller-manager.conf
"""
PODS = frozenset({"kube-apiserver", "kube-controller-manager", "kube-scheduler"})
