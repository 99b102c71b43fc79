"""Changes of etcd's members and storage."""
