/* Zips that are odd, damaged or hostile; those as they are shipped are in test_firmware.c. */
#include "tests/unit/firmware/samples.h"

#include <sys/stat.h>
#include <zip.h>

#include "service/base/limits.h"

enum { FILES = 8 };

struct entry {
    const char *name, *text;
    size_t n;     /* 0 = of the text */
    int method;   /* 0 = as libzip likes it */
    bool encrypt; /* with a password */
};

#define TEXT(file, says)                                                                           \
    {                                                                                              \
        .name = (file), .text = (says)                                                             \
    }
#define BYTES(file, bytes, count)                                                                  \
    {                                                                                              \
        .name = (file), .text = (bytes), .n = (count)                                              \
    }

static void zip_write(const char *name, const struct entry entries[FILES])
{
    char path[FOLDER_FILE];
    zip_t *z = zip_open(sample_path(name, path), ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(z);
    for (size_t i = 0; i < FILES && entries[i].name; i++) {
        const struct entry *e = &entries[i];
        zip_source_t *s = zip_source_buffer(z, e->text, e->n ? e->n : strlen(e->text), 0);
        zip_int64_t index = zip_file_add(z, e->name, s, ZIP_FL_ENC_UTF_8);
        assert_true(index >= 0);
        if (e->method)
            assert_int_equal(zip_set_file_compression(z, (zip_uint64_t)index, e->method, 0), 0);
        if (e->encrypt)
            assert_int_equal(
                zip_file_set_encryption(z, (zip_uint64_t)index, ZIP_EM_AES_256, "password"), 0);
    }
    if (zip_close(z)) fail_msg("%s", zip_strerror(z));
}

static void expect_zip_refused(const struct entry entries[FILES], const char *code)
{
    struct firmware_info f;
    char path[FOLDER_FILE];
    zip_write("test.zip", entries);
    expect_refused(sample_read("test.zip", &f), ERR_ARG, code);
    assert_int_not_equal(access(sample_content("test.zip", path), F_OK), 0);
}

static const char config[] = "--flash_size 1MB 0x1000 a.bin 0x2000 sub/b.bin";

static void expect_a_and_b(void)
{
    struct firmware_info f;
    if (sample_read("test.zip", &f)) fail_msg("%s", err_last()->detail);
    assert_int_equal(f.kind, FIRMWARE_RELEASE);
    assert_int_equal(f.part_count, 2);
    assert_string_equal(f.parts[0].name, "a.bin");
    assert_string_equal(f.parts[1].name, "sub/b.bin");
    assert_int_equal(f.flash_bytes, 1 << 20);
    assert_string_equal(f.chip, "");
    struct buf content = sample_bytes("test.zip.content");
    assert_string_equal(buf_str(&content), "AAAABBB");
    buf_dispose(&content);
}

static void a_release_needs_no_more_than_its_parts(void **state)
{
    (void)state;
    zip_write("test.zip", (struct entry[FILES]){TEXT("sub/b.bin", "BBB"), TEXT("a.bin", "AAAA"),
                                                TEXT("download.config", config)});
    expect_a_and_b();
}

static void folders_around_everything_do_not_matter(void **state)
{
    (void)state;
    zip_write("test.zip",
              (struct entry[FILES]){TEXT("x/y/sub/b.bin", "BBB"),
                                    TEXT("a.bin", "not this one"),
                                    {.name = "x/y/a.bin", .text = "AAAA", .method = ZIP_CM_STORE},
                                    TEXT("x/y/old/download.config", "not this one"),
                                    TEXT("x/y/download.config", config)});
    expect_a_and_b();
}

static void download_config_comes_before_flasher_args(void **state)
{
    (void)state;
    zip_write("test.zip", (struct entry[FILES]){TEXT("flasher_args.json", "not this one"),
                                                TEXT("sub/b.bin", "BBB"), TEXT("a.bin", "AAAA"),
                                                TEXT("download.config", config)});
    expect_a_and_b();
}

static void a_zip_of_something_else_is_refused(void **state)
{
    (void)state;
    expect_zip_refused((struct entry[FILES]){TEXT("letter.txt", "Dear Sir")}, "release_no_parts");
    expect_zip_refused((struct entry[FILES]){TEXT("download.config/x", "0x0 x")},
                       "release_no_parts");
    expect_zip_refused((struct entry[FILES]){TEXT("factory_.bin", "x")}, "release_no_parts");
    expect_zip_refused((struct entry[FILES]){TEXT("factory_A.bin", "no image")},
                       "release_no_parts");
    expect_zip_refused(
        (struct entry[FILES]){TEXT("factory_A.bin", "x"), TEXT("factory_B.bin", "y")},
        "release_no_parts");
    struct firmware_info f;
    sample_write("none.zip", "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
    expect_refused(sample_read("none.zip", &f), ERR_ARG, "release_no_parts");
}

static void two_releases_in_one_are_refused(void **state)
{
    (void)state;
    expect_zip_refused(
        (struct entry[FILES]){TEXT("one/a.bin", "A"), TEXT("one/download.config", "0 a.bin"),
                              TEXT("two/a.bin", "A"), TEXT("two/download.config", "0 a.bin")},
        "release_bad_parts");
}

static void parts_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const listings[] = {
        "0x1000 missing.bin",
        "0x1000 ../a.bin",
        "0x1000 /a.bin",
        "0x1000 a.bin 0x1800 sub/b.bin",
        "0x1000 two_sectors.bin 0x2000 a.bin",
        "0x1000 empty.bin",
        "--flash_size 1MB 0x100000 a.bin",
        "--flash_size 1MB 0xff000 two_sectors.bin",
        "0xfffff000 two_sectors.bin",
        "",
    };
    char two_sectors[4097];
    memset(two_sectors, 'x', sizeof two_sectors - 1);
    two_sectors[sizeof two_sectors - 1] = '\0';
    for (size_t i = 0; i < sizeof listings / sizeof *listings; i++)
        expect_zip_refused((struct entry[FILES]){TEXT("a.bin", "AAAA"), TEXT("sub/b.bin", "BBB"),
                                                 TEXT("empty.bin", ""),
                                                 BYTES("two_sectors.bin", two_sectors, 4097),
                                                 TEXT("download.config", listings[i])},
                           "release_bad_parts");
}

static void a_listing_without_end_is_refused(void **state)
{
    (void)state;
    char *text = calloc(1, 70000);
    memset(text, ' ', 69999);
    expect_zip_refused((struct entry[FILES]){TEXT("download.config", text)}, "release_bad_parts");
    free(text);
}

/* A release whose app is larger than its partition, made from a good one. */
static void a_part_larger_than_its_partition_is_refused(void **state)
{
    (void)state;
    static const char layout[] = "0x8000 table.bin 0x20000 at.bin 0x37000 cert.bin";
    struct buf table, user;
    struct partition_table primary = {
        .rows = {{.name = "at_customize", .type = 0x40, .offset = 0x20000, .size = 0xe0000}},
        .count = 1};
    struct partition_table second = {
        .rows =
            {{.name = "mqtt_cert", .type = 0x40, .subtype = 1, .offset = 0x37000, .size = 0x1000}},
        .count = 1};
    buf_init(&table, 4096);
    buf_init(&user, 4096);
    assert_int_equal(partition_table_build(&primary, false, &table), ERR_OK);
    assert_int_equal(partition_table_build(&second, true, &user), ERR_OK);
    char cert[4098];
    memset(cert, 'c', sizeof cert);
    struct entry entries[FILES] = {
        TEXT("download.config", layout), BYTES("table.bin", (const char *)table.data, table.len),
        BYTES("at.bin", (const char *)user.data, user.len), BYTES("cert.bin", cert, 4096)};
    struct firmware_info f;
    zip_write("test.zip", entries);
    assert_int_equal(sample_read("test.zip", &f), ERR_OK);
    assert_int_equal(f.table.count, 1);
    assert_int_equal(f.user.count, 1);
    entries[3].n = 4097;
    expect_zip_refused(entries, "release_bad_parts");
    buf_dispose(&table);
    buf_dispose(&user);
}

static void what_is_packed_in_another_way_is_refused(void **state)
{
    (void)state;
    expect_zip_refused(
        (struct entry[FILES]){{.name = "a.bin", .text = "AAAA", .method = ZIP_CM_BZIP2},
                              TEXT("download.config", "0 a.bin")},
        "zip_unsupported");
    expect_zip_refused((struct entry[FILES]){{.name = "a.bin", .text = "AAAA", .encrypt = true},
                                             TEXT("download.config", "0 a.bin")},
                       "zip_unsupported");
}

/* --- damage --- */

static void a_zip_that_was_cut_or_changed_is_refused(void **state)
{
    (void)state;
    struct firmware_info f;
    zip_write("test.zip",
              (struct entry[FILES]){{.name = "a.bin", .text = "AAAA", .method = ZIP_CM_STORE},
                                    TEXT("download.config", "0 a.bin")});
    struct buf whole = sample_bytes("test.zip");
    for (size_t n = 4; n < whole.len; n++) {
        sample_write("cut.zip", whole.data, n);
        expect_refused(sample_read("cut.zip", &f), ERR_ARG, "zip_damaged");
    }
    uint8_t *a = memmem(whole.data, whole.len, "AAAA", 4);
    assert_non_null(a);
    a[0] = 'B';
    sample_write("changed.zip", whole.data, whole.len);
    expect_refused(sample_read("changed.zip", &f), ERR_ARG, "zip_damaged");
    buf_dispose(&whole);
}

/* --- bombs --- */

static void what_unpacks_beyond_the_limit_is_refused_whatever_the_zip_declares(void **state)
{
    (void)state;
    enum { HALF = LIMIT_FIRMWARE / 2, SIZE_IN_DIRECTORY = 24 };
    struct firmware_info f;
    char *zeros = calloc(1, HALF + 1);
    zip_write("test.zip",
              (struct entry[FILES]){TEXT("download.config", "0 a.bin 0x3000000 b.bin"),
                                    BYTES("a.bin", zeros, HALF), BYTES("b.bin", zeros, HALF + 1)});
    free(zeros);
    struct buf zip = sample_bytes("test.zip");
    assert_true(zip.len < 200 * 1024);
    expect_refused(sample_read("test.zip", &f), ERR_ARG, "firmware_too_large");
    uint8_t *last = NULL;
    for (uint8_t *p = zip.data; (p = memmem(p, zip.len - (size_t)(p - zip.data), "PK\1\2", 4)); p++)
        last = p;
    assert_non_null(last);
    le32_put(last + SIZE_IN_DIRECTORY, 1); /* a lie */
    sample_write("lie.zip", zip.data, zip.len);
    expect_refused(sample_read("lie.zip", &f), ERR_ARG, "firmware_too_large");
    buf_dispose(&zip);
}

static void a_zip_of_many_files_is_refused(void **state)
{
    (void)state;
    char path[FOLDER_FILE];
    struct firmware_info f;
    zip_t *z = zip_open(sample_path("many.zip", path), ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(z);
    for (unsigned i = 0; i < 2001; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        assert_true(zip_file_add(z, name, zip_source_buffer(z, "x", 1, 0), 0) >= 0);
    }
    assert_int_equal(zip_close(z), 0);
    expect_refused(sample_read("many.zip", &f), ERR_ARG, "firmware_too_large");
}

/* Its directory is not even read: opening it would take hundreds of megabytes. */
static void a_zip_of_the_large_form_is_refused_unopened(void **state)
{
    (void)state;
    enum { LOCATOR_AT = 100, END_AT = LOCATOR_AT + 20 };
    uint8_t zip[END_AT + 22] = "PK\3\4";
    struct firmware_info f;
    memcpy(zip + LOCATOR_AT, "PK\6\7", 4);
    memcpy(zip + END_AT, "PK\5\6", 4);
    memset(zip + END_AT + 8, 0xff, 12);
    sample_write("large_form.zip", zip, sizeof zip);
    expect_refused(sample_read("large_form.zip", &f), ERR_ARG, "firmware_too_large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_release_needs_no_more_than_its_parts),
        cmocka_unit_test(folders_around_everything_do_not_matter),
        cmocka_unit_test(download_config_comes_before_flasher_args),
        cmocka_unit_test(a_zip_of_something_else_is_refused),
        cmocka_unit_test(two_releases_in_one_are_refused),
        cmocka_unit_test(parts_that_cannot_be_are_refused),
        cmocka_unit_test(a_listing_without_end_is_refused),
        cmocka_unit_test(a_part_larger_than_its_partition_is_refused),
        cmocka_unit_test(what_is_packed_in_another_way_is_refused),
        cmocka_unit_test(a_zip_that_was_cut_or_changed_is_refused),
        cmocka_unit_test(what_unpacks_beyond_the_limit_is_refused_whatever_the_zip_declares),
        cmocka_unit_test(a_zip_of_many_files_is_refused),
        cmocka_unit_test(a_zip_of_the_large_form_is_refused_unopened),
    };
    return cmocka_run_group_tests(tests, samples_start_empty, samples_end);
}
