#include "service/pki/nvs_page.h"

#include <string.h>
#include <zlib.h>

uint32_t nvs_crc(const uint8_t *data, size_t n)
{
    const uLong start = 0xffffffffUL;
    return (uint32_t)(n ? crc32(start, data, (uInt)n) : start); /* of NULL it says 0 */
}

uint32_t nvs_entry_crc(const uint8_t entry[NVS_ENTRY])
{
    uint8_t covered[NVS_ENTRY - 4];
    memcpy(covered, entry, 4);
    memcpy(covered + 4, entry + 8, sizeof covered - 4);
    return nvs_crc(covered, sizeof covered);
}

void nvs_page_begin(struct nvs_cursor *c, uint32_t sequence)
{
    uint8_t *p = c->page;
    c->used = 0;
    le32_put(p + NVS_STATE, NVS_STATE_ACTIVE);
    le32_put(p + NVS_SEQUENCE, sequence);
    p[NVS_FORMAT] = NVS_VERSION_2;
    le32_put(p + NVS_HEADER_CRC, nvs_crc(p + NVS_SEQUENCE, NVS_HEADER_CRC - NVS_SEQUENCE));
}

void nvs_put(struct nvs_cursor *c, const uint8_t *data, size_t n)
{
    if (n) memcpy(c->page + NVS_FIRST + c->used * NVS_ENTRY, data, n);
    for (size_t end = c->used + nvs_data_entries(n); c->used < end; c->used++)
        c->page[NVS_BITMAP + c->used / 4] &= (uint8_t) ~(1U << (2 * (c->used % 4)));
}

static void fill_head(uint8_t entry[NVS_ENTRY], uint8_t space, unsigned type, size_t span,
                      unsigned chunk, const char *key)
{
    memset(entry, 0xff, NVS_ENTRY);
    entry[0] = space;
    entry[1] = (uint8_t)type;
    entry[2] = (uint8_t)span;
    entry[3] = (uint8_t)chunk;
    for (size_t i = 0, n = strlen(key); i < NVS_NAME; i++)
        entry[NVS_KEY + i] = i < n ? (uint8_t)key[i] : 0;
}

static void put_head(struct nvs_cursor *c, uint8_t entry[NVS_ENTRY])
{
    le32_put(entry + NVS_CRC, nvs_entry_crc(entry));
    nvs_put(c, entry, NVS_ENTRY);
}

void nvs_put_number(struct nvs_cursor *c, uint8_t space, unsigned type, const char *key,
                    uint64_t value)
{
    uint8_t entry[NVS_ENTRY];
    fill_head(entry, space, type, 1, NVS_ANY, key);
    for (size_t i = 0; i < nvs_width(type); i++)
        entry[NVS_VALUE + i] = (uint8_t)(value >> (8 * i));
    put_head(c, entry);
}

void nvs_put_string(struct nvs_cursor *c, uint8_t space, const char *key, const uint8_t *text,
                    size_t n)
{
    static const uint8_t nul = 0;
    uint8_t head[NVS_ENTRY];
    fill_head(head, space, NVS_STRING, 1 + nvs_data_entries(n + 1), NVS_ANY, key);
    le16_put(head + NVS_VALUE, (uint16_t)(n + 1));
    le32_put(head + NVS_VALUE + 4, (uint32_t)crc32(nvs_crc(text, n), &nul, 1));
    put_head(c, head);
    size_t at = c->used;
    nvs_put(c, text, n);
    if (n % NVS_ENTRY == 0)
        nvs_put(c, &nul, 1);
    else
        c->page[NVS_FIRST + at * NVS_ENTRY + n] = 0;
}

void nvs_put_chunk(struct nvs_cursor *c, uint8_t space, const char *key, unsigned chunk,
                   const uint8_t *data, size_t n)
{
    uint8_t head[NVS_ENTRY];
    fill_head(head, space, NVS_BLOB_DATA, 1 + nvs_data_entries(n), chunk, key);
    le16_put(head + NVS_VALUE, (uint16_t)n);
    le32_put(head + NVS_VALUE + 4, nvs_crc(data, n));
    put_head(c, head);
    nvs_put(c, data, n);
}

void nvs_put_index(struct nvs_cursor *c, uint8_t space, const char *key, size_t total,
                   unsigned chunks)
{
    uint8_t head[NVS_ENTRY];
    fill_head(head, space, NVS_BLOB, 1, NVS_ANY, key);
    le32_put(head + NVS_VALUE, (uint32_t)total);
    head[NVS_VALUE + 4] = (uint8_t)chunks;
    head[NVS_VALUE + 5] = 0; /* number of the first chunk */
    put_head(c, head);
}
