#include <string.h>

#include "service/base/clock.h"
#include "service/cloud/aws_core.h"

enum { EARLY_S = 300 }; /* they are renewed so long before they end */
/* But not more often than that: a source may have none that last longer, or not answer at all. */
static const int64_t AGAIN_NS = 30 * 1000000000LL;

/* Under the lock. */
static bool are_good(const struct aws_account *a, uint64_t refused)
{
    if (!a->generation || a->generation == refused) return false;
    int64_t now_s = clock_now_ms() / 1000 + atomic_load(&a->clock_used_s);
    bool ending = a->keys.expires_unix_s && a->keys.expires_unix_s - now_s < EARLY_S;
    return !ending || deadline_now_ns() - a->asked_ns < AGAIN_NS;
}

static bool copy(struct aws_account *a, bool if_good, uint64_t refused, struct aws_keys *out,
                 uint64_t *generation_out)
{
    pthread_mutex_lock(&a->lock);
    bool good = if_good ? are_good(a, refused) : a->generation && a->generation != refused;
    if (good) {
        *out = a->keys;
        *generation_out = a->generation;
    }
    pthread_mutex_unlock(&a->lock);
    return good;
}

static bool are_same(const struct aws_keys *x, const struct aws_keys *y)
{
    return strcmp(x->access_key_id, y->access_key_id) == 0 &&
           strcmp(x->secret_access_key, y->secret_access_key) == 0 &&
           strcmp(x->session_token, y->session_token) == 0;
}

static void asked(struct aws_account *a)
{
    pthread_mutex_lock(&a->lock);
    a->asked_ns = deadline_now_ns();
    pthread_mutex_unlock(&a->lock);
}

static void keep(struct aws_account *a, const struct aws_keys *fresh, uint64_t *generation_out)
{
    pthread_mutex_lock(&a->lock);
    if (!a->generation || !are_same(&a->keys, fresh)) a->generation++;
    a->keys = *fresh;
    *generation_out = a->generation;
    pthread_mutex_unlock(&a->lock);
}

enum err aws_keys_take(struct aws_account *a, uint64_t refused, struct cancel *cancel,
                       struct deadline until, struct aws_keys *out, uint64_t *generation_out)
{
    if (copy(a, true, refused, out, generation_out)) return ERR_OK;
    enum err e = gate_enter(&a->renewing, cancel, until);
    if (e) return e;
    /* Somebody else may have renewed them meanwhile. */
    if (!copy(a, true, refused, out, generation_out)) {
        memset(out, 0, sizeof *out);
        e = a->source(a->source_arg, cancel, until, out);
        asked(a);
        if (!e) keep(a, out, generation_out);
        /* Those that end soon are better than none. */
        if (e && copy(a, false, refused, out, generation_out)) e = ERR_OK;
    }
    gate_leave(&a->renewing);
    return e;
}
