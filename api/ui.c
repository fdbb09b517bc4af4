#include "api/ui.h"

#include <string.h>
#include <zlib.h>

enum { GZIP_WRAPPED = 16 }; /* beside the window's bits: zlib reads a gzip header */

const struct ui_file *ui_find(const char *folder, const char *name)
{
    for (size_t i = 0; i < ui_file_count; i++)
        if (strcmp(ui_files[i].folder, folder) == 0 && strcmp(ui_files[i].name, name) == 0)
            return &ui_files[i];
    return NULL;
}

enum err ui_plain(const struct ui_file *file, struct buf *out)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)file->gzip, .avail_in = (uInt)file->gzip_len};
    buf_init(out, file->plain_len);
    enum err e = buf_fill(out, 0, file->plain_len);
    if (e) return e;
    z.next_out = out->data;
    z.avail_out = (uInt)out->len;
    int result = inflateInit2(&z, MAX_WBITS + GZIP_WRAPPED);
    if (result == Z_OK) {
        result = inflate(&z, Z_FINISH);
        inflateEnd(&z);
    }
    if (result == Z_STREAM_END) return ERR_OK;
    buf_dispose(out);
    return result == Z_MEM_ERROR ? err_set(ERR_MEM, "out of memory")
                                 : err_set(ERR_INTERNAL, "%s cannot be unpacked", file->name);
}
