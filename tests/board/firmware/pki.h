/* pki: finds a credential in an AtPKI partition the way the firmware does (esp-at.md 1.2): magic
 * and length are checked, then it walks by position; the type and number bytes of the items are
 * never looked at, so a partition that holds the wrong kind is used all the same. Pure. */
#ifndef TESTS_BOARD_FIRMWARE_PKI_H
#define TESTS_BOARD_FIRMWARE_PKI_H

#include <stddef.h>
#include <stdint.h>

enum pki_status {
    PKI_OK,
    PKI_NO_LENGTH, /* no image, or no such item */
    PKI_NO_READ,   /* the item says that it is longer than its partition */
};

/** @param[out] text  the item's content with a NUL behind it; free() it. NULL on failure */
enum pki_status pki_item(const uint8_t *partition, size_t size, unsigned index, char **text);
#endif
