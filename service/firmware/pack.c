/* A piece goes compressed in whole windows of the ROM's inflater, as far as it has windows. The
 * stream is closed by a flush and never ended, or the ESP32 destroys what lies behind
 * (service/flash/flasher_write.c). One flush is enough, at the end: the inflater hands out all that
 * it was given, and each further one costs bytes.
 *
 * The pack is a list of streams, each under the MD5 of the bytes that it stands for. So it need not
 * know what a firmware is or where in flash it goes, and what does not belong to the bytes at hand
 * is never found. It only grows, by whole records under a lock: whoever comes while a piece is
 * being compressed waits for it. A record that was cut off or damaged fails its CRC and counts for
 * nothing; the piece is compressed anew, and so is everything behind a head that makes no sense. A
 * pack that cannot be used at all costs time and nothing else, so that no error of it ends a job.
 */
#include "service/firmware/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

#include "service/base/digest.h"
#include "service/base/limits.h"

/* tests/bench/bench_pack.c: of a 4 MiB factory image level 6 costs 0.1 s of one core and 9.09 s of
 * wire at 921600 baud; level 9 saves 0.05 s there for 0.15 s more here, level 4 loses 0.2 s for
 * 0.06. Less memory than zlib's usual 8 lets the codes follow the data sooner: 0.3 % smaller. */
enum { LEVEL = 6, MEMORY = 7 };

enum {
    STREAM_MAX = 2 * CONTENT_PIECE,
    SESSION = 64,    /* bytes that one more BEGIN and its answer cost on the wire */
    FILE_HEAD = 12,  /* mark and version */
    RECORD_HEAD = 32 /* mark; CRC-32 of all that follows; length of the stream, 0 = raw is smaller;
                        bytes covered; their MD5 */
};

static const uint8_t file_head[FILE_HEAD] = "espgpack\1";
static const uint8_t record_mark[4] = {'r', 'e', 'c', 0xa5};

/* ---- compressing ---- */

/* What zlib keeps of a key goes as it came. */
static void *zalloc(void *arg, unsigned items, unsigned size)
{
    size_t n = (size_t)items * size;
    max_align_t *block = calloc(1, sizeof *block + n);
    (void)arg;
    if (!block) return NULL;
    memcpy(block, &n, sizeof n);
    return block + 1;
}

static void zfree(void *arg, void *p)
{
    size_t n;
    max_align_t *block = (max_align_t *)p - 1;
    (void)arg;
    memcpy(&n, block, sizeof n);
    explicit_bzero(p, n);
    free(block);
}

