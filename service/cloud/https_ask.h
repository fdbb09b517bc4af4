/* https_ask: one HTTPS request of a client with a certificate, and its answer. Blocks the calling
 * thread; any thread. The server's certificate is checked, redirects are not followed; no
 * connection is kept. Proxies are taken from the environment, as curl does. */
#ifndef SERVICE_CLOUD_HTTPS_ASK_H
#define SERVICE_CLOUD_HTTPS_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

struct https_question {
    const char *url;
    bool local;                            /* past any proxy */
    const char *ca_pem;                    /* whom to trust; NULL = the system's authorities */
    const char *certificate_pem, *key_pem; /* ours, with its chain */
    const char *header;                    /* one more field, "Name: value"; NULL = none */
    const void *body;                      /* of a POST; NULL = GET */
    size_t body_len;
};

/** @param answer  the body is appended: its maximum is the most that is read; init it with
 *  buf_init_secret where it may hold keys
 *  @return ERR_OK: there is an answer, with a status; ERR_NETWORK with code https_failed: none;
 * ERR_TIMEOUT, ERR_CANCELLED, ERR_TOO_LARGE, ERR_MEM; ERR_UNSUPPORTED with code no_libcurl */
enum err https_ask(const struct https_question *q, struct cancel *cancel, struct deadline until,
                   int *status_out, struct buf *answer);
#endif
