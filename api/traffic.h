/* traffic: requests that were answered, counted by operation and status, and how long each took. */
#ifndef API_TRAFFIC_H
#define API_TRAFFIC_H

#include <stdint.h>

#include "api/exposition.h"
#include "api/route.h"

struct traffic; /* opaque; any thread */

/** @return ERR_OK, ERR_MEM */
enum err traffic_new(struct traffic **out);
void traffic_free(struct traffic *t); /* NULL allowed */
/** @param route  of the route table; NULL = there was none
 *  @param status  0 = the client went away without an answer */
void traffic_count(struct traffic *t, const struct route *route, int status, int64_t us);
/** Both families; operations that were never called are left out. */
void traffic_expose(struct traffic *t, struct exposition *x);
#endif
