/* Design: rows are read and written field by field at fixed offsets; the binary form is judged only
 * for what makes it unreadable. Whether a table makes sense is partition_table_check()'s question,
 * because a board with an odd but working table must still be served. */
#include "service/pki/partition.h"

#include <stdio.h>
#include <string.h>

#include "service/base/digest.h"

enum { ROW = 32, NAME = 16, MD5_AT = 16, SECTOR = 0x1000, APP_ALIGN = 0x10000, OTADATA = 0x2000 };

static bool is_erased(const uint8_t *row)
{
    for (size_t i = 0; i < ROW; i++)
        if (row[i] != 0xFF) return false;
    return true;
}

static bool is_row(const uint8_t *row)
{
    return row[0] == 0xAA && row[1] == 0x50;
}

static enum err bad_entry(size_t index, const char *why)
{
    return err_fail(ERR_PROTOCOL, "bad_table_entry",
                    "Flash the firmware again: its partition table is damaged.",
                    "entry %zu of the partition table %s", index + 1, why);
}

/* Names go into AT commands and JSON, so only printable ASCII may pass. */
static bool name_get(const uint8_t *field, char out[NAME + 1])
{
    memset(out, 0, NAME + 1);
    for (size_t i = 0; i < NAME && field[i]; i++) {
        if (field[i] < 0x20 || field[i] > 0x7E) return false;
        out[i] = (char)field[i];
    }
    return out[0] != '\0';
}

static enum err row_get(const uint8_t *row, size_t index, struct partition *out)
{
    out->type = row[2];
    out->subtype = row[3];
    out->offset = le32_get(row + 4);
    out->size = le32_get(row + 8);
    out->flags = le32_get(row + 28);
    if (!name_get(row + 12, out->name)) return bad_entry(index, "has no readable name");
    if (out->offset > UINT32_MAX - out->size) return bad_entry(index, "ends beyond 4 GB");
    return ERR_OK;
}

static enum err md5_check(const uint8_t *bytes, size_t at, struct partition_table *out)
{
    uint8_t md5[MD5_BYTES];
    digest_md5(bytes, at, md5);
    out->had_md5 = true;
    if (!memcmp(md5, bytes + at + MD5_AT, MD5_BYTES)) return ERR_OK;
    return err_fail(ERR_PROTOCOL, "bad_table_md5",
                    "Read it again; if it stays so, flash the firmware again.",
                    "the partition table's MD5 does not fit its %zu entries", at / ROW);
}

static enum err parse(const uint8_t *bytes, size_t n, struct partition_table *out)
{
    for (size_t at = 0; at + ROW <= n; at += ROW) {
        const uint8_t *row = bytes + at;
        if (row[0] == 0xEB && row[1] == 0xEB) return md5_check(bytes, at, out);
        if (at && is_erased(row)) return ERR_OK;
        if (!is_row(row) && at) return bad_entry(out->count, "is neither an entry nor the end");
        if (!is_row(row)) break;
        if (out->count == PARTITION_TABLE_MAX) return bad_entry(out->count, "is one too many");
        enum err e = row_get(row, out->count, &out->rows[out->count]);
        if (e) return e;
        out->count++;
    }
    if (out->count) return bad_entry(out->count, "is missing: the table has no end");
    return err_fail(ERR_PROTOCOL, "no_partition_table", "Flash ESP-AT firmware first.",
                    "no partition table here: %s",
                    n >= ROW && is_erased(bytes) ? "the flash is erased" : "these are other bytes");
}

enum err partition_table_parse(const uint8_t *bytes, size_t n, struct partition_table *out)
{
    memset(out, 0, sizeof *out);
    enum err e = parse(bytes, n < PARTITION_TABLE_BYTES ? n : PARTITION_TABLE_BYTES, out);
    if (e) memset(out, 0, sizeof *out);
    return e;
}

