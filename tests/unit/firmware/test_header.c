#include "tests/unit/firmware/samples.h"

#include "service/base/digest.h"
#include "service/firmware/header.h"

enum { IMAGE = 144 }; /* head, two segments of 16 and 25 bytes, checksum, SHA-256 */

static void make_image(uint8_t image[IMAGE], bool hashed)
{
    memset(image, 0, IMAGE);
    image[0] = 0xE9;
    image[1] = 2;
    image[2] = 2;
    image[3] = 0x20;
    image[12] = 5;
    image[23] = hashed;
    le16_put(image + 17, 0xffff);
    le32_put(image + 24 + 4, 16);
    memset(image + 32, 0x11, 16);
    le32_put(image + 48 + 4, 25);
    memset(image + 56, 0x22, 25); /* up to 81; the checksum is byte 95 */
    image[95] = 0xEF ^ 0x22;
    if (hashed) digest_sha256(image, 96, image + 96);
}

static void a_head_is_told_by_its_fields(void **state)
{
    (void)state;
    uint8_t image[IMAGE];
    struct esp_header h;
    make_image(image, true);
    assert_true(esp_header_read(image, HEADER_BYTES, &h));
    assert_int_equal(h.segments, 2);
    assert_int_equal(h.mode, 2);
    assert_int_equal(h.size_freq, 0x20);
    assert_int_equal(h.chip_id, 5);
    assert_true(h.hashed);
    assert_int_equal(esp_header_flash_bytes(&h), 4 * 1024 * 1024);
    assert_false(esp_header_read(image, HEADER_BYTES - 1, &h));
}

static void other_bytes_are_no_head(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t byte;
    } wrong[] = {{0, 0xEA}, {1, 0}, {1, 17}, {2, 6}, {23, 2}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t image[IMAGE];
        struct esp_header h;
        make_image(image, true);
        image[wrong[i].at] = wrong[i].byte;
        assert_false(esp_header_read(image, IMAGE, &h));
    }
    uint8_t erased[HEADER_BYTES];
    struct esp_header h;
    memset(erased, 0xff, sizeof erased);
    assert_false(esp_header_read(erased, sizeof erased, &h));
}

