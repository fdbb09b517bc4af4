/* keeper: Design: the store says what is to be done with a registration (its state), the queue only
 * that somebody should look at it. So an id may be queued too often, and never too late. */
#include "service/register/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/log.h"
#include "service/base/thread.h"

enum {
    THREADS = 8,
    REGISTER_MS = 2 * 60 * 1000,
    UNDO_MS = 6 * 60 * 1000, /* more than AWS may take to let a policy go */
    RETRY_MS = 5 * 1000,
    RETRY_MAX_MS = 10 * 60 * 1000
};

struct item {
    struct item *next;
    char id[ID_TEXT];
    struct deadline due;
    int64_t pause_ms; /* before the next try */
    bool at_work;
    bool again; /* asked for meanwhile */
};

struct keeper {
    struct store *store;
    struct accounts *accounts;
    pthread_mutex_t lock;
    pthread_cond_t bell;
    struct item *items;
    size_t waiting; /* threads that have nothing to do */
    pthread_t threads[THREADS];
    size_t thread_count;
    bool stopping;
    struct cancel cancel;
};

/* --- one registration --- */

/* @return it has come to its end, for now */
static bool undo(struct keeper *k, struct registration_record *r, const struct err_info *why)
{
    const struct register_use use = {k->store, k->accounts, &k->cancel, deadline_in_ms(UNDO_MS)};
    enum err e = register_undo(&use, r, why);
    const struct err_info *last = err_last();
    log_at(e ? LOG_WARN : LOG_INFO, "registration undone", "id=%s thing=%s state=%s code=%s", r->id,
           r->thing, registration_state_name(r->state), e ? last->code : "");
    return r->state != REGISTRATION_UNDOING;
}

static bool lead_on(struct keeper *k, struct registration_record *r)
{
    const struct register_use use = {k->store, k->accounts, &k->cancel,
                                     deadline_in_ms(REGISTER_MS)};
    enum err e = register_run(&use, r);
    if (!e) e = register_activate(&use, r);
    if (!e) {
        log_info("registered", "id=%s thing=%s", r->id, r->thing);
        return true;
    }
    struct err_info why = *err_last();
    if (cancel_is_raised(&k->cancel)) return true; /* the next start goes on */
    log_warn("registration failed", "id=%s thing=%s code=%s detail=\"%s\"", r->id, r->thing,
             why.code, why.detail);
    if (e == ERR_IO || e == ERR_MEM) return false; /* of this machine: nothing is wrong with it */
    return undo(k, r, err_is(e, "registration_undoing") ? NULL : &why);
}

/* Those of jobs come here when the job has let go of them, and are not led on.
 * @return it has come to its end, for now */
static bool look_at(struct keeper *k, const char *id)
{
    struct registration_record r;
    enum err e = store_registration_get(k->store, id, &r);
    if (e) return e == ERR_NOT_FOUND;
    bool ended = true;
    bool begun = r.state == REGISTRATION_REGISTERING || r.state == REGISTRATION_REGISTERED;
    if (r.state == REGISTRATION_UNDOING || (begun && r.job[0]))
        ended = undo(k, &r, NULL);
    else if (begun)
        ended = lead_on(k, &r);
    registration_record_dispose(&r);
    return ended;
}

/* --- the queue; all of it under the lock --- */

/* @param[out] until_out  when to look again, where there is nothing now */
static struct item *next_item(struct keeper *k, struct deadline *until_out)
{
    *until_out = deadline_never();
    for (struct item *i = k->items; i; i = i->next) {
        if (i->at_work) continue;
        if (deadline_passed(i->due)) return i;
        *until_out = deadline_min(*until_out, i->due);
    }
    return NULL;
}

static void drop(struct keeper *k, const struct item *item)
{
    struct item **at = &k->items;
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
    free((void *)(uintptr_t)item);
}

static void settle(struct keeper *k, struct item *item, bool ended)
{
    item->at_work = false;
    if (item->again) {
        item->again = false;
        item->due = deadline_in_ms(0);
        item->pause_ms = RETRY_MS;
    } else if (ended) {
        drop(k, item);
    } else {
        item->due = deadline_in_ms(item->pause_ms);
        item->pause_ms = item->pause_ms * 2 < RETRY_MAX_MS ? item->pause_ms * 2 : RETRY_MAX_MS;
    }
}

