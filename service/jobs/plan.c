#include "service/jobs/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err plan_new(struct plan **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? ERR_OK : err_set(ERR_MEM, "out of memory");
}

void plan_free(struct plan *p)
{
    if (!p) return;
    content_free(p->content); /* before the files that it borrows */
    for (size_t i = 0; i < LIMIT_FLASH_IMAGES; i++)
        source_close(p->sources[i]);
    free(p->pieces);
    free(p);
}

enum err plan_open(struct plan *p, const struct command *c, struct store *store,
                   const char *data_dir)
{
    if (c->firmware[0]) return source_open(store, data_dir, c->firmware, &p->sources[0]);
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < c->image_count; i++)
        if (c->images[i].firmware[0])
            e = source_open(store, data_dir, c->images[i].firmware, &p->sources[i]);
    return e;
}

void plan_add_head(struct plan *p, uint32_t offset)
{
    p->heads[p->head_count++] = offset / CONTENT_SECTOR * CONTENT_SECTOR;
}

static struct plan_piece *piece_at(const struct plan *p, uint32_t offset)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->pieces[i].piece.offset == offset) return &p->pieces[i];
    return NULL;
}

/* The first head in [from, to), or @p to. */
static uint32_t next_head(const struct plan *p, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < p->head_count; i++)
        if (p->heads[i] >= from && p->heads[i] < to) to = p->heads[i];
    return to;
}

/* A piece of the content, with each head in it as a piece of its own. */
static void split(struct plan *p, const struct piece *piece)
{
    uint32_t from = piece->offset, end = piece->offset + piece->size;
    while (from < end) {
        uint32_t to = next_head(p, from, end);
        bool head = to == from && to < end;
        if (head) to += CONTENT_SECTOR;
        struct plan_piece *out = &p->pieces[p->count++];
        out->piece = *piece;
        out->piece.offset = from;
        out->piece.size = to - from;
        out->head = head;
        from = to;
    }
}

/* Heads that nothing covers are none. */
static void drop_heads(struct plan *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->head_count; i++)
        if (piece_at(p, p->heads[i])) p->heads[n++] = p->heads[i];
    p->head_count = n;
}

static bool is_blank(const uint8_t *bytes, size_t n)
{
    return bytes[0] == 0xFF && memcmp(bytes, bytes + 1, n - 1) == 0;
}

static enum err digest_all(struct plan *p)
{
    enum err e = ERR_OK;
    uint8_t *bytes = malloc(CONTENT_PIECE);
    if (!bytes) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; !e && i < p->count; i++) {
        struct plan_piece *piece = &p->pieces[i];
        e = content_read(p->content, piece->piece.offset, bytes, piece->piece.size);
        if (e) break;
        digest_md5(bytes, piece->piece.size, piece->md5);
        piece->blank = is_blank(bytes, piece->piece.size);
    }
    explicit_bzero(bytes, CONTENT_PIECE); /* it may have held a key */
    free(bytes);
    return e;
}

enum err plan_cut(struct plan *p)
{
    const struct piece *list;
    size_t n;
    enum err e = content_pieces(p->content, &list, &n);
    if (e) return e;
    /* Each head makes at most three pieces of one. */
    p->pieces = calloc(n + 2 * p->head_count + 1, sizeof *p->pieces);
    if (!p->pieces) return err_set(ERR_MEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        split(p, &list[i]);
    drop_heads(p);
    return digest_all(p);
}

void plan_want_heads(struct plan *p)
{
    if (!plan_count(p, PIECE_WANTED)) return;
    for (size_t i = 0; i < p->count; i++)
        if (p->pieces[i].head) p->pieces[i].state = PIECE_WANTED;
}

size_t plan_order(const struct plan *p, size_t *order_out)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->pieces[i].state == PIECE_WANTED && !p->pieces[i].head) order_out[n++] = i;
    for (size_t h = 0; h < p->head_count; h++) {
        const struct plan_piece *head = piece_at(p, p->heads[h]);
        if (head->state == PIECE_WANTED) order_out[n++] = (size_t)(head - p->pieces);
    }
    return n;
}

bool plan_is_mostly_there(const struct plan *p)
{
    enum { MOST = 4 };
    size_t all = 0, wanted = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct plan_piece *piece = &p->pieces[i];
        if (piece->blank || piece->head) continue;
        all++;
        wanted += piece->state == PIECE_WANTED;
    }
    return wanted * MOST <= all;
}

uint64_t plan_bytes(const struct plan *p, enum piece_state state)
{
    uint64_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        if (p->pieces[i].state == state) n += p->pieces[i].piece.size;
    return n;
}

size_t plan_count(const struct plan *p, enum piece_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += p->pieces[i].state == state;
    return n;
}

/* The next run of pieces that are still wanted, from *i on. @return false when there is none */
static bool next_range(const struct plan *p, size_t *i, uint32_t *from_out, uint32_t *to_out)
{
    while (*i < p->count && p->pieces[*i].state != PIECE_WANTED)
        ++*i;
    if (*i == p->count) return false;
    *from_out = *to_out = p->pieces[*i].piece.offset;
    for (; *i < p->count; ++*i) {
        const struct plan_piece *piece = &p->pieces[*i];
        if (piece->state != PIECE_WANTED || piece->piece.offset != *to_out) break;
        *to_out += piece->piece.size;
    }
    return true;
}

json_t *plan_wanted_ranges(const struct plan *p)
{
    uint32_t from, to;
    json_t *list = json_array();
    for (size_t i = 0; next_range(p, &i, &from, &to);)
        json_array_append_new(list, json_pack("{s:I,s:I}", "offset", (json_int_t)from, "size",
                                              (json_int_t)(to - from)));
    return list;
}

const char *plan_wanted_text(const struct plan *p, char *out, size_t cap)
{
    uint32_t from, to;
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; n < cap - 40 && next_range(p, &i, &from, &to);)
        n += (size_t)snprintf(out + n, cap - n, "%s0x%x to 0x%x", n ? ", " : "", (unsigned)from,
                              (unsigned)to);
    if (n >= cap - 40) snprintf(out + n, cap - n, " …");
    return out;
}
