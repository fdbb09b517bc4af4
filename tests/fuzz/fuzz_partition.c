/* The input is read as a binary table and as CSV; a table that comes out of either must build to
 * bytes that read back as the same table, in both forms. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/pki/partition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int condition)
{
    if (!condition) abort();
}

static void expect_round_trip(const struct partition_table *t, int md5)
{
    static struct partition_table back;
    struct buf b;
    buf_init(&b, PARTITION_TABLE_BYTES);
    if (!partition_table_build(t, md5, &b)) {
        must(b.len == PARTITION_TABLE_BYTES);
        enum err e = partition_table_parse(b.data, b.len, &back);
        must(e == (t->count || md5 ? ERR_OK : ERR_PROTOCOL));
        if (!e) {
            must(back.count == t->count && back.had_md5 == !!md5);
            must(!memcmp(back.rows, t->rows, sizeof back.rows));
        }
    } else {
        must(t->count + (md5 ? 1 : 0) > 95);
    }
    buf_dispose(&b);
}

static void expect_sound(const struct partition_table *t)
{
    expect_round_trip(t, 0);
    expect_round_trip(t, 1);
    enum err e = partition_table_check(t, 0x400000);
    for (size_t i = 0; !e && i < t->count; i++)
        must((uint64_t)t->rows[i].offset + t->rows[i].size <= 0x400000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partition_table t;
    if (!partition_table_parse(data, size, &t)) expect_sound(&t);
    if (!partition_table_from_csv((const char *)data, size, &t)) expect_sound(&t);
    return 0;
}
