#include <string.h>

#include "service/base/archive.h"
#include "service/base/limits.h"
#include "service/pki/unpack.h"

struct unzipping {
    struct archive *zip;
    struct buf piece; /* secret */
    struct unpack_room *room;
};

static enum err into_piece(const uint8_t *bytes, size_t n, void *arg)
{
    struct unzipping *z = arg;
    size_t room = z->piece.max - z->piece.len;
    if (n > z->room->bytes)
        return err_fail(ERR_TOO_LARGE, "zip_too_large", "Pack only certificates and keys.",
                        "what is zipped has more than %zu bytes", z->room->all_bytes);
    z->room->bytes -= n;
    enum err e = buf_append(&z->piece, bytes, n < room ? n : room);
    if (e || n <= room) return e;
    return err_fail(ERR_TOO_LARGE, "file_too_large", NULL, "a file in it is too large");
}

static enum err unpack_entry(struct unzipping *z, size_t entry, unpack_fn fn, void *arg)
{
    const char *path = archive_name(z->zip, entry);
    if (!path) path = "a file";
    const char *slash = strrchr(path, '/');
    if (slash && !slash[1]) return ERR_OK; /* a folder */
    z->room->files--;
    buf_reset(&z->piece);
    enum err e = archive_read(z->zip, entry, slash ? slash + 1 : path, into_piece, z);
    if (err_is(e, "file_too_large")) e = ERR_OK; /* it is seen by its length */
    if (e) return e;
    return fn(&(struct credential_input){path, z->piece.data, z->piece.len}, arg);
}

enum err unpack_zip(const struct credential_input *in, struct unpack_room *room, unpack_fn fn,
                    void *arg)
{
    struct unzipping z = {.room = room};
    buf_init_secret(&z.piece, LIMIT_PEM_BYTES + 1);
    enum err e = archive_open_memory(in->data, in->len, room->files, &z.zip);
    size_t n = e ? 0 : archive_count(z.zip);
    for (size_t i = 0; !e && i < n; i++)
        e = unpack_entry(&z, i, fn, arg);
    archive_close(z.zip);
    buf_dispose(&z.piece);
    return e;
}
