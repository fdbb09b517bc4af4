#include "tests/board/firmware/pki.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 8, ITEM_BYTES = 4 };

static size_t le16(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8;
}

enum pki_status pki_item(const uint8_t *partition, size_t size, unsigned index, char **text)
{
    *text = NULL;
    if (size < HEADER_BYTES || partition[0] != 0xF1 || partition[1] != 0xF1) return PKI_NO_LENGTH;
    size_t length = le16(partition + 4) | le16(partition + 6) << 16;
    /* The real check lets index == count through as well. */
    if (length > size - HEADER_BYTES || le16(partition + 2) < index) return PKI_NO_LENGTH;
    size_t at = HEADER_BYTES, n = 0;
    for (unsigned k = 0; k <= index; k++) {
        if (k) at += ITEM_BYTES + ((n + 3) & ~(size_t)3);
        if (at + ITEM_BYTES > size) return PKI_NO_READ;
        n = le16(partition + at + 2);
    }
    if (n == 0) return PKI_NO_LENGTH;
    if (n > size - at - ITEM_BYTES) return PKI_NO_READ;
    *text = calloc(1, n + 1);
    if (!*text) return PKI_NO_READ;
    memcpy(*text, partition + at + ITEM_BYTES, n);
    return PKI_OK;
}
