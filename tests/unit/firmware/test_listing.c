#include "tests/unit/firmware/samples.h"

#include "service/firmware/listing.h"

static void expect_usual(const struct listing *l)
{
    assert_int_equal(l->count, 3);
    assert_int_equal(l->flash_bytes, 4 << 20);
    assert_int_equal(l->rows[0].offset, 0x1000);
    assert_string_equal(l->rows[0].path, "bootloader/bootloader.bin");
    assert_int_equal(l->rows[1].offset, 0x8000);
    assert_string_equal(l->rows[1].path, "partition_table/partition-table.bin");
    assert_int_equal(l->rows[2].offset, 0x100000);
    assert_string_equal(l->rows[2].path, "esp-at.bin");
}

static void each_way_of_writing_it_reads_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "--flash_mode dio --flash_freq 40m --flash_size 4MB\n"
        "0x8000 partition_table/partition-table.bin\n0x1000 bootloader/bootloader.bin\n"
        "0x100000 esp-at.bin\n",
        "--flash_mode dio --flash_freq 40m --flash_size 4MB 0x8000 "
        "partition_table/partition-table.bin 0x1000 bootloader/bootloader.bin 0x100000 esp-at.bin",
        "--flash-mode dio --flash-freq 40m --flash-size 4MB\r\n0x100000 esp-at.bin\r\n"
        "0x1000 bootloader/bootloader.bin\r\n\r\n0X8000 partition_table/partition-table.bin\r\n",
        "--force --flash_size 4MB -z 4096 bootloader/bootloader.bin 32768 "
        "partition_table/partition-table.bin 1048576 esp-at.bin",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct listing l;
        assert_int_equal(listing_from_config(texts[i], strlen(texts[i]), &l), ERR_OK);
        expect_usual(&l);
    }
}

static void flasher_args_reads_the_same(void **state)
{
    (void)state;
    static const char text[] =
        "{\"write_flash_args\": [\"--flash_mode\", \"dio\"], \"flash_settings\": {\"flash_mode\": "
        "\"dio\", \"flash_size\": \"4MB\"}, \"flash_files\": {\"0x8000\": "
        "\"partition_table/partition-table.bin\", \"0x1000\": \"bootloader/bootloader.bin\", "
        "\"0x100000\": \"esp-at.bin\"}, \"app\": {\"offset\": \"0x100000\"}}";
    struct listing l;
    assert_int_equal(listing_from_json(text, strlen(text), &l), ERR_OK);
    expect_usual(&l);
}

static void a_size_that_is_not_told_is_not_known(void **state)
{
    (void)state;
    static const char *const texts[] = {"0x1000 a", "--flash_size keep 0x1000 a",
                                        "--flash_size detect 0x1000 a",
                                        "--flash_mode 4MB 0x1000 a"};
    struct listing l;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(listing_from_config(texts[i], strlen(texts[i]), &l), ERR_OK);
        assert_int_equal(l.flash_bytes, 0);
    }
    static const char no_settings[] = "{\"flash_files\": {\"0\": \"a\"}}";
    assert_int_equal(listing_from_json(no_settings, strlen(no_settings), &l), ERR_OK);
    assert_int_equal(l.flash_bytes, 0);
}

static void what_is_no_listing_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "--flash_size 4MB",
        "0x1000",
        "bootloader.bin 0x1000",
        "0x1001 a",
        "0x1000 a 0x1000 b",
        "0x1000 a 0x2000 b 0x1000 c",
        "0x100000000 a",
        "-0x1000 a",
        "0x a",
        "0x1000 a b",
        "4MB --flash_size 0x1000 a",
        "0x1000 \x01",
        "0x1000 b\xc3\xa4r",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct listing l;
        expect_refused(listing_from_config(texts[i], strlen(texts[i]), &l), ERR_ARG,
                       "release_bad_parts");
    }
    static const char *const objects[] = {
        "{",
        "[]",
        "{\"flash_files\": {\"0x1000\": 1}}",
        "{\"flash_files\": {\"x\": \"a\"}}",
        "{}",
        "{\"flash_files\": {}}",
        "{\"flash_files\": []}",
        "{\"flash_files\": {\"0x1000\": \"\"}}",
    };
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        struct listing l;
        expect_refused(listing_from_json(objects[i], strlen(objects[i]), &l), ERR_ARG,
                       "release_bad_parts");
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    struct listing l;
    expect_refused(listing_from_config("0x1000 a\0b", 10, &l), ERR_ARG, "release_bad_parts");
    expect_refused(listing_from_config("\0", 1, &l), ERR_ARG, "release_bad_parts");
    char path[300] = "0x1000 ";
    memset(path + 7, 'a', 159);
    assert_int_equal(listing_from_config(path, strlen(path), &l), ERR_OK);
    path[7 + 159] = 'a';
    expect_refused(listing_from_config(path, strlen(path), &l), ERR_ARG, "release_bad_parts");
}

static void as_many_parts_as_there_is_room_for(void **state)
{
    (void)state;
    struct buf text;
    struct listing l;
    buf_init(&text, 8192);
    for (unsigned i = 0; i < FIRMWARE_PARTS; i++)
        buf_printf(&text, "0x%x part%u ", (FIRMWARE_PARTS - i) * 0x1000, i);
    assert_int_equal(listing_from_config(buf_str(&text), text.len, &l), ERR_OK);
    assert_int_equal(l.count, FIRMWARE_PARTS);
    for (unsigned i = 0; i < FIRMWARE_PARTS; i++)
        assert_int_equal(l.rows[i].offset, (i + 1) * 0x1000);
    buf_puts(&text, "0x0 one_too_many");
    expect_refused(listing_from_config(buf_str(&text), text.len, &l), ERR_ARG, "release_bad_parts");
    buf_dispose(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_of_writing_it_reads_the_same),
        cmocka_unit_test(flasher_args_reads_the_same),
        cmocka_unit_test(a_size_that_is_not_told_is_not_known),
        cmocka_unit_test(what_is_no_listing_is_refused),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(as_many_parts_as_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
