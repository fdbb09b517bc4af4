/* idempotency: a request with an Idempotency-Key that is sent again is answered as the first time,
 * and done once. What is refused has made nothing, so it is not kept: the same key may be tried
 * again. */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include <pthread.h>

#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"

struct idempotency_claim;

/** The keys whose requests are being worked on. */
struct idempotency {
    pthread_mutex_t lock;
    struct idempotency_claim *first;
};

void idempotency_init(struct idempotency *s);
void idempotency_dispose(struct idempotency *s);

/** Ask the handler of @p rq, which has a key and a route with ROUTE_CREATES, unless it was asked
 * before. It waits for the disk.
 *  @return the handler's reply; the first one, with Idempotent-Replayed: true; 400
 *          bad_idempotency_key; 409 request_in_progress; 422 idempotency_key_reused */
struct reply idempotency_ask(struct idempotency *s, struct request *rq, const struct service *svc);
#endif
