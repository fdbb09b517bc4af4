/* aws_account: one account at AWS in one region, as all of espgate shares it: its keys wherever
 * they come from, its connections (reused, a few for all), its rates (token buckets by operation),
 * its clock's offset from ours. Thread-safe; reference-counted. */
#ifndef SERVICE_CLOUD_AWS_ACCOUNT_H
#define SERVICE_CLOUD_AWS_ACCOUNT_H

#include <stdint.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

enum { AWS_KEY_ID = 129, AWS_SECRET = 129, AWS_TOKEN = 8192, AWS_REGION = 32 };

/** Wipe it with explicit_bzero() after use. */
struct aws_keys {
    char access_key_id[AWS_KEY_ID], secret_access_key[AWS_SECRET];
    char session_token[AWS_TOKEN]; /* "" = keys that last */
    int64_t expires_unix_s;        /* 0 = never */
};

/** Where keys come from: called when there are none yet, or those there are end within five
 * minutes, or AWS refused them. One call at a time. @return ERR_OK; an error with a stable code */
typedef enum err (*aws_keys_fn)(void *arg, struct cancel *cancel, struct deadline until,
                                struct aws_keys *out);

struct aws_config {
    char region[AWS_REGION];
    const char *endpoint;  /* of the control plane, "https://host[:port]" (http on loopback only);
                              NULL = https://iot.{region}.amazonaws.com[.cn]; STS goes there, too,
                              where it is this machine */
    const char *ca_pem;    /* whom to trust for it; NULL = the system's authorities */
    unsigned rate_percent; /* of AWS's own default rates, 1…100; 0 = 80 */
    aws_keys_fn keys;
    void (*keys_free)(void *arg); /* NULL = nothing to release */
    void *keys_arg;
};

struct aws_account; /* opaque */

/** Copies what @p c points to; takes keys_arg, also when it fails. Makes no call.
 *  @return ERR_OK; ERR_ARG with code bad_endpoint or bad_region; ERR_UNSUPPORTED with code
 * no_libcurl; ERR_MEM */
enum err aws_account_open(const struct aws_config *c, struct aws_account **out);
struct aws_account *aws_account_ref(struct aws_account *a);
/** The last one closes its connections and wipes its keys. NULL allowed. */
void aws_account_unref(struct aws_account *a);
const char *aws_account_region(const struct aws_account *a);
/** How far AWS's clock is ahead of this machine's, by its last answer; 0 before the first. Beyond
 * four minutes this machine's is wrong: calls are made with AWS's time, once it is known. */
int64_t aws_account_clock_off_s(const struct aws_account *a);
#endif
