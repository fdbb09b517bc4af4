/* named: what PUT, GET and DELETE do to settings under a name of the user's choice, whatever they
 * are: profiles, clouds. */
#ifndef API_HANDLERS_NAMED_H
#define API_HANDLERS_NAMED_H

#include <jansson.h>
#include <pthread.h>

#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"
#include "service/base/json_in.h"

struct named_resource {
    const char *what, *path;   /* "profile", "/v1/profiles" */
    pthread_mutex_t *changing; /* looking at what is kept and changing it must be one act */
    enum err (*get)(struct store *s, const char *name, struct named_settings *out);
    enum err (*list)(struct store *s, struct store_page *page, struct named_settings **list_out,
                     size_t *n_out);
    enum err (*remove)(struct store *s, const char *name);
    json_t *(*shown)(const struct named_settings *r);
    /** Judge and store. @param former  NULL = none @param out  named_settings_dispose() it */
    enum err (*keep)(const struct service *svc, const char *name, json_t *settings,
                     const struct named_settings *former, struct named_settings *out,
                     struct field_errors *errors);
};

struct reply named_resource_list(struct request *rq, const struct service *svc,
                                 const struct named_resource *of);
struct reply named_resource_get(struct request *rq, const struct service *svc,
                                const struct named_resource *of);
struct reply named_resource_put(struct request *rq, const struct service *svc,
                                const struct named_resource *of);
struct reply named_resource_delete(struct request *rq, const struct service *svc,
                                   const struct named_resource *of);
#endif
