/* source: a stored firmware, opened to be flashed. */
#ifndef SERVICE_JOBS_SOURCE_H
#define SERVICE_JOBS_SOURCE_H

#include "service/base/digest.h"
#include "service/base/err.h"
#include "service/base/id.h"
#include "service/base/json_in.h"
#include "service/firmware/firmware.h"
#include "service/firmware/shelf.h"
#include "service/jobs/command.h"
#include "service/store/store.h"

struct source {
    char id[ID_TEXT], name[97], sha256[SHA256_HEX];
    struct firmware_info info;
    int fd;                /* its content */
    char pack[SHELF_PATH]; /* its pack, which may not be there yet */
};

/** @return ERR_OK; ERR_NOT_FOUND with code firmware_not_found; ERR_IO, with code firmware_lost when
 * the store knows it and its file is not there; ERR_MEM */
enum err source_open(struct store *s, const char *data_dir, const char *id, struct source **out);
void source_close(struct source *s); /* NULL allowed */
/** What is known of a stored firmware. @return as source_open() */
enum err source_info(struct store *s, const char *id, struct firmware_info *out);

/** Are the firmwares that a flash order names there, and of a kind that fits their field?
 *  @param errors  those that do not fit
 *  @return ERR_OK; ERR_NOT_FOUND with code firmware_not_found; ERR_ARG with code bad_body */
enum err sources_check(struct store *s, const struct command *c, struct field_errors *errors);
#endif
