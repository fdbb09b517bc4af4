#include "tests/unit/firmware/samples.h"

#include "service/firmware/content.h"

enum { FILE_BYTES = 4 * CONTENT_PIECE };

/* Two files whose bytes tell where they are from: the high bit is the file. */
static int fds[2];

static uint8_t file_byte(int file, uint64_t at)
{
    return (uint8_t)((at / 4096 + at) % 127 | (unsigned)file << 7);
}

static int setup(void **state)
{
    if (samples_start_empty(state)) return -1;
    uint8_t *bytes = malloc(FILE_BYTES);
    for (int i = 0; i < 2; i++) {
        char path[FOLDER_FILE], name[2] = {(char)('0' + i), '\0'};
        for (size_t k = 0; k < FILE_BYTES; k++)
            bytes[k] = file_byte(i, k);
        sample_write(name, bytes, FILE_BYTES);
        fds[i] = open(sample_path(name, path), O_RDONLY | O_CLOEXEC);
    }
    free(bytes);
    return fds[0] < 0 || fds[1] < 0;
}

static int teardown(void **state)
{
    close(fds[0]);
    close(fds[1]);
    return samples_end(state);
}

static struct content *new_content(void)
{
    struct content *c;
    assert_int_equal(content_new(&c), ERR_OK);
    return c;
}

static void add(struct content *c, int file, uint32_t offset, uint32_t size, uint64_t at)
{
    char name[32];
    snprintf(name, sizeof name, "file %d at 0x%x", file, (unsigned)offset);
    if (content_add_file(c, name, offset, size, fds[file], at, file))
        fail_msg("%s", err_last()->detail);
}

static void lay_over(struct content *c, uint32_t offset, uint32_t room, const char *text,
                     bool secret)
{
    if (content_add_bytes(c, text, offset, room, (const uint8_t *)text, strlen(text), secret))
        fail_msg("%s", err_last()->detail);
}

static void expect_pieces(struct content *c, const struct piece *want, size_t n)
{
    const struct piece *is;
    size_t count;
    assert_int_equal(content_pieces(c, &is, &count), ERR_OK);
    for (size_t i = 0; i < n && i < count; i++) {
        if (is[i].offset == want[i].offset && is[i].size == want[i].size &&
            is[i].file == want[i].file && is[i].secret == want[i].secret)
            continue;
        fail_msg("piece %zu: 0x%x + 0x%x, file %d, secret %d", i, (unsigned)is[i].offset,
                 (unsigned)is[i].size, is[i].file, is[i].secret);
    }
    assert_int_equal(count, n);
}

static void expect_byte(const struct content *c, uint32_t offset, uint8_t want)
{
    uint8_t is;
    assert_int_equal(content_read(c, offset, &is, 1), ERR_OK);
    if (is != want) fail_msg("0x%x: %02x, not %02x", (unsigned)offset, is, want);
}

/* --- pieces --- */

static void nothing_has_no_pieces(void **state)
{
    (void)state;
    struct content *c = new_content();
    expect_pieces(c, NULL, 0);
    assert_string_equal(content_name_at(c, 0), "");
    expect_byte(c, 0x1000, 0xff);
    content_free(c);
    content_free(NULL);
}

static void a_part_is_whole_sectors_cut_at_piece_addresses(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, CONTENT_PIECE - 0x2000, 2 * CONTENT_PIECE + 1, 0);
    expect_pieces(c,
                  (struct piece[]){{CONTENT_PIECE - 0x2000, 0x2000, 0, false},
                                   {CONTENT_PIECE, CONTENT_PIECE, 0, false},
                                   {2 * CONTENT_PIECE, CONTENT_PIECE - 0x1000, 0, false}},
                  3);
    content_free(c);
}

static void a_gap_between_parts_stays_as_it_is_on_the_board(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, 0x5000, 0x1000, 0);
    add(c, 0, 0x1000, 0x1001, 0x8000); /* takes two sectors */
    add(c, 0, 0x3000, 0x800, 0x20000); /* follows at once */
    expect_pieces(c, (struct piece[]){{0x1000, 0x3000, 0, false}, {0x5000, 0x1000, 0, false}}, 2);
    expect_byte(c, 0x4000, 0xff);
    content_free(c);
}

