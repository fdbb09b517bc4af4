#include "tests/board/firmware/nvs_page.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tests/board/bytes.h"
#include "tests/board/flash.h"

enum { TABLE_AT = 32, ENTRIES_AT = 64, VERSION_AT = 8, VERSION_2 = 0xFE, HEAD_CRC_AT = 28 };
enum { ENTRY_ERASED = 0, ENTRY_WRITTEN = 2, ENTRY_EMPTY = 3 };

static const uint32_t state_words[] = {[NVS_EMPTY] = 0xFFFFFFFF,
                                       [NVS_ACTIVE] = 0xFFFFFFFE,
                                       [NVS_FULL] = 0xFFFFFFFC,
                                       [NVS_FREEING] = 0xFFFFFFF8,
                                       [NVS_CORRUPT] = 0xFFFFFFF0};

/* The library starts its CRC-32 with all ones. */
static uint32_t crc_of(const uint8_t *data, size_t n)
{
    return (uint32_t)crc32(0xFFFFFFFF, data, (uInt)n);
}

static const uint8_t *bytes_of(const struct nvs_page *p)
{
    return flash_bytes(p->flash) + p->at;
}

static const uint8_t *entry_of(const struct nvs_page *p, size_t index)
{
    return bytes_of(p) + ENTRIES_AT + index * NVS_ENTRY_BYTES;
}

static unsigned entry_state(const struct nvs_page *p, size_t index)
{
    return (unsigned)p->table[index / 4] >> (index % 4 * 2) & 3u;
}

static void set_entry_state(struct nvs_page *p, size_t index, unsigned state)
{
    uint8_t *byte = &p->table[index / 4];
    unsigned shift = (unsigned)(index % 4 * 2);
    *byte = (uint8_t)((*byte & ~(3u << shift)) | state << shift);
    flash_program(p->flash, p->at + TABLE_AT + (uint32_t)(index / 4), byte, 1);
}

static uint32_t item_crc(const uint8_t *entry)
{
    uint8_t summed[NVS_ENTRY_BYTES - 4];
    memcpy(summed, entry, 4);
    memcpy(summed + 4, entry + 8, sizeof summed - 4);
    return crc_of(summed, sizeof summed);
}

/* Is it an item's head, with as many entries as it says? */
static bool item_read(const struct nvs_page *p, size_t index, struct nvs_item *out)
{
    const uint8_t *e = entry_of(p, index);
    if (le32_get(e + 4) != item_crc(e)) return false;
    *out = (struct nvs_item){.space = e[0], .type = e[1], .span = e[2], .chunk = e[3]};
    memcpy(out->key, e + 8, NVS_KEY_MAX);
    memcpy(out->value, e + 24, sizeof out->value);
    return out->span > 0 && index + out->span <= NVS_ENTRIES;
}

void nvs_page_take_out(struct nvs_page *p, size_t index)
{
    struct nvs_item item;
    size_t span = item_read(p, index, &item) ? item.span : 1;
    for (size_t i = index; i < index + span; i++)
        if (entry_state(p, i) == ENTRY_WRITTEN) set_entry_state(p, i, ENTRY_ERASED);
}

static bool is_blank(const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] != 0xFF) return false;
    return true;
}

/* Entries that power failed on: an item is there with all of its entries, or not at all. */
static void repair(struct nvs_page *p)
{
    struct nvs_item item;
    size_t span = 1;
    for (size_t i = 0; i < p->next; i += span) {
        span = 1;
        if (entry_state(p, i) != ENTRY_WRITTEN) continue;
        bool whole = item_read(p, i, &item);
        for (size_t k = i; whole && k < i + item.span; k++)
            whole = entry_state(p, k) == ENTRY_WRITTEN;
        if (whole)
            span = item.span;
        else
            nvs_page_take_out(p, i);
    }
}

static void load_table(struct nvs_page *p)
{
    memcpy(p->table, bytes_of(p) + TABLE_AT, sizeof p->table);
    p->next = NVS_ENTRIES;
    if (p->state == NVS_ACTIVE) {
        p->next = 0;
        while (p->next < NVS_ENTRIES && entry_state(p, p->next) != ENTRY_EMPTY)
            p->next++;
        /* Written, but power failed before the table said so. */
        while (p->next < NVS_ENTRIES && !is_blank(entry_of(p, p->next), NVS_ENTRY_BYTES))
            set_entry_state(p, p->next++, ENTRY_ERASED);
    }
    repair(p);
}

void nvs_page_load(struct nvs_page *p, struct flash *f, uint32_t at)
{
    *p = (struct nvs_page){.flash = f, .at = at, .state = NVS_CORRUPT};
    memset(p->table, 0xFF, sizeof p->table);
    const uint8_t *head = bytes_of(p);
    uint32_t word = le32_get(head);
    if (word == state_words[NVS_EMPTY]) {
        if (is_blank(head, NVS_PAGE_BYTES)) p->state = NVS_EMPTY;
        return;
    }
    if (le32_get(head + HEAD_CRC_AT) != crc_of(head + 4, HEAD_CRC_AT - 4)) return;
    p->sequence = le32_get(head + 4);
    for (enum nvs_state s = NVS_ACTIVE; s <= NVS_FREEING; s++)
        if (word == state_words[s]) p->state = s;
    if (p->state != NVS_CORRUPT) load_table(p);
}

size_t nvs_page_used(const struct nvs_page *p)
{
    size_t used = 0;
    for (size_t i = 0; i < NVS_ENTRIES; i++)
        used += entry_state(p, i) == ENTRY_WRITTEN;
    return used;
}

