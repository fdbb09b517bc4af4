/* iot_roots: which root certificates a board needs for an endpoint: those that the system trusts
 * and that the endpoint's own certificates lead to, for a client that takes RSA and for one that
 * takes ECDSA, so that they serve whatever the board agrees upon. */
#ifndef SERVICE_CLOUD_IOT_ROOTS_H
#define SERVICE_CLOUD_IOT_ROOTS_H

#include "service/base/buf.h"
#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

/** Connect, and see. @param trusted_pem  instead of the system's; NULL = the system's
 *  @param out  one or two certificates in PEM are appended
 *  @return ERR_OK; ERR_NETWORK with code endpoint_unreachable or endpoint_untrusted; ERR_CANCELLED,
 * ERR_TIMEOUT, ERR_MEM */
enum err iot_roots_find(const char *host, int port, const char *trusted_pem, struct cancel *cancel,
                        struct deadline until, struct buf *out);
#endif
