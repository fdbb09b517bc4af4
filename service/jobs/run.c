/* Each kind of command is a list of steps, run in order. The first that fails ends the job;
 * whatever happened, the board is left reset and running, and what was tried is on its record. */
#include "service/jobs/run.h"

#include "service/jobs/session.h"
#include "service/jobs/steps.h"

struct step {
    const char *name;
    enum err (*run)(struct session *s);
    bool (*wanted)(const struct job_context *ctx); /* NULL = always */
};

static bool has_at_port(const struct job_context *ctx)
{
    return ctx->slot->at_port[0] != '\0';
}

static bool wants_wifi(const struct job_context *ctx)
{
    return ctx->command->level >= LEVEL_WIFI;
}

static bool wants_time(const struct job_context *ctx)
{
    return ctx->command->level >= LEVEL_TIME;
}

static bool wants_connect(const struct job_context *ctx)
{
    return ctx->command->level >= LEVEL_CONNECT;
}

static bool wants_publish(const struct job_context *ctx)
{
    return ctx->command->level >= LEVEL_PUBLISH;
}

static bool wants_host(const struct job_context *ctx)
{
    return ctx->command->host_check;
}

/* Parts: what several kinds have in common. Each ends with a row without a name. */
static const struct step rom_identify[] = {
    {"identify", step_rom_identify, NULL},    {"flash", step_rom_details, NULL},
    {"layout", step_rom_layout, NULL},        {"reset", step_rom_reset, NULL},
    {"firmware", step_firmware, has_at_port}, {NULL, NULL, NULL},
};
static const struct step rom_write[] = {
    {"identify", step_rom_identify, NULL},
    {"layout", step_rom_layout, NULL},
    {"images", step_images, NULL},
    {"write", step_rom_write, NULL},
    {"verify", step_rom_verify, NULL},
    {"reset", step_rom_reset, NULL},
    {NULL, NULL, NULL},
};
static const struct step at_identify[] = {
    {"identify", step_at_identify, NULL},
    {"layout", step_at_layout, NULL},
    {NULL, NULL, NULL},
};
static const struct step at_write[] = {
    {"images", step_images, NULL},
    {"write", step_at_write, NULL},
    {"verify", step_at_verify, NULL},
    {"reset", step_at_reset, NULL},
    {NULL, NULL, NULL},
};
static const struct step check[] = {
    {"wifi", step_wifi, wants_wifi},
    {"time", step_time, wants_time},
    {"connect", step_connect, wants_connect},
    {"subscribe", step_subscribe, wants_publish},
    {"publish", step_publish, wants_publish},
    {"host_check", step_host_check, wants_host},
    {NULL, NULL, NULL},
};
static const struct step record[] = {{"record", step_record, NULL}, {NULL, NULL, NULL}};
static const struct step rom_reset[] = {{"reset", step_rom_reset, NULL}, {NULL, NULL, NULL}};
static const struct step at_reset[] = {{"reset", step_at_reset, NULL}, {NULL, NULL, NULL}};
static const struct step at_lines[] = {{"at", step_at_lines, NULL}, {NULL, NULL, NULL}};
static const struct step at_board[] = {{"identify", step_at_identify, NULL}, {NULL, NULL, NULL}};

enum { PARTS_MAX = 5 };

/* Kind and method → its parts, in order. */
static const struct recipe {
    enum command_kind kind;
    enum command_method method;
    const struct step *parts[PARTS_MAX];
} recipes[] = {
    {COMMAND_IDENTIFY, METHOD_ROM, {rom_identify, record}},
    {COMMAND_IDENTIFY, METHOD_AT, {at_identify, record}},
    {COMMAND_WRITE, METHOD_ROM, {rom_write, record}},
    {COMMAND_WRITE, METHOD_AT, {at_identify, at_write, record}},
    {COMMAND_PROVISION, METHOD_ROM, {rom_write, check, record}},
    {COMMAND_PROVISION, METHOD_AT, {at_identify, at_write, check, record}},
    {COMMAND_RESET, METHOD_ROM, {rom_reset}},
    {COMMAND_RESET, METHOD_AT, {at_reset}},
    {COMMAND_CHECK, METHOD_AUTO, {at_board, check, record}},
    {COMMAND_AT, METHOD_AUTO, {at_lines}},
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

static enum err run_part(struct session *s, const struct step *part)
{
    enum err e = ERR_OK;
    for (const struct step *step = part; step->name && !e; step++) {
        if (step->wanted && !step->wanted(s->ctx)) continue;
        e = job_step_begin(s->ctx, step->name);
        if (!e) e = job_step_end(s->ctx, step->run(s));
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
    enum err e = ERR_OK;
    for (size_t i = 0; i < PARTS_MAX && recipe->parts[i] && !e; i++)
        e = run_part(&s, recipe->parts[i]);
    if (e) record_failure(&s);
    struct err_info failed = *err_last();
    enum err left = session_close(&s);
    if (e) return err_restore(&failed);
    return left ? tell_leave(ctx, left) : ERR_OK;
}
