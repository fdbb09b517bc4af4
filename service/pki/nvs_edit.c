/* Design: the firmware's own library goes by rules that the outcome must keep. Pages count in the
 * order of their sequence numbers. Only the last one may be active, and its entries have no gap,
 * because the first empty one ends them; a full page may have gaps, which are won back when it is
 * recycled. One page must be free. At its start the library repairs what was cut off: it drops
 * duplicates of the very last item, and empties the last page when another one was being moved
 * into it. So nothing may be added behind a cut-off write: such a partition is packed anew.
 * A page is a sector of flash, erased and written as a whole: one that is touched at all may just
 * as well be laid out anew, without the entries that were given up. */
#include "service/pki/nvs_edit.h"

#include <stdlib.h>
#include <string.h>

#include "service/pki/nvs_scan.h"

enum { CHUNKS_MAX = 127 }; /* half of the numbers: the firmware uses the halves in turn */

/* A change that changes something. */
struct value {
    const struct nvs_change *c;
    uint8_t space;    /* number of its namespace */
    bool makes_space; /* which is not there yet */
};

/* A page of the outcome. */
struct page {
    struct nvs_cursor at;
    bool taken;  /* laid out anew */
    size_t room; /* entries that this would leave for new values */
};

struct edit {
    struct nvs_scan scan;
    struct nvs list; /* all items, as they will be */
    struct value *values;
    size_t value_count;
    struct page *pages; /* those of the scan in its order, then those that were free */
    size_t page_count;
    uint8_t *out;
};

/* ---- what there is to do ---- */

static bool is_there(const struct nvs *list, const struct nvs_change *c)
{
    const struct nvs_item *item = nvs_find(list, c->space, c->key);
    return item && item->type == NVS_BLOB && item->bytes.len == c->len &&
           (!c->len || !memcmp(item->bytes.data, c->data, c->len));
}

/* The number of a namespace, as the firmware looks it up: the first of that name counts.
 * @return 0 when there is none */
static uint8_t find_space(const struct edit *e, const char *name)
{
    for (size_t i = 0; i < e->scan.head_count; i++) {
        const struct nvs_head *h = &e->scan.heads[i];
        if (h->space == 0 && h->type == NVS_U8 && !strcmp(h->key, name)) return h->p[NVS_VALUE];
    }
    for (size_t i = 0; i < e->value_count; i++)
        if (!strcmp(e->values[i].c->space, name)) return e->values[i].space;
    return 0;
}

/* A number that nothing has, not even what is left of a namespace that was given up.
 * @return 0 when there is none */
static uint8_t free_space(const struct edit *e)
{
    bool used[NVS_ANY + 1] = {[0] = true, [NVS_ANY] = true};
    for (size_t i = 0; i < e->scan.head_count; i++) {
        const struct nvs_head *h = &e->scan.heads[i];
        used[h->space ? h->space : h->p[NVS_VALUE]] = true;
    }
    for (size_t i = 0; i < e->value_count; i++)
        used[e->values[i].space] = true;
    for (unsigned number = 1; number < NVS_ANY; number++)
        if (!used[number]) return (uint8_t)number;
    return 0;
}

static enum err add_value(struct edit *e, const struct nvs_change *c)
{
    struct value v = {.c = c};
    if (is_there(&e->list, c)) return ERR_OK;
    enum err err = nvs_set(&e->list, c->space, c->key, NVS_BLOB, 0, c->data, c->len);
    if (err) return err;
    v.space = find_space(e, c->space);
    v.makes_space = !v.space;
    if (!v.space) v.space = free_space(e);
    e->values[e->value_count++] = v;
    return ERR_OK;
}

/* ---- laying out ---- */

/* Does a head make way for a new value? */
static bool makes_way(const struct edit *e, const struct nvs_head *h)
{
    const char *space = nvs_scan_space(&e->scan, h);
    for (size_t i = 0; space && i < e->value_count; i++) {
        const struct nvs_change *c = e->values[i].c;
        if (!strcmp(c->key, h->key) && !strcmp(c->space, space)) return true;
    }
    return false;
}

