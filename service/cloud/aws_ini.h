/* aws_ini: one profile of the files that AWS's own tools share. Pure. Rules as AWS's SDKs have
 * them: a comment begins at a '#' or ';' that is first in its line or stands behind a blank; a name
 * ends at the first '='; a value that is empty begins a block of indented lines, which is skipped;
 * of two of the same name the last one counts. */
#ifndef SERVICE_CLOUD_AWS_INI_H
#define SERVICE_CLOUD_AWS_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "service/cloud/aws_account.h"

struct aws_profile {
    bool found;
    struct aws_keys keys;  /* wipe it */
    char unsupported[32];  /* a setting by which the keys come from elsewhere; "" = none */
    const char *malformed; /* the setting whose value cannot be a key's; NULL = none */
};

enum aws_ini_kind {
    AWS_INI_CREDENTIALS, /* [name] */
    AWS_INI_CONFIG       /* [profile name], and [default] */
};

/** Read what @p text says of a profile over what is in @p out (zeroed, or of another file). */
void aws_ini_read(const char *text, size_t n, enum aws_ini_kind kind, const char *profile,
                  struct aws_profile *out);
#endif
