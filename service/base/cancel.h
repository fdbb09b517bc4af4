/* cancel: a flag that one thread raises and another sees, even while it waits in poll(). */
#ifndef SERVICE_BASE_CANCEL_H
#define SERVICE_BASE_CANCEL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "service/base/deadline.h"
#include "service/base/err.h"

struct cancel {
    atomic_bool raised;
    int fd; /* eventfd, readable while raised */
};

/** @return ERR_OK, ERR_IO */
enum err cancel_init(struct cancel *c);
void cancel_dispose(struct cancel *c);
/** Any thread. */
void cancel_raise(struct cancel *c);
/** Make it usable again; only while nobody waits on it. */
void cancel_clear(struct cancel *c);
/** NULL counts as never raised. */
bool cancel_is_raised(const struct cancel *c);
/** Wait until @p until or until raised. @return ERR_OK (time is over), ERR_CANCELLED */
enum err cancel_wait(struct cancel *c, struct deadline until);
#endif
