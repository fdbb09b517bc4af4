/* sysmfg: AT+SYSMFG, the keys of the board's manufacturing partition (mfg_nvs), where ESP-AT v3.1
 * and later keeps credentials. Names and lengths are checked here first: the firmware gives no code
 * for any of its errors (at-observed.md, more, 16). */
#ifndef SERVICE_AT_SYSMFG_H
#define SERVICE_AT_SYSMFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/at/client.h"
#include "service/base/buf.h"

enum { SYSMFG_NAME = 16, SYSMFG_BLOB = 8, SYSMFG_SPACES = 128 };

struct at_mfg_key {
    const char *space, *key; /* borrowed; at most 15 bytes */
    bool secret;             /* keep the value out of the transcript */
};

/** AT+SYSMFG?: the namespaces. @return ERR_OK, ERR_TOO_LARGE over @p cap; ERR_UNSUPPORTED with code
 * no_sysmfg (a firmware without the command, or without mfg_nvs); as at_command() */
enum err at_sysmfg_spaces(struct at_client *c, char (*out)[SYSMFG_NAME], size_t cap, size_t *n_out,
                          struct deadline until);
/** The type of a key: SYSMFG_BLOB, 7 for a string, 1…6 for numbers; 0 = not there. */
enum err at_sysmfg_type(struct at_client *c, const struct at_mfg_key *k, int *type_out,
                        struct deadline until);
/** Write a blob. A key that is there as something else is erased first: the firmware would keep
 * both, and then read neither. */
enum err at_sysmfg_write(struct at_client *c, const struct at_mfg_key *k, const uint8_t *data,
                         size_t n, struct deadline until);
/** Append the value of a blob. @param out  init it with buf_init_secret where the key is secret
 *  @return ERR_OK; ERR_NOT_FOUND with code mfg_key_missing; as at_command() */
enum err at_sysmfg_read(struct at_client *c, const struct at_mfg_key *k, struct buf *out,
                        struct deadline until);
/** Erase a key; one that is not there is no error. */
enum err at_sysmfg_erase(struct at_client *c, const struct at_mfg_key *k, struct deadline until);
#endif