static void a_piece_of_two_files_has_none(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, 0, 0x1000, 0);
    add(c, 1, 0x1000, CONTENT_PIECE, 0);
    expect_pieces(
        c, (struct piece[]){{0, CONTENT_PIECE, -1, false}, {CONTENT_PIECE, 0x1000, 1, false}}, 2);
    content_free(c);
}

static void only_pieces_near_a_credential_are_patched(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, 0, FILE_BYTES, 0);
    lay_over(c, CONTENT_PIECE + 0x7000, 0x2000, "certificate", false);
    lay_over(c, 2 * CONTENT_PIECE + 0x9000, 0x2000, "key", true);
    expect_pieces(c,
                  (struct piece[]){{0, CONTENT_PIECE, 0, false},
                                   {CONTENT_PIECE, CONTENT_PIECE, -1, false},
                                   {2 * CONTENT_PIECE, CONTENT_PIECE, -1, true},
                                   {3 * CONTENT_PIECE, CONTENT_PIECE, 0, false}},
                  4);
    content_free(c);
}

static void bytes_alone_are_pieces_too(void **state)
{
    (void)state;
    struct content *c = new_content();
    lay_over(c, 0x39000, 0x2000, "key", true);
    lay_over(c, 0x37000, 0x2000, "certificate", false);
    expect_pieces(c, (struct piece[]){{0x37000, 0x4000, -1, true}}, 1);
    content_free(c);
}

static void pieces_follow_what_is_added_later(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, 0, 0x1000, 0);
    expect_pieces(c, (struct piece[]){{0, 0x1000, 0, false}}, 1);
    lay_over(c, 0, 0x1000, "x", false);
    expect_pieces(c, (struct piece[]){{0, 0x1000, -1, false}}, 1);
    add(c, 1, 0x1000, 0x1000, 0);
    expect_pieces(c, (struct piece[]){{0, 0x2000, -1, false}}, 1);
    content_free(c);
}

/* --- bytes --- */

static void bytes_come_from_where_they_were_said_to_be(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, 0x1000, 0x1234, 0x5678);
    add(c, 1, 0x3000, 0x1000, 1);
    lay_over(c, 0x2000, 0x100, "over", false);
    uint8_t is[0x4000];
    assert_int_equal(content_read(c, 0x800, is, sizeof is), ERR_OK);
    for (uint32_t i = 0; i < sizeof is; i++) {
        uint32_t at = 0x800 + i;
        uint8_t want = 0xff;
        if (at >= 0x1000 && at < 0x2234) want = file_byte(0, 0x5678 + at - 0x1000);
        if (at >= 0x3000 && at < 0x4000) want = file_byte(1, 1 + at - 0x3000);
        if (at >= 0x2000 && at < 0x2100) want = at < 0x2004 ? (uint8_t) "over"[at - 0x2000] : 0xff;
        if (is[i] != want) fail_msg("0x%x: %02x, not %02x", (unsigned)at, is[i], want);
    }
    content_free(c);
}

static void a_read_may_begin_and_end_anywhere(void **state)
{
    (void)state;
    struct content *c = new_content();
    uint8_t whole[0x3000];
    add(c, 0, 0, 0x2000, 0);
    lay_over(c, 0x1000, 0x800, "abc", true);
    assert_int_equal(content_read(c, 0, whole, sizeof whole), ERR_OK);
    for (uint32_t from = 0xff0; from < 0x1010; from++)
        for (size_t n = 0; n < 40; n++) {
            uint8_t is[40];
            assert_int_equal(content_read(c, from, is, n), ERR_OK);
            assert_memory_equal(is, whole + from, n);
        }
    content_free(c);
}

static void a_name_tells_what_lies_there(void **state)
{
    (void)state;
    struct content *c = new_content();
    add(c, 0, 0, 0x3000, 0);
    lay_over(c, 0x1000, 0x1000, "mqtt_key", true);
    assert_string_equal(content_name_at(c, 0xfff), "file 0 at 0x0");
    assert_string_equal(content_name_at(c, 0x1000), "mqtt_key");
    assert_string_equal(content_name_at(c, 0x1fff), "mqtt_key");
    assert_string_equal(content_name_at(c, 0x2000), "file 0 at 0x0");
    assert_string_equal(content_name_at(c, 0x3000), "");
    content_free(c);
}

static void a_file_that_ends_too_early_is_an_error(void **state)
{
    (void)state;
    struct content *c = new_content();
    uint8_t is[2];
    add(c, 0, 0, 0x1000, FILE_BYTES - 0x800);
    assert_int_equal(content_read(c, 0x7fe, is, 2), ERR_OK);
    assert_int_equal(content_read(c, 0x7ff, is, 2), ERR_IO);
    content_free(c);
}

