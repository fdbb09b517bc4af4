/* pki: finds a credential the way the firmware does, by its kind ("mqtt_ca", "client_key" …) and
 * number. In an AtPKI partition (esp-at.md 1.2): magic and length are checked, then it walks by
 * position; the type and number bytes of the items are never looked at, so a partition that holds
 * the wrong kind is used all the same. In mfg_nvs (3.1): the namespace is the kind, so is the key.
 */
#ifndef TESTS_BOARD_FIRMWARE_PKI_H
#define TESTS_BOARD_FIRMWARE_PKI_H

#include <stddef.h>
#include <stdint.h>

struct firmware;

enum pki_status {
    PKI_OK,
    PKI_NO_LENGTH, /* no image, or no such item */
    PKI_NO_READ,   /* the item says that it is longer than its partition */
};

/** @param[out] text  the content with a NUL behind it; free() it. NULL on failure */
enum pki_status pki_find(struct firmware *fw, const char *kind, unsigned index, char **text);
#endif
