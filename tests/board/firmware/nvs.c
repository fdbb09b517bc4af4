#include "tests/board/firmware/nvs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/board/bytes.h"
#include "tests/board/flash.h"

/* A blob that is written again has its chunks numbered from the other of these two. */
enum { CHUNKS_LOW = 0x00, CHUNKS_HIGH = 0x80, NO_CHUNK = 0xFF };
/* A first chunk smaller than this is not worth it: the page is closed instead. */
enum { FIRST_CHUNK_MIN = NVS_CHUNK_MAX / 10, SPACE_MAX = 254 };

/* Where an item is. */
struct place {
    struct nvs_page *page;
    size_t index;
    struct nvs_item item;
};

static struct nvs_page *current(struct nvs *v)
{
    return &v->page[v->used[v->used_n - 1]];
}

/* The oldest item that fits. */
static bool find(struct nvs *v, const struct nvs_item *want, const char *key, struct place *out)
{
    for (size_t i = 0; i < v->used_n; i++) {
        out->page = &v->page[v->used[i]];
        out->index = 0;
        if (nvs_page_find(out->page, want, key, &out->index, &out->item)) return true;
    }
    return false;
}

static bool find_value(struct nvs *v, unsigned space, const char *key, uint8_t type,
                       struct place *out)
{
    const struct nvs_item want = {.space = (uint8_t)space, .type = type, .chunk = NVS_ANY};
    return find(v, &want, key, out);
}

/* ---- pages ---- */

static void take_spare(struct nvs *v)
{
    uint8_t i = v->spare[0];
    memmove(v->spare, v->spare + 1, --v->spare_n);
    v->used[v->used_n++] = i;
    if (v->page[i].state == NVS_CORRUPT) nvs_page_erase(&v->page[i]);
    v->page[i].sequence = v->sequence++;
}

/* Erase the used page number @p k; it will be the last one to be taken again. */
static void give_back(struct nvs *v, size_t k)
{
    uint8_t i = v->used[k];
    nvs_page_erase(&v->page[i]);
    memmove(v->used + k, v->used + k + 1, v->used_n - k - 1);
    v->used_n--;
    v->spare[v->spare_n++] = i;
}

/* Move what is valid on the used page number @p k to a new one. */
static bool move(struct nvs *v, size_t k)
{
    if (!v->spare_n) return false;
    take_spare(v);
    nvs_page_copy(current(v), &v->page[v->used[k]]);
    give_back(v, k);
    return true;
}

/* Another page to fill. One page always stays free: without it nothing could be moved any more. */
static bool next_page(struct nvs *v)
{
    size_t dead = 0, worst = 0;
    if (current(v)->state == NVS_ACTIVE) nvs_page_set_state(current(v), NVS_FULL);
    if (v->spare_n >= 2) {
        take_spare(v);
        return true;
    }
    for (size_t k = 0; k < v->used_n; k++) {
        size_t unused = NVS_ENTRIES - nvs_page_used(&v->page[v->used[k]]);
        if (unused <= dead) continue;
        dead = unused;
        worst = k;
    }
    if (!dead) return false;
    nvs_page_set_state(&v->page[v->used[worst]], NVS_FREEING);
    return move(v, worst);
}

/* ---- mounting ---- */

static void sort_pages(struct nvs *v)
{
    for (size_t i = 0; i < v->pages; i++) {
        const struct nvs_page *p = &v->page[i];
        if (p->state == NVS_EMPTY || p->state == NVS_CORRUPT) {
            v->spare[v->spare_n++] = (uint8_t)i;
            continue;
        }
        size_t k = v->used_n++;
        for (; k > 0 && v->page[v->used[k - 1]].sequence > p->sequence; k--)
            v->used[k] = v->used[k - 1];
        v->used[k] = (uint8_t)i;
    }
    if (v->used_n)
        v->sequence = current(v)->sequence + 1;
    else if (v->spare_n)
        take_spare(v);
}

/* Power failed between the new value and the end of the old one: the last item of the partition
 * may be there twice. */
