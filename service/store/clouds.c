#include "service/store/clouds.h"

#include "service/store/named.h"

/* Without its account's keys nobody could take away what a registration has put there. */
static enum err guard(struct db *db, const char *name)
{
    struct query q;
    bool row;
    int64_t count = 0;
    query_begin(&q, db, "SELECT count(*) FROM registration WHERE cloud = ? AND lives = 1");
    query_put_text(&q, name);
    enum err e = query_next(&q, &row);
    if (!e && row) count = query_get_int(&q);
    query_end(&q);
    /* The next account of this name has policies of its own. */
    if (!e && !count) return registration_policies_of_others(db, name);
    if (e) return e;
    return err_fail(
        ERR_CONFLICT, "cloud_in_use",
        "DELETE /v1/registrations/{id} of each first, with ?forget=true of those that are "
        "left; GET /v1/registrations?cloud= lists them.",
        "registrations that live in the cloud \"%s\": %lld", name, (long long)count);
}

static const struct named_kind clouds = NAMED_KIND("cloud", "GET /v1/clouds lists them.", guard);

enum err store_cloud_put(struct store *s, const struct named_settings *r, bool moved)
{
    return named_put(s, &clouds, r, moved);
}

enum err store_cloud_get(struct store *s, const char *name, struct named_settings *out)
{
    return named_get(s, &clouds, name, out);
}

enum err store_cloud_delete(struct store *s, const char *name)
{
    return named_delete(s, &clouds, name);
}

enum err store_cloud_list(struct store *s, struct store_page *page,
                          struct named_settings **list_out, size_t *n_out)
{
    return named_list(s, &clouds, page, list_out, n_out);
}
