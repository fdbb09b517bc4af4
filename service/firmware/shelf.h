/* shelf: the files of the firmwares, DIR/firmware/ID/{upload,content,pack}; the store keeps what is
 * known of them. Thread-safe. */
#ifndef SERVICE_FIRMWARE_SHELF_H
#define SERVICE_FIRMWARE_SHELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "service/base/err.h"
#include "service/base/id.h"

enum { SHELF_PATH = PATH_MAX };

/** Make DIR/firmware, mode 0700, and remove what a former process left half-made there.
 *  @param is_known  whether the store has this id; the folders of others are removed */
enum err shelf_open(const char *data_dir, bool (*is_known)(const char *id, void *arg), void *arg);
/** A file of a firmware: "upload", "content" or "pack". */
void shelf_path(const char *data_dir, const char *id, const char *file, char out[SHELF_PATH]);
/** A new folder for @p id. */
enum err shelf_make(const char *data_dir, const char *id);
/** All is in place: on the disk before this returns. */
enum err shelf_sync(const char *data_dir, const char *id);
/** Remove the folder of @p id; nothing happens when there is none. */
void shelf_remove(const char *data_dir, const char *id);
#endif
