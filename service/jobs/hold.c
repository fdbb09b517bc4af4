/* hold: a slot that stands still (paused) or runs dry (draining). It is on the disk before it
 * counts, so that a restart finds it so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/clock.h"
#include "service/base/log.h"
#include "service/jobs/worker.h"

enum err hold_recover(struct jobs *j)
{
    struct hold_record *list;
    size_t n;
    struct worker *w;
    enum err e = store_hold_list(j->config.store, &list, &n);
    pthread_mutex_lock(&j->lock);
    for (size_t i = 0; !e && i < n; i++) {
        e = worker_for(j, list[i].slot, &w);
        if (!e) w->hold = list[i];
    }
    pthread_mutex_unlock(&j->lock);
    free(list);
    return e;
}

static enum slot_hold present(struct jobs *j, const char *slot)
{
    pthread_mutex_lock(&j->lock);
    const struct worker *w = worker_find(j, slot);
    enum slot_hold now = w ? w->hold.state : HOLD_NONE;
    pthread_mutex_unlock(&j->lock);
    return now;
}

/* @param coming  what is being stored; NULL: nothing any more. The slot's worker is made first, so
 * that showing it cannot fail. */
static enum err prepare(struct jobs *j, const char *slot, const struct hold_record *coming)
{
    struct worker *w;
    pthread_mutex_lock(&j->lock);
    enum err e = worker_for(j, slot, &w);
    if (!e) w->hold_coming = coming;
    pthread_mutex_unlock(&j->lock);
    return e;
}

void hold_stored(struct jobs *j, const char *slot)
{
    pthread_mutex_lock(&j->lock);
    struct worker *w = worker_find(j, slot);
    if (w && w->hold_coming) {
        w->hold = *w->hold_coming;
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&j->lock);
}

/* Stored, and shown by hold_stored() before anybody hears of it. */
static enum err store(struct jobs *j, const struct hold_record *r)
{
    enum err e = prepare(j, r->slot, r);
    if (!e) e = store_hold_put(j->config.store, r);
    struct err_info saved = *err_last();
    (void)prepare(j, r->slot, NULL);
    return e ? err_restore(&saved) : ERR_OK;
}

enum err jobs_hold(struct jobs *j, const char *slot, enum slot_hold hold, const char *actor)
{
    struct slot_record record;
    struct hold_record r = {.state = hold, .since_ms = clock_now_ms()};
    enum err e = slot_find(&j->source, NULL, slot, &record);
    if (e) return e;
    snprintf(r.slot, sizeof r.slot, "%s", slot);
    snprintf(r.actor, sizeof r.actor, "%s", actor);
    pthread_mutex_lock(&j->holding);
    if (present(j, slot) != hold) {
        e = store(j, &r);
        if (!e) log_info("slot held", "slot=%s hold=%s", slot, hold_name(hold));
    }
    pthread_mutex_unlock(&j->holding);
    return e;
}
