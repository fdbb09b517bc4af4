/* clouds: accounts at clouds. Their keys come in and never go out again. */
#include "api/handlers.h"
#include "api/handlers/named.h"
#include "service/register/accounts.h"
#include "service/register/cloud_test.h"

static enum err keep(const struct service *svc, const char *name, json_t *settings,
                     const struct named_settings *former, struct named_settings *out,
                     struct field_errors *errors)
{
    bool moved;
    enum err e = cloud_make(name, settings, former, out, &moved, errors);
    return e ? e : store_cloud_put(svc->store, out, moved);
}

static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;
static const struct named_resource clouds = {.what = "cloud",
                                             .path = "/v1/clouds",
                                             .changing = &changing,
                                             .get = store_cloud_get,
                                             .list = store_cloud_list,
                                             .remove = store_cloud_delete,
                                             .shown = cloud_to_json,
                                             .keep = keep};

struct reply handle_cloud_list(struct request *rq, const struct service *svc)
{
    return named_resource_list(rq, svc, &clouds);
}

struct reply handle_cloud_get(struct request *rq, const struct service *svc)
{
    return named_resource_get(rq, svc, &clouds);
}

/* What was kept in memory of the former settings goes, once nobody uses it. */
static struct reply changed(struct reply r, const struct request *rq, const struct service *svc)
{
    if (r.status < 300) accounts_forget(svc->accounts, request_var(rq, "name"));
    return r;
}

struct reply handle_cloud_put(struct request *rq, const struct service *svc)
{
    return changed(named_resource_put(rq, svc, &clouds), rq, svc);
}

struct reply handle_cloud_delete(struct request *rq, const struct service *svc)
{
    return changed(named_resource_delete(rq, svc, &clouds), rq, svc);
}

struct reply handle_cloud_test(struct request *rq, const struct service *svc)
{
    json_t *told;
    const struct deadline until = deadline_in_ms((int64_t)LIMIT_CALL_S * 1000);
    return cloud_test(svc->accounts, request_var(rq, "name"), svc->closing, until, &told)
               ? reply_error(rq)
               : reply_json(200, told);
}
