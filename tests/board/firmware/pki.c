#include "tests/board/firmware/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"

enum { HEADER_BYTES = 8, ITEM_BYTES = 4 };

static size_t le16(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8;
}

static enum pki_status item_of(const uint8_t *partition, size_t size, unsigned index, char **text)
{
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

static enum pki_status in_partition(struct firmware *fw, const char *kind, unsigned index,
                                    char **text)
{
    const struct partition *p = partition_named(&fw->user, kind);
    uint32_t chip = flash_size(fw->env.flash);
    if (!p || p->at > chip || p->size > chip - p->at) return PKI_NO_LENGTH;
    return item_of(flash_bytes(fw->env.flash) + p->at, p->size, index, text);
}

/* Only these kinds have numbers in their keys. */
static bool is_numbered(const char *kind)
{
    static const char *const numbered[] = {"client_", "https_", "wss_"};
    for (size_t i = 0; i < sizeof numbered / sizeof *numbered; i++)
        if (strncmp(kind, numbered[i], strlen(numbered[i])) == 0) return true;
    return false;
}

static enum pki_status in_nvs(struct firmware *fw, const char *kind, unsigned index, char **text)
{
    char key[NVS_KEY_MAX + 1];
    size_t n;
    snprintf(key, sizeof key, is_numbered(kind) ? "%s.%u" : "%s", kind, index);
    unsigned space = nvs_space(&fw->mfg, kind);
    if (space) *text = (char *)nvs_get(&fw->mfg, space, key, NVS_BLOB_DATA, &n);
    return *text ? PKI_OK : PKI_NO_LENGTH;
}

enum pki_status pki_find(struct firmware *fw, const char *kind, unsigned index, char **text)
{
    *text = NULL;
    return fw->params == PARAMS_IN_NVS ? in_nvs(fw, kind, index, text)
                                       : in_partition(fw, kind, index, text);
}
