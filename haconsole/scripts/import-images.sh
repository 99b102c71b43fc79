#!/bin/sh
# Imports an image archive into containerd, for kubelet.
# usage: import-images ARCHIVE
ctr --namespace k8s.io images import "$1"
