/* nvs: the key-value partition of ESP-IDF, page format 2, as ESP-AT keeps its manufacturing data in
 * (mfg_nvs). A partition read becomes a list of items in the order in which they lie there; a list
 * becomes a partition, byte for byte as Espressif's generator packs it. Pure: bytes in, bytes out.
 */
#ifndef SERVICE_PKI_NVS_H
#define SERVICE_PKI_NVS_H

#include <stddef.h>
#include <stdint.h>

#include "service/base/buf.h"
#include "service/base/err.h"

enum {
    NVS_PAGE = 4096,
    NVS_NAME = 16,            /* of a namespace or key: at most 15 bytes */
    NVS_SPACES = 255,         /* numbers of namespaces are 1 to 254 */
    NVS_SIZE_MIN = 0x3000,    /* bytes of a partition that can be written by the firmware */
    NVS_SIZE_MAX = 256 * 1024 /* more than any table gives: 148 KiB */
};

enum nvs_type {
    NVS_NAMESPACE = 0x00, /* the item that makes a namespace; no value */
    NVS_U8 = 0x01,
    NVS_I8 = 0x11,
    NVS_U16 = 0x02,
    NVS_I16 = 0x12,
    NVS_U32 = 0x04,
    NVS_I32 = 0x14,
    NVS_U64 = 0x08,
    NVS_I64 = 0x18,
    NVS_STRING = 0x21,
    NVS_BLOB = 0x48
};

struct nvs_item {
    char space[NVS_NAME], key[NVS_NAME]; /* key "" for NVS_NAMESPACE */
    enum nvs_type type;
    uint64_t number;  /* integers; negative ones as two's complement */
    struct buf bytes; /* blobs; strings without their NUL. May be a key: wiped */
};

struct nvs {
    struct nvs_item *items;
    size_t count, cap;
};

void nvs_init(struct nvs *n);
/** Wipes and frees all items. */
void nvs_dispose(struct nvs *n);
/** @return the item, borrowed until the next change, or NULL */
const struct nvs_item *nvs_find(const struct nvs *n, const char *space, const char *key);
/** Set a key, in its old place or at the end of its namespace, which is made at the end of all when
 * it is not there.
 *  @param data  copied; a string's bytes hold no NUL @param number  for integers
 *  @return ERR_OK; ERR_ARG with code nvs_bad_name, nvs_bad_value; ERR_MEM */
enum err nvs_set(struct nvs *n, const char *space, const char *key, enum nvs_type type,
                 uint64_t number, const void *data, size_t len);
/** Add at the end, as the generator does with a row: a namespace row that is there already changes
 * nothing. @return as nvs_set(); ERR_ARG with code nvs_duplicate */
enum err nvs_add(struct nvs *n, const char *space, const char *key, enum nvs_type type,
                 uint64_t number, const void *data, size_t len);
/** @return ERR_OK, ERR_NOT_FOUND */
enum err nvs_remove(struct nvs *n, const char *space, const char *key);

/** How the pages behind the data are left. */
enum nvs_style {
    NVS_ROOMY, /* the last used page stays active, those behind it erased: since IDF 5.3 */
    NVS_FULL /* every page but the last has a header and is full: the tool of IDF 5.2 and before */
};

/** Append the partition. @param size  bytes, multiple of NVS_PAGE, NVS_SIZE_MIN…NVS_SIZE_MAX
 *  @return ERR_OK; ERR_ARG with code nvs_bad_size; ERR_TOO_LARGE with code nvs_full (the partition)
 * or nvs_string_too_long; ERR_MEM */
enum err nvs_write(const struct nvs *n, size_t size, enum nvs_style style, struct buf *out);

/** What a reader met that a firmware would repair or pass over. */
struct nvs_findings {
    unsigned damaged_pages;   /* header that does not check, or the page says so itself */
    unsigned damaged_entries; /* head or data that does not check, or that runs out of its page */
    unsigned superseded;      /* older items of the same key: a write that was cut off */
    unsigned orphans;         /* parts of blobs without their index, and items without namespace */
};

/** Read a partition as the firmware does: the newest item of a key counts, damaged ones are passed
 * over and counted. @param out  initialised, empty
 *  @return ERR_OK; ERR_PROTOCOL with code not_nvs (no page of the format), nvs_version (format 1);
 * ERR_ARG with code nvs_bad_size; ERR_MEM */
enum err nvs_read(const uint8_t *data, size_t size, struct nvs *out, struct nvs_findings *found);

/** Gives the content of a file that a CSV row names. @param data_out  borrowed until the CSV is
 * read
 *  @return ERR_OK, ERR_NOT_FOUND */
typedef enum err (*nvs_file_fn)(const char *name, const uint8_t **data_out, size_t *len_out,
                                void *arg);
/** Read the generator's CSV: key,type,encoding,value. @param out  initialised, empty
 *  @return ERR_OK; ERR_ARG with code bad_csv (the line in the detail), nvs_bad_name, nvs_bad_value,
 * nvs_duplicate, nvs_file_missing; ERR_TOO_LARGE with code nvs_full (for any partition); ERR_MEM */
enum err nvs_from_csv(const char *text, size_t n, nvs_file_fn file, void *arg, struct nvs *out);
#endif
