#!/bin/sh
# First process of the user-mode kernel: makes a simulated GPIO chip of 54 lines, runs the Python module GUEST, and halts.
# The kernel passes its unknown options on as variables: PYTHON, ROOT, GUEST and RESULT.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmpfs /run
mount -t devtmpfs dev /dev 2>/dev/null
mount -t configfs none /sys/kernel/config
chip=/sys/kernel/config/gpio-sim/range
mkdir -p $chip/bank && echo 54 >$chip/bank/num_lines && echo 1 >$chip/live
cd "$ROOT" && PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m "$GUEST" "$RESULT" </dev/null
echo o >/proc/sysrq-trigger
sleep 10