static void *work(void *arg)
{
    struct keeper *k = arg;
    struct deadline until;
    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        struct item *item = next_item(k, &until);
        if (!item) {
            k->waiting++;
            thread_wait_until(&k->bell, &k->lock, until);
            k->waiting--;
            continue;
        }
        item->at_work = true;
        pthread_mutex_unlock(&k->lock);
        bool ended = look_at(k, item->id);
        pthread_mutex_lock(&k->lock);
        settle(k, item, ended);
    }
    pthread_mutex_unlock(&k->lock);
    return NULL;
}

/* Whoever waits may have been called already, for another. */
static bool needs_thread(const struct keeper *k)
{
    size_t due = 0;
    for (const struct item *i = k->items; i; i = i->next)
        due += !i->at_work && deadline_passed(i->due);
    return due > k->waiting && k->thread_count < THREADS && !k->stopping;
}

static struct item *find_item(struct keeper *k, const char *id)
{
    struct item *i = k->items;
    while (i && strcmp(i->id, id) != 0)
        i = i->next;
    return i;
}

static struct item *add_item(struct keeper *k, const char *id)
{
    struct item *item = calloc(1, sizeof *item), **end = &k->items;
    if (!item) return NULL;
    while (*end)
        end = &(*end)->next;
    *end = item;
    snprintf(item->id, sizeof item->id, "%s", id);
    return item;
}

/* The state in the store is what counts: without memory here, the next start finds it. */
static void push(struct keeper *k, const char *id)
{
    pthread_mutex_lock(&k->lock);
    struct item *item = find_item(k, id);
    if (!item) item = add_item(k, id);
    if (item) {
        item->again = item->at_work;
        item->due = deadline_in_ms(0);
        item->pause_ms = RETRY_MS;
        if (needs_thread(k) &&
            thread_start(&k->threads[k->thread_count], "registration", work, k) == ERR_OK)
            k->thread_count++;
        pthread_cond_signal(&k->bell);
    }
    pthread_mutex_unlock(&k->lock);
}

/* --- for others --- */

enum err keeper_new(struct store *s, struct accounts *a, struct keeper **out)
{
    *out = NULL;
    struct keeper *k = calloc(1, sizeof *k);
    if (!k) return err_set(ERR_MEM, "out of memory");
    enum err e = cancel_init(&k->cancel);
    if (e) {
        free(k);
        return e;
    }
    k->store = s;
    k->accounts = a;
    pthread_mutex_init(&k->lock, NULL);
    thread_cond_init(&k->bell);
    *out = k;
    return ERR_OK;
}

enum err keeper_recover(struct keeper *k)
{
    char(*ids)[ID_TEXT];
    size_t n;
    enum err e = store_registration_open(k->store, &ids, &n);
    for (size_t i = 0; i < n; i++)
        push(k, ids[i]);
    free(ids);
    return e;
}

enum err keeper_add(struct keeper *k, const struct register_order *o,
                    struct registration_record *out)
{
    const struct register_use use = {k->store, k->accounts, NULL, deadline_in_ms(0)};
    enum err e = register_begin(&use, o, out);
    if (!e && out->state == REGISTRATION_REGISTERING) push(k, out->id);
    return e;
}

enum err keeper_undo(struct keeper *k, const char *id)
{
    enum err e = store_registration_undo_idle(k->store, id);
    if (!e) push(k, id);
    return e;
}

void keeper_take(struct keeper *k, const char *id)
{
    push(k, id);
}

void keeper_free(struct keeper *k)
{
    if (!k) return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_broadcast(&k->bell);
    pthread_mutex_unlock(&k->lock);
    cancel_raise(&k->cancel);
    for (size_t i = 0; i < k->thread_count; i++)
        pthread_join(k->threads[i], NULL);
    while (k->items)
        drop(k, k->items);
    pthread_cond_destroy(&k->bell);
    pthread_mutex_destroy(&k->lock);
    cancel_dispose(&k->cancel);
    free(k);
}