static void the_lowest_revision_is_read_from_the_field_that_was_set(void **state)
{
    (void)state;
    static const struct {
        uint16_t chip;
        uint8_t old;
        uint16_t min, max, want;
    } cases[] = {
        {0, 0, 0, 0, 0},          {0, 3, 0, 0, 300},        {5, 3, 0, 0, 3},
        {0, 3, 0, 0xffff, 300},   {0, 3, 100, 0xffff, 100}, {0, 1, 301, 399, 301},
        {5, 3, 101, 0xffff, 101}, {0, 3, 0, 399, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t image[IMAGE];
        struct esp_header h;
        make_image(image, true);
        le16_put(image + 12, cases[i].chip);
        image[14] = cases[i].old;
        le16_put(image + 15, cases[i].min);
        le16_put(image + 17, cases[i].max);
        assert_true(esp_header_read(image, IMAGE, &h));
        assert_int_equal(h.min_revision, cases[i].want);
        assert_int_equal(h.max_revision, cases[i].max);
    }
}

static void sizes_follow_their_codes(void **state)
{
    (void)state;
    struct esp_header h = {.size_freq = 0x0f};
    assert_int_equal(esp_header_flash_bytes(&h), 1 << 20);
    h.size_freq = 0x7f;
    assert_int_equal(esp_header_flash_bytes(&h), 128 << 20);
    h.size_freq = 0x80;
    assert_int_equal(esp_header_flash_bytes(&h), 0);
    assert_int_equal(esp_flash_bytes_parse("2MB"), 2 << 20);
    assert_int_equal(esp_flash_bytes_parse("detect"), 0);
}

/* --- wishes --- */

static void wishes_become_the_chips_codes(void **state)
{
    (void)state;
    static const struct {
        const char *chip, *mode, *freq, *size;
        struct esp_header_wish want;
    } cases[] = {
        {"esp32", "keep", "keep", "keep", {0xff, 0xff, 0xff}},
        {"esp32", "dio", "40m", "4MB", {2, 0, 2}},
        {"esp32s3", "QIO", "80m", "16mb", {0, 0xf, 4}},
        {"esp32c2", "dout", "60m", "2MB", {3, 0xf, 1}},
        {"esp32c2", "keep", "15m", "keep", {0xff, 2, 0xff}},
        {"esp32h2", "qout", "48m", "keep", {1, 0xf, 0xff}},
        {"esp32c6", "keep", "80m", "128MB", {0xff, 0, 7}},
        {"esp32c6", "keep", "40m", "keep", {0xff, 0, 0xff}},
        {"esp32c5", "keep", "80m", "keep", {0xff, 0xf, 0xff}},
        {"esp32c61", "keep", "20m", "keep", {0xff, 2, 0xff}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct esp_header_wish w;
        assert_int_equal(
            esp_header_wish_parse(cases[i].chip, cases[i].mode, cases[i].freq, cases[i].size, &w),
            ERR_OK);
        assert_memory_equal(&w, &cases[i].want, sizeof w);
    }
}

static void a_wish_that_the_chip_does_not_know_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *chip, *mode, *freq, *size;
    } cases[] = {
        {"esp32", "dual", "keep", "keep"},  {"esp32", "keep", "60m", "keep"},
        {"esp32c2", "keep", "80m", "keep"}, {"esp32", "keep", "keep", "3MB"},
        {"esp8266", "keep", "40m", "keep"}, {"esp32", "", "keep", "keep"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct esp_header_wish w;
        expect_refused(
            esp_header_wish_parse(cases[i].chip, cases[i].mode, cases[i].freq, cases[i].size, &w),
            ERR_ARG, "bad_header");
    }
}

/* --- changing --- */

static void a_change_touches_two_bytes_and_the_hash(void **state)
{
    (void)state;
    uint8_t is[IMAGE], want[IMAGE];
    make_image(is, true);
    make_image(want, true);
    want[2] = 0;
    want[3] = 0x4f;
    digest_sha256(want, 96, want + 96);
    struct esp_header_wish w = {.mode = 0, .freq = 0xf, .size = 4};
    assert_int_equal(esp_header_patch(is, 128, &w), ERR_OK);
    assert_memory_equal(is, want, IMAGE);
}

static void what_is_kept_is_kept_and_an_image_without_hash_gets_none(void **state)
{
    (void)state;
    uint8_t is[IMAGE], want[IMAGE];
    make_image(is, false);
    make_image(want, false);
    want[3] = 0x2f;
    struct esp_header_wish w = {.mode = HEADER_KEEP, .freq = 0xf, .size = HEADER_KEEP};
    assert_int_equal(esp_header_patch(is, 96, &w), ERR_OK);
    assert_memory_equal(is, want, IMAGE);
}

static void an_image_that_is_cut_short_is_left_alone(void **state)
{
    (void)state;
    static const size_t cut[] = {0, 23, 24, 31, 50, 60, 95, 127};
    struct esp_header_wish w = {.mode = 0, .freq = 0, .size = 0};
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        uint8_t image[IMAGE], before[IMAGE];
        make_image(image, true);
        memcpy(before, image, IMAGE);
        uint8_t *exact = malloc(cut[i] ? cut[i] : 1); /* so that the sanitizer sees its end */
        memcpy(exact, image, cut[i]);
        expect_refused(esp_header_patch(exact, cut[i], &w), ERR_ARG, "bad_image");
        assert_memory_equal(exact, before, cut[i]);
        free(exact);
    }
    uint8_t image[IMAGE];
    make_image(image, true);
    le32_put(image + 28, 0xfffffff0); /* a segment that would wrap around */
    expect_refused(esp_header_patch(image, IMAGE, &w), ERR_ARG, "bad_image");
}

static void the_checksum_of_whole_lines_has_a_line_of_its_own(void **state)
{
    (void)state;
    uint8_t image[96] = {0xE9, 1, 2, 0x20}; /* one segment of 16: ends at 48, the checksum at 63 */
    image[23] = 1;
    le32_put(image + 28, 16);
    struct esp_header_wish w = {.mode = 0, .freq = HEADER_KEEP, .size = HEADER_KEEP};
    uint8_t sha256[SHA256_BYTES];
    assert_int_equal(esp_header_patch(image, sizeof image, &w), ERR_OK);
    digest_sha256(image, 64, sha256);
    assert_memory_equal(image + 64, sha256, sizeof sha256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_told_by_its_fields),
        cmocka_unit_test(other_bytes_are_no_head),
        cmocka_unit_test(the_lowest_revision_is_read_from_the_field_that_was_set),
        cmocka_unit_test(sizes_follow_their_codes),
        cmocka_unit_test(wishes_become_the_chips_codes),
        cmocka_unit_test(a_wish_that_the_chip_does_not_know_is_refused),
        cmocka_unit_test(a_change_touches_two_bytes_and_the_hash),
        cmocka_unit_test(what_is_kept_is_kept_and_an_image_without_hash_gets_none),
        cmocka_unit_test(an_image_that_is_cut_short_is_left_alone),
        cmocka_unit_test(the_checksum_of_whole_lines_has_a_line_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
