#include "service/upkeep.h"

#include <inttypes.h>
#include <stdio.h>

#include "service/base/clock.h"
#include "service/store/audit.h"

static int tell(enum err e)
{
    const struct err_info *why = err_last();
    fprintf(stderr, "espgate: %s%s%s\n", why->detail, why->hint[0] ? ". " : "", why->hint);
    return e == ERR_VERIFY ? UPKEEP_BROKEN : 1;
}

int upkeep_verify_audit(const char *data_dir)
{
    struct audit_report r;
    char first[CLOCK_TEXT], last[CLOCK_TEXT];
    enum err e = store_audit_verify(data_dir, &r);
    if (e) return tell(e);
    if (!r.entries)
        puts("audit intact: it has no entries");
    else
        printf("audit intact: %" PRId64 " entries, %s to %s\nnewest hash: %s\n", r.entries,
               clock_format(r.first_ms, first), clock_format(r.last_ms, last), r.hash);
    return 0;
}

int upkeep_backup(const char *data_dir, const char *file)
{
    enum err e = store_copy(data_dir, file);
    if (e) return tell(e);
    printf("%s is a copy of %s/espgate.db\n"
           "Not in it: the vault key (%s/vault.key, or a systemd credential), without which no "
           "secret in it opens;\nthe firmware files (%s/firmware). Keep the key apart from it.\n",
           file, data_dir, data_dir, data_dir);
    return 0;
}
