#include "tests/board/firmware/nvs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/firmware/nvs_core.h"

/* A blob that is written again has its chunks numbered from the other of these two. */
enum { CHUNKS_LOW = 0x00, CHUNKS_HIGH = 0x80, NO_CHUNK = 0xFF };
/* A first chunk smaller than this is not worth it: the page is closed instead. */
enum { FIRST_CHUNK_MIN = NVS_CHUNK_MAX / 10, SPACE_MAX = 254 };

/* ---- namespaces ---- */

unsigned nvs_space(struct nvs *v, const char *name)
{
    struct nvs_place p;
    return nvs_find_value(v, 0, name, NVS_U8, &p) ? p.item.value[0] : 0;
}

static bool space_name(struct nvs *v, unsigned space, char out[NVS_KEY_MAX + 1])
{
    const struct nvs_item want = {.space = 0, .type = NVS_U8, .chunk = NVS_ANY};
    struct nvs_item item;
    for (size_t k = 0; k < v->used_n; k++) {
        struct nvs_page *p = &v->page[v->used[k]];
        for (size_t i = 0; nvs_page_find(p, &want, NULL, &i, &item); i += item.span) {
            if (item.value[0] != space) continue;
            memcpy(out, item.key, sizeof item.key);
            return true;
        }
    }
    return false;
}

unsigned nvs_space_made(struct nvs *v, const char *name)
{
    char taken[NVS_KEY_MAX + 1];
    unsigned space = nvs_space(v, name);
    if (space) return space;
    for (space = 1; space <= SPACE_MAX && space_name(v, space, taken);)
        space++;
    const uint8_t number = (uint8_t)space;
    if (space > SPACE_MAX) return 0;
    return nvs_put(v, 0, name, NVS_U8, &number, 1) == NVS_DONE ? space : 0;
}

/* Of a blob only its first chunk counts. */
static bool is_listed(const struct nvs_item *item)
{
    if (item->space == 0 || item->type == NVS_BLOB_INDEX) return false;
    return item->type != NVS_BLOB_DATA || item->chunk == CHUNKS_LOW || item->chunk == CHUNKS_HIGH;
}

bool nvs_next(struct nvs *v, struct nvs_cursor *c, struct nvs_entry *out)
{
    const struct nvs_item any = nvs_item_any();
    struct nvs_item item;
    for (; c->page < v->used_n; c->page++, c->entry = 0) {
        struct nvs_page *p = &v->page[v->used[c->page]];
        for (; nvs_page_find(p, &any, NULL, &c->entry, &item); c->entry += item.span) {
            if (!is_listed(&item) || !space_name(v, item.space, out->space)) continue;
            memcpy(out->key, item.key, sizeof item.key);
            out->type = (enum nvs_type)item.type;
            c->entry += item.span;
            return true;
        }
    }
    return false;
}

/* ---- reading ---- */

static uint8_t *get_blob(struct nvs *v, const struct nvs_place *index, size_t *n)
{
    const size_t size = le32_get(index->item.value);
    const unsigned count = index->item.value[4], first = index->item.value[5];
    struct nvs_item want = {.space = index->item.space, .type = NVS_BLOB_DATA};
    uint8_t *blob = size <= v->pages * NVS_CHUNK_MAX ? calloc(1, size + 1) : NULL;
    struct nvs_place p;
    *n = 0;
    for (unsigned i = 0; blob && i < count; i++) {
        size_t piece_n = 0;
        want.chunk = (uint8_t)(first + i);
        uint8_t *piece = nvs_find(v, &want, index->item.key, &p)
                             ? nvs_page_value(p.page, p.index, &p.item, &piece_n)
                             : NULL;
        bool good = piece && piece_n <= size - *n;
        if (good) memcpy(blob + *n, piece, piece_n);
        free(piece);
        if (!good) break;
        *n += piece_n;
    }
    if (blob && *n == size) return blob;
    free(blob);
    return NULL;
}

uint8_t *nvs_get(struct nvs *v, unsigned space, const char *key, enum nvs_type type, size_t *n)
{
    struct nvs_place p;
    bool blob = type == NVS_BLOB_DATA;
    if (blob && nvs_find_value(v, space, key, NVS_BLOB_INDEX, &p)) return get_blob(v, &p, n);
    if (!nvs_find_value(v, space, key, (uint8_t)(blob ? NVS_BLOB_OLD : type), &p)) return NULL;
    return nvs_page_value(p.page, p.index, &p.item, n);
}

bool nvs_get_number(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                    int64_t *out)
{
    struct nvs_place p;
    if (!nvs_find_value(v, space, key, type, &p)) return false;
    const uint32_t word = le32_get(p.item.value);
    const unsigned bits = (unsigned)(type & 0x0F) * 8;
    const uint32_t value = bits == 32 ? word : word & ((1u << bits) - 1);
    bool negative = type & 0x10 && value >> (bits - 1);
    *out = negative ? (int64_t)value - (INT64_C(1) << bits) : (int64_t)value;
    return true;
}

/* ---- writing ---- */

static enum nvs_result append(struct nvs *v, const struct nvs_item *item, const uint8_t *data,
                              size_t n)
{
    if (nvs_page_write(nvs_current(v), item, data, n)) return NVS_DONE;
    if (!nvs_next_page(v)) return NVS_NO_SPACE;
    return nvs_page_write(nvs_current(v), item, data, n) ? NVS_DONE : NVS_NO_SPACE;
}