/* @return where @p entries fit, among the pages that are laid out anew; NULL when nowhere */
static struct nvs_cursor *find_room(struct edit *e, size_t entries)
{
    for (size_t i = 0; i < e->page_count; i++) {
        struct page *p = &e->pages[i];
        if (p->taken && p->at.used + entries <= NVS_ENTRIES) return &p->at;
    }
    return NULL;
}

/* @return entries for which there was no room */
static size_t put_value(struct edit *e, const struct value *v)
{
    const struct nvs_change *c = v->c;
    const uint8_t *data = c->data;
    size_t done = 0, missing = 0;
    unsigned chunks = 0;
    struct nvs_cursor *at = v->makes_space ? find_room(e, 1) : NULL;
    if (at) nvs_put_number(at, 0, NVS_U8, c->space, v->space);
    missing += v->makes_space && !at;
    while (chunks < CHUNKS_MAX && (!chunks || done < c->len)) {
        at = find_room(e, c->len ? 2 : 1);
        if (!at) break;
        size_t room = (NVS_ENTRIES - at->used - 1) * NVS_ENTRY, left = c->len - done;
        size_t n = left < room ? left : room;
        nvs_put_chunk(at, v->space, c->key, chunks++, n ? data + done : NULL, n);
        done += n;
    }
    if (!chunks || done < c->len) missing += 1 + nvs_data_entries(c->len - done);
    at = find_room(e, 1);
    if (at) nvs_put_index(at, v->space, c->key, c->len, chunks);
    return missing + !at;
}

/* @return entries for which there was no room: 0 when all is done */
static size_t lay_out(struct edit *e)
{
    size_t missing = 0;
    for (size_t i = 0; i < e->page_count; i++) {
        struct page *p = &e->pages[i];
        p->at.used = 0;
        if (p->taken) memset(p->at.page + NVS_BITMAP, 0xff, NVS_PAGE - NVS_BITMAP);
    }
    for (size_t i = 0; i < e->scan.head_count; i++) {
        const struct nvs_head *h = &e->scan.heads[i];
        struct page *p = &e->pages[h->page];
        if (p->taken && !makes_way(e, h)) nvs_put(&p->at, h->p, h->span * NVS_ENTRY);
    }
    for (size_t i = 0; i < e->value_count; i++)
        missing += put_value(e, &e->values[i]);
    return missing;
}

/* ---- which pages ---- */

static void take_scanned(struct edit *e)
{
    for (size_t i = 0; i < e->scan.page_count; i++) {
        const struct nvs_used_page *p = &e->scan.pages[i];
        e->pages[i].at.page = e->out + (p->p - e->scan.data);
        e->pages[i].room = NVS_ENTRIES - p->used;
    }
    e->page_count = e->scan.page_count;
    for (size_t i = 0; i < e->scan.head_count; i++)
        if (makes_way(e, &e->scan.heads[i])) e->pages[e->scan.heads[i].page].taken = true;
}

static struct page *roomiest(const struct edit *e)
{
    struct page *best = NULL;
    for (size_t i = 0; i < e->page_count; i++) {
        struct page *p = &e->pages[i];
        if (!p->taken && (!best || p->room > best->room)) best = p;
    }
    return best;
}

/* @return a page that is free besides another one; NULL when there is none */
static uint8_t *find_blank(const struct edit *e)
{
    uint8_t *first = NULL;
    for (uint8_t *p = e->out; p < e->out + e->scan.size; p += NVS_PAGE) {
        if (!nvs_is_blank(p, NVS_PAGE)) continue;
        if (first) return first;
        first = p;
    }
    return NULL;
}

/* A page after all others. The one that was active has to be marked full: as it is touched by
 * that, its room is used too. */
static void begin_page(struct edit *e, uint8_t *blank)
{
    uint32_t last = le32_get(e->pages[e->page_count - 1].at.page + NVS_SEQUENCE);
    for (size_t i = 0; i < e->page_count; i++) {
        struct page *p = &e->pages[i];
        if (le32_get(p->at.page + NVS_STATE) != NVS_STATE_ACTIVE) continue;
        le32_put(p->at.page + NVS_STATE, NVS_STATE_FULL);
        p->taken = true;
    }
    struct page *fresh = &e->pages[e->page_count++];
    *fresh = (struct page){.at.page = blank, .taken = true};
    nvs_page_begin(&fresh->at, last + 1);
}

