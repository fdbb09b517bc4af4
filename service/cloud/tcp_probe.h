/* tcp_probe: which address of a host takes TCP connections? */
#ifndef SERVICE_CLOUD_TCP_PROBE_H
#define SERVICE_CLOUD_TCP_PROBE_H

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"
#include "service/cloud/resolve.h"

/** Connect to the addresses in turn, each for five seconds at most, and close again.
 *  @param[out] address_out  the one that answered, in @p found
 *  @return ERR_OK, ERR_NETWORK ("mqtt_tcp_refused", "mqtt_tcp_timeout", "mqtt_tcp_unreachable"),
 *          ERR_CANCELLED */
enum err tcp_probe(const struct resolve_result *found, const char *host, struct cancel *cancel,
                   struct deadline until, const struct resolve_address **address_out);
/** The same, and it stays connected. @param[out] fd_out  not blocking; the caller closes it */
enum err tcp_connect(const struct resolve_result *found, const char *host, struct cancel *cancel,
                     struct deadline until, const struct resolve_address **address_out,
                     int *fd_out);
#endif
