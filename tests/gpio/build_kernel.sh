#!/usr/bin/env bash
# Builds the user-mode Linux kernel of tests/gpio: an ordinary program with a simulated GPIO chip (gpio-sim), whose lines
# give real edge events on a real /dev/gpiochip0. Takes about 7 minutes of one processor core, once: the kernel is kept
# in ${XDG_CACHE_HOME:-~/.cache}/archstats/gpio-kernel, outside the source tree. Debian and its relatives only.
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/archstats/gpio-kernel"
kernel="$cache/linux"
if [ -x "$kernel" ]; then
    echo "$kernel is built; remove it to build it again."
    exit 0
fi

missing=()
for need in flex:flex bison:bison bc:bc make:make gcc:gcc xz:xz-utils; do
    command -v "${need%%:*}" >/dev/null 2>&1 || missing+=("${need#*:}")
done
[ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "Missing: sudo apt-get install ${missing[*]}" >&2
        exit 1
    fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# The package is unpacked, not installed: that needs no root, and leaves the machine as it is.
package=$(apt-cache depends linux-source | sed -n 's/^ *Depends: //p' | head -n 1)
apt-get download -qq "$package"
dpkg-deb --fsys-tarfile ./*.deb | tar --extract --wildcards './usr/src/linux-source-*.tar.xz'
mkdir source
tar --extract --file usr/src/linux-source-*.tar.xz --directory source --strip-components 1
cd source

# The host takes a program's registers back only as a whole, and a new processor has more of them (AVX-512, AMX: 11 kB) than
# this kernel has room for: without these changes it ends at its start with "ptrace set fp regs failed".
sed -i 's/DEFINE_LONGS(HOST_FP_SIZE, 2696)/DEFINE_LONGS(HOST_FP_SIZE, 12288)/' arch/x86/um/user-offsets.c
sed -i -e 's/^int have_xstate_support;/&\nstatic unsigned long xstate_bytes;/' \
    -e '/^int restore_fp_registers/,/^}/s/iov.iov_len = .*/iov.iov_len = xstate_bytes;/' \
    -e 's/^\t\thave_xstate_support = 1;/\t{ have_xstate_support = 1; xstate_bytes = iov.iov_len; }/' \
    arch/x86/um/os-Linux/registers.c
grep -q 12288 arch/x86/um/user-offsets.c
[ "$(grep -c xstate_bytes arch/x86/um/os-Linux/registers.c)" = 3 ]

enabled=(
    64BIT MULTIUSER BINFMT_ELF BINFMT_SCRIPT PRINTK                   # programs of the host, under its kernel's messages
    HOSTFS PROC_FS SYSFS TMPFS SHMEM DEVTMPFS DEVTMPFS_MOUNT CONFIGFS_FS BLOCK
    FUTEX EPOLL SIGNALFD TIMERFD EVENTFD POSIX_TIMERS HIGH_RES_TIMERS FILE_LOCKING MEMBARRIER RSEQ   # the C library, Python
    NET UNIX INET                                                      # asyncio's pairs of sockets
    TTY UNIX98_PTYS STDERR_CONSOLE NULL_CHAN TTY_CHAN MAGIC_SYSRQ
    GPIOLIB GPIO_CDEV GPIO_SIM
    VIRTIO_UML PCI UML_PCI_OVER_VIRTIO PCI_MSI                         # more interrupt numbers: gpio-sim gets none without
)
make ARCH=um tinyconfig >/dev/null
printf 'CONFIG_%s=y\n' "${enabled[@]}" >>.config
cat >>.config <<'CONFIG'
CONFIG_UML_PCI_OVER_VIRTIO_DEVICE_ID=1234
CONFIG_CON_ZERO_CHAN="fd:0,fd:1"
CONFIG_CON_CHAN="null"
CONFIG_SSL_CHAN="null"
CONFIG_KERNEL_STACK_ORDER=3
CONFIG
make ARCH=um olddefconfig >/dev/null
for option in HOSTFS GPIO_CDEV GPIO_SIM PCI_MSI; do
    grep -qx "CONFIG_$option=y" .config || { echo "$package cannot be built with CONFIG_$option" >&2; exit 1; }
done
make ARCH=um -j"$(nproc)" linux >"$cache/build.log" 2>&1 || { tail -n 20 "$cache/build.log" >&2; exit 1; }
strip linux
mv linux "$kernel.new" && mv "$kernel.new" "$kernel"
echo "$kernel is built."
