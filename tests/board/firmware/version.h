/* version: one row for each ESP-AT release that the board can run, by chip. What differs between
 * releases is here or in the `since` column of the command table; a further release is a further
 * row. */
#ifndef TESTS_BOARD_FIRMWARE_VERSION_H
#define TESTS_BOARD_FIRMWARE_VERSION_H

#include <stdbool.h>
#include <stddef.h>

struct version {
    const char *chip;
    const char *name;            /* as --firmware names it */
    unsigned at_level;           /* commands with `since` up to this one exist: 200, 240 … */
    const char *release;         /* "2.4.0"; the application image says v2.4.0.0 */
    const char *gmr;             /* answer of AT+GMR, without the module name line's module */
    const char *bin;             /* "Bin version" */
    const char *rom_load;        /* what the ROM was seen to print while it loads the bootloader;
                                    NULL: it prints what is there */
    const char *idf;             /* bootloader's version */
    const char *compiled;        /* bootloader's compile time */
    bool no_ec_key;              /* it cannot use an EC key as its own */
    bool colour;                 /* log lines in colour */
    bool quiet;                  /* the bootloader says only what is wrong */
    const char *ap_stop;         /* log line when a reset stops the access point; NULL: none */
    const char *const *segments; /* esp_image lines as they were seen, NULL-terminated; NULL: by
                                    what is there */
    const char *const *start;    /* what the application prints; see console.c for the fields */
    const char *origin;          /* in brackets behind the version of such a line */
    const char *ready;           /* log line behind "ready"; NULL: none */
};

/** @return NULL when there is no such release. */
const struct version *version_named(const char *chip, const char *name);
/** The release that an application image names in its description: "v2.4.2.0" is taken for 2.4. */
const struct version *version_of_image(const char *chip, const char *text);
#endif
