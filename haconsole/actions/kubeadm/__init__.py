"""Clusters that kubeadm makes: their bootstrap, and the joins and removals of hosts."""
