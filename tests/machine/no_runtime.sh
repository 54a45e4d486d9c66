#!/bin/sh
# Stands where workerd would: says that it listens, and lets the face for it be reached directly. It runs no Worker.
for argument; do
    case $argument in
    --version) echo "workerd 2026-01-01" && exit ;;
    --control-fd=*) control=${argument#*=} ;;
    --socket-fd=*) sockets="$sockets one" ;;
    esac
done
for _ in $sockets; do echo '{"event": "listen"}'; done >"/dev/fd/$control"
exec sleep 3600
