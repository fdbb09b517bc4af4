/* schema: the tables, as a list of steps from one version to the next. Private to service/store. */
#ifndef SERVICE_STORE_SCHEMA_H
#define SERVICE_STORE_SCHEMA_H

#include "service/base/err.h"
#include "service/store/db.h"

/** The version that this espgate writes. */
int schema_version(void);
/** Bring a database (also an empty one) up to date; each step is one transaction.
 *  @return ERR_OK; ERR_IO with code store_newer */
enum err schema_migrate(struct db *db);
#endif
