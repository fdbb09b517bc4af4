#!/bin/sh
# Calls that have no place in a service, and markers of unfinished work.
calls='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gets|alloca|system|popen|usleep|signal|pthread_cancel'
bad=0
if grep -nE "(^|[^a-zA-Z0-9_>.])($calls) *\(" -r service api --include='*.[ch]'; then bad=1; fi
if grep -nwE 'TODO|FIXME|XXX' -r service api tests docker Makefile README.md --include='*' --exclude-dir=node_modules \
    --exclude=banned.sh; then bad=1; fi
[ $bad = 0 ] || echo "banned: see above"
exit $bad
