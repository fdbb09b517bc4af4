#include "service/register/places.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/cloud/gate.h"
#include "service/cloud/iot_endpoint.h"
#include "service/cloud/iot_roots.h"

enum { FOUND_MS = 10 * 60 * 1000, FAILED_MS = 1000 };

struct place {
    struct place *next;
    unsigned users; /* the list is one of them */
    char cloud[64];
    int64_t changed_ms; /* of its settings */
    struct gate gate;   /* one place: whoever is in may look, and use what follows */
    struct deadline until;
    struct err_info failed; /* ERR_OK: it was found */
    char endpoint[IOT_ENDPOINT];
    struct buf roots;
};

struct places {
    pthread_mutex_t lock; /* of the list and of the counts of users */
    struct place *first;
};

enum err places_new(struct places **out)
{
    struct places *p = *out = calloc(1, sizeof *p);
    if (!p) return err_set(ERR_MEM, "out of memory");
    pthread_mutex_init(&p->lock, NULL);
    return ERR_OK;
}

static void unref(struct place *one)
{
    if (--one->users) return;
    gate_dispose(&one->gate);
    buf_dispose(&one->roots);
    free(one);
}

static void drop(struct place **at)
{
    struct place *one = *at;
    *at = one->next;
    unref(one);
}

static struct place **find(struct places *p, const char *cloud)
{
    struct place **at = &p->first;
    while (*at && strcmp((*at)->cloud, cloud) != 0)
        at = &(*at)->next;
    return at;
}

void places_free(struct places *p)
{
    if (!p) return;
    while (p->first)
        drop(&p->first);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void places_forget(struct places *p, const char *cloud)
{
    pthread_mutex_lock(&p->lock);
    struct place **at = find(p, cloud);
    if (*at) drop(at);
    pthread_mutex_unlock(&p->lock);
}

/* @return NULL: the error of this thread says why */
static struct place *make(const struct cloud_view *v)
{
    struct place *one = calloc(1, sizeof *one);
    if (!one) {
        err_set(ERR_MEM, "out of memory");
        return NULL;
    }
    if (gate_init(&one->gate, 1)) {
        free(one);
        return NULL;
    }
    memcpy(one->cloud, v->name, sizeof one->cloud);
    one->changed_ms = v->changed_ms;
    one->users = 1;
    buf_init(&one->roots, LIMIT_PEM_BYTES);
    return one;
}

/* What was found with other settings counts no more. @return as make() */
static struct place *take(struct places *p, const struct cloud_view *v)
{
    pthread_mutex_lock(&p->lock);
    struct place **at = find(p, v->name);
    if (*at && (*at)->changed_ms != v->changed_ms) drop(at);
    struct place *one = *find(p, v->name);
    if (!one && (one = make(v))) {
        one->next = p->first;
        p->first = one;
    }
    if (one) one->users++;
    pthread_mutex_unlock(&p->lock);
    return one;
}

static enum err look(struct place *one, const struct cloud_view *v, const struct aws_use *u)
{
    enum err e = ERR_OK;
    buf_dispose(&one->roots);
    buf_init(&one->roots, LIMIT_PEM_BYTES);
    if (v->data_endpoint[0])
        snprintf(one->endpoint, sizeof one->endpoint, "%s", v->data_endpoint);
    else
        e = iot_describe_endpoint(u, "iot:Data-ATS", one->endpoint);
    if (!e) e = iot_data_endpoint_check(one->endpoint, v->region);
    if (e) return e;
    if (v->data_root_ca) return buf_puts(&one->roots, v->data_root_ca);
    return iot_roots_find(one->endpoint, v->mqtt_port, NULL, u->cancel, u->until, &one->roots);
}

/* Those who waited meanwhile are told the same. What ended the looking of one alone is not theirs.
 */
static void keep(struct place *one, enum err e)
{
    bool own = e == ERR_CANCELLED || e == ERR_TIMEOUT || e == ERR_MEM;
    one->failed = e ? *err_last() : (struct err_info){.kind = ERR_OK};
    one->until = deadline_in_ms(e ? own ? 0 : FAILED_MS : FOUND_MS);
}

static enum err use(struct place *one, const struct cloud_view *v, const struct aws_use *u,
                    char endpoint_out[IOT_ENDPOINT], struct buf *roots_out)
{
    enum err e = gate_enter(&one->gate, u->cancel, u->until);
    if (e) return e;
    if (deadline_passed(one->until)) keep(one, look(one, v, u));
    e = one->failed.kind ? err_restore(&one->failed) : ERR_OK;
    if (!e) memcpy(endpoint_out, one->endpoint, IOT_ENDPOINT);
    if (!e) e = buf_append(roots_out, one->roots.data, one->roots.len);
    gate_leave(&one->gate);
    return e;
}

enum err places_find(struct places *p, const struct cloud_view *v, const struct aws_use *u,
                     char endpoint_out[IOT_ENDPOINT], struct buf *roots_out)
{
    struct place *one = take(p, v);
    if (!one) return err_last()->kind;
    enum err e = use(one, v, u, endpoint_out, roots_out);
    pthread_mutex_lock(&p->lock);
    unref(one);
    pthread_mutex_unlock(&p->lock);
    return e;
}
