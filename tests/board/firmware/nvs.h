/* nvs: a partition of named values, with the habits of the NVS library of ESP-IDF: it goes by what
 * it found when it was mounted, adds behind what is there, takes the old value out afterwards, and
 * when only one free page is left moves what is valid on the page with the most dead entries. */
#ifndef TESTS_BOARD_FIRMWARE_NVS_H
#define TESTS_BOARD_FIRMWARE_NVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/board/firmware/nvs_page.h"

enum { NVS_PAGES_MAX = 64 };

struct nvs {
    struct nvs_page page[NVS_PAGES_MAX];
    size_t pages;
    uint8_t used[NVS_PAGES_MAX]; /* pages with content, oldest first; the last is being filled */
    size_t used_n;
    uint8_t spare[NVS_PAGES_MAX]; /* pages without, in the order in which they will be taken */
    size_t spare_n;
    uint32_t sequence; /* of the next page */
};

enum nvs_result { NVS_DONE, NVS_MISSING, NVS_NO_SPACE, NVS_TOO_LONG };

/** Where nvs_next() is. Begin with zeroes. */
struct nvs_cursor {
    size_t page, entry;
};
struct nvs_entry {
    char space[NVS_KEY_MAX + 1], key[NVS_KEY_MAX + 1];
    enum nvs_type type; /* of a blob: NVS_BLOB_DATA, or NVS_BLOB_OLD */
};

/** Mount what lies at @p at, @p n bytes. What a power failure left half done is put right, so the
 *  flash may change. @return false without a free page: the library refuses such a partition */
bool nvs_mount(struct nvs *v, struct flash *f, uint32_t at, uint32_t n);

/** The number of a namespace. @return 0 when there is none of that name */
unsigned nvs_space(struct nvs *v, const char *name);
/** The same; makes it when it is not there. @return 0 also when there is no room */
unsigned nvs_space_made(struct nvs *v, const char *name);
/** The next value in the order in which the library lists them. @return false behind the last */
bool nvs_next(struct nvs *v, struct nvs_cursor *c, struct nvs_entry *out);

/** A copy of a value with a NUL behind it; free() it. A string comes with its own NUL counted, an
 *  integer as 8 bytes of which the first are it. NULL when it is not there or damaged
 *  @param type  NVS_BLOB_DATA for any blob */
uint8_t *nvs_get(struct nvs *v, unsigned space, const char *key, enum nvs_type type, size_t *n);
/** The same for an integer of one to four bytes. */
bool nvs_get_number(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                    int64_t *out);
/** Store a value. One of another type under the same key stays.
 *  @param data  of an integer: its bytes, little-endian */
enum nvs_result nvs_put(struct nvs *v, unsigned space, const char *key, enum nvs_type type,
                        const uint8_t *data, size_t n);
enum nvs_result nvs_erase_key(struct nvs *v, unsigned space, const char *key);
/** All values of a namespace; its name stays. */
void nvs_erase_space(struct nvs *v, unsigned space);
#endif
