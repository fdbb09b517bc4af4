/* The firmware writes a new value first and marks the old one erased afterwards, so of two items
 * with one name the later counts; later means: on the page with the higher sequence number, then
 * the higher entry. */
#include "service/pki/nvs_scan.h"

#include <stdlib.h>
#include <string.h>

bool nvs_is_blank(const uint8_t *p, size_t n)
{
    return !n || (p[0] == 0xff && !memcmp(p, p + 1, n - 1));
}

static enum err take_page(struct nvs_scan *s, const uint8_t *p)
{
    uint32_t state = le32_get(p);
    if (state == NVS_STATE_BLANK && nvs_is_blank(p, NVS_FIRST)) return ERR_OK;
    bool whole =
        le32_get(p + NVS_HEADER_CRC) == nvs_crc(p + NVS_SEQUENCE, NVS_HEADER_CRC - NVS_SEQUENCE);
    if (whole && p[NVS_FORMAT] != NVS_VERSION_2)
        return err_fail(ERR_PROTOCOL, "nvs_version",
                        "Flash a present ESP-AT release: its own tool makes format 2.",
                        "the NVS partition has a page of format %u", 0xffU - p[NVS_FORMAT] + 1);
    bool used = state == NVS_STATE_ACTIVE || state == NVS_STATE_FULL || state == NVS_STATE_FREEING;
    if (!whole || !used) {
        s->found.damaged_pages++;
        return ERR_OK;
    }
    s->pages[s->page_count++] =
        (struct nvs_used_page){.p = p, .sequence = le32_get(p + NVS_SEQUENCE), .state = state};
    return ERR_OK;
}

static int by_sequence(const void *a, const void *b)
{
    const struct nvs_used_page *x = a, *y = b;
    return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static bool is_written(const uint8_t *page, size_t i)
{
    return nvs_entry_state(page, i) == NVS_ENTRY_WRITTEN;
}

static bool has_bytes(uint8_t type)
{
    return type == NVS_STRING || type == NVS_BLOB_DATA || type == NVS_BLOB_OLD;
}

/* The head is written first: was the power cut before all that it spans was there? */
static bool is_cut_off(const uint8_t *page, size_t i, size_t span)
{
    while (span && is_written(page, i))
        i++, span--;
    return span > 0;
}

/* @return entries to go on by: what a damaged head says of its span is not believed */
static size_t take_entry(struct nvs_scan *s, size_t page_index, size_t i)
{
    const uint8_t *page = s->pages[page_index].p;
    const uint8_t *p = page + NVS_FIRST + i * NVS_ENTRY;
    size_t span = p[2], n = 0;
    bool whole = le32_get(p + NVS_CRC) == nvs_entry_crc(p) && span >= 1 &&
                 span <= NVS_ENTRIES - i && memchr(p + NVS_KEY, '\0', NVS_NAME);
    if (whole && is_cut_off(page, i, span)) {
        s->found.orphans++;
        return span;
    }
    if (whole && has_bytes(p[1])) {
        n = le16_get(p + NVS_VALUE);
        whole = nvs_data_entries(n) == span - 1 &&
                le32_get(p + NVS_VALUE + 4) == nvs_crc(p + NVS_ENTRY, n) &&
                (p[1] != NVS_STRING || (n && !p[NVS_ENTRY + n - 1]));
    }
    if (!whole) {
        s->found.damaged_entries++;
        return 1;
    }
    struct nvs_head *h = &s->heads[s->head_count++];
    *h = (struct nvs_head){.p = p,
                           .space = p[0],
                           .type = p[1],
                           .chunk = p[3],
                           .span = span,
                           .n = n,
                           .page = page_index};
    memcpy(h->key, p + NVS_KEY, strlen((const char *)p + NVS_KEY));
    return span;
}

static void take_entries(struct nvs_scan *s, size_t page)
{
    const uint8_t *p = s->pages[page].p;
    for (size_t i = 0; i < NVS_ENTRIES; i++)
        s->pages[page].used += is_written(p, i);
    for (size_t i = 0; i < NVS_ENTRIES;)
        i += is_written(p, i) ? take_entry(s, page, i) : 1;
}

/* A number stands for one name: where two claim it, neither's items can be told. */
static void learn_spaces(struct nvs_scan *s)
{
    for (size_t i = 0; i < s->head_count; i++) {
        const struct nvs_head *h = &s->heads[i];
        unsigned number = h->p[NVS_VALUE];
        if (h->space != 0 || h->type != NVS_U8) continue;
        bool good = number != 0 && number < NVS_SPACES &&
                    (!s->spaces[number] || !strcmp(s->spaces[number], h->key));
        if (good)
            s->spaces[number] = h->key;
        else
            s->found.damaged_entries++;
    }
}

/* Do two heads stand for the same thing? Chunks are told apart by their numbers, an index from a
 * plain item of the same name is not: the firmware looks a key up whatever its type. */
static bool is_same(const struct nvs_head *a, const struct nvs_head *b)
{
    bool chunks = a->type == NVS_BLOB_DATA || b->type == NVS_BLOB_DATA;
    if (a->space != b->space || memcmp(a->key, b->key, NVS_NAME) != 0) return false;
    return chunks ? a->type == b->type && a->chunk == b->chunk : true;
}

static void drop_superseded(struct nvs_scan *s)
{
    for (size_t i = 0; i < s->head_count; i++)
        for (size_t k = i + 1; k < s->head_count && !s->heads[i].gone; k++)
            s->heads[i].gone = is_same(&s->heads[i], &s->heads[k]);
    for (size_t i = 0; i < s->head_count; i++)
        s->found.superseded += s->heads[i].gone;
}

static enum err scan(struct nvs_scan *s)
{
    enum err e = ERR_OK;
    for (size_t at = 0; at < s->size && !e; at += NVS_PAGE)
        e = take_page(s, s->data + at);
    if (e) return e;
    if (!s->page_count)
        return err_fail(ERR_PROTOCOL, "not_nvs", NULL,
                        "there is no page of an NVS partition in these %zu bytes", s->size);
    qsort(s->pages, s->page_count, sizeof *s->pages, by_sequence);
    for (size_t i = 0; i < s->page_count; i++)
        take_entries(s, i);
    learn_spaces(s);
    drop_superseded(s);
    return ERR_OK;
}

enum err nvs_scan_make(const uint8_t *data, size_t size, struct nvs_scan *out)
{
    *out = (struct nvs_scan){.data = data, .size = size};
    if (!size || size % NVS_PAGE || size > NVS_SIZE_MAX)
        return err_fail(ERR_ARG, "nvs_bad_size", "Give the whole partition.",
                        "an NVS partition of %zu bytes: not whole pages of 4096", size);
    out->pages = calloc(size / NVS_PAGE, sizeof *out->pages);
    out->heads = calloc(size / NVS_PAGE * NVS_ENTRIES, sizeof *out->heads);
    return out->pages && out->heads ? scan(out) : err_set(ERR_MEM, "out of memory");
}

void nvs_scan_dispose(struct nvs_scan *s)
{
    free(s->pages);
    free(s->heads);
    *s = (struct nvs_scan){.data = NULL};
}

const char *nvs_scan_space(const struct nvs_scan *s, const struct nvs_head *h)
{
    return h->space < NVS_SPACES ? s->spaces[h->space] : NULL;
}
