/* transcript: one burst is open at a time and is written when it ends, so the file is always whole
 * lines. */
#include "tests/board/transcript.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/board/lane.h"
#include "tests/board/loop.h"

enum { BURST_MAX = 1 << 16 };
#define QUIET_NS 5000000ULL

struct transcript {
    FILE *file;
    struct timer *quiet;
    uint64_t start_ns;
    uint64_t burst_ns;
    const char *dir;
    char port[16];
    struct lane burst;
};

static void end_burst(struct transcript *t)
{
    if (t->burst.len == 0) return;
    fprintf(t->file, "{\"ms\": %llu, \"dir\": \"%s\", \"port\": \"%s\", \"hex\": \"",
            (unsigned long long)((t->burst_ns - t->start_ns) / 1000000), t->dir, t->port);
    for (size_t i = 0; i < t->burst.len; i++)
        fprintf(t->file, "%02x", t->burst.data[t->burst.head + i]);
    fputs("\"}\n", t->file);
    fflush(t->file);
    lane_clear(&t->burst);
}

static void on_quiet(void *arg)
{
    end_burst(arg);
}

struct transcript *transcript_open(struct loop *l, const char *path, const char *firmware)
{
    struct transcript *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->start_ns = loop_now_ns();
    t->quiet = timer_new(l, on_quiet, t);
    t->file = fopen(path, "we");
    if (!t->file || !t->quiet) {
        fprintf(stderr, "espboard: transcript %s: %s\n", path, strerror(errno));
        transcript_close(t);
        return NULL;
    }
    fprintf(t->file,
            "{\"meta\": {\"firmware\": \"%s\", \"what\": \"simulated board\", \"baud\": "
            "115200, \"ms\": \"since power-on\"}}\n",
            firmware);
    fflush(t->file);
    return t;
}

void transcript_close(struct transcript *t)
{
    if (!t) return;
    if (t->file) {
        end_burst(t);
        fclose(t->file);
    }
    timer_free(t->quiet);
    lane_dispose(&t->burst);
    free(t);
}

void transcript_bytes(struct transcript *t, const char *dir, const char *port, const uint8_t *data,
                      size_t n)
{
    if (!t || n == 0) return;
    if (t->burst.len > 0 && (strcmp(t->dir, dir) != 0 || strcmp(t->port, port) != 0)) end_burst(t);
    uint64_t now = loop_now_ns();
    if (t->burst.len == 0) {
        t->burst_ns = now;
        t->dir = dir;
        snprintf(t->port, sizeof t->port, "%s", port);
    }
    lane_push(&t->burst, data, n, SIZE_MAX / 2, now);
    if (t->burst.len >= BURST_MAX) end_burst(t);
    timer_arm(t->quiet, QUIET_NS);
}

void transcript_note(struct transcript *t, const char *text)
{
    if (!t) return;
    end_burst(t);
    fprintf(t->file, "{\"ms\": %llu, \"note\": \"%s\"}\n",
            (unsigned long long)((loop_now_ns() - t->start_ns) / 1000000), text);
    fflush(t->file);
}
