#include "tests/unit/firmware/samples.h"

#include "service/firmware/compose.h"
#include "service/firmware/guard.h"
#include "service/pki/nvs.h"

enum { ALL = GUARD_BOOTLOADER | GUARD_TABLE | GUARD_NVS, MB4 = 4 * 1024 * 1024 };

/* The stock table of an ESP32 in short. */
static const struct partition_table board_table = {
    .rows = {{.name = "otadata", .type = 1, .subtype = 0, .offset = 0x10000, .size = 0x2000},
             {.name = "nvs", .type = 1, .subtype = 2, .offset = 0x12000, .size = 0xe000},
             {.name = "at_customize", .type = 0x40, .offset = 0x20000, .size = 0xe0000},
             {.name = "ota_0", .type = 0, .subtype = 0x10, .offset = 0x100000, .size = 0x180000}},
    .count = 4};

static struct guard esp32(unsigned allowed)
{
    return (struct guard){.chip = "esp32",
                          .revision = 300,
                          .revision_known = true,
                          .flash_bytes = MB4,
                          .bootloader_offset = 0x1000,
                          .table_offset = 0x8000,
                          .table = &board_table,
                          .allowed = allowed};
}

/* --- ranges --- */

static void areas_have_names(void **state)
{
    (void)state;
    enum guard_area a;
    assert_string_equal(guard_area_name(GUARD_BOOTLOADER), "bootloader");
    assert_string_equal(guard_area_name(GUARD_TABLE), "partition_table");
    assert_true(guard_area_parse("nvs", &a));
    assert_int_equal(a, GUARD_NVS);
    assert_false(guard_area_parse("", &a));
    assert_false(guard_area_parse("NVS", &a));
}

static void a_range_that_hits_an_area_is_refused_with_its_name(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, size;
        enum guard_area area;
    } cases[] = {
        {0x1000, 1, GUARD_BOOTLOADER}, {0, 0x1001, GUARD_BOOTLOADER},
        {0x7fff, 1, GUARD_BOOTLOADER}, {0x8000, 1, GUARD_TABLE},
        {0x8fff, 1, GUARD_TABLE},      {0x9000 - 1, 0x1000, GUARD_TABLE},
        {0x10000, 0x2000, GUARD_NVS},  {0x1ffff, 2, GUARD_NVS},
        {0xf800, 0x801, GUARD_NVS},    {0x12000, 0xe000, GUARD_NVS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guard g = esp32(ALL & ~(unsigned)cases[i].area), all = esp32(ALL);
        expect_refused(guard_range(&g, cases[i].offset, cases[i].size), ERR_ARG, "would_overwrite");
        assert_non_null(strstr(err_last()->detail, guard_area_name(cases[i].area)));
        assert_int_equal(guard_range(&all, cases[i].offset, cases[i].size), ERR_OK);
    }
}

static void what_lies_between_the_areas_is_free(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, size;
    } cases[] = {{0, 0x1000}, {0x9000, 0x7000}, {0x20000, 0x3e0000}, {0x37000, 1}, {0x8000, 0}};
    struct guard g = esp32(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(guard_range(&g, cases[i].offset, cases[i].size), ERR_OK);
    g.table = NULL; /* a blank board has no settings */
    assert_int_equal(guard_range(&g, 0x9000, MB4 - 0x9000), ERR_OK);
}

static void erasing_takes_whole_sectors(void **state)
{
    (void)state;
    struct guard g = esp32(0);
    assert_int_equal(guard_range(&g, 0x0, 0x1000), ERR_OK);
    expect_refused(guard_range(&g, 0x800, 0x801), ERR_ARG, "would_overwrite");
}

static void beyond_the_flash_is_refused_whatever_is_allowed(void **state)
{
    (void)state;
    struct guard g = esp32(ALL);
    assert_int_equal(guard_range(&g, 0, MB4), ERR_OK);
    expect_refused(guard_range(&g, 0, MB4 + 1), ERR_ARG, "flash_past_end");
    expect_refused(guard_range(&g, MB4, 1), ERR_ARG, "flash_past_end");
    expect_refused(guard_range(&g, 0xfffff000, 0x2000), ERR_ARG, "flash_past_end");
    g.flash_bytes = 0; /* secure download mode does not tell */
    assert_int_equal(guard_range(&g, 0, MB4 + 1), ERR_OK);
}

