#include "service/access/tokens.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "service/access/token_table.h"
#include "service/base/clock.h"
#include "service/base/digest.h"
#include "service/base/file.h"
#include "service/base/log.h"
#include "service/base/thread.h"

enum { NOTE_MS = 60 * 1000 };

struct tokens {
    struct store *store;
    struct token_table table;
    pthread_rwlock_t lock;    /* of the table; never held over a write to the store */
    pthread_mutex_t changing; /* makes and revokes come one after the other */
    struct sleeper noter;     /* notes last uses */
    bool noter_runs;
};

static const char prefix[] = "egt_";

/* --- looking --- */

static enum err not_found(const char *id)
{
    return err_fail(ERR_NOT_FOUND, "token_not_found", "GET /v1/tokens lists them.",
                    "there is no token \"%s\"", id);
}

static enum err judge(const struct token_entry *e, int64_t now_ms)
{
    if (!e)
        return err_fail(ERR_ARG, "token_invalid",
                        "Copy all of it, or ask an admin for one (POST /v1/tokens).",
                        "this is not a token of this service");
    if (e->record.revoked_ms)
        return err_fail(ERR_ARG, "token_revoked", "Ask an admin for a new one.",
                        "the token \"%s\" was revoked", e->record.name);
    if (token_has_ended(&e->record, now_ms))
        return err_fail(ERR_ARG, "token_expired", "Ask an admin for a new one.",
                        "the token \"%s\" has expired", e->record.name);
    return ERR_OK;
}

static enum err find(struct tokens *t, const char *key, bool is_certificate, struct actor *out)
{
    int64_t now = clock_now_ms();
    pthread_rwlock_rdlock(&t->lock);
    struct token_entry *found = token_table_by_key(&t->table, key, is_certificate, now);
    enum err e = judge(found, now);
    if (found && !e) {
        memcpy(out->name, found->record.name, sizeof out->name);
        memcpy(out->token, found->record.id, sizeof out->token);
        out->scope = found->scope;
        atomic_store_explicit(&found->used_ms, now, memory_order_relaxed);
    }
    pthread_rwlock_unlock(&t->lock);
    return e;
}

static void digest_of(const char *text, char out[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    digest_sha256(text, strlen(text), digest);
    digest_hex(digest, sizeof digest, out);
}

enum err tokens_find(struct tokens *t, const char *text, struct actor *out)
{
    char key[SHA256_HEX];
    digest_of(text, key);
    return find(t, key, false, out);
}

enum err tokens_find_certificate(struct tokens *t, const char *sha256, struct actor *out)
{
    return find(t, sha256, true, out);
}

bool tokens_is_valid(struct tokens *t, const char *id)
{
    pthread_rwlock_rdlock(&t->lock);
    const struct token_entry *e = token_table_by_id(&t->table, id);
    bool valid = e && !token_has_ended(&e->record, clock_now_ms());
    pthread_rwlock_unlock(&t->lock);
    return valid;
}

static struct token_record shown(const struct token_entry *e)
{
    struct token_record r = e->record;
    r.used_ms = atomic_load_explicit(&e->used_ms, memory_order_relaxed);
    return r;
}

enum err tokens_get(struct tokens *t, const char *id, struct token_record *out)
{
    pthread_rwlock_rdlock(&t->lock);
    const struct token_entry *e = token_table_by_id(&t->table, id);
    if (e) *out = shown(e);
    pthread_rwlock_unlock(&t->lock);
    return e ? ERR_OK : not_found(id);
}

/* How many are behind the cursor. When that one is gone: ids sort by creation, but for those of the
 * same millisecond. */
static size_t behind(const struct token_table *t, const char *cursor)
{
    size_t n = t->count;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->list[i]->record.id, cursor) == 0) return i;
    while (*cursor && n && strcmp(t->list[n - 1]->record.id, cursor) >= 0)
        n--;
    return n;
}

enum err tokens_list(struct tokens *t, struct store_page *page, struct token_record **list_out,
                     size_t *n_out)
{
    struct token_record *list = calloc(page->limit, sizeof *list);
    size_t n = 0;
    *list_out = list;
    *n_out = 0;
    if (!list) return err_set(ERR_MEM, "out of memory");
    pthread_rwlock_rdlock(&t->lock);
    size_t left = behind(&t->table, page->cursor);
    while (left && n < page->limit)
        list[n++] = shown(t->table.list[--left]);
    pthread_rwlock_unlock(&t->lock);
    snprintf(page->next, sizeof page->next, "%s", left && n ? list[n - 1].id : "");
    *n_out = n;
    return ERR_OK;
}

