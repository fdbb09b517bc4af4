#!/bin/sh
# Runs every test that `make test` has built, and counts them: run.sh BUILD_DIR "UNIT TESTS" "REPLAYERS".
exec /usr/bin/python3 "$(dirname "$0")/run.py" "$@"
