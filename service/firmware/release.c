#include "service/firmware/release.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/base/archive.h"
#include "service/base/buf.h"
#include "service/base/file.h"
#include "service/base/limits.h"
#include "service/firmware/learn.h"
#include "service/firmware/listing.h"

enum { ENTRIES_MAX = 2000, LISTING_MAX = 64 * 1024, PATH = 512 };

#define HINT "Send the zip as it was released."

static enum err open_zip(const char *path, struct archive **out)
{
    enum err e = archive_open_file(path, ENTRIES_MAX, out);
    if (e == ERR_TOO_LARGE)
        e = err_fail(ERR_ARG, "firmware_too_large", HINT, "%s", err_last()->detail);
    return e;
}

/* --- finding --- */

static size_t depth_of(const char *name)
{
    size_t n = 0;
    for (; *name; name++)
        n += *name == '/';
    return n;
}

static const char *base_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static bool is_factory_image(const char *base)
{
    static const char start[] = "factory_", end[] = ".bin";
    size_t n = strlen(base);
    return n > strlen(start) + strlen(end) && !strncmp(base, start, strlen(start)) &&
           !strcmp(base + n - strlen(end), end);
}

static bool is_config(const char *base)
{
    return !strcmp(base, "download.config");
}

static bool is_json(const char *base)
{
    return !strcmp(base, "flasher_args.json");
}

struct found {
    const char *name; /* NULL = none; borrowed from the zip */
    size_t entry;
    bool twice; /* another one lies as deep */
};

/* The outermost file that is wanted: a release may have a folder around everything. */
static struct found find(const struct archive *zip, bool (*is_wanted)(const char *base))
{
    struct found f = {NULL, 0, false};
    size_t n = archive_count(zip);
    for (size_t i = 0; i < n; i++) {
        const char *name = archive_name(zip, i);
        if (!name || !is_wanted(base_of(name))) continue;
        size_t depth = depth_of(name), so_far = f.name ? depth_of(f.name) : depth + 1;
        if (depth == so_far) f.twice = true;
        if (depth < so_far) f = (struct found){name, i, false};
    }
    return f;
}

/* --- the listing --- */

static enum err into_buf(const uint8_t *bytes, size_t n, void *arg)
{
    return buf_append(arg, bytes, n);
}

static enum err read_listing(const struct archive *zip, const struct found *f, struct listing *out)
{
    struct buf text;
    buf_init(&text, LISTING_MAX);
    enum err e = f->twice ? err_fail(ERR_ARG, "release_bad_parts", "Send one release at a time.",
                                     "the zip has %s more than once", base_of(f->name))
                          : archive_read(zip, f->entry, base_of(f->name), into_buf, &text);
    if (e == ERR_TOO_LARGE)
        e = err_fail(ERR_ARG, "release_bad_parts", HINT, "%s has more than %d bytes",
                     base_of(f->name), LISTING_MAX);
    if (!e)
        e = is_json(base_of(f->name)) ? listing_from_json(buf_str(&text), text.len, out)
                                      : listing_from_config(buf_str(&text), text.len, out);
    buf_dispose(&text);
    return e;
}

/* --- unpacking --- */

struct unpacking {
    struct archive *zip;
    int fd;
    uint64_t total; /* bytes written so far */
    struct firmware_info *out;
};

static enum err into_file(const uint8_t *bytes, size_t n, void *arg)
{
    struct unpacking *u = arg;
    u->total += n;
    if (u->total > LIMIT_FIRMWARE)
        return err_fail(ERR_ARG, "firmware_too_large", HINT, "the zip unpacks to more than %d MB",
                        LIMIT_FIRMWARE >> 20);
    return file_write(u->fd, "content of the firmware", bytes, n);
}

/* @param called  in messages */
static enum err unpack_part(struct unpacking *u, size_t entry, const char *called,
                            struct firmware_part *p)
{
    p->at = u->total;
    enum err e = archive_read(u->zip, entry, called, into_file, u);
    if (e) return e;
    p->size = (uint32_t)(u->total - p->at);
    if (!p->size) return err_fail(ERR_ARG, "release_bad_parts", HINT, "%s has no bytes", called);
    u->out->part_count++;
    return ERR_OK;
}

/* @param folder_len  of the folder that the listing lies in, with its '/' */
static enum err unpack_row(struct unpacking *u, const struct listing_row *row, const char *folder,
                           size_t folder_len)
{
    char path[PATH];
    int n = snprintf(path, sizeof path, "%.*s%s", (int)folder_len, folder, row->path);
    size_t entry;
    if (n >= (int)sizeof path || !archive_find(u->zip, path, &entry))
        return err_fail(ERR_ARG, "release_bad_parts", HINT, "%s is listed, but not in the zip",
                        row->path);
    struct firmware_part *p = &u->out->parts[u->out->part_count];
    p->offset = row->offset;
    snprintf(p->name, sizeof p->name, "%.95s", row->path);
    return unpack_part(u, entry, row->path, p);
}

static enum err unpack_listed(struct unpacking *u, const struct found *f)
{
    struct listing *l = malloc(sizeof *l);
    if (!l) return err_set(ERR_MEM, "out of memory");
    enum err e = read_listing(u->zip, f, l);
    size_t folder_len = (size_t)(base_of(f->name) - f->name);
    for (size_t i = 0; !e && i < l->count; i++)
        e = unpack_row(u, &l->rows[i], f->name, folder_len);
    if (!e) u->out->flash_bytes = l->flash_bytes;
    free(l);
    return e;
}

static enum err unpack(struct unpacking *u, bool *alone_out)
{
    struct found f = find(u->zip, is_config);
    if (!f.name) f = find(u->zip, is_json);
    if (f.name) return unpack_listed(u, &f);
    f = find(u->zip, is_factory_image);
    if (!f.name || f.twice)
        return err_fail(ERR_ARG, "release_no_parts",
                        "Send a release zip of ESP-AT, or the factory image itself.",
                        "the zip has neither download.config nor flasher_args.json, nor one "
                        "factory image");
    *alone_out = true;
    struct firmware_part *p = &u->out->parts[0];
    const char *base = base_of(f.name);
    learn_text(base, strlen(base), '?', p->name, sizeof p->name);
    return unpack_part(u, f.entry, p->name, p);
}

enum err release_unpack(const char *zip_path, int content_fd, struct firmware_info *out,
                        bool *alone_out)
{
    struct unpacking u = {.fd = content_fd, .out = out};
    *alone_out = false;
    out->part_count = 0;
    enum err e = open_zip(zip_path, &u.zip);
    if (!e) e = unpack(&u, alone_out);
    archive_close(u.zip);
    return e;
}
