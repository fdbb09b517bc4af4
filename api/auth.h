/* auth: who asks, and may he? Decided before a byte of the body is read. */
#ifndef API_AUTH_H
#define API_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "api/reply.h"
#include "api/request.h"
#include "service/access/lockout.h"
#include "service/access/tokens.h"

struct auth {
    bool open;                  /* nobody is asked who he is: --auth none */
    bool tls;                   /* requests come by TLS */
    const char *const *origins; /* of pages that may call from elsewhere; --origin */
    size_t origin_count;
    struct tokens *tokens;   /* borrowed; NULL when open */
    struct lockout *lockout; /* owned by who made it */
};

/** Is a browser made somebody else's tool? Fills rq->foreign. Before the route is known.
 *  @return ERR_OK; ERR_ARG with code origin_not_allowed or host_not_allowed */
enum err auth_take_origin(const struct auth *a, struct request *rq);
/** Fill rq->actor and see whether he has the scope of the route.
 *  @param[out] wait_s  for how long his address is locked out
 *  @return ERR_OK; ERR_ARG with code token_required, token_invalid, token_expired, token_revoked or
 * missing_scope; ERR_BUSY with code too_many_failures */
enum err auth_admit(const struct auth *a, struct request *rq, unsigned *wait_s);
/** Add to the refusal what a client needs to do better: WWW-Authenticate, or Retry-After. */
void auth_explain(const struct request *rq, struct reply *refusal, unsigned wait_s);
/** The answer to a browser that asks whether a page of a listed origin may send a request (CORS).
 */
struct reply auth_preflight(const struct request *rq);
#endif
