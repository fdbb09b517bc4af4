/* iot_policy: documents of AWS IoT policies. Pure. */
#ifndef SERVICE_CLOUD_IOT_POLICY_H
#define SERVICE_CLOUD_IOT_POLICY_H

#include <stdbool.h>

#include "service/base/buf.h"
#include "service/base/err.h"

struct iot_policy_scope {
    const char *partition; /* "aws", "aws-cn", "aws-us-gov" */
    const char *region, *account;
    const char *client_id; /* as the board connects; "{thing}" in it stands for its thing's name */
    const char *topic;     /* that it publishes to and subscribes; the same */
    const char *thing;     /* that name; NULL is enough where the client id is "{thing}" alone */
};
/** The least that a device needs: connect with its client id, publish, subscribe and receive its
 * topic. Where the client id is "{thing}" it is one policy for all things, by AWS's variable for
 * the thing's name; AWS fills that in for no other client id, so that then the name itself stands
 * there.
 *  @return ERR_OK; ERR_ARG with code policy_wildcard: *, ? or ${ in a client id or topic would
 * allow more; ERR_TOO_LARGE with code policy_too_large: over AWS's 2048 characters; ERR_MEM */
enum err iot_policy_make(const struct iot_policy_scope *s, struct buf *out);
/** "espgate-" and 16 hex digits of its content: documents that say the same have the same name. */
void iot_policy_name(const char *document, char out[33]);
/** Do two documents say the same: equal as JSON, where a single item and a list of it, and the
 * order of lists, count as equal? */
bool iot_policy_same(const char *a, const char *b);
#endif
