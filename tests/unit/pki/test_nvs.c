#include "tests/unit/pki/golden.h"

#include "service/pki/nvs.h"

enum { FILES = 32, MAX = 256 * 1024 };

struct folder {
    struct buf data[FILES];
    size_t n;
};

static enum err from_folder(const char *name, const uint8_t **data_out, size_t *len_out, void *arg)
{
    struct folder *f = arg;
    f->data[f->n] = golden_file("mfg_nvs", name);
    *data_out = f->data[f->n].data;
    *len_out = f->data[f->n++].len;
    return ERR_OK;
}

static void read_csv(const char *name, struct nvs *out)
{
    struct buf csv = golden_file("mfg_nvs", name);
    struct folder files = {.n = 0};
    nvs_init(out);
    if (nvs_from_csv(buf_str(&csv), csv.len, from_folder, &files, out))
        fail_msg("%s: %s", name, err_last()->detail);
    for (size_t i = 0; i < files.n; i++)
        buf_dispose(&files.data[i]);
    buf_dispose(&csv);
}

static void expect_written(const struct nvs *n, enum nvs_style style, const char *file)
{
    struct buf is, want = golden_file("mfg_nvs", file);
    buf_init(&is, MAX);
    if (nvs_write(n, want.len, style, &is)) fail_msg("%s: %s", file, err_last()->detail);
    expect_same(&is, &want, file);
    buf_dispose(&is);
    buf_dispose(&want);
}

static void expect_equal(const struct nvs *a, const struct nvs *b, const char *what)
{
    if (a->count != b->count) fail_msg("%s: %zu items, not %zu", what, b->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct nvs_item *p = &a->items[i], *q = &b->items[i];
        assert_string_equal(p->space, q->space);
        assert_string_equal(p->key, q->key);
        assert_int_equal(p->type, q->type);
        assert_int_equal(p->number, q->number);
        assert_int_equal(p->bytes.len, q->bytes.len);
        if (p->bytes.len) assert_memory_equal(p->bytes.data, q->bytes.data, p->bytes.len);
    }
}

static void expect_read(const struct nvs *want, const char *file)
{
    struct buf image = golden_file("mfg_nvs", file);
    struct nvs is;
    struct nvs_findings found;
    nvs_init(&is);
    if (nvs_read(image.data, image.len, &is, &found)) fail_msg("%s: %s", file, err_last()->detail);
    expect_equal(want, &is, file);
    assert_int_equal(found.damaged_pages + found.damaged_entries, 0);
    assert_int_equal(found.superseded + found.orphans, 0);
    nvs_dispose(&is);
    buf_dispose(&image);
}

static void expect_refused(const struct nvs *n, size_t size)
{
    struct buf out;
    buf_init(&out, MAX);
    assert_int_equal(nvs_write(n, size, NVS_ROOMY, &out), ERR_TOO_LARGE);
    assert_string_equal(err_last()->code, "nvs_full");
    buf_dispose(&out);
}

static void images_of_both_tools_come_out_byte_for_byte_and_go_back(void **state)
{
    (void)state;
    json_t *manifest = golden_manifest("mfg_nvs"), *c;
    size_t i;
    size_t refused = 0;
    json_array_foreach(json_object_get(manifest, "cases"), i, c)
    {
        const json_t *outputs = json_object_get(c, "outputs");
        const json_t *full = json_object_get(outputs, "idf502");
        const json_t *roomy = json_object_get(outputs, "pip020");
        struct nvs n;
        read_csv(text_of_member(c, "csv"), &n);
        if (json_object_get(full, "error")) {
            refused++;
            expect_refused(&n, (size_t)json_integer_value(json_object_get(c, "partition_size")));
        } else {
            expect_written(&n, NVS_FULL, text_of_member(full, "file"));
            expect_written(&n, NVS_ROOMY, text_of_member(roomy, "file"));
            expect_read(&n, text_of_member(full, "file"));
            expect_read(&n, text_of_member(roomy, "file"));
        }
        nvs_dispose(&n);
    }
    assert_int_equal(i, 21);
    assert_int_equal(refused, 1);
    json_decref(manifest);
}

