/* stock: what a module comes with: where its parts lie, factory parameters, dummy credentials. */
#ifndef TESTS_BOARD_FIRMWARE_STOCK_H
#define TESTS_BOARD_FIRMWARE_STOCK_H

#include <stddef.h>
#include <stdint.h>

enum {
    STOCK_APP_VERSION_AT = 48, /* version text of the description in an application image */
};

struct stock_entry {
    const char *name;
    uint8_t type, subtype;
    uint32_t at, size;
};

struct stock_table {
    const struct stock_entry *v;
    size_t count;
};

/** The module that stands for a chip. */
struct stock_module {
    const char *chip, *platform, *name;
    int8_t pins[4];    /* of the AT UART: TX, RX, CTS, RTS */
    uint8_t frequency; /* of the flash, as the head of an image codes it */
    uint32_t boot_address, app_address, entry;
    struct stock_table primary, user;
};

/** @return NULL when no release for that chip keeps credentials in partitions */
const struct stock_module *stock_module(const char *chip);

/** The dummy credentials of stock releases. Text in PEM, made at run time; free() each. */
struct stock_credentials {
    char *ca, *certificate, *key;
};
/** @return 0, or -1 when OpenSSL refuses (nothing to free then) */
int stock_credentials_make(struct stock_credentials *out);
void stock_credentials_dispose(struct stock_credentials *c);
#endif
