/* nvs_page: how pages and entries of an NVS partition lie in flash (esp-at.md 3.2), and how entries
 * are put into a page: what writer, reader and editor have in common. */
#ifndef SERVICE_PKI_NVS_PAGE_H
#define SERVICE_PKI_NVS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/pki/nvs.h"

/* Offsets in a page, then in an entry. */
enum {
    NVS_STATE = 0,
    NVS_SEQUENCE = 4,
    NVS_FORMAT = 8,
    NVS_HEADER_CRC = 28, /* of all from the sequence number on */
    NVS_CRC = 4,
    NVS_KEY = 8,
    NVS_VALUE = 24
};

enum {
    NVS_ENTRY = 32,
    NVS_ENTRIES = 126, /* of a page */
    NVS_BITMAP = 32,   /* offset in the page: two bits an entry */
    NVS_FIRST = 64,    /* offset of entry 0 */
    NVS_ANY = 0xff,    /* chunk index of what has no chunks */
    NVS_BLOB_DATA = 0x42,
    NVS_BLOB_OLD = 0x41, /* a blob in one piece, as format 1 had them */
    NVS_VERSION_2 = 0xfe
};

#define NVS_STATE_BLANK   0xffffffffU
#define NVS_STATE_ACTIVE  0xfffffffeU
#define NVS_STATE_FULL    0xfffffffcU
#define NVS_STATE_FREEING 0xfffffff8U

enum { NVS_ENTRY_ERASED = 0, NVS_ENTRY_WRITTEN = 2, NVS_ENTRY_EMPTY = 3 };

static inline unsigned nvs_entry_state(const uint8_t *page, size_t entry)
{
    return page[NVS_BITMAP + entry / 4] >> (2 * (entry % 4)) & 3;
}

/** CRC-32 with its register starting at 0, as all of NVS counts it. */
uint32_t nvs_crc(const uint8_t *data, size_t n);
/** Of an entry's head: all but the four bytes that hold it. */
uint32_t nvs_entry_crc(const uint8_t entry[NVS_ENTRY]);
/** Entries that @p n bytes of data take. */
static inline size_t nvs_data_entries(size_t n)
{
    return (n + NVS_ENTRY - 1) / NVS_ENTRY;
}
/** Bytes of an integer's value; 0 for what is no integer. */
static inline size_t nvs_width(unsigned type)
{
    unsigned width = type & 0x0f;
    bool integer = (type & 0xe0) == 0 && (width == 1 || width == 2 || width == 4 || width == 8);
    return integer ? width : 0;
}

/** A page that is being filled. */
struct nvs_cursor {
    uint8_t *page; /* its 4096 bytes, erased where nothing was put yet */
    size_t used;   /* entries */
};

/** Give a blank page its header: active, and empty. */
void nvs_page_begin(struct nvs_cursor *c, uint32_t sequence);

/* Each of these puts entries behind those that are there; the caller knows that they fit. */

/** Bytes as they are, in as many entries as they take. */
void nvs_put(struct nvs_cursor *c, const uint8_t *data, size_t n);
void nvs_put_number(struct nvs_cursor *c, uint8_t space, unsigned type, const char *key,
                    uint64_t value);
/** @param n  bytes without the NUL that is stored behind them */
void nvs_put_string(struct nvs_cursor *c, uint8_t space, const char *key, const uint8_t *text,
                    size_t n);
void nvs_put_chunk(struct nvs_cursor *c, uint8_t space, const char *key, unsigned chunk,
                   const uint8_t *data, size_t n);
/** The index of a blob whose chunks are numbered from 0. @param total  bytes of all chunks */
void nvs_put_index(struct nvs_cursor *c, uint8_t space, const char *key, size_t total,
                   unsigned chunks);
#endif
