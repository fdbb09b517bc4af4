/* Design: a part is read as its PEM text, whichever way the board keeps it; from then on both ways
 * are one. The key leaves the board only into wiped memory. */
#include "service/jobs/stored.h"

#include <stdio.h>
#include <string.h>

#include "service/at/sysflash.h"
#include "service/at/sysmfg.h"
#include "service/base/clock.h"
#include "service/jobs/at_row.h"
#include "service/jobs/steps.h"
#include "service/pki/atpki.h"
#include "service/pki/secret.h"

enum {
    LIST_MS = 10000,
    READ_MS = 15000,
    HEAD = 8,
    TEXT_MAX = 32 * 1024,
    ITEMS = 16,
    PLACES = TARGET_KINDS * TARGET_INDEXES
};

struct reading {
    struct session *s;
    char spaces[SYSMFG_SPACES][SYSMFG_NAME];
    const char *names[SYSMFG_SPACES]; /* of the above */
    size_t space_count;
};

/* --- one part --- */

/* The wanted item of an AtPKI image. */
static enum stored pick_item(const struct target *t, const struct buf *image, struct buf *text)
{
    struct atpki_item items[ITEMS];
    size_t n = 0;
    if (atpki_parse(image->data, image->len, items, ITEMS, &n)) return STORED_DAMAGED;
    if (n <= t->index) return STORED_MISSING;
    return buf_append(text, items[t->index].data, items[t->index].len) ? STORED_DAMAGED
                                                                       : STORED_READABLE;
}

static enum err read_bytes(struct session *s, const struct partition *p, size_t n, bool secret,
                           struct buf *image)
{
    struct at_partition row = at_row_of(p);
    struct at_transfer t = {.partition = &row, .n = n, .secret = secret};
    buf_reset(image);
    enum err e = buf_fill(image, 0, n);
    return e ? e : at_sysflash_read(s->client, &t, image->data, session_within(s, READ_MS));
}

/* The image's head says how long it is: a partition is much longer. */
static enum err read_image(struct session *s, const struct partition *p, bool secret,
                           struct buf *image, enum stored *state)
{
    enum { MAGIC = 0xf1f1, ERASED = 0xffff };
    enum err e = p->size < HEAD ? err_set(ERR_DEVICE, "%s is too small", p->name)
                                : read_bytes(s, p, HEAD, false, image);
    if (e) return e;
    uint16_t magic = le16_get(image->data);
    uint32_t length = le32_get(image->data + 4);
    *state = magic == ERASED ? STORED_MISSING : STORED_DAMAGED;
    if (magic != MAGIC || length > p->size - HEAD || length > TEXT_MAX - HEAD) return ERR_OK;
    *state = STORED_READABLE;
    return read_bytes(s, p, HEAD + length, secret, image);
}

static enum err from_partition(struct session *s, const struct target *t, enum credential_part part,
                               struct buf *text, enum stored *state)
{
    char name[TARGET_NAME];
    target_partition(t, part, name);
    const struct partition *p = partition_find(&s->layout.user, name);
    if (!p) return ERR_OK;
    struct buf image;
    buf_init_secret(&image, TEXT_MAX);
    enum err e = read_image(s, p, part == CREDENTIAL_KEY, &image, state);
    if (!e && *state == STORED_READABLE) *state = pick_item(t, &image, text);
    buf_dispose(&image);
    return e;
}

static enum err from_nvs(struct reading *r, const struct target *t, enum credential_part part,
                         struct buf *text, enum stored *state)
{
    struct target_place place;
    if (target_nvs_place(t, part, r->names, r->space_count, &place)) return ERR_OK;
    struct at_mfg_key key = {
        .space = place.space, .key = place.key, .secret = part == CREDENTIAL_KEY};
    enum err e = at_sysmfg_read(r->s->client, &key, text, session_within(r->s, READ_MS));
    bool missing = err_is(e, "mfg_key_missing");
    if (!e) *state = STORED_READABLE;
    if (missing) *state = STORED_MISSING;
    return missing ? ERR_OK : e;
}

static enum err read_part(struct reading *r, const struct target *t, enum credential_part part,
                          struct buf *text, enum stored *state)
{
    *state = STORED_NOT_READ;
    if (r->s->layout.kind == LAYOUT_MFG_NVS) return from_nvs(r, t, part, text, state);
    return from_partition(r->s, t, part, text, state);
}

static enum err begin(struct reading *r, struct session *s)
{
    r->s = s;
    enum err e = s->layout.kind == LAYOUT_NONE ? step_at_layout(s) : ERR_OK;
    if (e || s->layout.kind != LAYOUT_MFG_NVS) return e;
    e = at_sysmfg_spaces(s->client, r->spaces, SYSMFG_SPACES, &r->space_count,
                         session_within(s, LIST_MS));
    for (size_t i = 0; i < r->space_count; i++)
        r->names[i] = r->spaces[i];
    return e;
}

/* --- what is said about it --- */

static struct credential_rules lenient(void)
{
    /* Dates and the chain are for others to judge: here it only has to be whole. */
    return (struct credential_rules){
        .now_unix_s = clock_now_ms() / 1000, .allow_unrelated_ca = true, .allow_dates = true};
}

