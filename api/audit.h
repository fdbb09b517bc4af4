/* audit: which requests are kept in the audit, and what it says of them (service/store/audit.h). */
#ifndef API_AUDIT_H
#define API_AUDIT_H

#include <stdbool.h>

#include "api/pool.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"

/** Every attempt to change something, and every attempt to read what may hold a key or says who may
 * do what (ROUTE_SECRET). NULL: no. */
bool audit_is_wanted(const struct route *route);
/** Answer the request, and write it to the audit before the answer leaves; the job that it adds
 * takes the entry into its own transaction. On a thread that may wait for the disk.
 *  @return the handler's reply; an error when it would give away what could not be noted */
struct reply audit_ask(struct request *rq, const struct service *svc,
                       struct reply (*ask)(void *arg), void *arg);
/** Note a request that was refused before its handler was asked. Nothing was changed or read, so
 * the answer need not wait: the entry is written by a thread of @p writers, right behind. */
void audit_refused(const struct request *rq, const struct reply *r, const struct service *svc,
                   struct pool *writers);
#endif
