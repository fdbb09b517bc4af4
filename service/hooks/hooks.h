/* hooks: delivers what webhooks are owed, on a thread of its own. Each webhook has at most one
 * delivery on its way, so a slow receiver holds up nobody else, and each gets what is new in order.
 * A delivery that failed is tried again, later and later; it is over when the receiver says 2xx or
 * 410, or after so many tries as take a day. */
#ifndef SERVICE_HOOKS_HOOKS_H
#define SERVICE_HOOKS_HOOKS_H

#include "service/base/err.h"

struct store;
struct hooks; /* opaque, thread-safe */

struct hooks_config {
    struct store *store;      /* borrowed */
    const char *version;      /* borrowed; for User-Agent */
    int first_ms, longest_ms; /* waits after a failure; 0 = 5 s and an hour */
    int attempts;             /* 0 = 34: a day of waits */
    int timeout_ms;           /* of one attempt; 0 = 30 s */
};

/** Nothing is delivered before the first hooks_begin().
 *  @return ERR_OK, ERR_IO, ERR_MEM */
enum err hooks_start(const struct hooks_config *cfg, struct hooks **out);
/** Deliver from now on, if there is a webhook: no thread runs as long as there is none, so say it
 * again when one was made. Asks the store; NULL allowed. */
void hooks_begin(struct hooks *h);
/** There may be something new to deliver. Any thread, also the one that writes: it neither waits
 * nor asks the store; NULL allowed. */
void hooks_wake(struct hooks *h);
/** Give up what is on its way (the next start sends it again), join, free. NULL allowed. */
void hooks_stop(struct hooks *h);

/** May these be the only authorities that a webhook trusts: certificates in PEM?
 *  @return ERR_OK; ERR_CRYPTO with code bad_ca */
enum err hooks_ca_check(const char *pem);
#endif