/* --- a partition as a board left it --- */

enum { PAGE = NVS_PAGE, SIZE = 4 * NVS_PAGE, FIRST = 64, ENTRY = 32 };

struct board {
    struct nvs list;
    struct buf image;
    struct nvs_findings found;
};

static void board_make(struct board *b)
{
    uint8_t blob[5000];
    memset(blob, 'b', sizeof blob);
    nvs_init(&b->list);
    assert_int_equal(nvs_add(&b->list, "factory_param", "uart_tx_pin", NVS_I32, 17, NULL, 0), 0);
    assert_int_equal(nvs_add(&b->list, "factory_param", "name", NVS_STRING, 0, "WROOM", 5), 0);
    assert_int_equal(nvs_add(&b->list, "mqtt_ca", "mqtt_ca", NVS_BLOB, 0, blob, sizeof blob), 0);
    buf_init(&b->image, SIZE);
    assert_int_equal(nvs_write(&b->list, SIZE, NVS_ROOMY, &b->image), 0);
}

static void board_read(struct board *b)
{
    nvs_dispose(&b->list);
    assert_int_equal(nvs_read(b->image.data, SIZE, &b->list, &b->found), ERR_OK);
}

static void board_end(struct board *b)
{
    nvs_dispose(&b->list);
    buf_dispose(&b->image);
}

static uint8_t *entry(struct board *b, size_t page, size_t i)
{
    return b->image.data + page * PAGE + FIRST + i * ENTRY;
}

static void mark(struct board *b, size_t page, size_t i, unsigned state)
{
    uint8_t *byte = b->image.data + page * PAGE + 32 + i / 4;
    *byte = (uint8_t)((*byte & ~(3U << (2 * (i % 4)))) | state << (2 * (i % 4)));
}

static void an_erased_item_is_not_there(void **state)
{
    (void)state;
    struct board b;
    board_make(&b);
    mark(&b, 0, 1, 0); /* the tx pin; entry 0 makes the namespace */
    board_read(&b);
    assert_null(nvs_find(&b.list, "factory_param", "uart_tx_pin"));
    assert_non_null(nvs_find(&b.list, "factory_param", "name"));
    assert_int_equal(b.found.damaged_entries, 0);
    board_end(&b);
}

static void a_damaged_head_or_value_is_passed_over(void **state)
{
    (void)state;
    struct board b;
    board_make(&b);
    entry(&b, 0, 1)[24] ^= 1; /* the tx pin's value: its head does not check any more */
    entry(&b, 0, 3)[0] ^= 1;  /* the name's text: its data does not check */
    board_read(&b);
    assert_null(nvs_find(&b.list, "factory_param", "uart_tx_pin"));
    assert_null(nvs_find(&b.list, "factory_param", "name"));
    assert_int_equal(nvs_find(&b.list, "mqtt_ca", "mqtt_ca")->bytes.len, 5000);
    assert_true(b.found.damaged_entries >= 2);
    board_end(&b);
}

/* The firmware writes the new value, then marks the old one erased: cut off in between, both are
 * there. */
static void of_two_values_the_newer_counts(void **state)
{
    (void)state;
    struct board b;
    board_make(&b);
    uint8_t *page = b.image.data + PAGE;
    size_t free_at = 0;
    while ((page[32 + free_at / 4] >> (2 * (free_at % 4)) & 3) != 3)
        free_at++;
    struct nvs newer;
    struct buf other;
    nvs_init(&newer);
    buf_init(&other, SIZE);
    nvs_add(&newer, "factory_param", "uart_tx_pin", NVS_I32, (uint64_t)-5, NULL, 0);
    assert_int_equal(nvs_write(&newer, SIZE, NVS_ROOMY, &other), 0);
    memcpy(entry(&b, 1, free_at), other.data + FIRST + ENTRY, ENTRY);
    mark(&b, 1, free_at, 2);
    board_read(&b);
    assert_int_equal((int64_t)nvs_find(&b.list, "factory_param", "uart_tx_pin")->number, -5);
    assert_int_equal(b.found.superseded, 1);
    nvs_dispose(&newer);
    buf_dispose(&other);
    board_end(&b);
}

