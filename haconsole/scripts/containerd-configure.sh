#!/bin/sh
# Corrects the settings of containerd that kubelet depends on, and keeps all others; BACKUP gets the first version.
# usage: containerd-configure CONFIG BACKUP DRIVER IMAGE CNI_FOLDER
# DRIVER is systemd or cgroupfs; an empty IMAGE or CNI_FOLDER leaves that setting as it is
# uses lib/toml-set
config=$1 backup=$2 driver=$3 image=$4 cni=$5
new=$config.new
mkdir -p -- "${config%/*}"
if [ -s "$config" ]; then cp -p -- "$config" "$new"; else printf 'version = 2\n' >"$new"; fi
if ! grep -q '^version *=' "$new"; then
  ! grep -q '^[[:space:]]*\[plugins' "$new" || { echo "$config has the format of version 1; convert it: containerd config migrate" >&2; exit 1; }
  { echo 'version = 2'; cat -- "$config"; } >"$new"
fi
case $(sed -n 's/^version *= *//p' "$new") in
  2)
    cri='plugins."io.containerd.grpc.v1.cri"'
    runc=$cri.containerd.runtimes.runc images=$cri key=sandbox_image folder=bin_dir
    ;;
  *)
    cri='plugins."io.containerd.cri.v1.runtime"'
    runc=$cri.containerd.runtimes.runc images='plugins."io.containerd.cri.v1.images".pinned_images' key=sandbox folder=bin_dir
    ;;
esac
change() { toml_set "$@" <"$new" >"$new.2"; cat -- "$new.2" >"$new"; rm -f -- "$new.2"; }
sed '/^[[:space:]]*disabled_plugins[[:space:]]*=/s/"\(io\.containerd\.grpc\.v1\.\)\{0,1\}cri"[[:space:]]*,\{0,1\}[[:space:]]*//' "$new" >"$new.2"
cat -- "$new.2" >"$new"; rm -f -- "$new.2"
case $driver in systemd) used=true ;; *) used=false ;; esac
grep -q 'runtimes\.[^]]*runc[^]]*\]' "$new" || change "$runc" runtime_type '"io.containerd.runc.v2"'
change "$runc.options" SystemdCgroup "$used"
[ -z "$image" ] || change "$images" "$key" "\"$image\""
[ -z "$cni" ] || change "$cri.cni" "$folder" "\"$cni\""
if cmp -s "$new" "$config"; then rm -f -- "$new"; else
  containerd --config "$new" config dump >/dev/null || { rm -f -- "$new"; exit 1; }
  mkdir -p -- "${backup%/*}"
  if [ ! -e "$backup" ] && [ ! -e "$backup.absent" ]; then
    if [ -e "$config" ]; then cp -a -- "$config" "$backup"; else touch -- "$backup.absent"; fi
  fi
  sync -- "$new"; mv -T -- "$new" "$config"
fi
systemctl enable --quiet containerd.service
systemctl restart containerd.service
