/* named: settings under a name, sealed under "<kind>:<name>", since there are passwords and keys
 * among them. Each kind has a table of its own. */
#ifndef SERVICE_STORE_NAMED_H
#define SERVICE_STORE_NAMED_H

#include "service/store/internal.h"

struct named_kind {
    const char *kind, *where; /* for messages: "profile", "GET /v1/profiles lists them." */
    /** May it go, or come to mean something else? In the transaction that does so. NULL = always */
    enum err (*guard)(struct db *db, const char *name);
    const char *put, *get, *list, *remove; /* SQL */
};
#define NAMED_KIND(table, hint, guard)                                                             \
    {                                                                                              \
        table, hint, guard,                                                                        \
            "REPLACE INTO " table " (name, changed_ms, settings) VALUES (?, ?, ?)",                \
            "SELECT name, changed_ms, settings FROM " table " WHERE name = ?",                     \
            "SELECT name, changed_ms, settings FROM " table                                        \
            " WHERE name > ?1 ORDER BY name LIMIT ?2",                                             \
            "DELETE FROM " table " WHERE name = ?"                                                 \
    }

/** @param guarded  the kind's guard is asked first */
enum err named_put(struct store *s, const struct named_kind *kind, const struct named_settings *r,
                   bool guarded);
/** @return ERR_OK; ERR_NOT_FOUND with code <kind>_not_found */
enum err named_get(struct store *s, const struct named_kind *kind, const char *name,
                   struct named_settings *out);
/** @return as named_get(), and as the guard says */
enum err named_delete(struct store *s, const struct named_kind *kind, const char *name);
/** By name, which is the cursor. */
enum err named_list(struct store *s, const struct named_kind *kind, struct store_page *page,
                    struct named_settings **list_out, size_t *n_out);
#endif
