/* nvs_core: what the two halves of nvs share: nvs_core.c keeps the pages in order and mounts them,
 * nvs.c reads and writes values. For those two only. */
#ifndef TESTS_BOARD_FIRMWARE_NVS_CORE_H
#define TESTS_BOARD_FIRMWARE_NVS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/board/firmware/nvs.h"

/** Where an item is. */
struct nvs_place {
    struct nvs_page *page;
    size_t index;
    struct nvs_item item;
};

/** The page that is being filled. */
struct nvs_page *nvs_current(struct nvs *v);
/** Close it and go on with another one. @return false when there is no room any more */
bool nvs_next_page(struct nvs *v);

/** The oldest item that fits, see nvs_page_find(). */
bool nvs_find(struct nvs *v, const struct nvs_item *want, const char *key, struct nvs_place *out);
/** The same by namespace, key and type, any of them NVS_ANY or NULL. */
bool nvs_find_value(struct nvs *v, unsigned space, const char *key, uint8_t type,
                    struct nvs_place *out);
#endif
