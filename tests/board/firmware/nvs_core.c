#include "tests/board/firmware/nvs_core.h"

#include <string.h>

#include "tests/board/flash.h"

struct nvs_page *nvs_current(struct nvs *v)
{
    return &v->page[v->used[v->used_n - 1]];
}

bool nvs_find(struct nvs *v, const struct nvs_item *want, const char *key, struct nvs_place *out)
{
    for (size_t i = 0; i < v->used_n; i++) {
        out->page = &v->page[v->used[i]];
        out->index = 0;
        if (nvs_page_find(out->page, want, key, &out->index, &out->item)) return true;
    }
    return false;
}

bool nvs_find_value(struct nvs *v, unsigned space, const char *key, uint8_t type,
                    struct nvs_place *out)
{
    const struct nvs_item want = {.space = (uint8_t)space, .type = type, .chunk = NVS_ANY};
    return nvs_find(v, &want, key, out);
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
    nvs_page_copy(nvs_current(v), &v->page[v->used[k]]);
    give_back(v, k);
    return true;
}

/* One page always stays free: without it nothing could be moved any more. */
bool nvs_next_page(struct nvs *v)
{
    size_t dead = 0, worst = 0;
    if (nvs_current(v)->state == NVS_ACTIVE) nvs_page_set_state(nvs_current(v), NVS_FULL);
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
        v->sequence = nvs_current(v)->sequence + 1;
    else if (v->spare_n)
        take_spare(v);
}

/* The last item of the partition. */
static bool find_last(struct nvs *v, struct nvs_place *out)
{
    const struct nvs_item any = nvs_item_any();
    struct nvs_item item;
    bool there = false;
    out->page = nvs_current(v);
    for (size_t i = 0; nvs_page_find(out->page, &any, NULL, &i, &item); i += item.span) {
        out->index = i;
        out->item = item;
        there = true;
    }
    return there;
}

/* Power failed between the new value and the end of the old one: the last item may be there twice.
 * On a page that is being moved it is no twin, but what the last one was copied from. */
static void drop_older_twin(struct nvs *v)
{
    struct nvs_place last;
    struct nvs_item twin;
    if (!find_last(v, &last) || last.item.type == NVS_BLOB_DATA) return;
    for (size_t k = 0; k < v->used_n; k++) {
        struct nvs_page *p = &v->page[v->used[k]];
        size_t i = 0;
        if (p->state == NVS_FREEING || !nvs_page_find(p, &last.item, last.item.key, &i, &twin))
            continue;
        if (p != last.page || i != last.index) nvs_page_take_out(p, i);
        return;
    }
}

/* Power failed while a page was being moved: the page that it went to holds nothing else yet. */
static void finish_moving(struct nvs *v)
{
    for (size_t k = 0; k < v->used_n; k++) {
        if (v->page[v->used[k]].state != NVS_FREEING) continue;
        if (nvs_current(v)->state == NVS_ACTIVE) give_back(v, v->used_n - 1);
        move(v, k);
        return;
    }
}

static bool chunk_is_wanted(struct nvs *v, const struct nvs_item *chunk)
{
    struct nvs_place index;
    if (!nvs_find_value(v, chunk->space, chunk->key, NVS_BLOB_INDEX, &index)) return false;
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
