/* outside: a database that another process may have open, read by this one: neither locks the
 * folder nor makes, migrates or changes anything. Private to service/store. */
#ifndef SERVICE_STORE_OUTSIDE_H
#define SERVICE_STORE_OUTSIDE_H

#include <stdbool.h>

#include "service/base/err.h"
#include "service/store/db.h"

struct outside {
    struct db db;
    struct vault *vault; /* NULL: was not asked for */
};

/** @param with_vault  what is sealed will be read; the key must be there
 *  @return ERR_OK; ERR_NOT_FOUND with code no_store; ERR_IO with code store_version, vault_key …
 *  Close it also then. */
enum err outside_open(const char *dir, bool with_vault, struct outside *out);
void outside_close(struct outside *o);
#endif