/* --- contents --- */

/* A sample as content; dispose both. */
struct loaded {
    struct content *c;
    int fd;
};

static struct loaded load(const char *name)
{
    struct firmware_info f;
    struct loaded l = {NULL, -1};
    if (sample_read(name, &f)) fail_msg("%s", err_last()->detail);
    l.fd = sample_open_content(name);
    assert_int_equal(firmware_content(&f, l.fd, NULL, &l.c), ERR_OK);
    return l;
}

static void unload(struct loaded *l)
{
    content_free(l->c);
    close(l->fd);
}

static enum err guard_sample(const struct guard *g, const char *name)
{
    struct loaded l = load(name);
    enum err e = guard_content(g, l.c);
    unload(&l);
    return e;
}

static void a_firmware_for_the_board_passes(void **state)
{
    (void)state;
    static const char *const names[] = {"esp32-v2.4.bin", "esp32-v2.4.zip", "esp32-v4.1.zip"};
    struct guard g = esp32(ALL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (guard_sample(&g, names[i])) fail_msg("%s: %s", names[i], err_last()->detail);
        g.table = NULL;
    }
    struct guard c5 = {.chip = "esp32c5",
                       .flash_bytes = MB4,
                       .bootloader_offset = 0x2000,
                       .table_offset = 0xc000,
                       .allowed = ALL};
    assert_int_equal(guard_sample(&c5, "esp32c5-v5.0.bin"), ERR_OK);
    assert_int_equal(guard_sample(&c5, "esp32c5-v5.0.zip"), ERR_OK);
}

static void a_firmware_is_no_leave_to_overwrite(void **state)
{
    (void)state;
    struct guard g = esp32(0);
    expect_refused(guard_sample(&g, "esp32-v2.4.zip"), ERR_ARG, "would_overwrite");
}

static void a_firmware_for_another_chip_is_refused_with_both_names(void **state)
{
    (void)state;
    /* bootloaders at 0x1000, 0x0 and 0x2000: each on a board that looks elsewhere */
    static const struct {
        const char *name, *says;
    } cases[] = {{"esp32c3-v4.1.zip", "ESP32-C3"}, {"esp32c3-v4.1.bin", "ESP32-C3"},
                 {"esp32s2-v2.2.zip", "ESP32-S2"}, {"esp32c5-v5.0.bin", "ESP32-C5"},
                 {"esp32c6-v4.1.zip", "ESP32-C6"}, {"esp32c61-v5.0.zip", "ESP32-C61"}};
    struct guard g = esp32(ALL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_refused(guard_sample(&g, cases[i].name), ERR_ARG, "wrong_chip");
        assert_non_null(strstr(err_last()->detail, cases[i].says));
        assert_non_null(strstr(err_last()->detail, "an ESP32"));
    }
    struct guard c3 = {
        .chip = "esp32c3", .flash_bytes = MB4, .table_offset = 0x8000, .allowed = ALL};
    expect_refused(guard_sample(&c3, "esp32-v2.4.zip"), ERR_ARG, "wrong_chip");
    expect_refused(guard_sample(&c3, "esp32-v2.4.bin"), ERR_ARG, "wrong_chip");
    expect_refused(guard_sample(&c3, "esp32c2-v4.1.zip"), ERR_ARG, "wrong_chip");
    assert_int_equal(guard_sample(&c3, "esp32c3-v2.4.zip"), ERR_OK);
}

static void a_firmware_for_a_larger_flash_is_refused(void **state)
{
    (void)state;
    struct guard g = {
        .chip = "esp32c2", .flash_bytes = MB4 / 2, .table_offset = 0x8000, .allowed = ALL};
    assert_int_equal(guard_sample(&g, "esp32c2-2mb-v3.0.bin"), ERR_OK);
    g.flash_bytes /= 2;
    expect_refused(guard_sample(&g, "esp32c2-2mb-v3.0.bin"), ERR_ARG, "flash_past_end");
}

/* --- single images, changed --- */

