#include "service/jobs/wire.h"

void wire_begin(struct session *s)
{
    s->wire = (struct wire_start){.out = s->download->bytes_out,
                                  .in = s->download->bytes_in,
                                  .written = flasher_written(s->flasher),
                                  .erased = flasher_erased(s->flasher),
                                  .commands = flasher_commands(s->flasher),
                                  .retries = flasher_retries(s->flasher),
                                  .ns = deadline_now_ns()};
}

static void set(json_t *object, const char *key, uint64_t n)
{
    json_object_set_new(object, key, json_integer((json_int_t)n));
}

void wire_report(const struct session *s, json_t *object)
{
    set(object, "bytes_out", s->download->bytes_out - s->wire.out);
    set(object, "bytes_in", s->download->bytes_in - s->wire.in);
    set(object, "commands", flasher_commands(s->flasher) - s->wire.commands);
    set(object, "retries", flasher_retries(s->flasher) - s->wire.retries);
    set(object, "baud", flasher_baud(s->flasher));
    set(object, "slowdowns", flasher_slowdowns(s->flasher));
    set(object, "ms", (uint64_t)(deadline_now_ns() - s->wire.ns) / 1000000);
}

void wire_report_changes(const struct session *s, json_t *object)
{
    set(object, "written_bytes", flasher_written(s->flasher) - s->wire.written);
    set(object, "erased_bytes", flasher_erased(s->flasher) - s->wire.erased);
}

enum err wire_read(struct session *s, uint32_t offset, uint8_t *out, uint32_t n)
{
    struct wire_part all = {.session = s, .total = n, .size = n};
    s->download->mute = true;
    enum err e = flasher_read(s->flasher, offset, out, n, wire_part_done, &all);
    s->download->mute = false;
    return e;
}

void wire_part_done(size_t done, size_t total, void *arg)
{
    const struct wire_part *p = arg;
    uint64_t here = total ? (uint64_t)p->size * done / total : p->size;
    session_progress((size_t)(p->before + here), (size_t)p->total, p->session);
}
