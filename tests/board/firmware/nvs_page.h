/* nvs_page: one 4096-byte page of an NVS partition, as the NVS library of ESP-IDF keeps it
 * (esp-at.md 3.2): a head with the page's state, two bits of state for each of its 126 entries, the
 * entries. The library works by what it read when the partition was mounted; only the content of
 * entries comes from the flash each time. */
#ifndef TESTS_BOARD_FIRMWARE_NVS_PAGE_H
#define TESTS_BOARD_FIRMWARE_NVS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flash;

enum {
    NVS_PAGE_BYTES = 4096,
    NVS_ENTRIES = 126,
    NVS_ENTRY_BYTES = 32,
    NVS_TABLE_BYTES = 32,
    NVS_KEY_MAX = 15,
    NVS_CHUNK_MAX = (NVS_ENTRIES - 1) * NVS_ENTRY_BYTES, /* value bytes that one page can hold */
    NVS_ANY = 0xFF,                                      /* any type, any chunk, any namespace */
};

enum nvs_type {
    NVS_U8 = 0x01,
    NVS_I8 = 0x11,
    NVS_U16 = 0x02,
    NVS_I16 = 0x12,
    NVS_U32 = 0x04,
    NVS_I32 = 0x14,
    NVS_U64 = 0x08,
    NVS_I64 = 0x18,
    NVS_STRING = 0x21,
    NVS_BLOB_OLD = 0x41, /* in one piece, before ESP-IDF 3.2 */
    NVS_BLOB_DATA = 0x42,
    NVS_BLOB_INDEX = 0x48,
};

/* Programming only clears bits, so a page goes down this list. */
enum nvs_state {
    NVS_EMPTY,
    NVS_ACTIVE,
    NVS_FULL,
    NVS_FREEING,
    NVS_CORRUPT,
};

/** An entry's head. */
struct nvs_item {
    uint8_t space, type, span, chunk;
    char key[NVS_KEY_MAX + 1];
    uint8_t value[8];
};

struct nvs_page {
    struct flash *flash;
    uint32_t at;
    enum nvs_state state;
    uint32_t sequence;
    uint8_t table[NVS_TABLE_BYTES];
    size_t next; /* the first entry that was never used */
};

/** Read the page at @p at. Entries of a write or an erase that was cut off are taken out. */
void nvs_page_load(struct nvs_page *p, struct flash *f, uint32_t at);
/** How many entries hold something. */
size_t nvs_page_used(const struct nvs_page *p);
/** Value bytes that still fit into one item. */
size_t nvs_page_room(const struct nvs_page *p);

/** The first item from entry *@p index on that fits; *@p index is its entry then.
 *  @param key  NULL: any */
bool nvs_page_find(struct nvs_page *p, const struct nvs_item *want, const char *key, size_t *index,
                   struct nvs_item *out);
/** What is wanted: anything. */
struct nvs_item nvs_item_any(void);
/** A copy of the value of the item at @p index, with a NUL behind it; free() it. An item whose
 *  value does not fit its checksum is erased, as the library does. NULL then */
uint8_t *nvs_page_value(struct nvs_page *p, size_t index, const struct nvs_item *item, size_t *n);

/** Write the head of an empty page: it can take items then. nvs_page_write() does it when needed.
 */
void nvs_page_begin(struct nvs_page *p);
/** Add an item behind the others; span and checksums are filled in.
 *  @param data  of a string or a blob; NULL: the value is in @p item
 *  @return false when there is no room on this page */
bool nvs_page_write(struct nvs_page *p, const struct nvs_item *item, const uint8_t *data, size_t n);
/** Take the item at @p index out. */
void nvs_page_take_out(struct nvs_page *p, size_t index);
/** Copy all items of @p from behind those of @p p. */
void nvs_page_copy(struct nvs_page *p, struct nvs_page *from);

void nvs_page_set_state(struct nvs_page *p, enum nvs_state state);
/** Erase the flash and forget everything. */
void nvs_page_erase(struct nvs_page *p);
#endif
