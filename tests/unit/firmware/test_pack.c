/* Pieces made ready for the wire: that the stream is what the ROM's inflater may be given, and that
 * a pack never gives what does not belong to the bytes at hand, whatever happened to it. */
#include "service/firmware/pack.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include <cmocka.h>

#include "service/base/file.h"
#include "tests/unit/store/folder.h"

enum {
    PIECES = 4, /* code, half of it erased, noise, erased */
    BYTES = PIECES * CONTENT_PIECE,
    HALF = CONTENT_PIECE / 2 + 1000,
    THREADS = 32,
};

static struct folder folder;
static char pack_path[FOLDER_FILE];
static uint8_t bytes[BYTES];
static int fd;

static void fill_bytes(void)
{
    uint32_t x = 1;
    for (size_t i = 0; i < BYTES; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = i / CONTENT_PIECE == 2 || i % 7 < 4 ? (uint8_t)(x >> 24) : (uint8_t)(i >> 4);
    }
    memset(bytes + CONTENT_PIECE + HALF, 0xff, CONTENT_PIECE - HALF);
    memset(bytes + 3 * CONTENT_PIECE, 0xff, CONTENT_PIECE);
}

static int set_up(void **state)
{
    char path[FOLDER_FILE];
    (void)state;
    if (folder_make(&folder)) return -1;
    folder_file(&folder, "pack", pack_path);
    fd = open(folder_file(&folder, "content", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 || write(fd, bytes, BYTES) != BYTES;
}

static int tear_down(void **state)
{
    (void)state;
    close(fd);
    folder_remove(&folder);
    return 0;
}

/* The bytes from @p at on, at @p offset in flash. */
static struct content *content_of(uint32_t offset, uint32_t size, uint64_t at)
{
    struct content *c;
    assert_int_equal(content_new(&c), ERR_OK);
    assert_int_equal(content_add_file(c, "firmware", offset, size, fd, at, 7), ERR_OK);
    return c;
}

static const struct piece *piece_of(struct content *c, size_t i)
{
    const struct piece *list;
    size_t n;
    assert_int_equal(content_pieces(c, &list, &n), ERR_OK);
    assert_true(i < n);
    return &list[i];
}

/* What the inflater makes of it: whole windows, and more to come. */
static void expect_stream(const struct flasher_region *r, const uint8_t *want)
{
    uint8_t out[CONTENT_PIECE + 1];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)r->packed,
                  .avail_in = (uInt)r->packed_n,
                  .next_out = out,
                  .avail_out = sizeof out};
    assert_int_equal(inflateInit(&z), Z_OK);
    assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK); /* not Z_STREAM_END */
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(z.total_out, r->packed_covers);
    assert_int_equal(r->packed_covers % FLASHER_WINDOW, 0);
    assert_memory_equal(out, want, r->packed_covers);
    inflateEnd(&z);
}

static void expect_piece(struct content *c, size_t i, const char *path)
{
    const struct piece *p = piece_of(c, i);
    const uint8_t *want = bytes + i * CONTENT_PIECE;
    struct pack_piece ready;
    assert_int_equal(pack_load(c, p, path, &ready), ERR_OK);
    const struct flasher_region *r = &ready.region;
    assert_int_equal(r->offset, p->offset);
    assert_int_equal(r->erase_bytes, p->size);
    assert_memory_equal(r->data, want, r->n);
    assert_false(r->verify_later || r->secret);
    if (i < 2)
        expect_stream(r, want);
    else
        assert_null(r->packed);
    static const size_t lengths[PIECES] = {CONTENT_PIECE, HALF, CONTENT_PIECE, 0};
    assert_int_equal(r->n, lengths[i]);
    pack_piece_dispose(&ready);
}

static void expect_all(const char *path)
{
    struct content *c = content_of(0, BYTES, 0);
    for (size_t i = 0; i < PIECES; i++)
        expect_piece(c, i, path);
    content_free(c);
}

