/* Packing, rule by rule as the generator does it (esp-at.md 3.3), so that the outcome is the same
 * to the byte: strings and the heads of blobs keep clear of a page's last entry, a blob fills the
 * page it begins on, and its index follows on the page that is current when the data ends. */
#include <string.h>

#include "service/pki/nvs_page.h"

enum { SPACES_MAX = NVS_SPACES - 1 };

struct writer {
    uint8_t *pages; /* the whole partition, erased at first */
    size_t count;   /* pages that may be used: the last one stays free */
    size_t page;    /* present one */
    struct nvs_cursor at;
    const struct nvs *list;
};

static void begin_page(struct writer *w, size_t page)
{
    w->page = page;
    w->at.page = w->pages + page * NVS_PAGE;
    nvs_page_begin(&w->at, (uint32_t)page);
}

static enum err next_page(struct writer *w)
{
    if (w->page + 1 >= w->count)
        return err_fail(ERR_TOO_LARGE, "nvs_full",
                        "Leave out what the board does not need, or take a smaller chain or key.",
                        "the NVS partition of %zu bytes is too small for its content",
                        (w->count + 1) * NVS_PAGE);
    le32_put(w->at.page + NVS_STATE, NVS_STATE_FULL);
    begin_page(w, w->page + 1);
    return ERR_OK;
}

static enum err put_number(struct writer *w, uint8_t space, unsigned type, const char *key,
                           uint64_t value)
{
    enum err e = w->at.used >= NVS_ENTRIES ? next_page(w) : ERR_OK;
    if (!e) nvs_put_number(&w->at, space, type, key, value);
    return e;
}

static enum err put_string(struct writer *w, uint8_t space, const struct nvs_item *item)
{
    size_t span = 1 + nvs_data_entries(item->bytes.len + 1);
    if (span >= NVS_ENTRIES)
        return err_fail(ERR_TOO_LARGE, "nvs_string_too_long", "Make it a blob (encoding binary).",
                        "the string \"%s\" has %zu bytes; 3967 are the most", item->key,
                        item->bytes.len);
    enum err e = w->at.used + span >= NVS_ENTRIES ? next_page(w) : ERR_OK;
    if (!e) nvs_put_string(&w->at, space, item->key, item->bytes.data, item->bytes.len);
    return e;
}

static enum err put_blob(struct writer *w, uint8_t space, const struct nvs_item *item)
{
    const size_t total = item->bytes.len;
    unsigned chunks = 0;
    enum err e = w->at.used >= NVS_ENTRIES ? next_page(w) : ERR_OK;
    for (size_t done = 0; !e && (!chunks || done < total); chunks++) {
        size_t room = (NVS_ENTRIES - w->at.used - 1) * NVS_ENTRY, left = total - done;
        size_t n = left < room ? left : room;
        nvs_put_chunk(&w->at, space, item->key, chunks, n ? item->bytes.data + done : NULL, n);
        done += n;
        if (done < total || room - n < NVS_ENTRY) e = next_page(w);
    }
    if (!e) nvs_put_index(&w->at, space, item->key, total, chunks);
    return e;
}

/* Namespaces are numbered as they come. */
static uint8_t space_number(const struct nvs *list, const char *space)
{
    uint8_t number = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct nvs_item *item = &list->items[i];
        if (item->type != NVS_NAMESPACE) continue;
        number++;
        if (strcmp(item->space, space) == 0) break;
    }
    return number;
}

static enum err put_item(struct writer *w, const struct nvs_item *item)
{
    uint8_t space = space_number(w->list, item->space);
    switch (item->type) {
    case NVS_NAMESPACE:
        return put_number(w, 0, NVS_U8, item->space, space);
    case NVS_STRING:
        return put_string(w, space, item);
    case NVS_BLOB:
        return put_blob(w, space, item);
    case NVS_U8:
    case NVS_I8:
    case NVS_U16:
    case NVS_I16:
    case NVS_U32:
    case NVS_I32:
    case NVS_U64:
    case NVS_I64:
        break;
    }
    return put_number(w, space, item->type, item->key, item->number);
}

/* The older tool gives every page but the last a header, and leaves none that could be written on.
 */
static void finish_full(struct writer *w)
{
    for (;;) {
        le32_put(w->at.page + NVS_STATE, NVS_STATE_FULL);
        if (w->page + 1 == w->count) return;
        begin_page(w, w->page + 1);
    }
}

static size_t count_spaces(const struct nvs *n)
{
    size_t count = 0;
    for (size_t i = 0; i < n->count; i++)
        count += n->items[i].type == NVS_NAMESPACE;
    return count;
}

enum err nvs_write(const struct nvs *n, size_t size, enum nvs_style style, struct buf *out)
{
    size_t start = out->len;
    if (size % NVS_PAGE || size < NVS_SIZE_MIN || size > NVS_SIZE_MAX)
        return err_fail(ERR_ARG, "nvs_bad_size", "Take the size of the partition mfg_nvs.",
                        "an NVS partition of %zu bytes: multiples of 4096 from 12288 on", size);
    if (count_spaces(n) > SPACES_MAX)
        return err_fail(ERR_TOO_LARGE, "nvs_full", NULL,
                        "an NVS partition has no more than %d namespaces", SPACES_MAX);
    enum err e = buf_fill(out, 0xff, size);
    if (e) return e;
    struct writer w = {.pages = out->data + start, .count = size / NVS_PAGE - 1, .list = n};
    begin_page(&w, 0);
    for (size_t i = 0; !e && i < n->count; i++)
        e = put_item(&w, &n->items[i]);
    if (e) return e;
    if (style == NVS_FULL) finish_full(&w);
    return ERR_OK;
}
