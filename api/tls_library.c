/* Why two functions of GnuTLS are defined here: libmicrohttpd needs the library to be loaded, and
 * it is started before main() from two sides, by its own constructor, which asks
 * _gnutls_global_init_skip(), and by libmicrohttpd's, which calls gnutls_global_init(). Its tables
 * would cost a service without TLS 0.9 MB of memory. */
#include "api/tls_library.h"

#include <dlfcn.h>
#include <gnutls/gnutls.h>
#include <string.h>

GNUTLS_SKIP_GLOBAL_INIT

/* For libmicrohttpd: later. */
int gnutls_global_init(void)
{
    return 0;
}

enum err tls_library_start(void)
{
    int (*start)(void) = NULL;
    void *found = dlsym(RTLD_NEXT, "gnutls_global_init");
    memcpy(&start, &found, sizeof start);
    int rc = start ? start() : GNUTLS_E_UNIMPLEMENTED_FEATURE;
    return rc == 0 ? ERR_OK : err_set(ERR_INTERNAL, "GnuTLS: %s", gnutls_strerror(rc));
}