static bool fails(const struct check_list *l, const char *name)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->items[i].verdict == CHECK_FAIL && strcmp(l->items[i].name, name) == 0) return true;
    return false;
}

static bool is_whole(const struct buf *text)
{
    const struct credential_rules rules = lenient();
    struct credential_input in = {"board", text->data, text->len};
    struct check_list checks;
    struct credential *c = NULL;
    credential_read(&in, 1, &rules, &checks, &c);
    credential_free(c);
    return !fails(&checks, "syntax") && !fails(&checks, "encrypted_key");
}

static bool equals(const struct credential *c, enum credential_part part, const struct buf *text)
{
    size_t n;
    const char *wanted = credential_pem(c, part, &n);
    return n == text->len && memcmp(wanted, text->data, n) == 0;
}

/* The same certificate or key can be written in more than one way. */
static bool means_the_same(const struct credential *a, const struct credential *b,
                           enum credential_part part)
{
    const struct credential_info *x = credential_info(a), *y = credential_info(b);
    if (part == CREDENTIAL_KEY) return strcmp(x->key_sha256, y->key_sha256) == 0;
    if (part == CREDENTIAL_CERTIFICATE)
        return strcmp(x->fingerprint_sha256, y->fingerprint_sha256) == 0;
    return strcmp(x->root_fingerprint_sha256, y->root_fingerprint_sha256) == 0;
}

static void judge_part(struct session *s, enum credential_part part, const struct buf *text,
                       const struct credential *own)
{
    enum stored *state = &s->evidence.stored.part[part];
    if (*state != STORED_READABLE) return;
    if (!is_whole(text))
        *state = STORED_DAMAGED;
    else if (s->credential)
        *state =
            equals(s->credential, part, text) || (own && means_the_same(s->credential, own, part))
                ? STORED_SAME
                : STORED_DIFFERS;
}

/* Certificate, key and root as one; NULL when they are none. */
static struct credential *join(struct session *s, const struct buf texts[TARGET_PARTS])
{
    const struct credential_rules rules = lenient();
    struct credential_input in[TARGET_PARTS];
    struct check_list checks;
    struct credential *own = NULL;
    size_t n = 0;
    for (unsigned i = 0; i < TARGET_PARTS; i++)
        if (texts[i].len) in[n++] = (struct credential_input){"board", texts[i].data, texts[i].len};
    if (!n) return NULL;
    credential_read(in, n, &rules, &checks, &own);
    s->evidence.stored.key_mismatch = fails(&checks, "key_matches");
    return own;
}

/* --- is it somewhere else? --- */

static bool lies_at(struct reading *r, const struct target *t)
{
    struct buf text;
    enum stored state;
    buf_init(&text, TEXT_MAX);
    enum err e = read_part(r, t, CREDENTIAL_CERTIFICATE, &text, &state);
    bool there =
        !e && state == STORED_READABLE && equals(r->s->credential, CREDENTIAL_CERTIFICATE, &text);
    buf_dispose(&text);
    return there;
}

static bool has_another(const struct session *s)
{
    enum stored is = s->evidence.stored.part[CREDENTIAL_CERTIFICATE];
    return s->credential && (is == STORED_MISSING || is == STORED_DIFFERS);
}

static void look_elsewhere(struct reading *r)
{
    char *out = r->s->evidence.stored.elsewhere;
    for (unsigned i = 0; i < PLACES && !out[0]; i++) {
        struct target t = {(enum target_kind)(i / TARGET_INDEXES), i % TARGET_INDEXES};
        if (t.kind == TARGET_MQTT || (t.index && !target_is_indexed(t.kind))) continue;
        if (!lies_at(r, &t)) continue;
        snprintf(out, TARGET_NAME, "%s", target_kind_name(t.kind));
    }
}

static enum err read_parts(struct reading *r, bool all, struct buf texts[TARGET_PARTS])
{
    static const struct target mqtt = {TARGET_MQTT, 0};
    struct session *s = r->s;
    enum err e = ERR_OK;
    for (unsigned i = 0; i < TARGET_PARTS && !e; i++) {
        enum credential_part part = (enum credential_part)i;
        if (!all && part != CREDENTIAL_CERTIFICATE) continue;
        if (check_uses_part(s->ctx->command->mqtt.scheme, part))
            e = read_part(r, &mqtt, part, &texts[i], &s->evidence.stored.part[i]);
    }
    return e;
}

enum err stored_judge(struct session *s, bool all, struct credential **own_out)
{
    struct reading r = {.s = s};
    struct buf texts[TARGET_PARTS];
    *own_out = NULL;
    for (unsigned i = 0; i < TARGET_PARTS; i++)
        buf_init_secret(&texts[i], TEXT_MAX);
    enum err e = begin(&r, s);
    if (!e) e = read_parts(&r, all, texts);
    if (!e) {
        *own_out = join(s, texts);
        for (unsigned i = 0; i < TARGET_PARTS; i++)
            judge_part(s, (enum credential_part)i, &texts[i], *own_out);
        if (all && has_another(s)) look_elsewhere(&r);
    }
    for (unsigned i = 0; i < TARGET_PARTS; i++)
        buf_dispose(&texts[i]);
    return e == ERR_CANCELLED || e == ERR_PORT_GONE ? e : ERR_OK;
}