static void row_put(const struct partition *p, uint8_t *row)
{
    row[0] = 0xAA;
    row[1] = 0x50;
    row[2] = p->type;
    row[3] = p->subtype;
    le32_put(row + 4, p->offset);
    le32_put(row + 8, p->size);
    memset(row + 12, 0, NAME);
    memcpy(row + 12, p->name, strnlen(p->name, NAME));
    le32_put(row + 28, p->flags);
}

enum err partition_table_build(const struct partition_table *t, bool with_md5, struct buf *out)
{
    /* The last row of the sector's part for the table stays erased, as the reference tool has it.
     */
    size_t rows = t->count + (with_md5 ? 1 : 0);
    if (rows * ROW >= PARTITION_TABLE_BYTES)
        return err_fail(ERR_TOO_LARGE, "too_many_partitions", "Leave some out.",
                        "%zu partitions are more than a table%s holds", t->count,
                        with_md5 ? " with MD5" : "");
    size_t start = out->len;
    enum err e = buf_fill(out, 0xFF, PARTITION_TABLE_BYTES);
    if (e) return e;
    uint8_t *table = out->data + start, *end = table + t->count * ROW;
    for (size_t i = 0; i < t->count; i++)
        row_put(&t->rows[i], table + i * ROW);
    if (!with_md5) return ERR_OK;
    end[0] = end[1] = 0xEB;
    digest_md5(table, t->count * ROW, end + MD5_AT);
    return ERR_OK;
}

static enum err bad_table(const struct partition *p, const char *why)
{
    return err_fail(ERR_ARG, "bad_table", "Correct the table.", "partition %s (0x%x, %u bytes) %s",
                    p->name, (unsigned)p->offset, (unsigned)p->size, why);
}

static enum err row_check(const struct partition *p, uint32_t flash_size)
{
    uint64_t end = (uint64_t)p->offset + p->size;
    if (!p->size) return bad_table(p, "has no size");
    if (p->type == PARTITION_TYPE_APP && p->offset % APP_ALIGN)
        return bad_table(p, "is an app that does not start at a multiple of 0x10000");
    if (p->offset % SECTOR) return bad_table(p, "does not start at a multiple of 0x1000");
    if (end > (flash_size ? flash_size : UINT32_MAX))
        return bad_table(p, "ends beyond the end of the flash");
    return ERR_OK;
}

bool partition_overlaps(const struct partition *a, const struct partition *b)
{
    return (uint64_t)a->offset < (uint64_t)b->offset + b->size &&
           (uint64_t)b->offset < (uint64_t)a->offset + a->size;
}

static bool is_otadata(const struct partition *p)
{
    return p->type == PARTITION_TYPE_DATA && p->subtype == 0;
}

enum err partition_table_check(const struct partition_table *t, uint32_t flash_size)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct partition *p = &t->rows[i];
        enum err e = row_check(p, flash_size);
        if (e) return e;
        if (is_otadata(p) && p->size != OTADATA)
            return bad_table(p, "holds the OTA data, which takes exactly 0x2000 bytes");
        for (size_t k = 0; k < i; k++) {
            const struct partition *q = &t->rows[k];
            if (!strcmp(p->name, q->name)) return bad_table(p, "has the name of another one");
            if (partition_overlaps(p, q)) return bad_table(p, "overlaps another one");
            if (is_otadata(p) && is_otadata(q)) return bad_table(p, "is a second one for OTA data");
        }
    }
    return ERR_OK;
}

const struct partition *partition_find(const struct partition_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].name, name)) return &t->rows[i];
    return NULL;
}

const struct partition *partition_find_type(const struct partition_table *t, uint8_t type,
                                            uint8_t subtype)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->rows[i].type == type && t->rows[i].subtype == subtype) return &t->rows[i];
    return NULL;
}

size_t partition_names(const struct partition_table *t, char *names, size_t n, size_t cap)
{
    enum { ROOM = NAME + 4 }; /* of a name, a comma and the NUL */
    for (size_t i = 0; i < t->count && n < cap - ROOM; i++)
        n += (size_t)snprintf(names + n, cap - n, "%s%s", n ? ", " : "", t->rows[i].name);
    return n;
}
