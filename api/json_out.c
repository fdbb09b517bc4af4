#include "api/json_out.h"

#include <stdio.h>
#include <string.h>

#include "service/base/clock.h"

json_t *json_text(const char *s)
{
    json_t *text = json_string(s);
    char ascii[1024];
    size_t n = 0;
    if (text) return text;
    for (; s[n] && n + 1 < sizeof ascii; n++)
        ascii[n] = (unsigned char)s[n] < 0x80 ? s[n] : '?';
    ascii[n] = '\0';
    return json_string(ascii);
}

json_t *json_text_or_null(const char *s)
{
    return *s ? json_text(s) : json_null();
}

json_t *json_time(int64_t unix_ms)
{
    char text[CLOCK_TEXT];
    return unix_ms ? json_string(clock_format(unix_ms, text)) : json_null();
}

static json_t *json_count(uint64_t n)
{
    return json_integer((json_int_t)n);
}

/* Text that is an object, as a value; null when there is none. */
static json_t *json_parsed(const char *text)
{
    json_t *value = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    return value ? value : json_null();
}

/* Members of an error that a step or a job ended with. */
static json_t *json_error(const struct err_info *e, const char *step)
{
    json_t *error = json_pack("{s:s, s:o, s:o}", "code", e->code, "detail", json_text(e->detail),
                              "hint", json_text_or_null(e->hint));
    if (error && step) json_object_set_new(error, "step", json_text_or_null(step));
    if (error && e->device[0]) json_object_set_new(error, "device", json_text(e->device));
    return error;
}

static json_t *json_step(const struct job_step *s)
{
    json_t *step =
        json_pack("{s:s, s:s, s:o, s:i}", "name", s->name, "state", step_state_name(s->state),
                  "started_at", json_time(s->started_ms), "ms", (int)s->ms);
    /* a skipped step keeps its reason where others keep their error, with kind ERR_OK */
    if (step && s->error.kind != ERR_OK)
        json_object_set_new(step, "error", json_error(&s->error, NULL));
    else if (step && s->error.detail[0])
        json_object_set_new(step, "reason", json_text(s->error.detail));
    return step;
}

/* Of the step that runs, not of one before it; what a job moved last is told when it has ended. */
static json_t *json_progress(const struct job_record *job)
{
    bool past = job->state == JOB_RUNNING && job->progress_step != job->step_count;
    return json_pack("{s:o, s:o, s:o}", "done", json_count(past ? 0 : job->progress_done), "total",
                     json_count(past ? 0 : job->progress_total), "unit",
                     json_text_or_null(past ? "" : job->progress_unit));
}

static json_t *json_ahead(const struct job_record *job)
{
    json_t *names = json_array();
    for (size_t i = 0; i < job->ahead_count; i++)
        json_array_append_new(names, json_string(job->ahead[i]));
    return names;
}

json_t *json_out_job(const struct job_record *job)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < job->step_count; i++)
        json_array_append_new(steps, json_step(&job->steps[i]));
    json_t *error =
        job->error.kind == ERR_OK ? json_null() : json_error(&job->error, job->error_step);
    json_t *out = json_pack(
        "{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", job->id, "kind", job->kind,
        "slot", json_text(job->slot), "state", job_state_name(job->state), "created_at",
        json_time(job->created_ms), "started_at", json_time(job->started_ms), "finished_at",
        json_time(job->finished_ms), "steps", steps, "progress", json_progress(job), "result",
        json_parsed(job->result_json), "error", error);
    if (out && job->ahead_count) json_object_set_new(out, "steps_ahead", json_ahead(job));
    if (out && job->credential[0])
        json_object_set_new(out, "credential", json_text(job->credential));
    if (out && job->firmware[0]) json_object_set_new(out, "firmware", json_text(job->firmware));
    if (out && job->retry_of[0]) json_object_set_new(out, "retry_of", json_text(job->retry_of));
    if (out && job->priority) json_object_set_new(out, "priority", json_integer(job->priority));
    if (out && job->depends_on[0])
        json_object_set_new(out, "depends_on", json_text(job->depends_on));
    if (out && job->deadline_ms)
        json_object_set_new(out, "deadline_at", json_time(job->deadline_ms));
    if (out && job->actor[0]) json_object_set_new(out, "actor", json_text(job->actor));
    return out;
}

static const char *slot_state_name(enum slot_state state)
{
    switch (state) {
    case SLOT_IDLE:
        return "idle";
    case SLOT_BUSY:
        return "busy";
    case SLOT_ABSENT:
        return "absent";
    }
    return "idle";
}

static json_t *json_hold(const struct slot_status *status)
{
    const struct hold_record *h = &status->hold;
    if (h->state == HOLD_NONE) return json_null();
    return json_pack("{s:s, s:o, s:o}", "state", status->drained ? "drained" : hold_name(h->state),
                     "since", json_time(h->since_ms), "actor", json_text_or_null(h->actor));
}

