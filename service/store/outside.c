#include "service/store/outside.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "service/store/schema.h"
#include "service/store/vault.h"

static enum err check_version(struct db *db)
{
    int64_t version;
    enum err e = db_number(db, "PRAGMA user_version", &version);
    if (!e && version != schema_version())
        e = err_fail(ERR_IO, "store_version", "Use the espgate that serves this database.",
                     "the database has version %lld, this espgate reads version %d",
                     (long long)version, schema_version());
    return e;
}

enum err outside_open(const char *dir, bool with_vault, struct outside *out)
{
    char path[PATH_MAX];
    *out = (struct outside){.vault = NULL};
    snprintf(path, sizeof path, "%.*s/espgate.db", PATH_MAX - 16, dir);
    if (access(path, F_OK) != 0)
        return err_fail(ERR_NOT_FOUND, "no_store", "Name the service's data folder with --data.",
                        "there is no %s", path);
    enum err e = db_open_reading(path, &out->db);
    if (!e) e = check_version(&out->db);
    if (e) return err_wrap(e, "%s", path);
    if (with_vault) e = vault_open_existing(dir, &out->vault);
    out->db.vault = out->vault;
    return e;
}

void outside_close(struct outside *o)
{
    db_close(&o->db);
    vault_close(o->vault);
    o->vault = NULL;
}
