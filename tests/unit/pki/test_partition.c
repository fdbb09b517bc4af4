#include "tests/unit/pki/golden.h"

#include "service/pki/partition.h"

static void expect_equal(const struct partition_table *a, const struct partition_table *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct partition *p = &a->rows[i], *q = &b->rows[i];
        assert_string_equal(p->name, q->name);
        assert_int_equal(p->type, q->type);
        assert_int_equal(p->subtype, q->subtype);
        assert_int_equal(p->offset, q->offset);
        assert_int_equal(p->size, q->size);
        assert_int_equal(p->flags, q->flags);
    }
}

static void run_form(const struct partition_table *t, const char *file, bool md5)
{
    struct buf is, want = golden_file("partition_table", file);
    struct partition_table back;
    buf_init(&is, PARTITION_TABLE_BYTES);
    assert_int_equal(partition_table_build(t, md5, &is), ERR_OK);
    expect_same(&is, &want, file);
    assert_int_equal(partition_table_parse(want.data, want.len, &back), ERR_OK);
    expect_equal(t, &back);
    assert_int_equal(back.had_md5, md5);
    buf_dispose(&is);
    buf_dispose(&want);
}

static void all_tables_of_the_tool_come_out_byte_for_byte_and_go_back(void **state)
{
    (void)state;
    json_t *manifest = golden_manifest("partition_table"), *c;
    size_t i;
    json_array_foreach(json_object_get(manifest, "cases"), i, c)
    {
        static struct partition_table t;
        struct buf csv = golden_file("partition_table", text_of_member(c, "csv"));
        assert_int_equal(partition_table_from_csv(buf_str(&csv), csv.len, &t), ERR_OK);
        assert_int_equal(partition_table_check(&t, 0x400000), ERR_OK);
        run_form(&t, text_of_member(c, "bin"), true);
        run_form(&t, text_of_member(c, "bin_no_md5"), false);
        buf_dispose(&csv);
    }
    assert_int_equal(i, 26);
    json_decref(manifest);
}

static const struct partition row = {.name = "sixteen_letters_",
                                     .type = 1,
                                     .subtype = 2,
                                     .offset = 0x9000,
                                     .size = 0x1000,
                                     .flags = 1};

static struct buf table_of(size_t rows, bool md5)
{
    static struct partition_table t;
    struct buf b;
    memset(&t, 0, sizeof t);
    for (; t.count < rows; t.count++) {
        t.rows[t.count] = row;
        t.rows[t.count].offset += (uint32_t)t.count * 0x1000;
    }
    buf_init(&b, PARTITION_TABLE_BYTES);
    if (partition_table_build(&t, md5, &b)) assert_int_equal(b.len, 0);
    return b;
}

static void the_longest_tables_fit_and_one_more_row_does_not(void **state)
{
    (void)state;
    static const struct {
        size_t rows;
        bool md5, fits;
    } cases[] = {{94, true, true}, {95, true, false}, {95, false, true}, {0, false, true}};
    struct partition_table back;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = table_of(cases[i].rows, cases[i].md5);
        assert_int_equal(b.len, cases[i].fits ? PARTITION_TABLE_BYTES : 0);
        if (cases[i].rows && cases[i].fits) {
            assert_int_equal(partition_table_parse(b.data, b.len, &back), ERR_OK);
            assert_int_equal(back.count, cases[i].rows);
            assert_string_equal(back.rows[back.count - 1].name, "sixteen_letters_");
            assert_int_equal(back.rows[0].flags, 1);
        }
        buf_dispose(&b);
    }
}

/* A change to one byte of a good table with two rows and MD5, and what it must come to. */
static void a_table_that_was_damaged_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        size_t at;
        uint8_t byte;
        bool md5;
    } cases[] = {
        {"no_partition_table", 0, 0x00, true}, {"no_partition_table", 1, 0xFF, true},
        {"bad_table_md5", 4, 0x01, true},      {"bad_table_md5", 64 + 20, 0x00, true},
        {"bad_table_entry", 32, 0x00, true},   {"bad_table_entry", 64, 0x00, true},
        {"bad_table_entry", 64, 0xAA, false},  {"bad_table_entry", 12, 0x00, false},
        {"bad_table_entry", 13, '\n', false},  {"bad_table_entry", 13, 0xC3, false},
        {"bad_table_entry", 7, 0xFF, false}, /* an offset that is possible, but … */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct partition_table t;
        struct buf b = table_of(2, cases[i].md5);
        b.data[cases[i].at] = cases[i].byte;
        if (cases[i].at == 7) b.data[11] = 0x01; /* … whose size leads beyond 4 GB */
        assert_int_equal(partition_table_parse(b.data, b.len, &t), ERR_PROTOCOL);
        assert_string_equal(err_last()->code, cases[i].code);
        assert_int_equal(t.count, 0);
        buf_dispose(&b);
    }
}

