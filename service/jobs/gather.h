/* gather: what a flash job's order names, put together as one content. Asks the board nothing: what
 * is known of it stands in the session. */
#ifndef SERVICE_JOBS_GATHER_H
#define SERVICE_JOBS_GATHER_H

#include "service/jobs/session.h"

/** Fill s->plan, whose sources are open, with the parts of "firmware" and the images of
 * "credential". When the firmware brings tables of its own, s->layout is theirs from now on.
 *  @param allowed_out  areas that the firmware has a right to, a sum of enum guard_area
 *  @return firmware_content()'s errors; step_images()'s errors */
enum err gather_firmware(struct session *s, unsigned *allowed_out);
/** Fill it with "images", each at its place on the board.
 *  @param allowed_out  areas that were named by partition
 *  @return place_find()'s errors; guard_range()'s errors;
 * content_add_file()'s errors; ERR_NOT_FOUND with code image_not_found; ERR_ARG with code
 * flash_past_partition */
enum err gather_images(struct session *s, unsigned *allowed_out);
#endif
