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

/** What every build for a chip has. */
struct stock_build {
    const char *chip, *platform;
    const char *module; /* that the firmware takes itself for when nothing tells */
    int8_t pins[4];     /* of its AT UART then: TX, RX, CTS, RTS */
    uint8_t frequency;  /* of the flash, as the head of an image codes it */
    uint32_t boot_address, app_address, entry;
    uint32_t table_at; /* where its bootloader looks for the primary table */
};

/** A module: which pins of its chip the AT port's adapter is connected to. */
struct stock_module {
    const char *chip, *name;
    int8_t pins[4];
};

/** The two partition tables of a module from a release on. */
struct stock_layout {
    const char *chip;
    const char *module; /* NULL: all others of the chip */
    unsigned since;     /* see version.h */
    struct stock_table primary, user;
};

/** @return NULL for a chip that no release runs on */
const struct stock_build *stock_build(const char *chip);
/** @p name "": the usual one. @return NULL when there is no such module */
const struct stock_module *stock_module(const char *chip, const char *name);
/** @return NULL when no release as old as that ran on the module */
const struct stock_layout *stock_layout(const struct stock_module *m, unsigned at_level);

struct flash;
struct version;
/** Write the partition mfg_nvs as the tool of the release does: factory parameters and dummy
 *  credentials. */
void stock_put_mfg_nvs(struct flash *f, const struct stock_entry *where,
                       const struct stock_module *m, const struct version *v);

/** The dummy credentials of stock releases. Text in PEM, made at run time; free() each. */
struct stock_credentials {
    char *ca, *certificate, *key;
};
/** @return 0, or -1 when OpenSSL refuses (nothing to free then) */
int stock_credentials_make(struct stock_credentials *out);
void stock_credentials_dispose(struct stock_credentials *c);
#endif