static json_t *json_board(const struct slot_seen *seen)
{
    const char *title = seen->board.title[0] ? seen->board.title : seen->board.chip;
    if (!seen->board.job[0]) return json_null();
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "mac", json_text_or_null(seen->board.mac), "chip",
        json_text_or_null(seen->board.chip), "title", json_text_or_null(title), "firmware",
        json_text_or_null(seen->board.firmware), "layout", json_text_or_null(seen->board.layout),
        "job", seen->board.job, "seen_at", json_time(seen->board.at_ms));
}

static json_t *json_last_job(const struct slot_seen *seen)
{
    const struct err_info *e = &seen->last_job.error;
    if (!seen->last_job.id[0]) return json_null();
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "id", seen->last_job.id, "kind",
                     seen->last_job.kind, "state", job_state_name(seen->last_job.state),
                     "finished_at", json_time(seen->last_job.finished_ms), "error",
                     e->kind == ERR_OK ? json_null() : json_error(e, seen->last_job.error_step));
}

json_t *json_out_slot(const struct slot_record *slot, const struct slot_status *status,
                      const struct slot_seen *seen)
{
    return json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:o, s:o}", "name",
        json_text(slot->name), "download_port", json_text_or_null(slot->download_port), "at_port",
        json_text_or_null(slot->at_port), "reset", slot->reset[0] ? slot->reset : "auto",
        "download_baud", json_count(slot->download_baud), "flash_baud",
        json_count(slot->flash_baud), "at_baud", json_count(slot->at_baud), "state",
        slot_state_name(status->state), "job", json_text_or_null(status->job), "queued",
        json_count(status->queued), "hold", json_hold(status), "implicit", slot->changed_ms == 0,
        "board", json_board(seen), "last_job", json_last_job(seen));
}

json_t *json_out_port(const struct port_info *port, const char *slot, enum slot_state state)
{
    json_t *usb = json_null();
    if (port->usb_vid >= 0)
        usb = json_pack("{s:i, s:i, s:o, s:o, s:o}", "vid", port->usb_vid, "pid", port->usb_pid,
                        "serial", json_text_or_null(port->usb_serial), "manufacturer",
                        json_text_or_null(port->usb_manufacturer), "product",
                        json_text_or_null(port->usb_product));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "name", json_text(port->name),
                     "path", json_text(port->path), "device", json_text(port->device), "id",
                     json_text(port->id), "usb", usb, "bridge", json_text_or_null(port->bridge),
                     "slot", json_text_or_null(slot), "state", slot_state_name(state));
}

json_t *json_out_backup(const struct backup_record *b)
{
    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "id", b->id, "created_at",
                     json_time(b->created_ms), "mac", b->mac, "job", b->job, "slot",
                     json_text(b->slot), "partition", json_text(b->partition), "offset",
                     json_count(b->offset), "size", json_count(b->size), "sha256", b->sha256);
}

json_t *json_out_device(const struct device_record *d)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "mac", d->mac, "chip",
                     json_text_or_null(d->chip), "first_seen", json_time(d->first_seen_ms),
                     "last_seen", json_time(d->last_seen_ms), "credential",
                     json_text_or_null(d->credential), "fingerprint_sha256",
                     json_text_or_null(d->fingerprint_sha256), "common_name",
                     json_text_or_null(d->common_name), "slot", json_text(d->slot), "outcome",
                     job_state_name(d->outcome));
}

json_t *json_out_device_entry(const struct device_entry *e)
{
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "at", json_time(e->at_ms), "job",
                     e->job, "slot", json_text(e->slot), "credential",
                     json_text_or_null(e->credential), "fingerprint_sha256",
                     json_text_or_null(e->fingerprint_sha256), "method",
                     json_text_or_null(e->method), "outcome", job_state_name(e->outcome), "detail",
                     json_parsed(e->detail_json));
}

json_t *json_out_image(const struct image *m, const char *id)
{
    char url[128];
    snprintf(url, sizeof url, "/v1/images/%s/%s", id, m->file);
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:o, s:b, s:s}", "file", m->file, "partition",
                     json_text_or_null(m->partition), "offset", json_count(m->offset), "size",
                     json_count(m->bytes.len), "sha256", m->sha256, "partition_size",
                     json_count(m->partition_size), "holds_key", m->holds_key, "url", url);
}

json_t *json_out_partitions(const struct partition_table *table)
{
    json_t *list = json_array();
    for (size_t i = 0; i < table->count; i++) {
        const struct partition *p = &table->rows[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:i, s:i, s:o, s:o, s:o}", "name",
                                        json_text(p->name), "type", (int)p->type, "subtype",
                                        (int)p->subtype, "offset", json_count(p->offset), "size",
                                        json_count(p->size), "flags", json_count(p->flags)));
    }
    return list;
}
