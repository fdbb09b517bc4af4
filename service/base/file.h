/* file: whole files, read with a cap and replaced atomically. */
#ifndef SERVICE_BASE_FILE_H
#define SERVICE_BASE_FILE_H

#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/err.h"

/** What errno says about @p path: ERR_IO, with code disk_full where that is what it says. */
enum err file_error(const char *path);
/** Append the whole of @p path to @p out (initialised by the caller; its maximum is the cap).
 *  @return ERR_OK, ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO, ERR_MEM */
enum err file_read(const char *path, struct buf *out);
/** Write all of it. @param path  for messages @return ERR_OK, ERR_IO as file_error() */
enum err file_write(int fd, const char *path, const void *data, size_t n);
/** Write a temporary file beside @p path, sync it, rename it over @p path, sync the folder.
 *  @param mode  permissions, e.g. 0600  @return ERR_OK, ERR_IO */
enum err file_replace(const char *path, const void *data, size_t n, unsigned mode);
/** Make a folder and its parents, 0700. @return ERR_OK, ERR_IO */
enum err file_make_dirs(const char *path);
#endif
