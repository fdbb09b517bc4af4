/* Each kind of command is a list of steps, run in order. The first that fails ends the job;
 * whatever happened, the board is left reset and running, what was tried is on its record, and what
 * a failed job had made at a cloud is taken away again. */
#include "service/jobs/run.h"

#include "service/jobs/session.h"
#include "service/jobs/steps.h"

struct step {
    const char *name;
    enum err (*run)(struct session *s);
    /* Changes nothing: asked before other steps as well, to tell what is ahead. NULL = always */
    bool (*wanted)(const struct session *s);
};

static bool has_at_port(const struct session *s)
{
    return s->ctx->slot->at_port[0] != '\0';
}

static bool wants_wifi(const struct session *s)
{
    return s->ctx->command->level >= LEVEL_WIFI;
}

static bool wants_time(const struct session *s)
{
    return s->ctx->command->level >= LEVEL_TIME;
}

static bool wants_connect(const struct session *s)
{
    return s->ctx->command->level >= LEVEL_CONNECT;
}

static bool wants_tls(const struct session *s)
{
    return wants_connect(s) && s->ctx->command->mqtt.scheme != 1;
}

static bool wants_publish(const struct session *s)
{
    return s->ctx->command->level >= LEVEL_PUBLISH;
}

static bool wants_host(const struct session *s)
{
    return s->ctx->command->host_check;
}

static bool wants_cloud(const struct session *s)
{
    return s->ctx->command->cloud != NULL;
}

static bool wants_purge(const struct session *s)
{
    return s->ctx->command->purge_key;
}

/* In secure download mode the loader does not tell who the board is. */
static bool is_known(const struct session *s)
{
    return s->mac[0] != '\0';
}

static bool wants_proof(const struct session *s)
{
    return !s->identical && flash_proves(s);
}

/* Parts: what several kinds have in common. Each ends with a row without a name. */
static const struct step rom_identify[] = {
    {"identify", step_rom_identify, NULL},    {"flash", step_rom_details, NULL},
    {"layout", step_rom_look, NULL},          {"reset", step_rom_reset, NULL},
    {"firmware", step_firmware, has_at_port}, {NULL, NULL, NULL},
};
static const struct step rom_write[] = {
    {"identify", step_rom_identify, NULL},
    {"layout", step_rom_layout, NULL},
    {"register", step_register, wants_cloud},
    {"images", step_rom_images, NULL},
    {"backup", step_backup, needs_backup},
    {"write", step_rom_write, NULL},
    {"verify", step_rom_verify, NULL},
    {"reset", step_rom_reset, NULL},
    {NULL, NULL, NULL},
};
static const struct step rom_restore[] = {
    {"identify", step_rom_identify, NULL}, {"layout", step_rom_layout, NULL},
    {"place", step_restore_place, NULL},   {"backup", step_backup, needs_backup},
    {"write", step_rom_write, NULL},       {"verify", step_rom_verify, NULL},
    {"reset", step_rom_reset, NULL},       {NULL, NULL, NULL},
};
static const struct step at_identify[] = {
    {"identify", step_at_identify, NULL},
    {"layout", step_at_layout, NULL},
    {NULL, NULL, NULL},
};
static const struct step at_write[] = {
    {"register", step_register, wants_cloud},
    {"images", step_at_images, NULL},
    {"backup", step_backup, needs_backup},
    {"write", step_at_write, NULL},
    {"verify", step_at_verify, NULL},
    {"reset", step_at_reset, NULL},
    {NULL, NULL, NULL},
};
static const struct step check[] = {
    {"wifi", step_wifi, wants_wifi},
    {"time", step_time, wants_time},
    {"network", step_network, wants_connect},
    {"tls", step_tls, wants_tls},
    {"connect", step_connect, wants_connect},
    {"subscribe", step_subscribe, wants_publish},
    {"publish", step_publish, wants_publish},
    {"received", step_received, wants_publish},
    {"host_check", step_host_check, wants_host},
    {NULL, NULL, NULL},
};
static const struct step rom_flash[] = {
    {"identify", step_rom_board, NULL},
    {"plan", step_plan, NULL},
    {"diff", step_diff, flash_compares},
    {"write", step_flash_write, NULL},
    {"verify", step_flash_verify, wants_proof},
    {"reset", step_rom_reset, NULL},
    {"boot", step_boot, flash_hears_boot},
    {"firmware", step_flashed_firmware, flash_hears_ready},
    {NULL, NULL, NULL},
};
static const struct step rom_read[] = {
    {"identify", step_rom_board, NULL},
    {"place", step_read_place, NULL},
    {"read", step_read, NULL},
    {"reset", step_rom_reset, NULL},
    {NULL, NULL, NULL},
};
static const struct step rom_erase[] = {
    {"identify", step_rom_board, NULL},
    {"place", step_erase_place, NULL},
    {"erase", step_erase, NULL},
    {"reset", step_rom_reset, NULL},
    {NULL, NULL, NULL},
};
static const struct step activate[] = {{"activate", step_activate, must_activate},
                                       {NULL, NULL, NULL}};