/* --- refused --- */

static void overlaps_are_refused_with_both_names(void **state)
{
    (void)state;
    static const struct {
        uint32_t offset, size;
    } wrong[] = {{0x2000, 1}, {0, 0x2001}, {0x3000, 0x1000}, {0x3000, 1}, {0, 0x10000}};
    struct content *c = new_content();
    add(c, 0, 0x2000, 0x1001, 0);
    lay_over(c, 0x2000, 0x1001, "mine", false);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        expect_refused(content_add_file(c, "other", wrong[i].offset, wrong[i].size, fds[0], 0, 0),
                       ERR_ARG, "flash_overlap");
        assert_non_null(strstr(err_last()->detail, "other"));
        assert_non_null(strstr(err_last()->detail, "file 0 at 0x2000"));
        expect_refused(
            content_add_bytes(c, "other", wrong[i].offset, wrong[i].size, NULL, 0, false), ERR_ARG,
            "flash_overlap");
        assert_non_null(strstr(err_last()->detail, "mine"));
    }
    expect_pieces(c, (struct piece[]){{0x2000, 0x2000, -1, false}}, 1);
    add(c, 0, 0x1000, 0x1000, 0);
    add(c, 0, 0x4000, 0x1000, 0);
    content_free(c);
}

static void what_cannot_lie_there_is_refused(void **state)
{
    (void)state;
    struct content *c = new_content();
    expect_refused(content_add_file(c, "a", 0x1001, 1, fds[0], 0, 0), ERR_ARG, "flash_unaligned");
    expect_refused(content_add_bytes(c, "a", 0x800, 1, NULL, 0, false), ERR_ARG, "flash_unaligned");
    expect_refused(content_add_file(c, "a", 0xfffff000, 1, fds[0], 0, 0), ERR_ARG,
                   "flash_past_end");
    expect_refused(content_add_file(c, "a", 0x1000, 0xffffffff, fds[0], 0, 0), ERR_ARG,
                   "flash_past_end");
    expect_refused(content_add_bytes(c, "a", 0, 2, (const uint8_t *)"abc", 3, false), ERR_ARG,
                   "flash_past_partition");
    assert_int_equal(content_add_file(c, "a", 0, 0, fds[0], 0, 0), ERR_OK);
    assert_int_equal(content_add_bytes(c, "a", 0, 0, NULL, 0, false), ERR_OK);
    expect_pieces(c, NULL, 0);
    content_free(c);
}

static void many_parts_in_any_order(void **state)
{
    (void)state;
    enum { PARTS = 60 };
    struct content *c = new_content();
    for (uint32_t i = 0; i < PARTS; i++) /* 7 and 60 have no common factor: each place once */
        add(c, 0, i * 7 % PARTS * 0x2000, 0x1000, (uint64_t)(i * 7 % PARTS) * 0x1000);
    const struct piece *is;
    size_t n;
    assert_int_equal(content_pieces(c, &is, &n), ERR_OK);
    assert_int_equal(n, PARTS);
    for (uint32_t i = 0; i < PARTS; i++) {
        assert_int_equal(is[i].offset, i * 0x2000);
        expect_byte(c, i * 0x2000 + 5, file_byte(0, (uint64_t)i * 0x1000 + 5));
    }
    content_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_no_pieces),
        cmocka_unit_test(a_part_is_whole_sectors_cut_at_piece_addresses),
        cmocka_unit_test(a_gap_between_parts_stays_as_it_is_on_the_board),
        cmocka_unit_test(a_piece_of_two_files_has_none),
        cmocka_unit_test(only_pieces_near_a_credential_are_patched),
        cmocka_unit_test(bytes_alone_are_pieces_too),
        cmocka_unit_test(pieces_follow_what_is_added_later),
        cmocka_unit_test(bytes_come_from_where_they_were_said_to_be),
        cmocka_unit_test(a_read_may_begin_and_end_anywhere),
        cmocka_unit_test(a_name_tells_what_lies_there),
        cmocka_unit_test(a_file_that_ends_too_early_is_an_error),
        cmocka_unit_test(overlaps_are_refused_with_both_names),
        cmocka_unit_test(what_cannot_lie_there_is_refused),
        cmocka_unit_test(many_parts_in_any_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
