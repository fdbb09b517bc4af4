/* layout_json: a layout as results and records show it. */
#ifndef SERVICE_JOBS_LAYOUT_JSON_H
#define SERVICE_JOBS_LAYOUT_JSON_H

#include <jansson.h>

#include "service/pki/layout.h"

/** {"kind","source","partitions":[{"name","offset","size"}…]}; the caller owns it. */
json_t *layout_to_json(const struct layout *l);
#endif
