#include "tests/unit/firmware/samples.h"

#include <sys/stat.h>

#include "service/base/limits.h"

static void expect_read(const char *name, struct firmware_info *out)
{
    if (sample_read(name, out)) fail_msg("%s: %s", name, err_last()->detail);
}

static void expect_shown(const char *name, const struct firmware_info *f, const json_t *want)
{
    json_t *is = firmware_to_json(f);
    char *a = json_dumps(is, JSON_INDENT(1) | JSON_SORT_KEYS);
    char *b = json_dumps(want, JSON_INDENT(1) | JSON_SORT_KEYS);
    if (!json_equal(is, want)) fail_msg("%s is\n%s\nnot\n%s", name, a, b);
    free(a);
    free(b);
    json_decref(is);
}

/* Each part's bytes are where the firmware says. */
static void expect_content(const char *name, const struct firmware_info *f)
{
    uint64_t end = 0;
    struct stat st;
    int fd = sample_open_content(name);
    for (size_t i = 0; i < f->part_count; i++) {
        assert_int_equal(f->parts[i].at, end);
        end += f->parts[i].size;
    }
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, end);
    close(fd);
}

static void every_sample_is_what_its_maker_says(void **state)
{
    (void)state;
    const char *name;
    json_t *want;
    json_object_foreach(samples_manifest, name, want)
    {
        struct firmware_info f;
        expect_read(name, &f);
        expect_shown(name, &f, want);
        expect_content(name, &f);
    }
    assert_true(json_object_size(samples_manifest) >= 20);
}

static void what_is_stored_is_read_back(void **state)
{
    (void)state;
    const char *name;
    json_t *want;
    json_object_foreach(samples_manifest, name, want)
    {
        struct firmware_info f, back;
        expect_read(name, &f);
        assert_int_equal(firmware_from_json(want, &back), ERR_OK);
        expect_shown(name, &back, want);
        assert_int_equal(back.part_count, f.part_count);
        for (size_t i = 0; i < f.part_count; i++)
            assert_int_equal(back.parts[i].at, f.parts[i].at);
    }
}

