#include "service/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/base/clock.h"
#include "service/base/metrics.h"

static _Atomic enum log_level threshold = LOG_INFO;
enum { CONTEXT = 48 };
static _Thread_local char request[CONTEXT], job[CONTEXT];
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, level);
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

void log_at(enum log_level level, const char *msg, const char *fmt, ...)
{
    if (level == LOG_ERROR) metrics_add(METRIC_LOG_ERRORS, 1);
    if (level == LOG_WARN) metrics_add(METRIC_LOG_WARNINGS, 1);
    if (level > atomic_load(&threshold)) return;
    char values[1536] = "", line[2048], time[CLOCK_TEXT], thread[16] = "";
    if (fmt) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(values, sizeof values, fmt, ap);
        va_end(ap);
    }
    clock_format(clock_now_ms(), time);
    pthread_getname_np(pthread_self(), thread, sizeof thread);
    size_t n = (size_t)snprintf(line, sizeof line, "%s %s %s %s", time, names[level], thread, msg);
    if (request[0]) n += (size_t)snprintf(line + n, sizeof line - n, " request=%s", request);
    if (job[0]) n += (size_t)snprintf(line + n, sizeof line - n, " job=%s", job);
    if (values[0]) line[n++] = ' ';
    n += escape(line + n, sizeof line - n - 1, values);
    line[n++] = '\n';
    ssize_t w = write(STDERR_FILENO, line, n); /* one write: lines of threads do not mix */
    (void)w;
}
