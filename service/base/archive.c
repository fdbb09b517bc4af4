#include "service/base/archive.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "service/base/file.h"

enum { CHUNK = 16 * 1024, END_RECORD = 22, LOCATOR = 20, TAIL = 65535 + END_RECORD + LOCATOR };

struct archive {
    zip_t *zip;
};

bool archive_is_zip(const uint8_t *head, size_t n)
{
    return n >= 4 && (!memcmp(head, "PK\3\4", 4) || !memcmp(head, "PK\5\6", 4));
}

/* ---- opening ---- */

static enum err damaged(const char *what, const char *why)
{
    return err_fail(ERR_ARG, "zip_damaged", "Get the zip again: it did not arrive whole.",
                    "%.100s: %.200s", what, why);
}

static enum err too_many(size_t files_max)
{
    return err_fail(ERR_TOO_LARGE, "zip_too_many_files", "Pack only what is needed.",
                    "the zip has more than %zu files", files_max);
}

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
 * opened. Nothing that we are sent needs that form; its mark stands right before the end record. */
static bool is_large_form(const uint8_t *tail, size_t n)
{
    for (size_t i = 0; i + LOCATOR + 4 <= n; i++)
        if (!memcmp(tail + i, "PK\6\7", 4) && !memcmp(tail + i + LOCATOR, "PK\5\6", 4)) return true;
    return false;
}

static enum err open_failed(zip_error_t *error)
{
    enum err e = zip_error_code_zip(error) == ZIP_ER_MEMORY
                     ? err_set(ERR_MEM, "out of memory")
                     : damaged("the zip", zip_error_strerror(error));
    zip_error_fini(error);
    return e;
}

/* @param zip  taken; NULL: it did not open, for the reason in @p error */
static enum err keep(zip_t *zip, zip_error_t *error, size_t files_max, struct archive **out)
{
    *out = NULL;
    if (!zip) return open_failed(error);
    zip_error_fini(error);
    bool many = (size_t)zip_get_num_entries(zip, 0) > files_max;
    struct archive *a = many ? NULL : calloc(1, sizeof *a);
    if (a) {
        a->zip = zip;
        *out = a;
        return ERR_OK;
    }
    zip_discard(zip);
    return many ? too_many(files_max) : err_set(ERR_MEM, "out of memory");
}

enum err archive_open_file(const char *path, size_t files_max, struct archive **out)
{
    size_t n = 0;
    int code = 0;
    zip_error_t error;
    uint8_t *tail = malloc(TAIL);
    *out = NULL;
    if (!tail) return err_set(ERR_MEM, "out of memory");
    enum err e = read_tail(path, tail, &n);
    if (!e && is_large_form(tail, n)) e = too_many(files_max);
    free(tail);
    if (e) return e;
    zip_t *zip = zip_open(path, ZIP_RDONLY, &code);
    zip_error_init_with_code(&error, code);
    return keep(zip, &error, files_max, out);
}

enum err archive_open_memory(const uint8_t *data, size_t n, size_t files_max, struct archive **out)
{
    zip_error_t error;
    size_t tail = n < TAIL ? n : TAIL;
    *out = NULL;
    if (is_large_form(data + n - tail, tail)) return too_many(files_max);
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(data, n, 0, &error);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    if (!zip) zip_source_free(source);
    return keep(zip, &error, files_max, out);
}

void archive_close(struct archive *a)
{
    if (!a) return;
    zip_discard(a->zip);
    free(a);
}

/* ---- finding ---- */

size_t archive_count(const struct archive *a)
{
    return (size_t)zip_get_num_entries(a->zip, 0);
}

const char *archive_name(const struct archive *a, size_t entry)
{
    return zip_get_name(a->zip, entry, 0);
}

bool archive_find(const struct archive *a, const char *name, size_t *entry_out)
{
    zip_int64_t entry = zip_name_locate(a->zip, name, 0);
    *entry_out = entry < 0 ? 0 : (size_t)entry;
    return entry >= 0;
}

/* ---- reading ---- */

static enum err check_method(zip_t *zip, size_t entry, const char *called)
{
    zip_stat_t st;
    if (zip_stat_index(zip, entry, 0, &st)) return damaged(called, zip_strerror(zip));
    bool known = !(st.valid & ZIP_STAT_COMP_METHOD) || st.comp_method == ZIP_CM_STORE ||
                 st.comp_method == ZIP_CM_DEFLATE;
    bool plain = !(st.valid & ZIP_STAT_ENCRYPTION_METHOD) || st.encryption_method == ZIP_EM_NONE;
    if (known && plain) return ERR_OK;
    return err_fail(ERR_ARG, "zip_unsupported",
                    "Pack it again, with the usual method (deflate) and without a password.",
                    "%.100s is %s", called, plain ? "packed in an unusual way" : "encrypted");
}

enum err archive_read(const struct archive *a, size_t entry, const char *called,
                      archive_sink_fn sink, void *arg)
{
    uint8_t chunk[CHUNK];
    zip_int64_t n = 0;
    enum err e = check_method(a->zip, entry, called);
    if (e) return e;
    zip_file_t *file = zip_fopen_index(a->zip, entry, 0);
    if (!file) return damaged(called, zip_strerror(a->zip));
    while (!e && (n = zip_fread(file, chunk, sizeof chunk)) > 0)
        e = sink(chunk, (size_t)n, arg);
    if (n < 0) e = damaged(called, zip_file_strerror(file));
    zip_fclose(file);
    explicit_bzero(chunk, sizeof chunk); /* it may have been a key */
    return e;
}
