/* Reading a partition as it was left, perhaps in the middle of a write. The firmware writes a new
 * value first and marks the old one erased afterwards, so of two items with one name the later
 * counts; later means: on the page with the higher sequence number, then the higher entry. A blob
 * counts when its index and all of its chunks are there: the index is written last. */
#include <stdlib.h>
#include <string.h>

#include "service/pki/nvs_page.h"

enum { SPACES = 255 };

struct page {
    const uint8_t *p;
    uint32_t sequence;
};

/* An entry that is a head, with what it spans. */
struct head {
    const uint8_t *p;
    uint8_t space, type, chunk;
    const char *key; /* ends within its 16 bytes: checked */
    size_t n;        /* bytes of data behind it */
    bool gone;       /* a later one took its place */
};

struct reader {
    struct page *pages;
    size_t page_count;
    struct head *heads; /* in the order in which they were written */
    size_t head_count;
    const char *spaces[SPACES]; /* names by number; NULL = none */
    struct nvs *out;
    struct nvs_findings *found;
};

static bool is_blank(const uint8_t *p, size_t n)
{
    while (n && *p == 0xff)
        p++, n--;
    return n == 0;
}

static enum err take_page(struct reader *r, const uint8_t *p)
{
    uint32_t state = le32_get(p);
    if (state == NVS_STATE_BLANK && is_blank(p, NVS_FIRST)) return ERR_OK;
    bool whole =
        le32_get(p + NVS_HEADER_CRC) == nvs_crc(p + NVS_SEQUENCE, NVS_HEADER_CRC - NVS_SEQUENCE);
    if (whole && p[NVS_FORMAT] != NVS_VERSION_2)
        return err_fail(ERR_PROTOCOL, "nvs_version",
                        "Flash a present ESP-AT release: its own tool makes format 2.",
                        "the NVS partition has a page of format %u", 0xffU - p[NVS_FORMAT] + 1);
    bool used = state == NVS_STATE_ACTIVE || state == NVS_STATE_FULL || state == NVS_STATE_FREEING;
    if (!whole || !used) {
        r->found->damaged_pages++;
        return ERR_OK;
    }
    r->pages[r->page_count++] = (struct page){p, le32_get(p + NVS_SEQUENCE)};
    return ERR_OK;
}

