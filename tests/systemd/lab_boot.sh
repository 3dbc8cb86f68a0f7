# Runs as the first process of new namespaces and becomes systemd: an overlay of LOWER, all changes in memory.
# Given by lab.py: LOWER, TALK (folder of the notify socket), BINDS (a line each), UDEV (0 or 1), DEVICES.
set -eu

mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -p /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
cd /mnt/root

# Nothing that this machine starts by itself, unless the lower system is one made for the lab.
if [ "$LOWER" = / ]; then
    find etc/systemd/system -mindepth 1 -maxdepth 1 ! -name '*.conf' -exec rm -rf {} +
    rm -rf etc/udev/rules.d/*
fi
: > etc/fstab
ln -sf /dev/null etc/tmpfiles.d/tmp.conf  # nothing is cleaned: what is bound into /tmp is this machine's
: > etc/machine-id
rm -rf var/log/journal
no_hardware="systemd-sysctl systemd-binfmt systemd-modules-load systemd-random-seed systemd-hwdb-update systemd-timesyncd
    systemd-networkd systemd-resolved systemd-logind systemd-firstboot console-getty getty@ getty-static systemd-pstore
    systemd-update-utmp systemd-update-utmp-runlevel e2scrub_reap keyboard-setup console-setup networking cron
    systemd-udev-trigger"  # the last one would have udev set up this machine's devices, network cards too
[ "$UDEV" = 1 ] || no_hardware="$no_hardware systemd-udevd"
for name in $no_hardware; do ln -sf /dev/null "etc/systemd/system/$name.service"; done
[ "$UDEV" = 1 ] || for kind in kernel control; do ln -sf /dev/null "etc/systemd/system/systemd-udevd-$kind.socket"; done

# The kernel's own switches are shared with this machine: they can be read only.
mount -t proc proc proc
for part in sys sysrq-trigger irq bus; do
    [ -e "proc/$part" ] || continue
    mount --bind "proc/$part" "proc/$part"
    mount -o remount,ro,bind "proc/$part"
done
mount -t sysfs sysfs sys
[ "$UDEV" = 1 ] || mount -o remount,ro,bind sys  # udevd works only where sysfs is writable
mount -t cgroup2 cgroup2 sys/fs/cgroup

mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do cp -a "/dev/$node" "dev/$node"; done
for node in $DEVICES; do cp -a "$node" ".$node"; done
mkdir dev/pts dev/shm
# Pseudo terminals stand for serial ports here, so they get the rights that udev gives to those: dialout, 0660.
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666,mode=660,gid=20
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
: > dev/console

mount -t tmpfs -o mode=755 tmpfs run
mkdir -p run/lock run/lab
mount --bind "$TALK" run/lab
mount -t tmpfs -o mode=1777 tmpfs tmp
printf '%s\n' "$BINDS" | while read -r source target; do
    [ -n "$source" ] || continue
    if [ -d "$source" ]; then mkdir -p ".$target"; else : > ".$target"; fi
    mount --bind "$source" ".$target"
    mount -o remount,ro,bind ".$target"
done

mkdir -p .old
pivot_root . .old
cd /
umount -l /.old
exec env -i container=lab NOTIFY_SOCKET=/run/lab/notify PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --show-status=0 --log-level=notice </dev/null