/* --- changing: with t->changing, so that nobody else changes the table meanwhile --- */

/* @param[out] instead_out  the oldest that has ended, when it must go; else NULL */
static enum err judge_order(struct tokens *t, const struct token_record *r,
                            struct token_entry **instead_out)
{
    int64_t now = clock_now_ms();
    bool for_certificate = !r->digest[0];
    const struct token_entry *same =
        token_table_by_key(&t->table, token_key(r), for_certificate, now);
    bool full = t->table.count == LIMIT_TOKENS;
    *instead_out = full ? token_table_oldest_ended(&t->table, now) : NULL;
    if (same && !token_has_ended(&same->record, now))
        return err_fail(ERR_CONFLICT, "certificate_in_use", "Revoke that one first.",
                        "the token \"%s\" is for this certificate", same->record.name);
    if (full && !*instead_out)
        return err_fail(ERR_CONFLICT, "too_many_tokens", "Revoke those that nobody uses.",
                        "there are %d valid tokens already", LIMIT_TOKENS);
    return ERR_OK;
}

static enum err add(struct tokens *t, const struct token_record *r)
{
    struct token_entry *instead = NULL, *made = NULL;
    enum err e = judge_order(t, r, &instead);
    if (!e) e = token_entry_new(r, &made);
    if (!e) e = store_token_add(t->store, r, instead ? instead->record.id : "");
    if (e) {
        free(made);
        return e;
    }
    pthread_rwlock_wrlock(&t->lock);
    if (instead) token_table_remove(&t->table, instead);
    token_table_put(&t->table, made);
    pthread_rwlock_unlock(&t->lock);
    return ERR_OK;
}

static void make_text(char out[TOKEN_TEXT])
{
    uint8_t chance[(TOKEN_TEXT - sizeof prefix) / 2];
    ssize_t got = getrandom(chance, sizeof chance, 0); /* up to 256 bytes never come short */
    assert(got == (ssize_t)sizeof chance);
    (void)got;
    memcpy(out, prefix, sizeof prefix);
    digest_hex(chance, sizeof chance, out + sizeof prefix - 1);
    explicit_bzero(chance, sizeof chance);
}

static void fill(const struct token_order *o, const char *text, struct token_record *out)
{
    *out = (struct token_record){.created_ms = clock_now_ms()};
    id_new("tok", out->id);
    snprintf(out->name, sizeof out->name, "%s", o->name);
    snprintf(out->scope, sizeof out->scope, "%s", scope_name(o->scope));
    snprintf(out->created_by, sizeof out->created_by, "%s", o->created_by);
    if (o->lifetime_s) out->expires_ms = out->created_ms + o->lifetime_s * 1000;
    if (*text)
        digest_of(text, out->digest);
    else
        snprintf(out->certificate_sha256, sizeof out->certificate_sha256, "%s",
                 o->certificate_sha256);
}

enum err tokens_issue(struct tokens *t, const struct token_order *order, char text_out[TOKEN_TEXT],
                      struct token_record *out)
{
    text_out[0] = '\0';
    if (!*order->certificate_sha256) make_text(text_out);
    pthread_mutex_lock(&t->changing);
    fill(order, text_out, out); /* here, so that the list is in the order of its ids */
    enum err e = add(t, out);
    pthread_mutex_unlock(&t->changing);
    if (e) explicit_bzero(text_out, TOKEN_TEXT);
    return e;
}

static enum err revoke(struct tokens *t, const char *id)
{
    int64_t now = clock_now_ms();
    struct token_entry *found = token_table_by_id(&t->table, id);
    if (!found) return not_found(id);
    if (found->record.revoked_ms) return ERR_OK;
    enum err e = store_token_revoke(t->store, id, now);
    if (e) return e;
    pthread_rwlock_wrlock(&t->lock);
    found->record.revoked_ms = now;
    pthread_rwlock_unlock(&t->lock);
    return ERR_OK;
}

