/* record: a job's record in memory, and its steps and error as JSON columns. A record is large (its
 * steps have room for their errors), so copying touches only what is in use. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/store/internal.h"
#include "service/store/text.h"

static const char *const job_states[] = {"queued", "running",   "succeeded",
                                         "failed", "cancelled", "interrupted"};
static const char *const step_states[] = {"running", "succeeded", "failed",
                                          "skipped", "cancelled", "interrupted"};

const char *job_state_name(enum job_state s)
{
    return job_states[s];
}

enum err job_state_parse(const char *name, enum job_state *out)
{
    for (unsigned i = 0; i < sizeof job_states / sizeof *job_states; i++) {
        if (strcmp(name, job_states[i]) != 0) continue;
        *out = (enum job_state)i;
        return ERR_OK;
    }
    return err_set(ERR_ARG, "no such job state");
}

bool job_state_is_final(enum job_state s)
{
    return s != JOB_QUEUED && s != JOB_RUNNING;
}

const char *step_state_name(enum step_state s)
{
    return step_states[s];
}

static enum err step_state_parse(const char *name, enum step_state *out)
{
    for (unsigned i = 0; i < sizeof step_states / sizeof *step_states; i++) {
        if (strcmp(name, step_states[i]) != 0) continue;
        *out = (enum step_state)i;
        return ERR_OK;
    }
    return err_set(ERR_ARG, "no such step state");
}

void job_record_dispose(struct job_record *r)
{
    free(r->result_json);
    r->result_json = NULL;
    r->step_count = 0;
}

static void copy_error(const struct err_info *from, struct err_info *to)
{
    to->kind = from->kind;
    snprintf(to->code, sizeof to->code, "%s", from->code);
    snprintf(to->detail, sizeof to->detail, "%s", from->detail);
    snprintf(to->device, sizeof to->device, "%s", from->device);
    snprintf(to->hint, sizeof to->hint, "%s", from->hint);
}

static void copy_step(const struct job_step *from, struct job_step *to)
{
    memcpy(to->name, from->name, sizeof to->name);
    to->state = from->state;
    to->started_ms = from->started_ms;
    to->ms = from->ms;
    copy_error(&from->error, &to->error);
}

enum err job_record_copy(const struct job_record *r, struct job_record *out)
{
    char *result = r->result_json ? strdup(r->result_json) : NULL;
    out->step_count = 0;
    out->result_json = NULL;
    if (r->result_json && !result) {
        memset(out, 0, sizeof *out);
        return err_set(ERR_MEM, "out of memory");
    }
    memcpy(out, r, offsetof(struct job_record, steps));
    for (size_t i = 0; i < r->step_count; i++)
        copy_step(&r->steps[i], &out->steps[i]);
    size_t tail = offsetof(struct job_record, step_count);
    memcpy((char *)out + tail, (const char *)r + tail, sizeof *r - tail);
    out->result_json = result;
    return ERR_OK;
}

static json_t *error_to_json(const struct err_info *e)
{
    if (e->kind == ERR_OK && !e->detail[0]) return NULL;
    return json_pack("{s:s, s:o, s:o, s:o, s:o}", "kind", err_name(e->kind), "code",
                     text_json(e->code), "detail", text_json(e->detail), "device",
                     text_json(e->device), "hint", text_json(e->hint));
}

static enum err kind_parse(const char *name)
{
    for (int e = ERR_OK; e <= ERR_INTERNAL; e++)
        if (strcmp(name, err_name((enum err)e)) == 0) return (enum err)e;
    return ERR_INTERNAL;
}

static void take_text(const json_t *object, const char *name, char *out, size_t cap)
{
    const char *text = json_string_value(json_object_get(object, name));
    snprintf(out, cap, "%s", text ? text : "");
}

static void error_from_json(const json_t *json, struct err_info *out)
{
    memset(out, 0, sizeof *out);
    if (!json_is_object(json)) return;
    const char *kind = json_string_value(json_object_get(json, "kind"));
    out->kind = kind_parse(kind ? kind : "");
    take_text(json, "code", out->code, sizeof out->code);
    take_text(json, "detail", out->detail, sizeof out->detail);
    take_text(json, "device", out->device, sizeof out->device);
    take_text(json, "hint", out->hint, sizeof out->hint);
}

static json_t *step_to_json(const struct job_step *step)
{
    return json_pack("{s:o, s:s, s:I, s:i, s:o*}", "name", text_json(step->name), "state",
                     step_state_name(step->state), "started_ms", (json_int_t)step->started_ms, "ms",
                     (int)step->ms, "error", error_to_json(&step->error));
}

static json_t *steps_to_json(const struct job_record *r)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->step_count; i++) {
        if (json_array_append_new(list, step_to_json(&r->steps[i])) == 0) continue;
        json_decref(list);
        list = NULL;
    }
    return list;
}

/* Takes the reference. */
static char *dump(json_t *json)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

void job_json_dispose(struct job_json *j)
{
    free(j->steps);
    free(j->error);
    *j = (struct job_json){0};
}

char *error_to_text(const struct err_info *e)
{
    json_t *error = error_to_json(e);
    return error ? dump(error) : strdup("");
}

enum err job_json_make(const struct job_record *r, struct job_json *out)
{
    out->steps = dump(steps_to_json(r));
    out->error = error_to_text(&r->error);
    if (out->steps && out->error) return ERR_OK;
    job_json_dispose(out);
    return err_set(ERR_MEM, "out of memory");
}

static enum err corrupt(void)
{
    return err_fail(ERR_IO, "store_corrupt", "Restore the data directory from a backup.",
                    "a record is not readable");
}

enum err job_json_steps(const char *text, struct job_record *r)
{
    json_t *list = json_loads(text, 0, NULL);
    size_t n = json_array_size(list);
    enum err e = json_is_array(list) && n <= LIMIT_JOB_STEPS ? ERR_OK : corrupt();
    for (size_t i = 0; !e && i < n; i++) {
        const json_t *item = json_array_get(list, i);
        struct job_step *step = &r->steps[i];
        char state[16];
        take_text(item, "name", step->name, sizeof step->name);
        take_text(item, "state", state, sizeof state);
        step->started_ms = json_integer_value(json_object_get(item, "started_ms"));
        step->ms = (int32_t)json_integer_value(json_object_get(item, "ms"));
        error_from_json(json_object_get(item, "error"), &step->error);
        if (step_state_parse(state, &step->state)) e = corrupt();
    }
    json_decref(list);
    r->step_count = e ? 0 : n;
    return e;
}

enum err error_from_text(const char *text, struct err_info *out)
{
    memset(out, 0, sizeof *out);
    if (!text[0]) return ERR_OK;
    json_t *json = json_loads(text, 0, NULL);
    if (!json) return corrupt();
    error_from_json(json, out);
    json_decref(json);
    return ERR_OK;
}
