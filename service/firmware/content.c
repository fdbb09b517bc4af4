/* Design: two lists in order of address, files and what lies over them. Reading looks at both; the
 * pieces are worked out from both when they are asked for. A content has some dozens of areas and
 * some hundreds of pieces, so everything is a walk along the lists. */
#include "service/firmware/content.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "service/pki/secret.h"

struct area {
    char name[96];
    uint32_t offset, size;
    int fd, key;         /* of a file … */
    uint64_t at;         /* … from here on */
    struct secret bytes; /* or from memory; 0xFF behind them */
    bool secret;
};

struct areas {
    struct area *items; /* ascending, none overlaps another */
    size_t count, cap;
};

struct content {
    struct areas files, over;
    struct piece *pieces;
    size_t piece_count, piece_cap;
    bool cut; /* the pieces are those of the lists */
};

enum err content_new(struct content **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

void content_free(struct content *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->over.count; i++)
        secret_dispose(&c->over.items[i].bytes);
    free(c->files.items);
    free(c->over.items);
    free(c->pieces);
    free(c);
}

/* --- adding --- */

static uint64_t end_of(const struct area *a)
{
    return (uint64_t)a->offset + a->size;
}

static enum err check_place(const struct area *a)
{
    if (a->offset % CONTENT_SECTOR)
        return err_fail(ERR_ARG, "flash_unaligned", "Flash is erased by sectors of 4096 bytes.",
                        "%s cannot lie at 0x%x: that is not a multiple of 0x1000", a->name,
                        (unsigned)a->offset);
    if (content_sectors(end_of(a)) > UINT32_MAX)
        return err_fail(ERR_ARG, "flash_past_end", "Check the offset.",
                        "%s at 0x%x with %u bytes ends beyond any flash", a->name,
                        (unsigned)a->offset, (unsigned)a->size);
    return ERR_OK;
}

static enum err overlap(const struct area *a, const struct area *b)
{
    return err_fail(ERR_ARG, "flash_overlap", "Leave one of them out, or move it.",
                    "%s (0x%x to 0x%llx) overlaps %s (0x%x to 0x%llx)", a->name,
                    (unsigned)a->offset, (unsigned long long)end_of(a), b->name,
                    (unsigned)b->offset, (unsigned long long)end_of(b));
}

static enum err grow(void **items, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap) return ERR_OK;
    size_t more = *cap ? 2 * *cap : 16;
    void *p = reallocarray(*items, more, item_bytes);
    if (!p) return err_set(ERR_MEM, "out of memory");
    *items = p;
    *cap = more;
    return ERR_OK;
}

/* Takes what @p a owns, but only when it returns ERR_OK. */
static enum err insert(struct content *c, struct areas *list, const struct area *a)
{
    enum err e = check_place(a);
    if (e) return e;
    size_t i = 0;
    while (i < list->count && end_of(&list->items[i]) <= a->offset)
        i++;
    if (i < list->count && list->items[i].offset < end_of(a)) return overlap(a, &list->items[i]);
    void *items = list->items;
    e = grow(&items, list->count, &list->cap, sizeof *list->items);
    list->items = items;
    if (e) return e;
    memmove(&list->items[i + 1], &list->items[i], (list->count - i) * sizeof *list->items);
    list->items[i] = *a;
    list->count++;
    c->cut = false;
    return ERR_OK;
}

enum err content_add_file(struct content *c, const char *name, uint32_t offset, uint32_t size,
                          int fd, uint64_t at, int key)
{
    struct area a = {.offset = offset, .size = size, .fd = fd, .key = key, .at = at};
    snprintf(a.name, sizeof a.name, "%s", name);
    return size ? insert(c, &c->files, &a) : ERR_OK;
}

enum err content_add_bytes(struct content *c, const char *name, uint32_t offset, uint32_t room,
                           const uint8_t *data, size_t n, bool secret)
{
    struct area a = {.offset = offset, .size = room, .secret = secret};
    snprintf(a.name, sizeof a.name, "%s", name);
    if (n > room)
        return err_fail(ERR_ARG, "flash_past_partition",
                        "Make it smaller, or choose another place.",
                        "%s has %zu bytes, its place only %u", name, n, (unsigned)room);
    if (!room) return ERR_OK;
    enum err e = secret_copy(data, n, &a.bytes);
    if (!e) e = insert(c, &c->over, &a);
    if (e) secret_dispose(&a.bytes);
    return e;
}

/* --- cutting --- */

/* Walks areas of both lists in order of address. */
struct sweep {
    const struct content *c;
    size_t file, over;
};

static const struct area *sweep_next(struct sweep *s)
{
    const struct areas *files = &s->c->files, *over = &s->c->over;
    bool has_file = s->file < files->count, has_over = s->over < over->count;
    if (!has_file && !has_over) return NULL;
    if (!has_over || (has_file && files->items[s->file].offset <= over->items[s->over].offset))
        return &files->items[s->file++];
    return &over->items[s->over++];
}

