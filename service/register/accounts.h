/* accounts: the clouds of the store as accounts that can be called. One struct aws_account for each
 * version of a cloud's settings, shared by all that use it. Thread-safe. */
#ifndef SERVICE_REGISTER_ACCOUNTS_H
#define SERVICE_REGISTER_ACCOUNTS_H

#include "service/base/buf.h"
#include "service/cloud/aws_account.h"
#include "service/register/settings.h"
#include "service/store/store.h"

struct accounts; /* opaque */

enum err accounts_new(struct store *s, struct accounts **out);
/** Nobody uses it any more. NULL allowed. */
void accounts_free(struct accounts *a);
/** The account of a cloud, with its present settings.
 *  @param[out] account_out  aws_account_unref() it; NULL where the cloud has no keys
 *  @param[out] view_out  cloud_view_dispose() it
 *  @return ERR_OK; ERR_NOT_FOUND with code cloud_not_found, or credential_not_found where its keys
 * come by that one; errors of aws_account_open() */
enum err accounts_take(struct accounts *a, const char *cloud, struct aws_account **account_out,
                       struct cloud_view *view_out);

/** Where an account's boards connect: asked for once, not by each board. */
struct account_data {
    char endpoint[CLOUD_ENDPOINT];
    struct buf *roots; /* PEM */
};
enum recall {
    RECALL_KNOWN, /* filled in */
    RECALL_WAIT,  /* somebody is finding it out: ask again soon */
    RECALL_LEARN  /* find it out, and tell accounts_learned() in any case */
};
/** @param out  its roots are appended to */
enum recall accounts_recall(struct accounts *a, const struct aws_account *account,
                            struct account_data *out);
/** @param data  NULL = it could not be found out. Counts for an hour. */
void accounts_learned(struct accounts *a, const struct aws_account *account,
                      const struct account_data *data);
/** The cloud is no more: its connections and keys go, once nobody uses them. */
void accounts_forget(struct accounts *a, const char *cloud);
#endif