enum err tokens_revoke(struct tokens *t, const char *id)
{
    pthread_mutex_lock(&t->changing);
    enum err e = revoke(t, id);
    pthread_mutex_unlock(&t->changing);
    return e;
}

/* The file before the token: after a crash in between it names a token that is not there, and the
 * next start replaces it. */
static enum err make_admin(struct tokens *t, const char *path)
{
    static const struct token_order order = {
        .name = "admin", .scope = SCOPE_ADMIN, .certificate_sha256 = "", .created_by = ""};
    char text[TOKEN_TEXT];
    struct token_record record;
    make_text(text);
    fill(&order, text, &record);
    text[TOKEN_TEXT - 1] = '\n';
    enum err e = file_replace(path, text, sizeof text, 0600);
    explicit_bzero(text, sizeof text);
    if (!e) e = add(t, &record);
    if (!e) log_info("new admin token", "file=%s id=%s", path, record.id);
    return e;
}

enum err tokens_ensure_admin(struct tokens *t, const char *dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s/admin.token", PATH_MAX - 16, dir);
    pthread_mutex_lock(&t->changing);
    bool there = token_table_has_admin(&t->table, clock_now_ms());
    enum err e = there ? ERR_OK : make_admin(t, path);
    pthread_mutex_unlock(&t->changing);
    return e;
}

/* --- last uses --- */

/* What the store does not know yet. @return how many */
static size_t unknown_uses(struct tokens *t, struct token_use out[LIMIT_TOKENS])
{
    size_t n = 0;
    pthread_rwlock_rdlock(&t->lock);
    for (size_t i = 0; i < t->table.count; i++) {
        struct token_record r = shown(t->table.list[i]);
        if (r.used_ms == t->table.list[i]->record.used_ms) continue;
        memcpy(out[n].id, r.id, sizeof out[n].id);
        out[n++].used_ms = r.used_ms;
    }
    pthread_rwlock_unlock(&t->lock);
    return n;
}

static void mark_known(struct tokens *t, const struct token_use *uses, size_t n)
{
    pthread_rwlock_wrlock(&t->lock);
    for (size_t i = 0; i < n; i++) {
        struct token_entry *e = token_table_by_id(&t->table, uses[i].id);
        if (e) e->record.used_ms = uses[i].used_ms;
    }
    pthread_rwlock_unlock(&t->lock);
}

static void note_uses(struct tokens *t)
{
    struct token_use *uses = calloc(LIMIT_TOKENS, sizeof *uses);
    size_t n = uses ? unknown_uses(t, uses) : 0;
    if (n && store_token_used(t->store, uses, n))
        log_warn("last uses of tokens not noted", "code=%s", err_last()->code);
    else
        mark_known(t, uses, n);
    free(uses);
}

static void *note_now_and_then(void *arg)
{
    struct tokens *t = arg;
    while (sleeper_pause(&t->noter, NOTE_MS))
        note_uses(t);
    note_uses(t);
    return NULL;
}

/* --- beginning and end --- */

static enum err load(struct tokens *t)
{
    struct store_page page = {.limit = LIMIT_TOKENS};
    struct token_record *list;
    struct token_entry *made;
    size_t n;
    enum err e = store_token_list(t->store, &page, &list, &n);
    while (!e && n) {
        e = token_entry_new(&list[--n], &made);
        if (!e) token_table_put(&t->table, made);
    }
    free(list);
    return e;
}

enum err tokens_open(struct store *store, struct tokens **out)
{
    struct tokens *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t) return err_set(ERR_MEM, "out of memory");
    t->store = store;
    pthread_rwlock_init(&t->lock, NULL);
    pthread_mutex_init(&t->changing, NULL);
    enum err e = load(t);
    if (!e) e = sleeper_start(&t->noter, "tokens", note_now_and_then, t);
    t->noter_runs = e == ERR_OK;
    if (!e) {
        *out = t;
        return ERR_OK;
    }
    struct err_info saved = *err_last();
    tokens_close(t);
    return err_restore(&saved);
}

void tokens_close(struct tokens *t)
{
    if (!t) return;
    if (t->noter_runs) sleeper_end(&t->noter);
    token_table_dispose(&t->table);
    pthread_mutex_destroy(&t->changing);
    pthread_rwlock_destroy(&t->lock);
    free(t);
}