/* @p n bytes as an unended stream. */
static enum err compress_windows(uint8_t *data, size_t n, struct buf *out)
{
    uint8_t chunk[4096];
    z_stream z = {.zalloc = zalloc, .zfree = zfree, .next_in = data, .avail_in = (uInt)n};
    if (deflateInit2(&z, LEVEL, Z_DEFLATED, MAX_WBITS, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(ERR_MEM, "out of memory for compressing");
    enum err e = ERR_OK;
    do {
        z.next_out = chunk;
        z.avail_out = sizeof chunk;
        (void)deflate(&z, Z_SYNC_FLUSH); /* fails only where there is nothing left to do */
        e = buf_append(out, chunk, sizeof chunk - z.avail_out);
    } while (!e && !z.avail_out);
    deflateEnd(&z);
    explicit_bzero(chunk, sizeof chunk);
    return e;
}

/* The stream when it is shorter on the wire than what it stands for; else nothing. */
static enum err compress_if_shorter(struct pack_piece *p, size_t covers)
{
    size_t data = p->region.n < covers ? p->region.n : covers;
    enum err e = compress_windows(p->data.data, covers, &p->packed);
    if (!e && p->packed.len + SESSION >= data) buf_reset(&p->packed);
    return e;
}

/* ---- the file ---- */

static bool read_at(int fd, uint64_t at, void *out, size_t n)
{
    return pread(fd, out, n, (off_t)at) == (ssize_t)n;
}

static bool write_at(int fd, uint64_t at, const void *data, size_t n)
{
    return pwrite(fd, data, n, (off_t)at) == (ssize_t)n;
}

static uint32_t checksum(const uint8_t head[RECORD_HEAD], const uint8_t *stream, size_t n)
{
    uLong crc = crc32(0, head + 8, RECORD_HEAD - 8);
    return (uint32_t)(n ? crc32(crc, stream, (uInt)n) : crc);
}

/* Opened, locked, and with a head of ours. @return -1 when there can be none */
static int open_locked(const char *path)
{
    uint8_t head[FILE_HEAD];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR) goto failed;
    if (read_at(fd, 0, head, sizeof head) && !memcmp(head, file_head, sizeof head)) return fd;
    if (ftruncate(fd, 0) == 0 && write_at(fd, 0, file_head, sizeof file_head)) return fd;
failed:
    close(fd);
    return -1;
}

/* Take the stream of a record into @p out. @return false when it is damaged */
static bool take(int fd, uint64_t at, const uint8_t head[RECORD_HEAD], struct buf *out)
{
    uint32_t n = le32_get(head + 8);
    bool good = n <= STREAM_MAX && !buf_fill(out, 0, n) &&
                (!n || read_at(fd, at + RECORD_HEAD, out->data, n)) &&
                checksum(head, out->data, n) == le32_get(head + 4);
    if (!good) buf_reset(out);
    return good;
}

/* @param wanted  the end of a record's head: bytes covered, and their MD5
 *  @param[out] end_out  where the next record belongs, when it is not found */
static bool find(int fd, const uint8_t wanted[RECORD_HEAD - 12], struct buf *out, uint64_t *end_out)
{
    uint8_t head[RECORD_HEAD];
    off_t size = lseek(fd, 0, SEEK_END);
    uint64_t next = FILE_HEAD;
    do {
        *end_out = next;
        bool is_record =
            read_at(fd, next, head, sizeof head) && !memcmp(head, record_mark, sizeof record_mark);
        if (!is_record) return false;
        if (!memcmp(head + 12, wanted, RECORD_HEAD - 12) && take(fd, next, head, out)) return true;
        next += RECORD_HEAD + le32_get(head + 8);
    } while (next <= (uint64_t)size);
    return false;
}

/* Behind the last good record; what was there of a bad one goes. */
static void append(int fd, uint64_t at, const uint8_t wanted[RECORD_HEAD - 12],
                   const struct buf *stream)
{
    uint8_t head[RECORD_HEAD];
    if (at + RECORD_HEAD + stream->len > LIMIT_FIRMWARE) return;
    memcpy(head, record_mark, sizeof record_mark);
    le32_put(head + 8, (uint32_t)stream->len);
    memcpy(head + 12, wanted, RECORD_HEAD - 12);
    le32_put(head + 4, checksum(head, stream->data, stream->len));
    bool written = ftruncate(fd, (off_t)at) == 0 && write_at(fd, at, head, sizeof head) &&
                   write_at(fd, at + sizeof head, stream->data, stream->len);
    if (!written) (void)!ftruncate(fd, (off_t)at); /* a bad record is seen and counts for nothing */
}

static enum err compress_shared(struct pack_piece *p, size_t covers, const char *path)
{
    uint8_t wanted[RECORD_HEAD - 12];
    uint64_t end;
    int fd = open_locked(path);
    if (fd < 0) return compress_if_shorter(p, covers);
    le32_put(wanted, (uint32_t)covers);
    digest_md5(p->data.data, covers, wanted + 4);
    enum err e = ERR_OK;
    if (!find(fd, wanted, &p->packed, &end)) {
        e = compress_if_shorter(p, covers);
        if (!e) append(fd, end, wanted, &p->packed);
    }
    close(fd);
    return e;
}

/* ---- a piece ---- */

static size_t without_erased_end(const uint8_t *data, size_t n)
{
    while (n && data[n - 1] == 0xff)
        n--;
    return n;
}

/* So many windows as the data reaches into, as far as the piece has whole ones. */
static size_t windows_of(size_t n, size_t size)
{
    size_t reached = (n + FLASHER_WINDOW - 1) / FLASHER_WINDOW, whole = size / FLASHER_WINDOW;
    return (reached < whole ? reached : whole) * FLASHER_WINDOW;
}

static bool is_shared(const struct piece *p, const char *pack_path)
{
    return pack_path && p->file >= 0 && !p->secret;
}

static enum err load(const struct content *c, const struct piece *p, const char *pack_path,
                     struct pack_piece *out)
{
    struct flasher_region *r = &out->region;
    enum err e = buf_fill(&out->data, 0xff, p->size);
    if (!e) e = content_read(c, p->offset, out->data.data, p->size);
    if (e) return e;
    r->data = out->data.data;
    r->n = without_erased_end(r->data, p->size);
    size_t covers = windows_of(r->n, p->size);
    if (!covers) return ERR_OK;
    e = is_shared(p, pack_path) ? compress_shared(out, covers, pack_path)
                                : compress_if_shorter(out, covers);
    if (e || !out->packed.len) return e;
    r->packed = out->packed.data;
    r->packed_n = out->packed.len;
    r->packed_covers = covers;
    return ERR_OK;
}

enum err pack_load(const struct content *c, const struct piece *p, const char *pack_path,
                   struct pack_piece *out)
{
    *out = (struct pack_piece){
        .region = {.offset = p->offset, .erase_bytes = p->size, .secret = p->secret}};
    buf_init(&out->data, p->size);
    buf_init(&out->packed, STREAM_MAX);
    out->data.secret = out->packed.secret = p->secret;
    enum err e = load(c, p, pack_path, out);
    if (e) pack_piece_dispose(out);
    return e;
}

void pack_warm(const struct content *c, const struct piece *p, const char *pack_path)
{
    struct pack_piece made;
    if (is_shared(p, pack_path) && !pack_load(c, p, pack_path, &made)) pack_piece_dispose(&made);
}

void pack_piece_dispose(struct pack_piece *p)
{
    buf_dispose(&p->data);
    buf_dispose(&p->packed);
}
