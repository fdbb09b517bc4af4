/* target_json: which of a board's credentials is meant, as requests say it and results show it. */
#ifndef SERVICE_JOBS_TARGET_JSON_H
#define SERVICE_JOBS_TARGET_JSON_H

#include <jansson.h>

#include "service/base/err.h"
#include "service/base/json_in.h"
#include "service/pki/layout.h"
#include "service/pki/target.h"

/** Read {"kind","index"}; index 1 only where the kind has two.
 *  @param at  its pointer, "/target"
 *  @param errors  fields that are wrong are added
 *  @return ERR_OK; ERR_ARG with code bad_body when @p errors is not empty */
enum err target_from_json(const json_t *value, const char *at, struct target *out,
                          struct field_errors *errors);
/** {"kind","index"}; the caller owns it. */
json_t *target_to_json(const struct target *t);
/** The kinds that a board of this layout has a place for: ["mqtt"…]; the caller owns it.
 *  @param spaces  the namespaces of its mfg_nvs, when somebody asked (space_count 0: nobody did;
 * then kinds that not every mfg_nvs has are left out) */
json_t *target_kinds_to_json(const struct layout *l, const char *const *spaces, size_t space_count);
#endif