static void a_blob_without_its_index_or_a_chunk_is_not_there(void **state)
{
    (void)state;
    struct board b;
    board_make(&b);
    for (size_t i = 0; i < 126; i++) /* the index lies behind the last chunk, on page 1 */
        if (entry(&b, 1, i)[1] == 0x48) mark(&b, 1, i, 0);
    board_read(&b);
    assert_null(nvs_find(&b.list, "mqtt_ca", "mqtt_ca"));
    assert_int_equal(b.found.orphans, 2);
    board_end(&b);

    board_make(&b);
    mark(&b, 1, 0, 0); /* the second chunk */
    board_read(&b);
    assert_null(nvs_find(&b.list, "mqtt_ca", "mqtt_ca"));
    assert_true(b.found.orphans >= 1);
    board_end(&b);
}

static void pages_count_by_their_number_not_by_their_place(void **state)
{
    (void)state;
    struct board b;
    uint8_t swap[PAGE];
    board_make(&b);
    memcpy(swap, b.image.data, PAGE);
    memcpy(b.image.data, b.image.data + PAGE, PAGE);
    memcpy(b.image.data + PAGE, swap, PAGE);
    board_read(&b);
    assert_int_equal(nvs_find(&b.list, "mqtt_ca", "mqtt_ca")->bytes.len, 5000);
    assert_int_equal(b.found.damaged_pages, 0);
    board_end(&b);
}

static void a_page_that_is_corrupt_or_half_made_is_counted(void **state)
{
    (void)state;
    struct board b;
    board_make(&b);
    memset(b.image.data + 2 * PAGE, 0, 4); /* state: corrupt */
    b.image.data[3 * PAGE + 4] = 7;        /* a sequence number was written, its CRC not */
    board_read(&b);
    assert_int_equal(b.found.damaged_pages, 2);
    assert_int_equal(nvs_find(&b.list, "factory_param", "uart_tx_pin")->number, 17);
    board_end(&b);
}

static void what_is_no_nvs_is_refused(void **state)
{
    (void)state;
    struct board b;
    struct nvs n;
    board_make(&b);
    nvs_init(&n);
    assert_int_equal(nvs_read(b.image.data, 100, &n, &b.found), ERR_ARG);
    assert_string_equal(err_last()->code, "nvs_bad_size");
    assert_int_equal(nvs_read(b.image.data + 2 * PAGE, PAGE, &n, &b.found), ERR_PROTOCOL);
    assert_string_equal(err_last()->code, "not_nvs");
    nvs_dispose(&n);
    board_end(&b);
}

/* --- changing a list --- */

static void a_key_is_replaced_in_its_place_and_all_else_stays(void **state)
{
    (void)state;
    struct board b;
    board_make(&b);
    size_t count = b.list.count;
    assert_int_equal(nvs_set(&b.list, "mqtt_ca", "mqtt_ca", NVS_BLOB, 0, "new", 3), ERR_OK);
    assert_int_equal(b.list.count, count);
    assert_int_equal(nvs_find(&b.list, "mqtt_ca", "mqtt_ca")->bytes.len, 3);
    assert_int_equal(nvs_set(&b.list, "factory_param", "version", NVS_I8, 3, NULL, 0), ERR_OK);
    assert_string_equal(b.list.items[3].key, "version"); /* behind the last of its namespace */
    assert_int_equal(nvs_set(&b.list, "mqtt_key", "mqtt_key", NVS_BLOB, 0, "k", 1), ERR_OK);
    assert_string_equal(b.list.items[b.list.count - 2].space, "mqtt_key");
    assert_int_equal(b.list.items[b.list.count - 2].type, NVS_NAMESPACE);
    assert_int_equal(nvs_remove(&b.list, "factory_param", "name"), ERR_OK);
    assert_int_equal(nvs_remove(&b.list, "factory_param", "name"), ERR_NOT_FOUND);
    board_end(&b);
}