/* The first bytes of a sample binary, changed, at @p offset. */
static enum err guard_bytes(const struct guard *g, const char *name, uint32_t offset,
                            size_t change_at, const void *change, size_t n)
{
    struct content *c;
    struct buf b = sample_bytes(name);
    memcpy(b.data + change_at, change, n);
    assert_int_equal(content_new(&c), ERR_OK);
    assert_int_equal(content_add_bytes(c, name, offset, (uint32_t)b.len, b.data, b.len, false),
                     ERR_OK);
    enum err e = guard_content(g, c);
    content_free(c);
    buf_dispose(&b);
    return e;
}

static void what_is_no_bootloader_does_not_go_where_one_belongs(void **state)
{
    (void)state;
    struct guard g = esp32(ALL);
    assert_int_equal(guard_bytes(&g, "bootloader.bin", 0x1000, 0, "", 0), ERR_OK);
    expect_refused(guard_bytes(&g, "ca.bin", 0x1000, 0, "", 0), ERR_ARG, "not_a_bootloader");
    expect_refused(guard_bytes(&g, "bootloader.bin", 0x1000, 0, "\xff", 1), ERR_ARG,
                   "not_a_bootloader");
    expect_refused(guard_bytes(&g, "ca.bin", 0x8000, 0, "", 0), ERR_ARG, "not_a_partition_table");
}

static void an_image_for_another_chip_or_revision_is_refused_anywhere(void **state)
{
    (void)state;
    enum { CHIP = 12, MIN = 15, MAX = 17 };
    static const struct {
        const char *name;
        uint32_t offset;
    } images[] = {{"bootloader.bin", 0x1000}, {"app.bin", 0x100000}};
    struct guard g = esp32(ALL);
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        const char *name = images[i].name;
        uint32_t offset = images[i].offset;
        assert_int_equal(guard_bytes(&g, name, offset, 0, "", 0), ERR_OK);
        assert_int_equal(guard_bytes(&g, name, offset, MIN, "\x2c\x01\x8f\x01", 4), ERR_OK);
        expect_refused(guard_bytes(&g, name, offset, CHIP, "\x05", 1), ERR_ARG, "wrong_chip");
        assert_non_null(strstr(err_last()->detail, "ESP32-C3"));
        expect_refused(guard_bytes(&g, name, offset, CHIP, "\x63", 1), ERR_ARG, "wrong_chip");
        expect_refused(guard_bytes(&g, name, offset, MIN, "\x2d\x01", 2), ERR_ARG, "wrong_chip");
        assert_non_null(strstr(err_last()->detail, "v3.1 or newer, the board has v3.0"));
        expect_refused(guard_bytes(&g, name, offset, MAX, "\xc7\x00", 2), ERR_ARG, "wrong_chip");
        assert_non_null(strstr(err_last()->detail, "v1.99 or older, the board has v3.0"));
        g.revision_known = false;
        assert_int_equal(guard_bytes(&g, name, offset, MIN, "\x2d\x01", 2), ERR_OK);
        g.revision_known = true;
    }
}

static void an_app_larger_than_its_partition_is_refused(void **state)
{
    (void)state;
    struct partition_table small = board_table;
    struct guard g = esp32(ALL);
    g.table = &small;
    struct buf app = sample_bytes("app.bin");
    small.rows[3].size = (uint32_t)app.len;
    assert_int_equal(guard_bytes(&g, "app.bin", 0x100000, 0, "", 0), ERR_OK);
    small.rows[3].size--;
    expect_refused(guard_bytes(&g, "app.bin", 0x100000, 0, "", 0), ERR_ARG, "flash_past_partition");
    assert_non_null(strstr(err_last()->detail, "ota_0"));
    buf_dispose(&app);
}

static void the_table_that_is_brought_counts_not_the_boards(void **state)
{
    (void)state;
    struct partition_table small = board_table;
    struct guard g = esp32(ALL);
    g.table = &small;
    small.rows[3].size = 0x1000;
    assert_int_equal(guard_sample(&g, "esp32-v2.4.zip"), ERR_OK);
}

static void other_bytes_in_an_app_partition_are_not_judged(void **state)
{
    (void)state;
    struct guard g = esp32(0);
    assert_int_equal(guard_bytes(&g, "ca.bin", 0x100000, 0, "", 0), ERR_OK);
    assert_int_equal(guard_bytes(&g, "ca.bin", 0x37000, 0, "", 0), ERR_OK);
}

/* --- manufacturing data --- */

