/* Reading a partition as it was left, perhaps in the middle of a write. A blob counts when its
 * index and all of its chunks are there: the index is written last. */
#include <string.h>

#include "service/pki/nvs_scan.h"

struct reader {
    struct nvs_scan *s;
    struct nvs *out;
};

static const struct nvs_head *find_chunk(const struct reader *r, const struct nvs_head *index,
                                         unsigned number)
{
    for (size_t i = 0; i < r->s->head_count; i++) {
        const struct nvs_head *h = &r->s->heads[i];
        if (!h->gone && h->type == NVS_BLOB_DATA && h->space == index->space &&
            h->chunk == (uint8_t)number && memcmp(h->key, index->key, NVS_NAME) == 0)
            return h;
    }
    return NULL;
}

/* @return false when a chunk is missing or the size is another one */
static bool join_blob(const struct reader *r, const struct nvs_head *index, struct buf *out)
{
    size_t total = le32_get(index->p + NVS_VALUE);
    unsigned count = index->p[NVS_VALUE + 4], first = index->p[NVS_VALUE + 5];
    buf_init_secret(out, NVS_SIZE_MAX);
    for (unsigned i = 0; i < count; i++) {
        const struct nvs_head *chunk = find_chunk(r, index, first + i);
        if (!chunk) return false;
        if (chunk->n && buf_append(out, chunk->p + NVS_ENTRY, chunk->n)) return false;
    }
    return out->len == total;
}

/* Two namespaces of one name, as the older tool makes them of two rows, are one: so keys may meet
 * here once more. */
static enum err keep(struct reader *r, const char *space, const struct nvs_head *h,
                     enum nvs_type type, uint64_t number, const void *data, size_t n)
{
    if (!space[0] || !h->key[0]) {
        r->s->found.damaged_entries++;
        return ERR_OK;
    }
    r->s->found.superseded += nvs_find(r->out, space, h->key) != NULL;
    return nvs_set(r->out, space, h->key, type, number, data, n);
}

static enum err add_blob(struct reader *r, const char *space, const struct nvs_head *index)
{
    struct buf bytes;
    enum err e = ERR_OK;
    if (join_blob(r, index, &bytes))
        e = keep(r, space, index, NVS_BLOB, 0, bytes.data, bytes.len);
    else
        r->s->found.orphans++;
    buf_dispose(&bytes);
    return e;
}

static enum err add_space(struct reader *r, const struct nvs_head *h)
{
    if (h->type == NVS_U8 && h->key[0])
        return nvs_add(r->out, h->key, "", NVS_NAMESPACE, 0, NULL, 0);
    r->s->found.damaged_entries++;
    return ERR_OK;
}

static uint64_t read_number(const struct nvs_head *h)
{
    size_t width = nvs_width(h->type);
    uint64_t v = 0;
    for (size_t i = 0; i < width; i++)
        v |= (uint64_t)h->p[NVS_VALUE + i] << (8 * i);
    bool negative = h->type & 0x10 && v >> (8 * width - 1);
    return negative && width < 8 ? v | UINT64_MAX << (8 * width) : v;
}

static enum err add_item(struct reader *r, const struct nvs_head *h)
{
    const char *space = nvs_scan_space(r->s, h);
    if (h->space == 0) return add_space(r, h);
    if (h->type == NVS_BLOB_DATA) return ERR_OK; /* comes with its index */
    if (!space) {
        r->s->found.orphans++;
        return ERR_OK;
    }
    if (h->type == NVS_BLOB) return add_blob(r, space, h);
    if (h->type == NVS_BLOB_OLD) return keep(r, space, h, NVS_BLOB, 0, h->p + NVS_ENTRY, h->n);
    if (h->type == NVS_STRING)
        return keep(r, space, h, NVS_STRING, 0, h->p + NVS_ENTRY,
                    strnlen((const char *)h->p + NVS_ENTRY, h->n));
    if (nvs_width(h->type))
        return keep(r, space, h, (enum nvs_type)h->type, read_number(h), NULL, 0);
    r->s->found.damaged_entries++; /* a type that nobody knows */
    return ERR_OK;
}

/* Chunks that no index counts in: a blob whose write was cut off. */
static void count_orphans(struct reader *r)
{
    for (size_t i = 0; i < r->s->head_count; i++) {
        const struct nvs_head *h = &r->s->heads[i];
        const char *space = nvs_scan_space(r->s, h);
        if (h->gone || h->type != NVS_BLOB_DATA) continue;
        if (!space || !nvs_find(r->out, space, h->key)) r->s->found.orphans++;
    }
}

enum err nvs_read_scan(struct nvs_scan *s, struct nvs *out)
{
    struct reader r = {s, out};
    enum err e = ERR_OK;
    for (size_t i = 0; i < s->head_count && !e; i++)
        if (!s->heads[i].gone) e = add_item(&r, &s->heads[i]);
    if (!e) count_orphans(&r);
    return e;
}

enum err nvs_read(const uint8_t *data, size_t size, struct nvs *out, struct nvs_findings *found)
{
    struct nvs_scan s;
    enum err e = nvs_scan_make(data, size, &s);
    if (!e) e = nvs_read_scan(&s, out);
    *found = s.found;
    nvs_scan_dispose(&s);
    return e;
}
