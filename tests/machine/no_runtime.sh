#!/bin/sh
# Stands where workerd would: says that it listens, and lets the face for it be reached directly. It runs no Worker.
for argument; do
    case $argument in
    --version) echo "workerd 2026-01-01" && exit ;;
    --control-fd=*) control=${argument#*=} ;;
    esac
done
echo '{"event": "listen"}' >"/dev/fd/$control"
exec sleep 3600