static void erase_chunks(struct nvs *v, unsigned space, const char *key, unsigned first,
                         unsigned count)
{
    struct nvs_item want = {.space = (uint8_t)space, .type = NVS_BLOB_DATA};
    struct nvs_place p;
    for (unsigned i = 0; i < count; i++) {
        want.chunk = (uint8_t)(first + i);
        if (nvs_find(v, &want, key, &p)) nvs_page_take_out(p.page, p.index);
    }
}

/* All chunks of a blob, as many on each page as fit. */
static enum nvs_result put_chunks(struct nvs *v, struct nvs_item *item, const uint8_t *data,
                                  size_t n, unsigned *count)
{
    const uint8_t first = item->chunk;
    size_t done = 0;
    size_t room = nvs_page_room(nvs_current(v));
    while (room < n && room < FIRST_CHUNK_MIN) {
        const size_t before = room;
        if (!nvs_next_page(v)) return NVS_NO_SPACE;
        room = nvs_page_room(nvs_current(v));
        if (room == before) return NVS_NO_SPACE;
    }
    do {
        room = nvs_page_room(nvs_current(v));
        if (!room) return NVS_NO_SPACE;
        size_t piece = n - done < room ? n - done : room;
        item->chunk = (uint8_t)(first + *count);
        if (!nvs_page_write(nvs_current(v), item, data + done, piece)) return NVS_NO_SPACE;
        ++*count;
        done += piece;
        bool full = done < n || room - piece < NVS_ENTRY_BYTES;
        if (full && !nvs_next_page(v)) return NVS_NO_SPACE;
    } while (done < n);
    return NVS_DONE;
}

static enum nvs_result put_blob(struct nvs *v, struct nvs_item *item, const uint8_t *data, size_t n)
{
    struct nvs_place old;
    bool there = nvs_find_value(v, item->space, item->key, NVS_BLOB_INDEX, &old);
    unsigned old_first = there ? old.item.value[5] : 0, old_count = there ? old.item.value[4] : 0;
    uint8_t first = there && old_first == CHUNKS_LOW ? CHUNKS_HIGH : CHUNKS_LOW;
    unsigned count = 0;
    if (n > (v->pages - 1) * NVS_CHUNK_MAX) return NVS_TOO_LONG;
    item->chunk = first;
    enum nvs_result r = put_chunks(v, item, data, n, &count);
    if (r == NVS_DONE) {
        item->type = NVS_BLOB_INDEX;
        item->chunk = NO_CHUNK;
        le32_put(item->value, (uint32_t)n);
        item->value[4] = (uint8_t)count;
        item->value[5] = first;
        r = append(v, item, NULL, 0);
    }
    if (r != NVS_DONE) {
        erase_chunks(v, item->space, item->key, first, count);
        return r;
    }
    if (!there) return NVS_DONE;
    if (nvs_find_value(v, item->space, item->key, NVS_BLOB_INDEX, &old))
        nvs_page_take_out(old.page, old.index);
    erase_chunks(v, item->space, item->key, old_first, old_count);
    return NVS_DONE;
}

static bool is_stored(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                      const uint8_t *data, size_t n)
{
    size_t old_n = 0;
    uint8_t *old = nvs_get(v, space, key, type, &old_n);
    bool number = type != NVS_STRING && type != NVS_BLOB_DATA;
    bool same = old && (number ? n <= old_n : n == old_n) && memcmp(old, data, n) == 0;
    free(old);
    return same;
}

enum nvs_result nvs_put(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                        const uint8_t *data, size_t n)
{
    struct nvs_item item = {.space = (uint8_t)space, .type = (uint8_t)type, .chunk = NO_CHUNK};
    struct nvs_place old;
    memset(item.value, 0xFF, sizeof item.value);
    strncpy(item.key, key, NVS_KEY_MAX);
    if (is_stored(v, space, key, type, data, n)) return NVS_DONE; /* saves the flash */
    if (type == NVS_BLOB_DATA) return put_blob(v, &item, data, n);
    if (type == NVS_STRING && n > NVS_CHUNK_MAX) return NVS_TOO_LONG;
    bool there = nvs_find_value(v, space, key, (uint8_t)type, &old);
    if (type != NVS_STRING) memcpy(item.value, data, n);
    enum nvs_result r = type == NVS_STRING ? append(v, &item, data, n) : append(v, &item, NULL, 0);
    /* It may have been moved meanwhile; being the older one, it is still found first. */
    if (r == NVS_DONE && there && nvs_find_value(v, space, key, (uint8_t)type, &old))
        nvs_page_take_out(old.page, old.index);
    return r;
}

enum nvs_result nvs_erase_key(struct nvs *v, unsigned space, const char *key)
{
    struct nvs_place p;
    if (!nvs_find_value(v, space, key, NVS_ANY, &p)) return NVS_MISSING;
    if (p.item.type != NVS_BLOB_DATA && p.item.type != NVS_BLOB_INDEX) {
        nvs_page_take_out(p.page, p.index);
        return NVS_DONE;
    }
    if (nvs_find_value(v, space, key, NVS_BLOB_INDEX, &p)) nvs_page_take_out(p.page, p.index);
    while (nvs_find_value(v, space, key, NVS_BLOB_DATA, &p))
        nvs_page_take_out(p.page, p.index);
    return NVS_DONE;
}

void nvs_erase_space(struct nvs *v, unsigned space)
{
    struct nvs_place p;
    while (nvs_find_value(v, space, NULL, NVS_ANY, &p))
        nvs_page_take_out(p.page, p.index);
}
