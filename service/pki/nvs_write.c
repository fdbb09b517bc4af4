/* Packing, rule by rule as the generator does it (esp-at.md 3.3), so that the outcome is the same
 * to the byte: strings and the heads of blobs keep clear of a page's last entry, a blob fills the
 * page it begins on, and its index follows on the page that is current when the data ends. */
#include <string.h>
#include <zlib.h>

#include "service/pki/nvs_page.h"

enum { SPACES_MAX = 254 };

struct writer {
    uint8_t *pages; /* the whole partition, erased at first */
    size_t count;   /* pages that may be used: the last one stays free */
    size_t page;    /* present one */
    size_t used;    /* its entries */
    const struct nvs *list;
};

uint32_t nvs_crc(const uint8_t *data, size_t n)
{
    const uLong start = 0xffffffffUL;
    return (uint32_t)(n ? crc32(start, data, (uInt)n) : start); /* of NULL it says 0 */
}

uint32_t nvs_entry_crc(const uint8_t entry[NVS_ENTRY])
{
    uint8_t covered[NVS_ENTRY - 4];
    memcpy(covered, entry, 4);
    memcpy(covered + 4, entry + 8, sizeof covered - 4);
    return nvs_crc(covered, sizeof covered);
}

static uint8_t *page_at(const struct writer *w, size_t page)
{
    return w->pages + page * NVS_PAGE;
}

static void set_state(const struct writer *w, size_t page, uint32_t state)
{
    le32_put(page_at(w, page) + NVS_STATE, state);
}

static void begin_page(struct writer *w, size_t page)
{
    uint8_t *p = page_at(w, page);
    w->page = page;
    w->used = 0;
    set_state(w, page, NVS_STATE_ACTIVE);
    le32_put(p + NVS_SEQUENCE, (uint32_t)page);
    p[NVS_FORMAT] = NVS_VERSION_2;
    le32_put(p + NVS_HEADER_CRC, nvs_crc(p + NVS_SEQUENCE, NVS_HEADER_CRC - NVS_SEQUENCE));
}

static enum err next_page(struct writer *w)
{
    if (w->page + 1 >= w->count)
        return err_fail(ERR_TOO_LARGE, "nvs_full",
                        "Leave out what the board does not need, or take a smaller chain or key.",
                        "the NVS partition of %zu bytes is too small for its content",
                        (w->count + 1) * NVS_PAGE);
    set_state(w, w->page, NVS_STATE_FULL);
    begin_page(w, w->page + 1);
    return ERR_OK;
}

/* Entries in a row, marked written. */
static void put(struct writer *w, const uint8_t *data, size_t n)
{
    uint8_t *p = page_at(w, w->page);
    memcpy(p + NVS_FIRST + w->used * NVS_ENTRY, data, n);
    for (size_t end = w->used + nvs_data_entries(n); w->used < end; w->used++)
        p[NVS_BITMAP + w->used / 4] &= (uint8_t) ~(1U << (2 * (w->used % 4)));
}

static void fill_head(uint8_t entry[NVS_ENTRY], uint8_t space, unsigned type, size_t span,
                      unsigned chunk, const char *key)
{
    memset(entry, 0xff, NVS_ENTRY);
    entry[0] = space;
    entry[1] = (uint8_t)type;
    entry[2] = (uint8_t)span;
    entry[3] = (uint8_t)chunk;
    for (size_t i = 0, n = strlen(key); i < NVS_NAME; i++)
        entry[NVS_KEY + i] = i < n ? (uint8_t)key[i] : 0;
}

static void put_head(struct writer *w, uint8_t entry[NVS_ENTRY])
{
    le32_put(entry + NVS_CRC, nvs_entry_crc(entry));
    put(w, entry, NVS_ENTRY);
}

static enum err put_number(struct writer *w, uint8_t space, unsigned type, const char *key,
                           uint64_t value)
{
    uint8_t entry[NVS_ENTRY];
    enum err e = w->used >= NVS_ENTRIES ? next_page(w) : ERR_OK;
    if (e) return e;
    fill_head(entry, space, type, 1, NVS_ANY, key);
    for (size_t i = 0; i < nvs_width(type); i++)
        entry[NVS_VALUE + i] = (uint8_t)(value >> (8 * i));
    put_head(w, entry);
    return ERR_OK;
}

/* Head and data of a string or of one chunk of a blob. */
static void put_bytes(struct writer *w, uint8_t head[NVS_ENTRY], const uint8_t *data, size_t n,
                      size_t with_nul)
{
    uint8_t nul = 0;
    uint32_t crc = nvs_crc(data, n);
    if (with_nul) crc = (uint32_t)crc32(crc, &nul, 1);
    le16_put(head + NVS_VALUE, (uint16_t)(n + with_nul));
    le32_put(head + NVS_VALUE + 4, crc);
    put_head(w, head);
    size_t at = w->used;
    if (n) put(w, data, n);
    if (!with_nul) return;
    if (n % NVS_ENTRY == 0)
        put(w, &nul, 1);
    else
        page_at(w, w->page)[NVS_FIRST + at * NVS_ENTRY + n] = 0;
}

static enum err put_string(struct writer *w, uint8_t space, const struct nvs_item *item)
{
    uint8_t head[NVS_ENTRY];
    size_t span = 1 + nvs_data_entries(item->bytes.len + 1);
    if (span >= NVS_ENTRIES)
        return err_fail(ERR_TOO_LARGE, "nvs_string_too_long", "Make it a blob (encoding binary).",
                        "the string \"%s\" has %zu bytes; 3967 are the most", item->key,
                        item->bytes.len);
    enum err e = w->used + span >= NVS_ENTRIES ? next_page(w) : ERR_OK;
    if (e) return e;
    fill_head(head, space, NVS_STRING, span, NVS_ANY, item->key);
    put_bytes(w, head, item->bytes.data, item->bytes.len, 1);
    return ERR_OK;
}

static enum err put_blob(struct writer *w, uint8_t space, const struct nvs_item *item)
{
    uint8_t head[NVS_ENTRY];
    const size_t total = item->bytes.len;
    unsigned chunks = 0;
    enum err e = w->used >= NVS_ENTRIES ? next_page(w) : ERR_OK;
    for (size_t done = 0; !e && (!chunks || done < total); chunks++) {
        size_t room = (NVS_ENTRIES - w->used - 1) * NVS_ENTRY, left = total - done;
        size_t n = left < room ? left : room;
        fill_head(head, space, NVS_BLOB_DATA, 1 + nvs_data_entries(n), chunks, item->key);
        put_bytes(w, head, n ? item->bytes.data + done : head, n, 0);
        done += n;
        if (done < total || room - n < NVS_ENTRY) e = next_page(w);
    }
    if (e) return e;
    fill_head(head, space, NVS_BLOB, 1, NVS_ANY, item->key);
    le32_put(head + NVS_VALUE, (uint32_t)total);
    head[NVS_VALUE + 4] = (uint8_t)chunks;
    head[NVS_VALUE + 5] = 0; /* number of the first chunk */
    put_head(w, head);
    return ERR_OK;
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
        set_state(w, w->page, NVS_STATE_FULL);
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