static off_t pack_size(void)
{
    struct stat st;
    return stat(pack_path, &st) ? -1 : st.st_size;
}

/* ---- the stream ---- */

static void a_stream_is_whole_windows_and_has_no_end(void **state)
{
    (void)state;
    expect_all(NULL);
}

static void the_erased_end_is_not_sent_but_fills_the_last_window(void **state)
{
    (void)state;
    struct content *c = content_of(0, BYTES, 0);
    struct pack_piece ready;
    assert_int_equal(pack_load(c, piece_of(c, 1), NULL, &ready), ERR_OK);
    size_t windows = (HALF + FLASHER_WINDOW - 1) / FLASHER_WINDOW;
    assert_int_equal(ready.region.packed_covers, windows * FLASHER_WINDOW);
    assert_true(ready.region.packed_covers < CONTENT_PIECE);
    pack_piece_dispose(&ready);
    content_free(c);
}

static void what_is_no_whole_window_goes_raw(void **state)
{
    (void)state;
    struct content *c = content_of(0, FLASHER_WINDOW + 0x2000, 0);
    struct pack_piece ready;
    assert_int_equal(pack_load(c, piece_of(c, 0), NULL, &ready), ERR_OK);
    assert_int_equal(ready.region.n, FLASHER_WINDOW + 0x2000);
    assert_int_equal(ready.region.packed_covers, FLASHER_WINDOW);
    expect_stream(&ready.region, bytes);
    pack_piece_dispose(&ready);
    content_free(c);
    c = content_of(0, FLASHER_WINDOW - 0x1000, 0);
    assert_int_equal(pack_load(c, piece_of(c, 0), NULL, &ready), ERR_OK);
    assert_null(ready.region.packed);
    pack_piece_dispose(&ready);
    content_free(c);
}

static void a_content_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct content *c = content_of(0, BYTES, 0);
    struct pack_piece ready;
    assert_int_equal(ftruncate(fd, 100), 0);
    assert_int_equal(pack_load(c, piece_of(c, 0), pack_path, &ready), ERR_IO);
    assert_null(ready.data.data);
    content_free(c);
}

/* ---- the pack ---- */

