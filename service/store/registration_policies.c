/* registration_policies: one policy is often that of many things. */
#include "service/store/internal.h"
#include "service/store/registrations.h"

enum err store_registration_policy(struct store *s, const struct registration_record *r,
                                   struct registration_policy *out)
{
    struct db *db;
    struct query q;
    bool row;
    *out = (struct registration_policy){.made = false};
    enum err e = store_reader(s, &db);
    if (e) return e;
    query_begin(&q, db,
                "SELECT coalesce(max(policy_made AND state <> 'forgotten'), 0),"
                " coalesce(max(id <> ?3 AND state IN ('registering', 'registered', 'active')), 0)"
                " FROM registration WHERE policy = ?1 AND policy <> '' AND cloud = ?2");
    query_put_text(&q, r->policy);
    query_put_text(&q, r->cloud);
    query_put_text(&q, r->id);
    e = query_next(&q, &row);
    if (row) {
        out->made = query_get_int(&q) != 0;
        out->shared = query_get_int(&q) != 0;
    }
    query_end(&q);
    store_reader_done(s, db);
    return e;
}

struct policy_key {
    const char *cloud, *policy;
};

enum err registration_policies_of_others(struct db *db, const char *cloud)
{
    struct query q;
    query_begin(&q, db,
                "UPDATE registration SET policy_made = 0 WHERE cloud = ? AND policy_made <> 0"
                " AND state <> 'forgotten'");
    query_put_text(&q, cloud);
    return query_run(&q);
}

static enum err forget_policy(struct db *db, void *arg)
{
    const struct policy_key *key = arg;
    struct query q;
    query_begin(&q, db,
                "UPDATE registration SET policy_made = 0 WHERE policy = ? AND policy <> ''"
                " AND cloud = ? AND policy_made <> 0 AND state <> 'forgotten'");
    query_put_text(&q, key->policy);
    query_put_text(&q, key->cloud);
    return query_run(&q);
}

enum err store_registration_policy_gone(struct store *s, const char *cloud, const char *policy)
{
    return store_write(s, forget_policy, &(struct policy_key){cloud, policy});
}
