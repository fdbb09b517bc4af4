/* version: one row for each ESP-AT release that the board can run. What differs between releases is
 * here or in the `since` column of the command table; a further release is a further row. */
#ifndef TESTS_BOARD_FIRMWARE_VERSION_H
#define TESTS_BOARD_FIRMWARE_VERSION_H

#include <stdbool.h>
#include <stddef.h>

struct version {
    const char *name;            /* as --firmware names it */
    unsigned at_level;           /* commands with `since` up to this one exist: 200, 240 … */
    const char *project;         /* version text in the application image */
    const char *gmr;             /* answer of AT+GMR, without the module name line's module */
    const char *bin;             /* "Bin version" */
    const char *rom_load;        /* what the ROM prints while it loads the bootloader */
    const char *idf;             /* bootloader's version */
    const char *compiled;        /* bootloader's compile time */
    bool colour;                 /* log lines in colour */
    const char *ap_stop;         /* log line when a reset stops the access point; NULL: none */
    const char *const *segments; /* esp_image lines, NULL-terminated */
    const char *const *start;    /* what the application prints; see console.c for the fields */
};

/** @return NULL when there is no such release. */
const struct version *version_named(const char *name);
/** The release that an application image names in its description. */
const struct version *version_of_project(const char *project);
#endif
