"""Bootstrap: from bare hosts to a verified control plane, part by part."""
