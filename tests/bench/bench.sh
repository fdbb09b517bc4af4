#!/bin/sh
# bench.sh BUILD_DIR: every figure, each beside its peer in the same run, as one table.
exec /usr/bin/python3 "$(dirname "$0")/bench.py" "$@"
