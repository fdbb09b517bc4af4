/* json_out: what the service knows, as the JSON that openapi.yaml describes. Each returns a new
 * value, NULL when memory is out; json_pack() passes such a NULL on. */
#ifndef API_JSON_OUT_H
#define API_JSON_OUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/jobs/jobs.h"
#include "service/pki/image.h"
#include "service/pki/partition.h"
#include "service/port/enumerate.h"
#include "service/store/store.h"

/** A string; bytes that are not UTF-8 become '?'. */
json_t *json_text(const char *s);
/** The same; null for "". */
json_t *json_text_or_null(const char *s);
/** RFC 3339; null for 0. */
json_t *json_time(int64_t unix_ms);

json_t *json_out_job(const struct job_record *job);
json_t *json_out_slot(const struct slot_record *slot, const struct slot_status *status,
                      const struct slot_seen *seen);
/** @param slot  its slot's name, "" = none */
json_t *json_out_port(const struct port_info *port, const char *slot, enum slot_state state);
json_t *json_out_backup(const struct backup_record *backup);
json_t *json_out_device(const struct device_record *device);
json_t *json_out_device_entry(const struct device_entry *entry);
/** @param id  of its set, for the address */
json_t *json_out_image(const struct image *image, const char *id);
json_t *json_out_partitions(const struct partition_table *table);
#endif
