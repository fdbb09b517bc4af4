#include "tests/unit/pki/golden.h"

#include <pthread.h>

#include "service/pki/layout.h"

/* Which table of the reference tool each stock table must equal, and where its mqtt_cert is. */
static const struct {
    const char *chip, *name, *csv;
    uint32_t offset;
    enum layout_kind kind;
    uint32_t mqtt_cert;
} expected[] = {
    {"esp32", "esp32-v2", "aa8b7218", 0x20000, LAYOUT_PARTITIONS, 0x37000},
    {"esp32", "esp32-nvs", "ec67f82d", 0x20000, LAYOUT_MFG_NVS, 0},
    {"esp32", "esp32-nvs-fs", "fac3047b", 0x20000, LAYOUT_MFG_NVS, 0},
    {"esp32", "esp32-v1.1.3", "fc398ca6", 0x20000, LAYOUT_NONE, 0},
    {"esp32", "esp32-v1.0", "e37b4939", 0x20000, LAYOUT_NONE, 0},
    {"esp32", "esp32-d2wd-v2", "c1ab32af", 0x20000, LAYOUT_PARTITIONS, 0x37000},
    {"esp32", "esp32-d2wd-nvs", "8444dcd3", 0x20000, LAYOUT_MFG_NVS, 0},
    {"esp32s2", "esp32s2-v2", "bc2419ef", 0x20000, LAYOUT_PARTITIONS, 0x34000},
    {"esp32s2", "esp32s2-nvs", "ec67f82d", 0x20000, LAYOUT_MFG_NVS, 0},
    {"esp32s2", "esp32s2-nvs-fs", "fac3047b", 0x20000, LAYOUT_MFG_NVS, 0},
    {"esp32c3", "esp32c3-v2", "0c77a925", 0x1E000, LAYOUT_PARTITIONS, 0x38000},
    {"esp32c3", "esp32c3-nvs", "d5f20a2b", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c3", "esp32c3-nvs-fs", "f9c9b698", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c3", "esp32c3-rainmaker-v3.0", "c2f221bd", 0x1E000, LAYOUT_PARTITIONS, 0x38000},
    {"esp32c3", "esp32c3-rainmaker-nvs", "798d3e76", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c3", "esp32c3-rainmaker-nvs-fs", "fd58b8ab", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c2", "esp32c2-nvs", "d5f20a2b", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c2", "esp32c2-nvs-fs", "f9c9b698", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c2", "esp32c2-2mb-nvs", "49a4fd81", 0x1A000, LAYOUT_MFG_NVS, 0},
    {"esp32c2", "esp32c2-4mb-v3.0", "1b0ff538", 0x1E000, LAYOUT_PARTITIONS, 0x32000},
    {"esp32c2", "esp32c2-2mb-v3.0", "f257765c", 0x1A000, LAYOUT_PARTITIONS, 0x25000},
    {"esp32c6", "esp32c6-nvs", "d5f20a2b", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c6", "esp32c6-nvs-fs", "f9c9b698", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c5", "esp32c5-nvs", "93295e61", 0x30000, LAYOUT_MFG_NVS, 0},
    {"esp32c5", "esp32c5-nvs-fs", "28d5e816", 0x30000, LAYOUT_MFG_NVS, 0},
    {"esp32c5", "esp32c5-v4-nvs", "d5f20a2b", 0x1E000, LAYOUT_MFG_NVS, 0},
    {"esp32c61", "esp32c61-nvs", "93295e61", 0x30000, LAYOUT_MFG_NVS, 0},
    {"esp32c61", "esp32c61-nvs-fs", "28d5e816", 0x30000, LAYOUT_MFG_NVS, 0},
};
enum { EXPECTED = sizeof expected / sizeof *expected };

static const struct layout_stock *stock_named(const char *chip, const char *name)
{
    size_t n = 0;
    const struct layout_stock *l = layout_stock_list(chip, &n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(l[i].name, name)) return &l[i];
    fail_msg("there is no stock table %s of %s", name, chip);
    return NULL;
}

static void every_stock_table_has_the_md5_of_the_tools_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXPECTED; i++) {
        const struct layout_stock *s = stock_named(expected[i].chip, expected[i].name);
        char file[64];
        uint8_t md5[MD5_BYTES];
        snprintf(file, sizeof file, "out/customize_%s.bin", expected[i].csv);
        struct buf bin = golden_file("partition_table", file);
        digest_md5(bin.data, bin.len, md5);
        if (memcmp(md5, s->md5, sizeof md5) != 0) fail_msg("%s differs from %s", s->name, file);
        assert_int_equal(s->offset, expected[i].offset);
        assert_int_equal(s->layout.kind, expected[i].kind);
        const struct partition *p = partition_find(&s->layout.user, "mqtt_cert");
        assert_int_equal(p ? p->offset : 0, expected[i].mqtt_cert);
        assert_true(s->layout.user.had_md5);
        assert_int_equal(partition_table_check(&s->layout.user, 0x400000), ERR_OK);
        assert_string_equal(s->chip, expected[i].chip);
        assert_non_null(strstr(s->layout.source, "stock"));
        buf_dispose(&bin);
    }
}