static void drop_older_twin(struct nvs *v)
{
    const struct nvs_item any = nvs_item_any();
    struct place last = {.page = current(v)}, twin;
    bool there = false;
    for (size_t i = 0; nvs_page_find(last.page, &any, NULL, &i, &last.item); i += last.item.span) {
        last.index = i;
        there = true;
    }
    size_t index = last.index;
    if (!there || !nvs_page_find(last.page, &any, NULL, &index, &last.item)) return;
    if (last.item.type == NVS_BLOB_DATA || last.item.space == 0) return;
    if (!find_value(v, last.item.space, last.item.key, last.item.type, &twin)) return;
    if (twin.page == last.page && twin.index == last.index) return;
    nvs_page_take_out(twin.page, twin.index);
}

/* Power failed while a page was being moved: the page that it went to holds nothing else yet. */
static void finish_moving(struct nvs *v)
{
    for (size_t k = 0; k < v->used_n; k++) {
        if (v->page[v->used[k]].state != NVS_FREEING) continue;
        if (current(v)->state == NVS_ACTIVE) give_back(v, v->used_n - 1);
        move(v, k);
        return;
    }
}

static bool chunk_is_wanted(struct nvs *v, const struct nvs_item *chunk)
{
    struct place index;
    if (!find_value(v, chunk->space, chunk->key, NVS_BLOB_INDEX, &index)) return false;
    unsigned count = index.item.value[4], first = index.item.value[5];
    return chunk->chunk >= first && chunk->chunk < first + count;
}

/* Power failed before a blob was complete. */
static void drop_orphans(struct nvs *v)
{
    const struct nvs_item chunks = {.space = NVS_ANY, .type = NVS_BLOB_DATA, .chunk = NVS_ANY};
    struct nvs_item item;
    for (size_t k = 0; k < v->used_n; k++) {
        struct nvs_page *p = &v->page[v->used[k]];
        for (size_t i = 0; nvs_page_find(p, &chunks, NULL, &i, &item); i += item.span)
            if (!chunk_is_wanted(v, &item)) nvs_page_take_out(p, i);
    }
}

bool nvs_mount(struct nvs *v, struct flash *f, uint32_t at, uint32_t n)
{
    memset(v, 0, sizeof *v);
    if (at > flash_size(f) || n > flash_size(f) - at) return false;
    for (; v->pages < n / NVS_PAGE_BYTES && v->pages < NVS_PAGES_MAX; v->pages++)
        nvs_page_load(&v->page[v->pages], f, at + (uint32_t)v->pages * NVS_PAGE_BYTES);
    sort_pages(v);
    if (!v->used_n) return false;
    drop_older_twin(v);
    finish_moving(v);
    if (!v->spare_n) return false;
    drop_orphans(v);
    return true;
}

/* ---- namespaces ---- */

