/* profile: a named recipe: Wi-Fi, time, broker, checks and the rest that many orders share. An
 * order names one; what it says itself comes first. The order is stored as it was made of both, so
 * that a profile which is changed later changes no job. Its passwords go into orders and nowhere
 * else. */
#ifndef SERVICE_JOBS_PROFILE_H
#define SERVICE_JOBS_PROFILE_H

#include <jansson.h>
#include <stddef.h>

#include "service/base/buf.h"
#include "service/base/err.h"
#include "service/base/json_in.h"
#include "service/store/store.h"

/** Judge the settings of a profile and make its record.
 *  @param settings  as command_judge_settings() has them; changed: "password_set": true in "wifi"
 *  or "mqtt" is replaced by the password that @p former keeps for the same network or host
 *  @param former  what is kept under this name now; NULL = nothing
 *  @param[out] out  changed_ms is now; named_settings_dispose() it; empty on error
 *  @param errors  every field that is wrong is added
 *  @return ERR_OK; ERR_ARG with code bad_body; ERR_MEM */
enum err profile_make(const char *name, json_t *settings, const struct named_settings *former,
                      struct named_settings *out, struct field_errors *errors);

/** {"name","changed_at","settings"}, with "password_set" instead of passwords; the caller owns it.
 *  NULL when there is no memory, or the record cannot be read. */
json_t *profile_to_json(const struct named_settings *r);

/** The order of POST /v1/jobs with what its profile adds; as it came when it names none that could
 * be looked for (command_parse() tells why).
 *  @param out  init it with buf_init_secret
 *  @return ERR_OK; ERR_ARG with code bad_json; ERR_NOT_FOUND with code profile_not_found; ERR_IO,
 * ERR_MEM */
enum err profile_apply(struct store *s, const char *order, size_t n, struct buf *out);
#endif
