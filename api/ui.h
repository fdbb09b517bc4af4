/* ui: the files of the dashboard (api/ui), in the program's read-only data. */
#ifndef API_UI_H
#define API_UI_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"

struct ui_file {
    const char *folder, *name; /* folder: "" = the first */
    const char *type;          /* its Content-Type */
    const uint8_t *gzip;
    size_t gzip_len, plain_len;
};

/* Written by ui_pack.py. */
extern const struct ui_file ui_files[];
extern const size_t ui_file_count;
/** Another one when a byte of any file is another: letters and digits. */
extern const char ui_version[];

/** NULL: there is none. */
const struct ui_file *ui_find(const char *folder, const char *name);
/** Its bytes as they were before they were compressed. @param out  buf_init() is done here;
 *  dispose it @return ERR_OK; ERR_MEM; ERR_INTERNAL */
enum err ui_plain(const struct ui_file *file, struct buf *out);
#endif
