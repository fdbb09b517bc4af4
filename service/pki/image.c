#include "service/pki/image.h"

#include <stdio.h>
#include <string.h>

#include "service/pki/atpki.h"
#include "service/pki/nvs_edit.h"

enum { SECTOR = 0x1000, ITEMS_MAX = 256 };

static const enum atpki_type types[TARGET_PARTS] = {[CREDENTIAL_CERTIFICATE] = ATPKI_CERT,
                                                    [CREDENTIAL_KEY] = ATPKI_KEY,
                                                    [CREDENTIAL_ROOT_CA] = ATPKI_CA};

/* What is asked for, and where it goes. */
struct build {
    const struct credential *c;
    const struct layout *layout;
    const struct target *target;
    const struct image_source *now;
    struct image_set *out;
};

static const char *since(enum target_kind k)
{
    if (k == TARGET_MQTT) return "Flash ESP-AT v2.0 or newer, which has them.";
    if (k == TARGET_HTTPS || k == TARGET_WSS)
        return "Credentials of this kind exist since ESP-AT v4.1: flash a newer one, or use kind "
               "client.";
    return "Flash an ESP-AT release that has them.";
}

static enum err no_place(const struct build *b)
{
    return err_fail(ERR_UNSUPPORTED, "layout_not_writable", since(b->target->kind),
                    "the board has no partitions %s_cert, %s_key and %s_ca (%s)",
                    target_kind_name(b->target->kind), target_kind_name(b->target->kind),
                    target_kind_name(b->target->kind), b->layout->source);
}

static enum err needs_board(const struct partition *p)
{
    return err_fail(ERR_UNSUPPORTED, "image_needs_board",
                    "Write the credential to a board by a job, or name a firmware whose own file "
                    "it is put into.",
                    "%s holds more than this credential: without its present content no image of "
                    "it can be made",
                    p->name);
}

static enum err check_size(size_t len, const struct partition *p)
{
    if (len <= p->size) return ERR_OK;
    return err_fail(ERR_TOO_LARGE, "too_large_for_partition",
                    "Use a P-256 key, leave out certificates that are not needed, or send only "
                    "the root CA of the broker.",
                    "the image for %s has %zu bytes, the partition only %u", p->name, len,
                    (unsigned)p->size);
}

/* Its sectors are erased and written: they must be whole, and nobody else's. */
static enum err check_place(const struct layout *l, const struct partition *p)
{
    static const char hint[] = "Flash the firmware again: its partition table is damaged.";
    if (p->offset % SECTOR || p->size % SECTOR || p->size > NVS_SIZE_MAX)
        return err_fail(ERR_UNSUPPORTED, "layout_damaged", hint,
                        "%s at 0x%x with %u bytes is not whole sectors, or too many of them (%s)",
                        p->name, (unsigned)p->offset, (unsigned)p->size, l->source);
    for (size_t i = 0; i < l->user.count; i++) {
        const struct partition *other = &l->user.rows[i];
        if (other != p && partition_overlaps(p, other))
            return err_fail(ERR_UNSUPPORTED, "layout_damaged", hint, "%s overlaps %s (%s)", p->name,
                            other->name, l->source);
    }
    return ERR_OK;
}

/* Insert so that the items stay in order of offset. */
static struct image *slot_for(struct image_set *s, uint32_t offset)
{
    size_t at = s->count++;
    for (; at && s->items[at - 1].offset > offset; at--)
        s->items[at] = s->items[at - 1];
    memset(&s->items[at], 0, sizeof s->items[at]);
    return &s->items[at];
}

/* @param before  goes over to the image */
static enum err image_add(const struct buf *bytes, const struct partition *p, bool holds_key,
                          struct secret *before, struct image_set *out)
{
    struct image *i = slot_for(out, p->offset);
    snprintf(i->file, sizeof i->file, "%s.bin", p->name);
    snprintf(i->partition, sizeof i->partition, "%s", p->name);
    i->offset = p->offset;
    i->partition_size = p->size;
    i->holds_key = holds_key;
    i->before = *before;
    *before = (struct secret){0};
    uint8_t sha256[SHA256_BYTES];
    digest_sha256(bytes->data, bytes->len, sha256);
    digest_hex(sha256, sizeof sha256, i->sha256);
    return secret_copy(bytes->data, bytes->len, &i->bytes);
}

static enum err read_now(const struct build *b, const struct partition *p, struct secret *out)
{
    if (!b->now) return needs_board(p);
    enum err e = check_place(b->layout, p);
    if (!e) e = b->now->read(p, out, b->now->arg);
    if (e || out->len == p->size) return e;
    return err_set(ERR_INTERNAL, "%zu bytes of %s were read, not %u", out->len, p->name,
                   (unsigned)p->size);
}

/* ---- AtPKI in partitions ---- */

/* The firmware finds an item by its place alone. What is no image has none: an erased partition, or
 * one that the firmware cannot read either.
 * @return ERR_OK; ERR_ARG when the item would not get its place */
