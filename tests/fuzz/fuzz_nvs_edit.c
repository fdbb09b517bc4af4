/* The input is a partition that a board might have: its first bytes say what is to change, the rest
 * are pages, or damage that is done to a good partition. What comes out must be read back with the
 * changes and everything else, must be one that a firmware takes, and the same change made twice
 * must change nothing more. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/nvs_edit.h"
#include "service/pki/nvs_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANGES = 3, HEAD = 1 + 2 * CHANGES, PATCH = 4, PAGES = 4, VALUE = 9000 };

static void must(int condition)
{
    if (!condition) abort();
}

/* ---- what a firmware asks of a partition ---- */

static bool is_used(const uint8_t *page)
{
    uint32_t state = le32_get(page);
    uint32_t crc = nvs_crc(page + NVS_SEQUENCE, NVS_HEADER_CRC - NVS_SEQUENCE);
    return (state == NVS_STATE_ACTIVE || state == NVS_STATE_FULL) &&
           le32_get(page + NVS_HEADER_CRC) == crc;
}

/* Its entries have no gap, and no used page comes after it. */
static void expect_last(const struct buf *image, const uint8_t *active)
{
    for (size_t i = 1; i < NVS_ENTRIES; i++)
        must(nvs_entry_state(active, i - 1) != NVS_ENTRY_EMPTY ||
             nvs_entry_state(active, i) == NVS_ENTRY_EMPTY);
    for (const uint8_t *p = image->data; p < image->data + image->len; p += NVS_PAGE)
        must(p == active || !is_used(p) || le32_get(p + 4) < le32_get(active + 4));
}

static void expect_in_order(const struct buf *image)
{
    size_t blank = 0;
    for (const uint8_t *p = image->data; p < image->data + image->len; p += NVS_PAGE) {
        size_t erased = 0;
        while (erased < NVS_PAGE && p[erased] == 0xff)
            erased++;
        blank += erased == NVS_PAGE;
        if (is_used(p) && le32_get(p) == NVS_STATE_ACTIVE) expect_last(image, p);
    }
    must(blank >= 1);
}

/* ---- the change ---- */

static void expect_kept(const struct buf *before, const struct buf *after,
                        const struct nvs_change *changes)
{
    struct nvs want, is;
    struct nvs_findings found;
    nvs_init(&want);
    nvs_init(&is);
    must(!nvs_read(before->data, before->len, &want, &found));
    for (size_t i = 0; i < CHANGES; i++)
        must(!nvs_set(&want, changes[i].space, changes[i].key, NVS_BLOB, 0, changes[i].data,
                      changes[i].len));
    must(!nvs_read(after->data, after->len, &is, &found));
    must(!found.damaged_entries);
    must(is.count == want.count);
    for (size_t i = 0; i < want.count; i++) {
        const struct nvs_item *p = &want.items[i], *q = nvs_find(&is, p->space, p->key);
        must(q && q->type == p->type && q->number == p->number && q->bytes.len == p->bytes.len);
        must(!p->bytes.len || !memcmp(p->bytes.data, q->bytes.data, p->bytes.len));
    }
    nvs_dispose(&want);
    nvs_dispose(&is);
}

static void edit(const struct buf *now, const struct nvs_change *changes)
{
    struct buf once, twice;
    buf_init_secret(&once, now->len);
    buf_init_secret(&twice, now->len);
    if (!nvs_edit(now->data, now->len, changes, CHANGES, &once)) {
        must(once.len == now->len);
        expect_kept(now, &once, changes);
        if (memcmp(once.data, now->data, now->len) != 0) expect_in_order(&once);
        must(!nvs_edit(once.data, once.len, changes, CHANGES, &twice));
        must(!memcmp(once.data, twice.data, once.len));
    }
    buf_dispose(&once);
    buf_dispose(&twice);
}

/* ---- the input ---- */

/* A partition as a release has it. */
static struct buf stock(enum nvs_style style)
{
    static uint8_t blob[5000];
    struct nvs n;
    struct buf image;
    nvs_init(&n);
    buf_init_secret(&image, (size_t)PAGES * NVS_PAGE);
    must(!nvs_add(&n, "factory_param", "uart_tx_pin", NVS_I32, 17, NULL, 0));
    must(!nvs_add(&n, "factory_param", "name", NVS_STRING, 0, "WROOM-32", 8));
    must(!nvs_add(&n, "mqtt_ca", "mqtt_ca", NVS_BLOB, 0, blob, sizeof blob));
    must(!nvs_add(&n, "mqtt_key", "mqtt_key", NVS_BLOB, 0, blob, 900));
    must(!nvs_write(&n, (size_t)PAGES * NVS_PAGE, style, &image));
    nvs_dispose(&n);
    return image;
}

/* Bytes that are put over it, each with its place; heads get their checksums anew, so that what is
 * found in them is believed. */
static void spoil(struct buf *image, const uint8_t *patches, size_t n)
{
    for (; n >= PATCH; patches += PATCH, n -= PATCH) {
        size_t at = (size_t)le16_get(patches) % image->len, page = at / NVS_PAGE * NVS_PAGE;
        image->data[at] = patches[2];
        if (!(patches[3] & 1)) continue;
        uint8_t *p = image->data + page;
        le32_put(p + NVS_HEADER_CRC, nvs_crc(p + NVS_SEQUENCE, NVS_HEADER_CRC - NVS_SEQUENCE));
        if (at - page < NVS_FIRST) continue;
        p += NVS_FIRST + (at - page - NVS_FIRST) / NVS_ENTRY * NVS_ENTRY;
        le32_put(p + NVS_CRC, nvs_entry_crc(p));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t value[VALUE];
    static const char *const names[] = {"mqtt_ca",       "mqtt_key", "mqtt_cert",
                                        "factory_param", "name",     "k"};
    enum { NAMES = sizeof names / sizeof *names };
    struct nvs_change changes[CHANGES];
    struct buf now;
    if (size < HEAD) return 0;
    memset(value, 'v', sizeof value);
    for (size_t i = 0; i < CHANGES; i++) {
        uint8_t name = data[1 + 2 * i];
        changes[i] = (struct nvs_change){.space = names[name % NAMES],
                                         .key = names[name / NAMES % NAMES],
                                         .data = value,
                                         .len = (size_t)data[2 + 2 * i] * 35};
        for (size_t k = 0; k < i; k++) /* each once: the last of two would win */
            if (!strcmp(changes[k].space, changes[i].space) &&
                !strcmp(changes[k].key, changes[i].key))
                return 0;
    }
    if (data[0] & 2) {
        size_t pages = (size - HEAD) / NVS_PAGE * NVS_PAGE;
        buf_init_secret(&now, size);
        must(!buf_append(&now, data + HEAD, pages));
    } else {
        now = stock(data[0] & 1 ? NVS_FULL : NVS_ROOMY);
        spoil(&now, data + HEAD, size - HEAD);
    }
    edit(&now, changes);
    buf_dispose(&now);
    return 0;
}