static void a_table_without_end_or_start_is_refused(void **state)
{
    (void)state;
    struct partition_table t;
    uint8_t erased[PARTITION_TABLE_BYTES], full[PARTITION_TABLE_BYTES];
    memset(erased, 0xFF, sizeof erased);
    assert_int_equal(partition_table_parse(erased, sizeof erased, &t), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "no_partition_table");
    assert_non_null(strstr(err_last()->detail, "erased"));
    assert_int_equal(partition_table_parse(erased, 0, &t), ERR_PROTOCOL);
    struct buf b = table_of(2, false);
    assert_int_equal(partition_table_parse(b.data, 64, &t), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "bad_table_entry");
    assert_int_equal(partition_table_parse(b.data, 95, &t), ERR_PROTOCOL);
    assert_int_equal(partition_table_parse(b.data, 96, &t), ERR_OK);
    for (size_t i = 0; i < sizeof full; i += 32)
        memcpy(full + i, b.data, 32);
    assert_int_equal(partition_table_parse(full, sizeof full, &t), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "bad_table_entry");
    buf_dispose(&b);
}

static void rows_are_found_by_name_and_by_type(void **state)
{
    (void)state;
    struct partition_table t;
    struct buf csv = golden_file("partition_table", "in/primary_8902951b.csv");
    assert_int_equal(partition_table_from_csv(buf_str(&csv), csv.len, &t), ERR_OK);
    assert_int_equal(partition_find(&t, "at_customize")->offset, 0x20000);
    assert_null(partition_find(&t, "at_custom"));
    assert_ptr_equal(partition_find_type(&t, PARTITION_TYPE_AT, 0),
                     partition_find(&t, "at_customize"));
    assert_null(partition_find_type(&t, PARTITION_TYPE_AT, 1));
    buf_dispose(&csv);
}

static void csv_means_what_the_tool_makes_of_it(void **state)
{
    (void)state;
    static const char csv[] = "\xEF\xBB\xBF# Name, Type, SubType, Offset, Size, Flags\r\n"
                              "\n"
                              "  # a comment with spaces before it\r"
                              "nvs, data, nvs, , 0x6000,\n"
                              "phy_init,data,phy,,4K\n"
                              "factory, app, factory, , 1M, encrypted\n"
                              "ota_15,APP,ota_15,,64k,,and,more,fields\n"
                              "log,0x40,0b11,0x200000,-0x210000\n"
                              "log2 , 64 , 0o17 ,  , 2 K , encrypted:readonly\n"
                              "any,data,,, 0x1000";
    static const struct partition want[] = {
        {"nvs", 1, 2, 0x9000, 0x6000, 0},        {"phy_init", 1, 1, 0xF000, 0x1000, 0},
        {"factory", 0, 0, 0x10000, 0x100000, 1}, {"ota_15", 0, 0x1F, 0x110000, 0x10000, 0},
        {"log", 0x40, 3, 0x200000, 0x10000, 0},  {"log2", 0x40, 15, 0x210000, 0x800, 3},
        {"any", 1, 6, 0x211000, 0x1000, 0},
    };
    struct partition_table is, is_wanted = {.count = sizeof want / sizeof *want};
    memcpy(is_wanted.rows, want, sizeof want);
    if (partition_table_from_csv(csv, strlen(csv), &is)) fail_msg("%s", err_last()->detail);
    expect_equal(&is, &is_wanted);
}

