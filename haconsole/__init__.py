"""haconsole: a terminal console for highly available Kubernetes control planes."""

__version__ = "0.2.0"
