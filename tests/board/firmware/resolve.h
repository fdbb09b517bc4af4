/* resolve: the board's DNS. Blocks: only for threads that may wait. */
#ifndef TESTS_BOARD_FIRMWARE_RESOLVE_H
#define TESTS_BOARD_FIRMWARE_RESOLVE_H

#include <netinet/in.h>
#include <stdbool.h>

/** An IPv4 address as text, or a host name. With ESPBOARD_RESOLVE=ADDRESS in the environment every
 *  host name is at that address (a bench without a name server); else the host system is asked.
 *  @return false when there is no such host */
bool resolve_ipv4(const char *host, struct in_addr *out);
#endif