static bool touches(const struct area *a, const struct piece *p)
{
    return a->offset < (uint64_t)p->offset + p->size && p->offset < end_of(a);
}

/* Where its bytes come from. */
static void trace(const struct content *c, struct piece *p)
{
    bool found = false, patched = false;
    p->file = -1;
    p->secret = false;
    for (size_t i = 0; i < c->files.count; i++) {
        const struct area *a = &c->files.items[i];
        if (!touches(a, p)) continue;
        patched = patched || (found && a->key != p->file);
        p->file = a->key;
        found = true;
    }
    for (size_t i = 0; i < c->over.count; i++) {
        const struct area *a = &c->over.items[i];
        if (!touches(a, p)) continue;
        patched = true;
        p->secret = p->secret || a->secret;
    }
    if (patched) p->file = -1;
}

/* Pieces of the run [from, to), of whole sectors. */
static enum err cut_run(struct content *c, uint64_t from, uint64_t to)
{
    while (from < to) {
        uint64_t next = (from / CONTENT_PIECE + 1) * CONTENT_PIECE;
        if (next > to) next = to;
        void *pieces = c->pieces;
        enum err e = grow(&pieces, c->piece_count, &c->piece_cap, sizeof *c->pieces);
        c->pieces = pieces;
        if (e) return e;
        struct piece *p = &c->pieces[c->piece_count++];
        *p = (struct piece){.offset = (uint32_t)from, .size = (uint32_t)(next - from)};
        trace(c, p);
        from = next;
    }
    return ERR_OK;
}

static enum err cut(struct content *c)
{
    struct sweep s = {.c = c};
    uint64_t from = 0, to = 0; /* the run of touching areas so far */
    enum err e = ERR_OK;
    c->piece_count = 0;
    for (const struct area *a; !e && (a = sweep_next(&s));) {
        if (a->offset > to) {
            e = cut_run(c, from, to);
            from = a->offset;
        }
        uint64_t end = content_sectors(end_of(a));
        if (end > to) to = end;
    }
    return e ? e : cut_run(c, from, to);
}

enum err content_pieces(struct content *c, const struct piece **list_out, size_t *n_out)
{
    enum err e = c->cut ? ERR_OK : cut(c);
    c->cut = !e;
    *list_out = c->pieces;
    *n_out = e ? 0 : c->piece_count;
    return e;
}

/* --- reading --- */

/* What of an area lies in a range: [from, from + n) of the flash. */
struct cut_out {
    uint64_t from;
    size_t n;
};

static struct cut_out intersect(const struct area *a, uint32_t offset, size_t n)
{
    uint64_t from = a->offset > offset ? a->offset : offset;
    uint64_t end = (uint64_t)offset + n, to = end_of(a) < end ? end_of(a) : end;
    return (struct cut_out){from, from < to ? (size_t)(to - from) : 0};
}

static enum err read_file(const struct area *a, uint64_t from, uint8_t *out, size_t n)
{
    uint64_t at = a->at + (from - a->offset);
    while (n) {
        ssize_t got = pread(a->fd, out, n, (off_t)at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return err_set(ERR_IO, "%s: %s", a->name, strerror(errno));
        if (!got) return err_set(ERR_IO, "%s: its file is cut short", a->name);
        out += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return ERR_OK;
}

static void read_bytes(const struct area *a, uint64_t from, uint8_t *out, size_t n)
{
    size_t skip = (size_t)(from - a->offset);
    size_t have = skip < a->bytes.len ? a->bytes.len - skip : 0;
    if (have > n) have = n;
    if (have) memcpy(out, a->bytes.data + skip, have);
    memset(out + have, 0xFF, n - have);
}

enum err content_read(const struct content *c, uint32_t offset, uint8_t *out, size_t n)
{
    enum err e = ERR_OK;
    memset(out, 0xFF, n);
    for (size_t i = 0; !e && i < c->files.count; i++) {
        struct cut_out part = intersect(&c->files.items[i], offset, n);
        if (part.n)
            e = read_file(&c->files.items[i], part.from, out + (part.from - offset), part.n);
    }
    for (size_t i = 0; !e && i < c->over.count; i++) {
        struct cut_out part = intersect(&c->over.items[i], offset, n);
        if (part.n) read_bytes(&c->over.items[i], part.from, out + (part.from - offset), part.n);
    }
    return e;
}

static const struct area *area_at(const struct areas *list, uint32_t offset)
{
    for (size_t i = 0; i < list->count; i++)
        if (intersect(&list->items[i], offset, 1).n) return &list->items[i];
    return NULL;
}

const char *content_name_at(const struct content *c, uint32_t offset)
{
    const struct area *a = area_at(&c->over, offset);
    if (!a) a = area_at(&c->files, offset);
    return a ? a->name : "";
}
