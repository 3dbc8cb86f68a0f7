# The first process of new namespaces, which becomes systemd: an overlay of LOWER, with all changes in memory.
# Set by lab.py: LOWER, NOTIFY_DIR (folder of the notify socket), BINDS (a line each), UDEV (0 or 1), DEVICES.
set -eu

mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir -p /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
cd /mnt/root

# Start none of this machine's own services, unless the lower system was made for the lab.
if [ "$LOWER" = / ]; then
    find etc/systemd/system -mindepth 1 -maxdepth 1 ! -name '*.conf' -exec rm -rf {} +
    rm -rf etc/udev/rules.d/*
fi
: > etc/fstab
ln -sf /dev/null etc/tmpfiles.d/tmp.conf  # clean nothing: folders bound into /tmp belong to this machine
: > etc/machine-id
rm -rf var/log/journal
no_hardware="systemd-sysctl systemd-binfmt systemd-modules-load systemd-random-seed systemd-hwdb-update systemd-timesyncd
    systemd-networkd systemd-resolved systemd-logind systemd-firstboot console-getty getty@ getty-static systemd-pstore
    systemd-update-utmp systemd-update-utmp-runlevel e2scrub_reap keyboard-setup console-setup networking cron
    systemd-udev-trigger"  # the last one would make udev configure this machine's devices, including network cards
[ "$UDEV" = 1 ] || no_hardware="$no_hardware systemd-udevd"
for name in $no_hardware; do ln -sf /dev/null "etc/systemd/system/$name.service"; done
[ "$UDEV" = 1 ] || for kind in kernel control; do ln -sf /dev/null "etc/systemd/system/systemd-udevd-$kind.socket"; done

# Kernel switches are shared with this machine, so they are read-only.
mount -t proc proc proc
for part in sys sysrq-trigger irq bus; do
    [ -e "proc/$part" ] || continue
    mount --bind "proc/$part" "proc/$part"
    mount -o remount,ro,bind "proc/$part"
done
mount -t sysfs sysfs sys
[ "$UDEV" = 1 ] || mount -o remount,ro,bind sys  # udevd needs a writable sysfs
mount -t cgroup2 cgroup2 sys/fs/cgroup

mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do cp -a "/dev/$node" "dev/$node"; done
for node in $DEVICES; do cp -a "$node" ".$node"; done
mkdir dev/pts dev/shm
# Pseudo-terminals stand for serial ports here and get the rights that udev gives those: dialout, 0660.
mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666,mode=660,gid=20
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=1777 tmpfs dev/shm
: > dev/console

mount -t tmpfs -o mode=755 tmpfs run
mkdir -p run/lock run/lab
mount --bind "$NOTIFY_DIR" run/lab
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
mount --make-rshared /  # in a container systemd leaves that to its manager, and it mounts credentials through it
exec env -i container=lab NOTIFY_SOCKET=/run/lab/notify PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --show-status=0 --log-level=notice </dev/null