static const struct step purge[] = {{"purge", step_purge, wants_purge}, {NULL, NULL, NULL}};
static const struct step record[] = {{"record", step_record, is_known}, {NULL, NULL, NULL}};
static const struct step rom_reset[] = {{"reset", step_rom_reset, NULL}, {NULL, NULL, NULL}};
static const struct step at_reset[] = {{"reset", step_at_reset, NULL}, {NULL, NULL, NULL}};
static const struct step at_lines[] = {{"at", step_at_lines, NULL}, {NULL, NULL, NULL}};
static const struct step at_board[] = {
    {"identify", step_at_identify, NULL},
    {"cloud", step_cloud, wants_cloud},
    {NULL, NULL, NULL},
};

enum { PARTS_MAX = 6 };

/* Kind and method → its parts, in order; NULL ends them. */
static const struct recipe {
    enum command_kind kind;
    enum command_method method;
    const struct step *parts[PARTS_MAX + 1];
} recipes[] = {
    {COMMAND_IDENTIFY, METHOD_ROM, {rom_identify, record}},
    {COMMAND_IDENTIFY, METHOD_AT, {at_identify, record}},
    {COMMAND_WRITE, METHOD_ROM, {rom_write, purge, record}},
    {COMMAND_WRITE, METHOD_AT, {at_identify, at_write, purge, record}},
    {COMMAND_PROVISION, METHOD_ROM, {rom_write, activate, purge, check, record}},
    {COMMAND_PROVISION, METHOD_AT, {at_identify, at_write, activate, purge, check, record}},
    {COMMAND_RESET, METHOD_ROM, {rom_reset}},
    {COMMAND_RESET, METHOD_AT, {at_reset}},
    {COMMAND_CHECK, METHOD_AUTO, {at_board, check, record}},
    {COMMAND_AT, METHOD_AUTO, {at_lines}},
    {COMMAND_FLASH, METHOD_AUTO, {rom_flash, record}},
    {COMMAND_READ, METHOD_AUTO, {rom_read, record}},
    {COMMAND_ERASE, METHOD_AUTO, {rom_erase, record}},
    {COMMAND_RESTORE, METHOD_AUTO, {rom_restore, record}},
};

static const struct recipe *recipe_of(const struct job_context *ctx)
{
    enum command_method method = session_method(ctx);
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        const struct recipe *r = &recipes[i];
        if (r->kind == ctx->command->kind && (r->method == METHOD_AUTO || r->method == method))
            return r;
    }
    return NULL;
}

/* A port that goes away while the board is met is usually about to come back: an adapter that is
 * plugged in at last, a board that enumerates again. @return the first error when it does not */
static enum err meet_again(struct session *s, const struct step *step)
{
    struct err_info first = *err_last();
    job_note(s->ctx, "%s: waiting for it", first.detail);
    session_drop_ports(s);
    enum err e = job_retake_ports(s->ctx);
    if (e == ERR_NOT_FOUND) return err_restore(&first);
    return e ? e : step->run(s);
}

/* Steps that meet the board change nothing on it: they can be done again. */
static enum err run_step(struct session *s, const struct step *step)
{
    bool meets = step->run == step_rom_identify || step->run == step_rom_board ||
                 step->run == step_at_identify;
    enum err e = step->run(s);
    return e == ERR_PORT_GONE && meets ? meet_again(s, step) : e;
}

static bool is_wanted(const struct session *s, const struct step *step)
{
    return !step->wanted || step->wanted(s);
}

/* What comes after @p step: the rest of its part, and then the other @p parts. */
static void tell_ahead(struct session *s, const struct step *step, const struct step *const *parts)
{
    const char *names[LIMIT_JOB_STEPS];
    size_t n = 0;
    for (step++; step; step = *parts++)
        for (; step->name; step++)
            if (n < LIMIT_JOB_STEPS && is_wanted(s, step)) names[n++] = step->name;
    job_steps_ahead(s->ctx, names, n);
}

/* @param parts  the part to be done, then those after it; NULL ends them */
static enum err run_part(struct session *s, const struct step *const *parts)
{
    enum err e = ERR_OK;
    for (const struct step *step = *parts; step->name && !e; step++) {
        if (!is_wanted(s, step)) continue;
        tell_ahead(s, step, parts + 1);
        e = job_step_begin(s->ctx, step->name);
        if (!e) e = job_step_end(s->ctx, run_step(s, step));
    }
    return e;
}

/* Leaving is a step of its own only when it fails: else it is no news. */
static enum err tell_leave(struct job_context *ctx, enum err why)
{
    struct err_info saved = *err_last();
    enum err e = job_step_begin(ctx, "leave");
    if (e) return e;
    err_restore(&saved);
    return job_step_end(ctx, why);
}

enum err run_command(struct job_context *ctx)
{
    const struct recipe *recipe = recipe_of(ctx);
    if (!recipe) return err_set(ERR_INTERNAL, "no recipe for this kind of job");
    struct session s;
    session_open(&s, ctx);
    if (ctx->command->profile[0]) session_result(&s, "profile", json_string(ctx->command->profile));
    enum err e = ERR_OK;
    for (size_t i = 0; recipe->parts[i] && !e; i++)
        e = run_part(&s, &recipe->parts[i]);
    if (e) {
        job_steps_ahead(ctx, NULL, 0); /* nor will the one come that was not begun */
        record_failure(&s);
    }
    struct err_info failed = *err_last();
    enum err left = session_close(&s);
    if (e) register_take_back(&s, &failed);
    registration_record_dispose(&s.registration);
    if (e) return err_restore(&failed);
    return left ? tell_leave(ctx, left) : ERR_OK;
}
