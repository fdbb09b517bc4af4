#include "service/pki/image.h"

#include <stdio.h>
#include <string.h>

#include "service/pki/atpki.h"

enum { IMAGE_MAX = 128 * 1024, SECTOR = 0x1000 };

static const struct {
    const char *partition;
    enum credential_part part;
    enum atpki_type type;
} wanted[] = {
    {"mqtt_cert", CREDENTIAL_CERTIFICATE, ATPKI_CERT},
    {"mqtt_key", CREDENTIAL_KEY, ATPKI_KEY},
    {"mqtt_ca", CREDENTIAL_ROOT_CA, ATPKI_CA},
};

static enum err not_writable(const struct layout *l)
{
    if (l->kind == LAYOUT_MFG_NVS)
        return err_fail(ERR_UNSUPPORTED, "layout_not_writable",
                        "This firmware (v3.1 or newer) keeps credentials in mfg_nvs: use a board "
                        "with ESP-AT v2.x, or flash one.",
                        "the board keeps credentials in mfg_nvs (%s), which takes no AtPKI images",
                        l->source);
    return err_fail(ERR_UNSUPPORTED, "layout_not_writable",
                    "Flash ESP-AT v2.0 or newer: v1.x has no place for MQTT credentials.",
                    "the board has no partitions mqtt_cert, mqtt_key and mqtt_ca (%s)", l->source);
}

static enum err check_size(const struct buf *bytes, const struct partition *p)
{
    if (bytes->len <= p->size) return ERR_OK;
    return err_fail(ERR_TOO_LARGE, "too_large_for_partition",
                    "Use a P-256 key, leave out certificates that are not needed, or send only "
                    "the root CA of the broker.",
                    "the image for %s has %zu bytes, the partition only %u", p->name, bytes->len,
                    (unsigned)p->size);
}

/* Its sectors are erased and written: they must be whole, and nobody else's. */
static enum err check_place(const struct layout *l, const struct partition *p)
{
    static const char hint[] = "Flash the firmware again: its partition table is damaged.";
    if (p->offset % SECTOR || p->size % SECTOR)
        return err_fail(ERR_UNSUPPORTED, "layout_damaged", hint,
                        "%s at 0x%x with %u bytes is not whole sectors of flash (%s)", p->name,
                        (unsigned)p->offset, (unsigned)p->size, l->source);
    for (size_t i = 0; i < l->user.count; i++) {
        const struct partition *other = &l->user.rows[i];
        if (other != p && partition_overlaps(p, other))
            return err_fail(ERR_UNSUPPORTED, "layout_damaged", hint, "%s overlaps %s (%s)", p->name,
                            other->name, l->source);
    }
    return ERR_OK;
}

static enum err image_make(const struct buf *bytes, const struct partition *p, bool holds_key,
                           struct image *out)
{
    snprintf(out->file, sizeof out->file, "%s.bin", p->name);
    snprintf(out->partition, sizeof out->partition, "%s", p->name);
    out->offset = p->offset;
    out->partition_size = p->size;
    out->holds_key = holds_key;
    uint8_t sha256[SHA256_BYTES];
    digest_sha256(bytes->data, bytes->len, sha256);
    digest_hex(sha256, sizeof sha256, out->sha256);
    digest_md5(bytes->data, bytes->len, out->md5);
    return secret_copy(bytes->data, bytes->len, &out->bytes);
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

static enum err image_add(const struct credential *c, const struct layout *layout, size_t which,
                          struct buf *bytes, struct image_set *out)
{
    const struct partition *p = partition_find(&layout->user, wanted[which].partition);
    if (!p) return not_writable(layout);
    struct atpki_item item = {.type = wanted[which].type};
    item.data = (const uint8_t *)credential_pem(c, wanted[which].part, &item.len);
    buf_reset(bytes);
    enum err e = atpki_build(&item, 1, bytes);
    if (!e) e = check_size(bytes, p);
    if (!e) e = check_place(layout, p);
    if (e) return e;
    return image_make(bytes, p, item.type == ATPKI_KEY, slot_for(out, p->offset));
}

enum err image_set_build(const struct credential *c, const struct layout *layout,
                         const struct target *target, const struct image_source *now,
                         struct image_set *out)
{
    memset(out, 0, sizeof *out);
    (void)target;
    (void)now;
    if (layout->kind != LAYOUT_PARTITIONS) return not_writable(layout);
    struct buf bytes; /* one for all three, so that the larger ones find its room already there */
    buf_init_secret(&bytes, IMAGE_MAX);
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < sizeof wanted / sizeof *wanted; i++)
        e = image_add(c, layout, i, &bytes, out);
    buf_dispose(&bytes);
    if (e) image_set_dispose(out);
    return e;
}

void image_set_dispose(struct image_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        secret_dispose(&s->items[i].bytes), secret_dispose(&s->items[i].before);
    memset(s, 0, sizeof *s);
}