enum { MFG = 0x21000, MFG_SIZE = 0x1c000 };

static enum err guard_mfg(uint32_t offset, const uint8_t *data, size_t n)
{
    struct content *c;
    struct partition_table table = board_table;
    struct guard g = esp32(ALL);
    table.rows[table.count++] = (struct partition){
        .name = "mfg_nvs", .type = 1, .subtype = 2, .offset = MFG, .size = MFG_SIZE};
    g.table = &table;
    assert_int_equal(content_new(&c), ERR_OK);
    assert_int_equal(content_add_bytes(c, "x", offset, (uint32_t)content_sectors(n), data, n, true),
                     ERR_OK);
    enum err e = guard_content(&g, c);
    content_free(c);
    return e;
}

/* What the generator makes of the certificates alone, in a partition of this size. */
static struct buf certificates_alone(size_t size)
{
    struct nvs list;
    struct buf out;
    nvs_init(&list);
    buf_init(&out, size);
    assert_int_equal(nvs_set(&list, "mqtt_cert", "mqtt_cert", NVS_BLOB, 0, "PEM", 3), ERR_OK);
    assert_int_equal(nvs_set(&list, "factory_param", "", NVS_NAMESPACE, 0, NULL, 0), ERR_OK);
    assert_int_equal(nvs_write(&list, size, NVS_ROOMY, &out), ERR_OK);
    nvs_dispose(&list);
    return out;
}

static void manufacturing_data_of_a_firmware_passes(void **state)
{
    (void)state;
    static const char *const names[] = {"at_esp32.pip020", "at_esp32.idf502", "mqtt_only.pip020"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        struct buf b;
        buf_init(&b, MFG_SIZE);
        snprintf(path, sizeof path, "tests/data/mfg_nvs/out/%s.bin", names[i]);
        assert_int_equal(file_read(path, &b), ERR_OK);
        assert_int_equal(guard_mfg(MFG, b.data, b.len), ERR_OK);
        buf_dispose(&b);
    }
}

static void certificates_alone_never_go_where_the_pins_are(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0x3000, MFG_SIZE};
    static const uint8_t blank[MFG_SIZE], noise[] = "no NVS";
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buf b = certificates_alone(sizes[i]);
        expect_refused(guard_mfg(MFG, b.data, b.len), ERR_ARG, "no_factory_param");
        assert_int_equal(guard_mfg(MFG + MFG_SIZE, b.data, b.len), ERR_OK); /* beside it */
        buf_dispose(&b);
    }
    expect_refused(guard_mfg(MFG, blank, sizeof blank), ERR_ARG, "no_factory_param");
    expect_refused(guard_mfg(MFG + MFG_SIZE - 0x1000, noise, sizeof noise), ERR_ARG,
                   "no_factory_param");
    expect_refused(guard_mfg(MFG - 0x1000, blank, 0x1001), ERR_ARG, "no_factory_param");
    assert_int_equal(guard_mfg(MFG - 0x1000, blank, 0x1000), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_have_names),
        cmocka_unit_test(a_range_that_hits_an_area_is_refused_with_its_name),
        cmocka_unit_test(what_lies_between_the_areas_is_free),
        cmocka_unit_test(erasing_takes_whole_sectors),
        cmocka_unit_test(beyond_the_flash_is_refused_whatever_is_allowed),
        cmocka_unit_test(a_firmware_for_the_board_passes),
        cmocka_unit_test(a_firmware_is_no_leave_to_overwrite),
        cmocka_unit_test(a_firmware_for_another_chip_is_refused_with_both_names),
        cmocka_unit_test(a_firmware_for_a_larger_flash_is_refused),
        cmocka_unit_test(what_is_no_bootloader_does_not_go_where_one_belongs),
        cmocka_unit_test(an_image_for_another_chip_or_revision_is_refused_anywhere),
        cmocka_unit_test(an_app_larger_than_its_partition_is_refused),
        cmocka_unit_test(the_table_that_is_brought_counts_not_the_boards),
        cmocka_unit_test(other_bytes_in_an_app_partition_are_not_judged),
        cmocka_unit_test(manufacturing_data_of_a_firmware_passes),
        cmocka_unit_test(certificates_alone_never_go_where_the_pins_are),
    };
    return cmocka_run_group_tests(tests, samples_start, samples_end);
}