static void a_piece_is_compressed_once(void **state)
{
    (void)state;
    expect_all(pack_path);
    off_t size = pack_size();
    assert_true(size > CONTENT_PIECE && size < BYTES);
    expect_all(pack_path);
    assert_int_equal(pack_size(), size);
    struct stat st;
    assert_int_equal(stat(pack_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* It goes by what the bytes are, not by where they lie. */
static void the_same_bytes_elsewhere_are_found(void **state)
{
    (void)state;
    expect_all(pack_path);
    off_t size = pack_size();
    struct content *c = content_of(8 * CONTENT_PIECE, CONTENT_PIECE, 0);
    expect_piece(c, 0, pack_path);
    content_free(c);
    assert_int_equal(pack_size(), size);
    c = content_of(8 * CONTENT_PIECE, CONTENT_PIECE, 4096); /* these are others */
    struct pack_piece ready;
    assert_int_equal(pack_load(c, piece_of(c, 0), pack_path, &ready), ERR_OK);
    expect_stream(&ready.region, bytes + 4096);
    pack_piece_dispose(&ready);
    content_free(c);
    assert_true(pack_size() > size);
}

static void warming_leaves_nothing_to_do(void **state)
{
    (void)state;
    struct content *c = content_of(0, BYTES, 0);
    for (size_t i = 0; i < PIECES; i++)
        pack_warm(c, piece_of(c, i), pack_path);
    off_t size = pack_size();
    content_free(c);
    expect_all(pack_path);
    assert_int_equal(pack_size(), size);
}

static void keys_and_what_is_of_one_board_stay_out_of_it(void **state)
{
    (void)state;
    static uint8_t key[FLASHER_WINDOW];
    memcpy(key, bytes, sizeof key);
    for (int secret = 0; secret < 2; secret++) {
        struct content *c = content_of(0, CONTENT_PIECE, 0);
        struct pack_piece ready;
        assert_int_equal(
            content_add_bytes(c, "key", FLASHER_WINDOW, sizeof key, key, sizeof key, secret),
            ERR_OK);
        pack_warm(c, piece_of(c, 0), pack_path);
        assert_int_equal(pack_load(c, piece_of(c, 0), pack_path, &ready), ERR_OK);
        assert_int_equal(pack_size(), -1);
        assert_non_null(ready.region.packed);
        assert_int_equal(ready.region.secret, secret);
        assert_true(ready.data.secret == secret && ready.packed.secret == secret);
        pack_piece_dispose(&ready);
        content_free(c);
    }
}

static void a_pack_that_cannot_be_made_costs_only_time(void **state)
{
    char path[FOLDER_FILE];
    (void)state;
    expect_all(folder_file(&folder, "no/such/folder", path));
    expect_all(folder.path); /* a folder itself */
}

/* The pack as it was, with one bit changed or without its end. */
static void damage(const uint8_t *good, size_t n, size_t flip, size_t cut)
{
    int pack = open(pack_path, O_RDWR | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(pack, good, cut), cut);
    const uint8_t bad = good[flip] ^ 0x10;
    if (flip < cut) assert_int_equal(pwrite(pack, &bad, 1, (off_t)flip), 1);
    close(pack);
    expect_all(pack_path);
    off_t mended = pack_size();
    assert_in_range(mended, n, 2 * n);
    expect_all(pack_path);
    assert_int_equal(pack_size(), mended);
}

static void a_damaged_pack_is_never_believed_and_mends(void **state)
{
    (void)state;
    struct buf good;
    expect_all(pack_path);
    buf_init(&good, BYTES);
    assert_int_equal(file_read(pack_path, &good), ERR_OK);
    for (size_t at = 0; at < good.len; at += at < 48 ? 1 : 19973)
        damage(good.data, good.len, at, good.len);
    for (size_t n = 0; n < good.len; n += n < 60 ? 9 : 19973) {
        damage(good.data, good.len, good.len - 1, n);
        assert_int_equal(pack_size(), good.len); /* nothing of the rest stays behind */
    }
    buf_dispose(&good);
}

/* A test's thread must not fail by itself. @return NULL when a piece was not what it shall be */
static void *load_all(void *arg)
{
    void *good = arg;
    struct content *c = content_of(0, BYTES, 0);
    for (size_t i = 0; i < PIECES; i++) {
        struct pack_piece ready;
        if (pack_load(c, piece_of(c, i), pack_path, &ready)) return NULL;
        if ((i < 2) != (ready.region.packed != NULL)) good = NULL;
        pack_piece_dispose(&ready);
    }
    content_free(c);
    return good;
}

static void many_at_once_compress_a_piece_once(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    expect_all(pack_path);
    off_t size = pack_size();
    assert_int_equal(unlink(pack_path), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_all, &folder), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *good;
        assert_int_equal(pthread_join(threads[i], &good), 0);
        assert_non_null(good);
    }
    assert_int_equal(pack_size(), size);
    expect_all(pack_path);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
    fill_bytes();
    const struct CMUnitTest tests[] = {
        TEST(a_stream_is_whole_windows_and_has_no_end),
        TEST(the_erased_end_is_not_sent_but_fills_the_last_window),
        TEST(what_is_no_whole_window_goes_raw),
        TEST(a_content_that_cannot_be_read_is_an_error),
        TEST(a_piece_is_compressed_once),
        TEST(the_same_bytes_elsewhere_are_found),
        TEST(warming_leaves_nothing_to_do),
        TEST(keys_and_what_is_of_one_board_stay_out_of_it),
        TEST(a_pack_that_cannot_be_made_costs_only_time),
        TEST(a_damaged_pack_is_never_believed_and_mends),
        TEST(many_at_once_compress_a_piece_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