unsigned nvs_space(struct nvs *v, const char *name)
{
    struct place p;
    return find_value(v, 0, name, NVS_U8, &p) ? p.item.value[0] : 0;
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

static uint8_t *get_blob(struct nvs *v, const struct place *index, size_t *n)
{
    const size_t size = le32_get(index->item.value);
    const unsigned count = index->item.value[4], first = index->item.value[5];
    struct nvs_item want = {.space = index->item.space, .type = NVS_BLOB_DATA};
    uint8_t *blob = calloc(1, size + 1);
    struct place p;
    *n = 0;
    for (unsigned i = 0; blob && i < count; i++) {
        size_t piece_n = 0;
        want.chunk = (uint8_t)(first + i);
        uint8_t *piece = find(v, &want, index->item.key, &p)
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
    struct place p;
    bool blob = type == NVS_BLOB_DATA;
    if (blob && find_value(v, space, key, NVS_BLOB_INDEX, &p)) return get_blob(v, &p, n);
    if (!find_value(v, space, key, (uint8_t)(blob ? NVS_BLOB_OLD : type), &p)) return NULL;
    return nvs_page_value(p.page, p.index, &p.item, n);
}

bool nvs_get_number(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                    int64_t *out)
{
    struct place p;
    if (!find_value(v, space, key, type, &p)) return false;
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
    if (nvs_page_write(current(v), item, data, n)) return NVS_DONE;
    if (!next_page(v)) return NVS_NO_SPACE;
    return nvs_page_write(current(v), item, data, n) ? NVS_DONE : NVS_NO_SPACE;
}

static void erase_chunks(struct nvs *v, unsigned space, const char *key, unsigned first,
                         unsigned count)
{
    struct nvs_item want = {.space = (uint8_t)space, .type = NVS_BLOB_DATA};
    struct place p;
    for (unsigned i = 0; i < count; i++) {
        want.chunk = (uint8_t)(first + i);
        if (find(v, &want, key, &p)) nvs_page_take_out(p.page, p.index);
    }
}

/* All chunks of a blob, as many on each page as fit. */
static enum nvs_result put_chunks(struct nvs *v, struct nvs_item *item, const uint8_t *data,
                                  size_t n, unsigned *count)
{
    const uint8_t first = item->chunk;
    size_t done = 0;
    size_t room = nvs_page_room(current(v));
    while (room < n && room < FIRST_CHUNK_MIN) {
        const size_t before = room;
        if (!next_page(v)) return NVS_NO_SPACE;
        room = nvs_page_room(current(v));
        if (room == before) return NVS_NO_SPACE;
    }
    do {
        room = nvs_page_room(current(v));
        if (!room) return NVS_NO_SPACE;
        size_t piece = n - done < room ? n - done : room;
        item->chunk = (uint8_t)(first + *count);
        if (!nvs_page_write(current(v), item, data + done, piece)) return NVS_NO_SPACE;
        ++*count;
        done += piece;
        bool full = done < n || room - piece < NVS_ENTRY_BYTES;
        if (full && !next_page(v)) return NVS_NO_SPACE;
    } while (done < n);
    return NVS_DONE;
}

static enum nvs_result put_blob(struct nvs *v, struct nvs_item *item, const uint8_t *data, size_t n)
{
    struct place old;
    bool there = find_value(v, item->space, item->key, NVS_BLOB_INDEX, &old);
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
    if (find_value(v, item->space, item->key, NVS_BLOB_INDEX, &old))
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
    struct place old;
    memset(item.value, 0xFF, sizeof item.value);
    strncpy(item.key, key, NVS_KEY_MAX);
    if (is_stored(v, space, key, type, data, n)) return NVS_DONE; /* saves the flash */
    if (type == NVS_BLOB_DATA) return put_blob(v, &item, data, n);
    if (type == NVS_STRING && n > NVS_CHUNK_MAX) return NVS_TOO_LONG;
    bool there = find_value(v, space, key, (uint8_t)type, &old);
    if (type != NVS_STRING) memcpy(item.value, data, n);
    enum nvs_result r = type == NVS_STRING ? append(v, &item, data, n) : append(v, &item, NULL, 0);
    /* It may have been moved meanwhile; being the older one, it is still found first. */
    if (r == NVS_DONE && there && find_value(v, space, key, (uint8_t)type, &old))
        nvs_page_take_out(old.page, old.index);
    return r;
}

enum nvs_result nvs_erase_key(struct nvs *v, unsigned space, const char *key)
{
    struct place p;
    if (!find_value(v, space, key, NVS_ANY, &p)) return NVS_MISSING;
    if (p.item.type != NVS_BLOB_DATA && p.item.type != NVS_BLOB_INDEX) {
        nvs_page_take_out(p.page, p.index);
        return NVS_DONE;
    }
    if (find_value(v, space, key, NVS_BLOB_INDEX, &p)) nvs_page_take_out(p.page, p.index);
    while (find_value(v, space, key, NVS_BLOB_DATA, &p))
        nvs_page_take_out(p.page, p.index);
    return NVS_DONE;
}

void nvs_erase_space(struct nvs *v, unsigned space)
{
    struct place p;
    while (find_value(v, space, NULL, NVS_ANY, &p))
        nvs_page_take_out(p.page, p.index);
}