static int by_sequence(const void *a, const void *b)
{
    const struct page *x = a, *y = b;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static unsigned entry_state(const uint8_t *page, size_t i)
{
    return page[NVS_BITMAP + i / 4] >> (2 * (i % 4)) & 3;
}

static bool has_bytes(uint8_t type)
{
    return type == NVS_STRING || type == NVS_BLOB_DATA || type == NVS_BLOB_OLD;
}

/* @return entries to go on by: what a damaged head says of its span is not believed */
static size_t take_entry(struct reader *r, const uint8_t *page, size_t i)
{
    const uint8_t *p = page + NVS_FIRST + i * NVS_ENTRY;
    size_t span = p[2], n = 0;
    bool whole = le32_get(p + NVS_CRC) == nvs_entry_crc(p) && span >= 1 &&
                 span <= NVS_ENTRIES - i && memchr(p + NVS_KEY, '\0', NVS_NAME);
    if (whole && has_bytes(p[1])) {
        n = le16_get(p + NVS_VALUE);
        whole = nvs_data_entries(n) == span - 1 &&
                le32_get(p + NVS_VALUE + 4) == nvs_crc(p + NVS_ENTRY, n) &&
                (p[1] != NVS_STRING || (n && !p[NVS_ENTRY + n - 1]));
    }
    if (!whole) {
        r->found->damaged_entries++;
        return 1;
    }
    r->heads[r->head_count++] = (struct head){.p = p,
                                              .space = p[0],
                                              .type = p[1],
                                              .chunk = p[3],
                                              .key = (const char *)p + NVS_KEY,
                                              .n = n};
    return span;
}

static void take_entries(struct reader *r, const uint8_t *page)
{
    for (size_t i = 0; i < NVS_ENTRIES;)
        i += entry_state(page, i) == NVS_ENTRY_WRITTEN ? take_entry(r, page, i) : 1;
}

static void learn_spaces(struct reader *r)
{
    for (size_t i = 0; i < r->head_count; i++) {
        const struct head *h = &r->heads[i];
        if (h->space == 0 && h->type == NVS_U8 && h->p[NVS_VALUE] != 0 &&
            h->p[NVS_VALUE] != NVS_ANY)
            r->spaces[h->p[NVS_VALUE]] = h->key;
    }
}

/* Do two heads stand for the same thing? Chunks are told apart by their numbers, an index from a
 * plain item of the same name is not: the firmware looks a key up whatever its type. */
static bool is_same(const struct head *a, const struct head *b)
{
    bool chunks = a->type == NVS_BLOB_DATA || b->type == NVS_BLOB_DATA;
    if (a->space != b->space || strcmp(a->key, b->key) != 0) return false;
    return chunks ? a->type == b->type && a->chunk == b->chunk : true;
}

static void drop_superseded(struct reader *r)
{
    for (size_t i = 0; i < r->head_count; i++)
        for (size_t k = i + 1; k < r->head_count && !r->heads[i].gone; k++)
            r->heads[i].gone = is_same(&r->heads[i], &r->heads[k]);
    for (size_t i = 0; i < r->head_count; i++)
        r->found->superseded += r->heads[i].gone;
}

static struct head *find_chunk(const struct reader *r, const struct head *index, unsigned number)
{
    for (size_t i = 0; i < r->head_count; i++) {
        struct head *h = &r->heads[i];
        if (!h->gone && h->type == NVS_BLOB_DATA && h->space == index->space &&
            h->chunk == (uint8_t)number && strcmp(h->key, index->key) == 0)
            return h;
    }
    return NULL;
}

/* @return false when a chunk is missing or the size is another one */
static bool join_blob(const struct reader *r, const struct head *index, struct buf *out)
{
    size_t total = le32_get(index->p + NVS_VALUE);
    unsigned count = index->p[NVS_VALUE + 4], first = index->p[NVS_VALUE + 5];
    buf_init_secret(out, NVS_SIZE_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct head *chunk = find_chunk(r, index, first + i);
        if (!chunk) return false;
        if (chunk->n && buf_append(out, chunk->p + NVS_ENTRY, chunk->n)) return false;
    }
    return out->len == total;
}

/* Two namespaces of one name, as the older tool makes them of two rows, are one: so keys may meet
 * here once more. */
static enum err keep(struct reader *r, const char *space, const struct head *h, enum nvs_type type,
                     uint64_t number, const void *data, size_t n)
{
    if (!space[0] || !h->key[0]) {
        r->found->damaged_entries++;
        return ERR_OK;
    }
    r->found->superseded += nvs_find(r->out, space, h->key) != NULL;
    return nvs_set(r->out, space, h->key, type, number, data, n);
}

static enum err add_blob(struct reader *r, const char *space, const struct head *index)
{
    struct buf bytes;
    enum err e = ERR_OK;
    if (join_blob(r, index, &bytes))
        e = keep(r, space, index, NVS_BLOB, 0, bytes.data, bytes.len);
    else
        r->found->orphans++;
    buf_dispose(&bytes);
    return e;
}

static enum err add_space(struct reader *r, const struct head *h)
{
    if (h->type == NVS_U8 && h->key[0])
        return nvs_add(r->out, h->key, "", NVS_NAMESPACE, 0, NULL, 0);
    r->found->damaged_entries++;
    return ERR_OK;
}

static uint64_t read_number(const struct head *h)
{
    size_t width = nvs_width(h->type);
    uint64_t v = 0;
    for (size_t i = 0; i < width; i++)
        v |= (uint64_t)h->p[NVS_VALUE + i] << (8 * i);
    bool negative = h->type & 0x10 && v >> (8 * width - 1);
    return negative && width < 8 ? v | UINT64_MAX << (8 * width) : v;
}

static enum err add_item(struct reader *r, const struct head *h)
{
    const char *space = h->space < SPACES ? r->spaces[h->space] : NULL;
    if (h->space == 0) return add_space(r, h);
    if (h->type == NVS_BLOB_DATA) return ERR_OK; /* comes with its index */
    if (!space) {
        r->found->orphans++;
        return ERR_OK;
    }
    if (h->type == NVS_BLOB) return add_blob(r, space, h);
    if (h->type == NVS_BLOB_OLD) return keep(r, space, h, NVS_BLOB, 0, h->p + NVS_ENTRY, h->n);
    if (h->type == NVS_STRING)
        return keep(r, space, h, NVS_STRING, 0, h->p + NVS_ENTRY,
                    strnlen((const char *)h->p + NVS_ENTRY, h->n));
    if (nvs_width(h->type))
        return keep(r, space, h, (enum nvs_type)h->type, read_number(h), NULL, 0);
    r->found->damaged_entries++; /* a type that nobody knows */
    return ERR_OK;
}

/* Chunks that no index counts in: a blob whose write was cut off. */
static void count_orphans(struct reader *r)
{
    for (size_t i = 0; i < r->head_count; i++) {
        const struct head *h = &r->heads[i];
        const char *space = h->space < SPACES ? r->spaces[h->space] : NULL;
        if (h->gone || h->type != NVS_BLOB_DATA) continue;
        if (!space || !nvs_find(r->out, space, h->key)) r->found->orphans++;
    }
}

static enum err read_all(struct reader *r, const uint8_t *data, size_t size)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < size && !e; at += NVS_PAGE)
        e = take_page(r, data + at);
    if (e) return e;
    if (!r->page_count)
        return err_fail(ERR_PROTOCOL, "not_nvs", NULL,
                        "there is no page of an NVS partition in these %zu bytes", size);
    qsort(r->pages, r->page_count, sizeof *r->pages, by_sequence);
    for (size_t i = 0; i < r->page_count; i++)
        take_entries(r, r->pages[i].p);
    learn_spaces(r);
    drop_superseded(r);
    for (size_t i = 0; i < r->head_count && !e; i++)
        if (!r->heads[i].gone) e = add_item(r, &r->heads[i]);
    if (!e) count_orphans(r);
    return e;
}

enum err nvs_read(const uint8_t *data, size_t size, struct nvs *out, struct nvs_findings *found)
{
    struct reader r = {.out = out, .found = found};
    *found = (struct nvs_findings){0};
    if (!size || size % NVS_PAGE || size > NVS_SIZE_MAX)
        return err_fail(ERR_ARG, "nvs_bad_size", "Give the whole partition.",
                        "an NVS partition of %zu bytes: not whole pages of 4096", size);
    r.pages = calloc(size / NVS_PAGE, sizeof *r.pages);
    r.heads = calloc(size / NVS_PAGE * NVS_ENTRIES, sizeof *r.heads);
    bool room = r.pages && r.heads;
    enum err e = room ? read_all(&r, data, size) : err_set(ERR_MEM, "out of memory");
    free(r.pages);
    free(r.heads);
    return e;
}
