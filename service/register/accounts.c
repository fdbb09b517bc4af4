#include "service/register/accounts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "service/cloud/aws_sources.h"

struct entry {
    struct entry *next;
    char name[64];
    int64_t changed_ms; /* of the settings that it was opened with */
    struct aws_account *account;
};

struct accounts {
    struct store *store;
    struct places *places;
    pthread_mutex_t lock; /* of what follows */
    struct entry *first;
};

static void drop(struct entry **at)
{
    struct entry *e = *at;
    *at = e->next;
    aws_account_unref(e->account);
    free(e);
}

void accounts_free(struct accounts *a)
{
    if (!a) return;
    while (a->first)
        drop(&a->first);
    places_free(a->places);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

enum err accounts_new(struct store *s, struct accounts **out)
{
    struct accounts *a = *out = calloc(1, sizeof *a);
    if (!a) return err_set(ERR_MEM, "out of memory");
    a->store = s;
    pthread_mutex_init(&a->lock, NULL);
    enum err e = places_new(&a->places);
    if (!e) return ERR_OK;
    accounts_free(a);
    *out = NULL;
    return e;
}

struct places *accounts_places(struct accounts *a)
{
    return a->places;
}

/* Under the lock. @return where it is, or the end */
static struct entry **find(struct accounts *a, const char *name)
{
    struct entry **at = &a->first;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

void accounts_forget(struct accounts *a, const char *cloud)
{
    places_forget(a->places, cloud);
    pthread_mutex_lock(&a->lock);
    struct entry **at = find(a, cloud);
    if (*at) drop(at);
    pthread_mutex_unlock(&a->lock);
}

static enum err take_provider(struct store *s, const struct cloud_settings *from,
                              struct aws_config *c)
{
    const struct cloud_provider *p = &from->provider;
    struct credential_record credential;
    struct buf key;
    buf_init_secret(&key, LIMIT_PEM_BYTES);
    enum err e = store_credential_get(s, p->credential, &credential);
    if (!e) e = store_credential_key(s, p->credential, &key);
    if (!e) {
        const struct aws_provider provider = {.endpoint = p->endpoint,
                                              .role_alias = p->role_alias,
                                              .thing = p->thing,
                                              .certificate_pem = credential.certificate_pem,
                                              .key_pem = buf_str(&key),
                                              .ca_pem = c->ca_pem};
        e = aws_keys_of_provider(&provider, c);
    }
    credential_record_dispose(&credential);
    buf_dispose(&key);
    return e;
}

static enum err take_keys(struct store *s, const struct cloud_settings *from, struct aws_config *c)
{
    switch (from->keys_from) {
    case KEYS_FROM_REQUEST:
        return aws_keys_given(&from->keys, c);
    case KEYS_FROM_ENVIRONMENT:
        aws_keys_of_environment(c);
        return ERR_OK;
    case KEYS_FROM_FILE:
        return aws_keys_of_file(from->profile, c);
    case KEYS_FROM_PROVIDER:
        return take_provider(s, from, c);
    case KEYS_FROM_NONE:
        break;
    }
    return err_set(ERR_INTERNAL, "a cloud without keys has no account");
}

static enum err open_account(struct store *s, const struct cloud_settings *from,
                             struct aws_account **out)
{
    struct aws_config c = {
        .endpoint = from->control_endpoint[0] ? from->control_endpoint : NULL,
        .ca_pem = from->control_ca[0] ? from->control_ca : NULL,
        .rate_percent = from->rate_percent,
    };
    memcpy(c.region, from->region, sizeof c.region);
    enum err e = take_keys(s, from, &c);
    return e ? e : aws_account_open(&c, out);
}

/* Under the lock. */
static enum err take_account(struct accounts *a, const struct named_settings *r,
                             const struct cloud_settings *settings, struct aws_account **out)
{
    struct entry **at = find(a, r->name);
    if (*at && (*at)->changed_ms != r->changed_ms) drop(at);
    if (!*at) {
        struct entry *e = calloc(1, sizeof *e);
        if (!e) return err_set(ERR_MEM, "out of memory");
        enum err failed = open_account(a->store, settings, &e->account);
        if (failed) {
            free(e);
            return failed;
        }
        memcpy(e->name, r->name, sizeof e->name);
        e->changed_ms = r->changed_ms;
        e->next = *at;
        *at = e;
    }
    *out = aws_account_ref((*at)->account);
    return ERR_OK;
}

static enum err make_view(const struct named_settings *r, const struct cloud_settings *from,
                          struct cloud_view *out)
{
    *out = (struct cloud_view){.changed_ms = r->changed_ms,
                               .keys_from = from->keys_from,
                               .mqtt_port = from->mqtt_port,
                               .https_port = from->https_port};
    memcpy(out->name, r->name, sizeof out->name);
    memcpy(out->region, from->region, sizeof out->region);
    memcpy(out->data_endpoint, from->data_endpoint, sizeof out->data_endpoint);
    if (!from->data_ca[0]) return ERR_OK;
    out->data_root_ca = strdup(from->data_ca);
    return out->data_root_ca ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

/* The record is read under the lock, too: an older one must not take the place of a newer. */
static enum err take(struct accounts *a, const char *cloud, struct aws_account **account_out,
                     struct cloud_view *view_out)
{
    struct named_settings record;
    struct cloud_settings *settings = NULL;
    enum err e = store_cloud_get(a->store, cloud, &record);
    if (!e) e = cloud_settings_of(&record, &settings);
    if (!e) e = make_view(&record, settings, view_out);
    if (!e && settings->keys_from != KEYS_FROM_NONE)
        e = take_account(a, &record, settings, account_out);
    if (e) cloud_view_dispose(view_out);
    cloud_settings_free(settings);
    named_settings_dispose(&record);
    return e;
}

enum err accounts_take(struct accounts *a, const char *cloud, struct aws_account **account_out,
                       struct cloud_view *view_out)
{
    *account_out = NULL;
    *view_out = (struct cloud_view){.name = ""};
    pthread_mutex_lock(&a->lock);
    enum err e = take(a, cloud, account_out, view_out);
    pthread_mutex_unlock(&a->lock);
    return e;
}
