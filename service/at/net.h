/* net: what the board sees of the network: does its name server know a host, does a port take its
 * connection? */
#ifndef SERVICE_AT_NET_H
#define SERVICE_AT_NET_H

#include <stddef.h>

#include "service/at/client.h"

enum { AT_ADDRESS = 46 };

/** AT+CIPDOMAIN. @param[out] address_out  the answer
 *  @return ERR_OK; ERR_DEVICE with code net_dns_failed; ERR_TIMEOUT with code
 * net_hangs; ERR_UNSUPPORTED with code net_unsupported; as at_command() */
enum err at_net_resolve(struct at_client *c, const char *host, struct deadline until,
                        char address_out[AT_ADDRESS]);
/** AT+CIPSTART="TCP", then AT+CIPCLOSE.
 *  @return ERR_OK; ERR_DEVICE with code net_refused, or net_silent when the board gave up only
 * after a while; ERR_TIMEOUT with code net_hangs; ERR_UNSUPPORTED with code
 * net_unsupported; as at_command() */
enum err at_net_connect(struct at_client *c, const char *host, int port, struct deadline until);
#endif
