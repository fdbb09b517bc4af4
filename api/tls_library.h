/* tls_library: GnuTLS, which is started only by a service that speaks TLS. */
#ifndef API_TLS_LIBRARY_H
#define API_TLS_LIBRARY_H

#include "service/base/err.h"

/** Before anything else of GnuTLS. Again is no error. @return ERR_OK, ERR_INTERNAL */
enum err tls_library_start(void);
#endif