static void expect_bad(enum err e, const char *code)
{
    assert_int_equal(e, ERR_ARG);
    assert_string_equal(err_last()->code, code);
}

static void names_and_values_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct nvs n;
    nvs_init(&n);
    expect_bad(nvs_add(&n, "s", "sixteen_letters_", NVS_U8, 1, NULL, 0), "nvs_bad_name");
    expect_bad(nvs_add(&n, "", "k", NVS_U8, 1, NULL, 0), "nvs_bad_name");
    expect_bad(nvs_add(&n, "s", "k", NVS_U8, 256, NULL, 0), "nvs_bad_value");
    expect_bad(nvs_add(&n, "s", "k", NVS_I8, 128, NULL, 0), "nvs_bad_value");
    expect_bad(nvs_add(&n, "s", "k", NVS_STRING, 0, "a\0b", 3), "nvs_bad_value");
    assert_int_equal(nvs_add(&n, "s", "k", NVS_I8, (uint64_t)-128, NULL, 0), ERR_OK);
    expect_bad(nvs_add(&n, "s", "k", NVS_U8, 1, NULL, 0), "nvs_duplicate");
    nvs_dispose(&n);
}

static void sizes_that_are_no_partition_and_long_strings_are_refused(void **state)
{
    (void)state;
    char text[3968];
    struct nvs n;
    struct buf out;
    memset(text, 'x', sizeof text);
    nvs_init(&n);
    buf_init(&out, MAX);
    assert_int_equal(nvs_write(&n, 0x2000, NVS_ROOMY, &out), ERR_ARG);
    assert_int_equal(nvs_write(&n, 0x3001, NVS_ROOMY, &out), ERR_ARG);
    assert_int_equal(nvs_add(&n, "s", "k", NVS_STRING, 0, text, 3967), ERR_OK);
    assert_int_equal(nvs_write(&n, 0x3000, NVS_ROOMY, &out), ERR_OK);
    buf_reset(&out);
    assert_int_equal(nvs_set(&n, "s", "k", NVS_STRING, 0, text, 3968), ERR_OK);
    assert_int_equal(nvs_write(&n, 0x3000, NVS_ROOMY, &out), ERR_TOO_LARGE);
    assert_string_equal(err_last()->code, "nvs_string_too_long");
    buf_dispose(&out);
    nvs_dispose(&n);
}

/* --- CSV --- */

static void expect_csv(const char *rows, const char *code, const char *said)
{
    char text[512];
    struct nvs n;
    nvs_init(&n);
    int len = snprintf(text, sizeof text, "key,type,encoding,value\n%s", rows);
    enum err e = nvs_from_csv(text, (size_t)len, NULL, NULL, &n);
    assert_int_not_equal(e, ERR_OK);
    assert_string_equal(err_last()->code, code);
    if (!strstr(err_last()->detail, said)) fail_msg("%s", err_last()->detail);
    nvs_dispose(&n);
}

static void rows_that_mean_nothing_are_refused_with_their_line(void **state)
{
    (void)state;
    expect_csv("a,data,u8,1\n", "bad_csv", "line 2");
    expect_csv("s,namespace,,\n\n\na,data,u8,x\n", "bad_csv", "line 5");
    expect_csv("s,namespace,,\na,data,u9,1\n", "bad_csv", "u9");
    expect_csv("s,namespace,,\na,what,string,1\n", "bad_csv", "what");
    expect_csv("s,namespace,,\na,data,hex2bin,abc\n", "bad_csv", "odd");
    expect_csv("s,namespace,,\na,data,hex2bin,zz\n", "bad_csv", "hexadecimal");
    expect_csv("s,namespace,,\na,data,base64,!!!\n", "bad_csv", "base64");
    expect_csv("s,namespace,,\na,data,string,\"open\n", "bad_csv", "quote");
    expect_csv("s,namespace,,\na,file,binary,no.pem\n", "nvs_file_missing", "no.pem");
    expect_csv("s,namespace,,\na,data,u64,18446744073709551616\n", "bad_csv", "fit");
    expect_csv("a_namespace_of_far_more_than_sixteen_letters,namespace,,\n", "bad_csv", "long");
    struct nvs n;
    nvs_init(&n);
    assert_int_equal(nvs_from_csv("a,b\n", 4, NULL, NULL, &n), ERR_ARG);
    assert_int_equal(nvs_from_csv("", 0, NULL, NULL, &n), ERR_ARG);
    nvs_dispose(&n);
}

