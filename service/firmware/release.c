#include "service/firmware/release.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "service/base/buf.h"
#include "service/base/file.h"
#include "service/base/limits.h"
#include "service/firmware/learn.h"
#include "service/firmware/listing.h"

enum { ENTRIES_MAX = 2000, LISTING_MAX = 64 * 1024, CHUNK = 16 * 1024, PATH = 512 };

#define HINT "Send the zip as it was released."

bool release_is_zip(const uint8_t *head, size_t n)
{
    return n >= 4 && (!memcmp(head, "PK\3\4", 4) || !memcmp(head, "PK\5\6", 4));
}

/* --- opening --- */

static enum err damaged(const char *what, const char *why)
{
    return err_fail(ERR_ARG, "zip_damaged", "Get the zip again: it did not arrive whole.",
                    "%.100s: %.200s", what, why);
}

static enum err too_many(void)
{
    return err_fail(ERR_ARG, "firmware_too_large", HINT, "the zip has more than %d files",
                    ENTRIES_MAX);
}

enum { LOCATOR = 20, TAIL = 65535 + 22 + LOCATOR };

static enum err read_tail(const char *path, uint8_t tail[TAIL], size_t *n_out)
{
    struct stat st = {.st_size = 0};
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !fstat(fd, &st))
        n = pread(fd, tail, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
    enum err e = n < 0 ? file_error(path) : ERR_OK;
    if (fd >= 0) close(fd);
    *n_out = n < 0 ? 0 : (size_t)n;
    return e;
}

/* A zip of the large form may have a million entries, each of which costs memory as soon as it is
 * opened. No release needs that form; its mark stands right before the end record. */
static enum err refuse_large_form(const char *path)
{
    size_t n = 0;
    uint8_t *tail = malloc(TAIL);
    if (!tail) return err_set(ERR_MEM, "out of memory");
    enum err e = read_tail(path, tail, &n);
    for (size_t i = 0; !e && i + LOCATOR + 4 <= n; i++)
        if (!memcmp(tail + i, "PK\6\7", 4) && !memcmp(tail + i + LOCATOR, "PK\5\6", 4))
            e = too_many();
    free(tail);
    return e;
}

static enum err open_zip(const char *path, zip_t **out)
{
    int code = 0;
    enum err e = refuse_large_form(path);
    if (e) return e;
    *out = zip_open(path, ZIP_RDONLY, &code);
    if (*out) return zip_get_num_entries(*out, 0) > ENTRIES_MAX ? too_many() : ERR_OK;
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    e = code == ZIP_ER_MEMORY ? err_set(ERR_MEM, "out of memory")
                              : damaged("the zip", zip_error_strerror(&error));
    zip_error_fini(&error);
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
    zip_uint64_t index;
    bool twice; /* another one lies as deep */
};

/* The outermost file that is wanted: a release may have a folder around everything. */
static struct found find(zip_t *zip, bool (*is_wanted)(const char *base))
{
    struct found f = {NULL, 0, false};
    zip_int64_t n = zip_get_num_entries(zip, 0);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(zip, (zip_uint64_t)i, 0);
        if (!name || !is_wanted(base_of(name))) continue;
        size_t depth = depth_of(name), so_far = f.name ? depth_of(f.name) : depth + 1;
        if (depth == so_far) f.twice = true;
        if (depth < so_far) f = (struct found){name, (zip_uint64_t)i, false};
    }
    return f;
}

/* --- reading an entry --- */

typedef enum err (*sink_fn)(const uint8_t *bytes, size_t n, void *arg);

static enum err check_method(zip_t *zip, zip_uint64_t index, const char *name)
{
    zip_stat_t st;
    if (zip_stat_index(zip, index, 0, &st)) return damaged(name, zip_strerror(zip));
    bool known = !(st.valid & ZIP_STAT_COMP_METHOD) || st.comp_method == ZIP_CM_STORE ||
                 st.comp_method == ZIP_CM_DEFLATE;
    bool plain = !(st.valid & ZIP_STAT_ENCRYPTION_METHOD) || st.encryption_method == ZIP_EM_NONE;
    if (known && plain) return ERR_OK;
    return err_fail(ERR_ARG, "zip_unsupported",
                    "Pack it again, with the usual method (deflate) and without a password.",
                    "%.100s is %s", name, plain ? "packed in an unusual way" : "encrypted");
}

static enum err read_entry(zip_t *zip, zip_uint64_t index, const char *name, sink_fn sink,
                           void *arg)
{
    uint8_t chunk[CHUNK];
    zip_int64_t n = 0;
    enum err e = check_method(zip, index, name);
    if (e) return e;
    zip_file_t *file = zip_fopen_index(zip, index, 0);
    if (!file) return damaged(name, zip_strerror(zip));
    while (!e && (n = zip_fread(file, chunk, sizeof chunk)) > 0)
        e = sink(chunk, (size_t)n, arg);
    if (n < 0) e = damaged(name, zip_file_strerror(file));
    zip_fclose(file);
    return e;
}

static enum err into_buf(const uint8_t *bytes, size_t n, void *arg)
{
    return buf_append(arg, bytes, n);
}

/* --- the listing --- */

static enum err read_listing(zip_t *zip, const struct found *f, struct listing *out)
{
    struct buf text;
    buf_init(&text, LISTING_MAX);
    enum err e = f->twice ? err_fail(ERR_ARG, "release_bad_parts", "Send one release at a time.",
                                     "the zip has %s more than once", base_of(f->name))
                          : read_entry(zip, f->index, base_of(f->name), into_buf, &text);
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
    zip_t *zip;
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
static enum err unpack_part(struct unpacking *u, zip_uint64_t index, const char *called,
                            struct firmware_part *p)
{
    p->at = u->total;
    enum err e = read_entry(u->zip, index, called, into_file, u);
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
    zip_int64_t index = n < (int)sizeof path ? zip_name_locate(u->zip, path, 0) : -1;
    if (index < 0)
        return err_fail(ERR_ARG, "release_bad_parts", HINT, "%s is listed, but not in the zip",
                        row->path);
    struct firmware_part *p = &u->out->parts[u->out->part_count];
    p->offset = row->offset;
    snprintf(p->name, sizeof p->name, "%.95s", row->path);
    return unpack_part(u, (zip_uint64_t)index, row->path, p);
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
    return unpack_part(u, f.index, p->name, p);
}

enum err release_unpack(const char *zip_path, int content_fd, struct firmware_info *out,
                        bool *alone_out)
{
    struct unpacking u = {.fd = content_fd, .out = out};
    *alone_out = false;
    out->part_count = 0;
    enum err e = open_zip(zip_path, &u.zip);
    if (!e) e = unpack(&u, alone_out);
    if (u.zip) zip_discard(u.zip);
    return e;
}
