/* sysflash: AT+SYSFLASH, the raw partitions of the board. Every range is checked here first: the
 * firmware checks badly, and a write that it refuses still swallows its bytes (esp-at.md 5.5). */
#ifndef SERVICE_AT_SYSFLASH_H
#define SERVICE_AT_SYSFLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/at/client.h"

struct at_partition {
    char name[17];
    uint8_t type, subtype;
    uint32_t offset, size; /* bytes; offset in flash */
};

typedef void (*at_progress_fn)(size_t done_bytes, size_t total_bytes, void *arg);

/** AT+SYSFLASH? @return ERR_OK, ERR_TOO_LARGE over @p cap, as at_command() */
enum err at_sysflash_list(struct at_client *c, struct at_partition *out, size_t cap, size_t *n_out,
                          struct deadline until);
/** Erase the whole partition. */
enum err at_sysflash_erase(struct at_client *c, const struct at_partition *p,
                           struct deadline until);

struct at_transfer {
    const struct at_partition *partition; /* borrowed */
    uint32_t offset;                      /* in the partition, bytes */
    size_t n;                             /* bytes */
    bool secret;                          /* keep it out of the transcript */
    at_progress_fn fn;                    /* NULL allowed */
    void *arg;
};
/** Write into erased flash, 2048 bytes a command. @return ERR_OK, ERR_ARG with code
 * out_of_partition, as at_command_data() */
enum err at_sysflash_write(struct at_client *c, const struct at_transfer *t, const uint8_t *data,
                           struct deadline until);
/** Read @p t->n bytes, 2048 a command. */
enum err at_sysflash_read(struct at_client *c, const struct at_transfer *t, uint8_t *out,
                          struct deadline until);
#endif