static enum err keep_others(const struct build *b, const struct partition *p,
                            const struct secret *now, struct atpki_item *items, size_t *n)
{
    const size_t index = b->target->index;
    const struct atpki_item mine = items[0];
    if (atpki_parse(now->data, now->len, items, ITEMS_MAX, n)) *n = 0;
    if (index > *n)
        return err_fail(ERR_ARG, "index_gap", "Write index 0 first.",
                        "%s holds %zu items: number %zu cannot follow", p->name, *n, index);
    for (size_t i = 0; i < *n; i++)
        items[i].type = mine.type; /* one type, or the order of the items would change */
    items[index] = mine;
    if (index == *n) ++*n;
    return ERR_OK;
}

static enum err add_atpki(const struct build *b, enum credential_part part, struct buf *bytes)
{
    char name[TARGET_NAME];
    struct atpki_item items[ITEMS_MAX + 1] = {{.type = types[part]}};
    struct secret now = {0};
    size_t n = 1;
    target_partition(b->target, part, name);
    const struct partition *p = partition_find(&b->layout->user, name);
    if (!p) return no_place(b);
    items[0].data = (const uint8_t *)credential_pem(b->c, part, &items[0].len);
    bool shared = target_is_indexed(b->target->kind);
    enum err e = shared ? read_now(b, p, &now) : ERR_OK;
    if (!e && shared) e = keep_others(b, p, &now, items, &n);
    buf_reset(bytes);
    if (!e) e = atpki_build(items, n, bytes);
    if (!e) e = check_size(bytes->len, p);
    if (!e) e = check_place(b->layout, p);
    if (!e) e = image_add(bytes, p, part == CREDENTIAL_KEY, &now, b->out);
    secret_dispose(&now);
    return e;
}

static enum err build_atpki(const struct build *b)
{
    struct buf bytes; /* one for all three, so that the larger ones find its room already there */
    enum err e = ERR_OK;
    buf_init_secret(&bytes, NVS_SIZE_MAX);
    for (int part = 0; part < TARGET_PARTS && !e; part++)
        e = add_atpki(b, (enum credential_part)part, &bytes);
    buf_dispose(&bytes);
    return e;
}

/* ---- mfg_nvs ---- */

bool image_has_factory_param(const struct nvs *n)
{
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->items[i].space, "factory_param") && n->items[i].key[0]) return true;
    return false;
}

/* Which three values change, in the names that the board uses. */
static enum err find_places(const struct build *b, const struct secret *now,
                            struct target_place *places)
{
    struct nvs list;
    struct nvs_findings found;
    const char *spaces[NVS_SPACES];
    size_t n = 0;
    nvs_init(&list);
    enum err e = nvs_read(now->data, now->len, &list, &found);
    for (size_t i = 0; i < list.count && n < NVS_SPACES; i++)
        if (list.items[i].type == NVS_NAMESPACE) spaces[n++] = list.items[i].space;
    if (!e && !image_has_factory_param(&list))
        e = err_fail(ERR_UNSUPPORTED, "no_factory_param",
                     "Put a backup of it back (kind restore), or flash the firmware again with its "
                     "own mfg_nvs; then write the credential.",
                     "mfg_nvs holds no factory_param: without it the board would not know the "
                     "pins of its AT port");
    for (int part = 0; part < TARGET_PARTS && !e; part++)
        e = target_nvs_place(b->target, (enum credential_part)part, spaces, n, &places[part]);
    nvs_dispose(&list);
    return e;
}

static enum err build_nvs(const struct build *b)
{
    const struct partition *p = partition_find(&b->layout->user, "mfg_nvs");
    struct target_place places[TARGET_PARTS];
    struct nvs_change changes[TARGET_PARTS];
    struct secret now = {0};
    struct buf bytes;
    buf_init_secret(&bytes, p->size);
    enum err e = read_now(b, p, &now);
    if (!e) e = find_places(b, &now, places);
    for (int part = 0; part < TARGET_PARTS && !e; part++) {
        changes[part] = (struct nvs_change){.space = places[part].space, .key = places[part].key};
        changes[part].data = credential_pem(b->c, (enum credential_part)part, &changes[part].len);
    }
    if (!e) e = nvs_edit(now.data, now.len, changes, TARGET_PARTS, &bytes);
    if (!e) e = image_add(&bytes, p, true, &now, b->out);
    buf_dispose(&bytes);
    secret_dispose(&now);
    return e;
}

enum err image_set_build(const struct credential *c, const struct layout *layout,
                         const struct target *target, const struct image_source *now,
                         struct image_set *out)
{
    const struct build b = {c, layout, target, now, out};
    memset(out, 0, sizeof *out);
    enum err e = layout->kind == LAYOUT_MFG_NVS ? build_nvs(&b) : build_atpki(&b);
    if (e) image_set_dispose(out);
    return e;
}

void image_set_dispose(struct image_set *s)
{
    for (size_t i = 0; i < s->count; i++) {
        secret_dispose(&s->items[i].bytes);
        secret_dispose(&s->items[i].before);
    }
    memset(s, 0, sizeof *s);
}

bool image_was_there(const struct image *i)
{
    const struct secret *before = &i->before;
    size_t n = i->bytes.len;
    bool same = before->data && before->len >= n && !memcmp(before->data, i->bytes.data, n);
    while (same && n < before->len)
        same = before->data[n++] == 0xFF;
    return same;
}
