"""Clusters of kubeadm's with stacked etcd: made, and their hosts joined and removed."""
