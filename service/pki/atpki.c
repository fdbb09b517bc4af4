/* Design: two passes. The first checks every item and adds up the sizes, so that the second writes
 * into one block that is already full of 0xFF: the padding is then what was not written. */
#include "service/pki/atpki.h"

#include <stdbool.h>
#include <string.h>

enum { HEAD = 8, ITEM_HEAD = 4, MAGIC = 0xF1F1, ITEM_MAX = 65535, OF_TYPE_MAX = 256 };

static const struct {
    const char *name;
    enum atpki_type type;
} types[] = {{"ca", ATPKI_CA}, {"cert", ATPKI_CERT}, {"key", ATPKI_KEY}};

static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

static bool is_type(unsigned type)
{
    return type >= ATPKI_CA && type <= ATPKI_KEY;
}

enum err atpki_type_parse(const char *name, enum atpki_type *type_out)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(name, types[i].name) != 0) continue;
        *type_out = types[i].type;
        return ERR_OK;
    }
    return err_fail(ERR_ARG, "bad_type", "Name each part ca, cert or key.",
                    "\"%.40s\" is not a type of AtPKI item", name);
}

/* What the plan of an image comes to. */
struct plan {
    unsigned char order[3]; /* types in order of first appearance */
    size_t kinds, count[ATPKI_KEY + 1], bytes;
};

static enum err add_to_plan(struct plan *p, const struct atpki_item *it, size_t index)
{
    if (!is_type(it->type))
        return err_fail(ERR_ARG, "bad_type", NULL, "item %zu has no known type", index + 1);
    const char *name = types[it->type - 1].name;
    if (!it->len)
        return err_fail(ERR_ARG, "item_empty", "Send the file's content.",
                        "item %zu (%s) is empty: the firmware would find nothing in it", index + 1,
                        name);
    if (it->len > ITEM_MAX)
        return err_fail(ERR_TOO_LARGE, "item_too_large",
                        "An AtPKI item holds at most 65535 bytes: leave out what is not needed.",
                        "item %zu (%s) has %zu bytes, %d is the most that fit", index + 1, name,
                        it->len, ITEM_MAX);
    if (p->count[it->type] == OF_TYPE_MAX)
        return err_fail(ERR_ARG, "too_many_items", "Send at most 256 items of one type.",
                        "item %zu is the 257th of type %s; its number would start again at 0",
                        index + 1, name);
    if (!p->count[it->type]) p->order[p->kinds++] = (unsigned char)it->type;
    p->count[it->type]++;
    p->bytes += ITEM_HEAD + padded(it->len);
    return ERR_OK;
}

static uint8_t *put_type(uint8_t *p, const struct atpki_item *items, size_t n, unsigned type)
{
    uint8_t id = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].type != type) continue;
        p[0] = (uint8_t)type;
        p[1] = id++;
        le16_put(p + 2, (uint16_t)items[i].len);
        memcpy(p + ITEM_HEAD, items[i].data, items[i].len);
        p += ITEM_HEAD + padded(items[i].len);
    }
    return p;
}

enum err atpki_build(const struct atpki_item *items, size_t n, struct buf *out)
{
    struct plan plan = {.bytes = HEAD};
    if (!n) return err_fail(ERR_ARG, "no_items", "Send at least one file.", "nothing to pack");
    for (size_t i = 0; i < n; i++) {
        enum err e = add_to_plan(&plan, &items[i], i);
        if (e) return e;
    }
    size_t start = out->len;
    enum err e = buf_fill(out, 0xFF, plan.bytes);
    if (e) return e;
    uint8_t *p = out->data + start;
    le16_put(p, MAGIC);
    le16_put(p + 2, (uint16_t)n);
    le32_put(p + 4, (uint32_t)(plan.bytes - HEAD));
    p += HEAD;
    for (size_t k = 0; k < plan.kinds; k++)
        p = put_type(p, items, n, plan.order[k]);
    return ERR_OK;
}

static enum err malformed(size_t index)
{
    return err_fail(ERR_PROTOCOL, "atpki_malformed", "Write the image again.",
                    "item %zu of the AtPKI image does not fit in it", index + 1);
}

/* Take one item off the front of what is left. The last item's padding may be missing in images
 * that other tools made, so its absence is not an error. */
static enum err take_item(const uint8_t **p, size_t *left, struct atpki_item *out, size_t index)
{
    if (*left < ITEM_HEAD || !is_type((*p)[0])) return malformed(index);
    size_t len = le16_get(*p + 2), whole = ITEM_HEAD + padded(len);
    if (ITEM_HEAD + len > *left) return malformed(index);
    *out = (struct atpki_item){(enum atpki_type)(*p)[0], *p + ITEM_HEAD, len};
    if (whole > *left) whole = *left;
    *p += whole;
    *left -= whole;
    return ERR_OK;
}

enum err atpki_parse(const uint8_t *image, size_t len, struct atpki_item *items_out, size_t cap,
                     size_t *n_out)
{
    *n_out = 0;
    if (len < HEAD || le16_get(image) != MAGIC)
        return err_fail(ERR_PROTOCOL, "not_atpki", "Write a credential first.",
                        "no AtPKI image here: it would start with F1 F1");
    size_t count = le16_get(image + 2), left = le32_get(image + 4);
    if (left > len - HEAD)
        return err_fail(ERR_PROTOCOL, "atpki_truncated", "Write the image again.",
                        "the AtPKI image says %zu bytes, only %zu are there", left, len - HEAD);
    if (count > cap) return err_set(ERR_TOO_LARGE, "%zu items, room for %zu", count, cap);
    const uint8_t *p = image + HEAD;
    for (size_t i = 0; i < count; i++) {
        enum err e = take_item(&p, &left, &items_out[i], i);
        if (e) return e;
    }
    if (left) return malformed(count);
    *n_out = count;
    return ERR_OK;
}
