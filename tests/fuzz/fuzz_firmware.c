/* The input is an upload: it is judged, and whatever comes of it must hang together and read back
 * from its JSON. It is also read as either listing of a release, and as an image whose header is
 * changed. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/limits.h"
#include "service/firmware/compose.h"
#include "service/firmware/firmware.h"
#include "service/firmware/guard.h"
#include "service/firmware/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { COMPOSED_MAX = 8 * 1024 * 1024 };

static char folder[] = "/tmp/espgate-fuzz-XXXXXX", upload[64], content[64];

static void must(int condition)
{
    if (!condition) abort();
}

static void leave(void)
{
    unlink(upload);
    unlink(content);
    rmdir(folder);
}

static void enter(void)
{
    if (*upload) return;
    must(mkdtemp(folder) != NULL);
    snprintf(upload, sizeof upload, "%s/upload", folder);
    snprintf(content, sizeof content, "%s/content", folder);
    atexit(leave);
}

static void expect_text(const char *text)
{
    for (; *text; text++)
        must(*text >= 0x20 && *text <= 0x7e);
}

static void expect_sound(const struct firmware_info *f)
{
    struct stat st;
    uint64_t end = 0, at = 0;
    must(f->part_count >= 1 && f->part_count <= FIRMWARE_PARTS);
    for (size_t i = 0; i < f->part_count; i++) {
        const struct firmware_part *p = &f->parts[i];
        expect_text(p->name);
        must(*p->name && p->size && p->at == at && p->offset >= end);
        at += p->size;
        end = (uint64_t)p->offset + p->size;
    }
    must(!stat(content, &st) && (uint64_t)st.st_size == at && at <= LIMIT_FIRMWARE);
    must((f->kind == FIRMWARE_RELEASE) || f->part_count == 1);
    must((f->kind == FIRMWARE_FACTORY) <= (f->table.count > 0 && *f->chip));
    must((f->kind == FIRMWARE_BINARY) <= (!f->table.count && !f->user.count && !f->flash_bytes));
    expect_text(f->project);
    expect_text(f->version);
    expect_text(f->idf);
    expect_text(f->built);
}

static void expect_read_back(const struct firmware_info *f)
{
    static struct firmware_info back;
    json_t *j = firmware_to_json(f), *again;
    must(j && firmware_from_json(j, &back) == ERR_OK);
    again = firmware_to_json(&back);
    must(json_equal(j, again));
    json_decref(again);
    json_decref(j);
}

/* Pieces ascend, do not touch the next one's bytes, and together hold what composing holds. */
static void expect_pieces(struct content *c)
{
    const struct piece *p;
    size_t n;
    uint64_t end = 0;
    must(content_pieces(c, &p, &n) == ERR_OK);
    for (size_t i = 0; i < n; i++) {
        must(p[i].size && p[i].offset >= end && p[i].offset % CONTENT_SECTOR == 0 &&
             p[i].size % CONTENT_SECTOR == 0);
        end = (uint64_t)p[i].offset + p[i].size;
        must(p[i].offset / CONTENT_PIECE == (end - 1) / CONTENT_PIECE);
    }
    if (!n || end > COMPOSED_MAX) return;
    struct buf whole;
    buf_init(&whole, COMPOSED_MAX);
    must(content_compose(c, (uint32_t)end, &whole) == ERR_OK);
    uint8_t piece[CONTENT_PIECE];
    must(content_read(c, p[n - 1].offset, piece, p[n - 1].size) == ERR_OK);
    must(!memcmp(piece, whole.data + p[n - 1].offset, p[n - 1].size));
    buf_dispose(&whole);
}

static void use(const struct firmware_info *f)
{
    const struct guard g = {.chip = "esp32",
                            .flash_bytes = 4 * 1024 * 1024,
                            .bootloader_offset = 0x1000,
                            .table_offset = 0x8000,
                            .allowed = GUARD_BOOTLOADER | GUARD_TABLE | GUARD_NVS};
    const struct esp_header_wish wish = {.mode = 0, .freq = HEADER_KEEP, .size = HEADER_KEEP};
    struct content *c;
    int fd = open(content, O_RDONLY | O_CLOEXEC);
    must(fd >= 0);
    enum err e = firmware_content(f, fd, NULL, &c);
    must(f->kind == FIRMWARE_BINARY ? e == ERR_ARG : e == ERR_OK);
    if (!e) {
        e = guard_content(&g, c);
        must(!e || e == ERR_ARG);
        e = content_patch_header(c, 0x1000, 0x7000, &wish);
        must(!e || e == ERR_ARG);
        expect_pieces(c);
    }
    content_free(c);
    close(fd);
}

static void fuzz_upload(const uint8_t *data, size_t size)
{
    static struct firmware_info f;
    unlink(content);
    int fd = open(upload, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && !close(fd));
    enum err e = firmware_read(upload, content, "upload", &f);
    must(e == ERR_OK || e == ERR_ARG);
    if (e) {
        must(access(content, F_OK) != 0);
        return;
    }
    expect_sound(&f);
    expect_read_back(&f);
    use(&f);
}

static void fuzz_listing(const struct listing *l)
{
    must(l->count >= 1 && l->count <= FIRMWARE_PARTS);
    for (size_t i = 0; i < l->count; i++) {
        expect_text(l->rows[i].path);
        must(*l->rows[i].path && l->rows[i].offset % CONTENT_SECTOR == 0);
        must(!i || l->rows[i].offset > l->rows[i - 1].offset);
    }
}

/* A change that is undone leaves an image with a true hash as it was. */
static void fuzz_header(const uint8_t *data, size_t size)
{
    struct esp_header h, after;
    struct esp_header_wish wish = {.mode = 1, .freq = 2, .size = 3};
    uint8_t *image = malloc(size ? size : 1);
    must(image != NULL);
    memcpy(image, data, size);
    enum err e = esp_header_patch(image, size, &wish);
    must(!e || !memcmp(image, data, size));
    if (!e) {
        must(esp_header_read(data, size, &h) && esp_header_read(image, size, &after));
        must(after.mode == 1 && after.size_freq == 0x32 && after.chip_id == h.chip_id);
        wish = (struct esp_header_wish){h.mode, h.size_freq & 0xf, h.size_freq >> 4};
        must(!esp_header_patch(image, size, &wish) && !memcmp(image, data, HEADER_BYTES));
    }
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct listing l;
    enter();
    fuzz_upload(data, size);
    if (!listing_from_config((const char *)data, size, &l)) fuzz_listing(&l);
    if (!listing_from_json((const char *)data, size, &l)) fuzz_listing(&l);
    fuzz_header(data, size);
    return 0;
}