/* nvs_file_fn: whatever is asked for, the same 64 KiB */
static enum err one_large_file(const char *name, const uint8_t **data_out, size_t *len_out,
                               void *arg)
{
    (void)name;
    *data_out = arg;
    *len_out = (size_t)64 * 1024;
    return ERR_OK;
}

static void rows_for_more_than_any_partition_holds_are_refused_as_they_come(void **state)
{
    (void)state;
    uint8_t *large = calloc(1, (size_t)64 * 1024);
    struct buf text;
    struct nvs n;
    assert_non_null(large);
    buf_init(&text, (size_t)1024 * 1024);
    buf_puts(&text, "key,type,encoding,value\ns,namespace,,\n");
    for (unsigned i = 0; i < 10000; i++)
        buf_printf(&text, "%u,file,binary,f\n", i);
    nvs_init(&n);
    enum err e = nvs_from_csv(buf_str(&text), text.len, one_large_file, large, &n);
    assert_true(err_is(e, "nvs_full"));
    assert_true(n.count <= 1 + NVS_SIZE_MAX / (64 * 1024));
    nvs_dispose(&n);
    buf_dispose(&text);
    free(large);
}

static void values_are_decoded(void **state)
{
    (void)state;
    static const char text[] = "key,type,encoding,value\r\ns,namespace,,\r\n"
                               "q,data,string,\"a,\"\"b\"\"\"\r\nh,data,hex2bin, 00fF \r\n"
                               "b,data,base64,AQID\r\nn,data,i64,-9223372036854775808\r\n";
    struct nvs n;
    nvs_init(&n);
    assert_int_equal(nvs_from_csv(text, sizeof text - 1, NULL, NULL, &n), ERR_OK);
    assert_string_equal(buf_str(&nvs_find(&n, "s", "q")->bytes), "a,\"b\"");
    assert_memory_equal(nvs_find(&n, "s", "h")->bytes.data, "\x00\xff", 2);
    assert_memory_equal(nvs_find(&n, "s", "b")->bytes.data, "\x01\x02\x03", 3);
    assert_true((int64_t)nvs_find(&n, "s", "n")->number == INT64_MIN);
    nvs_dispose(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_of_both_tools_come_out_byte_for_byte_and_go_back),
        cmocka_unit_test(an_erased_item_is_not_there),
        cmocka_unit_test(a_damaged_head_or_value_is_passed_over),
        cmocka_unit_test(of_two_values_the_newer_counts),
        cmocka_unit_test(a_blob_without_its_index_or_a_chunk_is_not_there),
        cmocka_unit_test(pages_count_by_their_number_not_by_their_place),
        cmocka_unit_test(a_page_that_is_corrupt_or_half_made_is_counted),
        cmocka_unit_test(what_is_no_nvs_is_refused),
        cmocka_unit_test(a_key_is_replaced_in_its_place_and_all_else_stays),
        cmocka_unit_test(names_and_values_that_do_not_fit_are_refused),
        cmocka_unit_test(sizes_that_are_no_partition_and_long_strings_are_refused),
        cmocka_unit_test(rows_that_mean_nothing_are_refused_with_their_line),
        cmocka_unit_test(rows_for_more_than_any_partition_holds_are_refused_as_they_come),
        cmocka_unit_test(values_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
