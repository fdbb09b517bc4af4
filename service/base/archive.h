/* archive: a zip, read file by file. Nothing in it is believed: not its sizes (a reader counts what
 * comes), not its names (they are compared and shown, never opened). Not thread-safe. */
#ifndef SERVICE_BASE_ARCHIVE_H
#define SERVICE_BASE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/base/err.h"

struct archive; /* opaque */

/** Do a file's first bytes say that it is a zip? */
bool archive_is_zip(const uint8_t *head, size_t n);
/** @param files_max  most entries that it may have
 *  @return ERR_OK; ERR_ARG with code zip_damaged; ERR_TOO_LARGE with code zip_too_many_files;
 *          ERR_IO, ERR_MEM */
enum err archive_open_file(const char *path, size_t files_max, struct archive **out);
/** The same with the zip in memory. @p data is borrowed while it is open. */
enum err archive_open_memory(const uint8_t *data, size_t n, size_t files_max, struct archive **out);
void archive_close(struct archive *a); /* NULL allowed */

/** Entries are counted from 0; a folder is one too, its name ends with '/'. */
size_t archive_count(const struct archive *a);
/** Borrowed; NULL for an entry that has been damaged. */
const char *archive_name(const struct archive *a, size_t entry);
/** Look an entry up by its whole name. @return whether there is one */
bool archive_find(const struct archive *a, const char *name, size_t *entry_out);

typedef enum err (*archive_sink_fn)(const uint8_t *bytes, size_t n, void *arg);
/** Unpack an entry into @p sink, piece by piece, until it is at its end or @p sink fails.
 *  @param called  its name in messages
 *  @return ERR_OK; ERR_ARG with codes zip_damaged, zip_unsupported (encrypted, or not deflate);
 * what
 *          @p sink returned */
enum err archive_read(const struct archive *a, size_t entry, const char *called,
                      archive_sink_fn sink, void *arg);
#endif
