/* body_file: a body that is too large for memory, written to the disk as it comes, into a new
 * folder of the shelf. Until somebody keeps it, the folder goes with it. */
#ifndef API_BODY_FILE_H
#define API_BODY_FILE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/base/id.h"

struct body_file {
    char id[ID_TEXT]; /* of its folder on the shelf, where it is "upload" */
    char name[97];    /* that the client's form gives it, any bytes; "" = none */
    uint64_t size;
    char sha256[SHA256_HEX]; /* after body_file_end() */
    bool kept;               /* set by whoever has put its folder to use */
    struct body_sink *sink;  /* private */
};

/** @param conn  its Content-Type says whether the file comes alone or in a form
 *  @return ERR_OK; ERR_ARG with code bad_multipart; ERR_IO (disk_full); ERR_MEM */
enum err body_file_new(const char *data_dir, struct MHD_Connection *conn, struct body_file **out);
/** More of the body. @return as body_file_new(); after an error it can only be freed */
enum err body_file_take(struct body_file *b, const void *data, size_t n);
/** That was all of it; not yet synced. @return as body_file_new() */
enum err body_file_end(struct body_file *b);
/** NULL allowed. */
void body_file_free(struct body_file *b);
#endif
