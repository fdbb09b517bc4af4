/* lockout: counts failed tries by address. More than LOCKOUT_TRIES within a minute lock the address
 * out for a while, and for longer each time. Thread-safe, of fixed size: whom it forgets when it is
 * full is the one who was quiet longest.
 *
 * It bounds what strangers cost (hashing, log, audit); it is not what keeps them out: no number of
 * tries finds a token. */
#ifndef SERVICE_ACCESS_LOCKOUT_H
#define SERVICE_ACCESS_LOCKOUT_H

#include <stdint.h>

#include "service/base/err.h"

enum { LOCKOUT_TRIES = 10, LOCKOUT_FIRST_S = 60, LOCKOUT_MOST_S = 3600 };

struct lockout; /* opaque */

/** @return ERR_OK, ERR_MEM */
enum err lockout_new(struct lockout **out);
void lockout_free(struct lockout *l); /* NULL allowed */
/** One more failed try.
 *  @param address  numeric; IPv6 counts by its /64, which is what one host may choose from; what is
 * no address counts as one of its own
 *  @param now_ns  of CLOCK_MONOTONIC
 *  @return seconds for which the address is locked out, 0 = it is not */
unsigned lockout_fail(struct lockout *l, const char *address, int64_t now_ns);
#endif
