/* Any bytes as the body of POST /v1/jobs: refused with at least one fault, or a command within its
 * limits. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "service/base/limits.h"
#include "service/jobs/command.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What only flash, read and erase have. */
static void check_flash(const struct command *c)
{
    bool flash = c->kind == COMMAND_FLASH;
    bool place = c->kind == COMMAND_READ || c->kind == COMMAND_ERASE;
    assert(c->image_count <= LIMIT_FLASH_IMAGES);
    assert(flash == (c->firmware[0] || c->image_count));
    assert(!c->firmware[0] || !c->image_count);
    for (size_t i = 0; i < c->image_count; i++) {
        const struct command_image *m = &c->images[i];
        assert(!m->firmware[0] != !(m->image[0] && m->file[0]));
        assert(m->placed || m->image[0]);
        assert(m->place.offset % 4096 == 0);
    }
    assert(place == (c->whole || c->place.partition[0] || c->place.size));
    assert(c->whole + (c->place.partition[0] != 0) + (c->place.size != 0) <= 1);
    assert(c->overwrite <= 7 && (flash || c->kind == COMMAND_ERASE || !c->overwrite));
}

/* What is said of a board. */
static void check_board(const struct command *c)
{
    assert(c->target.kind < TARGET_KINDS && c->target.index < TARGET_INDEXES);
    assert(!c->target.index || target_is_indexed(c->target.kind));
    assert(c->expected.kind <= LAYOUT_MFG_NVS);
    assert(!c->expected.module[0] == !c->expected.release[0]);
    assert(!c->expected.kind || !c->expected.module[0]);
    assert((c->kind == COMMAND_RESTORE) == (c->backup[0] != 0));
    assert(c->kind != COMMAND_PROVISION || c->target.kind == TARGET_MQTT ||
           c->level < LEVEL_CONNECT);
}

static void check(const struct command *c)
{
    char text[sizeof c->mqtt.client_id];
    assert(c->slot[0] && strlen(c->slot) < sizeof c->slot);
    assert(c->kind <= COMMAND_RESTORE && c->method <= METHOD_AT && c->level <= LEVEL_PUBLISH);
    assert(c->timeout_s >= 5 && c->timeout_s <= LIMIT_JOB_SECONDS);
    assert(c->at_line_count <= COMMAND_AT_LINES);
    assert((c->kind == COMMAND_AT) == (c->at_line_count > 0));
    assert(c->level == LEVEL_NONE || c->wifi.ssid[0]);
    assert(c->level < LEVEL_CONNECT || c->mqtt.host[0] || c->cloud);
    assert(!c->host_check || c->mqtt.host[0] || c->cloud);
    assert(!c->cloud || c->kind == COMMAND_PROVISION || c->kind == COMMAND_CHECK);
    assert(!c->cloud || c->cloud->cloud[0]);
    assert(c->mqtt.scheme >= 1 && c->mqtt.scheme <= 5 && c->mqtt.port >= 1);
    check_flash(c);
    check_board(c);
    const struct command_words words = {"240ac4123456", c->slot, "t"};
    assert(!command_expand(c->mqtt.topic, &words, text, sizeof c->mqtt.topic));
    assert(!command_expand(c->mqtt.client_id, &words, text, sizeof text));
}

/* The same bytes as the settings of a profile. */
static void check_settings(const uint8_t *data, size_t n)
{
    struct field_errors errors = {.count = 0};
    json_t *settings;
    if (json_in_text((const char *)data, n, &settings)) return;
    enum err e = command_judge_settings(settings, &errors);
    assert(e == ERR_MEM || !e == !errors.count);
    json_decref(settings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct command c;
    struct field_errors errors;
    enum err e = command_parse((const char *)data, n, &c, &errors);
    if (!e) {
        assert(errors.count == 0);
        check(&c);
        command_dispose(&c);
    } else if (e == ERR_ARG) {
        assert(strcmp(err_last()->code, errors.count ? "bad_body" : "bad_json") == 0);
    }
    check_settings(data, n);
    return 0;
}
