/* layout_json: a layout as it is asked for, and as results and records show it. */
#ifndef SERVICE_JOBS_LAYOUT_JSON_H
#define SERVICE_JOBS_LAYOUT_JSON_H

#include <jansson.h>

#include "service/base/err.h"
#include "service/base/json_in.h"
#include "service/pki/layout.h"

/** The usual layout: that of ESP32 modules with ESP-AT v2.x. */
#define LAYOUT_USUAL "partitions"

/** {"kind","source","kinds":["mqtt"…],"partitions":[{"name","offset","size"}…]}; the caller owns
 * it.
 */
json_t *layout_to_json(const struct layout *l);
/** @param value  the name of a stock layout ("partitions" is that of ESP32 modules with ESP-AT
 * v2.x, "mfg_nvs" that with v3.1 and later), {"partitions":[…]}, or {"module","release"}
 *  @param errors  fields below /layout that are wrong
 *  @return ERR_OK; ERR_ARG with code bad_body; ERR_UNSUPPORTED with code layout_unknown; ERR_ARG
 * with code bad_table; as shipped_layout() */
enum err layout_from_json(const json_t *value, struct layout *out, struct field_errors *errors);
#endif
