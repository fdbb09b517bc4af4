#include "service/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/base/clock.h"
#include "service/base/log_json.h"
#include "service/base/metrics.h"

enum {
    JSON_LINE = 12 * 1024, /* all bytes of a line's values may need an escape */
    CONTEXT = 48
};

static _Atomic enum log_level threshold = LOG_INFO;
static atomic_bool json;
static _Thread_local char request[CONTEXT], job[CONTEXT];
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, level);
}

void log_set_json(bool on)
{
    atomic_store(&json, on);
}

bool log_level_parse(const char *name, enum log_level *level_out)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *level_out = (enum log_level)i;
        return true;
    }
    return false;
}

static void keep(char out[CONTEXT], const char *id)
{
    size_t n = strnlen(id, CONTEXT - 1);
    memcpy(out, id, n);
    out[n] = '\0';
}

void log_context(const char *request_id, const char *job_id)
{
    keep(request, request_id);
    keep(job, job_id);
}

/* Values come from outside: no byte may start a line of its own or move a terminal's cursor. */
static size_t escape(char *out, size_t cap, const char *in)
{
    size_t n = 0;
    for (; *in && n + 5 < cap; in++) {
        unsigned char c = (unsigned char)*in;
        if (c >= 0x20 && c != 0x7f)
            out[n++] = (char)c;
        else
            n += (size_t)snprintf(out + n, 5, "\\x%02x", (unsigned)c);
    }
    return n;
}

static size_t as_text(const struct log_line *l, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s %s %s %s", l->time, l->level, l->thread, l->message);
    if (l->request[0]) n += (size_t)snprintf(out + n, cap - n, " request=%s", l->request);
    if (l->job[0]) n += (size_t)snprintf(out + n, cap - n, " job=%s", l->job);
    if (l->values[0]) out[n++] = ' ';
    return n + escape(out + n, cap - n - 1, l->values);
}

static void write_line(char *text, size_t n)
{
    text[n] = '\n';
    ssize_t w = write(STDERR_FILENO, text, n + 1); /* one write: lines of threads do not mix */
    (void)w;
}

/* Apart from the other form, so that its room is on no stack that does not need it. */
static __attribute__((noinline)) void write_json(const struct log_line *l)
{
    char text[JSON_LINE];
    write_line(text, log_json(l, text, sizeof text));
}

static __attribute__((noinline)) void write_text(const struct log_line *l)
{
    char text[2048];
    write_line(text, as_text(l, text, sizeof text));
}

void log_at(enum log_level level, const char *msg, const char *fmt, ...)
{
    if (level == LOG_ERROR) metrics_add(METRIC_LOG_ERRORS, 1);
    if (level == LOG_WARN) metrics_add(METRIC_LOG_WARNINGS, 1);
    if (level > atomic_load(&threshold)) return;
    char values[1536] = "", time[CLOCK_TEXT], thread[16] = "";
    if (fmt) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(values, sizeof values, fmt, ap);
        va_end(ap);
    }
    clock_format(clock_now_ms(), time);
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    const struct log_line l = {.time = time,
                               .level = names[level],
                               .thread = thread,
                               .message = msg,
                               .request = request,
                               .job = job,
                               .fmt = fmt,
                               .values = values};
    if (atomic_load(&json))
        write_json(&l);
    else
        write_text(&l);
}
