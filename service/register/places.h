/* places: where the devices of each cloud connect and which roots they need there. It is the same
 * for all of them and seldom changes, so it is looked for once in ten minutes, by one thread; those
 * who want the same wait for it. Thread-safe. */
#ifndef SERVICE_REGISTER_PLACES_H
#define SERVICE_REGISTER_PLACES_H

#include "service/base/buf.h"
#include "service/cloud/aws_iot.h"
#include "service/register/settings.h"

struct places; /* opaque */

enum err places_new(struct places **out);
/** Nobody uses it any more. NULL allowed. */
void places_free(struct places *p);
/** @param v  with its present settings @param u  its account may be NULL where the settings name
 * the endpoint
 *  @param roots_out  PEM is appended
 *  @return ERR_OK; endpoint_not_ats, endpoint_region, bad_endpoint ERR_ARG; errors of aws_call.h
 * and iot_roots.h; ERR_CANCELLED; ERR_TIMEOUT: another was still looking */
enum err places_find(struct places *p, const struct cloud_view *v, const struct aws_use *u,
                     char endpoint_out[IOT_ENDPOINT], struct buf *roots_out);
/** The cloud is no more. */
void places_forget(struct places *p, const char *cloud);
#endif