static void what_was_not_stored_so_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
    } wrong[] = {
        {"kind", "\"other\""},
        {"chip", "17"},
        {"flash_bytes", "-1"},
        {"flash_bytes", "4294967296"},
        {"parts", "[]"},
        {"parts", "[{\"name\": \"a\", \"offset\": 0}]"},
        {"version", "\"123456789012345678901234567890123\""},
        {"partitions", "[]"},
        {"user_partitions", "[{\"name\": \"a\"}]"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct firmware_info f;
        json_t *j = json_deep_copy(json_object_get(samples_manifest, "lines.zip"));
        json_object_set_new(j, wrong[i].key, json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
        expect_refused(firmware_from_json(j, &f), ERR_INTERNAL, "internal");
        assert_int_equal(f.part_count, 0);
        json_decref(j);
    }
}

static void a_plain_upload_is_its_own_content(void **state)
{
    (void)state;
    struct firmware_info f;
    struct stat upload, content;
    char path[FOLDER_FILE];
    expect_read("esp32-v2.4.bin", &f);
    assert_int_equal(stat(sample_path("esp32-v2.4.bin", path), &upload), 0);
    assert_int_equal(stat(sample_content("esp32-v2.4.bin", path), &content), 0);
    assert_int_equal(upload.st_ino, content.st_ino);
}

static void a_release_is_unpacked_byte_for_byte(void **state)
{
    (void)state;
    struct firmware_info f;
    struct buf flash = sample_bytes("esp32-v2.4.bin"), content;
    expect_read("lines.zip", &f);
    content = sample_bytes("lines.zip.content");
    for (size_t i = 0; i < f.part_count; i++)
        assert_memory_equal(content.data + f.parts[i].at, flash.data + f.parts[i].offset,
                            f.parts[i].size);
    buf_dispose(&flash);
    buf_dispose(&content);
}

/* --- what looks like a factory image and is none --- */

/* Change a factory image and tell what it is then. */
static enum firmware_kind kind_after(uint32_t at, const void *bytes, size_t n,
                                     struct firmware_info *out)
{
    struct buf flash = sample_bytes("esp32-v2.4.bin");
    memcpy(flash.data + at, bytes, n);
    sample_write("changed.bin", flash.data, flash.len);
    buf_dispose(&flash);
    expect_read("changed.bin", out);
    return out->kind;
}

static void without_table_or_bootloader_it_is_a_binary(void **state)
{
    (void)state;
    struct firmware_info f;
    assert_int_equal(kind_after(0x1000, "\xff", 1, &f), FIRMWARE_BINARY);
    assert_string_equal(f.chip, "esp32"); /* its app says so */
    assert_int_equal(f.table.count, 0);
    assert_int_equal(f.user.count, 0);
    assert_int_equal(kind_after(0x8000, "\xff", 1, &f), FIRMWARE_BINARY);
    assert_int_equal(kind_after(0x100c, "\x05", 1, &f), FIRMWARE_BINARY); /* a C3's boots at 0 */
    assert_int_equal(kind_after(0x100c, "\x63", 1, &f), FIRMWARE_BINARY); /* no chip's number */
    assert_int_equal(f.flash_bytes, 0);
}

static void a_header_smaller_than_the_image_does_not_count(void **state)
{
    (void)state;
    struct firmware_info f;
    assert_int_equal(kind_after(0x1003, "\x10", 1, &f), FIRMWARE_FACTORY); /* 2 MB */
    assert_int_equal(f.flash_bytes, 4 << 20);
    assert_int_equal(kind_after(0x1003, "\x40", 1, &f), FIRMWARE_FACTORY); /* 16 MB */
    assert_int_equal(f.flash_bytes, 16 << 20);
}

static void an_image_that_was_cut_belongs_to_the_next_larger_flash(void **state)
{
    (void)state;
    struct firmware_info f;
    struct buf flash = sample_bytes("esp32-v2.4.bin");
    flash.data[0x1003] = 0xf0; /* no size */
    sample_write("cut.bin", flash.data, 0x210000);
    buf_dispose(&flash);
    expect_read("cut.bin", &f);
    assert_int_equal(f.kind, FIRMWARE_FACTORY);
    assert_int_equal(f.flash_bytes, 4 << 20);
    assert_int_equal(f.parts[0].size, 0x210000);
}

static void texts_are_cut_where_they_are_none(void **state)
{
    (void)state;
    struct firmware_info f;
    enum { VERSION_AT = 0x100030, IDF_AT = 0x100090 };
    kind_after(VERSION_AT, "2.4.0\n\x1b[2J", 10, &f);
    assert_string_equal(f.version, "2.4.0");
    char full[32];
    memset(full, 'v', sizeof full);
    kind_after(IDF_AT, full, sizeof full, &f);
    assert_int_equal(strlen(f.idf), 32);
    kind_after(VERSION_AT - 16, "\0", 1, &f); /* another magic word: no description */
    assert_string_equal(f.version, "");
    assert_string_equal(f.chip, "esp32");
}

static void a_number_that_no_chip_has_tells_none(void **state)
{
    (void)state;
    static const struct {
        uint16_t id;
        const char *chip;
    } cases[] = {{9, "esp32s3"}, {18, "esp32p4"}, {99, ""}, {0xffff, ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct firmware_info f;
        struct buf app = sample_bytes("app.bin");
        le16_put(app.data + 12, cases[i].id);
        sample_write("changed.bin", app.data, app.len);
        buf_dispose(&app);
        expect_read("changed.bin", &f);
        assert_int_equal(f.kind, FIRMWARE_BINARY);
        assert_string_equal(f.chip, cases[i].chip);
    }
}

static void a_name_is_shown_as_plain_text(void **state)
{
    (void)state;
    struct firmware_info f;
    char upload[FOLDER_FILE], content[FOLDER_FILE], longest[200];
    sample_path("ca.bin", upload);
    sample_path("name.content", content);
    assert_int_equal(firmware_read(upload, content,
                                   "gr\xc3\xb6\xc3\x9f"
                                   "e\n.bin",
                                   &f),
                     ERR_OK);
    assert_string_equal(f.parts[0].name, "gr????e?.bin");
    unlink(content);
    memset(longest, 'n', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(firmware_read(upload, content, longest, &f), ERR_OK);
    assert_int_equal(strlen(f.parts[0].name), 95);
}

/* --- refused --- */

static void expect_no_content(const char *name)
{
    char path[FOLDER_FILE];
    assert_int_not_equal(access(sample_content(name, path), F_OK), 0);
}

static void an_empty_file_and_one_too_large_are_refused(void **state)
{
    (void)state;
    struct firmware_info f;
    char path[FOLDER_FILE];
    sample_write("empty", "", 0);
    expect_refused(sample_read("empty", &f), ERR_ARG, "firmware_empty");
    expect_no_content("empty");
    sample_write("large", "x", 1);
    assert_int_equal(truncate(sample_path("large", path), (off_t)LIMIT_FIRMWARE + 1), 0);
    expect_refused(sample_read("large", &f), ERR_ARG, "firmware_too_large");
    expect_no_content("large");
    assert_int_equal(truncate(path, LIMIT_FIRMWARE), 0);
    assert_int_equal(sample_read("large", &f), ERR_OK);
}

static void what_is_there_already_is_not_touched(void **state)
{
    (void)state;
    struct firmware_info f;
    char zip[FOLDER_FILE], bin[FOLDER_FILE], content[FOLDER_FILE];
    sample_write("mine", "mine", 4);
    sample_path("mine", content);
    assert_int_equal(firmware_read(sample_path("json.zip", zip), content, "n", &f), ERR_IO);
    assert_int_equal(firmware_read(sample_path("ca.bin", bin), content, "n", &f), ERR_IO);
    struct buf is = sample_bytes("mine");
    assert_string_equal(buf_str(&is), "mine");
    buf_dispose(&is);
    assert_int_equal(firmware_read("/nonexistent/upload", content, "n", &f), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_is_what_its_maker_says),
        cmocka_unit_test(what_is_stored_is_read_back),
        cmocka_unit_test(what_was_not_stored_so_is_refused),
        cmocka_unit_test(a_plain_upload_is_its_own_content),
        cmocka_unit_test(a_release_is_unpacked_byte_for_byte),
        cmocka_unit_test(without_table_or_bootloader_it_is_a_binary),
        cmocka_unit_test(a_header_smaller_than_the_image_does_not_count),
        cmocka_unit_test(an_image_that_was_cut_belongs_to_the_next_larger_flash),
        cmocka_unit_test(texts_are_cut_where_they_are_none),
        cmocka_unit_test(a_number_that_no_chip_has_tells_none),
        cmocka_unit_test(a_name_is_shown_as_plain_text),
        cmocka_unit_test(an_empty_file_and_one_too_large_are_refused),
        cmocka_unit_test(what_is_there_already_is_not_touched),
    };
    return cmocka_run_group_tests(tests, samples_start, samples_end);
}
