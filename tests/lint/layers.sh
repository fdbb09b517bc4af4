#!/bin/sh
# Proves the direction of dependencies. One line per folder: the folders whose headers it may include (besides its own).
rules='
service/base:
service/pki: service/base
service/port: service/base
service/flash: service/base service/port
service/at: service/base service/port
service/firmware: service/base service/pki service/flash
service/cloud: service/base
service/store: service/base
service/access: service/base service/store
service/hooks: service/base service/store service/cloud
service/register: service/base service/pki service/store service/cloud
service/jobs: service/base service/pki service/port service/flash service/firmware service/at service/cloud service/store service/register
api: service/access service/base service/jobs service/store service/pki service/port service/firmware
api/handlers: api service/access service/hooks service/register service/base service/jobs service/store service/pki service/port service/flash service/firmware
service: service/access service/hooks service/register service/base service/jobs service/firmware service/store service/port service/cloud api
'
# header of a library: the folders that may include it (prefixes)
homes='
microhttpd.h: api
gnutls/: api
jansson.h: api service/store service/cloud service/register service/jobs service/firmware service/base/json_in.h service/base/json_in.c service/pki/unpack_json.c
libserialport.h: service/port
libudev.h: service/port
zip.h: service/base/archive.c
zlib.h: api/ui.c service/firmware service/pki/nvs_page.c
sqlite3.h: service/store
mosquitto.h: service/cloud
curl/: service/cloud
openssl/: service/pki service/cloud service/base/digest.c service/base/wipe.c service/store/vault.c
'
bad=0
for f in $(find service api -name '*.[ch]'); do
    dir=$(dirname "$f")
    allowed=" $dir $(printf '%s' "$rules" | sed -n "s|^$dir:||p") "
    for inc in $(sed -n 's/^#include "\(.*\)"$/\1/p' "$f"); do
        d=$(dirname "$inc")
        case "$allowed" in *" $d "*) ;; *) echo "$f: may not include $inc (layer $d)"; bad=1 ;; esac
    done
    for inc in $(sed -n 's/^#include <\(.*\)>$/\1/p' "$f"); do
        home=$(printf '%s' "$homes" | while IFS=: read -r h where; do
            case "$inc" in "$h"*) echo "$where" ;; esac; done)
        [ -n "$home" ] || continue
        ok=0
        for h in $home; do case "$f" in "$h" | "$h"/*) ok=1 ;; esac; done
        [ $ok = 1 ] || { echo "$f: <$inc> has its home in$home"; bad=1; }
    done
done
# The simulated board and the service share no code.
if grep -nE '#include "(service|api)/' -r tests/board; then echo "tests/board may not include the service"; bad=1; fi
exit $bad
