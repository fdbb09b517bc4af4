/* aws_core: inside of an account, for aws_account.c, aws_call.c and their parts alone. */
#ifndef SERVICE_CLOUD_AWS_CORE_H
#define SERVICE_CLOUD_AWS_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "service/base/buf.h"
#include "service/cloud/aws_account.h"
#include "service/cloud/aws_call.h"
#include "service/cloud/aws_error.h"
#include "service/cloud/aws_rate.h"
#include "service/cloud/curl_library.h"
#include "service/cloud/gate.h"

enum { AWS_CONNECTIONS = 8, AWS_ORIGIN = 300 };

struct aws_host {
    char origin[AWS_ORIGIN]; /* "https://host[:port]" */
    const char *name;        /* in it: the header Host, just as libcurl says it */
    bool local;              /* this machine: past any proxy */
};

struct aws_account {
    atomic_uint refs;
    const struct curl_library *curl;
    char region[AWS_REGION];
    struct aws_host control, sts;
    char *ca_pem; /* NULL = the system's */
    aws_keys_fn source;
    void (*source_free)(void *arg);
    void *source_arg;
    /* What AWS's clock says beyond ours: as last heard, and as it is signed with. */
    _Atomic int64_t clock_heard_s, clock_used_s;

    struct gate renewing, connecting; /* one place; AWS_CONNECTIONS places */
    pthread_mutex_t lock;             /* of all below; nothing that waits is done under it */
    struct aws_keys keys;
    uint64_t generation; /* of the keys; 0 = none yet */
    int64_t asked_ns;    /* the source, last */
    struct aws_rates rates;
    char service[AWS_SERVICE];    /* what the control plane is called in signatures */
    CURLM *idle[AWS_CONNECTIONS]; /* each with its connections; the last used is on top */
    size_t n_idle;
};

/** Keys to sign with. @param refused  those of this generation were; 0 = none
 *  @param[out] generation_out  the same as refused when there are no others
 *  @return ERR_OK; errors of the source; ERR_CANCELLED; ERR_TIMEOUT */
enum err aws_keys_take(struct aws_account *a, uint64_t refused, struct cancel *cancel,
                       struct deadline until, struct aws_keys *out, uint64_t *generation_out);

enum { AWS_LINES = 8 };

struct aws_outgoing {
    const struct aws_host *host;
    const char *method, *target;  /* target: path and query */
    const char *lines[AWS_LINES]; /* "Name: value"; ends with NULL */
    const struct buf *body;       /* NULL = none */
    bool once;                    /* not sent a second time, whatever becomes of the first */
};

struct aws_incoming {
    bool sent; /* at least in part: it may have been done */
    int status;
    char request_id[AWS_NAME], type[AWS_TEXT];
    int64_t date_unix_s;   /* 0 = unsaid */
    int64_t retry_after_s; /* 0 = unsaid */
    struct buf body;       /* secret; buf_dispose() it */
};
/** Send it once and wait for the answer, whatever its status.
 *  @param[out] in  filled as far as it came, also with an error
 *  @return ERR_OK; ERR_NETWORK: nothing was sent; ERR_TIMEOUT: no whole answer; ERR_PROTOCOL: too
 * long an answer; ERR_CANCELLED; ERR_MEM */
enum err aws_send(struct aws_account *a, const struct aws_outgoing *o, struct cancel *cancel,
                  struct deadline until, struct aws_incoming *in);

/** A request and what it is signed with. */
struct aws_letter {
    const struct aws_request *request;
    struct buf body;
    const char *content_type; /* NULL = no body */
    struct aws_keys keys;
    char service[AWS_SERVICE];
    int64_t unix_s; /* by AWS's clock */
};
/** Sign it, and as aws_send(). */
enum err aws_send_signed(struct aws_account *a, const struct aws_letter *l, struct cancel *cancel,
                         struct deadline until, struct aws_incoming *in);
#endif
