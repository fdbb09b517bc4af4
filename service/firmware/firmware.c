/* Design: a plain upload is its own content file; a zip is unpacked into one. From then on there is
 * one way: the parts become a content, and what is known of the firmware is read through it, by
 * flash address. */
#include "service/firmware/firmware.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service/base/archive.h"
#include "service/base/file.h"
#include "service/base/limits.h"
#include "service/firmware/content.h"
#include "service/firmware/learn.h"
#include "service/firmware/release.h"

#define HINT "Send the zip as it was released."

enum { FLASH_MIN = 1024 * 1024 };

const char *firmware_kind_name(enum firmware_kind k)
{
    switch (k) {
    case FIRMWARE_FACTORY:
        return "factory";
    case FIRMWARE_RELEASE:
        return "release";
    case FIRMWARE_BINARY:
        return "binary";
    }
    return "binary";
}

/* --- the upload --- */

struct upload {
    uint32_t size;
    bool is_zip;
};

static enum err check_size(off_t size)
{
    if (!size)
        return err_fail(ERR_ARG, "firmware_empty", "Send the file itself.",
                        "the file has no bytes");
    if (size > LIMIT_FIRMWARE)
        return err_fail(ERR_ARG, "firmware_too_large", "No flash of these boards is that large.",
                        "the file has more than %d MB", LIMIT_FIRMWARE >> 20);
    return ERR_OK;
}

static enum err sniff(const char *path, struct upload *out)
{
    uint8_t head[4];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st)) {
        enum err e = file_error(path);
        if (fd >= 0) close(fd);
        return e;
    }
    ssize_t n = read(fd, head, sizeof head);
    enum err e = n < 0 ? file_error(path) : check_size(st.st_size);
    close(fd);
    if (e) return e;
    *out = (struct upload){(uint32_t)st.st_size, archive_is_zip(head, (size_t)n)};
    return ERR_OK;
}

/* --- the content file --- */

static enum err link_plain(const char *upload_path, const char *content_path, const char *name,
                           uint32_t size, struct firmware_info *out)
{
    struct firmware_part *p = &out->parts[out->part_count++];
    p->size = size;
    learn_text(name, strlen(name), '?', p->name, sizeof p->name);
    if (!*p->name) snprintf(p->name, sizeof p->name, "firmware");
    return link(upload_path, content_path) ? file_error(content_path) : ERR_OK;
}

/* @param[out] alone_out  as release_unpack() */
static enum err unpack_zip(const char *upload_path, const char *content_path,
                           struct firmware_info *out, bool *alone_out)
{
    int fd = open(content_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) return file_error(content_path);
    enum err e = release_unpack(upload_path, fd, out, alone_out);
    if (!e && fsync(fd)) e = file_error(content_path);
    if (close(fd) && !e) e = file_error(content_path);
    if (e) unlink(content_path);
    return e;
}

/* --- what it is --- */

static enum err bad_parts(void)
{
    return err_fail(ERR_ARG, "release_bad_parts", HINT, "%s", err_last()->detail);
}

static enum err add_parts(struct content *c, int fd, const struct firmware_info *f)
{
    for (size_t i = 0; i < f->part_count; i++) {
        const struct firmware_part *p = &f->parts[i];
        enum err e = content_add_file(c, p->name, p->offset, p->size, fd, p->at, 0);
        if (e) return e == ERR_ARG ? bad_parts() : e;
        if (f->flash_bytes && (uint64_t)p->offset + p->size > f->flash_bytes)
            return err_fail(ERR_ARG, "release_bad_parts", HINT,
                            "%s at 0x%x ends beyond the flash size that the release names", p->name,
                            (unsigned)p->offset);
    }
    return ERR_OK;
}

static enum err fits(const struct firmware_part *p, const struct partition_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->rows[i].offset == p->offset && t->rows[i].size < p->size)
            return err_fail(ERR_ARG, "release_bad_parts", HINT,
                            "%s has %u bytes, its partition %s only %u", p->name, (unsigned)p->size,
                            t->rows[i].name, (unsigned)t->rows[i].size);
    return ERR_OK;
}

static enum err check_partitions(const struct firmware_info *f)
{
    enum err e = ERR_OK;
    for (size_t i = 0; !e && i < f->part_count; i++) {
        e = fits(&f->parts[i], &f->table);
        if (!e) e = fits(&f->parts[i], &f->user);
    }
    return e;
}

/* A bootloader's header may have been left at a smaller size than the rest needs. */
static void grow_flash(struct firmware_info *f)
{
    const struct firmware_part *last = &f->parts[f->part_count - 1];
    uint64_t end = (uint64_t)last->offset + last->size;
    uint64_t flash = f->flash_bytes ? f->flash_bytes : FLASH_MIN;
    while (flash < end)
        flash *= 2;
    if (flash <= UINT32_MAX) f->flash_bytes = (uint32_t)flash;
}

/* One file that boots is a whole flash. What does not may be anything, whatever lies where a table
 * would. A release, too, may be less than a whole: an app and no more. */
static enum err learn(struct content *c, int fd, bool whole, struct firmware_info *out)
{
    bool boots = false;
    enum err e = add_parts(c, fd, out);
    if (!e) e = learn_firmware(c, out, &boots);
    if (e) return e;
    if (boots) grow_flash(out);
    if (!whole) {
        out->kind = FIRMWARE_RELEASE;
        return check_partitions(out);
    }
    out->kind = boots ? FIRMWARE_FACTORY : FIRMWARE_BINARY;
    if (boots) return ERR_OK;
    out->flash_bytes = out->table_offset = 0;
    out->table.count = out->user.count = 0;
    return ERR_OK;
}

static enum err read_content(const char *path, bool whole, struct firmware_info *out)
{
    struct content *c = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err e = fd < 0 ? file_error(path) : content_new(&c);
    if (!e) e = learn(c, fd, whole, out);
    content_free(c);
    if (fd >= 0) close(fd);
    return e;
}

enum err firmware_read(const char *upload_path, const char *content_path, const char *name,
                       struct firmware_info *out)
{
    struct upload u = {.size = 0};
    bool whole = true; /* the content is one file, which may be anything */
    memset(out, 0, sizeof *out);
    enum err e = sniff(upload_path, &u);
    if (e) return e;
    e = u.is_zip ? unpack_zip(upload_path, content_path, out, &whole)
                 : link_plain(upload_path, content_path, name, u.size, out);
    if (e) return e;
    e = read_content(content_path, whole, out);
    if (!e && u.is_zip && out->kind == FIRMWARE_BINARY)
        e = err_fail(ERR_ARG, "release_no_parts", HINT, "%s in the zip is no factory image",
                     out->parts[0].name);
    if (e) unlink(content_path);
    return e;
}