static void stock_primary_tables_are_known_with_and_without_md5(void **state)
{
    (void)state;
    static const char *const files[] = {
        "out/primary_5fda49ec.bin", "out/primary_5fda49ec.nomd5.bin", "out/primary_8902951b.bin",
        "out/primary_8902951b.nomd5.bin"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        uint8_t md5[MD5_BYTES];
        struct buf bin = golden_file("partition_table", files[i]);
        digest_md5(bin.data, bin.len, md5);
        const struct partition_table *t = layout_primary_find("esp32", md5);
        if (!t) fail_msg("%s is not known", files[i]);
        const struct partition *at = partition_find_type(t, PARTITION_TYPE_AT, 0);
        assert_int_equal(at->offset, 0x20000);
        assert_null(layout_primary_find("esp32c3", md5));
        md5[0] ^= 1;
        assert_null(layout_primary_find("esp32", md5));
        buf_dispose(&bin);
    }
}

static void every_table_that_was_shipped_is_known(void **state)
{
    (void)state;
    json_t *manifest = golden_manifest("partition_table"), *c;
    size_t i, tables = 0;
    json_array_foreach(json_object_get(manifest, "cases"), i, c)
    {
        const char *csv = text_of_member(c, "csv");
        bool known = false;
        if (!strstr(csv, "customize_")) continue;
        for (size_t k = 0; k < EXPECTED && !known; k++)
            known = strstr(csv, expected[k].csv) != NULL;
        if (!known) fail_msg("%s belongs to no stock table", csv);
        tables++;
    }
    assert_int_equal(tables, 19);
    json_decref(manifest);
}

static void a_list_holds_one_chip_only_and_all_of_it(void **state)
{
    (void)state;
    size_t total = 0;
    static const char *const chips[] = {"esp32",   "esp32s2", "esp32c2", "esp32c3",
                                        "esp32c5", "esp32c6", "esp32c61"};
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        size_t n = 0;
        const struct layout_stock *l = layout_stock_list(chips[i], &n);
        for (size_t k = 0; k < n; k++)
            assert_string_equal(l[k].chip, chips[i]);
        total += n;
    }
    assert_int_equal(total, EXPECTED);
    size_t n = 1;
    assert_null(layout_stock_list("esp8266", &n));
    assert_int_equal(n, 0);
}

/* One MD5 must mean one table, or a board could be written by the wrong one. */
static void no_two_tables_of_a_chip_at_one_offset_are_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXPECTED; i++)
        for (size_t k = 0; k < i; k++)
            if (!strcmp(expected[i].chip, expected[k].chip) &&
                expected[i].offset == expected[k].offset)
                assert_string_not_equal(expected[i].csv, expected[k].csv);
}

static void the_kind_follows_the_firmwares_own_rule(void **state)
{
    (void)state;
    static const struct {
        enum layout_kind kind;
        struct partition rows[4];
    } cases[] = {
        {LAYOUT_NONE, {{.name = "fatfs", .type = 1}}},
        {LAYOUT_NONE, {{.name = "mqtt_cert"}, {.name = "mqtt_key"}}},
        {LAYOUT_PARTITIONS, {{.name = "mqtt_ca"}, {.name = "mqtt_cert"}, {.name = "mqtt_key"}}},
        {LAYOUT_MFG_NVS, {{.name = "mfg_nvs", .type = 1, .subtype = 2}}},
        {LAYOUT_MFG_NVS,
         {{.name = "mqtt_ca"},
          {.name = "mqtt_cert"},
          {.name = "mqtt_key"},
          {.name = "mfg_nvs", .type = 1}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct partition_table t = {0};
        struct layout l;
        memcpy(t.rows, cases[i].rows, sizeof cases[i].rows);
        while (t.count < 4 && t.rows[t.count].name[0])
            t.count++;
        layout_from_table(&t, "AT+SYSFLASH?", &l);
        assert_int_equal(l.kind, cases[i].kind);
        assert_string_equal(l.source, "AT+SYSFLASH?");
        assert_memory_equal(&l.user, &t, sizeof t);
        layout_from_table(&l.user, "in place", &l);
        assert_int_equal(l.kind, cases[i].kind);
        assert_memory_equal(&l.user, &t, sizeof t);
    }
    assert_string_equal(layout_kind_name(LAYOUT_NONE), "none");
    assert_string_equal(layout_kind_name(LAYOUT_PARTITIONS), "partitions");
    assert_string_equal(layout_kind_name(LAYOUT_MFG_NVS), "mfg_nvs");
}

static void *first_use(void *arg)
{
    size_t n = 0;
    *(const struct layout_stock **)arg = layout_stock_list("esp32", &n);
    return NULL;
}

static void many_threads_may_ask_first(void **state)
{
    (void)state;
    pthread_t threads[8];
    const struct layout_stock *seen[8] = {NULL};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, first_use, &seen[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_ptr_equal(seen[i], seen[0]);
        assert_int_equal(seen[i]->layout.kind, LAYOUT_PARTITIONS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_may_ask_first),
        cmocka_unit_test(every_stock_table_has_the_md5_of_the_tools_own),
        cmocka_unit_test(stock_primary_tables_are_known_with_and_without_md5),
        cmocka_unit_test(every_table_that_was_shipped_is_known),
        cmocka_unit_test(a_list_holds_one_chip_only_and_all_of_it),
        cmocka_unit_test(no_two_tables_of_a_chip_at_one_offset_are_alike),
        cmocka_unit_test(the_kind_follows_the_firmwares_own_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