/* One more page takes part, one in use when that is enough. @return false when there is none */
static bool take_more(struct edit *e, size_t missing)
{
    struct page *p = roomiest(e);
    uint8_t *blank = find_blank(e);
    if (blank && (!p || p->room < missing))
        begin_page(e, blank);
    else if (p && p->room > 1)
        p->taken = true;
    else
        return false;
    return true;
}

/* ---- the whole ---- */

/* The first empty entry ends a page that is written on: is there anything behind it? */
static bool has_gap(const uint8_t *page)
{
    bool empty = false, gap = false;
    for (size_t i = 0; i < NVS_ENTRIES; i++) {
        bool none = nvs_entry_state(page, i) == NVS_ENTRY_EMPTY;
        gap = gap || (empty && !none);
        empty = empty || none;
    }
    return gap;
}

/* Do the pages lie as a firmware leaves them when it has finished? */
static bool is_orderly(const struct nvs_scan *s)
{
    const struct nvs_used_page *last = &s->pages[s->page_count - 1];
    bool orderly = last->state != NVS_STATE_FREEING && last->sequence < UINT32_MAX - 256;
    for (const struct nvs_used_page *p = s->pages; p < last; p++)
        orderly = orderly && p->state == NVS_STATE_FULL && p->sequence != p[1].sequence;
    return orderly && !(last->state == NVS_STATE_ACTIVE && has_gap(last->p));
}

/* Can single pages be exchanged, so that the firmware sees what is meant? */
static bool is_sound(const struct edit *e)
{
    const struct nvs_scan *s = &e->scan;
    bool is_free = false, sound = !s->found.superseded && !s->found.orphans && is_orderly(s);
    for (size_t i = 0; i < e->value_count; i++)
        sound = sound && e->values[i].space;
    for (size_t at = 0; at < s->size; at += NVS_PAGE)
        is_free = is_free || nvs_is_blank(s->data + at, NVS_PAGE);
    return sound && is_free;
}

static enum err damaged(const struct nvs_findings *f)
{
    return err_fail(
        ERR_PROTOCOL, "nvs_damaged",
        "Write the credential through the AT port, put a backup back (kind restore), or "
        "flash the firmware again with its own mfg_nvs.",
        "the NVS partition has %u damaged pages and %u damaged entries, which cannot "
        "be kept",
        f->damaged_pages, f->damaged_entries);
}

static enum err pack_anew(const struct edit *e, struct buf *out)
{
    if (e->scan.found.damaged_pages) return damaged(&e->scan.found);
    out->len -= e->scan.size;
    return nvs_write(&e->list, e->scan.size, NVS_ROOMY, out);
}

static enum err edit_pages(struct edit *e, struct buf *out)
{
    enum err err = buf_append(out, e->scan.data, e->scan.size);
    if (err) return err;
    if (!e->value_count) return ERR_OK;
    e->out = out->data + out->len - e->scan.size;
    if (!is_sound(e)) return pack_anew(e, out);
    take_scanned(e);
    size_t missing = lay_out(e);
    while (missing && take_more(e, missing))
        missing = lay_out(e);
    return missing ? pack_anew(e, out) : ERR_OK;
}

static enum err edit_read(struct edit *e, const struct nvs_change *changes, size_t n)
{
    enum err err = nvs_read_scan(&e->scan, &e->list);
    e->values = calloc(n + 1, sizeof *e->values);
    e->pages = calloc(e->scan.size / NVS_PAGE, sizeof *e->pages);
    if (!err && (!e->values || !e->pages)) err = err_set(ERR_MEM, "out of memory");
    if (!err && e->scan.found.damaged_entries) err = damaged(&e->scan.found);
    for (size_t i = 0; i < n && !err; i++)
        err = add_value(e, &changes[i]);
    return err;
}

enum err nvs_edit(const uint8_t *now, size_t size, const struct nvs_change *changes, size_t n,
                  struct buf *out)
{
    struct edit e = {.values = NULL};
    nvs_init(&e.list);
    enum err err = nvs_scan_make(now, size, &e.scan);
    if (!err) err = edit_read(&e, changes, n);
    if (!err) err = edit_pages(&e, out);
    free(e.values);
    free(e.pages);
    nvs_dispose(&e.list);
    nvs_scan_dispose(&e.scan);
    return err;
}
