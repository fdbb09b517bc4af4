/* profiles: named recipes for jobs. A password comes in and never goes out again. */
#include "api/handlers.h"
#include "api/handlers/named.h"
#include "service/jobs/profile.h"

static enum err keep(const struct service *svc, const char *name, json_t *settings,
                     const struct named_settings *former, struct named_settings *out,
                     struct field_errors *errors)
{
    enum err e = profile_make(name, settings, former, out, errors);
    return e ? e : store_profile_put(svc->store, out);
}

static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static const struct named_resource profiles = {.what = "profile",
                                               .path = "/v1/profiles",
                                               .changing = &changing,
                                               .get = store_profile_get,
                                               .list = store_profile_list,
                                               .remove = store_profile_delete,
                                               .shown = profile_to_json,
                                               .keep = keep};

struct reply handle_profile_list(struct request *rq, const struct service *svc)
{
    return named_resource_list(rq, svc, &profiles);
}

struct reply handle_profile_get(struct request *rq, const struct service *svc)
{
    return named_resource_get(rq, svc, &profiles);
}

struct reply handle_profile_put(struct request *rq, const struct service *svc)
{
    return named_resource_put(rq, svc, &profiles);
}

struct reply handle_profile_delete(struct request *rq, const struct service *svc)
{
    return named_resource_delete(rq, svc, &profiles);
}
