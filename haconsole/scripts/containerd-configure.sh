#!/bin/sh
# Corrects the settings of containerd that kubelet depends on, and keeps all others; BACKUP gets the first version.
# BACKUP.unit gets the unit's state: active or not, enabled or not.
# usage: containerd-configure CONFIG BACKUP DRIVER IMAGE CNI_FOLDER
# DRIVER is systemd or cgroupfs; an empty IMAGE leaves that setting as it is; CNI_FOLDER is `-` to find it
# uses lib/toml-set
# uses lib/cni-folder
config=$1 backup=$2 driver=$3 image=$4 cni=$(cni_folder "$5")
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
mkdir -p -- "${backup%/*}"
[ -e "$backup.unit" ] || printf '%s %s\n' "$(systemctl is-active containerd.service)" "$(systemctl is-enabled containerd.service)" >"$backup.unit"
if cmp -s "$new" "$config"; then rm -f -- "$new"; else
  containerd --config "$new" config dump >/dev/null || { rm -f -- "$new"; exit 1; }
  if [ ! -e "$backup" ] && [ ! -e "$backup.absent" ]; then
    if [ -e "$config" ]; then cp -a -- "$config" "$backup"; else touch -- "$backup.absent"; fi
  fi
  sync -- "$new"; mv -T -- "$new" "$config"
fi
systemctl enable --quiet containerd.service
systemctl restart containerd.service