static void csv_that_makes_no_sense_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *csv, *says;
    } cases[] = {
        {"", "no partition"},
        {"# only a comment\n", "no partition"},
        {"a\n", "line 1: the type is missing"},
        {"\na,data,nvs,,\n", "line 2: the size is missing"},
        {"a,data\n", "size is missing"},
        {",data,nvs,,4K\n", "1 to 16 characters"},
        {"seventeen_letters,data,nvs,,4K\n", "1 to 16 characters"},
        {"a,date,nvs,,4K\n", "unknown type \"date\""},
        {"a,256,nvs,,4K\n", "unknown type"},
        {"a,-1,nvs,,4K\n", "unknown type"},
        {"a,app,,,4K\n", "an app needs a subtype"},
        {"a,app,nvs,,4K\n", "unknown subtype"},
        {"a,app,ota_16,,4K\n", "unknown subtype"},
        {"a,0x40,nvs,,4K\n", "unknown subtype"},
        {"a,data,nvs,0x8000,4K\n", "before the end of what stands above it"},
        {"a,data,nvs,0x9000,4K\nb,data,nvs,0x9fff,4K\n", "line 2: it starts before"},
        {"a,data,nvs,010,4K\n", "not a number: \"010\""},
        {"a,data,nvs,0x0x9000,4K\n", "not a number"},
        {"a,data,nvs,0x,4K\n", "not a number"},
        {"a,data,nvs,--1,4K\n", "not a number"},
        {"a,data,nvs,,4KB\n", "not a number: \"4KB\""},
        {"a,data,nvs,,K\n", "not a number"},
        {"a,data,nvs,,1KKKKKKKK\n", "not"},
        {"a,data,nvs,,99999999999999999999\n", "not a number"},
        {"a,data,nvs,0x100000000,4K\n", "not a number"},
        {"a,data,nvs,4M,4095M\n", "does not fit the offset"},
        {"a,data,nvs,0x10000,-0x9000\n", "does not fit the offset"},
        {"a,data,nvs,0x10000,4K\nb,app,factory,,-0x11000\n", "line 2: the size does not fit"},
        {"a,data,nvs,0x9000,0xffff6fff\nb,data,nvs,,4K\n", "beyond 4 GB"},
        {"a,data,nvs,,4K,secret\n", "unknown flag \"secret\""},
        {"a\x01,data,nvs,,4K\n", "no place in a partition table"},
        {"\xC3\xA9,data,nvs,,4K\n", "no place in a partition table"},
        {"a,data,nvs,,0x00000000000000000000000000000000000001000\n", "too long"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct partition_table t;
        if (!partition_table_from_csv(cases[i].csv, strlen(cases[i].csv), &t))
            fail_msg("accepted: %s", cases[i].csv);
        assert_int_equal(err_last()->kind, ERR_ARG);
        assert_string_equal(err_last()->code, "bad_csv");
        if (!strstr(err_last()->detail, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err_last()->detail, cases[i].says);
        assert_int_equal(t.count, 0);
    }
}

static void a_96th_row_is_refused(void **state)
{
    (void)state;
    struct buf csv;
    static struct partition_table t;
    buf_init(&csv, 10000);
    for (int i = 0; i < 95; i++)
        buf_printf(&csv, "p%d,data,nvs,,4K\n", i);
    assert_int_equal(partition_table_from_csv(buf_str(&csv), csv.len, &t), ERR_OK);
    buf_puts(&csv, "p95,data,nvs,,4K\n");
    assert_int_equal(partition_table_from_csv(buf_str(&csv), csv.len, &t), ERR_ARG);
    assert_non_null(strstr(err_last()->detail, "line 96: more than 95"));
    buf_dispose(&csv);
}

static void a_table_that_no_board_can_have_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *says;
        uint32_t flash_size;
        struct partition rows[2];
    } cases[] = {
        {NULL, 0, {{"a", 1, 2, 0x9000, 0x1000, 0}, {"b", 0, 0, 0x10000, 0x1000, 0}}},
        {NULL, 0x11000, {{"a", 1, 2, 0x9000, 0x1000, 0}, {"b", 0, 0, 0x10000, 0x1000, 0}}},
        {"beyond", 0x10FFF, {{"a", 1, 2, 0x9000, 0x1000, 0}, {"b", 0, 0, 0x10000, 0x1000, 0}}},
        {"no size", 0, {{"a", 1, 2, 0x9000, 0, 0}, {"b", 0, 0, 0x10000, 0x1000, 0}}},
        {"0x10000", 0, {{"a", 1, 2, 0x9000, 0x1000, 0}, {"b", 0, 0, 0x11000, 0x1000, 0}}},
        {"0x1000", 0, {{"a", 1, 2, 0x9004, 0x100, 0}, {"b", 0, 0, 0x10000, 0x1000, 0}}},
        {"overlaps", 0, {{"a", 1, 2, 0x9000, 0x1001, 0}, {"b", 1, 2, 0xA000, 0x1000, 0}}},
        {"overlaps", 0, {{"a", 1, 2, 0xA000, 0x1000, 0}, {"b", 1, 2, 0x9000, 0x4000, 0}}},
        {"name of another", 0, {{"a", 1, 2, 0x9000, 0x1000, 0}, {"a", 1, 2, 0xA000, 0x1000, 0}}},
        {"second one", 0, {{"a", 1, 0, 0x9000, 0x2000, 0}, {"b", 1, 0, 0xB000, 0x2000, 0}}},
        {"exactly 0x2000", 0, {{"a", 1, 0, 0x9000, 0x1000, 0}, {"b", 1, 2, 0xB000, 0x2000, 0}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct partition_table t = {.count = 2};
        memcpy(t.rows, cases[i].rows, sizeof cases[i].rows);
        enum err e = partition_table_check(&t, cases[i].flash_size);
        assert_int_equal(e, cases[i].says ? ERR_ARG : ERR_OK);
        if (!e) continue;
        assert_string_equal(err_last()->code, "bad_table");
        if (!strstr(err_last()->detail, cases[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err_last()->detail, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tables_of_the_tool_come_out_byte_for_byte_and_go_back),
        cmocka_unit_test(the_longest_tables_fit_and_one_more_row_does_not),
        cmocka_unit_test(a_table_that_was_damaged_is_refused),
        cmocka_unit_test(a_table_without_end_or_start_is_refused),
        cmocka_unit_test(rows_are_found_by_name_and_by_type),
        cmocka_unit_test(csv_means_what_the_tool_makes_of_it),
        cmocka_unit_test(csv_that_makes_no_sense_is_refused_with_its_line),
        cmocka_unit_test(a_96th_row_is_refused),
        cmocka_unit_test(a_table_that_no_board_can_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
