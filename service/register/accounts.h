/* accounts: the clouds of the store as accounts that can be called. One struct aws_account for each
 * version of a cloud's settings, shared by all that use it. Thread-safe. */
#ifndef SERVICE_REGISTER_ACCOUNTS_H
#define SERVICE_REGISTER_ACCOUNTS_H

#include "service/cloud/aws_account.h"
#include "service/register/places.h"
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

/** The cloud has changed, or is no more: the connections and keys of its account go, once nobody
 * uses them. */
void accounts_forget(struct accounts *a, const char *cloud);
/** Where their devices connect. Borrowed. */
struct places *accounts_places(struct accounts *a);
#endif