size_t nvs_page_room(const struct nvs_page *p)
{
    if (p->state == NVS_EMPTY) return NVS_CHUNK_MAX;
    if (p->state != NVS_ACTIVE || p->next >= NVS_ENTRIES - 1) return 0;
    return (NVS_ENTRIES - p->next - 1) * NVS_ENTRY_BYTES;
}

struct nvs_item nvs_item_any(void)
{
    return (struct nvs_item){.space = NVS_ANY, .type = NVS_ANY, .chunk = NVS_ANY};
}

static bool fits(const struct nvs_item *item, const struct nvs_item *want, const char *key)
{
    return (want->space == NVS_ANY || want->space == item->space) &&
           (want->type == NVS_ANY || want->type == item->type) &&
           (want->chunk == NVS_ANY || want->chunk == item->chunk) &&
           (!key || strcmp(key, item->key) == 0);
}

bool nvs_page_find(struct nvs_page *p, const struct nvs_item *want, const char *key, size_t *index,
                   struct nvs_item *out)
{
    size_t span = 1;
    for (size_t i = *index; i < NVS_ENTRIES; i += span) {
        span = 1;
        if (entry_state(p, i) != ENTRY_WRITTEN) continue;
        if (!item_read(p, i, out)) {
            nvs_page_take_out(p, i);
            continue;
        }
        span = out->span;
        if (!fits(out, want, key)) continue;
        *index = i;
        return true;
    }
    return false;
}

static bool has_data(uint8_t type)
{
    return type == NVS_STRING || type == NVS_BLOB_DATA || type == NVS_BLOB_OLD;
}

uint8_t *nvs_page_value(struct nvs_page *p, size_t index, const struct nvs_item *item, size_t *n)
{
    const uint8_t *from = item->value;
    *n = sizeof item->value;
    if (has_data(item->type)) {
        from = entry_of(p, index + 1);
        *n = (size_t)item->value[0] | (size_t)item->value[1] << 8;
        bool inside = *n <= (size_t)(item->span - 1) * NVS_ENTRY_BYTES;
        if (!inside || crc_of(from, *n) != le32_get(item->value + 4)) {
            nvs_page_take_out(p, index);
            return NULL;
        }
    }
    uint8_t *copy = calloc(1, *n + 1);
    if (copy) memcpy(copy, from, *n);
    return copy;
}

void nvs_page_begin(struct nvs_page *p)
{
    uint8_t head[TABLE_AT];
    memset(head, 0xFF, sizeof head);
    le32_put(head, state_words[NVS_ACTIVE]);
    le32_put(head + 4, p->sequence);
    head[VERSION_AT] = VERSION_2;
    le32_put(head + HEAD_CRC_AT, crc_of(head + 4, HEAD_CRC_AT - 4));
    flash_program(p->flash, p->at, head, sizeof head);
    p->state = NVS_ACTIVE;
}

/* The entry first, then the table: the other way round, power could fail on an item that is said to
 * be there. */
static void put_entry(struct nvs_page *p, const uint8_t entry[NVS_ENTRY_BYTES])
{
    uint32_t at = p->at + ENTRIES_AT + (uint32_t)p->next * NVS_ENTRY_BYTES;
    flash_program(p->flash, at, entry, NVS_ENTRY_BYTES);
    set_entry_state(p, p->next++, ENTRY_WRITTEN);
}

bool nvs_page_write(struct nvs_page *p, const struct nvs_item *item, const uint8_t *data, size_t n)
{
    size_t span = 1 + (n + NVS_ENTRY_BYTES - 1) / NVS_ENTRY_BYTES;
    if (p->state == NVS_EMPTY) nvs_page_begin(p);
    if (p->state != NVS_ACTIVE || p->next + span > NVS_ENTRIES) return false;
    uint8_t e[NVS_ENTRY_BYTES] = {item->space, item->type, (uint8_t)span, item->chunk};
    memcpy(e + 8, item->key, strlen(item->key));
    memcpy(e + 24, item->value, sizeof item->value);
    if (has_data(item->type)) {
        memset(e + 24, 0xFF, 8);
        e[24] = (uint8_t)n;
        e[25] = (uint8_t)(n >> 8);
        le32_put(e + 28, crc_of(data, n));
    }
    le32_put(e + 4, item_crc(e));
    put_entry(p, e);
    for (size_t done = 0; done < n; done += NVS_ENTRY_BYTES) {
        size_t piece = n - done < NVS_ENTRY_BYTES ? n - done : NVS_ENTRY_BYTES;
        memset(e, 0xFF, sizeof e);
        memcpy(e, data + done, piece);
        put_entry(p, e);
    }
    return true;
}

void nvs_page_copy(struct nvs_page *p, struct nvs_page *from)
{
    const struct nvs_item any = nvs_item_any();
    struct nvs_item item;
    for (size_t i = 0; nvs_page_find(from, &any, NULL, &i, &item); i += item.span) {
        if (p->state == NVS_EMPTY) nvs_page_begin(p);
        if (p->next + item.span > NVS_ENTRIES) return;
        for (size_t k = 0; k < item.span; k++)
            put_entry(p, entry_of(from, i + k));
    }
}

void nvs_page_set_state(struct nvs_page *p, enum nvs_state state)
{
    uint8_t word[4];
    le32_put(word, state_words[state]);
    flash_program(p->flash, p->at, word, sizeof word);
    p->state = state;
}

void nvs_page_erase(struct nvs_page *p)
{
    flash_erase(p->flash, p->at, NVS_PAGE_BYTES);
    nvs_page_load(p, p->flash, p->at);
}
